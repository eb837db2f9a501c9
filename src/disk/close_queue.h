/* A close queue: closes descriptors off the loop.
 *
 * close(2) of a file on a network file system may wait for an answer, as it does with FUSE if the file
 * system implements flush. One job at a time closes all descriptors collected so far, so a file system
 * that hangs occupies only one thread. */
#ifndef DISK_CLOSE_QUEUE_H
#define DISK_CLOSE_QUEUE_H

#include "loop/offload.h"

struct close_queue {
    struct loop *loop;
    struct job job;
    bool is_busy; /* the job is working on `closing` */
    struct close_queue_batch {
        int *fds;
        size_t count;
        size_t capacity;
    } waiting, closing;
};

void close_queue_init(struct close_queue *close_queue, struct loop *loop);

/* Closes what still waits. No job may be running: see loop_finish_jobs. Descriptors
 * taken later are closed at once. */
void close_queue_finish(struct close_queue *close_queue);

/* Takes over `fd` and closes it soon; at once if memory or the offload pool has no room. */
void close_queue_take(struct close_queue *close_queue, int fd);

#endif
