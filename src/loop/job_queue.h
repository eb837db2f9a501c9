/* A job queue: a way to the offload pool for jobs that may take long, a few of them at a time.
 *
 * The pool's threads are for everybody. What waits for one thing goes by a queue of its own, where it waits
 * for its like: listings of large folders, or a file system that does not answer any more. The pool has
 * threads left for the others while few job queues stand still (loop/loop.h).
 *
 * In the queue clients get turns: the jobs of each stand in a line of their own, and the lines are served one
 * job after the other. Where the queue is full, the longest line gives its newest job up for the newcomer, so
 * that nobody is refused because of somebody who asks for more than his share. All on the loop's thread. */
#ifndef LOOP_JOB_QUEUE_H
#define LOOP_JOB_QUEUE_H

#include "base/map.h"
#include "loop/offload.h"

/* Jobs of one file system at a time. They wait, they do not compute: more would only wait too. */
#define JOB_QUEUE_FILE_SYSTEM_MAX 8

/* A listing of a large folder is a hundred milliseconds of work for a processor that requests need too. */
#define JOB_QUEUE_LISTINGS_MAX 2

/* Jobs that wait past these are refused: 503. */
#define JOB_QUEUE_WAITING_MAX 1024

struct job_line;
struct queued_job;

struct job_queue {
    struct list lines; /* of clients that wait, in the order of their turns */
    struct map by_client;
    unsigned waiting_count;
    unsigned running_count;
    unsigned running_max;
    struct list refused; /* jobs whose owners are to be told at the end of the turn */
    struct task tell_refused;
};

/* One constant for each kind of owner of jobs. */
struct queued_job_events {
    /* The job's turn has come. False where nobody waits for it any more; it has been ended then, its memory
     * with it. */
    bool (*is_wanted)(struct queued_job *queued);
    /* It waited, and will not be done: it was given up for another, or the pool has no room. Not from inside
     * of a call to the queue. */
    void (*on_refused)(struct queued_job *queued);
};

/* A job on its way through a queue; a part of what its owner knows of it. */
struct queued_job {
    struct job job; /* whose `done` calls job_queue_leave first */
    const struct queued_job_events *events;
    struct job_queue *queue; /* NULL: it is in none */
    struct job_line *line;   /* where it waits; NULL: it does not */
    struct list link;        /* in that line, or among the refused */
};

void job_queue_init(struct job_queue *queue, unsigned running_max);

/* Nothing waits or runs. */
void job_queue_finish(struct job_queue *queue);

/* Has the job done by the loop's pool, now or later. `client` says whose it is: equal for the same client.
 * Returns 0, or -EAGAIN or -ENOMEM where there is no room: nothing will be called. */
int job_queue_submit(struct job_queue *queue, struct loop *loop, struct queued_job *queued,
                     uint64_t client) MUST_CHECK;

/* Takes a job out that waits, or was refused and not told yet; false where it is being done. */
bool job_queue_withdraw(struct queued_job *queued) MUST_CHECK;

/* A job was done: it leaves, and the next ones begin. Right for one that went by no queue, too. */
void job_queue_leave(struct queued_job *queued);

/* No job waits in it or is under way, and no owner is to be told of one. */
static inline bool job_queue_is_idle(const struct job_queue *queue)
{
    return queue->waiting_count == 0 && queue->running_count == 0 && list_is_empty(&queue->refused);
}

/* For tests: what does not fit together; NULL: nothing. */
const char *job_queue_validate(const struct job_queue *queue);

#endif
