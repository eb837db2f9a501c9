/* A folder's archive as a content source. */
#ifndef FILES_ARCHIVE_SOURCE_H
#define FILES_ARCHIVE_SOURCE_H

#include "files/archive.h"
#include "files/piece_source.h"

struct root;

/* Reads the folder and makes the first piece, off the loop, then calls `done`, unless the exchange's owner
 * is gone by then. What `options` borrow must live as long as the exchange; its `budget` and
 * `is_abandoned` are set here. Returns 0, or -errno if it could not begin: -EAGAIN if the worker is
 * already sending the maximum number of archives. */
int archive_source_begin(struct exchange *exchange, struct root *root, struct archive_options *options,
                         piece_source_done *done) MUST_CHECK;

/* Appends the value of Content-Disposition for the archive of a folder with that name (RFC 6266): a plain
 * ASCII name for all clients, and the full name (RFC 8187). */
void archive_append_disposition(struct buffer *out, struct slice name);

#endif
