/* A worker answers the master, also while the pipe to it is full. The test is the master. */
#include "../test.h"

#include "loop/loop.h"
#include "proc/worker_internal.h"
#include "sys/process.h"

#include <errno.h>

enum { GENERATION = 7 };

struct fixture {
    struct generations generations;
    struct worker_options options;
    struct message_ends ends; /* the master's */
    struct worker worker;
};

static void keep_quiet(struct log *log, enum log_level level, struct slice line)
{
    (void)log, (void)level, (void)line;
}

static struct log quiet = {.write = keep_quiet, .level = LOG_LEVEL_ERROR};

static void set_up(struct fixture *fixture)
{
    const struct loop_options options = {0};
    *fixture = (struct fixture){0};
    assert_int_equal(generations_reserve(&fixture->generations), 0);
    assert_int_equal(sys_message_ends_open(&fixture->ends, &fixture->options.ends), 0);
    fixture->options.generations = &fixture->generations;
    fixture->worker = (struct worker){
        .options = &fixture->options,
        .log = &quiet,
        .channel.fd = fixture->options.ends.socket_fd,
    };
    assert_int_equal(loop_create(&options, &fixture->worker.loop), 0);
    assert_int_equal(worker_watch_channel(&fixture->worker), 0);
}

static void tear_down(struct fixture *fixture)
{
    worker_close_channel(&fixture->worker);
    loop_destroy(fixture->worker.loop);
    sys_message_ends_close(&fixture->ends);
    generations_release(&fixture->generations);
}

/* A change that cannot be taken: a pipe holds no generation. */
static void ask(struct fixture *fixture)
{
    struct channel_message message = {.kind = CHANNEL_CHANGE, .change.generation = GENERATION};
    int fds[2];
    assert_int_equal(sys_pipe(fds), 0);
    assert_int_equal(channel_send(fixture->ends.socket_fd, &message, fds, 1), 0);
    sys_close(fds[0]);
    sys_close(fds[1]);
}

static void a_verdict_waits_for_room_in_the_pipe(void **state)
{
    (void)state;
    struct fixture fixture;
    struct channel_message message = {.kind = CHANNEL_LOOK};
    int error;
    set_up(&fixture);
    while ((error = channel_answer(fixture.options.ends.pipe_fd, &message)) == 0)
        ;
    assert_int_equal(error, -EAGAIN);
    ask(&fixture);
    while (!timer_is_armed(&fixture.worker.verdict_timer))
        assert_int_equal(loop_run_once(fixture.worker.loop, 10), 0);
    while ((error = channel_hear(fixture.ends.pipe_fd, &message)) == 0)
        assert_int_equal(message.kind, CHANNEL_LOOK);
    assert_int_equal(error, -EAGAIN);
    while (timer_is_armed(&fixture.worker.verdict_timer))
        assert_int_equal(loop_run_once(fixture.worker.loop, 10), 0);
    assert_int_equal(channel_hear(fixture.ends.pipe_fd, &message), 0);
    assert_int_equal(message.kind, CHANNEL_VERDICT);
    assert_int_equal(message.verdict.generation, GENERATION);
    assert_int_not_equal(message.verdict.error, 0);
    assert_int_equal(channel_hear(fixture.ends.pipe_fd, &message), -EAGAIN);
    tear_down(&fixture);
}

static void a_worker_ends_while_its_verdict_waits(void **state)
{
    (void)state;
    struct fixture fixture;
    struct channel_message message = {.kind = CHANNEL_LOOK};
    set_up(&fixture);
    while (channel_answer(fixture.options.ends.pipe_fd, &message) == 0)
        ;
    ask(&fixture);
    while (!timer_is_armed(&fixture.worker.verdict_timer))
        assert_int_equal(loop_run_once(fixture.worker.loop, 10), 0);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verdict_waits_for_room_in_the_pipe),
        cmocka_unit_test(a_worker_ends_while_its_verdict_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
