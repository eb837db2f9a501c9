/* The offload pool: threads for what would block the loop.
 *
 * A job's `work` runs on one of a bounded number of threads and touches nothing but its own job; then `done`
 * is called on the loop. The queue is bounded too: past it offload_submit refuses, and the caller says so to
 * its client. Threads start with the first job. A job cannot be cancelled: its memory stays until `done`. */
#ifndef LOOP_OFFLOAD_H
#define LOOP_OFFLOAD_H

#include "loop/loop.h"

struct job {
    struct list link;
    void (*work)(struct job *job); /* on a thread of the pool */
    void (*done)(struct job *job); /* on the loop */
};

/* Returns 0, -EAGAIN when the queue is full, -ECANCELED while the loop is being destroyed, or -errno where no
 * thread could be started. */
int offload_submit(struct loop *loop, struct job *job) MUST_CHECK;

#endif
