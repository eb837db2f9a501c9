/* Attempts of clients to name a password. Each may be wrong PASSWORD_ATTEMPTS_MAX times in
 * ATTEMPTS_WITHIN_MS, counted from the first one on; a check that is under way counts as wrong until it is
 * known better, so that no client has many of them at once. All clients together may be wrong
 * ATTEMPTS_OF_ALL_MAX times in that time: whoever has many addresses does not have as many times more
 * attempts, and the list has room for every client until its time is over.
 *
 * A client is an address, or an IPv6 network of 64 bits (peer_client). A worker counts for itself. */
#ifndef ADMIN_ATTEMPTS_H
#define ADMIN_ATTEMPTS_H

#include "serve/peer.h"

#define PASSWORD_ATTEMPTS_MAX 10
#define ATTEMPTS_OF_ALL_MAX   100
#define ATTEMPTS_WITHIN_MS    60000
#define ATTEMPTS_CLIENTS_MAX  256

struct attempts_client {
    struct peer part;  /* peer_client */
    uint32_t count;    /* in this time */
    uint64_t began_ms; /* of the first of them */
};

/* Zeroed at first. */
struct attempts {
    struct attempts_client all; /* clients together, as if they were one; it has no part */
    struct attempts_client clients[ATTEMPTS_CLIENTS_MAX];
};

/* Counts one more. Returns 0, or for how many seconds the client has to wait: for itself, or for all. */
unsigned attempts_take(struct attempts *attempts, const struct peer *peer, uint64_t now_ms) MUST_CHECK;

/* Gives one back that was right, or never came to a check. */
void attempts_give_back(struct attempts *attempts, const struct peer *peer);

/* How many of the client are counted. */
unsigned attempts_of(const struct attempts *attempts, const struct peer *peer);

#endif
