/* Sources of content that comes from exchange->file. */
#ifndef FILES_FILE_SOURCE_H
#define FILES_FILE_SOURCE_H

#include "disk/file.h"
#include "serve/source.h"

/* `length` bytes of the file from `first` on; there are so many. Lives in the exchange. */
struct source *source_of_file(struct exchange *exchange, uint64_t first, uint64_t length);

/* The same bytes as a part of what source_of_file_parts makes; not empty. */
struct segment file_segment(const struct file *file, uint64_t first, uint64_t length);

/* Parts of the file and other memory, one after the other, none of them empty. `parts` must live as long as
 * the exchange; it is used up. */
struct source *source_of_file_parts(struct exchange *exchange, struct segment *parts, size_t part_count);

#endif
