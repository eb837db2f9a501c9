/* Content sources that read exchange->file. */
#ifndef FILES_FILE_SOURCE_H
#define FILES_FILE_SOURCE_H

#include "disk/file.h"
#include "serve/source.h"

/* A source of `length` bytes of the file from offset `first` on; they must exist. Lives in the exchange. */
struct source *source_of_file(struct exchange *exchange, uint64_t first, uint64_t length);

/* The same bytes as a segment for source_of_file_parts; must not be empty. */
struct segment file_segment(const struct file *file, uint64_t first, uint64_t length);

/* A source of parts of the file and of memory, in order, none of them empty. `parts` must live as long as
 * the exchange and is modified. */
struct source *source_of_file_parts(struct exchange *exchange, struct segment *parts, size_t part_count);

#endif
