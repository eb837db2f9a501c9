/* A job queue: limits how many jobs of one kind run on the offload pool at the same time.
 *
 * All users share the threads of the pool. Jobs that may wait for the same slow thing (listings of large
 * folders, or one file system that may hang) go through a queue of their own, so that they delay only each
 * other. As long as few queues are stuck, the pool has threads left for other jobs (loop/loop.h).
 *
 * A queue is fair between clients: each client's jobs form a line, and the lines are served in turn, one
 * job each. If the queue is full, the newest job of the longest line is refused to make room for the new
 * one, so that no client is refused because another asks for more than its share. All calls must come from
 * the loop's thread. */
#ifndef LOOP_JOB_QUEUE_H
#define LOOP_JOB_QUEUE_H

#include "base/map.h"
#include "loop/offload.h"

/* The most jobs running at once for one file system. They wait rather than compute: more of them would
 * only wait, too. */
#define JOB_QUEUE_FILE_SYSTEM_MAX 8

/* The most listings running at once. Listing a large folder takes a hundred milliseconds of CPU time,
 * which requests need, too. */
#define JOB_QUEUE_LISTINGS_MAX 2

/* The most jobs waiting; further ones are refused: 503. */
#define JOB_QUEUE_WAITING_MAX 1024

struct job_line;
struct queued_job;

struct job_queue {
    struct list lines; /* of clients with waiting jobs, in the order of their turns */
    struct map by_client;
    unsigned waiting_count;
    unsigned running_count;
    unsigned running_max;
    struct list refused; /* jobs whose on_refused will be called at the end of the turn */
    struct task tell_refused;
};

/* Callbacks, one constant for each kind of job owner. */
struct queued_job_events {
    /* The job's turn has come. Returns false if nobody waits for it any more; the callee has then ended
     * the job and freed its memory. */
    bool (*is_wanted)(struct queued_job *queued);
    /* The job waited and will not run: it was dropped in favour of another, or the pool has no room. Never
     * called from inside a call to the queue. */
    void (*on_refused)(struct queued_job *queued);
};

/* A job in a queue; embedded in the owner's object. */
struct queued_job {
    struct job job; /* its `done` must call job_queue_leave first */
    const struct queued_job_events *events;
    struct job_queue *queue; /* NULL: in no queue */
    struct job_line *line;   /* the line it waits in; NULL: it does not wait */
    struct list link;        /* in that line, or in `refused` */
};

void job_queue_init(struct job_queue *queue, unsigned running_max);

/* No job may be waiting or running. */
void job_queue_finish(struct job_queue *queue);

/* Runs the job on the loop's pool, now or later. `client` identifies the client: equal numbers are the
 * same client. Returns 0, or -EAGAIN or -ENOMEM if there is no room: nothing will be called then. */
int job_queue_submit(struct job_queue *queue, struct loop *loop, struct queued_job *queued,
                     uint64_t client) MUST_CHECK;

/* Removes a job that waits, or was refused but not yet told so; returns false if it is running. */
bool job_queue_withdraw(struct queued_job *queued) MUST_CHECK;

/* Must be called when a job is done: removes it and starts the next ones. Also accepts a job that went
 * through no queue. */
void job_queue_leave(struct queued_job *queued);

/* Whether no job waits or runs, and no on_refused is due. */
static inline bool job_queue_is_idle(const struct job_queue *queue)
{
    return queue->waiting_count == 0 && queue->running_count == 0 && list_is_empty(&queue->refused);
}

/* For tests: describes the first inconsistency; NULL if there is none. */
const char *job_queue_validate(const struct job_queue *queue);

#endif
