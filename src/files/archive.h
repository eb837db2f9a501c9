/* A folder with everything in it as a tar archive (POSIX.1-2001: ustar, with pax records if a name is too
 * long, a file too large or a time too early for it), written piece by piece.
 *
 * It contains what listings show: folders, regular files, and symbolic links to files within reach, as
 * files. Left out are links to folders, since they may form loops, entries that vanished or cannot be
 * read, and owners. Modes are 0755 for folders and files that their owner may execute, otherwise 0644.
 *
 * A file that grows meanwhile is cut at the size in its header. If a file shrinks, the promised bytes do
 * not exist, and the archive ends prematurely, as it does if the tree is deeper or larger than the limits;
 * so no client mistakes it for complete.
 *
 * archive_open and archive_write block: call them on the offload pool. */
#ifndef FILES_ARCHIVE_H
#define FILES_ARCHIVE_H

#include "base/buffer.h"
#include "disk/folder_entries.h"

#include <limits.h>

/* Limits on nested folders, and on entries in the archive. */
#define ARCHIVE_DEPTH_MAX   64
#define ARCHIVE_ENTRIES_MAX 1000000

/* Entries are added to a piece up to this size; one entry may exceed it by the size of its headers. */
#define ARCHIVE_PIECE_BYTES     (128u << 10)
#define ARCHIVE_PIECE_BYTES_MAX (ARCHIVE_PIECE_BYTES + (16u << 10))

struct archive_options {
    struct reach reach; /* of the root */
    const char *folder; /* beneath the root, NUL-terminated, "." for the root itself */
    struct slice name;  /* of the folder in the archive; no '/' in it, not empty */
    bool hidden;        /* include names that begin with '.' */
    struct folder_budget *budget;
    const atomic_bool *is_abandoned; /* see struct folder_query */
};

struct archive_level {
    struct folder_entries entries;
    size_t next;        /* index of the next entry */
    size_t path_length; /* of the folder's path in `path` */
};

struct archive {
    struct archive_options options;
    struct archive_level levels[ARCHIVE_DEPTH_MAX]; /* the folders being walked, outermost first */
    size_t depth;                                   /* of these */
    size_t count;                                   /* of entries written */
    char path[PATH_MAX];                            /* of the current folder, beneath the root */
    int fd;                                         /* of the current file, or -1 */
    uint64_t offset;                                /* in the current file */
    uint64_t size;                                  /* of the current file, as promised in its header */
    int64_t modified_seconds;                       /* of the whole folder */
    bool is_begun;
    bool is_ended;
};

/* Sets the options; what they borrow must live as long as the archive. */
void archive_init(struct archive *archive, const struct archive_options *options);

/* Reads the folder. Returns 0, or -errno like folder_entries_read. */
int archive_open(struct archive *archive) MUST_CHECK;

/* Appends the next piece to `out`, which must be empty and have room for ARCHIVE_PIECE_BYTES_MAX; after
 * the last piece is_ended is set. Returns 0, -errno, ERROR_CHANGED if a file shrank, or ERROR_LIMIT if a
 * limit was exceeded. */
int archive_write(struct archive *archive, struct buffer *out) MUST_CHECK;

/* May be called right after archive_init, too. */
void archive_close(struct archive *archive);

#endif
