/* A close queue: closes descriptors off the loop.
 *
 * close(2) of a file behind a network may wait for an answer, as FUSE does where the file system has a flush.
 * One job at a time closes all that have come together, so a file system that does not answer any more holds
 * one thread. */
#ifndef DISK_CLOSE_QUEUE_H
#define DISK_CLOSE_QUEUE_H

#include "loop/offload.h"

struct close_queue {
    struct loop *loop;
    struct job job;
    bool is_busy; /* the job has `closing` */
    struct close_queue_batch {
        int *fds;
        size_t count;
        size_t capacity;
    } waiting, closing;
};

void close_queue_init(struct close_queue *close_queue, struct loop *loop);

/* Closes what still waits; the loop was settled before: no job is under way. What comes later is closed at
 * once. */
void close_queue_finish(struct close_queue *close_queue);

/* Takes over `fd` and closes it soon; at once where memory or the offload pool has no room. */
void close_queue_take(struct close_queue *close_queue, int fd);

#endif
