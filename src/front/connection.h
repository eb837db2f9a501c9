/* A connection: a client with a stream. The structs of all protocols begin with it. Also: opening a
 * connection and choosing its protocol.
 *
 * An idle connection is one small struct. With TLS, a struct tls_transport follows it
 * (front/tls_transport.h). */
#ifndef FRONT_CONNECTION_H
#define FRONT_CONNECTION_H

#include "front/client.h"
#include "front/transport.h"
#include "sys/socket.h"

struct front;
struct tls_listener;

struct connection {
    struct front_client client; /* first */
    struct stream stream;
};

/* Size of a connection of any protocol: a connection changes its protocol in place once the client has shown
 * which one it speaks. Together with the overhead of pool and allocator this must stay within 256 bytes,
 * which tests/stress checks. */
#define CONNECTION_BYTES 240

static inline struct connection *connection_of(const struct stream *stream)
{
    return CONTAINER_OF((struct stream *)stream, struct connection, stream);
}

static inline struct connection *connection_of_client(const struct front_client *client)
{
    return CONTAINER_OF((struct front_client *)client, struct connection, client);
}

static inline struct front *connection_front(const struct connection *connection)
{
    return connection->client.kind->front;
}

/* The listener that accepted a connection. */
struct connection_origin {
    unsigned number;                /* in the settings */
    bool is_proxied;                /* connections begin with a header of the PROXY protocol */
    const struct tls_listener *tls; /* NULL: connections are in the clear */
};

/* Opens a connection on `fd`. On success it owns `fd` and may already have answered a first request, or
 * closed it again. Returns false, and leaves `fd` to the caller, if the address has reached its limit or
 * there is no room or memory. */
bool connection_open(struct front *front, int fd, const struct address *address,
                     const struct connection_origin *origin) MUST_CHECK;

/* The TLS handshake is complete. `protocol` is the one negotiated by ALPN; empty if the client did not use
 * ALPN. */
void connection_secured(struct connection *connection, struct slice protocol);

/* The TLS handshake failed and the alert, if any, was sent: ends the connection. */
void connection_refused(struct connection *connection);

/* Called at the end of the turn in which the connection was closed: frees its memory. */
void connection_gone(struct connection *connection);

/* Maps the error of a failed send or read to an outcome: network, memory, or the file that was being sent. */
enum outcome connection_outcome(int error);

/* For struct stream_events: describes what the connection is doing, for the report of a stall. */
size_t connection_describe(const struct stream *stream, char *out, size_t size);

/* Whether its handshake waits for this side: for its turn, or for a thread. */
bool connection_waits_for_server(const struct front_client *client);

/* For struct front_client_ops. */
uint64_t connection_bytes_left(const struct front_client *client);
uint64_t connection_send_idle_ms(const struct front_client *client);

#endif
