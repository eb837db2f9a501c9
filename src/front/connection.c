/* Connections. Read advance first: parse what is there, send what is ready, again as long as both get on;
 * then settle down in a state and wait.
 *
 * At most one exchange is being handled at a time, so responses leave in the order of their requests without
 * any book-keeping; pipelined requests that are answered at once collect in `exchanges` and leave in one
 * write (h1_output.c).
 *
 * What a settled connection waits for always comes, or its deadline does: bytes and the FIN while it reads,
 * on_sent while the stream sends, connection_continue while a job has an exchange. */
#include "front/connection.h"

#include "base/error.h"
#include "front/admission.h"
#include "front/front.h"
#include "front/h1_exchange.h"
#include "front/h1_output.h"
#include "front/timeouts.h"
#include "serve/dispatch.h"
#include "serve/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Responses that are collected before they are sent: the write's cost is spread by then. */
#define PIPELINE_BATCH 32

/* Content of the responses that are collected: the same. */
#define PIPELINE_BATCH_BYTES (64u << 10)

/* Heads are read in so large pieces. What is read of a pipeline that cannot be answered yet, as its client
 * does not take the answers, must be kept. */
#define HEAD_READ_BYTES 8192

/* So many batches of one connection are answered before others have their turn, while the turn has time. */
#define TURN_BATCHES_MAX 4

/* When the turn has no time left, each connection still has so many requests answered. */
#define TURN_REQUESTS_MIN 8

static const struct stream_events connection_stream_events;
static const struct exchange_events connection_exchange_events;

static const char *const state_names[] = {
    [CONNECTION_IDLE] = "idle",
    [CONNECTION_HEAD] = "reading a head",
    [CONNECTION_BODY] = "reading content",
    [CONNECTION_HANDLE] = "handling",
    [CONNECTION_SEND] = "sending",
    [CONNECTION_LINGER] = "lingering",
    [CONNECTION_CLOSED] = "closed",
};

static struct connection *connection_of(const struct stream *stream)
{
    return CONTAINER_OF(stream, struct connection, stream);
}

static struct exchange *last_exchange(const struct connection *connection)
{
    return list_is_empty(&connection->exchanges)
               ? NULL
               : CONTAINER_OF(connection->exchanges.previous, struct exchange, link);
}

/* Content of the request that was begun is still to come. */
static bool is_inside_content(const struct connection *connection)
{
    enum h1_state state = (enum h1_state)connection->engine.state;
    return state != H1_STATE_HEAD && state != H1_STATE_END && state != H1_STATE_DEAD;
}

/* The engine would begin a new request with the next byte. */
static bool is_between_requests(const struct connection *connection)
{
    return connection->engine.state == H1_STATE_HEAD;
}

/* The one place where a connection that goes on changes its state: lists, counters, timers. Each list is in
 * the order in which its members came to be there with their latest requests, or last got on. */
static void set_state(struct connection *connection, enum connection_state state)
{
    struct front *front = connection->front;
    enum connection_state before = (enum connection_state)connection->state;
    bool is_new = state != before || connection->request_began;
    bool gets_on = state == CONNECTION_BODY || state == CONNECTION_SEND;
    if (is_new || gets_on || list_is_empty(&connection->link)) {
        list_remove(&connection->link);
        list_append(&front->by_state[state], &connection->link);
    }
    front->counters->connections_idle +=
        (uint64_t)(state == CONNECTION_IDLE) - (uint64_t)(before == CONNECTION_IDLE);
    connection->state = (uint8_t)state;
    connection->request_began = false;
    timeouts_entered(connection, is_new);
}

static void drop_exchange(struct exchange *exchange)
{
    list_remove(&exchange->link);
    dispatch_end(exchange);
}

/* In the order of their requests, as the log has them. */
static void drop_exchanges(struct connection *connection, enum outcome why)
{
    if (list_is_empty(&connection->exchanges))
        return;
    h1_output_give_up(connection, why);
    while (!list_is_empty(&connection->exchanges))
        drop_exchange(CONTAINER_OF(connection->exchanges.next, struct exchange, link));
}

/* `why`: what responses that are not whole say of themselves. */
static void close_now(struct connection *connection, enum outcome why)
{
    if (connection->state == CONNECTION_CLOSED)
        return;
    connection->front->counters->connections_open--;
    if (connection->state == CONNECTION_IDLE)
        connection->front->counters->connections_idle--;
    connection->state = CONNECTION_CLOSED;
    timer_disarm(&connection->timer);
    list_remove(&connection->link);
    drop_exchanges(connection, why);
    stream_close(&connection->stream);
}

void connection_abort(struct connection *connection, enum outcome why)
{
    close_now(connection, why);
}

/* What a send or a read failed with: the network, memory, or the file that was being sent. */
static enum outcome outcome_of_error(int error)
{
    switch (-error) {
    case -ERROR_CHANGED: return OUTCOME_FILE_CHANGED;
    case ENOMEM:
    case ENOBUFS: return OUTCOME_OVERLOADED;
    case EIO:
    case ESTALE: return OUTCOME_READ_FAILED;
    default: return OUTCOME_CLIENT_LEFT;
    }
}

/* Our last byte is out. A client that said "close" sends nothing more: closing is safe. Any other may be
 * sending still; a close now would make the kernel answer with RST, and RST would take our response out of
 * the client's hands (RFC 9112 section 9.6). */
static void finish(struct connection *connection)
{
    if (connection->resets)
        stream_reset_on_close(&connection->stream);
    bool was_read_whole = connection->engine.state != H1_STATE_DEAD && !is_inside_content(connection);
    if (connection->resets || connection->peer_ended || (connection->client_said_close && was_read_whole)) {
        close_now(connection, OUTCOME_CONNECTION_CUT);
        return;
    }
    drop_exchanges(connection, OUTCOME_CONNECTION_CUT);
    input_clear(&connection->input);
    stream_shutdown(&connection->stream);
    set_state(connection, CONNECTION_LINGER);
    stream_read_resume(&connection->stream);
}

/* The exchange that the head was parsed into, or that takes the place of a request that has none. */
static struct exchange *take_spare(struct connection *connection)
{
    return exchange_begin(connection->front->service, connection, &connection_exchange_events,
                          &connection->peer, &connection->exchanges);
}

static struct exchange *begin_exchange(struct connection *connection)
{
    struct front *front = connection->front;
    const struct limits *limits = &front_settings(front)->limits;
    struct exchange *exchange = take_spare(connection);
    connection->request_began = true;
    connection->request_count++;
    connection->client_said_close = !exchange->request.keep_alive;
    bool is_last =
        limits->requests_per_connection && connection->request_count >= limits->requests_per_connection;
    exchange->closes = connection->client_said_close || is_last || front->is_draining;
    if (front->service->access_log)
        exchange->began_us = loop_clock_us(front->loop);
    return exchange;
}

/* A request without content is answered at once; one with content when that was read to its end, so that a
 * limit or a timeout on the way can still be answered. A client that asks first ("Expect: 100-continue") is
 * told at once: to go on, or, where it would be refused, why; then only closing keeps it and us from
 * disagreeing about whether the content follows (RFC 9110 section 10.1.1). */
static void on_request(struct connection *connection)
{
    struct exchange *exchange = begin_exchange(connection);
    dispatch_route(exchange);
    if (exchange->request.body == HTTP_BODY_NONE) {
        dispatch_answer(exchange);
    } else if (exchange->request.expect_continue && exchange->reject_status) {
        connection->is_closing = exchange->closes = true;
        dispatch_answer(exchange);
    } else {
        exchange->sends_continue = exchange->request.expect_continue;
        connection->lacks_memory |= exchange_keep(exchange) < 0;
    }
    connection->is_closing |= exchange->closes && exchange->is_responded;
}

/* The last byte of a request. Where it had content, its exchange has been waiting for this. */
static void on_request_end(struct connection *connection)
{
    struct exchange *exchange = last_exchange(connection);
    if (exchange == NULL || exchange->is_responded || exchange->is_busy ||
        exchange->request.body == HTTP_BODY_NONE)
        return;
    dispatch_answer(exchange);
    connection->is_closing = exchange->closes && exchange->is_responded;
}

/* Answers with an error, and closes behind it: the request that is being read, or what should have been one.
 */
static void refuse(struct connection *connection, int status)
{
    struct exchange *exchange = last_exchange(connection);
    if (exchange == NULL || exchange->is_responded)
        exchange = take_spare(connection);
    assert(!exchange->is_busy);
    connection->is_closing = exchange->closes = true;
    connection->client_said_close = false;
    log_debug(connection->front->service->log, "refused with %d while %s", status,
              state_names[connection->state]);
    dispatch_refuse(exchange, status);
}

/* Something is under way that the next request must wait for. */
static bool is_blocked(const struct connection *connection)
{
    const struct exchange *last = last_exchange(connection);
    return connection->is_waiting || (last && !last->is_responded);
}

enum parse_result {
    PARSE_STARVED, /* nothing more to do without more bytes */
    PARSE_PAUSED,  /* there may be more, but what was answered must be sent first */
};

/* What was answered at once, and will be sent together. */
struct answered {
    unsigned count;
    uint64_t bytes;
};

/* Whether a request may be begun in this batch, beside those that were answered in it. */
static bool may_begin(const struct connection *connection, const struct answered *answered)
{
    if (is_blocked(connection) || answered->count == PIPELINE_BATCH ||
        answered->bytes >= PIPELINE_BATCH_BYTES)
        return false;
    bool is_asked = answered->count > 0 && answered->count % TURN_REQUESTS_MIN == 0;
    return !is_asked || loop_has_time(connection->front->loop);
}

static void count_answered(struct answered *answered, const struct exchange *exchange)
{
    answered->count++;
    bool has_length =
        exchange && !exchange->has_no_content && exchange->response.content_length != HTTP_LENGTH_UNKNOWN;
    answered->bytes += has_length ? exchange->response.content_length : 0;
}

static void count_content(struct connection *connection, size_t length)
{
    if (connection->state == CONNECTION_BODY)
        connection->window_bytes += length;
}

/* Takes requests out of the input and has them answered. What a head left unfinished is forgotten: the spare
 * belongs to all connections, and the bytes that it points into do not stay. */
static enum parse_result parse(struct connection *connection, struct slice *input)
{
    struct front *front = connection->front;
    struct answered answered = {0};
    for (;;) {
        if (connection->is_closing || (is_between_requests(connection) && !may_begin(connection, &answered)))
            return PARSE_PAUSED;
        /* What is left of the pool is for those who have no request under way yet. */
        bool must_wait = !list_is_empty(&connection->exchanges) && exchange_pool_is_low(front->service);
        if (must_wait && is_between_requests(connection))
            return PARSE_PAUSED;
        if (!exchange_has_spare(front->service)) {
            connection->lacks_memory = true;
            return PARSE_PAUSED;
        }
        struct slice content;
        switch (h1_next(&connection->engine, input, &front->service->spare->request, &content)) {
        case H1_MORE: http_request_clear(&front->service->spare->request); return PARSE_STARVED;
        case H1_REQUEST:
            on_request(connection);
            count_answered(&answered, last_exchange(connection));
            break;
        case H1_CONTENT: count_content(connection, content.length); break;
        case H1_END: on_request_end(connection); break;
        case H1_ERROR: refuse(connection, connection->engine.status); break;
        }
    }
}

/* It had its share of this turn: see rest. */
static bool is_resting(const struct connection *connection)
{
    return connection->is_waiting && list_is_empty(&connection->exchanges);
}

static enum connection_state state_of(const struct connection *connection)
{
    if (stream_is_sending(&connection->stream) || is_resting(connection))
        return CONNECTION_SEND;
    if (is_inside_content(connection) && !connection->is_closing)
        return CONNECTION_BODY;
    /* A job has one of them, or its source is waited for: connection_continue follows. */
    if (!list_is_empty(&connection->exchanges))
        return CONNECTION_HANDLE;
    return connection->input ? CONNECTION_HEAD : CONNECTION_IDLE;
}

/* What is read is parsed, or what is kept would grow without bound. */
static bool wants_input(const struct connection *connection, enum connection_state state)
{
    return !connection->is_closing && (state <= CONNECTION_BODY || is_inside_content(connection));
}

/* Everything that could be done was done: waits for what comes next. */
static void settle(struct connection *connection)
{
    enum connection_state state = state_of(connection);
    if (connection->peer_ended && state <= CONNECTION_BODY) {
        close_now(connection, OUTCOME_CLIENT_LEFT);
        return;
    }
    stream_limit_reads(&connection->stream, is_inside_content(connection) ? 0 : HEAD_READ_BYTES);
    if (wants_input(connection, state))
        stream_read_resume(&connection->stream);
    else
        stream_read_pause(&connection->stream);
    set_state(connection, state);
}

/* Lets the other connections have their turn, with requests left to answer. */
static void rest(struct connection *connection)
{
    connection->is_waiting = true;
    stream_send_later(&connection->stream);
}

/* True when the connection came to its end with what was delivered. */
static bool has_ended(struct connection *connection, enum h1_output_result delivered)
{
    switch (delivered) {
    case H1_OUTPUT_EMPTY:
    case H1_OUTPUT_WAITING: return false;
    case H1_OUTPUT_CLOSING: finish(connection); return true;
    case H1_OUTPUT_FAILED:
        close_now(connection, outcome_of_error(stream_error(&connection->stream)));
        return true;
    }
    UNREACHABLE();
}

/* Parses and answers as much of `input` as can be, sends what is ready, and keeps the rest; an idle
 * connection keeps no buffer. `input` is lent, or what was kept. */
static void advance(struct connection *connection, struct slice input)
{
    enum h1_output_result delivered;
    bool may_go_on;
    unsigned batches = 0;
    do {
        enum parse_result parsed = parse(connection, &input);
        delivered = h1_output_flush(connection);
        connection->is_waiting = delivered == H1_OUTPUT_WAITING;
        may_go_on = parsed == PARSE_PAUSED && delivered == H1_OUTPUT_EMPTY && !connection->lacks_memory;
    } while (may_go_on && ++batches < TURN_BATCHES_MAX && loop_has_time(connection->front->loop));
    /* It said that it was done and was not: closing now would take its answer from it, see finish. */
    if (UNLIKELY(input.length > 0))
        connection->client_said_close = false;
    if (has_ended(connection, delivered))
        return;
    if (connection->lacks_memory || exchange_keep_all(&connection->exchanges) < 0 ||
        !input_set(&connection->input, input)) {
        close_now(connection, OUTCOME_OVERLOADED);
        return;
    }
    if (may_go_on)
        rest(connection);
    settle(connection);
}

void connection_continue(struct connection *connection)
{
    const struct exchange *last = last_exchange(connection);
    connection->is_closing |= last && last->is_responded && last->closes;
    enum h1_output_result delivered = h1_output_flush(connection);
    connection->is_waiting = delivered == H1_OUTPUT_WAITING;
    if (has_ended(connection, delivered))
        return;
    if (delivered == H1_OUTPUT_EMPTY)
        advance(connection, input_slice(connection->input));
    else
        settle(connection);
}

void connection_refuse(struct connection *connection, int status)
{
    if (!exchange_has_spare(connection->front->service)) {
        close_now(connection, OUTCOME_OVERLOADED);
        return;
    }
    refuse(connection, status);
    connection_continue(connection);
}

static void on_read(struct stream *stream, struct slice bytes)
{
    struct connection *connection = connection_of(stream);
    if (connection->state == CONNECTION_LINGER)
        return;
    service_see_changes(connection->front->service, connection->request_count == 0);
    if (LIKELY(connection->input == NULL)) {
        advance(connection, bytes);
        return;
    }
    if (!input_add(&connection->input, bytes)) {
        close_now(connection, OUTCOME_OVERLOADED);
        return;
    }
    advance(connection, input_slice(connection->input));
}

static bool may_send_file(struct stream *stream, const struct segment *segment)
{
    LIST_FOREACH(link, &connection_of(stream)->exchanges) {
        const struct exchange *exchange = CONTAINER_OF(link, struct exchange, link);
        if (exchange->source && exchange->file && exchange->file->fd == segment->fd)
            return source_is_unchanged(exchange->source);
    }
    UNREACHABLE();
}

/* The content that was still to come will not: its request gets no answer, but those before it do. */
static void give_up_request(struct connection *connection)
{
    struct exchange *exchange = last_exchange(connection);
    assert(!exchange->is_responded && !exchange->is_busy);
    exchange->outcome = OUTCOME_CLIENT_LEFT;
    drop_exchange(exchange);
    exchange = last_exchange(connection);
    if (exchange)
        connection->is_closing = exchange->closes = true;
}

static void on_end(struct stream *stream)
{
    struct connection *connection = connection_of(stream);
    connection->peer_ended = true;
    if (is_inside_content(connection) && !connection->is_closing)
        give_up_request(connection);
    if (list_is_empty(&connection->exchanges))
        close_now(connection, OUTCOME_CLIENT_LEFT);
}

static void on_sent(struct stream *stream)
{
    connection_continue(connection_of(stream));
}

static void on_error(struct stream *stream, int error)
{
    close_now(connection_of(stream), outcome_of_error(error));
}

static void on_closed(struct stream *stream)
{
    struct connection *connection = connection_of(stream);
    input_clear(&connection->input);
    front_connection_gone(connection->front, connection);
}

static size_t describe(const struct stream *stream, char *out, size_t size)
{
    const struct connection *connection = CONTAINER_OF(stream, const struct connection, stream);
    const struct front *front = connection->front;
    int length = snprintf(out, size, "%s, last %.*s, on %s", state_names[connection->state],
                          (int)front->service->activity_length, front->service->activity,
                          loop_backend_name(front->loop));
    return MIN((size_t)MAX(length, 0), size - 1);
}

static const struct stream_events connection_stream_events = {
    .on_read = on_read,
    .may_send_file = may_send_file,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_error = on_error,
    .on_closed = on_closed,
    .describe = describe,
};

static void on_progress(void *owner)
{
    connection_continue(owner);
}

static const struct exchange_events connection_exchange_events = {
    .on_respond = h1_exchange_respond,
    .on_respond_kept = h1_exchange_respond_kept,
    .on_progress = on_progress,
};

static struct peer peer_of(const struct address *address)
{
    struct peer peer = {.family = (uint8_t)address->any.sa_family};
    if (peer.family == AF_INET)
        memcpy(peer.bytes, &address->v4.sin_addr, 4);
    else if (peer.family == AF_INET6)
        memcpy(peer.bytes, &address->v6.sin6_addr, 16);
    return peer;
}

bool connection_open(struct front *front, int fd, const struct address *address)
{
    struct peer peer = peer_of(address);
    enum admission admission = admission_of(front, &peer);
    if (admission == ADMISSION_REFUSED)
        return false;
    struct connection *connection = pool_get(&front->connections);
    if (connection == NULL) {
        if (admission == ADMISSION_COUNTED)
            admission_release(front, &peer);
        return false;
    }
    *connection = (struct connection){
        .front = front,
        .peer = peer,
        .state = CONNECTION_IDLE,
        .is_counted = admission == ADMISSION_COUNTED,
    };
    stream_init(&connection->stream, front->loop, fd, &connection_stream_events);
    stream_limit_reads(&connection->stream, HEAD_READ_BYTES);
    h1_init(&connection->engine, &front->h1_limits);
    list_init(&connection->exchanges);
    list_init(&connection->link);
    timer_init(&connection->timer, timeouts_fire);
    front->connections_peak = MAX(front->connections_peak, front->connections.count);
    front->counters->connections_open++;
    front->counters->connections_idle++;
    set_state(connection, CONNECTION_IDLE);
    if (stream_start(&connection->stream) < 0)
        close_now(connection, OUTCOME_OVERLOADED);
    return true;
}

void connection_shut_down(struct connection *connection)
{
    finish(connection);
}

void connection_drain(struct connection *connection)
{
    struct exchange *last = last_exchange(connection);
    if (connection->state == CONNECTION_IDLE)
        timeouts_entered(connection, false);
    else if (last && !last->is_responded)
        last->closes = true;
}
