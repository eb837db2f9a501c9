/* What each client has under way, where limits.connections_per_address is set: its connections, and its
 * requests that trusted proxies forward, whose connections are not its own. The limit is for both together.
 */
#ifndef SERVE_CLIENT_COUNTS_H
#define SERVE_CLIENT_COUNTS_H

#include "base/compiler.h"
#include "serve/peer.h"

struct service;

/* Counts one more of the peer's client. Returns false if it has `count_max` already, or memory has run out.
 */
bool client_counts_add_connection(struct service *service, const struct peer *peer,
                                  uint32_t count_max) MUST_CHECK;
bool client_counts_add_request(struct service *service, const struct peer *peer,
                               uint32_t count_max) MUST_CHECK;

void client_counts_remove_connection(struct service *service, const struct peer *peer);
void client_counts_remove_request(struct service *service, const struct peer *peer);

/* For tests: the connections that are counted. */
uint32_t client_counts_connections(const struct service *service, const struct peer *peer);

#endif
