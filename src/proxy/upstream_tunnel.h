/* The proxy's end of a tunnel (serve/tunnel.h): bytes both ways between a client and a server that has
 * answered 101, each way through a ring that has memory only while bytes are in it. It is all that is left of
 * a forwarding, beside the connection, whose user it is.
 *
 * It ends when both sides have ended, when one breaks, when no byte passed for tunnel_idle_ms, or, while vif
 * shuts down, at the first pause. */
#ifndef PROXY_UPSTREAM_TUNNEL_H
#define PROXY_UPSTREAM_TUNNEL_H

#include "base/byte_ring.h"
#include "proxy/proxy.h"
#include "proxy/upstream_connection.h"
#include "serve/tunnel.h"

struct upstream_tunnel {
    struct upstream_user user; /* first */
    struct tunnel tunnel;
    struct proxy *proxy;
    struct upstream_group *group;    /* with the settings */
    const struct upstream *upstream; /* of the group, */
    unsigned index;                  /* where it has this index */
    bool has_place; /* see upstream_group_leave; the server gives it back when it ends, not its client */
    struct access_log_upstream *log; /* the exchange's, as long as there is one */
    struct byte_ring upload;
    struct byte_ring download;
    struct task wake;    /* the source can go on */
    bool is_client_done; /* its side has ended */
    bool is_server_done;
    bool has_sent_end;  /* the end of the client's side was passed to the server */
    bool is_broken;     /* bytes were lost: the client must not take the end for one in order */
    bool is_waited_for; /* the source has returned SOURCE_WAIT */
    bool must_wake;     /* the owner, at the end of the callback */
};

/* Creates the tunnel of a user whose connection has got 101: it takes the connection over. Returns NULL if
 * out of memory. `log` is that of the exchange. */
struct upstream_tunnel *upstream_tunnel_create(struct proxy *proxy, struct upstream_group *group,
                                               struct upstream_user *user, struct exchange *exchange,
                                               struct access_log_upstream *log) MUST_CHECK;

#endif
