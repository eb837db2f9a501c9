/* Background clients, which hold connections without much load. They stay idle, send a request byte by byte,
 * or read a large response slowly. They run in the runner's process, which limits them by its descriptors. */
#ifndef LAB_RUN_BACKGROUND_H
#define LAB_RUN_BACKGROUND_H

#include "lab/run/watch.h"
#include "sys/socket.h"

#include <stddef.h>

/* The files that they request; lab/run/run.c creates them. */
#define BACKGROUND_SMALL_NAME "small"
#define BACKGROUND_LARGE_NAME "large"
#define BACKGROUND_SMALL_PATH "/" BACKGROUND_SMALL_NAME
#define BACKGROUND_LARGE_PATH "/" BACKGROUND_LARGE_NAME

enum background_kind {
    BACKGROUND_IDLE,      /* sends one request, gets the response, stays connected */
    BACKGROUND_SLOW_HEAD, /* sends an endless head, a byte every BACKGROUND_STEP_MS */
    BACKGROUND_SLOW_READ, /* requests a large file and reads a little every BACKGROUND_STEP_MS */
};

#define BACKGROUND_STEP_MS 50

struct background;

/* Counts the outcomes of clients that tried to connect. */
struct background_outcome {
    unsigned answered;
    unsigned refused;     /* connect: ECONNREFUSED, ECONNRESET */
    unsigned unconnected; /* connect: timeout */
    unsigned reset;       /* after connecting, before an answer */
    unsigned closed;      /* the same, by FIN */
    unsigned silent;      /* connected, timeout without a response */
    unsigned rejected;    /* got an error status */
    unsigned lost;        /* lost its connection after a response */
    int local_error;      /* error on the client side: -EMFILE, -EADDRNOTAVAIL; 0: none */
};

/* Creates a set of background clients, empty at first, of at most `count_max` clients with the same
 * behaviour. NULL without memory or descriptors. */
struct background *background_create(const struct address *server, enum background_kind kind,
                                     unsigned count_max) MUST_CHECK;

/* Connects `count` more clients. With BACKGROUND_IDLE it waits until each has its response or nothing
 * happened for `timeout_ms`; otherwise only until they have begun to connect. Returns the outcomes of these,
 * and of others in the meantime. */
struct background_outcome background_grow(struct background *background, unsigned count, unsigned timeout_ms,
                                          struct watch *watch);

/* How many clients to add next on the way from `held` to `wanted`: as many as are held, to reach large counts
 * soon, but not more than fit into the longest queue of a listener. */
unsigned background_next_batch(unsigned held, unsigned wanted);

/* Grows until `wanted` are held. Returns false if one of them got no response, or after an interruption. */
bool background_gather(struct background *background, unsigned wanted, unsigned timeout_ms,
                       struct watch *watch) MUST_CHECK;

/* Number of clients that got a response and are still connected. */
unsigned background_held(const struct background *background);

/* Makes slow clients send or read their next bytes; call about every BACKGROUND_STEP_MS. NULL is ignored. */
void background_step(struct background *background);

/* Closes all connections by RST, which leaves no port in TIME_WAIT. NULL is ignored. */
void background_destroy(struct background *background);

/* Describes failures, such as "3 connected and not answered of 64 more, within 1000 ms"; empty if there were
 * none. */
void background_tell(const struct background_outcome *outcome, unsigned tried, unsigned timeout_ms,
                     char *text, size_t size);

#endif
