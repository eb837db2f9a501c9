/* The pieces of a listing are made on the offload pool. Two buffers take turns: while the one is being sent
 * the next piece is made in the other, and no more than these is ever there, however slowly the client reads.
 */
#include "files/listing_source.h"

#include "disk/root.h"
#include "files/files.h"

#include <errno.h>

struct listing_source {
    struct source source;
    struct listing listing;
    struct job_queue *queue;
    listing_done *done;
    struct buffer pieces[2];
    uint8_t turn;  /* which of the two was made last */
    bool is_ready; /* it was not given yet */
    size_t given;  /* of its bytes */
    int error;
};

static struct listing_source *listing_source_of(struct source *source)
{
    return CONTAINER_OF(source, struct listing_source, source);
}

/* On the pool: into the buffer whose turn it is. */
static void make_piece(struct listing_source *listing)
{
    struct buffer *piece = &listing->pieces[listing->turn];
    buffer_clear(piece);
    listing_write(&listing->listing, piece);
    listing->error = piece->failed ? -ENOMEM : 0;
}

static void work_on_piece(void *context)
{
    make_piece(context);
}

static void piece_is_made(void *context)
{
    struct listing_source *listing = context;
    listing->is_ready = true;
    listing->given = 0;
}

static enum source_result begin_piece(struct listing_source *listing)
{
    listing->turn ^= 1;
    listing->error = -EAGAIN; /* what it is when the job finds no room in the pool after all */
    int error =
        exchange_offload(listing->source.exchange, listing->queue, work_on_piece, piece_is_made, listing);
    return error < 0 ? source_fail(&listing->source, error) : SOURCE_WAIT;
}

static enum source_result listing_next(struct source *source, size_t bytes_max, struct segment *ret_segment)
{
    struct listing_source *listing = listing_source_of(source);
    if (!listing->is_ready)
        return listing->listing.stage == LISTING_END ? SOURCE_END : begin_piece(listing);
    if (listing->error < 0)
        return source_fail(source, listing->error);
    struct slice rest = slice_skip(buffer_slice(&listing->pieces[listing->turn]), listing->given);
    struct slice given = slice_take(rest, MIN(rest.length, bytes_max));
    listing->given += given.length;
    listing->is_ready = given.length < rest.length;
    *ret_segment = segment_memory(given);
    return SOURCE_GIVEN;
}

static void listing_source_close(struct source *source)
{
    struct listing_source *listing = listing_source_of(source);
    listing_close(&listing->listing);
    buffer_finish(&listing->pieces[0]);
    buffer_finish(&listing->pieces[1]);
}

static const struct source_type listing_type = {.next = listing_next, .close = listing_source_close};

static void work_on_first(void *context)
{
    struct listing_source *listing = context;
    listing->error = listing_open(&listing->listing, listing->listing.options);
    if (listing->error == 0)
        make_piece(listing);
}

static void first_is_made(void *context)
{
    struct listing_source *listing = context;
    struct exchange *exchange = listing->source.exchange;
    piece_is_made(listing);
    bool is_whole = listing->listing.stage == LISTING_END;
    listing->source.length = is_whole ? listing->pieces[0].length : HTTP_LENGTH_UNKNOWN;
    if (listing->error == 0 && exchange->owner) {
        listing->done(exchange, &listing->source, 0);
        return;
    }
    source_close(&listing->source);
    if (exchange->owner)
        listing->done(exchange, NULL, listing->error);
}

int listing_source_begin(struct exchange *exchange, struct root *root, struct listing_options *options,
                         listing_done *done)
{
    struct listing_source *listing = arena_alloc(&exchange->arena, sizeof(*listing));
    if (listing == NULL)
        return -ENOMEM;
    options->budget = &files_of(exchange)->listing_budget;
    options->is_abandoned = &exchange->is_abandoned;
    *listing = (struct listing_source){
        .source = {.type = &listing_type, .exchange = exchange},
        .listing = {.options = options},
        .queue = root->is_local ? &files_of(exchange)->listings : &root->remote_jobs,
        .done = done,
        .error = -EAGAIN, /* what it is when the job finds no room in the pool after all */
    };
    buffer_init(&listing->pieces[0], LISTING_PIECE_BYTES_MAX);
    buffer_init(&listing->pieces[1], LISTING_PIECE_BYTES_MAX);
    return exchange_offload(exchange, listing->queue, work_on_first, first_is_made, listing);
}
