/* The stream has events of its own until the header is complete; what has arrived of it is kept where an
 * HTTP/1 connection keeps an incomplete head. */
#include "front/proxied_connection.h"

#include "front/admission.h"
#include "front/front.h"
#include "front/proxy_header.h"
#include "sys/address.h"

#define REPORT_INTERVAL_MS 10000

static struct input **kept_input(struct connection *connection)
{
    return &CONTAINER_OF(connection, struct h1_connection, base)->session.input;
}

static void proxied_connection_close(struct connection *connection, enum outcome why)
{
    connection->client.kind->ops->abort(&connection->client, why);
}

void proxied_connection_report(struct front *front, const struct peer *peer, const char *fault)
{
    struct proxied_faults *faults = &front->proxied_faults;
    uint64_t now = loop_now_ms(front->loop);
    char text[ADDRESS_TEXT_BYTES_MAX];
    front->counters->proxy_header_faults++;
    faults->count++;
    if (faults->reported_ms != 0 && now - faults->reported_ms < REPORT_INTERVAL_MS)
        return;
    struct address address = peer_address(peer);
    size_t length = address_format_host(&address, text);
    log_warning(front->service->log,
                "PROXY protocol: closed a connection from %.*s: %s (%llu since the last report)", (int)length,
                text, fault, (unsigned long long)faults->count);
    *faults = (struct proxied_faults){.reported_ms = MAX(now, UINT64_C(1))};
}

/* The limit of connections is the client's from here on. */
static bool take_client(struct connection *connection, const struct proxy_header *header)
{
    struct front_client *client = &connection->client;
    if (header->client.family == AF_UNSPEC)
        return true;
    client->peer.family = header->client.family;
    memcpy(client->peer.bytes, header->client.bytes, sizeof(client->peer.bytes));
    enum admission admission = admission_of(connection_front(connection), &client->peer);
    client->is_counted = admission == ADMISSION_COUNTED;
    return admission != ADMISSION_REFUSED;
}

static const struct stream_events *events_after(const struct connection *connection)
{
#ifdef HAVE_TLS
    if (connection->client.peer.is_secure)
        return &tls_transport_stream_events;
#endif
    (void)connection;
    return &h1_connection_stream_events;
}

/* `rest` follows the header. */
static void begin_content(struct connection *connection, struct slice rest)
{
    struct stream *stream = &connection->stream;
    struct input *kept = *kept_input(connection);
    *kept_input(connection) = NULL;
    stream->events = events_after(connection);
    if (!connection->client.peer.is_secure)
        front_client_set_state(&connection->client, CLIENT_IDLE);
    if (rest.length > 0)
        stream->events->on_read(stream, rest);
    input_clear(&kept);
}

static void take_header(struct connection *connection, const struct proxy_header *header, struct slice bytes)
{
    if (take_client(connection, header)) {
        begin_content(connection, slice_skip(bytes, header->length));
        return;
    }
    connection_front(connection)->counters->connections_refused++;
    proxied_connection_close(connection, OUTCOME_OVERLOADED);
}

static void proxied_on_read(struct stream *stream, struct slice bytes)
{
    struct connection *connection = connection_of(stream);
    struct input **kept = kept_input(connection);
    struct proxy_header header;
    if (!input_add(kept, bytes)) {
        proxied_connection_close(connection, OUTCOME_OVERLOADED);
        return;
    }
    bytes = input_slice(*kept);
    switch (proxy_header_read(bytes, &header)) {
    case PROXY_HEADER_MORE: return;
    case PROXY_HEADER_DONE: take_header(connection, &header, bytes); return;
    case PROXY_HEADER_BAD:
        proxied_connection_report(connection_front(connection), &connection->client.peer, header.fault);
        proxied_connection_close(connection, OUTCOME_CLIENT_LEFT);
        return;
    }
}

/* Proxies that look whether the port is open connect and leave. */
static void proxied_on_end(struct stream *stream)
{
    proxied_connection_close(connection_of(stream), OUTCOME_CLIENT_LEFT);
}

static void proxied_on_error(struct stream *stream, int error)
{
    proxied_connection_close(connection_of(stream), connection_outcome(error));
}

/* From here on it is as if there had been a header. */
static void proxied_on_closed(struct stream *stream)
{
    stream->events = events_after(connection_of(stream));
    stream->events->on_closed(stream);
}

/* Nothing is sent before the header is complete. */
static const struct stream_events proxied_stream_events = {
    .on_read = proxied_on_read,
    .on_end = proxied_on_end,
    .on_error = proxied_on_error,
    .on_closed = proxied_on_closed,
    .describe = connection_describe,
};

void proxied_connection_begin(struct connection *connection)
{
    connection->stream.events = &proxied_stream_events;
}
