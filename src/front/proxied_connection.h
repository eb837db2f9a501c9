/* A connection of a listener with `proxy_protocol`, until its header has arrived: then the connection begins
 * as if the client had made it, with TLS or without.
 *
 * Only trusted proxies may connect to such a listener. Whoever does not send a good header in time
 * (timeouts.handshake) is closed, and that is logged, at most every ten seconds. */
#ifndef FRONT_PROXIED_CONNECTION_H
#define FRONT_PROXIED_CONNECTION_H

#include "front/connection.h"

/* How many connections were closed since it was last logged, and when that was. */
struct proxied_faults {
    uint64_t count;
    uint64_t reported_ms; /* loop time; 0: never */
};

/* Waits for the header. Call after the connection has begun, in the state HANDSHAKE, before its stream
 * starts. */
void proxied_connection_begin(struct connection *connection);

/* Counts and logs that a connection of the peer is closed. */
void proxied_connection_report(struct front *front, const struct peer *peer, const char *fault);

#endif
