/* Whom a connection comes from. */
#ifndef SERVE_PEER_H
#define SERVE_PEER_H

#include <stdint.h>

/* The peer's address, as small as it gets. */
struct peer {
    uint8_t family; /* AF_INET, AF_INET6, AF_UNIX */
    uint8_t bytes[16];
};

#endif
