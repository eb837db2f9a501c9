/* Connections. Read advance first: have the session parse what is there, send what is ready, again as long as
 * both get on; then settle down in a state and wait.
 *
 * What a settled connection waits for always comes, or its deadline does: bytes and the FIN while it reads,
 * on_sent while the stream sends, connection_continue while a job has an exchange. */
#include "front/connection.h"

#include "base/error.h"
#include "front/admission.h"
#include "front/connection_print.h"
#include "front/front.h"
#include "front/h1_exchange.h"
#include "front/h1_output.h"
#include "front/timeouts.h"
#include "serve/dispatch.h"
#include "serve/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Heads are read in so large pieces. What is read of a pipeline that cannot be answered yet, as its client
 * does not take the answers, must be kept. */
#define HEAD_READ_BYTES 8192

/* So many batches of one connection are answered before others have their turn, while the turn has time. */
#define TURN_BATCHES_MAX 4

static const struct stream_events connection_stream_events;

static struct connection *connection_of(const struct stream *stream)
{
    return CONTAINER_OF(stream, struct connection, stream);
}

static struct connection *connection_of_session(struct h1_session *session)
{
    return CONTAINER_OF(session, struct connection, session);
}

static struct connection *connection_of_client(const struct front_client *client)
{
    return CONTAINER_OF((struct front_client *)client, struct connection, client);
}

static bool peer_has_ended(const struct connection *connection)
{
    return connection->stream.flags & STREAM_END_TOLD;
}

static void drop_exchanges(struct connection *connection, enum outcome why)
{
    if (list_is_empty(&connection->session.exchanges))
        return;
    h1_output_give_up(connection, why);
    h1_session_drop(&connection->session);
}

/* `why`: what responses that are not whole say of themselves. */
static void close_now(struct connection *connection, enum outcome why)
{
    if (connection->client.state == CLIENT_CLOSED)
        return;
    front_client_close(&connection->client);
    drop_exchanges(connection, why);
    stream_close(&connection->stream);
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
    if (connection->session.cuts)
        stream_reset_on_close(&connection->stream);
    if (connection->session.cuts || peer_has_ended(connection) ||
        h1_session_is_read_whole(&connection->session)) {
        close_now(connection, OUTCOME_CONNECTION_CUT);
        return;
    }
    drop_exchanges(connection, OUTCOME_CONNECTION_CUT);
    input_clear(&connection->session.input);
    stream_shutdown(&connection->stream);
    front_client_set_state(&connection->client, CLIENT_LINGER);
    stream_read_resume(&connection->stream);
}

void connection_on_request(struct h1_session *session, struct exchange *exchange)
{
    struct connection *connection = connection_of_session(session);
    struct front *front = front_of(connection);
    uint32_t count_max = front_settings(front)->limits.requests_per_connection;
    front_client_note_request(&connection->client);
    exchange->closes |= (count_max && session->request_count >= count_max) || front->is_draining;
    if (front->service->access_log)
        exchange->began_us = loop_clock_us(front->loop);
}

void connection_on_content(struct h1_session *session, size_t length)
{
    struct connection *connection = connection_of_session(session);
    front_client_note_content(&connection->client, length);
}

const struct peer *connection_peer(const struct h1_session *session)
{
    return &CONTAINER_OF((struct h1_session *)session, struct connection, session)->client.peer;
}

/* It had its share of this turn: see rest. */
static bool is_resting(const struct connection *connection)
{
    return connection->session.is_waiting && list_is_empty(&connection->session.exchanges);
}

static enum client_state state_of(const struct connection *connection)
{
    if (stream_is_sending(&connection->stream) || is_resting(connection))
        return CLIENT_SEND;
    if (h1_session_content_wanted(&connection->session) > 0)
        return CLIENT_BODY;
    /* A job has one of them, or its source is waited for: connection_continue follows. */
    if (!list_is_empty(&connection->session.exchanges))
        return CLIENT_HANDLE;
    return connection->session.input ? CLIENT_HEAD : CLIENT_IDLE;
}

/* What is read is parsed, or what is kept would grow without bound. */
static bool wants_input(const struct connection *connection, enum client_state state)
{
    return !connection->session.is_closing &&
           (state <= CLIENT_BODY || h1_session_content_wanted(&connection->session) > 0);
}

/* No limit where all that comes is wanted; else what comes in excess must be kept. */
static uint16_t read_limit(const struct connection *connection)
{
    uint64_t wanted = h1_session_content_wanted(&connection->session);
    return wanted > UINT16_MAX ? 0 : (uint16_t)MAX(wanted, (uint64_t)HEAD_READ_BYTES);
}

/* Everything that could be done was done: waits for what comes next. */
static void settle(struct connection *connection)
{
    enum client_state state = state_of(connection);
    if (peer_has_ended(connection) && state <= CLIENT_BODY) {
        close_now(connection, OUTCOME_CLIENT_LEFT);
        return;
    }
    stream_limit_reads(&connection->stream, read_limit(connection));
    if (wants_input(connection, state))
        stream_read_resume(&connection->stream);
    else
        stream_read_pause(&connection->stream);
    front_client_set_state(&connection->client, state);
}

/* Lets the other connections have their turn, with requests left to answer. */
static void rest(struct connection *connection)
{
    connection->session.is_waiting = true;
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
        enum h1_session_parsed parsed = h1_session_parse(&connection->session, &input);
        delivered = h1_output_flush(connection);
        connection->session.is_waiting = delivered == H1_OUTPUT_WAITING;
        may_go_on =
            parsed == H1_SESSION_PAUSED && delivered == H1_OUTPUT_EMPTY && !connection->session.failure;
    } while (may_go_on && ++batches < TURN_BATCHES_MAX && loop_has_time(front_of(connection)->loop));
    if (has_ended(connection, delivered))
        return;
    bool is_kept = h1_session_keep(&connection->session, input);
    if (connection->session.failure || !is_kept) {
        close_now(connection, is_kept ? (enum outcome)connection->session.failure : OUTCOME_OVERLOADED);
        return;
    }
    if (may_go_on)
        rest(connection);
    settle(connection);
}

/* Goes on after an exchange came forward: its response is ready, or a piece of it. */
static void connection_continue(struct connection *connection)
{
    h1_session_note_response(&connection->session);
    enum h1_output_result delivered = h1_output_flush(connection);
    connection->session.is_waiting = delivered == H1_OUTPUT_WAITING;
    if (has_ended(connection, delivered))
        return;
    if (delivered == H1_OUTPUT_EMPTY || h1_session_content_wanted(&connection->session) > 0)
        advance(connection, input_slice(connection->session.input));
    else
        settle(connection);
}

static void on_read(struct stream *stream, struct slice bytes)
{
    struct connection *connection = connection_of(stream);
    if (connection->client.state == CLIENT_LINGER)
        return;
    service_see_changes(front_of(connection)->service, connection->session.request_count == 0);
    if (LIKELY(connection->session.input == NULL)) {
        advance(connection, bytes);
        return;
    }
    if (!input_add(&connection->session.input, bytes)) {
        close_now(connection, OUTCOME_OVERLOADED);
        return;
    }
    advance(connection, input_slice(connection->session.input));
}

static bool may_send_file(struct stream *stream, const struct segment *segment)
{
    LIST_FOREACH(link, &connection_of(stream)->session.exchanges) {
        const struct exchange *exchange = CONTAINER_OF(link, struct exchange, link);
        if (exchange->source && exchange->file && exchange->file->fd == segment->fd)
            return source_is_unchanged(exchange->source);
    }
    UNREACHABLE();
}

static void on_end(struct stream *stream)
{
    struct connection *connection = connection_of(stream);
    h1_session_end(&connection->session);
    if (list_is_empty(&connection->session.exchanges))
        close_now(connection, OUTCOME_CLIENT_LEFT);
    else if (connection->session.is_closing && !stream_is_sending(&connection->stream))
        connection_continue(connection);
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
    input_clear(&connection->session.input);
    front_connection_gone(front_of(connection), connection);
}

static size_t describe(const struct stream *stream, char *out, size_t size)
{
    const struct connection *connection = CONTAINER_OF(stream, const struct connection, stream);
    const struct front *front = front_of(connection);
    int length = snprintf(out, size, "%s, last %.*s, on %s",
                          front_client_state_name((enum client_state)connection->client.state),
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
    connection_continue(connection_of_session(owner));
}

static bool has_left(void *owner)
{
    return stream_peer_has_left(&connection_of_session(owner)->stream);
}

static bool is_there(void *owner)
{
    if (!has_left(owner))
        return true;
    close_now(connection_of_session(owner), OUTCOME_CLIENT_LEFT);
    return false;
}

const struct exchange_events connection_exchange_events = {
    .on_respond = h1_exchange_respond,
    .on_respond_kept = h1_exchange_respond_kept,
    .on_interim = h1_exchange_interim,
    .on_progress = on_progress,
    .is_there = is_there,
    .has_left = has_left,
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
    front->connections_peak = MAX(front->connections_peak, front->connections.count);
    stream_init(&connection->stream, front->loop, fd, &connection_stream_events);
    stream_limit_reads(&connection->stream, HEAD_READ_BYTES);
    h1_session_init(&connection->session, &front->sessions);
    front_client_init(&connection->client, &front->connection_kind, &peer, admission == ADMISSION_COUNTED);
    if (stream_start(&connection->stream) < 0)
        close_now(connection, OUTCOME_OVERLOADED);
    return true;
}

/* ---- as a client ---- */

static void abort_client(struct front_client *client, enum outcome why)
{
    close_now(connection_of_client(client), why);
}

static void refuse_late(struct front_client *client)
{
    struct connection *connection = connection_of_client(client);
    if (!exchange_has_spare(front_of(connection)->service)) {
        close_now(connection, OUTCOME_OVERLOADED);
        return;
    }
    log_debug(front_of(connection)->service->log, "refused while %s",
              front_client_state_name((enum client_state)client->state));
    h1_session_refuse(&connection->session, 408, OUTCOME_TIMED_OUT);
    if (connection->session.failure)
        close_now(connection, OUTCOME_TIMED_OUT);
    else
        connection_continue(connection);
}

static void print(const struct front_client *client, struct buffer *out)
{
    connection_print(connection_of_client(client), out);
}

static void shut_down(struct front_client *client)
{
    finish(connection_of_client(client));
}

static void drain(struct front_client *client)
{
    struct exchange *last = h1_session_last(&connection_of_client(client)->session);
    if (client->state == CLIENT_IDLE)
        timeouts_entered(client, false);
    else if (last && !last->is_responded)
        last->closes = true;
}

static bool owns(const struct front_client *client, const void *owner)
{
    return owner == &connection_of_client(client)->session;
}

static bool is_busy(const struct front_client *client)
{
    return !list_is_empty(&connection_of_client(client)->session.exchanges);
}

static uint64_t bytes_left(const struct front_client *client)
{
    const struct stream *stream = &connection_of_client(client)->stream;
    return stream_unsent(stream) + stream_unacknowledged(stream);
}

static uint64_t send_idle_ms(const struct front_client *client)
{
    return stream_send_idle_ms(&connection_of_client(client)->stream);
}

/* What each exchange has to be in the list for, in order. */
static const char *validate_exchanges(const struct connection *connection)
{
    const struct list *exchanges = &connection->session.exchanges;
    LIST_FOREACH(link, exchanges) {
        const struct exchange *exchange = CONTAINER_OF(link, struct exchange, link);
        if (exchange->owner != &connection->session)
            return "a connection has the exchange of another";
        if (!exchange->is_responded && link != exchanges->previous)
            return "a request is answered before one that came earlier";
    }
    return NULL;
}

/* Between two callbacks a connection is settled: its state is the one that its facts have. */
static const char *validate(const struct front_client *client)
{
    const struct connection *connection = connection_of_client(client);
    bool is_lingering = client->state == CLIENT_LINGER;
    bool has_input = connection->session.input != NULL;
    if (connection->stream.flags & STREAM_CLOSED)
        return "a closed connection is in a list";
    if (is_lingering && (has_input || !list_is_empty(&connection->session.exchanges)))
        return "a lingering connection has something left";
    if (!is_lingering && client->state != state_of(connection))
        return "a connection is not in the state that it is in by what it waits for";
    if (client->state <= CLIENT_BODY && !connection->session.is_closing &&
        !(connection->stream.flags & STREAM_READING))
        return "a connection waits for bytes that it does not read";
    return validate_exchanges(connection);
}

const struct front_client_ops connection_client_ops = {
    .abort = abort_client,
    .refuse_late = refuse_late,
    .shut_down = shut_down,
    .drain = drain,
    .owns = owns,
    .is_busy = is_busy,
    .bytes_left = bytes_left,
    .send_idle_ms = send_idle_ms,
    .print = print,
    .validate = validate,
};
