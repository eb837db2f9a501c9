/* A crowd of clients that are no load: connections that stay, that send a request byte by byte, or that read
 * a large answer drop by drop. In the runner's own process; at most as many as it has descriptors. */
#ifndef LAB_RUN_CROWD_H
#define LAB_RUN_CROWD_H

#include "lab/run/watch.h"
#include "sys/socket.h"

#include <stddef.h>

/* What those on the list ask for; lab/run/run.c makes the files. */
#define CROWD_SMALL_NAME "small"
#define CROWD_LARGE_NAME "large"
#define CROWD_SMALL_PATH "/" CROWD_SMALL_NAME
#define CROWD_LARGE_PATH "/" CROWD_LARGE_NAME

enum crowd_manner {
    CROWD_STAYS, /* asks once, has its answer, stays connected */
    CROWD_DRIPS, /* sends a head that never ends, a byte every CROWD_STEP_MS */
    CROWD_SIPS,  /* asks for a large file and reads a little of it every CROWD_STEP_MS */
};

#define CROWD_STEP_MS 50

struct crowd;

/* What became of clients that wanted to connect. */
struct crowd_outcome {
    unsigned answered;
    unsigned refused;     /* connect: ECONNREFUSED, ECONNRESET */
    unsigned unconnected; /* connect: no word in time */
    unsigned reset;       /* after connecting, before an answer */
    unsigned closed;      /* the same, politely */
    unsigned silent;      /* connected, no answer in time */
    unsigned rejected;    /* answered with an error status */
    unsigned lost;        /* had an answer before, and lost its connection now */
    int local_error;      /* what this machine's clients ran into: -EMFILE, -EADDRNOTAVAIL; 0 */
};

/* Clients of one manner, none yet, at most `count_max`. NULL without memory or descriptor. */
struct crowd *crowd_create(const struct address *server, enum crowd_manner manner,
                           unsigned count_max) MUST_CHECK;

/* `count` more clients connect; of CROWD_STAYS this waits until each has its answer or `timeout_ms` passed
 * without any news, for the others only until they are connecting. Returns what became of these, and of
 * others meanwhile. */
struct crowd_outcome crowd_grow(struct crowd *crowd, unsigned count, unsigned timeout_ms,
                                struct watch *watch);

/* How many to add at a time where there are `held` and there shall be `wanted`: as many more, so that large
 * counts are reached soon, and few enough for the longest queue of a listener. */
unsigned crowd_next_batch(unsigned held, unsigned wanted);

/* Grows until `wanted` are held. False where one of them had no answer, or after an interruption. */
bool crowd_gather(struct crowd *crowd, unsigned wanted, unsigned timeout_ms, struct watch *watch) MUST_CHECK;

/* Clients with an answer whose connection lives. */
unsigned crowd_held(const struct crowd *crowd);

/* Lets those that drip and sip do so; to be called about every CROWD_STEP_MS. NULL is ignored. */
void crowd_step(struct crowd *crowd);

/* Ends all connections by a reset, which leaves no port waiting. NULL is ignored. */
void crowd_destroy(struct crowd *crowd);

/* "3 connected and not answered of 64 more, within 1000 ms": what went wrong; empty where nothing did. */
void crowd_tell(const struct crowd_outcome *outcome, unsigned tried, unsigned timeout_ms, char *text,
                size_t size);

#endif
