/* An HTTP/1 connection: connects a stream to a session, which parses the bytes received and supplies the
 * responses to send. */
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

/* Every connection begins as HTTP/1, in the state IDLE, or in HANDSHAKE if something comes first: the header
 * of the PROXY protocol, or the TLS handshake, until connection_secured. */
void h1_connection_begin(struct connection *connection, struct front *front, const struct peer *peer,
                         bool is_counted, enum client_state state);

extern const struct stream_events h1_connection_stream_events;
extern const struct front_client_ops h1_connection_client_ops;

/* Members of struct h1_sessions for the sessions of connections. */
extern const struct exchange_events h1_connection_exchange_events;
#define H1_CONNECTION_BATCH_MAX 32 /* enough to amortise the cost of a write */
void h1_connection_on_request(struct h1_session *session, struct exchange *exchange);
void h1_connection_on_content(struct h1_session *session, size_t length);
const struct peer *h1_connection_peer(const struct h1_session *session);

/* Prints the client, the session, the stream and each exchange in one line: see front/connection_print.h. */
void h1_connection_print(const struct h1_connection *connection, struct buffer *out);

#endif
