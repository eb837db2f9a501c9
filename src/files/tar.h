/* Headers of a tar archive: POSIX.1-2001, "pax Interchange Format". */
#ifndef FILES_TAR_H
#define FILES_TAR_H

#include "base/buffer.h"

#define TAR_BLOCK_BYTES 512u

struct tar_entry {
    struct slice name; /* of a folder: ends with '/' */
    uint64_t size;     /* 0 for a folder */
    int64_t modified_seconds;
    bool is_folder;
    bool is_executable;
};

/* Appends the entry's header, preceded by a pax header if needed. On failure `out` is marked as failed. */
void tar_append_header(struct buffer *out, const struct tar_entry *entry);

/* Appends the padding of the last block after content of `size` bytes. */
void tar_append_padding(struct buffer *out, uint64_t size);

/* Appends the end of an archive. */
void tar_append_end(struct buffer *out);

#endif
