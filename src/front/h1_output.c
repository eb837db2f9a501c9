/* Responses that are ready are gathered into as few sends as possible: pipelined requests that were answered
 * at once leave together. An exchange ends when the kernel has its last byte. */
#include "front/h1_output.h"

#include "serve/dispatch.h"
#include "serve/exchange.h"
#include "server/server_internal.h"

/* Enough that the cost of a send is spread. */
#define BATCH_BYTES_MAX (4u << 20)

/* Of files that are not in memory, what a socket takes: what waits longer may not be in the page cache any
 * more when its turn comes. */
#define BATCH_FILE_BYTES_MAX (256u << 10)

/* What was gathered for one send. */
struct batch {
    struct segment segments[STREAM_SEGMENTS_MAX];
    size_t count;
    uint64_t bytes;
    uint64_t file_bytes; /* of these, in files */
};

static bool has_room(const struct batch *batch)
{
    return batch->count < STREAM_SEGMENTS_MAX && batch->bytes < BATCH_BYTES_MAX &&
           batch->file_bytes < BATCH_FILE_BYTES_MAX;
}

/* Adds the pieces of one response. PIECE_GIVEN: the batch is full. */
static enum piece_result add_response(struct batch *batch, struct exchange *exchange)
{
    if (!exchange->is_responded)
        return PIECE_WAIT;
    while (has_room(batch)) {
        struct segment *segment = &batch->segments[batch->count];
        enum piece_result result = exchange_next_piece(exchange, segment);
        if (result != PIECE_GIVEN)
            return result;
        exchange->given_bytes += segment->length;
        batch->bytes += segment->length;
        batch->file_bytes += segment->data ? 0 : segment->length;
        batch->count++;
    }
    return PIECE_GIVEN;
}

static void add_continue(struct batch *batch, struct exchange *exchange)
{
    if (!exchange->sends_continue)
        return;
    assert(batch->count < STREAM_SEGMENTS_MAX);
    exchange->sends_continue = false;
    struct segment interim = segment_memory(SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
    exchange->head_bytes += (uint32_t)interim.length;
    exchange->given_bytes += interim.length;
    batch->bytes += interim.length;
    batch->segments[batch->count++] = interim;
}

/* Gathers the responses that are ready; the result says why the batch is not longer. Where the rest of a
 * response cannot be had, it ends here and the connection with it: that is how the client learns that
 * something is missing. What stands before it is sent all the same. */
static enum piece_result gather(struct connection *connection, struct batch *batch)
{
    batch->count = 0;
    batch->bytes = batch->file_bytes = 0;
    LIST_FOREACH(link, &connection->exchanges) {
        struct exchange *exchange = CONTAINER_OF(link, struct exchange, link);
        add_continue(batch, exchange);
        enum piece_result result = add_response(batch, exchange);
        if (result == PIECE_FAILED)
            connection->is_closing = exchange->closes = true;
        else if (result != PIECE_END)
            return result;
        exchange->is_sent = true;
        if (exchange->closes)
            break;
    }
    return PIECE_END;
}

static enum send_result send_batch(struct connection *connection, const struct batch *batch)
{
    if (batch->count == 0)
        return SEND_DONE;
    /* What of it was not sent is taken off again when the connection ends before: see h1_output_give_up. */
    server_counters(connection->server)->bytes_sent += batch->bytes;
    enum send_result result = stream_send(&connection->stream, batch->segments, batch->count);
    if (connection->state == CONNECTION_SEND)
        connection->phase_bytes += batch->bytes;
    return result;
}

void h1_output_give_up(struct connection *connection, enum outcome why)
{
    uint64_t unsent = stream_unsent(&connection->stream);
    struct list *exchanges = &connection->exchanges;
    for (struct list *link = exchanges->previous; link != exchanges; link = link->previous) {
        struct exchange *exchange = CONTAINER_OF(link, struct exchange, link);
        uint64_t lost = MIN(unsent, exchange->given_bytes);
        exchange->given_bytes -= lost;
        server_counters(connection->server)->bytes_sent -= lost;
        unsent -= lost;
        bool is_whole = exchange->is_sent && lost == 0;
        if (!is_whole && exchange->outcome == OUTCOME_COMPLETE)
            exchange->outcome = (uint8_t)why;
    }
}

enum h1_output_result h1_output_flush(struct connection *connection)
{
    enum piece_result gathered = PIECE_GIVEN;
    if (stream_is_sending(&connection->stream))
        return H1_OUTPUT_WAITING;
    for (;;) {
        if (dispatch_end_sent(&connection->exchanges))
            return H1_OUTPUT_CLOSING;
        if (list_is_empty(&connection->exchanges))
            return H1_OUTPUT_EMPTY;
        if (gathered == PIECE_WAIT)
            return H1_OUTPUT_WAITING;
        struct batch batch;
        gathered = gather(connection, &batch);
        switch (send_batch(connection, &batch)) {
        case SEND_DONE: break;
        case SEND_PENDING: return H1_OUTPUT_WAITING;
        case SEND_FAILED: return H1_OUTPUT_FAILED;
        }
    }
}
