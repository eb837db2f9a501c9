/* Read tunnel_connection_go_on first. While the other side goes on, the tunnel's handler has the time-outs: a
 * client that is silent, or takes nothing, is not closed here. After that the client must take the rest as it
 * must take a response. Reading stops while the tunnel cannot take what one read may bring. */
#include "front/tunnel_connection.h"

#include "front/connection_print.h"
#include "front/front.h"
#include "front/tls_transport.h"

/* Segments for one send: a ring of bytes gives two. */
#define SEGMENTS_MAX 4

static struct tunnel_connection *tunnel_connection_of(const struct stream *stream)
{
    return CONTAINER_OF(connection_of(stream), struct tunnel_connection, base);
}

static struct tunnel_connection *tunnel_connection_of_client(const struct front_client *client)
{
    return CONTAINER_OF(connection_of_client(client), struct tunnel_connection, base);
}

static struct front *tunnel_connection_front(const struct tunnel_connection *connection)
{
    return connection_front(&connection->base);
}

/* ---- the end ---- */

static void tunnel_connection_tell_tls(void *owner, struct arena *arena, struct peer_tls *ret_tls)
{
    struct tunnel_connection *connection = owner;
    tls_transport_tell(&connection->base.stream, arena, ret_tls);
}

static const struct exchange_events tunnel_connection_events = {.tell_tls = tunnel_connection_tell_tls};

/* The stream is still open: what it has not sent does not count. */
static void tunnel_connection_drop(struct tunnel_connection *connection, enum outcome why)
{
    struct tunnel *tunnel = connection->tunnel;
    if (tunnel == NULL)
        return;
    struct front *front = tunnel_connection_front(connection);
    uint64_t lost = transport_unsent(&connection->base.stream);
    front->counters->bytes_sent -= lost;
    const struct tunnel_end end = {
        .events = &tunnel_connection_events,
        .sent_bytes = connection->sent_bytes - lost,
        .outcome = why,
    };
    connection->tunnel = NULL;
    tunnel_finish(tunnel, &end);
}

static void tunnel_connection_close(struct tunnel_connection *connection, enum outcome why)
{
    if (connection->base.client.state == CLIENT_CLOSED)
        return;
    front_client_close(&connection->base.client);
    tunnel_connection_drop(connection, why);
    transport_close(&connection->base.stream);
}

/* Both sides are at their end, or the tunnel takes nothing more: see h1_connection_finish. */
static void tunnel_connection_finish(struct tunnel_connection *connection)
{
    struct stream *stream = &connection->base.stream;
    if (transport_has_ended(stream) && transport_end(stream)) {
        tunnel_connection_close(connection, OUTCOME_COMPLETE);
        return;
    }
    tunnel_connection_drop(connection, OUTCOME_COMPLETE);
    front_client_set_state(&connection->base.client, CLIENT_LINGER);
    transport_read_resume(stream);
}

/* The other side was cut: so is this one. */
static void tunnel_connection_cut(struct tunnel_connection *connection)
{
    transport_reset_on_close(&connection->base.stream);
    tunnel_connection_close(connection, OUTCOME_UPSTREAM_FAILED);
}

/* ---- to the client ---- */

/* What the tunnel has; an error or its end comes with the next call. */
static enum source_result tunnel_connection_collect(struct tunnel *tunnel,
                                                    struct segment segments[SEGMENTS_MAX], size_t *ret_count,
                                                    size_t *ret_bytes)
{
    enum source_result result = SOURCE_GIVEN;
    *ret_count = *ret_bytes = 0;
    while (*ret_count < SEGMENTS_MAX && result == SOURCE_GIVEN) {
        struct segment *next = &segments[*ret_count];
        result = source_next(&tunnel->source, SIZE_MAX, next);
        if (result == SOURCE_GIVEN) {
            *ret_bytes += next->length;
            (*ret_count)++;
        }
    }
    return result;
}

static enum send_result tunnel_connection_send(struct tunnel_connection *connection,
                                               const struct segment *segments, size_t count, size_t bytes)
{
    connection->sent_bytes += bytes;
    tunnel_connection_front(connection)->counters->bytes_sent += bytes;
    front_client_note_given(&connection->base.client, bytes);
    return transport_send(&connection->base.stream, segments, count);
}

/* Sends what there is. After a send that is done the source is asked again, so that it can give its memory
 * back. Returns false if the connection was closed. */
static bool tunnel_connection_pump(struct tunnel_connection *connection)
{
    struct stream *stream = &connection->base.stream;
    while (!transport_is_sending(stream) && !connection->has_sent_end) {
        struct segment segments[SEGMENTS_MAX];
        size_t count, bytes;
        enum source_result result = tunnel_connection_collect(connection->tunnel, segments, &count, &bytes);
        if (count > 0 && tunnel_connection_send(connection, segments, count, bytes) == SEND_FAILED) {
            tunnel_connection_close(connection, connection_outcome(transport_error(stream)));
            return false;
        }
        if (count > 0)
            continue;
        if (result == SOURCE_WAIT)
            return true;
        if (result == SOURCE_FAILED) {
            tunnel_connection_cut(connection);
            return false;
        }
        transport_shutdown(stream);
        connection->has_sent_end = true;
    }
    return true;
}

/* ---- from the client ---- */

static void tunnel_connection_take(struct tunnel_connection *connection, struct slice bytes)
{
    struct sink *sink = &connection->tunnel->sink;
    if (bytes.length == 0 || connection->tunnel->is_over)
        return;
    assert(bytes.length <= sink->credit);
    sink->credit -= bytes.length;
    sink->type->write(sink, bytes);
}

/* Whether the tunnel takes what one read can bring. */
static bool tunnel_connection_may_read(const struct tunnel_connection *connection)
{
    return connection->tunnel->is_over || connection->tunnel->sink.credit >= LOOP_READ_BYTES;
}

/* What the connection waits for: once the other side is done, only for the client to take the rest. */
static enum client_state tunnel_connection_state_of(const struct tunnel_connection *connection)
{
    if (connection->tunnel == NULL)
        return CLIENT_LINGER;
    bool is_last = connection->tunnel->is_whole && transport_is_sending(&connection->base.stream);
    return is_last ? CLIENT_SEND : CLIENT_HANDLE;
}

static void tunnel_connection_wait(struct tunnel_connection *connection)
{
    enum client_state state = tunnel_connection_state_of(connection);
    if (tunnel_connection_may_read(connection))
        transport_read_resume(&connection->base.stream);
    else
        transport_read_pause(&connection->base.stream);
    if (state != CLIENT_HANDLE || connection->base.client.state != CLIENT_HANDLE)
        front_client_set_state(&connection->base.client, state);
}

/* Sends and reads what is possible now. Of a side that was cut, a client gets no more than it takes at
 * once. */
static void tunnel_connection_go_on(struct tunnel_connection *connection)
{
    struct stream *stream = &connection->base.stream;
    if (connection->tunnel == NULL || !tunnel_connection_pump(connection))
        return;
    if (connection->tunnel->is_cut && !connection->has_sent_end)
        tunnel_connection_cut(connection);
    else if (connection->has_sent_end && (transport_has_ended(stream) || connection->tunnel->is_over))
        tunnel_connection_finish(connection);
    else
        tunnel_connection_wait(connection);
}

static void tunnel_connection_on_read(struct stream *stream, struct slice bytes)
{
    struct tunnel_connection *connection = tunnel_connection_of(stream);
    if (connection->tunnel == NULL)
        return;
    tunnel_connection_take(connection, bytes);
    tunnel_connection_go_on(connection);
}

static void tunnel_connection_on_end(struct stream *stream)
{
    struct tunnel_connection *connection = tunnel_connection_of(stream);
    if (connection->tunnel == NULL) {
        if (transport_end(stream)) /* else our close_notify is on its way; the time to linger ends it */
            tunnel_connection_close(connection, OUTCOME_COMPLETE);
        return;
    }
    struct sink *sink = &connection->tunnel->sink;
    if (!connection->tunnel->is_over)
        sink->type->end(sink);
    tunnel_connection_go_on(connection);
}

static void tunnel_connection_on_sent(struct stream *stream)
{
    tunnel_connection_go_on(tunnel_connection_of(stream));
}

static void tunnel_connection_on_error(struct stream *stream, int error)
{
    tunnel_connection_close(tunnel_connection_of(stream), connection_outcome(error));
}

static void tunnel_connection_on_closed(struct stream *stream)
{
    connection_gone(&tunnel_connection_of(stream)->base);
}

static bool tunnel_connection_may_send_file(struct stream *stream, const struct segment *segment)
{
    (void)stream, (void)segment;
    UNREACHABLE();
}

static const struct stream_events tunnel_connection_stream_events = {
    .on_read = tunnel_connection_on_read,
    .may_send_file = tunnel_connection_may_send_file,
    .on_end = tunnel_connection_on_end,
    .on_sent = tunnel_connection_on_sent,
    .on_error = tunnel_connection_on_error,
    .on_closed = tunnel_connection_on_closed,
    .describe = connection_describe,
};

static void tunnel_connection_on_progress(void *owner)
{
    tunnel_connection_go_on(owner);
}

void tunnel_connection_become(struct connection *connection, struct tunnel *tunnel, struct slice input)
{
    struct tunnel_connection *own = CONTAINER_OF(connection, struct tunnel_connection, base);
    struct front *front = connection_front(connection);
    own->tunnel = tunnel;
    own->sent_bytes = 0;
    own->has_sent_end = false;
    connection->client.kind = &front->tunnel_kind;
    transport_hand_over(&connection->stream, &tunnel_connection_stream_events);
    transport_limit_reads(&connection->stream, 0);
    front_client_set_state(&connection->client, CLIENT_HANDLE);
    tunnel_detach(tunnel, own, tunnel_connection_on_progress);
    if (front->is_draining)
        tunnel_drain(tunnel);
    tunnel_connection_take(own, input);
    if (transport_has_ended(&connection->stream))
        tunnel_connection_on_end(&connection->stream);
    else
        tunnel_connection_go_on(own);
}

/* ---- as a client ---- */

static void tunnel_connection_abort(struct front_client *client, enum outcome why)
{
    tunnel_connection_close(tunnel_connection_of_client(client), why);
}

static void tunnel_connection_refuse_late(struct front_client *client)
{
    (void)client; /* no state of a tunnel expires so */
    UNREACHABLE();
}

static void tunnel_connection_shut_down(struct front_client *client)
{
    (void)client; /* it is never idle */
    UNREACHABLE();
}

static void tunnel_connection_drain(struct front_client *client)
{
    struct tunnel_connection *connection = tunnel_connection_of_client(client);
    if (connection->tunnel)
        tunnel_drain(connection->tunnel);
}

static bool tunnel_connection_owns(const struct front_client *client, const void *owner)
{
    return tunnel_connection_of_client(client) == owner;
}

static bool tunnel_connection_is_busy(const struct front_client *client)
{
    return tunnel_connection_of_client(client)->tunnel != NULL;
}

static void tunnel_connection_print(const struct front_client *client, struct buffer *out)
{
    const struct tunnel_connection *connection = tunnel_connection_of_client(client);
    connection_print_client(&connection->base, out);
    connection_print_stream(&connection->base, out);
    buffer_printf(out, " tunnel={sent=%llu", (unsigned long long)connection->sent_bytes);
    print_count(out, "credit", connection->tunnel ? connection->tunnel->sink.credit : 0);
    buffer_append_byte(out, '}');
}

static const char *tunnel_connection_validate(const struct front_client *client)
{
    const struct tunnel_connection *connection = tunnel_connection_of_client(client);
    if (connection->base.stream.flags & STREAM_CLOSED)
        return "a closed connection is in a list";
    if (client->state != tunnel_connection_state_of(connection))
        return "the state of a tunnel is not that of what it waits for";
    return NULL;
}

const struct front_client_ops tunnel_connection_client_ops = {
    .abort = tunnel_connection_abort,
    .refuse_late = tunnel_connection_refuse_late,
    .shut_down = tunnel_connection_shut_down,
    .drain = tunnel_connection_drain,
    .owns = tunnel_connection_owns,
    .is_busy = tunnel_connection_is_busy,
    .bytes_left = connection_bytes_left,
    .send_idle_ms = connection_send_idle_ms,
    .print = tunnel_connection_print,
    .validate = tunnel_connection_validate,
};
