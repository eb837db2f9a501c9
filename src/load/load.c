/* A run in as many threads as the plan wants: its defaults, its shares, and one result made of theirs. */
#include "load/load.h"

#include "load/run.h"
#include "sys/process.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Descriptors beside those of the connections: standard streams, epoll, timers. */
#define DESCRIPTORS_SPARE 16
#define DESCRIPTORS_EACH  4

struct crew;

struct member {
    struct crew *crew;
    pthread_t thread;
    struct run run;
    struct load_result *result;
    int error;
    struct load_progress progress; /* as last told; under the crew's lock */
};

struct crew {
    pthread_mutex_t lock;
    atomic_bool stops;
    load_on_progress *on_progress;
    void *context;
    unsigned count;
    struct member *members; /* the first is this thread's */
};

static void fill_in(struct load_plan *plan)
{
    plan->connections = MAX(plan->connections, 1u);
    plan->pipeline = MAX(plan->pipeline, 1u);
    plan->threads = MIN(MAX(plan->threads, 1u), plan->connections);
    plan->timeout_ms = plan->timeout_ms ? plan->timeout_ms : 5000;
    plan->connect_rate = plan->connect_rate ? plan->connect_rate : 10000;
    assert(plan->target_count > 0 && plan->target_count <= LOAD_TARGETS_MAX);
    assert(plan->address_count > 0 && plan->address_count <= LOAD_ADDRESSES_MAX);
    assert(plan->pipeline <= LOAD_PIPELINE_MAX && plan->threads <= LOAD_THREADS_MAX);
    assert(!plan->closes || plan->pipeline == 1);
    assert(plan->duration_ms > 0 || plan->requests_max > 0);
}

/* Of a number that is shared as evenly as it goes, the part of number `index`. */
static uint64_t share(uint64_t whole, unsigned count, unsigned index)
{
    return whole / count + (index < whole % count);
}

static struct load_plan share_of(const struct load_plan *plan, unsigned index)
{
    struct load_plan part = *plan;
    part.connections = (unsigned)share(plan->connections, plan->threads, index);
    part.rate = plan->rate * part.connections / plan->connections;
    part.connect_rate = MAX(plan->connect_rate / plan->threads, 1u);
    if (plan->requests_max > 0)
        part.requests_max = MAX(share(plan->requests_max, plan->threads, index), UINT64_C(1));
    return part;
}

/* Every thread but the first tells its progress to the crew. */
static bool tell_crew(void *context, const struct load_progress *progress)
{
    struct member *member = context;
    pthread_mutex_lock(&member->crew->lock);
    member->progress = *progress;
    pthread_mutex_unlock(&member->crew->lock);
    return !atomic_load_explicit(&member->crew->stops, memory_order_relaxed);
}

/* The first tells that of all to whoever asked. */
static bool tell_caller(void *context, const struct load_progress *progress)
{
    struct crew *crew = ((struct member *)context)->crew;
    struct load_progress all = *progress;
    pthread_mutex_lock(&crew->lock);
    for (unsigned i = 1; i < crew->count; i++) {
        all.open += crew->members[i].progress.open;
        all.answers += crew->members[i].progress.answers;
        all.errors += crew->members[i].progress.errors;
    }
    pthread_mutex_unlock(&crew->lock);
    bool goes_on = crew->on_progress == NULL || crew->on_progress(crew->context, &all);
    if (!goes_on)
        atomic_store_explicit(&crew->stops, true, memory_order_relaxed);
    return goes_on;
}

static void *work(void *context)
{
    struct member *member = context;
    member->error = run_go(&member->run);
    return NULL;
}

static int prepare(struct member *member, const struct load_plan *plan, unsigned index)
{
    struct load_plan part = share_of(plan, index);
    member->result = calloc(1, sizeof(*member->result));
    if (member->result == NULL)
        return -ENOMEM;
    int error = run_init(&member->run, &part, UINT64_C(0x9e3779b97f4a7c15) * (index + 1), member->result);
    member->run.on_progress = index == 0 ? tell_caller : tell_crew;
    member->run.context = member;
    return error;
}

/* Starts the others, works too, and waits for them. */
static int work_together(struct crew *crew)
{
    int error = 0;
    unsigned started = 1;
    while (error == 0 && started < crew->count) {
        error = -pthread_create(&crew->members[started].thread, NULL, work, &crew->members[started]);
        started += error == 0;
    }
    if (error == 0)
        work(&crew->members[0]);
    else
        atomic_store(&crew->stops, true);
    for (unsigned i = 1; i < started; i++)
        pthread_join(crew->members[i].thread, NULL);
    for (unsigned i = 0; error == 0 && i < crew->count; i++)
        error = crew->members[i].error;
    return error;
}

/* Nobody works any more: all numbers are final. */
static void tell_end(struct crew *crew)
{
    struct load_progress all = run_progress(&crew->members[0].run);
    for (unsigned i = 1; i < crew->count; i++) {
        struct load_progress progress = run_progress(&crew->members[i].run);
        all.open += progress.open;
        all.answers += progress.answers;
        all.errors += progress.errors;
    }
    all.phase = LOAD_PHASE_FINISHING;
    all.is_over = true;
    if (crew->on_progress)
        crew->on_progress(crew->context, &all);
}

static int run_crew(struct crew *crew, const struct load_plan *plan, struct load_result *ret_result)
{
    int error = 0;
    for (unsigned i = 0; i < crew->count; i++)
        crew->members[i].crew = crew;
    for (unsigned i = 0; error == 0 && i < crew->count; i++)
        error = prepare(&crew->members[i], plan, i);
    if (error == 0)
        error = work_together(crew);
    if (error == 0)
        tell_end(crew);
    if (error == 0)
        memset(ret_result, 0, sizeof(*ret_result));
    for (unsigned i = 0; i < crew->count; i++) {
        struct member *member = &crew->members[i];
        if (member->result)
            run_finish(&member->run);
        if (error == 0)
            load_result_merge(ret_result, member->result);
        free(member->result);
    }
    return error;
}

int load_run(const struct load_plan *wanted, load_on_progress *on_progress, void *context,
             struct load_result *ret_result)
{
    struct load_plan plan = *wanted;
    fill_in(&plan);
    size_t descriptors = sys_raise_descriptor_limit();
    if (descriptors < (size_t)plan.connections + DESCRIPTORS_SPARE + plan.threads * (size_t)DESCRIPTORS_EACH)
        return -EMFILE;
    struct crew crew = {.on_progress = on_progress, .context = context, .count = plan.threads};
    crew.members = calloc(plan.threads, sizeof(*crew.members));
    if (crew.members == NULL)
        return -ENOMEM;
    pthread_mutex_init(&crew.lock, NULL);
    int error = run_crew(&crew, &plan, ret_result);
    pthread_mutex_destroy(&crew.lock);
    free(crew.members);
    return error;
}
