/* The job queues of a device (st_dev). Everything that waits for one disk or one server waits in its
 * queues, through whichever root it was reached and whichever settings that root belongs to. So a device
 * that hangs occupies no more threads than its queues allow, and new settings do not give it more.
 *
 * All on the loop's thread. */
#ifndef DISK_DEVICE_JOBS_H
#define DISK_DEVICE_JOBS_H

#include "loop/job_queue.h"

struct device_jobs {
    struct list link;
    uint64_t device;
    unsigned references;  /* of roots on the device */
    struct job_queue own; /* for jobs on the device itself */
    struct job_queue
        mounted; /* for jobs on what is mounted beneath roots on it, while that device is unknown */
};

/* Returns the queues of `device` from the list `all`, adding them if needed; NULL if memory runs out.
 * Without a reference they are freed by a later call, once their queues are not in use. */
struct device_jobs *device_jobs_get(struct list *all, uint64_t device) MUST_CHECK;

static inline struct device_jobs *device_jobs_ref(struct device_jobs *jobs)
{
    jobs->references++;
    return jobs;
}

/* Jobs that are running may still leave the queues afterwards: a later device_jobs_get frees them. */
static inline void device_jobs_unref(struct device_jobs *jobs)
{
    assert(jobs->references > 0);
    jobs->references--;
}

/* Frees them all. No job may be running, and nobody may hold a reference. */
void device_jobs_finish(struct list *all);

/* For tests: describes the first inconsistency; NULL if there is none. */
const char *device_jobs_validate(const struct list *all);

#endif
