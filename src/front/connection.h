/* A connection: a client with a stream. What those of all protocols begin with, and how they come to be.
 *
 * One small struct while it is idle. Where TLS is spoken there is more behind it (front/tls_transport.h). */
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

/* Room for a connection of any protocol: one turns into another where it stands, when the client has said
 * what it speaks. With what pool and allocator add to it that is to stay within 256 bytes: tests/stress. */
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

/* Takes over `fd`, accepted by a listener of that number, with TLS or without (NULL); false where it does
 * not, because the address has as many connections as it may, or for want of room or memory. May answer a
 * first request before it returns. */
bool connection_open(struct front *front, int fd, const struct address *address, unsigned listener,
                     const struct tls_listener *tls) MUST_CHECK;

/* The handshake of TLS is done. `protocol` is that of ALPN; empty: the client does not know ALPN. */
void connection_secured(struct connection *connection, struct slice protocol);

/* The handshake has failed, and what there is to say of it was sent: ends the connection. */
void connection_refused(struct connection *connection);

/* The connection is closed, and this the end of its turn: its memory is free. */
void connection_gone(struct connection *connection);

/* What a send or a read failed with: the network, memory, or the file that was being sent. */
enum outcome connection_outcome(int error);

/* For struct stream_events: what it does, for the report of a stall. */
size_t connection_describe(const struct stream *stream, char *out, size_t size);

/* For struct front_client_ops. */
uint64_t connection_bytes_left(const struct front_client *client);
uint64_t connection_send_idle_ms(const struct front_client *client);

#endif
