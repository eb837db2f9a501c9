/* Reloads that come to nothing, without workers: what the reader, a real process, does is up to the test, and
 * so is the time. */
#include "../test.h"

#include "proc/reload.h"
#include "sys/clock.h"
#include "sys/process.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, TEXT_MAX = 200 };

static uint64_t skipped_ns;

uint64_t __real_sys_monotonic_ns(void);
uint64_t __wrap_sys_monotonic_ns(void);

uint64_t __wrap_sys_monotonic_ns(void)
{
    return __real_sys_monotonic_ns() + skipped_ns;
}

static void skip_seconds(unsigned seconds)
{
    skipped_ns += seconds * UINT64_C(1000000000);
}

enum reader { READER_REFUSES, READER_HANGS, READER_ENDS };

struct fixture {
    struct log log;
    enum reader reader;
    struct supervisor supervisor;
    struct slot slot;
    struct reload reload;
    unsigned ended; /* reloads */
    unsigned last_number;
    char text[TEXT_MAX]; /* of the last one */
    int reader_signal;   /* which killed the last reader */
};

static struct config *read_configuration(void *context, struct reload_reading *reading)
{
    const struct fixture *fixture = context;
    if (fixture->reader == READER_ENDS)
        _exit(0);
    while (fixture->reader == READER_HANGS)
        pause();
    buffer_append(&reading->text, SLICE("vif.yaml:1: a mistake\n"));
    return NULL;
}

static int never_prepare(void *context, struct config *config, struct buffer *why)
{
    (void)context, (void)config, (void)why;
    fail();
    return -1;
}

static void never_commit(void *context, struct config *config)
{
    (void)context, (void)config;
    fail();
}

static void never_abandon(void *context)
{
    (void)context;
    fail();
}

static void note_end(void *context, const struct reload_outcome *outcome)
{
    struct fixture *fixture = context;
    assert_int_equal(outcome->result, RELOAD_REFUSED);
    assert_int_equal(outcome->generation, 1);
    fixture->ended++;
    fixture->last_number = outcome->number;
    snprintf(fixture->text, sizeof(fixture->text), "%.*s", SLICE_ARGS(outcome->text));
}

static void ignore_line(struct log *log, enum log_level level, struct slice line)
{
    (void)log, (void)level, (void)line;
}

static void set_up(struct fixture *fixture, enum reader reader)
{
    *fixture = (struct fixture){.log = {.level = LOG_LEVEL_ERROR, .write = ignore_line}, .reader = reader};
    struct supervisor_options supervisor_options = {.count = 1, .log = &fixture->log};
    assert_int_equal(supervisor_init(&fixture->supervisor, &supervisor_options), 0);
    struct reload_options options = {
        .supervisor = &fixture->supervisor,
        .slots = &fixture->slot,
        .log = &fixture->log,
        .master = getpid(),
        .read = read_configuration,
        .read_context = fixture,
        .prepare = never_prepare,
        .commit = never_commit,
        .abandon = never_abandon,
        .on_end = note_end,
        .context = fixture,
    };
    assert_int_equal(reload_init(&fixture->reload, &options), 0);
}

static void reap_readers(struct fixture *fixture)
{
    for (struct process_change change; sys_reap(&change);) {
        if (change.fate == PROCESS_KILLED)
            fixture->reader_signal = change.number;
    }
}

/* As the master does it. */
static void turn(struct fixture *fixture, int timeout_ms)
{
    struct pollfd fds[4];
    assert_in_range(reload_poll_max(&fixture->reload), 0, ARRAY_LENGTH(fds));
    size_t count = reload_poll_set(&fixture->reload, fds);
    assert_true(sys_poll(fds, count, timeout_ms) >= 0);
    reload_take_ready(&fixture->reload, fds, count);
    reload_step(&fixture->reload);
    reap_readers(fixture);
}

static void turn_until_ended(struct fixture *fixture, unsigned count)
{
    uint64_t deadline_ns = __real_sys_monotonic_ns() + PATIENCE_MS * UINT64_C(1000000);
    while (fixture->ended < count) {
        assert_true(__real_sys_monotonic_ns() < deadline_ns);
        turn(fixture, 5);
    }
    assert_int_equal(fixture->ended, count);
}

static void tear_down(struct fixture *fixture)
{
    reload_finish(&fixture->reload);
    reload_release(&fixture->reload);
    supervisor_finish(&fixture->supervisor);
}

static void a_wish_meanwhile_is_a_reload_of_its_own(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, READER_REFUSES);
    assert_int_equal(reload_request(&fixture.reload, 0), 1);
    assert_int_equal(reload_request(&fixture.reload, 0), 1);
    assert_int_equal(reload_wait_ms(&fixture.reload), 0);
    turn(&fixture, 0);
    assert_true(reload_is_busy(&fixture.reload));
    assert_int_equal(reload_request(&fixture.reload, 0), 2); /* the file may have changed since */
    assert_int_equal(reload_request(&fixture.reload, 0), 2);
    turn_until_ended(&fixture, 1);
    assert_int_equal(fixture.last_number, 1);
    turn_until_ended(&fixture, 2);
    assert_int_equal(fixture.last_number, 2);
    assert_string_equal(fixture.text, "vif.yaml:1: a mistake\n");
    assert_false(reload_is_busy(&fixture.reload));
    assert_int_equal(reload_wait_ms(&fixture.reload), -1);
    tear_down(&fixture);
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void what_is_refused_leaves_nothing_open(void **state)
{
    (void)state;
    static const enum reader readers[] = {READER_REFUSES, READER_ENDS};
    TABLE_ROWS(i, readers, readers[i] == READER_REFUSES ? "refuses" : "ends") {
        struct fixture fixture;
        set_up(&fixture, readers[i]);
        unsigned before = count_descriptors();
        for (unsigned number = 1; number <= 5; number++) {
            (void)reload_request(&fixture.reload, 0);
            turn_until_ended(&fixture, number);
        }
        assert_int_equal(count_descriptors(), before);
        tear_down(&fixture);
    }
}

static void a_reader_that_ends_early_is_told_of(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, READER_ENDS);
    (void)reload_request(&fixture.reload, 0);
    turn_until_ended(&fixture, 1);
    assert_non_null(strstr(fixture.text, "ended too early"));
    tear_down(&fixture);
}

static void a_reader_that_hangs_is_given_up(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, READER_HANGS);
    (void)reload_request(&fixture.reload, 0);
    turn(&fixture, 0);
    assert_in_range(reload_wait_ms(&fixture.reload), 1, 30000);
    skip_seconds(20);
    turn(&fixture, 0);
    assert_int_equal(fixture.ended, 0);
    skip_seconds(10);
    assert_int_equal(reload_wait_ms(&fixture.reload), 0);
    turn(&fixture, 0);
    assert_int_equal(fixture.ended, 1);
    assert_non_null(strstr(fixture.text, "more than 30 seconds"));
    while (fixture.reader_signal == 0)
        reap_readers(&fixture);
    assert_int_equal(fixture.reader_signal, SIGKILL);

    fixture.reader = READER_REFUSES; /* the next one is not held up */
    (void)reload_request(&fixture.reload, 0);
    turn_until_ended(&fixture, 2);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wish_meanwhile_is_a_reload_of_its_own),
        cmocka_unit_test(what_is_refused_leaves_nothing_open),
        cmocka_unit_test(a_reader_that_ends_early_is_told_of),
        cmocka_unit_test(a_reader_that_hangs_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
