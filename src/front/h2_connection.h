/* A connection of HTTP/2: a stream, and the session that it brings bytes to and takes them from. It begins as
 * one of HTTP/1, and turns into this one where it stands when the client has said what it speaks. */
#ifndef FRONT_H2_CONNECTION_H
#define FRONT_H2_CONNECTION_H

#include "front/connection.h"
#include "front/h2_session.h"
#include "front/h2_upgrade.h"

struct h2_connection {
    struct connection base;     /* first */
    struct h2_session *session; /* NULL: nothing more is said; it lingers */
    char *room;                 /* of the output that is being sent; NULL: none is */
    struct input *input;        /* what was read in excess of its share of the turn; NULL: nothing */
    bool has_more;              /* there may be more to write, when others had their turn */
    bool is_room_counted;       /* see h2_room_take */
    bool is_upgrading;          /* from HTTP/1.1: the client has not said anything in HTTP/2 yet */
};

static_assert(sizeof(struct h2_connection) <= CONNECTION_BYTES, "it takes the place of any other");

/* What a client of HTTP/2 says first (RFC 9113 section 3.4). */
#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/* The connection, on which nothing was answered yet, is one of HTTP/2 from here on; `input` is what the
 * client has said, its preface first; it may be empty. May close the connection. */
void h2_connection_become(struct connection *connection, struct slice input);

/* The same for one whose first request has asked for it: `text` begins with its head, which `request` was
 * read from; `input` is what follows. The client is told before anything else. */
void h2_connection_upgrade(struct connection *connection, const struct h2_upgrade *upgrade,
                           const struct http_request *request, struct slice text, struct slice input);

extern const struct front_client_ops h2_connection_client_ops;

/* What sessions of connections have in common: for struct h2_sessions. */
extern const struct exchange_events h2_connection_exchange_events;
void h2_connection_on_request(struct h2_session *session, struct exchange *exchange);
void h2_connection_on_content(struct h2_session *session, size_t length);
void h2_connection_on_progress(struct h2_session *session);
const struct peer *h2_connection_peer(const struct h2_session *session);

/* The client, the session, the stream and each exchange in one line: see front/connection_print.h. */
void h2_connection_print(const struct h2_connection *connection, struct buffer *out);

#endif
