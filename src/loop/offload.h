/* The offload pool: threads for calls that would block the loop.
 *
 * A job's `work` runs on one of a limited number of threads and must touch nothing but its own job; then
 * `done` is called on the loop. The number of waiting jobs is limited, too: beyond it offload_submit
 * refuses, and the caller reports that to its client. The first job starts the first thread. A job cannot
 * be cancelled: its memory must stay valid until `done`. */
#ifndef LOOP_OFFLOAD_H
#define LOOP_OFFLOAD_H

#include "loop/loop.h"

struct job {
    struct list link;
    void (*work)(struct job *job); /* on a thread of the pool */
    void (*done)(struct job *job); /* on the loop */
};

/* Returns 0; -EAGAIN if the queue is full; -ECANCELED while the loop is being destroyed; or another -errno
 * if no thread could be started. */
int offload_submit(struct loop *loop, struct job *job) MUST_CHECK;

#endif
