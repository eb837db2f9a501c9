/* HTTP/2 connections. Read h2_connection_advance first: the session consumes the input, its output is sent,
 * and then the connection chooses a state and waits.
 *
 * Every wait ends with an event or a deadline: bytes, which are read unless some are left;
 * h2_connection_on_sent while the stream sends or other connections have their turn;
 * h2_connection_on_progress while a handler or a source has an exchange. Content without a window counts as
 * being sent, so it has the timeouts of sending. */
#include "front/h2_connection.h"

#include "front/admission.h"
#include "front/front.h"
#include "front/h2_buffer.h"
#include "front/h2_fault.h"
#include "front/timeouts.h"
#include "front/tls_transport.h"
#include "serve/timing.h"

/* Bytes that the session gets between checks of the turn's time: some hundred requests. */
#define RECEIVE_BYTES 4096

/* Most outputs of one connection per turn, while the turn has time. */
#define TURN_OUTPUTS_MAX 16

static struct h2_connection *h2_of(const struct stream *stream)
{
    return CONTAINER_OF(connection_of(stream), struct h2_connection, base);
}

static struct h2_connection *h2_of_client(const struct front_client *client)
{
    return CONTAINER_OF(connection_of_client(client), struct h2_connection, base);
}

static struct h2_connection *h2_of_session(const struct h2_session *session)
{
    return session->owner;
}

static struct front *front_of_h2(const struct h2_connection *connection)
{
    return connection_front(&connection->base);
}

static struct stream *h2_connection_stream_of(const struct h2_connection *connection)
{
    return (struct stream *)&connection->base.stream;
}

/* ---- the end ---- */

static void drop_session(struct h2_connection *connection, enum outcome why)
{
    struct h2_session *session = connection->session;
    if (session == NULL)
        return;
    uint64_t lost = transport_unsent(h2_connection_stream_of(connection));
    front_of_h2(connection)->counters->bytes_sent -= lost;
    h2_session_lose(session, lost, why);
    connection->session = NULL;
    h2_session_destroy(session, why);
}

/* `why` is logged for incomplete responses. */
static void h2_connection_close_now(struct h2_connection *connection, enum outcome why)
{
    if (connection->base.client.state == CLIENT_CLOSED)
        return;
    front_client_close(&connection->base.client);
    drop_session(connection, why);
    input_clear(&connection->input);
    transport_close(h2_connection_stream_of(connection));
}

/* Our last byte was sent, but may not have arrived: a RST could destroy it, see h1_connection_finish in
 * h1_connection.c. `why` is logged for incomplete responses. */
static void h2_connection_finish(struct h2_connection *connection, enum outcome why)
{
    struct stream *stream = h2_connection_stream_of(connection);
    if (transport_has_ended(stream) && transport_end(stream)) {
        h2_connection_close_now(connection, why);
        return;
    }
    drop_session(connection, why);
    input_clear(&connection->input);
    transport_shutdown(stream);
    front_client_set_state(&connection->base.client, CLIENT_LINGER);
    transport_read_resume(stream);
}

/* ---- output ---- */

static enum send_result h2_connection_send_output(struct h2_connection *connection,
                                                  const struct h2_output *output)
{
    struct segment segments[STREAM_SEGMENTS_MAX];
    for (size_t i = 0; i < output->piece_count; i++)
        segments[i] = segment_memory(output->pieces[i]);
    /* If the connection ends before all is sent, drop_session subtracts the rest. */
    front_of_h2(connection)->counters->bytes_sent += output->bytes;
    front_client_note_given(&connection->base.client, output->bytes);
    return transport_send(h2_connection_stream_of(connection), segments, output->piece_count);
}

enum flushed {
    FLUSHED_ALL,
    FLUSHED_SOME, /* more follows when this is sent */
    FLUSHED_NOT,  /* the stream failed, or out of memory: close */
};

/* One output, sent at once or on its way. */
static enum flushed flush_once(struct h2_connection *connection)
{
    struct front *front = front_of_h2(connection);
    struct slice pieces[STREAM_SEGMENTS_MAX];
    size_t size;
    char *room = h2_buffer_get(front, &size);
    if (room == NULL)
        return FLUSHED_NOT;
    struct h2_output output = {.room = room,
                               .room_size = size,
                               .pieces = pieces,
                               .piece_max = ARRAY_LENGTH(pieces),
                               .bytes_max = H2_OUTPUT_BYTES_MAX};
    enum h2_written written = h2_session_write(connection->session, &output);
    enum send_result sent = SEND_DONE;
    if (written != H2_WRITTEN_FAILED && output.bytes > 0)
        sent = h2_connection_send_output(connection, &output);
    if (sent == SEND_PENDING) {
        h2_buffer_hold(connection, room, size);
        return FLUSHED_SOME;
    }
    h2_buffer_put(front, room, size);
    if (written == H2_WRITTEN_FAILED || sent == SEND_FAILED)
        return FLUSHED_NOT;
    h2_session_end_sent(connection->session);
    return written == H2_WRITTEN_ALL ? FLUSHED_ALL : FLUSHED_SOME;
}

/* Sends the session's output until the socket is full or the share of the turn is used up. Returns false if
 * the connection was closed. */
static bool h2_connection_flush_output(struct h2_connection *connection)
{
    struct stream *stream = h2_connection_stream_of(connection);
    enum flushed flushed = FLUSHED_SOME;
    if (transport_is_sending(stream))
        return true;
    if (UNLIKELY(connection->is_upgrading)) {
        connection->has_more = false;
        return true;
    }
    for (unsigned outputs = 0; flushed == FLUSHED_SOME && !transport_is_sending(stream); outputs++) {
        bool has_time = outputs == 0 || (outputs < TURN_OUTPUTS_MAX && loop_has_time(stream->loop));
        if (!has_time)
            break;
        flushed = flush_once(connection);
    }
    if (flushed == FLUSHED_NOT) {
        int error = transport_error(stream);
        h2_connection_close_now(connection, error ? connection_outcome(error) : OUTCOME_OVERLOADED);
        return false;
    }
    connection->has_more = flushed == FLUSHED_SOME && !transport_is_sending(stream);
    return true;
}

/* ---- states ---- */

static bool h2_connection_has_yielded(const struct h2_connection *connection)
{
    return connection->input || connection->has_more;
}

static enum client_state h2_connection_state_of(const struct h2_connection *connection)
{
    if (transport_is_sending(h2_connection_stream_of(connection)) || h2_connection_has_yielded(connection))
        return CLIENT_SEND;
    if (UNLIKELY(connection->is_upgrading))
        return CLIENT_HEAD;
    struct h2_session_waits waits = h2_session_waits(connection->session);
    if (waits.for_client)
        return CLIENT_SEND;
    if (waits.for_content)
        return CLIENT_BODY;
    if (waits.for_handler)
        return CLIENT_HANDLE;
    return h2_is_inside_head(connection->session->engine) ? CLIENT_HEAD : CLIENT_IDLE;
}

/* Frames without a request, such as PING, do not extend the idle timeout. */
static void set_state(struct h2_connection *connection, enum client_state state)
{
    struct front_client *client = &connection->base.client;
    if (state != CLIENT_IDLE || client->state != CLIENT_IDLE || client->request_began)
        front_client_set_state(client, state);
}

/* After its FIN the client opens no window and sends no content: the streams that need it end alone, those
 * that wait for a handler go on. Returns false if there are none. */
static bool continues_after_fin(struct h2_connection *connection)
{
    if (h2_connection_has_yielded(connection))
        return true;
    if (connection->is_upgrading)
        return false;
    connection->has_more = h2_session_give_up_waiting(connection->session);
    return connection->has_more || h2_session_waits(connection->session).for_handler;
}

/* Nothing more can be done now: chooses the state by what the connection waits for. */
static void h2_connection_choose_state(struct h2_connection *connection)
{
    struct stream *stream = h2_connection_stream_of(connection);
    bool is_sending = transport_is_sending(stream);
    if (!is_sending && !h2_connection_has_yielded(connection) && h2_is_over(connection->session->engine)) {
        h2_fault_log(front_of_h2(connection), connection->session->engine);
        if (h2_flood(connection->session->engine) != H2_FLOOD_NONE)
            admission_note_offence(front_of_h2(connection), &connection->base.client.peer);
        h2_connection_finish(connection, OUTCOME_CONNECTION_CUT);
        return;
    }
    if (transport_has_ended(stream) && !is_sending && !continues_after_fin(connection)) {
        h2_connection_finish(connection, OUTCOME_CLIENT_LEFT);
        return;
    }
    enum client_state state = h2_connection_state_of(connection);
    if (h2_connection_has_yielded(connection) && !is_sending)
        transport_send_later(stream);
    if (connection->input)
        transport_read_pause(stream);
    else
        transport_read_resume(stream);
    set_state(connection, state);
}

static void h2_connection_flush(struct h2_connection *connection)
{
    if (h2_connection_flush_output(connection))
        h2_connection_choose_state(connection);
}

/* ---- input ---- */

/* Consumes as much of the input as there is time for; drops what follows the end of the session. */
static void take_input(struct h2_connection *connection, struct slice *input)
{
    bool accepts_more = true;
    do {
        struct slice piece = slice_take(*input, MIN(input->length, (size_t)RECEIVE_BYTES));
        *input = slice_skip(*input, piece.length);
        accepts_more = h2_session_receive(connection->session, piece);
    } while (accepts_more && input->length > 0 && loop_has_time(front_of_h2(connection)->loop));
    if (!accepts_more)
        *input = slice_take(*input, 0);
}

/* `input` is lent, or what was kept. */
static void h2_connection_advance(struct h2_connection *connection, struct slice input)
{
    if (input.length > 0)
        take_input(connection, &input);
    if (!input_set(&connection->input, input))
        h2_connection_close_now(connection, OUTCOME_OVERLOADED);
    else
        h2_connection_flush(connection);
}

static void h2_connection_on_read(struct stream *stream, struct slice bytes)
{
    struct h2_connection *connection = h2_of(stream);
    if (connection->session == NULL)
        return;
    struct service *service = front_of_h2(connection)->service;
    service_see_changes(service, h2_session_overtakes(connection->session, bytes, loop_turn(service->loop)));
    connection->is_upgrading = false;
    if (LIKELY(connection->input == NULL))
        h2_connection_advance(connection, bytes);
    else if (input_add(&connection->input, bytes))
        h2_connection_advance(connection, input_slice(connection->input));
    else
        h2_connection_close_now(connection, OUTCOME_OVERLOADED);
}

static void h2_connection_on_sent(struct stream *stream)
{
    struct h2_connection *connection = h2_of(stream);
    if (connection->session == NULL)
        return;
    h2_buffer_release(connection);
    connection->has_more = false;
    h2_session_end_sent(connection->session);
    if (connection->input)
        h2_connection_advance(connection, input_slice(connection->input));
    else
        h2_connection_flush(connection);
}

/* Ranges of files are read by the session. */
static bool h2_connection_may_send_file(struct stream *stream, const struct segment *segment)
{
    (void)stream, (void)segment;
    UNREACHABLE();
}

/* Responses to its requests are still sent, as far as its windows allow. */
static void h2_connection_on_end(struct stream *stream)
{
    struct h2_connection *connection = h2_of(stream);
    if (connection->session)
        h2_connection_flush(connection);
    else if (transport_end(stream)) /* else our close_notify is on its way; the time to linger ends it */
        h2_connection_close_now(connection, OUTCOME_CLIENT_LEFT);
}

static void h2_connection_on_error(struct stream *stream, int error)
{
    h2_connection_close_now(h2_of(stream), connection_outcome(error));
}

static void h2_connection_on_closed(struct stream *stream)
{
    struct h2_connection *connection = h2_of(stream);
    h2_buffer_release(connection);
    connection_gone(&connection->base);
}

static const struct stream_events stream_events_of_h2 = {
    .on_read = h2_connection_on_read,
    .may_send_file = h2_connection_may_send_file,
    .on_end = h2_connection_on_end,
    .on_sent = h2_connection_on_sent,
    .on_error = h2_connection_on_error,
    .on_closed = h2_connection_on_closed,
    .describe = connection_describe,
};

/* ---- for the session ---- */

void h2_connection_on_request(struct h2_session *session, struct exchange *exchange)
{
    struct h2_connection *connection = h2_of_session(session);
    struct front *front = front_of_h2(connection);
    struct front_client *client = &connection->base.client;
    if (service_measures(front->service)) {
        exchange->began_us = loop_clock_us(front->loop);
        if (UNLIKELY(!client->has_asked))
            timing_note_accept(exchange, front_client_accept_ms(client) * 1000);
    }
    front_client_note_request(client);
}

void h2_connection_on_content(struct h2_session *session, size_t length)
{
    front_client_note_content(&h2_of_session(session)->base.client, length);
}

const struct peer *h2_connection_peer(const struct h2_session *session)
{
    return &h2_of_session(session)->base.client.peer;
}

/* Several exchanges may progress in one turn: their output is sent together in the next. */
void h2_connection_on_progress(struct h2_session *session)
{
    struct h2_connection *connection = h2_of_session(session);
    connection->has_more = true;
    if (!transport_is_sending(h2_connection_stream_of(connection)))
        h2_connection_choose_state(connection);
}

void h2_connection_on_stalled(struct h2_session *session)
{
    struct h2_connection *connection = h2_of_session(session);
    front_of_h2(connection)->counters->timeouts++;
    h2_connection_close_now(connection, OUTCOME_TIMED_OUT);
}

bool h2_connection_is_sending(const struct h2_session *session)
{
    return transport_is_sending(h2_connection_stream_of(h2_of_session(session)));
}

static bool h2_connection_has_left(void *owner)
{
    return stream_peer_has_left(h2_connection_stream_of(h2_of_session(h2_session_of(owner))));
}

static bool h2_connection_is_there(void *owner)
{
    struct h2_connection *connection = h2_of_session(h2_session_of(owner));
    if (!h2_connection_has_left(owner))
        return true;
    h2_connection_close_now(connection, OUTCOME_CLIENT_LEFT);
    return false;
}

static void h2_connection_tell_tls(void *owner, struct arena *arena, struct peer_tls *ret_tls)
{
    tls_transport_tell(h2_connection_stream_of(h2_of_session(h2_session_of(owner))), arena, ret_tls);
}

static void h2_connection_tell_ends(void *owner, struct address *ret_peer, struct address *ret_local)
{
    const struct stream *stream = h2_connection_stream_of(h2_of_session(h2_session_of(owner)));
    sys_ends(stream->watch.fd, ret_peer, ret_local);
}

const struct exchange_events h2_connection_exchange_events = {
    .on_respond = h2_exchange_respond,
    .on_respond_kept = h2_exchange_respond_kept,
    .on_interim = h2_exchange_interim,
    .on_progress = h2_session_on_progress,
    .is_there = h2_connection_is_there,
    .has_left = h2_connection_has_left,
    .tell_tls = h2_connection_tell_tls,
    .tell_ends = h2_connection_tell_ends,
};

/* ---- as a client ---- */

/* Returns the HTTP/2 connection, or NULL after closing it if out of memory. */
static struct h2_connection *become(struct connection *connection)
{
    struct h2_connection *h2 = CONTAINER_OF(connection, struct h2_connection, base);
    struct front *front = connection_front(connection);
    h2->output = NULL;
    h2->input = NULL;
    h2->has_more = h2->is_upgrading = false;
    connection->client.kind = &front->h2_kind;
    transport_hand_over(&connection->stream, &stream_events_of_h2);
    transport_limit_reads(&connection->stream, 0);
    h2->session = h2_session_create(&front->h2_sessions, h2);
    if (h2->session == NULL) {
        h2_connection_close_now(h2, OUTCOME_OVERLOADED);
        return NULL;
    }
    front->counters->h2_connections++;
    if (front->is_draining)
        h2_drain(h2->session->engine);
    return h2;
}

void h2_connection_become(struct connection *connection, struct slice input)
{
    struct h2_connection *h2 = become(connection);
    if (h2)
        h2_connection_advance(h2, input);
}

/* Our frames are sent after the client's preface, which it sends at once. Sending them earlier would be
 * allowed, but curl 7.88 loses content that arrives together with the 101. */
static bool say_that_it_changes(struct h2_connection *connection)
{
    const struct segment said = segment_memory(SLICE(H2_UPGRADE_RESPONSE));
    front_of_h2(connection)->counters->bytes_sent += said.length;
    front_client_note_given(&connection->base.client, said.length);
    return transport_send(h2_connection_stream_of(connection), &said, 1) != SEND_FAILED;
}

void h2_connection_upgrade(struct connection *connection, const struct h2_upgrade *upgrade,
                           const struct http_request *request, struct slice text, struct slice input)
{
    struct h2_connection *h2 = become(connection);
    struct slice settings = slice_make(upgrade->settings, upgrade->length);
    if (h2 == NULL)
        return;
    if (!say_that_it_changes(h2)) {
        h2_connection_close_now(h2, connection_outcome(transport_error(h2_connection_stream_of(h2))));
    } else if (!h2_session_upgrade(h2->session, settings, request, text)) {
        h2_connection_close_now(h2, OUTCOME_OVERLOADED);
    } else {
        h2->is_upgrading = input.length == 0;
        h2_connection_advance(h2, input);
    }
}

/* An idle client may be about to send a request: GOAWAY says that it will not be answered. Sent only as far
 * as possible without waiting. */
static void h2_connection_send_goaway(struct h2_connection *connection)
{
    if (connection->session == NULL || transport_is_sending(h2_connection_stream_of(connection)))
        return;
    h2_finish(connection->session->engine);
    (void)flush_once(connection);
}

static void h2_connection_abort_client(struct front_client *client, enum outcome why)
{
    if (client->state == CLIENT_IDLE || client->state == CLIENT_HEAD)
        h2_connection_send_goaway(h2_of_client(client));
    h2_connection_close_now(h2_of_client(client), why);
}

static void h2_connection_refuse_late(struct front_client *client)
{
    struct h2_connection *connection = h2_of_client(client);
    if (client->state == CLIENT_HEAD) {
        h2_connection_abort_client(client, OUTCOME_TIMED_OUT);
        return;
    }
    h2_session_refuse_late(connection->session);
    client->request_began = true; /* what is still awaited has its time from here */
    h2_connection_flush(connection);
}

static void h2_connection_print_client(const struct front_client *client, struct buffer *out)
{
    h2_connection_print(h2_of_client(client), out);
}

static void h2_connection_shut_down(struct front_client *client)
{
    struct h2_connection *connection = h2_of_client(client);
    h2_finish(connection->session->engine);
    h2_connection_flush(connection);
}

/* The output is written in the next turn, as the caller is iterating over the list of clients. */
static void h2_connection_drain(struct front_client *client)
{
    struct h2_connection *connection = h2_of_client(client);
    if (connection->session == NULL)
        return;
    h2_drain(connection->session->engine);
    h2_session_drain_tunnels(connection->session);
    if (!transport_is_sending(h2_connection_stream_of(connection)))
        transport_send_later(h2_connection_stream_of(connection));
    if (client->state == CLIENT_IDLE)
        timeouts_entered(client, false);
}

static bool has_exchange(const struct list *exchanges, const void *owner)
{
    LIST_FOREACH(link, exchanges) {
        if (CONTAINER_OF(link, struct exchange, link)->owner == owner)
            return true;
    }
    return false;
}

static bool h2_connection_owns(const struct front_client *client, const void *owner)
{
    const struct h2_session *session = h2_of_client(client)->session;
    return session && owner &&
           (has_exchange(&session->exchanges, owner) || has_exchange(&session->sent, owner));
}

static bool h2_connection_is_busy(const struct front_client *client)
{
    const struct h2_session *session = h2_of_client(client)->session;
    return session && (!list_is_empty(&session->exchanges) || !list_is_empty(&session->sent));
}

/* Between two callbacks the state must be the one that follows from the other members. */
static const char *h2_connection_validate(const struct front_client *client)
{
    const struct h2_connection *connection = h2_of_client(client);
    if (connection->base.stream.flags & STREAM_CLOSED)
        return "a closed connection is in a list";
    if (client->state == CLIENT_LINGER)
        return connection->session ? "a lingering connection has something left" : NULL;
    if (client->state != h2_connection_state_of(connection))
        return "the state of a connection is not that of what it waits for";
    if (!transport_is_reading(&connection->base.stream) && connection->input == NULL &&
        !transport_has_ended(&connection->base.stream))
        return "a connection waits for bytes that it does not read";
    if (!transport_is_sending(&connection->base.stream) && !list_is_empty(&connection->session->sent))
        return "exchanges whose last byte is sent have not ended";
    return h2_session_validate(connection->session);
}

const struct front_client_ops h2_connection_client_ops = {
    .abort = h2_connection_abort_client,
    .refuse_late = h2_connection_refuse_late,
    .shut_down = h2_connection_shut_down,
    .drain = h2_connection_drain,
    .owns = h2_connection_owns,
    .is_busy = h2_connection_is_busy,
    .bytes_left = connection_bytes_left,
    .send_idle_ms = connection_send_idle_ms,
    .print = h2_connection_print_client,
    .validate = h2_connection_validate,
};
