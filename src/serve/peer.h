/* Whom a connection comes from. */
#ifndef SERVE_PEER_H
#define SERVE_PEER_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/* The peer's address, as small as it gets. */
struct peer {
    uint8_t family;       /* AF_INET, AF_INET6, AF_UNIX */
    bool is_secure : 1;   /* TLS lies between */
    uint8_t listener : 7; /* its number in the settings */
    uint8_t bytes[16];
};

/* What TLS says of a connection, for the log and for whoever decides by it. Strings live as long as the
 * connection; empty: there is none. */
struct peer_tls {
    struct slice name; /* that the client asked for */
    struct slice version;
    struct slice cipher;
    uint64_t client_auth; /* what was asked of the client, by https_client_auth */
    bool is_resumed;
    bool has_client;             /* it has shown a certificate: */
    struct slice client_subject; /* these three are the arena's that was given; empty without one */
    struct slice client_issuer;
    struct slice client_fingerprint; /* SHA-256, in hexadecimal digits */
};

/* The part of the address that says which client it is, for what is counted by client: one household has an
 * IPv6 /64, and its addresses count as one. */
static inline struct peer peer_client(const struct peer *peer)
{
    struct peer part = *peer;
    part.is_secure = false;
    part.listener = 0;
    bool is_mapped_v4 = memcmp(part.bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
    if (part.family == AF_INET6 && !is_mapped_v4)
        memset(part.bytes + 8, 0, 8);
    return part;
}

#endif
