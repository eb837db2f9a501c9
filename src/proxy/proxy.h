/* The handler of routes that forward requests to other servers: a reverse proxy.
 *
 *     exchange ──▶ forwarding ──▶ upstream_group ──▶ upstream ──▶ upstream_connection ──▶ the server
 *     the client's  one request,   the servers of     a server,    a socket, and the
 *     side          both ways      a route            its pool     time-outs
 *
 * Content is streamed in both directions: at most BYTE_RING_BYTES are held for each, and bytes leave as soon
 * as they arrive. */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include "base/pool.h"
#include "proxy/health.h"
#include "proxy/place_queue.h"
#include "proxy/upstream_group.h"
#include "serve/exchange.h"
#include "serve/service.h"

/* The state of proxy_handler. */
struct proxy {
    struct service *service;
    struct upstreams upstreams;
    struct pool rings;   /* memory of byte rings */
    struct pool tunnels; /* struct upstream_tunnel */
    struct map groups;   /* by route */
    struct board *board; /* NULL: not made yet */
    size_t worker;       /* number on the board */
    bool owns_board;
    struct place_queue queue;
    struct health health;
};

extern const struct handler_type proxy_handler;

/* Registers as the handler of the service's proxy routes. The service must have its snapshot. `board`, with
 * this worker's number on it, is shared by all workers; NULL: there is one only, which makes its own. */
void proxy_handler_init(struct proxy *proxy, struct service *service, struct board *board, size_t worker);

/* New requests use these settings. Servers that are in both keep their connections. */
void proxy_handler_take_settings(struct proxy *proxy, struct settings *settings);

/* Closes all connections. No request may be left. Call loop_finish_jobs before
 * proxy_handler_finish. */
void proxy_handler_close(struct proxy *proxy);
void proxy_handler_finish(struct proxy *proxy);

static inline struct proxy *proxy_of(const struct exchange *exchange)
{
    return exchange->service->handlers[ROUTE_PROXY].state;
}

#endif
