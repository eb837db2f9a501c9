/* The pool of threads, without threads: in the place of src/loop/offload.c, and with its manners.
 *
 * A job is begun when one of so many threads is free, and takes the time that the seed says: a moment, or as
 * long as a bad disk. Its work is done at once at the end of that time, between two system calls of the loop
 * or in the midst of another job, as if on a core of its own. Then the loop is told by an eventfd.
 *
 * It watches over whom jobs are done for: nobody who has reset the connection. The server asks before it
 * gives a job to the pool; of a client that leaves while the job waits there it learns in the next turn. */
#include "loop/offload.h"

#include "internal.h"
#include "loop/internal.h"
#include "network.h"
#include "sys/event.h"
#include "sys/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_DEFAULT 4
#define QUEUE_DEFAULT   1024

/* What a job takes: a moment mostly, as long as a bad disk sometimes. */
#define MOMENT_US_MAX (2 * SIM_MS)
#define LONG_US_MAX   (800 * SIM_MS)

/* Calls that the server makes at most between asking for a client and the beginning of its job. */
#define ASKED_CALLS 6

/* Between an RST and the beginning of a job so many turns began: the RST was told in the first of them at the
 * latest, and acted on before the second. */
#define TOLD_TURNS 2

/* A job that was given to the pool, until it is done, and the connection whose request has it. */
struct claim {
    struct list link;
    const struct job *job;
    struct serving client;
};

static struct list claims;
static uint64_t refused_count;

struct thread {
    struct sim_event end;
    struct job *job;   /* NULL: idle */
    bool is_idle_work; /* the client had left, and the server could know */
    struct offload *offload;
};

struct offload {
    struct loop *loop;
    struct watch wake;
    struct list waiting;  /* struct job */
    struct list finished; /* struct job */
    unsigned waiting_count;
    unsigned waiting_max;
    bool is_stopping;
    struct sim_chance chance;
    uint64_t long_one_in;
    unsigned thread_count;
    struct thread threads[];
};

/* ---- whom it is for ---- */

void offload_start(void)
{
    list_init(&claims);
    refused_count = 0;
}

uint64_t offload_refused(void)
{
    return refused_count;
}

static struct serving asker_of(const struct job *job)
{
    const struct kernel_watch *watch = kernel_watched();
    int fd = watch->connection_of ? watch->connection_of(watch->context, job) : -1;
    return fd < 0 ? (struct serving){0} : serving_of(fd);
}

static void claim(const struct job *job, struct serving client)
{
    const struct server_end *end = client.end;
    bool was_asked = end && faults_of(CALL_poll) == end->left_after_faults;
    if (end && end->has_left && was_asked && calls_made() > end->left_at_call + ASKED_CALLS)
        sim_fail("a job begins for a client, which has reset its connection");
    struct claim *claim = kernel_alloc(sizeof(*claim));
    *claim = (struct claim){.job = job, .client = client};
    list_append(&claims, &claim->link);
}

static struct claim *claim_of(const struct job *job)
{
    LIST_FOREACH(link, &claims) {
        struct claim *claim = CONTAINER_OF(link, struct claim, link);
        if (claim->job == job)
            return claim;
    }
    UNREACHABLE();
}

/* Gives it back. */
static struct serving take_claim(const struct job *job)
{
    struct claim *claim = claim_of(job);
    struct serving client = claim->client;
    list_remove(&claim->link);
    kernel_free(claim);
    return client;
}

/* select(2) does not tell of it where there is something else to be read, and nobody wants to. */
static bool is_known_to_have_left(const struct offload *offload, const struct server_end *client)
{
    bool is_told = !client->is_obscured || strcmp(loop_backend_name(offload->loop), "select") != 0;
    return client->has_left && is_told && calls_turns() >= client->left_in_turn + TOLD_TURNS;
}

/* ---- doing ---- */

static void finish_jobs(struct offload *offload)
{
    struct list finished;
    list_init(&finished);
    list_splice(&finished, &offload->finished);
    while (!list_is_empty(&finished)) {
        struct job *job = CONTAINER_OF(finished.next, struct job, link);
        list_remove(&job->link);
        call_got_on();
        struct serving before = serving_enter(take_claim(job));
        job->done(job);
        serving_enter(before);
    }
}

static void on_wake(struct watch *watch, unsigned events)
{
    (void)events;
    sys_eventfd_clear(watch->fd);
    finish_jobs(CONTAINER_OF(watch, struct offload, wake));
}

static const struct watch_events wake_events = {.on_ready = on_wake, .name = "finishing offloaded jobs"};

static void do_work(struct offload *offload, struct job *job)
{
    enum kernel_side before = kernel_enter(SIDE_JOB);
    struct serving whom = serving_enter(claim_of(job)->client);
    job->work(job);
    serving_enter(whom);
    kernel_enter(before);
    bool is_first = list_is_empty(&offload->finished);
    list_append(&offload->finished, &job->link);
    if (is_first)
        eventfd_raise(offload->wake.fd);
}

static void begin_jobs(struct offload *offload);

static void end_job(struct sim_event *event)
{
    struct thread *thread = CONTAINER_OF(event, struct thread, end);
    struct job *job = thread->job;
    uint64_t calls = calls_made();
    sim_trace("a job is done");
    do_work(thread->offload, job);
    if (thread->is_idle_work && calls_made() > calls)
        sim_fail("a job was done for a client that had reset its connection before");
    thread->job = NULL;
    begin_jobs(thread->offload);
}

static void begin_job(struct thread *thread)
{
    struct offload *offload = thread->offload;
    thread->job = CONTAINER_OF(offload->waiting.next, struct job, link);
    list_remove(&thread->job->link);
    offload->waiting_count--;
    const struct server_end *client = claim_of(thread->job)->client.end;
    thread->is_idle_work = client && is_known_to_have_left(offload, client);
    bool is_long = sim_one_in(&offload->chance, offload->long_one_in);
    sim_after(&thread->end, sim_between(&offload->chance, 5, is_long ? LONG_US_MAX : MOMENT_US_MAX), end_job);
}

static void begin_jobs(struct offload *offload)
{
    for (unsigned i = 0; i < offload->thread_count && offload->waiting_count > 0 && !offload->is_stopping;
         i++) {
        if (offload->threads[i].job == NULL)
            begin_job(&offload->threads[i]);
    }
}

static int create(struct loop *loop, struct offload **ret_offload)
{
    unsigned thread_count = loop->options.offload_threads ? loop->options.offload_threads : THREADS_DEFAULT;
    struct offload *offload = calloc(1, sizeof(*offload) + thread_count * sizeof(struct thread));
    if (offload == NULL)
        return -ENOMEM;
    offload->loop = loop;
    offload->thread_count = thread_count;
    offload->waiting_max = loop->options.offload_queue ? loop->options.offload_queue : QUEUE_DEFAULT;
    offload->chance = sim_chance_for("offload", 0);
    offload->long_one_in = sim_one_in(&offload->chance, 4) ? 3 : 30;
    list_init(&offload->waiting);
    list_init(&offload->finished);
    for (unsigned i = 0; i < thread_count; i++)
        offload->threads[i].offload = offload;
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

static int submit(struct loop *loop, struct job *job, struct serving client)
{
    int error = -fault_for(CALL_offload, (struct call_target){0});
    if (error == 0 && loop->offload == NULL)
        error = create(loop, &loop->offload);
    if (error < 0)
        return error;
    struct offload *offload = loop->offload;
    if (offload->is_stopping)
        return -ECANCELED;
    if (offload->waiting_count >= offload->waiting_max) {
        refused_count++;
        shortage_of_jobs();
        return -EAGAIN;
    }
    claim(job, client);
    list_append(&offload->waiting, &job->link);
    offload->waiting_count++;
    sim_trace("a job is submitted");
    begin_jobs(offload);
    return 0;
}

int offload_submit(struct loop *loop, struct job *job)
{
    struct serving client = asker_of(job);
    struct serving before = serving_enter(client);
    int error = submit(loop, job, client);
    serving_enter(before);
    return error;
}

/* The jobs under way are waited for, those that wait are done one after the other. */
static void offload_end(struct offload *offload)
{
    if (offload == NULL || offload->is_stopping)
        return;
    offload->is_stopping = true;
    for (unsigned i = 0; i < offload->thread_count; i++) {
        if (offload->threads[i].job == NULL)
            continue;
        sim_cancel(&offload->threads[i].end);
        do_work(offload, offload->threads[i].job);
        offload->threads[i].job = NULL;
    }
    while (!list_is_empty(&offload->waiting)) {
        struct job *job = CONTAINER_OF(offload->waiting.next, struct job, link);
        list_remove(&job->link);
        do_work(offload, job);
    }
    offload->waiting_count = 0;
    finish_jobs(offload);
}

void offload_destroy(struct offload *offload)
{
    if (offload == NULL)
        return;
    offload_end(offload);
    watch_stop(offload->loop, &offload->wake);
    sys_close(offload->wake.fd);
    free(offload);
}
