/* A crowd: clients that hold connections without much load. They stay idle, send a request byte by byte, or
 * read a large response slowly. They run in the runner's process, which limits them by its descriptors. */
#ifndef LAB_RUN_CROWD_H
#define LAB_RUN_CROWD_H

#include "lab/run/watch.h"
#include "sys/socket.h"

#include <stddef.h>

/* The files that they request; lab/run/run.c creates them. */
#define CROWD_SMALL_NAME "small"
#define CROWD_LARGE_NAME "large"
#define CROWD_SMALL_PATH "/" CROWD_SMALL_NAME
#define CROWD_LARGE_PATH "/" CROWD_LARGE_NAME

enum crowd_manner {
    CROWD_STAYS, /* sends one request, gets the response, stays connected */
    CROWD_DRIPS, /* sends an endless head, a byte every CROWD_STEP_MS */
    CROWD_SIPS,  /* requests a large file and reads a little every CROWD_STEP_MS */
};

#define CROWD_STEP_MS 50

struct crowd;

/* Counts the outcomes of clients that tried to connect. */
struct crowd_outcome {
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

/* Creates an empty crowd of at most `count_max` clients with the same behaviour. NULL without memory or
 * descriptors. */
struct crowd *crowd_create(const struct address *server, enum crowd_manner manner,
                           unsigned count_max) MUST_CHECK;

/* Connects `count` more clients. With CROWD_STAYS it waits until each has its response or nothing happened
 * for `timeout_ms`; otherwise only until they have begun to connect. Returns the outcomes of these, and of
 * others in the meantime. */
struct crowd_outcome crowd_grow(struct crowd *crowd, unsigned count, unsigned timeout_ms,
                                struct watch *watch);

/* How many clients to add next on the way from `held` to `wanted`: as many as are held, to reach large counts
 * soon, but not more than fit into the longest queue of a listener. */
unsigned crowd_next_batch(unsigned held, unsigned wanted);

/* Grows until `wanted` are held. Returns false if one of them got no response, or after an interruption. */
bool crowd_gather(struct crowd *crowd, unsigned wanted, unsigned timeout_ms, struct watch *watch) MUST_CHECK;

/* Number of clients that got a response and are still connected. */
unsigned crowd_held(const struct crowd *crowd);

/* Makes slow clients send or read their next bytes; call about every CROWD_STEP_MS. NULL is ignored. */
void crowd_step(struct crowd *crowd);

/* Closes all connections by RST, which leaves no port in TIME_WAIT. NULL is ignored. */
void crowd_destroy(struct crowd *crowd);

/* Describes failures, such as "3 connected and not answered of 64 more, within 1000 ms"; empty if there were
 * none. */
void crowd_tell(const struct crowd_outcome *outcome, unsigned tried, unsigned timeout_ms, char *text,
                size_t size);

#endif
