/* A run in as many threads as the plan asks for: fills in defaults, divides the work, and merges the
 * results. */
#include "load/load.h"

#include "load/run.h"
#include "sys/process.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Descriptors needed besides the connections: standard streams, epoll, timers. */
#define DESCRIPTORS_SPARE 16
#define DESCRIPTORS_EACH  4

struct thread_group;

struct load_thread {
    struct thread_group *group;
    pthread_t thread;
    struct run run;
    struct load_result *result;
    int error;
    struct load_progress progress; /* as last reported; protected by the group's lock */
};

struct thread_group {
    pthread_mutex_t lock;
    atomic_bool stops;
    load_on_progress *on_progress;
    void *context;
    unsigned count;
    struct load_thread *threads; /* the first one is the calling thread's */
};

static void fill_in(struct load_plan *plan)
{
    plan->connections = MAX(plan->connections, 1u);
    plan->pipeline = MAX(plan->pipeline, 1u);
    plan->threads = MIN(MAX(plan->threads, 1u), plan->connections);
    plan->timeout_ms = plan->timeout_ms ? plan->timeout_ms : 5000;
    plan->progress_ms = plan->progress_ms ? plan->progress_ms : 100;
    plan->connect_rate = plan->connect_rate ? plan->connect_rate : 10000;
    assert(plan->target_count > 0 && plan->target_count <= LOAD_TARGETS_MAX);
    assert(plan->address_count > 0 && plan->address_count <= LOAD_ADDRESSES_MAX);
    assert(plan->pipeline <= LOAD_PIPELINE_MAX && plan->threads <= LOAD_THREADS_MAX);
    assert(!plan->closes || plan->pipeline == 1);
    assert(plan->duration_ms > 0 || plan->requests_max > 0);
}

static struct load_plan share_of(const struct load_plan *plan, const struct schedule_share *share)
{
    struct load_plan part = *plan;
    part.connections = schedule_share_size(share);
    part.connect_rate = MAX(plan->connect_rate / plan->threads, 1u);
    if (plan->requests_max > 0)
        part.requests_max =
            MAX(plan->requests_max / plan->threads + (share->thread < plan->requests_max % plan->threads),
                UINT64_C(1));
    return part;
}

/* All threads except the first report their progress to the group. */
static bool tell_group(void *context, const struct load_progress *progress)
{
    struct load_thread *thread = context;
    pthread_mutex_lock(&thread->group->lock);
    thread->progress = *progress;
    pthread_mutex_unlock(&thread->group->lock);
    return !atomic_load_explicit(&thread->group->stops, memory_order_relaxed);
}

/* The first thread reports the total to the caller. */
static bool tell_caller(void *context, const struct load_progress *progress)
{
    struct thread_group *group = ((struct load_thread *)context)->group;
    struct load_progress all = *progress;
    pthread_mutex_lock(&group->lock);
    for (unsigned i = 1; i < group->count; i++) {
        all.open += group->threads[i].progress.open;
        all.answers += group->threads[i].progress.answers;
        all.errors += group->threads[i].progress.errors;
    }
    pthread_mutex_unlock(&group->lock);
    bool continues = group->on_progress == NULL || group->on_progress(group->context, &all);
    if (!continues)
        atomic_store_explicit(&group->stops, true, memory_order_relaxed);
    return continues;
}

static void *load_work(void *context)
{
    struct load_thread *thread = context;
    thread->error = run_go(&thread->run);
    return NULL;
}

static int load_prepare(struct load_thread *thread, const struct load_plan *plan, unsigned index)
{
    struct schedule_share share = {plan->connections, plan->threads, index};
    struct load_plan part = share_of(plan, &share);
    thread->result = calloc(1, sizeof(*thread->result));
    if (thread->result == NULL)
        return -ENOMEM;
    int error = run_init(&thread->run, &part, &share, thread->result);
    thread->run.on_progress = index == 0 ? tell_caller : tell_group;
    thread->run.context = thread;
    return error;
}

/* Starts the other threads, works too, and waits for them. */
static int work_together(struct thread_group *group)
{
    int error = 0;
    unsigned started = 1;
    while (error == 0 && started < group->count) {
        error = -pthread_create(&group->threads[started].thread, NULL, load_work, &group->threads[started]);
        started += error == 0;
    }
    if (error == 0)
        load_work(&group->threads[0]);
    else
        atomic_store(&group->stops, true);
    for (unsigned i = 1; i < started; i++)
        pthread_join(group->threads[i].thread, NULL);
    for (unsigned i = 0; error == 0 && i < group->count; i++)
        error = group->threads[i].error;
    return error;
}

/* All threads have finished: the numbers are final. */
static void load_tell_end(struct thread_group *group)
{
    struct load_progress all = run_progress(&group->threads[0].run);
    for (unsigned i = 1; i < group->count; i++) {
        struct load_progress progress = run_progress(&group->threads[i].run);
        all.open += progress.open;
        all.answers += progress.answers;
        all.errors += progress.errors;
    }
    all.phase = LOAD_PHASE_FINISHING;
    all.is_over = true;
    if (group->on_progress)
        group->on_progress(group->context, &all);
}

static int run_threads(struct thread_group *group, const struct load_plan *plan,
                       struct load_result *ret_result)
{
    int error = 0;
    for (unsigned i = 0; i < group->count; i++)
        group->threads[i].group = group;
    for (unsigned i = 0; error == 0 && i < group->count; i++)
        error = load_prepare(&group->threads[i], plan, i);
    if (error == 0)
        error = work_together(group);
    if (error == 0)
        load_tell_end(group);
    if (error == 0)
        memset(ret_result, 0, sizeof(*ret_result));
    for (unsigned i = 0; i < group->count; i++) {
        struct load_thread *thread = &group->threads[i];
        if (thread->result)
            run_finish(&thread->run);
        if (error == 0)
            load_result_merge(ret_result, thread->result);
        free(thread->result);
    }
    return error;
}

int load_run(const struct load_plan *plan, load_on_progress *on_progress, void *context,
             struct load_result *ret_result)
{
    struct load_plan filled = *plan;
    fill_in(&filled);
    size_t descriptors = sys_raise_descriptor_limit();
    if (descriptors <
        (size_t)filled.connections + DESCRIPTORS_SPARE + filled.threads * (size_t)DESCRIPTORS_EACH)
        return -EMFILE;
    struct thread_group group = {.on_progress = on_progress, .context = context, .count = filled.threads};
    group.threads = calloc(filled.threads, sizeof(*group.threads));
    if (group.threads == NULL)
        return -ENOMEM;
    pthread_mutex_init(&group.lock, NULL);
    int error = run_threads(&group, &filled, ret_result);
    pthread_mutex_destroy(&group.lock);
    free(group.threads);
    return error;
}
