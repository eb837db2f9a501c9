/* Gathers ready responses into as few sends as possible: responses to pipelined requests that were answered
 * at once are sent together. An exchange ends when the kernel has its last byte. */
#include "front/h1_output.h"

#include "front/front.h"
#include "front/h1_exchange.h"
#include "serve/dispatch.h"

static enum send_result h1_output_send_output(struct h1_connection *connection,
                                              const struct h1_output *output)
{
    if (output->count == 0)
        return SEND_DONE;
    /* If the connection ends before all is sent, h1_output_give_up subtracts the rest. */
    front_of(connection)->counters->bytes_sent += output->bytes;
    enum send_result result = transport_send(&connection->base.stream, output->segments, output->count);
    front_client_note_given(&connection->base.client, output->bytes);
    return result;
}

void h1_output_give_up(struct h1_connection *connection, enum outcome why)
{
    uint64_t unsent = transport_unsent(&connection->base.stream);
    struct list *exchanges = &connection->session.exchanges;
    for (struct list *link = exchanges->previous; link != exchanges; link = link->previous) {
        struct exchange *exchange = CONTAINER_OF(link, struct exchange, link);
        uint64_t lost = MIN(unsent, exchange->given_bytes);
        exchange->given_bytes -= lost;
        front_of(connection)->counters->bytes_sent -= lost;
        unsent -= lost;
        bool is_whole = exchange->is_sent && lost == 0;
        if (!is_whole && exchange->outcome == OUTCOME_COMPLETE)
            exchange->outcome = (uint8_t)why;
    }
}

static enum h1_gathered h1_output_gather(struct h1_connection *connection, struct h1_output *output)
{
    enum h1_gathered gathered = h1_exchange_gather(&connection->session.exchanges, output);
    if (UNLIKELY(gathered == H1_GATHERED_LAST || gathered == H1_GATHERED_CUT))
        connection->session.is_closing = true;
    if (UNLIKELY(gathered == H1_GATHERED_CUT))
        connection->session.cuts = true;
    return gathered;
}

/* Nothing but a tunnel whose head is sent keeps a sent exchange without content in the list. */
static bool h1_output_is_tunnel(const struct list *exchanges)
{
    const struct exchange *first = CONTAINER_OF(exchanges->next, struct exchange, link);
    return UNLIKELY(first->tunnel != NULL) && first->is_sent;
}

enum h1_output_result h1_output_flush(struct h1_connection *connection)
{
    enum h1_gathered gathered = H1_GATHERED_FULL;
    if (transport_is_sending(&connection->base.stream))
        return H1_OUTPUT_WAITING;
    for (;;) {
        if (dispatch_end_sent(&connection->session.exchanges))
            return H1_OUTPUT_CLOSING;
        if (list_is_empty(&connection->session.exchanges))
            return H1_OUTPUT_EMPTY;
        if (h1_output_is_tunnel(&connection->session.exchanges))
            return H1_OUTPUT_TUNNEL;
        if (gathered == H1_GATHERED_WAIT)
            return H1_OUTPUT_WAITING;
        struct segment segments[STREAM_SEGMENTS_MAX];
        struct h1_output output = {.segments = segments, .count_max = STREAM_SEGMENTS_MAX};
        gathered = h1_output_gather(connection, &output);
        switch (h1_output_send_output(connection, &output)) {
        case SEND_DONE: break;
        case SEND_PENDING: return H1_OUTPUT_WAITING;
        case SEND_FAILED: return H1_OUTPUT_FAILED;
        }
    }
}
