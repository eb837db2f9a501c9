/* A listing as a source that is made piece by piece (files/piece_source.h). Its state lives in the exchange's
 * arena. */
#include "files/listing_source.h"

#include "disk/root.h"
#include "files/files.h"

#include <errno.h>

static int open_listing(void *maker)
{
    struct listing *listing = maker;
    return listing_open(listing, listing->options);
}

static int listing_source_make_piece(void *maker, struct buffer *out)
{
    listing_write(maker, out);
    return out->failed ? -ENOMEM : 0;
}

static bool listing_source_is_ended(const void *maker)
{
    const struct listing *listing = maker;
    return listing->stage == LISTING_END;
}

static void close_listing(void *maker)
{
    listing_close(maker);
}

static const struct piece_maker_type listing_maker = {
    .open = open_listing,
    .make = listing_source_make_piece,
    .is_ended = listing_source_is_ended,
    .close = close_listing,
    .piece_bytes_max = LISTING_PIECE_BYTES_MAX,
};

int listing_source_begin(struct exchange *exchange, struct root *root, struct listing_options *options,
                         piece_source_done *done)
{
    struct files *files = files_of(exchange);
    struct listing *listing = arena_zalloc(&exchange->arena, sizeof(*listing));
    if (listing == NULL)
        return -ENOMEM;
    options->budget = &files->listing_budget;
    options->shelf = &files->listing_shelf;
    options->is_abandoned = &exchange->is_abandoned;
    listing->options = options;
    struct job_queue *queue = root->is_local ? &files->listings : root_jobs(root, false);
    return piece_source_begin(exchange, queue, &listing_maker, listing, done);
}
