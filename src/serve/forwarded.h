/* Behind other servers: who the client of a request is.
 *
 * A trusted proxy (`trusted_proxies`) reports its client in a header. Reports are believed from the right:
 * each address is that of who connected to the proxy that added it, so the first one that is not itself
 * trusted is the client. What stands to its left was written by strangers. */
#ifndef SERVE_FORWARDED_H
#define SERVE_FORWARDED_H

#include "serve/exchange.h"

/* Sets exchange->client, if the peer is a trusted proxy and says who the client is. */
void forwarded_find_client(struct exchange *exchange);

/* Counts the request for the client that a proxy forwards it for, if connections per address are limited:
 * such a request uses what a connection does. Returns false if the client has reached the limit. */
bool forwarded_count(struct exchange *exchange) MUST_CHECK;

/* Whether the peer is a trusted proxy. */
static inline bool peer_is_trusted(const struct settings *settings, const struct peer *peer)
{
    return network_have(settings->trusted.networks, settings->trusted.network_count, peer->family,
                        peer->bytes);
}

#endif
