/* A connection that has left HTTP/1 by 101: it passes bytes between its stream and a tunnel (serve/tunnel.h).
 * Of the request nothing is left but what the access log needs. */
#ifndef FRONT_TUNNEL_CONNECTION_H
#define FRONT_TUNNEL_CONNECTION_H

#include "front/connection.h"
#include "serve/tunnel.h"

struct tunnel_connection {
    struct connection base; /* first */
    struct tunnel *tunnel;  /* NULL: over, the connection lingers or is closed */
    uint64_t sent_bytes;    /* passed to the stream */
    bool has_sent_end;      /* nothing more comes of the tunnel: FIN was sent */
};

static_assert(sizeof(struct tunnel_connection) <= CONNECTION_BYTES, "it has the memory of the connection");

/* The connection becomes one, in place; `input` are bytes that were read already. The tunnel's exchange must
 * be in no list; it ends. */
void tunnel_connection_become(struct connection *connection, struct tunnel *tunnel, struct slice input);

extern const struct front_client_ops tunnel_connection_client_ops;

#endif
