/* The offload pool: every job is worked off the loop and finished on it, the queue is bounded, the end waits.
 */
#include "chosen_backend.h"

#include "loop/loop.h"
#include "loop/offload.h"
#include "loop/wheel.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define THREADS     3
#define QUEUE       64
#define JOBS_TOTAL  20000
#define PATIENCE_MS 20000

struct crew {
    struct loop *loop;
    struct timer patience;
    pthread_t loop_thread;
    unsigned under_way, finished, refused, submitted;
    unsigned goal;
    atomic_uint working, working_most;
    unsigned repeat; /* `done` submits again, so often in all */
};

struct work {
    struct job job;
    struct crew *crew;
    unsigned duration_us;
    unsigned worked;
    bool waits_for_all; /* until all threads work */
    bool signals_blocked;
};

static void sleep_us(unsigned duration_us)
{
    nanosleep(&(struct timespec){.tv_nsec = duration_us * 1000L}, NULL);
}

static void do_work(struct job *job)
{
    struct work *work = CONTAINER_OF(job, struct work, job);
    struct crew *crew = work->crew;
    assert(!pthread_equal(pthread_self(), crew->loop_thread));
    unsigned working = atomic_fetch_add(&crew->working, 1) + 1;
    unsigned most = atomic_load(&crew->working_most);
    while (working > most && !atomic_compare_exchange_weak(&crew->working_most, &most, working))
        ;
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    work->signals_blocked = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGUSR1);
    if (work->duration_us)
        sleep_us(work->duration_us);
    for (unsigned i = 0; work->waits_for_all && atomic_load(&crew->working_most) < THREADS && i < 5000; i++)
        sleep_us(1000);
    work->worked++;
    atomic_fetch_sub(&crew->working, 1);
}

static void on_done(struct job *job)
{
    struct work *work = CONTAINER_OF(job, struct work, job);
    struct crew *crew = work->crew;
    assert_true(pthread_equal(pthread_self(), crew->loop_thread));
    assert_true(work->signals_blocked);
    crew->under_way--;
    crew->finished++;
    if (crew->submitted < crew->repeat) {
        assert_int_equal(offload_submit(crew->loop, job), 0);
        crew->submitted++;
        crew->under_way++;
    }
    if (crew->finished == crew->goal)
        loop_stop(crew->loop);
}

static void lose_patience(struct timer *timer)
{
    (void)timer;
    fail_msg("jobs are missing");
}

static void crew_gather(struct crew *crew)
{
    *crew = (struct crew){.loop_thread = pthread_self()};
    struct loop_options options = {
        .backend = chosen_backend(),
        .offload_threads = THREADS,
        .offload_queue = QUEUE,
    };
    assert_int_equal(loop_create(&options, &crew->loop), 0);
    timer_init(&crew->patience, lose_patience);
    wheel_arm(loop_wheel(crew->loop), &crew->patience, PATIENCE_MS);
}

static int submit(struct crew *crew, struct work *work, unsigned duration_us)
{
    work->job = (struct job){.work = do_work, .done = on_done};
    work->crew = crew;
    work->duration_us = duration_us;
    int error = offload_submit(crew->loop, &work->job);
    if (error == 0) {
        crew->submitted++;
        crew->under_way++;
    } else {
        crew->refused++;
    }
    return error;
}

static void run_until(struct crew *crew, unsigned goal)
{
    crew->goal = goal;
    if (crew->finished < goal)
        assert_int_equal(loop_run(crew->loop), 0);
    assert_int_equal(crew->finished, goal);
}

static void every_job_is_done_once(void **state)
{
    (void)state;
    struct crew crew;
    crew_gather(&crew);
    crew.repeat = JOBS_TOTAL;
    static struct work works[QUEUE / 2];
    for (size_t i = 0; i < ARRAY_LENGTH(works); i++)
        assert_int_equal(submit(&crew, &works[i], 0), 0);
    run_until(&crew, JOBS_TOTAL);
    unsigned worked = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(works); i++)
        worked += works[i].worked;
    assert_int_equal(worked, JOBS_TOTAL);
    assert_int_equal(crew.under_way, 0);
    assert_true(atomic_load(&crew.working_most) <= THREADS);
    loop_destroy(crew.loop);
}

static void jobs_run_beside_each_other(void **state)
{
    (void)state;
    struct crew crew;
    crew_gather(&crew);
    static struct work works[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        works[i].waits_for_all = true;
        assert_int_equal(submit(&crew, &works[i], 0), 0);
    }
    run_until(&crew, THREADS);
    assert_int_equal(atomic_load(&crew.working_most), THREADS);
    loop_destroy(crew.loop);
}

static void a_full_queue_refuses(void **state)
{
    (void)state;
    struct crew crew;
    crew_gather(&crew);
    static struct work works[QUEUE + THREADS + 10];
    unsigned accepted = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(works); i++) {
        int error = submit(&crew, &works[i], 20000);
        assert_true(error == 0 || error == -EAGAIN);
        accepted += error == 0;
        if (i < QUEUE)
            assert_int_equal(error, 0);
    }
    assert_true(accepted >= QUEUE && accepted <= QUEUE + THREADS);
    assert_true(crew.refused >= 10);
    run_until(&crew, accepted);
    assert_int_equal(submit(&crew, &works[0], 0), 0); /* there is room again */
    run_until(&crew, accepted + 1);
    loop_destroy(crew.loop);
}

static void destroying_waits_for_what_is_under_way(void **state)
{
    (void)state;
    struct crew crew;
    crew_gather(&crew);
    static struct work works[10];
    for (size_t i = 0; i < ARRAY_LENGTH(works); i++)
        assert_int_equal(submit(&crew, &works[i], 5000), 0);
    loop_destroy(crew.loop); /* what still waits in the queue is worked too: nobody else would free it */
    assert_int_equal(crew.finished, ARRAY_LENGTH(works));
    for (size_t i = 0; i < ARRAY_LENGTH(works); i++)
        assert_int_equal(works[i].worked, 1);
}

struct last_words {
    struct job job;
    struct loop *loop;
    int error;
};

static void work_nothing(struct job *job)
{
    (void)job;
}

static void submit_again(struct job *job)
{
    struct last_words *words = CONTAINER_OF(job, struct last_words, job);
    words->error = offload_submit(words->loop, job);
}

/* `done` submits while the loop is being destroyed: refused, rather than never heard of again. */
static void nothing_is_taken_at_the_end(void **state)
{
    (void)state;
    struct last_words words = {.job = {.work = work_nothing, .done = submit_again}};
    assert_int_equal(loop_create(&(struct loop_options){.backend = chosen_backend()}, &words.loop), 0);
    assert_int_equal(offload_submit(words.loop, &words.job), 0);
    loop_destroy(words.loop);
    assert_int_equal(words.error, -ECANCELED);
}

/* Submitted one by one with pauses, so that threads sleep and wake in between. */
static void single_jobs_wake_the_loop(void **state)
{
    (void)state;
    struct crew crew;
    crew_gather(&crew);
    struct work work = {0};
    for (unsigned i = 1; i <= 300; i++) {
        assert_int_equal(submit(&crew, &work, i % 3 * 100), 0);
        run_until(&crew, i);
    }
    loop_destroy(crew.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_is_done_once),
        cmocka_unit_test(jobs_run_beside_each_other),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(destroying_waits_for_what_is_under_way),
        cmocka_unit_test(nothing_is_taken_at_the_end),
        cmocka_unit_test(single_jobs_wake_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
