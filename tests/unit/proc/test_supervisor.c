/* The supervisor, with real processes that do little. */
#include "../test.h"

#include "proc/supervisor.h"
#include "sys/clock.h"
#include "sys/socket.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { CHILDREN = 2, WAIT_MS = 5000 };

struct memory_log {
    struct log log;
    unsigned count;
    char last[256];
};

static void remember(struct log *log, enum log_level level, struct slice line)
{
    (void)level;
    struct memory_log *memory = CONTAINER_OF(log, struct memory_log, log);
    memory->count++;
    snprintf(memory->last, sizeof(memory->last), "%.*s", SLICE_ARGS(line));
}

/* Says that it is ready and lives until it is killed, or ends with a status. */
struct plan {
    int status; /* -1: it lives */
    pid_t parent;
    unsigned ends[CHILDREN]; /* of each number */
};

static int live(void *context, size_t number, int ready_fd)
{
    const struct plan *plan = context;
    (void)number;
    sys_end_with_parent(plan->parent, SIGKILL); /* a test that fails leaves nobody behind */
    if (plan->status >= 0)
        return plan->status;
    sys_pipe_put(ready_fd);
    sys_close(ready_fd);
    for (;;)
        pause();
}

static void note_end(void *context, size_t number)
{
    ((struct plan *)context)->ends[number]++;
}

struct fixture {
    struct memory_log log;
    struct plan plan;
    struct supervisor supervisor;
};

static void set_up(struct fixture *fixture)
{
    *fixture = (struct fixture){
        .log.log = {.level = LOG_LEVEL_DEBUG, .write = remember},
        .plan = {.status = -1, .parent = getpid()},
    };
    struct supervisor_options options = {
        .count = CHILDREN,
        .log = &fixture->log.log,
        .work = live,
        .on_end = note_end,
        .context = &fixture->plan,
    };
    assert_int_equal(supervisor_init(&fixture->supervisor, &options), 0);
}

static bool all_ready(const struct supervisor *supervisor)
{
    return supervisor->ready == CHILDREN;
}

static bool one_ended(const struct supervisor *supervisor)
{
    return supervisor->ended >= 1;
}

static bool nobody_runs(const struct supervisor *supervisor)
{
    return supervisor->running == 0;
}

/* Turns as the master does, until `is_so`. */
static void turn_until(struct supervisor *supervisor, bool (*is_so)(const struct supervisor *supervisor))
{
    uint64_t deadline_ns = sys_monotonic_ns() + WAIT_MS * UINT64_C(1000000);
    while (!is_so(supervisor)) {
        struct pollfd fds[CHILDREN];
        assert_true(sys_monotonic_ns() < deadline_ns);
        size_t count = supervisor_poll_set(supervisor, fds);
        assert_true(sys_poll(fds, count, 5) >= 0);
        supervisor_take_ready(supervisor, fds, count);
        supervisor_take_changes(supervisor);
        supervisor_start_due(supervisor);
    }
}

static void start_all(struct fixture *fixture)
{
    for (size_t i = 0; i < CHILDREN; i++)
        assert_int_equal(supervisor_start(&fixture->supervisor, i), 0);
    turn_until(&fixture->supervisor, all_ready);
}

static void tear_down(struct fixture *fixture)
{
    supervisor_leave(&fixture->supervisor);
    supervisor_signal(&fixture->supervisor, SIGKILL);
    turn_until(&fixture->supervisor, nobody_runs);
    supervisor_finish(&fixture->supervisor);
}

static void tells_who_is_ready(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    start_all(&fixture);
    assert_int_equal(fixture.supervisor.running, CHILDREN);
    assert_int_equal(supervisor_poll_set(&fixture.supervisor, (struct pollfd[CHILDREN]){0}), 0);
    assert_int_equal(supervisor_wait_ms(&fixture.supervisor), -1);
    sys_kill(fixture.supervisor.children[1].pid, SIGKILL);
    turn_until(&fixture.supervisor, one_ended);
    assert_true(fixture.plan.ends[0] == 0 && fixture.plan.ends[1] == 1);
    tear_down(&fixture);
    assert_true(fixture.plan.ends[0] == 1 && fixture.plan.ends[1] == 1);
    assert_int_equal(fixture.supervisor.ended, CHILDREN);
}

static void replaces_nobody_while_it_gathers(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    fixture.plan.status = 1;
    assert_int_equal(supervisor_start(&fixture.supervisor, 0), 0);
    turn_until(&fixture.supervisor, one_ended);
    assert_int_equal(supervisor_wait_ms(&fixture.supervisor), -1);
    assert_int_equal(fixture.supervisor.failed, 1);
    assert_int_equal(fixture.log.count, 0); /* it has said why itself */
    tear_down(&fixture);
}

static void replaces_an_early_end_after_a_pause(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    start_all(&fixture);
    supervisor_keep(&fixture.supervisor);
    struct child *child = &fixture.supervisor.children[0];
    for (uint64_t pause_ms = 100; pause_ms <= 400; pause_ms *= 2) {
        pid_t before = child->pid;
        sys_kill(before, SIGKILL);
        while (child->pid == before)
            supervisor_take_changes(&fixture.supervisor);
        assert_int_equal(child->pause_ms, pause_ms);
        assert_in_range(supervisor_wait_ms(&fixture.supervisor), 1, pause_ms);
        supervisor_start_due(&fixture.supervisor);
        assert_int_equal(child->pid, 0); /* not before its time */
        turn_until(&fixture.supervisor, all_ready);
    }
    assert_non_null(strstr(fixture.log.last, "the next one starts in 400 ms"));
    assert_int_equal(fixture.supervisor.children[1].pause_ms, 0);
    tear_down(&fixture);
}

static void bounds_the_pause(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    start_all(&fixture);
    supervisor_keep(&fixture.supervisor);
    struct child *child = &fixture.supervisor.children[0];
    child->pause_ms = 9000;
    sys_kill(child->pid, SIGKILL);
    turn_until(&fixture.supervisor, one_ended);
    assert_int_equal(child->pause_ms, 10000);
    tear_down(&fixture);
}

static void replaces_a_late_end_at_once(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    start_all(&fixture);
    supervisor_keep(&fixture.supervisor);
    struct child *child = &fixture.supervisor.children[1];
    child->pause_ms = 800;
    child->started_ms -= 1000;
    sys_kill(child->pid, SIGTERM);
    turn_until(&fixture.supervisor, one_ended);
    assert_non_null(strstr(fixture.log.last, "was ended by signal 15"));
    assert_int_equal(child->pause_ms, 0);
    turn_until(&fixture.supervisor, all_ready);
    tear_down(&fixture);
}

static void starts_nobody_once_it_leaves(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    start_all(&fixture);
    supervisor_keep(&fixture.supervisor);
    struct child *child = &fixture.supervisor.children[0];
    sys_kill(child->pid, SIGKILL);
    while (!child->is_due)
        supervisor_take_changes(&fixture.supervisor);
    child->due_ms = 0; /* its pause is over */
    supervisor_leave(&fixture.supervisor);
    assert_int_equal(supervisor_wait_ms(&fixture.supervisor), -1);
    supervisor_start_due(&fixture.supervisor);
    assert_int_equal(child->pid, 0);
    tear_down(&fixture);
}

static bool one_is_stopped(const struct supervisor *supervisor)
{
    return supervisor->children[1].is_stopped;
}

static bool nobody_is_stopped(const struct supervisor *supervisor)
{
    return !supervisor->children[1].is_stopped;
}

static void notices_who_is_stopped_and_goes_on(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    start_all(&fixture);
    supervisor_keep(&fixture.supervisor);
    pid_t pid = fixture.supervisor.children[1].pid;
    assert_true(supervisor_has(&fixture.supervisor, pid));
    assert_false(supervisor_has(&fixture.supervisor, 0));
    sys_kill(pid, SIGSTOP);
    turn_until(&fixture.supervisor, one_is_stopped);
    assert_non_null(strstr(fixture.log.last, "was stopped by signal 19"));
    assert_false(supervisor_is_able(&fixture.supervisor, 1));
    assert_true(supervisor_is_able(&fixture.supervisor, 0));
    sys_kill(pid, SIGCONT);
    turn_until(&fixture.supervisor, nobody_is_stopped);
    assert_non_null(strstr(fixture.log.last, "goes on"));
    assert_true(supervisor_is_able(&fixture.supervisor, 1));
    assert_int_equal(fixture.supervisor.children[1].pid, pid);
    assert_int_equal(fixture.supervisor.ended, 0);

    sys_kill(pid, SIGSTOP);
    turn_until(&fixture.supervisor, one_is_stopped);
    sys_kill(pid, SIGKILL);
    turn_until(&fixture.supervisor, one_ended);
    assert_false(fixture.supervisor.children[1].is_stopped);
    turn_until(&fixture.supervisor, all_ready);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_who_is_ready),
        cmocka_unit_test(replaces_nobody_while_it_gathers),
        cmocka_unit_test(replaces_an_early_end_after_a_pause),
        cmocka_unit_test(bounds_the_pause),
        cmocka_unit_test(replaces_a_late_end_at_once),
        cmocka_unit_test(starts_nobody_once_it_leaves),
        cmocka_unit_test(notices_who_is_stopped_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
