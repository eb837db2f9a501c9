/* An HTTP/2 connection: connects a stream to a session. Every connection begins as HTTP/1 and is changed into
 * this struct in place once the client has shown that it speaks HTTP/2. */
#ifndef FRONT_H2_CONNECTION_H
#define FRONT_H2_CONNECTION_H

#include "front/connection.h"
#include "front/h2_session.h"
#include "front/h2_upgrade.h"

struct h2_connection {
    struct connection base;     /* first */
    struct h2_session *session; /* NULL: nothing more will be sent; the connection lingers */
    char *output;               /* buffer of the output that is being sent; NULL: none */
    struct input *input;        /* bytes read beyond its share of the turn; NULL: none */
    bool has_more;              /* there may be more to write, after other connections had their turn */
    bool is_output_counted;     /* counted in front.h2_buffers_held */
    bool is_upgrading;          /* from HTTP/1.1: the client has not sent its HTTP/2 preface yet */
};

static_assert(sizeof(struct h2_connection) <= CONNECTION_BYTES, "it takes the place of any other");

/* The connection preface of an HTTP/2 client (RFC 9113 section 3.4). */
#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/* Changes a connection on which nothing was answered yet into HTTP/2. `input` is what was received from the
 * client so far, beginning with its preface; it may be empty. May close the connection. */
void h2_connection_become(struct connection *connection, struct slice input);

/* The same for a connection whose first request asked for the upgrade: `text` begins with its head, from
 * which `request` was parsed; `input` is what follows. Sends the 101 response first. */
void h2_connection_upgrade(struct connection *connection, const struct h2_upgrade *upgrade,
                           const struct http_request *request, struct slice text, struct slice input);

extern const struct front_client_ops h2_connection_client_ops;

/* Members of struct h2_sessions for the sessions of connections. */
extern const struct exchange_events h2_connection_exchange_events;
void h2_connection_on_request(struct h2_session *session, struct exchange *exchange);
void h2_connection_on_content(struct h2_session *session, size_t length);
void h2_connection_on_progress(struct h2_session *session);
void h2_connection_on_stalled(struct h2_session *session);
bool h2_connection_is_sending(const struct h2_session *session);
const struct peer *h2_connection_peer(const struct h2_session *session);

/* Prints the client, the session, the stream and each exchange in one line: see front/connection_print.h. */
void h2_connection_print(const struct h2_connection *connection, struct buffer *out);

#endif
