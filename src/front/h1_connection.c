/* Connections. Read h1_connection_advance first: have the session parse what is there, send what is ready,
 * again as long as both make progress; then choose a state and wait.
 *
 * What a connection waits for between two callbacks always comes, or its deadline does: bytes and the FIN
 * while it reads, h1_connection_on_sent while the stream sends, h1_connection_continue while a job has an
 * exchange. */
#include "front/h1_connection.h"

#include "front/connection_print.h"
#include "front/front.h"
#include "front/h1_exchange.h"
#include "front/h1_output.h"
#ifdef HAVE_HTTP2
#include "front/h2_connection.h"
#endif
#include "front/timeouts.h"
#include "front/tls_transport.h"
#include "front/tunnel_connection.h"
#include "serve/dispatch.h"
#include "serve/exchange.h"
#include "serve/timing.h"

/* Read size for heads. It is limited because bytes of pipelined requests that cannot be answered yet, as the
 * client does not read the responses, must be kept. */
#define HEAD_READ_BYTES 8192

/* Most batches of one connection per turn, while the turn has time. */
#define TURN_BATCHES_MAX 4

static struct h1_connection *h1_of(const struct stream *stream)
{
    return CONTAINER_OF(connection_of(stream), struct h1_connection, base);
}

static struct h1_connection *h1_of_session(struct h1_session *session)
{
    return CONTAINER_OF(session, struct h1_connection, session);
}

static struct h1_connection *h1_of_client(const struct front_client *client)
{
    return CONTAINER_OF(connection_of_client(client), struct h1_connection, base);
}

static bool peer_has_ended(const struct h1_connection *connection)
{
    return transport_has_ended(&connection->base.stream);
}

static void drop_exchanges(struct h1_connection *connection, enum outcome why)
{
    if (list_is_empty(&connection->session.exchanges))
        return;
    h1_output_give_up(connection, why);
    h1_session_drop(&connection->session);
}

/* A response that ends with the connection is not complete. */
static bool h1_connection_needs_cut(const struct h1_connection *connection)
{
    const struct list *exchanges = &connection->session.exchanges;
    return !list_is_empty(exchanges) &&
           h1_exchange_needs_cut(CONTAINER_OF(exchanges->next, struct exchange, link),
                                 transport_unsent(&connection->base.stream) > 0);
}

/* `why` is logged for incomplete responses. */
static void h1_connection_close_now(struct h1_connection *connection, enum outcome why)
{
    if (connection->base.client.state == CLIENT_CLOSED)
        return;
    if (UNLIKELY(h1_connection_needs_cut(connection)))
        transport_reset_on_close(&connection->base.stream);
    front_client_close(&connection->base.client);
    drop_exchanges(connection, why);
    transport_close(&connection->base.stream);
}

/* Our last byte was sent. If the client said "close" it sends nothing more, and closing is safe. Any other
 * client may still be sending. Closing with bytes unread makes the kernel send RST, which can destroy the
 * response before the client has read it (RFC 9112 section 9.6). So vif sends FIN and lingers until the
 * client's FIN. `why` is logged for incomplete responses. */
static void h1_connection_finish(struct h1_connection *connection, enum outcome why)
{
    if (connection->session.cuts)
        transport_reset_on_close(&connection->base.stream);
    bool is_read = peer_has_ended(connection) || h1_session_is_read_whole(&connection->session);
    if (connection->session.cuts || (is_read && transport_end(&connection->base.stream))) {
        h1_connection_close_now(connection, why);
        return;
    }
    drop_exchanges(connection, why);
    input_clear(&connection->session.input);
    transport_shutdown(&connection->base.stream);
    front_client_set_state(&connection->base.client, CLIENT_LINGER);
    transport_read_resume(&connection->base.stream);
}

/* The client's FIN came, and vif does nothing more for it. Over TLS the socket may be too full for the
 * close_notify. */
static void h1_connection_finish_left(struct h1_connection *connection)
{
    if (transport_is_sending(&connection->base.stream) || h1_connection_needs_cut(connection))
        h1_connection_close_now(connection, OUTCOME_CLIENT_LEFT);
    else
        h1_connection_finish(connection, OUTCOME_CLIENT_LEFT);
}

/* For durations, before the client counts the request. A head that came in pieces was waited for since its
 * first byte. */
static void h1_connection_note_begin(struct h1_connection *connection, struct exchange *exchange)
{
    const struct front_client *client = &connection->base.client;
    const struct loop *loop = front_of(connection)->loop;
    exchange->began_us = loop_clock_us(loop);
    if (UNLIKELY(!client->has_asked))
        timing_note_accept(exchange, front_client_accept_ms(client) * 1000);
    if (UNLIKELY(client->state == CLIENT_HEAD))
        timing_note_head(exchange, (loop_now_ms(loop) - client->window_began_ms) * 1000);
}

void h1_connection_on_request(struct h1_session *session, struct exchange *exchange)
{
    struct h1_connection *connection = h1_of_session(session);
    struct front *front = front_of(connection);
    uint32_t count_max = front_settings(front)->limits.requests_per_connection;
    exchange->closes |= (count_max && session->request_count >= count_max) || front->is_draining;
    if (service_measures(front->service))
        h1_connection_note_begin(connection, exchange);
    front_client_note_request(&connection->base.client);
}

void h1_connection_on_content(struct h1_session *session, size_t length)
{
    struct h1_connection *connection = h1_of_session(session);
    front_client_note_content(&connection->base.client, length);
}

const struct peer *h1_connection_peer(const struct h1_session *session)
{
    return &CONTAINER_OF((struct h1_session *)session, struct h1_connection, session)->base.client.peer;
}

/* Whether it used up its share of this turn: see h1_connection_yield_turn. */
static bool h1_connection_has_yielded(const struct h1_connection *connection)
{
    return connection->session.is_waiting && list_is_empty(&connection->session.exchanges);
}

/* `wanted`: of the content of the current request, here and below. */
static enum client_state h1_connection_state_of(const struct h1_connection *connection, uint64_t wanted)
{
    if (transport_is_sending(&connection->base.stream) || h1_connection_has_yielded(connection))
        return CLIENT_SEND;
    if (wanted > 0)
        return CLIENT_BODY;
    /* A job or a source of an exchange is pending: h1_connection_continue follows. */
    if (!list_is_empty(&connection->session.exchanges))
        return CLIENT_HANDLE;
    return connection->session.input ? CLIENT_HEAD : CLIENT_IDLE;
}

/* Reads only if the input can be parsed: otherwise the kept bytes would grow without limit. */
static bool wants_input(const struct h1_connection *connection, enum client_state state, uint64_t wanted)
{
    return !connection->session.is_closing && (state <= CLIENT_BODY || wanted > 0);
}

/* Reads although nothing can be parsed, to notice that the client leaves. What it sends is kept; once there
 * is something, reading stops. */
static bool watches_client(const struct h1_connection *connection)
{
    return h1_session_ends_with_client(&connection->session) && connection->session.input == NULL;
}

/* No limit while everything is wanted; otherwise the excess would have to be kept. */
static uint16_t read_limit(uint64_t wanted)
{
    return wanted > UINT16_MAX ? 0 : (uint16_t)MAX(wanted, (uint64_t)HEAD_READ_BYTES);
}

/* Nothing more can be done now: chooses the state by what the connection waits for. */
static void h1_connection_choose_state(struct h1_connection *connection)
{
    uint64_t wanted = h1_session_content_wanted(&connection->session);
    enum client_state state = h1_connection_state_of(connection, wanted);
    if (peer_has_ended(connection) && state <= CLIENT_BODY) {
        h1_connection_finish_left(connection);
        return;
    }
    transport_limit_reads(&connection->base.stream, read_limit(wanted));
    if (wants_input(connection, state, wanted) || watches_client(connection))
        transport_read_resume(&connection->base.stream);
    else
        transport_read_pause(&connection->base.stream);
    front_client_set_state(&connection->base.client, state);
}

/* Gives other connections their turn although there are requests left to answer. */
static void h1_connection_yield_turn(struct h1_connection *connection)
{
    connection->session.is_waiting = true;
    transport_send_later(&connection->base.stream);
}

/* The 101 is sent: what is left of the input belongs to the tunnel. */
static void become_tunnel(struct h1_connection *connection, struct slice input)
{
    struct input *kept = connection->session.input;
    struct exchange *exchange = h1_session_last(&connection->session);
    list_remove(&exchange->link);
    tunnel_connection_become(&connection->base, exchange->tunnel, input);
    input_clear(&kept);
}

/* Returns true if the connection ended with this output, or is a tunnel from here on, with the rest of the
 * input. */
static inline bool has_ended(struct h1_connection *connection, enum h1_output_result delivered,
                             struct slice input)
{
    switch (delivered) {
    case H1_OUTPUT_EMPTY:
    case H1_OUTPUT_WAITING: return false;
    case H1_OUTPUT_CLOSING: h1_connection_finish(connection, OUTCOME_CONNECTION_CUT); return true;
    case H1_OUTPUT_TUNNEL: become_tunnel(connection, input); return true;
    case H1_OUTPUT_FAILED:
        h1_connection_close_now(connection, connection_outcome(transport_error(&connection->base.stream)));
        return true;
    }
    UNREACHABLE();
}

/* Parses and answers as much of `input` as possible, sends what is ready, and keeps the rest; an idle
 * connection keeps no buffer. `input` is the loop's buffer or the kept bytes. */
static void h1_connection_advance(struct h1_connection *connection, struct slice input)
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
    if (has_ended(connection, delivered, input))
        return;
    bool is_kept = h1_session_keep(&connection->session, input);
    if (connection->session.failure || !is_kept) {
        h1_connection_close_now(connection,
                                is_kept ? (enum outcome)connection->session.failure : OUTCOME_OVERLOADED);
        return;
    }
    if (may_go_on)
        h1_connection_yield_turn(connection);
    h1_connection_choose_state(connection);
}

/* A response, or more of its body, became ready outside of any call of this file. */
static void h1_connection_continue(struct h1_connection *connection)
{
    h1_session_note_response(&connection->session);
    enum h1_output_result delivered = h1_output_flush(connection);
    connection->session.is_waiting = delivered == H1_OUTPUT_WAITING;
    if (has_ended(connection, delivered, input_slice(connection->session.input)))
        return;
    if (delivered == H1_OUTPUT_EMPTY || h1_session_content_wanted(&connection->session) > 0)
        h1_connection_advance(connection, input_slice(connection->session.input));
    else
        h1_connection_choose_state(connection);
}

#ifdef HAVE_HTTP2

static void become_h2(struct h1_connection *connection, struct slice input)
{
    struct input *kept = connection->session.input;
    h2_connection_become(&connection->base, input);
    input_clear(&kept);
}

/* Handles a first request that asks for HTTP/2, if that is enabled; its head is then parsed twice. Returns
 * false if the connection continues as HTTP/1. */
static bool is_upgraded(struct h1_connection *connection, struct slice input)
{
    struct front *front = front_of(connection);
    struct h1 engine;
    struct slice rest = input, content;
    struct h2_upgrade upgrade;
    if (LIKELY(!front_settings(front)->http2.upgrade) || connection->base.client.peer.is_secure ||
        connection->session.is_closing || front->is_draining || !exchange_has_spare(front->service) ||
        memmem(input.data, input.length, "h2c", 3) == NULL)
        return false;
    struct http_request *request = &front->service->spare->request;
    h1_init(&engine, &front->h1_sessions.limits);
    bool is_asked =
        h1_next(&engine, &rest, request, &content) == H1_REQUEST && h2_upgrade_read(request, &upgrade);
    if (is_asked) {
        struct input *kept = connection->session.input;
        h2_connection_upgrade(&connection->base, &upgrade, request,
                              slice_take(input, input.length - rest.length), rest);
        input_clear(&kept);
    }
    http_request_clear(request);
    return is_asked;
}

/* Detects the HTTP/2 preface at the beginning of a connection without TLS (prior knowledge). Returns false if
 * there is none. */
static bool is_h2(struct h1_connection *connection, struct slice input)
{
    const struct slice preface = SLICE(H2_PREFACE);
    size_t length = MIN(input.length, preface.length);
    if (LIKELY(memcmp(input.data, preface.data, length) != 0) || connection->session.is_closing ||
        connection->base.client.peer.is_secure ||
        !front_settings(front_of(connection))->http2.prior_knowledge)
        return false;
    if (length == preface.length)
        become_h2(connection, input);
    else if (input_set(&connection->session.input, input))
        h1_connection_choose_state(connection);
    else
        h1_connection_close_now(connection, OUTCOME_OVERLOADED);
    return true;
}

#else

static bool is_h2(struct h1_connection *connection, struct slice input)
{
    (void)connection, (void)input;
    return false;
}

static bool is_upgraded(struct h1_connection *connection, struct slice input)
{
    (void)connection, (void)input;
    return false;
}

#endif

static void h1_connection_on_read(struct stream *stream, struct slice bytes)
{
    struct h1_connection *connection = h1_of(stream);
    if (connection->base.client.state == CLIENT_LINGER)
        return;
    bool is_first = connection->session.request_count == 0;
    service_see_changes(front_of(connection)->service, is_first);
    if (UNLIKELY(connection->session.input != NULL)) {
        if (!input_add(&connection->session.input, bytes)) {
            h1_connection_close_now(connection, OUTCOME_OVERLOADED);
            return;
        }
        bytes = input_slice(connection->session.input);
    }
    if (!is_first || !(is_h2(connection, bytes) || is_upgraded(connection, bytes)))
        h1_connection_advance(connection, bytes);
}

static bool h1_connection_may_send_file(struct stream *stream, const struct segment *segment)
{
    return h1_session_may_send_file(&h1_of(stream)->session, segment);
}

static void h1_connection_on_end(struct stream *stream)
{
    struct h1_connection *connection = h1_of(stream);
    h1_session_end(&connection->session);
    if (connection->base.client.state == CLIENT_LINGER && !transport_end(stream))
        return; /* our close_notify is on its way; the time to linger ends it */
    if (list_is_empty(&connection->session.exchanges) || h1_session_ends_with_client(&connection->session))
        h1_connection_finish_left(connection);
    else if (connection->session.is_closing && !transport_is_sending(&connection->base.stream))
        h1_connection_continue(connection);
}

static void h1_connection_on_sent(struct stream *stream)
{
    h1_connection_continue(h1_of(stream));
}

static void h1_connection_on_error(struct stream *stream, int error)
{
    h1_connection_close_now(h1_of(stream), connection_outcome(error));
}

static void h1_connection_on_closed(struct stream *stream)
{
    struct h1_connection *connection = h1_of(stream);
    input_clear(&connection->session.input);
    connection_gone(&connection->base);
}

const struct stream_events h1_connection_stream_events = {
    .on_read = h1_connection_on_read,
    .may_send_file = h1_connection_may_send_file,
    .on_end = h1_connection_on_end,
    .on_sent = h1_connection_on_sent,
    .on_error = h1_connection_on_error,
    .on_closed = h1_connection_on_closed,
    .describe = connection_describe,
};

static void h1_connection_on_progress(void *owner)
{
    h1_connection_continue(h1_of_session(owner));
}

static bool h1_connection_has_left(void *owner)
{
    return stream_peer_has_left(&h1_of_session(owner)->base.stream);
}

static bool h1_connection_is_there(void *owner)
{
    if (!h1_connection_has_left(owner))
        return true;
    h1_connection_close_now(h1_of_session(owner), OUTCOME_CLIENT_LEFT);
    return false;
}

static void h1_connection_tell_tls(void *owner, struct arena *arena, struct peer_tls *ret_tls)
{
    tls_transport_tell(&h1_of_session(owner)->base.stream, arena, ret_tls);
}

static void h1_connection_tell_ends(void *owner, struct address *ret_peer, struct address *ret_local)
{
    sys_ends(h1_of_session(owner)->base.stream.watch.fd, ret_peer, ret_local);
}

const struct exchange_events h1_connection_exchange_events = {
    .on_respond = h1_exchange_respond,
    .on_respond_kept = h1_exchange_respond_kept,
    .on_interim = h1_exchange_interim,
    .on_progress = h1_connection_on_progress,
    .is_there = h1_connection_is_there,
    .has_left = h1_connection_has_left,
    .tell_tls = h1_connection_tell_tls,
    .tell_ends = h1_connection_tell_ends,
};

void h1_connection_begin(struct connection *connection, struct front *front, const struct peer *peer,
                         bool is_counted, enum client_state state)
{
    struct h1_connection *h1 = CONTAINER_OF(connection, struct h1_connection, base);
    transport_limit_reads(&connection->stream, HEAD_READ_BYTES);
    h1_session_init(&h1->session, &front->h1_sessions);
    front_client_init(&connection->client, &front->h1_kind, peer, is_counted, state);
}

/* ---- as a client ---- */

static void h1_connection_abort_client(struct front_client *client, enum outcome why)
{
    h1_connection_close_now(h1_of_client(client), why);
}

static void h1_connection_refuse_late(struct front_client *client)
{
    struct h1_connection *connection = h1_of_client(client);
    if (!exchange_has_spare(front_of(connection)->service)) {
        h1_connection_close_now(connection, OUTCOME_OVERLOADED);
        return;
    }
    log_debug(front_of(connection)->service->log, "refused while %s",
              front_client_state_name((enum client_state)client->state));
    h1_session_refuse(&connection->session, 408, OUTCOME_TIMED_OUT);
    if (connection->session.failure)
        h1_connection_close_now(connection, OUTCOME_TIMED_OUT);
    else
        h1_connection_continue(connection);
}

static void h1_connection_print_client(const struct front_client *client, struct buffer *out)
{
    h1_connection_print(h1_of_client(client), out);
}

static void h1_connection_shut_down(struct front_client *client)
{
    h1_connection_finish(h1_of_client(client), OUTCOME_CONNECTION_CUT);
}

static void h1_connection_drain(struct front_client *client)
{
    struct exchange *last = h1_session_last(&h1_of_client(client)->session);
    if (client->state == CLIENT_IDLE)
        timeouts_entered(client, false);
    else if (last && !last->is_responded)
        last->closes = true;
}

static bool h1_connection_owns(const struct front_client *client, const void *owner)
{
    return owner == &h1_of_client(client)->session;
}

static bool h1_connection_is_busy(const struct front_client *client)
{
    return !list_is_empty(&h1_of_client(client)->session.exchanges);
}

/* Checks the exchanges in the list, in order. */
static const char *h1_connection_validate_exchanges(const struct h1_connection *connection)
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

/* Between two callbacks the state must be the one that follows from the other members. */
static const char *h1_connection_validate(const struct front_client *client)
{
    const struct h1_connection *connection = h1_of_client(client);
    bool is_lingering = client->state == CLIENT_LINGER;
    bool has_input = connection->session.input != NULL;
    if (connection->base.stream.flags & STREAM_CLOSED)
        return "a closed connection is in a list";
    if (is_lingering && (has_input || !list_is_empty(&connection->session.exchanges)))
        return "a lingering connection has something left";
    if (!is_lingering && client->state != CLIENT_HANDSHAKE &&
        client->state != h1_connection_state_of(connection, h1_session_content_wanted(&connection->session)))
        return "the state of a connection is not that of what it waits for";
    if (client->state <= CLIENT_BODY && !connection->session.is_closing &&
        !transport_is_reading(&connection->base.stream))
        return "a connection waits for bytes that it does not read";
    return h1_connection_validate_exchanges(connection);
}

const struct front_client_ops h1_connection_client_ops = {
    .abort = h1_connection_abort_client,
    .refuse_late = h1_connection_refuse_late,
    .shut_down = h1_connection_shut_down,
    .drain = h1_connection_drain,
    .owns = h1_connection_owns,
    .is_busy = h1_connection_is_busy,
    .bytes_left = connection_bytes_left,
    .send_idle_ms = connection_send_idle_ms,
    .print = h1_connection_print_client,
    .validate = h1_connection_validate,
};
