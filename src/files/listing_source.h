/* A folder's listing as a source of content. */
#ifndef FILES_LISTING_SOURCE_H
#define FILES_LISTING_SOURCE_H

#include "files/listing.h"
#include "serve/source.h"

struct root;

/* With the source, whose length is known where its first piece is the last; or with NULL and -errno. */
typedef void listing_done(struct exchange *exchange, struct source *source, int error);

/* Reads the folder and makes the first piece, off the loop, then calls `done`, unless the owner is gone by
 * then. `options` must live as long as the exchange; the budget and is_abandoned in it are set here. Returns
 * 0, or -errno where it could not begin. */
int listing_source_begin(struct exchange *exchange, struct root *root, struct listing_options *options,
                         listing_done *done) MUST_CHECK;

#endif
