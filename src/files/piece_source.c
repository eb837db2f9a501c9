/* The pieces are made on the offload pool. There are two buffers: while one is being sent, the next piece
 * is made in the other; there are never more, however slowly the client reads. */
#include "files/piece_source.h"

#include "serve/exchange.h"

#include <errno.h>

struct piece_source {
    struct source source;
    const struct piece_maker_type *type;
    void *maker;
    struct job_queue *queue;
    piece_source_done *done;
    struct buffer pieces[2];
    uint8_t turn;  /* the one that was made last */
    bool is_ready; /* it was made and not handed out yet */
    size_t given;  /* bytes of it handed out */
    int error;
};

static struct piece_source *piece_source_of(struct source *source)
{
    return CONTAINER_OF(source, struct piece_source, source);
}

/* On the pool: makes the next piece in the buffer selected by `turn`. */
static void piece_source_make_piece(struct piece_source *pieces)
{
    struct buffer *piece = &pieces->pieces[pieces->turn];
    buffer_clear(piece);
    pieces->error = pieces->type->make(pieces->maker, piece);
}

static void work_on_piece(void *context)
{
    piece_source_make_piece(context);
}

static void piece_is_made(void *context)
{
    struct piece_source *pieces = context;
    pieces->is_ready = true;
    pieces->given = 0;
}

static enum source_result begin_piece(struct piece_source *pieces)
{
    pieces->turn ^= 1;
    pieces->error = -EAGAIN; /* the result if the pool has no room for the job after all */
    int error =
        exchange_offload(pieces->source.exchange, pieces->queue, work_on_piece, piece_is_made, pieces);
    return error < 0 ? source_fail(&pieces->source, error) : SOURCE_WAIT;
}

static enum source_result pieces_next(struct source *source, size_t bytes_max, struct segment *ret_segment)
{
    struct piece_source *pieces = piece_source_of(source);
    if (!pieces->is_ready)
        return pieces->type->is_ended(pieces->maker) ? SOURCE_END : begin_piece(pieces);
    if (pieces->error < 0)
        return source_fail(source, pieces->error);
    struct slice rest = slice_skip(buffer_slice(&pieces->pieces[pieces->turn]), pieces->given);
    struct slice given = slice_take(rest, MIN(rest.length, bytes_max));
    pieces->given += given.length;
    pieces->is_ready = given.length < rest.length;
    *ret_segment = segment_memory(given);
    return SOURCE_GIVEN;
}

static void piece_source_close(struct source *source)
{
    struct piece_source *pieces = piece_source_of(source);
    pieces->type->close(pieces->maker);
    buffer_finish(&pieces->pieces[0]);
    buffer_finish(&pieces->pieces[1]);
}

static const struct source_type pieces_type = {.next = pieces_next, .close = piece_source_close};

static void work_on_first(void *context)
{
    struct piece_source *pieces = context;
    pieces->error = pieces->type->open(pieces->maker);
    if (pieces->error == 0)
        piece_source_make_piece(pieces);
}

static void first_is_made(void *context)
{
    struct piece_source *pieces = context;
    struct exchange *exchange = pieces->source.exchange;
    piece_is_made(pieces);
    bool is_whole = pieces->type->is_ended(pieces->maker);
    pieces->source.length = is_whole ? pieces->pieces[0].length : HTTP_LENGTH_UNKNOWN;
    if (pieces->error == 0 && exchange->owner) {
        pieces->done(exchange, &pieces->source, 0);
        return;
    }
    source_close(&pieces->source);
    if (exchange->owner)
        pieces->done(exchange, NULL, pieces->error);
}

int piece_source_begin(struct exchange *exchange, struct job_queue *queue,
                       const struct piece_maker_type *type, void *maker, piece_source_done *done)
{
    struct piece_source *pieces = arena_alloc(&exchange->arena, sizeof(*pieces));
    int error = -ENOMEM;
    if (pieces) {
        *pieces = (struct piece_source){
            .source = {.type = &pieces_type, .exchange = exchange},
            .type = type,
            .maker = maker,
            .queue = queue,
            .done = done,
            .error = -EAGAIN, /* the result if the pool has no room for the job after all */
        };
        buffer_init(&pieces->pieces[0], type->piece_bytes_max);
        buffer_init(&pieces->pieces[1], type->piece_bytes_max);
        error = exchange_offload(exchange, queue, work_on_first, first_is_made, pieces);
    }
    if (error < 0)
        type->close(maker);
    return error;
}
