/* The offload pool: a queue, a few threads, a list of finished jobs, and an eventfd that wakes the loop
 * for them. One mutex protects both lists; it is held only for a few instructions, and never used by
 * requests that do not offload. */
#include "loop/offload.h"

#include "loop/internal.h"
#include "sys/event.h"
#include "sys/socket.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define THREADS_DEFAULT 32
#define QUEUE_DEFAULT   1024
#define STACK_BYTES     (256u << 10)

struct offload {
    struct loop *loop;
    struct watch wake;
    pthread_mutex_t mutex;
    pthread_cond_t work_arrived;
    struct list waiting;  /* struct job */
    struct list finished; /* struct job */
    unsigned waiting_count;
    unsigned waiting_max;
    unsigned thread_max;
    unsigned thread_count;
    unsigned threads_idle;
    bool stopping;
    pthread_t threads[];
};

static struct job *take_job(struct offload *offload)
{
    offload->threads_idle++;
    while (list_is_empty(&offload->waiting) && !offload->stopping)
        pthread_cond_wait(&offload->work_arrived, &offload->mutex);
    offload->threads_idle--;
    if (list_is_empty(&offload->waiting))
        return NULL;
    assert(offload->waiting_count > 0);
    struct job *job = CONTAINER_OF(offload->waiting.next, struct job, link);
    list_remove(&job->link);
    offload->waiting_count--;
    return job;
}

static void *run_thread(void *argument)
{
    struct offload *offload = argument;
    pthread_mutex_lock(&offload->mutex);
    for (struct job *job; (job = take_job(offload)) != NULL;) {
        pthread_mutex_unlock(&offload->mutex);
        job->work(job);
        pthread_mutex_lock(&offload->mutex);
        bool first = list_is_empty(&offload->finished);
        list_append(&offload->finished, &job->link);
        if (first)
            sys_eventfd_raise(offload->wake.fd);
    }
    pthread_mutex_unlock(&offload->mutex);
    return NULL;
}

static void finish_jobs(struct offload *offload)
{
    struct list finished;
    list_init(&finished);
    pthread_mutex_lock(&offload->mutex);
    list_splice(&finished, &offload->finished);
    pthread_mutex_unlock(&offload->mutex);
    while (!list_is_empty(&finished)) {
        struct job *job = CONTAINER_OF(finished.next, struct job, link);
        list_remove(&job->link);
        job->done(job);
    }
}

static void on_wake(struct watch *watch, unsigned events)
{
    (void)events;
    struct offload *offload = CONTAINER_OF(watch, struct offload, wake);
    sys_eventfd_clear(watch->fd);
    finish_jobs(offload);
}

static const struct watch_events wake_events = {.on_ready = on_wake, .name = "finishing offloaded jobs"};

static int offload_create(struct loop *loop, struct offload **ret_offload)
{
    unsigned thread_max = loop->options.offload_threads ? loop->options.offload_threads : THREADS_DEFAULT;
    struct offload *offload = calloc(1, sizeof(*offload) + thread_max * sizeof(pthread_t));
    if (offload == NULL)
        return -ENOMEM;
    offload->loop = loop;
    offload->thread_max = thread_max;
    offload->waiting_max = loop->options.offload_queue ? loop->options.offload_queue : QUEUE_DEFAULT;
    list_init(&offload->waiting);
    list_init(&offload->finished);
    pthread_mutex_init(&offload->mutex, NULL);
    pthread_cond_init(&offload->work_arrived, NULL);
    offload->wake = (struct watch){.events = &wake_events, .fd = sys_eventfd_create()};
    int error = offload->wake.fd < 0 ? offload->wake.fd : watch_start(loop, &offload->wake, WATCH_LEVEL);
    if (error < 0) {
        if (offload->wake.fd >= 0)
            sys_close(offload->wake.fd);
        free(offload);
        return error;
    }
    *ret_offload = offload;
    return 0;
}

/* With all signals blocked: signals are handled by the loop. */
static int start_thread(struct offload *offload)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&offload->threads[offload->thread_count], &attributes, run_thread, offload);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error == 0)
        offload->thread_count++;
    return -error;
}

static int enqueue(struct offload *offload, struct job *job)
{
    assert(offload->threads_idle <= offload->thread_count && offload->thread_count <= offload->thread_max);
    if (offload->stopping)
        return -ECANCELED;
    if (offload->waiting_count >= offload->waiting_max)
        return -EAGAIN;
    bool needs_thread =
        offload->threads_idle <= offload->waiting_count && offload->thread_count < offload->thread_max;
    int error = needs_thread ? start_thread(offload) : 0;
    if (error < 0 && offload->thread_count == 0)
        return error;
    list_append(&offload->waiting, &job->link);
    offload->waiting_count++;
    pthread_cond_signal(&offload->work_arrived);
    return 0;
}

int offload_submit(struct loop *loop, struct job *job)
{
    assert(job->work != NULL && job->done != NULL);
    if (loop->offload == NULL) {
        int error = offload_create(loop, &loop->offload);
        if (error < 0)
            return error;
    }
    struct offload *offload = loop->offload;
    pthread_mutex_lock(&offload->mutex);
    int error = enqueue(offload, job);
    pthread_mutex_unlock(&offload->mutex);
    return error;
}

static void offload_end(struct offload *offload)
{
    if (offload == NULL || offload->stopping)
        return;
    pthread_mutex_lock(&offload->mutex);
    offload->stopping = true;
    pthread_cond_broadcast(&offload->work_arrived);
    pthread_mutex_unlock(&offload->mutex);
    for (unsigned i = 0; i < offload->thread_count; i++)
        pthread_join(offload->threads[i], NULL);
    finish_jobs(offload);
}

void offload_destroy(struct offload *offload)
{
    if (offload == NULL)
        return;
    offload_end(offload);
    assert(list_is_empty(&offload->waiting) && list_is_empty(&offload->finished));
    watch_stop(offload->loop, &offload->wake);
    sys_close(offload->wake.fd);
    pthread_mutex_destroy(&offload->mutex);
    pthread_cond_destroy(&offload->work_arrived);
    free(offload);
}
