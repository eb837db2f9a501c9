/* A folder's archive as a source of content. */
#ifndef FILES_ARCHIVE_SOURCE_H
#define FILES_ARCHIVE_SOURCE_H

#include "files/archive.h"
#include "files/piece_source.h"

struct root;

/* Reads the folder and makes the first piece, off the loop, then calls `done`, unless the owner is gone by
 * then. What `options` borrow must live as long as the exchange; the budget and is_abandoned in it are set
 * here. Returns 0, or -errno where it could not begin: -EAGAIN while the worker is sending as many as it may.
 */
int archive_source_begin(struct exchange *exchange, struct root *root, struct archive_options *options,
                         piece_source_done *done) MUST_CHECK;

/* Appends the value of Content-Disposition for the archive of a folder of that name (RFC 6266): a name of
 * harmless ASCII for everybody, and the whole one (RFC 8187). */
void archive_append_disposition(struct buffer *out, struct slice name);

#endif
