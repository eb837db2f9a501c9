/* A folder's listing as a content source. */
#ifndef FILES_LISTING_SOURCE_H
#define FILES_LISTING_SOURCE_H

#include "files/listing.h"
#include "files/piece_source.h"

struct root;

/* Reads the folder and makes the first piece, off the loop, then calls `done`, unless the exchange's owner
 * is gone by then. `options` must live as long as the exchange; its `budget` and `is_abandoned` are set
 * here. Returns 0, or -errno if it could not begin. */
int listing_source_begin(struct exchange *exchange, struct root *root, struct listing_options *options,
                         piece_source_done *done) MUST_CHECK;

#endif
