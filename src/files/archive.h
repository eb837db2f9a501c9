/* A folder with all that is in it as a tar archive (POSIX.1-2001: ustar, with pax records where a name is too
 * long for that, a file too large or a time too early), written a piece at a time.
 *
 * In it is what listings show: folders, regular files, and symbolic links to files in reach, as files. Links
 * to folders are left out, since they may lead in circles; and what vanished or cannot be read. Owners are
 * left out; modes are 0755 for folders and what its owner may execute, else 0644.
 *
 * A file that grows meanwhile is cut at the size that stands in front of it. Of one that shrinks the promised
 * bytes cannot be had: then the archive ends half-way, as it does where a tree is deeper or larger than the
 * bounds, so that no client takes what it got for the whole.
 *
 * archive_open and archive_write block: call them on the offload pool. */
#ifndef FILES_ARCHIVE_H
#define FILES_ARCHIVE_H

#include "base/buffer.h"
#include "disk/folder_entries.h"

#include <limits.h>

/* Folders in each other, and all that is in the archive. */
#define ARCHIVE_DEPTH_MAX   64
#define ARCHIVE_ENTRIES_MAX 1000000

/* Entries are added to a piece up to here, and what one entry may add: its headers. */
#define ARCHIVE_PIECE_BYTES     (128u << 10)
#define ARCHIVE_PIECE_BYTES_MAX (ARCHIVE_PIECE_BYTES + (16u << 10))

struct archive_options {
    struct reach reach; /* of the root */
    const char *folder; /* beneath the root, NUL-terminated, "." for the root itself */
    struct slice name;  /* of the folder in the archive; no '/' in it, not empty */
    bool hidden;        /* names that begin with '.', too */
    struct folder_budget *budget;
    const atomic_bool *is_abandoned; /* see struct folder_query */
};

struct archive_level {
    struct folder_entries entries;
    size_t next;        /* of these */
    size_t path_length; /* of the folder */
};

struct archive {
    struct archive_options options;
    struct archive_level levels[ARCHIVE_DEPTH_MAX]; /* the folders that are being walked through */
    size_t depth;                                   /* of these */
    size_t count;                                   /* of entries written */
    char path[PATH_MAX];                            /* of the current folder, beneath the root */
    int fd;                                         /* of the current file, or -1 */
    uint64_t offset;                                /* in it */
    uint64_t size;                                  /* of it, as promised */
    int64_t modified_seconds;                       /* of the whole folder */
    bool is_begun;
    bool is_ended;
};

/* The options are there; what they borrow must live as long as the archive. */
void archive_init(struct archive *archive, const struct archive_options *options);

/* Reads the folder. Returns 0 or -errno as folder_entries_read. */
int archive_open(struct archive *archive) MUST_CHECK;

/* Appends the next piece to `out`, which is empty and may take ARCHIVE_PIECE_BYTES_MAX; after the last
 * is_ended is set. Returns 0, -errno, ERROR_CHANGED where a file shrank, ERROR_LIMIT past the bounds. */
int archive_write(struct archive *archive, struct buffer *out) MUST_CHECK;

/* Right after archive_init, too. */
void archive_close(struct archive *archive);

#endif
