/* What ties requests to a server: the key of `balance: hash`, and the cookie of `sticky`.
 *
 * The cookie's value is a server's token: a digest of the route's name and the server's URL with a key that
 * only vif has. So clients can neither choose a server nor learn its address. */
#ifndef PROXY_AFFINITY_H
#define PROXY_AFFINITY_H

#include "http/request.h"
#include "proxy/upstream_group.h"
#include "serve/peer.h"

/* What the request asks of the choice. */
struct upstream_wish affinity_wish(const struct upstream_group *group, const struct http_request *request,
                                   const struct peer *peer);

/* The value of a Set-Cookie header that keeps a client at a server, in the arena; its data is NULL if out of
 * memory. */
struct slice affinity_cookie(const struct upstream_group *group, unsigned index, bool is_secure,
                             struct arena *arena);

#endif
