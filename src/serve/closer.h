/* A closer: closes descriptors off the loop.
 *
 * close(2) of a file behind a network may wait for an answer, as FUSE does where the file system has a flush.
 * One job at a time closes all that have come together, so a file system that does not answer any more holds
 * one thread. */
#ifndef SERVE_CLOSER_H
#define SERVE_CLOSER_H

#include "loop/offload.h"

struct closer {
    struct loop *loop;
    struct job job;
    bool is_busy; /* the job has `closing` */
    struct closer_batch {
        int *fds;
        size_t count;
        size_t capacity;
    } waiting, closing;
};

void closer_init(struct closer *closer, struct loop *loop);

/* Closes what still waits; the loop was settled before: no job is under way. What comes later is closed at
 * once. */
void closer_finish(struct closer *closer);

/* Takes over `fd` and closes it soon; at once where memory or the offload pool has no room. */
void closer_take(struct closer *closer, int fd);

#endif
