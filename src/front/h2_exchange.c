/* HTTP/2 responses. Heads are passed to the engine at once; it pulls the content frame by frame. Memory is
 * sent without a copy. File ranges are read into the output, and the file's status is checked afterwards: a
 * write sets the file's time before it changes a byte. */
#include "front/h2_exchange.h"

#include "base/error.h"
#include "front/h2_session.h"
#include "front/kept_head.h"
#include "serve/service.h"
#include "serve/tunnel.h"
#include "sys/file.h"

#include <errno.h>

/* Most bytes requested from a source at once; they become several frames. */
#define PULL_BYTES_MAX ((size_t)1 << 20)

/* The first frames of a response are short, so that a client can begin to display or play early, and since
 * its speed is not known yet. */
#define FIRST_FRAME_BYTES 4096
#define FIRST_BYTES       16384

void h2_exchange_begin(struct h2_exchange *h2, struct h2_session *session, uint32_t stream)
{
    h2->session = session;
    h2->stream = stream;
    h2->is_asked = h2->waits = h2->is_given = h2->has_ended = false;
    h2->rest = (struct segment){0};
    h2->left = h2->received = 0;
    h2->held = NULL;
    h2->output = h2->output_end = 0;
    h2->output_bytes = 0;
    h2->watch = (struct h2_watch){0};
}

/* Resets the stream, so that the client can tell that something is missing. */
static void h2_exchange_give_up(struct h2_exchange *h2)
{
    exchange_drop_content(&h2->exchange);
    h2->exchange.outcome = OUTCOME_OVERLOADED;
    h2_reset(h2_session_engine(h2->session), h2->stream, H2_INTERNAL_ERROR);
}

bool h2_exchange_is_open_tunnel(const struct h2_exchange *h2)
{
    return h2_exchange_is_tunnel(h2) && !h2->exchange.tunnel->is_whole;
}

/* Whether nobody waits for the client's end of an extended CONNECT: it became no tunnel, or one that is over.
 */
static bool h2_exchange_has_no_tunnel(const struct h2_exchange *h2)
{
    const struct tunnel *tunnel = h2->exchange.tunnel;
    return UNLIKELY(http_request_is_extended(&h2->exchange.request)) && !h2->has_ended &&
           (tunnel == NULL || tunnel->is_over);
}

/* The response is with the engine, whole. */
static void end_response(struct h2_exchange *h2)
{
    h2->is_given = true;
    h2->discarded = 0;
    if (h2_exchange_has_no_tunnel(h2))
        h2_reset(h2_session_engine(h2->session), h2->stream, H2_NO_ERROR);
}

/* Passes the head to the engine, which pulls the content later. */
static void give_head(struct h2_exchange *h2, bool is_lasting)
{
    struct exchange *exchange = &h2->exchange;
    bool has_content = h2->left > 0;
    bool (*respond)(struct h2 *, uint32_t, const struct http_response *, const char *, bool) =
        is_lasting ? h2_respond_lasting : h2_respond;
    if (!respond(h2_session_engine(h2->session), h2->stream, &exchange->response,
                 service_date(exchange->service), has_content))
        h2_exchange_give_up(h2);
    else if (!has_content)
        end_response(h2);
}

void h2_exchange_respond(struct exchange *exchange, struct http_kept_head *keep)
{
    struct h2_exchange *h2 = h2_exchange_of(exchange);
    if (keep)
        kept_head_write(exchange, keep);
    if (h2->stream == 0)
        return;
    h2->left = exchange->source ? exchange->source->length : 0;
    give_head(h2, false);
}

/* `is_sole` does not matter: the date is not taken from the stored head, and nothing else in it changes while
 * the exchange holds the file. */
void h2_exchange_respond_kept(struct exchange *exchange, struct http_kept_head *kept, bool is_sole)
{
    struct h2_exchange *h2 = h2_exchange_of(exchange);
    struct http_response *response = &exchange->response;
    (void)is_sole;
    if (h2->stream == 0)
        return;
    response->no_length = true; /* it is among the fields */
    bool is_lasting = kept_head_read(kept, response);
    if (UNLIKELY(response->lacks_fields)) {
        h2_exchange_give_up(h2);
        return;
    }
    h2->left = exchange->source ? exchange->source->length : 0;
    if (exchange->source == NULL && !exchange->has_no_content && kept->content_bytes > 0) {
        h2->rest = segment_memory(slice_make(kept->end, kept->content_bytes));
        h2->left = kept->content_bytes;
    }
    give_head(h2, is_lasting);
}

/* If out of memory it is dropped: interim responses are optional. */
void h2_exchange_interim(struct exchange *exchange)
{
    struct h2_exchange *h2 = h2_exchange_of(exchange);
    if (h2->stream != 0)
        (void)!h2_send_interim(h2_session_engine(h2->session), h2->stream, &exchange->response);
}

/* ---- content ---- */

static enum h2_pulled h2_exchange_end_content(struct h2_exchange *h2, struct h2_piece *ret_piece)
{
    const struct http_response *trailers = h2->exchange.response_trailers;
    ret_piece->is_last = true;
    ret_piece->trailers = trailers;
    if (LIKELY(trailers == NULL) || !trailers->lacks_fields)
        return H2_PULLED;
    (void)source_fail(h2->exchange.source, -ENOMEM);
    return H2_PULL_FAILED;
}

static enum h2_pulled next_segment(struct h2_exchange *h2, struct h2_piece *ret_piece)
{
    struct source *source = h2->exchange.source;
    enum source_result result =
        h2->exchange.is_busy ? SOURCE_WAIT : source_next(source, PULL_BYTES_MAX, &h2->rest);
    if (result == SOURCE_END && h2->left != HTTP_LENGTH_UNKNOWN)
        result = source_fail(source, ERROR_CHANGED);
    switch (result) {
    case SOURCE_GIVEN: return H2_PULLED;
    case SOURCE_END: return h2_exchange_end_content(h2, ret_piece);
    case SOURCE_WAIT: h2->waits = true; return H2_PULL_WAIT;
    case SOURCE_FAILED: return H2_PULL_FAILED;
    }
    UNREACHABLE();
}

static bool read_range(struct h2_exchange *h2, char *room, size_t length, struct slice *ret_bytes)
{
    struct source *source = h2->exchange.source;
    ssize_t count = sys_read_at(h2->rest.fd, room, length, h2->rest.offset, false);
    bool is_same = count > 0 && source_is_unchanged(source);
    if (!is_same)
        (void)source_fail(source, count < 0 ? (int)count : ERROR_CHANGED);
    *ret_bytes = slice_make(room, is_same ? (size_t)count : 0);
    return is_same;
}

static void h2_exchange_advance(struct h2_exchange *h2, size_t length)
{
    if (h2->rest.data)
        h2->rest.data += length;
    else
        h2->rest.offset += (off_t)length;
    h2->rest.length -= length;
    h2->exchange.given_bytes += length;
    if (h2->left != HTTP_LENGTH_UNKNOWN)
        h2->left -= length;
}

/* A frame of what the source gave. */
static enum h2_pulled give(struct h2_exchange *h2, char *room, size_t bytes_max, struct h2_piece *ret_piece)
{
    assert(h2->rest.length <= h2->left);
    if (h2->exchange.given_bytes < FIRST_BYTES)
        bytes_max = MIN(bytes_max, (size_t)FIRST_FRAME_BYTES);
    size_t length = MIN(h2->rest.length, bytes_max);
    if (h2->rest.data)
        ret_piece->bytes = slice_make(h2->rest.data, length);
    else if (!read_range(h2, room, length, &ret_piece->bytes))
        return H2_PULL_FAILED;
    h2_exchange_advance(h2, ret_piece->bytes.length);
    ret_piece->is_last = h2->left == 0;
    return H2_PULLED;
}

enum h2_pulled h2_exchange_pull(struct h2_exchange *h2, char *room, size_t bytes_max,
                                struct h2_piece *ret_piece)
{
    enum h2_pulled pulled = h2->rest.length > 0 ? H2_PULLED : next_segment(h2, ret_piece);
    if (pulled == H2_PULLED && !ret_piece->is_last)
        pulled = give(h2, room, bytes_max, ret_piece);
    if (pulled == H2_PULLED && ret_piece->is_last)
        end_response(h2);
    return pulled;
}
