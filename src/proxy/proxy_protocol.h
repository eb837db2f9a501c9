/* The header of the PROXY protocol, as the sender: with it a server learns, before the connection's first
 * byte, who the client is (haproxy.org, proxy-protocol.txt). front/proxy_header.h is the receiver's side. */
#ifndef PROXY_PROXY_PROTOCOL_H
#define PROXY_PROXY_PROTOCOL_H

#include "serve/exchange.h"

#define PROXY_PROTOCOL_BYTES_MAX 108

/* An end of a TCP connection. IPv4 addresses are mapped: ::ffff:192.0.2.1. */
struct proxy_protocol_end {
    bool is_known;
    uint16_t port; /* 0: unknown */
    uint8_t bytes[16];
};

struct proxy_protocol_ends {
    struct proxy_protocol_end client;
    struct proxy_protocol_end local; /* what the client connected to */
};

/* The ends of the client's connection. If another proxy has told who the client is, its port is unknown, and
 * what is local is the connection of that proxy. */
void proxy_protocol_find_ends(const struct exchange *exchange, struct proxy_protocol_ends *ret_ends);

/* Writes a header of version 1 or 2; returns its length. `ends` is NULL for a connection that vif makes for
 * itself, such as a health check. */
size_t proxy_protocol_write(unsigned version, const struct proxy_protocol_ends *ends,
                            char out[PROXY_PROTOCOL_BYTES_MAX]);

#endif
