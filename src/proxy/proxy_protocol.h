/* The header of the PROXY protocol, as the sender: with it a server learns, before the connection's first
 * byte, who the client is (haproxy.org, proxy-protocol.txt). front/proxy_header.h is the receiver's side.
 *
 * What vif does not keep of a client, its port and the address that it connected to, is sent as zero. */
#ifndef PROXY_PROXY_PROTOCOL_H
#define PROXY_PROXY_PROTOCOL_H

#include "serve/peer.h"

#define PROXY_PROTOCOL_BYTES_MAX 108

/* Writes a header of version 1 or 2; returns its length. `client` is NULL for a connection that vif makes for
 * itself, such as a health check. */
size_t proxy_protocol_write(unsigned version, const struct peer *client, char out[PROXY_PROTOCOL_BYTES_MAX]);

#endif
