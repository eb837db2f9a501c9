/* A connection of HTTP/1: a stream, and the session that it brings bytes to and takes responses from. */
#ifndef FRONT_H1_CONNECTION_H
#define FRONT_H1_CONNECTION_H

#include "front/connection.h"
#include "front/h1_session.h"

struct h1_connection {
    struct connection base; /* first */
    struct h1_session session;
};

static_assert(sizeof(struct h1_connection) <= CONNECTION_BYTES,
              "an idle connection is this and nothing else");

/* Every connection begins as one of HTTP/1; one with TLS with the handshake, until connection_secured. */
void h1_connection_begin(struct connection *connection, struct front *front, const struct peer *peer,
                         bool is_counted);

extern const struct stream_events h1_connection_stream_events;
extern const struct front_client_ops h1_connection_client_ops;

/* What sessions of connections have in common: for struct h1_sessions. */
extern const struct exchange_events h1_connection_exchange_events;
#define H1_CONNECTION_BATCH_MAX 32 /* a write's cost is spread by then */
void h1_connection_on_request(struct h1_session *session, struct exchange *exchange);
void h1_connection_on_content(struct h1_session *session, size_t length);
const struct peer *h1_connection_peer(const struct h1_session *session);

/* The client, the session, the stream and each exchange in one line: see front/connection_print.h. */
void h1_connection_print(const struct h1_connection *connection, struct buffer *out);

#endif
