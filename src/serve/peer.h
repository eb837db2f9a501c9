/* The peer of a connection: address and TLS properties. */
#ifndef SERVE_PEER_H
#define SERVE_PEER_H

#include "base/arena.h"
#include "sys/socket.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/* The peer's address, in compact form. */
struct peer {
    uint8_t family : 7;  /* AF_INET, AF_INET6, AF_UNIX */
    bool is_proxied : 1; /* the listener has the PROXY protocol: the address may be that of a header */
    bool is_secure : 1;  /* the connection uses TLS */
    bool is_early : 1; /* what it reads now came before its TLS handshake was complete: see struct exchange */
    uint8_t listener : 6; /* its number in the settings */
    uint8_t bytes[16];
};

/* TLS properties of a connection, for the log and for access decisions. Strings live as long as the
 * connection; empty if unknown. */
struct peer_tls {
    struct slice name; /* server name that the client asked for */
    struct slice version;
    struct slice cipher;
    uint64_t client_auth; /* demands on the client's certificate: https_client_auth */
    bool is_resumed;
    bool has_client;             /* the client has sent a certificate */
    struct slice client_subject; /* these three are allocated in the arena; empty without one */
    struct slice client_issuer;
    struct slice client_fingerprint; /* SHA-256, in hexadecimal digits */
};

static inline struct address peer_address(const struct peer *peer)
{
    struct address address = {.any.sa_family = peer->family};
    if (peer->family == AF_INET)
        memcpy(&address.v4.sin_addr, peer->bytes, 4);
    else if (peer->family == AF_INET6)
        memcpy(&address.v6.sin6_addr, peer->bytes, 16);
    return address;
}

/* The part of the address that identifies the client, for counting per client: an IPv6 /64 is one client,
 * since one household has that many addresses. */
static inline struct peer peer_client(const struct peer *peer)
{
    struct peer part = *peer;
    part.is_secure = part.is_early = part.is_proxied = false;
    part.listener = 0;
    bool is_mapped_v4 = memcmp(part.bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
    if (part.family == AF_INET6 && !is_mapped_v4)
        memset(part.bytes + 8, 0, 8);
    return part;
}

#endif
