/* A connection: a stream, and the HTTP/1 session that it brings bytes to and takes responses from. One small
 * struct while it is idle. */
#ifndef FRONT_CONNECTION_H
#define FRONT_CONNECTION_H

#include "front/client.h"
#include "front/h1_session.h"
#include "loop/stream.h"
#include "sys/socket.h"

struct front;

struct connection {
    struct front_client client; /* first */
    struct stream stream;
    struct h1_session session;
};

/* With what pool and allocator add it is to stay within 256 bytes: tests/stress. */
static_assert(sizeof(struct connection) <= 240, "an idle connection is this and nothing else");

/* Takes over `fd`; false where it does not, because the address has as many connections as it may, or for
 * want of memory. May answer a first request before it returns. */
bool connection_open(struct front *front, int fd, const struct address *address) MUST_CHECK;

/* What sessions of connections have in common: for struct h1_sessions. */
extern const struct exchange_events connection_exchange_events;
#define CONNECTION_BATCH_MAX 32 /* a write's cost is spread by then */
void connection_on_request(struct h1_session *session, struct exchange *exchange);
void connection_on_content(struct h1_session *session, size_t length);
const struct peer *connection_peer(const struct h1_session *session);

extern const struct front_client_ops connection_client_ops;

#endif
