/* vif as a proxy, whole, on a loop of its own, between a client and a server that are made of bytes: what the
 * client sends, what the server answers and in which pieces, and what the client gets. All on one thread, by
 * Unix sockets; each request has connections of its own. */
#ifndef TESTS_FUZZ_PROXIED_H
#define TESTS_FUZZ_PROXIED_H

#include "base/buffer.h"

/* Of a response: small, so that inputs of some hundred bytes reach them. */
#define PROXIED_HEAD_BYTES_MAX 1024
#define PROXIED_FIELDS_MAX     16

struct proxied {
    struct slice request;
    struct slice response; /* all that the server sends, before it closes */
    /* How many of the next `left` bytes are sent at once. */
    size_t (*next_piece)(struct proxied *proxied, size_t left);
    unsigned seed;
    unsigned pieces;        /* so far */
    struct buffer received; /* by the client; to be finished by the caller */
};

/* Runs one request to its end. That nothing is left open is checked. */
void proxied_run(struct proxied *proxied);

#endif
