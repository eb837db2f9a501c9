/* The jobs of a device (st_dev): whatever waits for one disk or one server waits in its queues, by whichever
 * root it was reached, and whatever settings that root belongs to. So a device that does not answer any more
 * has as many threads as its queues may have, and new settings do not give it more.
 *
 * All on the loop's thread. */
#ifndef DISK_DEVICE_JOBS_H
#define DISK_DEVICE_JOBS_H

#include "loop/job_queue.h"

struct device_jobs {
    struct list link;
    uint64_t device;
    unsigned references;  /* of roots on it */
    struct job_queue own; /* to the device itself */
    struct job_queue
        mounted; /* to what is mounted beneath roots on it, as long as nobody knows what that is */
};

/* The jobs of `device`, in the list of `all`; NULL without memory. Without a reference they stay only as long
 * as a queue of theirs is in use, and not longer than the next call. */
struct device_jobs *device_jobs_get(struct list *all, uint64_t device) MUST_CHECK;

static inline struct device_jobs *device_jobs_ref(struct device_jobs *jobs)
{
    jobs->references++;
    return jobs;
}

/* Jobs that are under way may still leave: it goes with a later call, when they have. */
static inline void device_jobs_unref(struct device_jobs *jobs)
{
    assert(jobs->references > 0);
    jobs->references--;
}

/* Frees them all. No job is under way, and nobody has a reference. */
void device_jobs_finish(struct list *all);

/* For tests: what does not fit together; NULL: nothing. */
const char *device_jobs_validate(const struct list *all);

#endif
