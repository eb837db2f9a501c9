/* Read h1_exchange_gather first, from there up.
 *
 * The head of a response is written when the response is given. For a response that is the same each time
 * except for its date, such as a file, the head is stored for reuse, right before the content if that is in
 * memory: both are then sent by one send(2) from one piece of memory. The stored date is overwritten once a
 * second, but only while no response is being sent from there, so that no client gets a mix of two dates.
 * Otherwise, and if a Connection header is needed, the head is sent in pieces around the old date. */
#include "front/h1_exchange.h"

#include "base/error.h"
#include "front/kept_head.h"
#include "front/trailers.h"
#include "h1/response_writer.h"
#include "serve/service.h"
#include "serve/source.h"
#include "serve/tunnel.h"

#include <errno.h>
#include <stdio.h>

/* Enough that the cost of a send is spread. */
#define OUTPUT_BYTES_MAX (4u << 20)

/* Most file bytes per output, about as much as a socket buffer takes: bytes that wait longer may have left
 * the page cache when they are sent. */
#define OUTPUT_FILE_BYTES_MAX (256u << 10)

/* Segments that h1_exchange_has_room guarantees: enough for interim responses and a chunk with its line. */
#define SEGMENTS_AT_ONCE 4

/* ---- heads ---- */

static enum h1_persistence persistence(const struct exchange *exchange)
{
    if (exchange->tunnel)
        return H1_PERSIST_UPGRADE;
    if (exchange->closes)
        return H1_PERSIST_CLOSE;
    return exchange->request.version_minor == 0 ? H1_PERSIST_KEEP_ALIVE : H1_PERSIST;
}

static void h1_exchange_begin_head(struct h1_exchange *h1)
{
    const struct source *source = h1->exchange.source;
    h1->head_count = h1->head_next = 0;
    h1->is_chunked = h1->has_chunk = false;
    h1->left = source ? source->length : 0;
}

/* Content of unknown length ends with the last chunk, or with the connection. */
static void choose_framing(struct h1_exchange *h1)
{
    struct exchange *exchange = &h1->exchange;
    struct http_response *response = &exchange->response;
    if (response->content_length != HTTP_LENGTH_UNKNOWN || response->no_length)
        return;
    bool has_content = exchange->source != NULL;
    if (exchange->request.version_minor > 0) {
        h1->is_chunked = has_content;
    } else {
        response->no_length = true;
        exchange->closes |= has_content;
    }
}

static void add_head(struct h1_exchange *h1, struct slice bytes)
{
    assert(h1->head_count < H1_HEAD_SEGMENTS_MAX);
    h1->exchange.head_bytes += (uint32_t)bytes.length;
    h1->head[h1->head_count++] = bytes;
}

/* Out of memory even for a head: closes the connection. */
static void h1_exchange_give_up(struct h1_exchange *h1)
{
    exchange_drop_content(&h1->exchange);
    h1->exchange.outcome = OUTCOME_OVERLOADED;
    h1->exchange.closes = true;
    h1->left = 0;
}

/* A response without headers may be due to lack of memory: its head is written where the headers would be. */
static char *room_for_head(struct exchange *exchange)
{
    const struct http_response *response = &exchange->response;
    size_t size = h1_response_size(response);
    if (response->field_count == 0 && size <= response->fields_max * sizeof(*response->fields))
        return (char *)response->fields;
    return arena_alloc(&exchange->arena, size);
}

static void h1_exchange_write_head(struct h1_exchange *h1)
{
    struct exchange *exchange = &h1->exchange;
    char *head = room_for_head(exchange);
    if (head == NULL) {
        h1_exchange_give_up(h1);
        return;
    }
    size_t length =
        h1_response_write(head, &exchange->response, service_date(exchange->service), persistence(exchange));
    add_head(h1, slice_make(head, length));
}

void h1_exchange_respond(struct exchange *exchange, struct http_kept_head *keep)
{
    struct h1_exchange *h1 = h1_exchange_of(exchange);
    h1_exchange_begin_head(h1);
    choose_framing(h1);
    if (UNLIKELY(exchange->tunnel != NULL))
        http_response_add(&exchange->response, http_field_text(HTTP_FIELD_UPGRADE),
                          exchange->tunnel->protocol);
    if (UNLIKELY(exchange->response.lacks_fields)) {
        h1_exchange_give_up(h1);
        return;
    }
    if (keep)
        kept_head_write(exchange, keep);
    h1_exchange_write_head(h1);
}

/* Other responses are sending the stored head: sends its two parts around the current date. Returns the part
 * that is still to be added. */
static struct slice add_with_date(struct h1_exchange *h1, const struct http_kept_head *kept,
                                  struct slice head)
{
    struct exchange *exchange = &h1->exchange;
    struct slice now = slice_make(service_date(exchange->service), HTTP_DATE_LENGTH);
    struct slice date = arena_copy(&exchange->arena, now);
    if (date.data == NULL)
        return head; /* a date that is a second old is better than none */
    add_head(h1, slice_take(head, kept->date_offset));
    add_head(h1, date);
    return slice_skip(head, kept->date_offset + HTTP_DATE_LENGTH);
}

/* Content that follows the stored head extends its last part, or becomes a part of its own. */
static void add_content_behind(struct h1_exchange *h1, const struct http_kept_head *kept)
{
    struct slice *last = &h1->head[h1->head_count - 1];
    if (last->data + last->length == kept->end)
        last->length += kept->content_bytes;
    else
        h1->head[h1->head_count++] = slice_make(kept->end, kept->content_bytes);
}

void h1_exchange_respond_kept(struct exchange *exchange, struct http_kept_head *kept, bool is_sole)
{
    struct h1_exchange *h1 = h1_exchange_of(exchange);
    struct slice head = slice_make(kept->end - kept->length, kept->length);
    int64_t now = loop_wall_seconds(exchange->service->loop);
    h1_exchange_begin_head(h1);
    if (UNLIKELY(kept->date != now) && is_sole) {
        memcpy(kept->end - kept->length + kept->date_offset, service_date(exchange->service),
               HTTP_DATE_LENGTH);
        kept->date = now;
    }
    if (UNLIKELY(kept->date != now))
        head = add_with_date(h1, kept, head);
    struct slice connection = h1_response_connection(persistence(exchange));
    if (LIKELY(connection.length == 0)) {
        add_head(h1, head);
    } else {
        add_head(h1, slice_take(head, head.length - 2));
        add_head(h1, connection);
        add_head(h1, SLICE("\r\n"));
    }
    if (exchange->source == NULL && !exchange->has_no_content && kept->content_bytes > 0)
        add_content_behind(h1, kept);
}

/* Appends to those not sent yet. Interim responses are optional: an HTTP/1.0 client gets none, and out of
 * memory drops them. */
void h1_exchange_interim(struct exchange *exchange)
{
    struct h1_exchange *h1 = h1_exchange_of(exchange);
    struct slice before = h1->interim;
    if (exchange->request.version_minor == 0)
        return;
    char *text = arena_alloc(&exchange->arena, before.length + h1_response_size(&exchange->response));
    if (text == NULL)
        return;
    if (before.length > 0)
        memcpy(text, before.data, before.length);
    size_t length = h1_response_write(text + before.length, &exchange->response,
                                      service_date(exchange->service), H1_PERSIST);
    h1->interim = slice_make(text, before.length + length);
}

/* ---- gathering ---- */

static bool h1_exchange_has_room(const struct h1_output *output)
{
    return output->count + SEGMENTS_AT_ONCE <= output->count_max && output->bytes < OUTPUT_BYTES_MAX &&
           output->file_bytes < OUTPUT_FILE_BYTES_MAX;
}

static void h1_exchange_add(struct h1_output *output, struct exchange *exchange,
                            const struct segment *segment)
{
    assert(output->count < output->count_max);
    exchange->given_bytes += segment->length;
    output->bytes += segment->length;
    output->file_bytes += segment->data ? 0 : segment->length;
    output->segments[output->count++] = *segment;
}

static void add_memory(struct h1_output *output, struct exchange *exchange, struct slice bytes)
{
    struct segment segment = segment_memory(bytes);
    h1_exchange_add(output, exchange, &segment);
}

/* Bytes of the protocol, which are no content. */
static void add_framing(struct h1_output *output, struct exchange *exchange, struct slice bytes)
{
    exchange->head_bytes += (uint32_t)bytes.length;
    add_memory(output, exchange, bytes);
}

/* Whether content is wanted for which the client awaits "100 Continue". */
static bool wants_continue(const struct exchange *exchange)
{
    return exchange->awaits_continue && !exchange->is_responded && exchange_content_wanted(exchange) > 0;
}

static bool has_interim(const struct h1_exchange *h1)
{
    return h1->interim.length > 0 || wants_continue(&h1->exchange);
}

static void add_interim(struct h1_output *output, struct h1_exchange *h1)
{
    struct exchange *exchange = &h1->exchange;
    if (wants_continue(exchange)) {
        exchange->awaits_continue = false;
        add_framing(output, exchange, SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    if (h1->interim.length > 0)
        add_framing(output, exchange, h1->interim);
    h1->interim = (struct slice){0};
}

static enum source_result next_of_source(struct h1_exchange *h1, const struct h1_output *output,
                                         struct segment *ret_segment)
{
    if (h1->exchange.is_busy)
        return SOURCE_WAIT;
    return source_next(h1->exchange.source, OUTPUT_BYTES_MAX - output->bytes, ret_segment);
}

/* Adds content without framing. Returns SOURCE_GIVEN if the output is full. */
static enum source_result h1_exchange_add_content(struct h1_output *output, struct h1_exchange *h1)
{
    while (h1->left > 0 && h1_exchange_has_room(output)) {
        struct segment segment;
        enum source_result result = next_of_source(h1, output, &segment);
        if (result == SOURCE_END && h1->left != HTTP_LENGTH_UNKNOWN)
            return source_fail(h1->exchange.source, ERROR_CHANGED);
        if (result != SOURCE_GIVEN)
            return result;
        assert(segment.length > 0 && segment.length <= h1->left);
        if (h1->left != HTTP_LENGTH_UNKNOWN)
            h1->left -= segment.length;
        h1_exchange_add(output, &h1->exchange, &segment);
    }
    return h1->left > 0 ? SOURCE_GIVEN : SOURCE_END;
}

/* Writes the size line of a chunk, preceded by the CRLF of the previous chunk (RFC 9112 section 7.1). An
 * exchange has memory for one such line, so an output has one chunk. */
static struct slice write_chunk_line(struct h1_exchange *h1, size_t length)
{
    int count =
        snprintf(h1->chunk_line, sizeof(h1->chunk_line), "%s%zx\r\n", h1->has_chunk ? "\r\n" : "", length);
    h1->has_chunk = true;
    return slice_make(h1->chunk_line, (size_t)count);
}

static enum source_result add_last_chunk_with_trailers(struct h1_output *output, struct h1_exchange *h1)
{
    struct exchange *exchange = &h1->exchange;
    struct slice last = trailers_last_chunk(exchange);
    if (UNLIKELY(last.data == NULL))
        return source_fail(exchange->source, -ENOMEM);
    if (h1->has_chunk)
        add_framing(output, exchange, SLICE("\r\n"));
    add_framing(output, exchange, last);
    return SOURCE_END;
}

/* Adds content as a chunk. Returns SOURCE_GIVEN if the output must be sent first. */
static enum source_result h1_exchange_add_chunk(struct h1_output *output, struct h1_exchange *h1)
{
    struct segment segment;
    if (!h1_exchange_has_room(output))
        return SOURCE_GIVEN;
    enum source_result result = next_of_source(h1, output, &segment);
    if (result == SOURCE_GIVEN) {
        add_framing(output, &h1->exchange, write_chunk_line(h1, segment.length));
        h1_exchange_add(output, &h1->exchange, &segment);
    } else if (result == SOURCE_END && UNLIKELY(h1->exchange.response_trailers != NULL)) {
        return add_last_chunk_with_trailers(output, h1);
    } else if (result == SOURCE_END) {
        add_framing(output, &h1->exchange, h1->has_chunk ? SLICE("\r\n0\r\n\r\n") : SLICE("0\r\n\r\n"));
    }
    return result;
}

static enum source_result add_response(struct h1_output *output, struct h1_exchange *h1)
{
    while (h1->head_next < h1->head_count) {
        if (!h1_exchange_has_room(output))
            return SOURCE_GIVEN;
        add_memory(output, &h1->exchange, h1->head[h1->head_next++]);
    }
    return h1->is_chunked ? h1_exchange_add_chunk(output, h1) : h1_exchange_add_content(output, h1);
}

static bool ends_with_connection(const struct h1_exchange *h1)
{
    return h1->left == HTTP_LENGTH_UNKNOWN && !h1->is_chunked;
}

bool h1_exchange_needs_cut(const struct exchange *exchange, bool is_unsent)
{
    return exchange->is_responded && exchange->tunnel == NULL && (is_unsent || !exchange->is_sent) &&
           ends_with_connection(CONTAINER_OF(exchange, struct h1_exchange, exchange));
}

static enum h1_gathered cut(struct h1_exchange *h1)
{
    h1->exchange.closes = h1->exchange.is_sent = true;
    return ends_with_connection(h1) ? H1_GATHERED_CUT : H1_GATHERED_LAST;
}

/* If the rest of a response is not available, the response and the connection end here, so that the client
 * can tell that something is missing. What comes before is sent all the same. */
enum h1_gathered h1_exchange_gather(struct list *exchanges, struct h1_output *output)
{
    LIST_FOREACH(link, exchanges) {
        struct exchange *exchange = CONTAINER_OF(link, struct exchange, link);
        if (!h1_exchange_has_room(output))
            return H1_GATHERED_FULL;
        /* Only its request is still being read: see dispatch_end_sent. */
        if (exchange->is_sent)
            return H1_GATHERED_WAIT;
        if (UNLIKELY(has_interim(h1_exchange_of(exchange))))
            add_interim(output, h1_exchange_of(exchange));
        if (!exchange->is_responded)
            return H1_GATHERED_WAIT;
        switch (add_response(output, h1_exchange_of(exchange))) {
        case SOURCE_GIVEN: return H1_GATHERED_FULL;
        case SOURCE_WAIT: return H1_GATHERED_WAIT;
        case SOURCE_FAILED: return cut(h1_exchange_of(exchange));
        case SOURCE_END: break;
        }
        exchange->is_sent = true;
        if (exchange->closes)
            return H1_GATHERED_LAST;
    }
    return H1_GATHERED_ALL;
}
