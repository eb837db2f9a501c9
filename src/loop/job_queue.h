/* A job queue: a way to the offload pool for jobs that may take long, a few of them at a time.
 *
 * The pool's threads are for everybody. What waits for one thing goes by a queue of its own, where it waits
 * for its like: listings of large folders, or a file system that does not answer any more. The pool has
 * threads left for the others while few job queues stand still (loop/loop.h). */
#ifndef LOOP_JOB_QUEUE_H
#define LOOP_JOB_QUEUE_H

#include "base/list.h"

/* Jobs of one file system at a time. They wait, they do not compute: more would only wait too. */
#define JOB_QUEUE_FILE_SYSTEM_MAX 8

/* A listing of a large folder is a hundred milliseconds of work for a processor that requests need too. */
#define JOB_QUEUE_LISTINGS_MAX 2

/* Exchanges that wait past these are refused: 503. */
#define JOB_QUEUE_WAITING_MAX 1024

struct job_queue {
    struct list waiting; /* struct exchange, by queue_link */
    unsigned waiting_count;
    unsigned running_count;
    unsigned running_max;
};

static inline void job_queue_init(struct job_queue *queue, unsigned running_max)
{
    *queue = (struct job_queue){.running_max = running_max};
    list_init(&queue->waiting);
}

#endif
