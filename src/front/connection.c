/* Connections: their beginning and their end. */
#include "front/connection.h"

#include "base/error.h"
#include "front/admission.h"
#include "front/front.h"
#include "front/h1_connection.h"
#ifdef HAVE_HTTP2
#include "front/h2_connection.h"
#endif
#include "front/tls_transport.h"
#include "serve/forwarded.h"

#include <errno.h>
#include <stdio.h>

enum outcome connection_outcome(int error)
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

static struct peer peer_of(const struct address *address, const struct connection_origin *origin)
{
    struct peer peer = {
        .family = (uint8_t)address->any.sa_family,
        .is_secure = origin->tls != NULL,
        .is_proxied = origin->is_proxied,
        .listener = (uint8_t)(origin->number & 63),
    };
    if (peer.family == AF_INET)
        memcpy(peer.bytes, &address->v4.sin_addr, 4);
    else if (peer.family == AF_INET6)
        memcpy(peer.bytes, &address->v6.sin6_addr, 16);
    return peer;
}

static struct connection *take_memory(struct front *front, const struct tls_listener *tls)
{
    struct connection *connection = pool_get(tls ? &front->tls_connections : &front->connections);
    front->connections_peak = MAX(front->connections_peak, front_connection_count(front));
    return connection;
}

/* Who is not trusted could claim to be anybody. */
static bool is_stranger(const struct front *front, const struct peer *peer,
                        const struct connection_origin *origin)
{
    return UNLIKELY(origin->is_proxied) && !peer_is_trusted(front_settings(front), peer);
}

bool connection_open(struct front *front, int fd, const struct address *address,
                     const struct connection_origin *origin)
{
    const struct tls_listener *tls = origin->tls;
    struct peer peer = peer_of(address, origin);
    if (is_stranger(front, &peer, origin)) {
        proxied_connection_report(front, &peer, "it is not one of trusted_proxies");
        sys_close(fd);
        return true;
    }
    enum admission admission = admission_of(front, &peer);
    if (admission == ADMISSION_REFUSED) {
        admission_note_offence(front, &peer);
        return false;
    }
    struct connection *connection = admission_make_room(front) ? take_memory(front, tls) : NULL;
    if (connection == NULL) {
        if (admission == ADMISSION_COUNTED)
            admission_release(front, &peer);
        return false;
    }
    stream_init(&connection->stream, front->loop, fd, &h1_connection_stream_events);
    if (tls)
        tls_transport_begin(&connection->stream, tls);
    h1_connection_begin(connection, front, &peer, admission == ADMISSION_COUNTED,
                        tls || origin->is_proxied ? CLIENT_HANDSHAKE : CLIENT_IDLE);
    if (UNLIKELY(origin->is_proxied))
        proxied_connection_begin(connection);
    if (stream_start(&connection->stream) < 0)
        connection->client.kind->ops->abort(&connection->client, OUTCOME_OVERLOADED);
    return true;
}

void connection_secured(struct connection *connection, struct slice protocol)
{
    front_client_set_state(&connection->client, CLIENT_IDLE);
#ifdef HAVE_HTTP2
    if (slice_equal(protocol, SLICE("h2")))
        h2_connection_become(connection, (struct slice){0});
#else
    (void)protocol;
#endif
}

void connection_refused(struct connection *connection)
{
    transport_shutdown(&connection->stream);
    front_client_set_state(&connection->client, CLIENT_LINGER);
}

void connection_gone(struct connection *connection)
{
    struct front *front = connection_front(connection);
    if (connection->client.is_counted)
        admission_release(front, &connection->client.peer);
    pool_put(connection->client.peer.is_secure ? &front->tls_connections : &front->connections, connection);
    front_connection_gone(front);
}

size_t connection_describe(const struct stream *stream, char *out, size_t size)
{
    const struct connection *connection = connection_of(stream);
    const struct front *front = connection_front(connection);
    int length = snprintf(out, size, "%s, last %.*s, on %s",
                          front_client_state_name((enum client_state)connection->client.state),
                          (int)front->service->activity_length, front->service->activity,
                          loop_backend_name(front->loop));
    return MIN((size_t)MAX(length, 0), size - 1);
}

bool connection_waits_for_server(const struct front_client *client)
{
    return transport_waits_for_server(&connection_of_client(client)->stream);
}

uint64_t connection_bytes_left(const struct front_client *client)
{
    const struct stream *stream = &connection_of_client(client)->stream;
    return transport_unsent(stream) + stream_unacknowledged(stream);
}

uint64_t connection_send_idle_ms(const struct front_client *client)
{
    return stream_send_idle_ms(&connection_of_client(client)->stream);
}
