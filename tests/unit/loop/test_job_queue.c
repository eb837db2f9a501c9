/* Turns between clients in a job queue, and what happens where it is full. The pool's one thread is held by a
 * plug, so that the test says when a job begins. */
#include "tests/unit/test.h"

#include "loop/job_queue.h"
#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>

#define JOBS_MAX 2048

struct work {
    struct queued_job queued;
    int client;
    bool is_unwanted;
};

static struct loop *loop;
static struct job_queue queue;
static struct work works[JOBS_MAX];
static int done[JOBS_MAX]; /* clients in the order in which their jobs were done */
static int refused[JOBS_MAX];
static unsigned done_count, refused_count, unwanted_count;

static void work_on(struct job *job)
{
    (void)job;
}

static void on_done(struct job *job)
{
    struct work *work = CONTAINER_OF(job, struct work, queued.job);
    done[done_count++] = work->client;
    job_queue_leave(&work->queued);
    assert_null(job_queue_validate(&queue));
}

static bool is_wanted(struct queued_job *queued)
{
    struct work *work = CONTAINER_OF(queued, struct work, queued);
    unwanted_count += work->is_unwanted;
    return !work->is_unwanted;
}

static void on_refused(struct queued_job *queued)
{
    refused[refused_count++] = CONTAINER_OF(queued, struct work, queued)->client;
}

static const struct queued_job_events events = {.is_wanted = is_wanted, .on_refused = on_refused};

static int submit(struct work *work, int client)
{
    *work = (struct work){.queued = {.job = {.work = work_on, .done = on_done}, .events = &events},
                          .client = client};
    int error = job_queue_submit(&queue, loop, &work->queued, (uint64_t)client);
    assert_null(job_queue_validate(&queue));
    return error;
}

static void start(void)
{
    done_count = refused_count = unwanted_count = 0;
    assert_int_equal(loop_create(&(struct loop_options){.offload_threads = 1}, &loop), 0);
    job_queue_init(&queue, 1);
}

static void run(unsigned count)
{
    while (done_count < count)
        assert_true(loop_run_once(loop, 1000) >= 0);
}

static void finish(void)
{
    job_queue_finish(&queue);
    loop_destroy(loop);
}

/* Whoever asks for much is served as often as whoever asks for little. */
static void clients_get_turns(void **state)
{
    (void)state;
    unsigned count = 0;
    start();
    for (int i = 0; i < 100; i++)
        assert_int_equal(submit(&works[count++], 1), 0);
    assert_int_equal(submit(&works[count++], 2), 0);
    assert_int_equal(submit(&works[count++], 3), 0);
    assert_int_equal(submit(&works[count++], 2), 0);
    run(count);
    static const int begins[] = {1, 1, 2, 3, 1, 2, 1, 1};
    for (size_t i = 0; i < ARRAY_LENGTH(begins); i++)
        assert_int_equal(done[i], begins[i]);
    finish();
}

/* A full queue refuses those who fill it. */
static void the_longest_line_gives_way(void **state)
{
    (void)state;
    unsigned count = 0;
    start();
    for (unsigned i = 0; i < JOB_QUEUE_WAITING_MAX + 1; i++)
        assert_int_equal(submit(&works[count++], 1), 0);
    assert_int_equal(queue.waiting_count, JOB_QUEUE_WAITING_MAX);
    assert_int_equal(submit(&works[count], 1), -EAGAIN);
    assert_int_equal(submit(&works[count++], 2), 0);
    assert_int_equal(submit(&works[count++], 3), 0);
    assert_int_equal(refused_count, 0); /* told at the end of the turn */
    run(4);
    assert_int_equal(refused_count, 2);
    assert_int_equal(refused[0], 1);
    assert_int_equal(refused[1], 1);
    assert_int_equal(done[2] + done[3], 2 + 3);
    run(JOB_QUEUE_WAITING_MAX + 1);
    finish();
}

/* Lines of equal length have nothing to give to each other. */
static void equals_are_not_given_up(void **state)
{
    (void)state;
    start();
    for (unsigned i = 0; i < JOB_QUEUE_WAITING_MAX + 1; i++)
        assert_int_equal(submit(&works[i], (int)i), 0);
    assert_int_equal(submit(&works[JOB_QUEUE_WAITING_MAX + 1], 5000), -EAGAIN);
    assert_int_equal(submit(&works[JOB_QUEUE_WAITING_MAX + 1], 7), -EAGAIN);
    run(JOB_QUEUE_WAITING_MAX + 1);
    assert_int_equal(refused_count, 0);
    finish();
}

static void what_waits_can_be_withdrawn(void **state)
{
    (void)state;
    start();
    for (int i = 0; i < 5; i++)
        assert_int_equal(submit(&works[i], i % 2), 0);
    assert_false(job_queue_withdraw(&works[0].queued));
    assert_true(job_queue_withdraw(&works[1].queued));
    assert_true(job_queue_withdraw(&works[4].queued));
    assert_null(job_queue_validate(&queue));
    run(3);
    assert_int_equal(done_count, 3);
    finish();
}

static void the_refused_can_be_withdrawn(void **state)
{
    (void)state;
    start();
    for (unsigned i = 0; i < JOB_QUEUE_WAITING_MAX + 1; i++)
        assert_int_equal(submit(&works[i], 1), 0);
    assert_int_equal(submit(&works[JOB_QUEUE_WAITING_MAX + 1], 2), 0);
    assert_true(job_queue_withdraw(&works[JOB_QUEUE_WAITING_MAX].queued)); /* the newest */
    run(JOB_QUEUE_WAITING_MAX + 1);
    assert_int_equal(refused_count, 0);
    finish();
}

/* Asked when its turn comes; what nobody waits for is not begun. */
static void nobody_works_for_who_left(void **state)
{
    (void)state;
    start();
    for (int i = 0; i < 6; i++)
        assert_int_equal(submit(&works[i], i), 0);
    works[2].is_unwanted = works[3].is_unwanted = works[5].is_unwanted = true;
    run(3);
    static const int served[] = {0, 1, 4};
    for (size_t i = 0; i < ARRAY_LENGTH(served); i++)
        assert_int_equal(done[i], served[i]);
    assert_int_equal(unwanted_count, 3);
    assert_int_equal(queue.running_count + queue.waiting_count, 0);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_get_turns),
        cmocka_unit_test(the_longest_line_gives_way),
        cmocka_unit_test(equals_are_not_given_up),
        cmocka_unit_test(what_waits_can_be_withdrawn),
        cmocka_unit_test(the_refused_can_be_withdrawn),
        cmocka_unit_test(nobody_works_for_who_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
