/* Connections. Read advance first: parse what is there, send what is ready, again as long as both get on;
 * then settle down in a state and wait.
 *
 * At most one exchange is being handled at a time, so responses leave in the order of their requests without
 * any book-keeping; pipelined requests that are answered at once collect in `exchanges` and leave in one
 * write. */
#include "serve/connection.h"

#include "serve/exchange.h"
#include "serve/server_internal.h"
#include "serve/timeouts.h"

#include <stdio.h>
#include <stdlib.h>

/* Responses that are collected before they are sent: the write's cost is spread by then. */
#define PIPELINE_BATCH 32

/* Bytes of files that one connection is sent before others have their turn. */
#define TURN_BYTES_MAX (4u << 20)

static const struct stream_events connection_stream_events;

static struct connection *connection_of(const struct stream *stream)
{
    return CONTAINER_OF(stream, struct connection, stream);
}

static struct exchange *first_exchange(const struct connection *connection)
{
    return list_is_empty(&connection->exchanges)
               ? NULL
               : CONTAINER_OF(connection->exchanges.next, struct exchange, link);
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

/* The one place where a connection changes its state: lists, counters, timers. */
static void set_state(struct connection *connection, enum connection_state state)
{
    struct server *server = connection->server;
    bool was_idle = connection->state == CONNECTION_IDLE;
    bool is_idle = state == CONNECTION_IDLE;
    assert(connection->state != CONNECTION_CLOSED);
    if (was_idle != is_idle || is_idle) {
        list_remove(&connection->link);
        list_append(is_idle ? &server->idle : &server->busy, &connection->link);
        server_counters(server)->connections_idle += (uint64_t)is_idle - (uint64_t)was_idle;
    }
    enum connection_state before = (enum connection_state)connection->state;
    connection->state = (uint8_t)state;
    timeouts_entered(connection, before);
}

static void close_now(struct connection *connection)
{
    if (connection->state == CONNECTION_CLOSED)
        return;
    server_counters(connection->server)->connections_open--;
    if (connection->state == CONNECTION_IDLE)
        server_counters(connection->server)->connections_idle--;
    connection->state = CONNECTION_CLOSED;
    timer_disarm(&connection->timer);
    list_remove(&connection->link);
    stream_close(&connection->stream);
    struct exchange *exchange;
    while ((exchange = first_exchange(connection)) != NULL) {
        list_remove(&exchange->link);
        server_exchange_done(exchange);
    }
}

void connection_abort(struct connection *connection)
{
    close_now(connection);
}

/* Our last byte is out. A client that said "close" sends nothing more: closing is safe. Any other may be
 * sending still; a close now would make the kernel answer with RST, and RST would take our response out of
 * the client's hands (RFC 9112 section 9.6). */
static void finish(struct connection *connection, bool client_is_done)
{
    bool was_read_whole = connection->engine.state != H1_STATE_DEAD && !is_inside_content(connection);
    if (connection->peer_ended || (client_is_done && was_read_whole && connection->input_length == 0)) {
        close_now(connection);
        return;
    }
    stream_shutdown(&connection->stream);
    set_state(connection, CONNECTION_LINGER);
    stream_read_resume(&connection->stream);
}

static void begin_exchange(struct connection *connection, struct exchange *exchange)
{
    struct server *server = connection->server;
    const struct limits *limits = &server_settings(server)->limits;
    exchange->connection = connection;
    exchange->snapshot = snapshot_ref(server->snapshot);
    list_append(&connection->exchanges, &exchange->link);
    connection->request_count++;
    bool is_last =
        limits->requests_per_connection && connection->request_count >= limits->requests_per_connection;
    exchange->closes = !exchange->request.keep_alive || is_last || server->is_draining;
    if (server->options.access_log)
        exchange->began_us = loop_clock_us(server_loop(server));
}

/* A request without content is answered at once; one with content when that was read to its end, so that a
 * limit or a timeout on the way can still be answered. A client that asks first ("Expect: 100-continue") is
 * told at once: to go on, or, where it would be refused, why; then only closing keeps it and us from
 * disagreeing about whether the content follows (RFC 9110 section 10.1.1). */
static void on_request(struct connection *connection)
{
    struct server *server = connection->server;
    struct exchange *exchange = server->spare;
    server->spare = NULL;
    begin_exchange(connection, exchange);
    server_route(exchange);
    if (exchange->request.body == HTTP_BODY_NONE) {
        server_answer(exchange);
    } else if (exchange->request.expect_continue && exchange->refusal) {
        exchange->closes = true;
        server_answer(exchange);
    } else {
        exchange->sends_continue = exchange->request.expect_continue;
        connection->lacks_memory |= exchange_keep(exchange) < 0;
    }
    connection->is_closing = exchange->closes && exchange->is_responded;
}

/* The last byte of a request. Where it had content, its exchange has been waiting for this. */
static void on_request_end(struct connection *connection)
{
    struct exchange *exchange = last_exchange(connection);
    if (exchange == NULL || exchange->is_responded || exchange->is_busy ||
        exchange->request.body == HTTP_BODY_NONE)
        return;
    server_answer(exchange);
    connection->is_closing = exchange->closes && exchange->is_responded;
}

/* Answers with an error, and closes behind it: the request that is being read, or what should have been one.
 */
static void refuse(struct connection *connection, int status)
{
    struct exchange *exchange = last_exchange(connection);
    if (exchange == NULL || exchange->is_responded) {
        exchange = connection->server->spare;
        connection->server->spare = NULL;
        exchange->connection = connection;
        exchange->snapshot = snapshot_ref(connection->server->snapshot);
        list_append(&connection->exchanges, &exchange->link);
    }
    exchange->closes = true;
    connection->is_closing = true;
    exchange_fail(exchange, status);
}

/* Something is under way that the next request must wait for. */
static bool is_blocked(const struct connection *connection)
{
    const struct exchange *last = last_exchange(connection);
    return connection->is_waiting || (last && !last->is_responded);
}

static bool has_spare(struct server *server)
{
    if (server->spare == NULL)
        server->spare = exchange_create(server);
    return server->spare != NULL;
}

enum parse_result {
    PARSE_STARVED, /* nothing more to do without more bytes */
    PARSE_PAUSED,  /* there may be more, but what was answered must be sent first */
};

/* Takes requests out of the input and has them answered. */
static enum parse_result parse(struct connection *connection, struct slice *input)
{
    struct server *server = connection->server;
    unsigned answered = 0;
    for (;;) {
        bool may_go_on =
            !is_between_requests(connection) || (!is_blocked(connection) && answered < PIPELINE_BATCH);
        if (connection->is_closing || !may_go_on)
            return PARSE_PAUSED;
        if (!has_spare(server)) {
            connection->lacks_memory = true;
            return PARSE_PAUSED;
        }
        struct slice content;
        switch (h1_next(&connection->engine, input, &server->spare->request, &content)) {
        case H1_MORE: return PARSE_STARVED;
        case H1_REQUEST:
            on_request(connection);
            answered++;
            break;
        case H1_CONTENT: connection->phase_bytes += content.length; break;
        case H1_END: on_request_end(connection); break;
        case H1_ERROR: refuse(connection, connection->engine.status); break;
        }
    }
}

/* What was gathered for one send. */
struct batch {
    struct segment segments[STREAM_SEGMENTS_MAX];
    size_t count;
    uint64_t bytes;
    enum piece_result result; /* why it is not longer; PIECE_GIVEN: it is full */
};

/* Gathers the pieces of the responses that are ready, in order. */
static void gather(struct connection *connection, struct batch *batch)
{
    batch->count = 0;
    batch->bytes = 0;
    batch->result = PIECE_END;
    LIST_FOREACH(link, &connection->exchanges) {
        struct exchange *exchange = CONTAINER_OF(link, struct exchange, link);
        if (exchange->sends_continue) {
            exchange->sends_continue = false;
            batch->segments[batch->count++] = segment_memory(SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
        }
        batch->result = exchange->is_responded ? PIECE_GIVEN : PIECE_WAIT;
        while (batch->result == PIECE_GIVEN) {
            if (batch->count == STREAM_SEGMENTS_MAX || batch->bytes >= TURN_BYTES_MAX)
                return;
            struct segment *segment = &batch->segments[batch->count];
            batch->result = exchange_next_piece(exchange, segment);
            if (batch->result == PIECE_GIVEN) {
                batch->bytes += segment->length;
                batch->count++;
            }
        }
        if (batch->result != PIECE_END)
            return;
        exchange->is_sent = true;
    }
}

/* Ends the exchanges whose every byte the kernel has. Returns false when the connection went with the last of
 * them. */
static bool complete_sent(struct connection *connection)
{
    struct exchange *exchange;
    while ((exchange = first_exchange(connection)) != NULL && exchange->is_sent) {
        bool closes = exchange->closes;
        bool client_is_done = !exchange->request.keep_alive;
        list_remove(&exchange->link);
        server_exchange_done(exchange);
        if (closes) {
            finish(connection, client_is_done);
            return false;
        }
    }
    return true;
}

/* The responses that are not sent whole yet outlive the bytes that their requests point into. */
static bool keep_unsent(struct connection *connection)
{
    LIST_FOREACH(link, &connection->exchanges) {
        if (exchange_keep(CONTAINER_OF(link, struct exchange, link)) < 0)
            return false;
    }
    return true;
}

enum flush_result {
    FLUSH_EMPTY,   /* nothing is left to send: the next request may come */
    FLUSH_WAITING, /* for the socket, or for a handler */
    FLUSH_GONE,    /* the connection lingers or is closed */
};

static enum flush_result flush(struct connection *connection)
{
    uint64_t bytes = 0;
    if (stream_is_sending(&connection->stream))
        return FLUSH_WAITING;
    while (!list_is_empty(&connection->exchanges)) {
        struct batch batch;
        gather(connection, &batch);
        if (batch.result == PIECE_FAILED) {
            close_now(connection);
            return FLUSH_GONE;
        }
        enum send_result sent = SEND_DONE;
        if (batch.count > 0)
            sent = stream_send(&connection->stream, batch.segments, batch.count);
        if (sent == SEND_FAILED) {
            close_now(connection);
            return FLUSH_GONE;
        }
        bytes += batch.bytes;
        connection->phase_bytes += batch.bytes;
        server_counters(connection->server)->bytes_sent += batch.bytes;
        if (sent == SEND_PENDING)
            return FLUSH_WAITING;
        if (!complete_sent(connection))
            return FLUSH_GONE;
        if (batch.result == PIECE_WAIT)
            return FLUSH_WAITING;
        if (bytes >= TURN_BYTES_MAX && !list_is_empty(&connection->exchanges)) {
            task_defer(server_loop(connection->server), &first_exchange(connection)->task);
            return FLUSH_WAITING;
        }
    }
    return FLUSH_EMPTY;
}

static struct slice stashed_input(const struct connection *connection)
{
    return slice_make(connection->input, connection->input_length);
}

static void free_input(struct connection *connection)
{
    free(connection->input);
    connection->input = NULL;
    connection->input_length = connection->input_capacity = 0;
}

/* Room for `length` bytes of input; what is in it stays. */
static bool reserve_input(struct connection *connection, size_t length)
{
    if (length <= connection->input_capacity)
        return true;
    size_t capacity = MAX(length, (size_t)connection->input_capacity * 2);
    char *input = realloc(connection->input, capacity);
    if (input == NULL)
        return false;
    connection->input = input;
    connection->input_capacity = (uint32_t)capacity;
    return true;
}

/* Keeps what was not parsed; an idle connection keeps no buffer. `rest` is lent, or the end of the buffer
 * itself. */
static bool stash(struct connection *connection, struct slice rest)
{
    if (rest.length == 0) {
        free_input(connection);
        return true;
    }
    if (!reserve_input(connection, rest.length))
        return false;
    memmove(connection->input, rest.data, rest.length);
    connection->input_length = (uint32_t)rest.length;
    return true;
}

static enum connection_state state_of(const struct connection *connection)
{
    const struct exchange *last = last_exchange(connection);
    if (is_inside_content(connection) && !stream_is_sending(&connection->stream))
        return CONNECTION_BODY;
    if (last && (!last->is_responded || last->is_busy))
        return CONNECTION_HANDLE;
    if (last)
        return CONNECTION_SEND;
    return connection->input_length > 0 ? CONNECTION_HEAD : CONNECTION_IDLE;
}

/* Everything that could be done was done: waits for what comes next. */
static void settle(struct connection *connection)
{
    enum connection_state state = state_of(connection);
    bool wants_input = state <= CONNECTION_BODY || is_inside_content(connection);
    if (connection->peer_ended && state <= CONNECTION_BODY) {
        close_now(connection);
        return;
    }
    if (state == CONNECTION_IDLE && connection->server->is_draining) {
        finish(connection, false);
        return;
    }
    if (wants_input)
        stream_read_resume(&connection->stream);
    else
        stream_read_pause(&connection->stream);
    set_state(connection, state);
}

/* Parses and answers as much of `input` as can be, sends what is ready, and keeps the rest. */
static void advance(struct connection *connection, struct slice input)
{
    enum parse_result parsed;
    enum flush_result flushed;
    do {
        parsed = parse(connection, &input);
        flushed = flush(connection);
        connection->is_waiting = flushed == FLUSH_WAITING;
    } while (parsed == PARSE_PAUSED && flushed == FLUSH_EMPTY && !connection->lacks_memory);
    if (flushed == FLUSH_GONE) {
        free_input(connection);
        return;
    }
    if (!keep_unsent(connection) || !stash(connection, input) || connection->lacks_memory)
        close_now(connection);
    else
        settle(connection);
}

void connection_continue(struct connection *connection)
{
    const struct exchange *last = last_exchange(connection);
    connection->is_closing |= last && last->is_responded && last->closes;
    enum flush_result flushed = flush(connection);
    connection->is_waiting = flushed == FLUSH_WAITING;
    if (flushed == FLUSH_EMPTY)
        advance(connection, stashed_input(connection));
    else if (flushed == FLUSH_WAITING)
        settle(connection);
    else
        free_input(connection);
}

void connection_refuse(struct connection *connection, int status)
{
    if (!has_spare(connection->server)) {
        close_now(connection);
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
    /* A new connection may be read before the loop comes to the changes on disk that its client knows of. */
    if (connection->request_count == 0)
        file_cache_poll(connection->server->files);
    if (LIKELY(connection->input_length == 0)) {
        advance(connection, bytes);
        return;
    }
    if (!reserve_input(connection, connection->input_length + bytes.length)) {
        close_now(connection);
        return;
    }
    memcpy(connection->input + connection->input_length, bytes.data, bytes.length);
    connection->input_length += (uint32_t)bytes.length;
    advance(connection, stashed_input(connection));
}

static bool may_send_file(struct stream *stream, const struct segment *segment)
{
    LIST_FOREACH(link, &connection_of(stream)->exchanges) {
        const struct exchange *exchange = CONTAINER_OF(link, struct exchange, link);
        if (exchange->file && exchange->file->fd == segment->fd)
            return exchange_file_is_unchanged(exchange);
    }
    UNREACHABLE();
}

static void on_end(struct stream *stream)
{
    struct connection *connection = connection_of(stream);
    connection->peer_ended = true;
    if (connection->state == CONNECTION_LINGER || list_is_empty(&connection->exchanges) ||
        is_inside_content(connection))
        close_now(connection);
}

static void on_sent(struct stream *stream)
{
    struct connection *connection = connection_of(stream);
    if (complete_sent(connection))
        connection_continue(connection);
}

static void on_error(struct stream *stream, int error)
{
    (void)error;
    close_now(connection_of(stream));
}

static void on_closed(struct stream *stream)
{
    struct connection *connection = connection_of(stream);
    free_input(connection);
    server_connection_gone(connection->server, connection);
}

static const char *const state_names[] = {
    [CONNECTION_IDLE] = "idle",
    [CONNECTION_HEAD] = "reading a head",
    [CONNECTION_BODY] = "reading content",
    [CONNECTION_HANDLE] = "handling",
    [CONNECTION_SEND] = "sending",
    [CONNECTION_LINGER] = "lingering",
    [CONNECTION_CLOSED] = "closed",
};

static size_t describe(const struct stream *stream, char *out, size_t size)
{
    const struct connection *connection = CONTAINER_OF(stream, const struct connection, stream);
    const struct server *server = connection->server;
    int length =
        snprintf(out, size, "%s, last %.*s, on %s", state_names[connection->state],
                 (int)server->activity_length, server->activity, loop_backend_name(server_loop(server)));
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

static struct peer peer_of(const struct address *address)
{
    struct peer peer = {.family = (uint8_t)address->any.sa_family};
    if (peer.family == AF_INET)
        memcpy(peer.bytes, &address->v4.sin_addr, 4);
    else if (peer.family == AF_INET6)
        memcpy(peer.bytes, &address->v6.sin6_addr, 16);
    return peer;
}

bool connection_open(struct server *server, int fd, const struct address *address)
{
    struct peer peer = peer_of(address);
    if (!server_admit_address(server, &peer))
        return false;
    struct connection *connection = pool_get(&server->connections);
    if (connection == NULL) {
        server_release_address(server, &peer);
        return false;
    }
    *connection = (struct connection){.server = server, .peer = peer, .state = CONNECTION_IDLE};
    stream_init(&connection->stream, server_loop(server), fd, &connection_stream_events);
    h1_init(&connection->engine, &server->h1_limits);
    list_init(&connection->exchanges);
    list_init(&connection->link);
    timer_init(&connection->timer, timeouts_fire);
    server_counters(server)->connections_open++;
    server_counters(server)->connections_idle++;
    set_state(connection, CONNECTION_IDLE);
    if (stream_start(&connection->stream) < 0)
        close_now(connection);
    return true;
}

void connection_drain(struct connection *connection)
{
    if (connection->state == CONNECTION_IDLE)
        finish(connection, false);
}
