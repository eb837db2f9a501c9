/* A list, since a server has few devices. When the last root of a device is gone, jobs of its requests may
 * still be running; so its queues are not freed then, but by a later device_jobs_get. */
#include "disk/device_jobs.h"

#include <stdlib.h>

static struct device_jobs *jobs_of(struct list *link)
{
    return CONTAINER_OF(link, struct device_jobs, link);
}

static bool is_unused(const struct device_jobs *jobs)
{
    return jobs->references == 0 && job_queue_is_idle(&jobs->own) && job_queue_is_idle(&jobs->mounted);
}

static void device_jobs_destroy(struct device_jobs *jobs)
{
    assert(is_unused(jobs));
    job_queue_finish(&jobs->own);
    job_queue_finish(&jobs->mounted);
    list_remove(&jobs->link);
    free(jobs);
}

static struct device_jobs *device_jobs_create(struct list *all, uint64_t device)
{
    struct device_jobs *jobs = calloc(1, sizeof(*jobs));
    if (jobs == NULL)
        return NULL;
    jobs->device = device;
    job_queue_init(&jobs->own, JOB_QUEUE_FILE_SYSTEM_MAX);
    job_queue_init(&jobs->mounted, JOB_QUEUE_FILE_SYSTEM_MAX);
    list_append(all, &jobs->link);
    return jobs;
}

struct device_jobs *device_jobs_get(struct list *all, uint64_t device)
{
    struct device_jobs *found = NULL;
    LIST_FOREACH_SAFE(link, all) {
        struct device_jobs *jobs = jobs_of(link);
        if (jobs->device == device)
            found = jobs;
        else if (is_unused(jobs))
            device_jobs_destroy(jobs);
    }
    return found ? found : device_jobs_create(all, device);
}

void device_jobs_finish(struct list *all)
{
    LIST_FOREACH_SAFE(link, all) {
        assert(is_unused(jobs_of(link)));
        device_jobs_destroy(jobs_of(link));
    }
}

const char *device_jobs_validate(const struct list *all)
{
    const char *fault = NULL;
    LIST_FOREACH(link, all) {
        fault = fault ? fault : job_queue_validate(&jobs_of(link)->own);
        fault = fault ? fault : job_queue_validate(&jobs_of(link)->mounted);
        LIST_FOREACH(other, all)
            if (other != link && jobs_of(other)->device == jobs_of(link)->device)
                return "a device has its jobs twice";
    }
    return fault;
}
