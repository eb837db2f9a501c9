/* The master at its start. Its workers are processes, but do only what the test wants. */
#include "tests/unit/conf/loading.h"

#include "tests/unit/tree_builder.h"

#include "proc/master.h"
#include "proc/worker.h"
#include "sys/process.h"
#include "sys/signal.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

/* So long that a master which does not wait for the last worker is noticed. */
enum { WORKERS = 3, LATE_MS = 200 };

/* Its workers wait by calls that no sandbox allows. */
#define CONFIGURATION                                                                                       \
    "sandbox: off\nlisten: \"127.0.0.1:0\"\nworkers: 3\nlog: {error: {path: \"-\", level: error}}\nsites: " \
    "[{routes: {/: "                                                                                        \
    "{respond: a}}}]\n"

struct shared {
    atomic_uint ready; /* workers that are, or are about to say so */
    atomic_bool last_fails;
};

static struct shared *shared;

int __wrap_worker_run(const struct worker_options *options);

/* Ends when it is told to. */
int __wrap_worker_run(const struct worker_options *options)
{
    sigset_t signals = sys_signal_set(SIGTERM, 0);
    int number;
    sys_end_with_parent(options->master, SIGKILL); /* a test that fails leaves nobody behind */
    if (options->number == WORKERS - 1) {
        poll(NULL, 0, LATE_MS);
        if (shared->last_fails)
            return 1;
    }
    shared->ready++;
    sys_pipe_put(options->ready_fd);
    sigwait(&signals, &number);
    return 0;
}

struct fixture {
    struct tree tree;
    struct loading loading;
    int manager_fd; /* the service manager's socket */
    struct master_options options;
    struct master_result result;
    unsigned times_ready;
    unsigned workers_ready; /* when the master said that it was */
};

static void stop_when_ready(void *context, const struct address *addresses, size_t count)
{
    struct fixture *fixture = context;
    (void)addresses;
    assert_int_equal(count, 1);
    fixture->times_ready++;
    fixture->workers_ready = shared->ready;
    sys_kill(getpid(), SIGTERM);
}

static void set_up(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    tree_init(&fixture->tree);
    struct sockaddr_un manager = {.sun_family = AF_UNIX};
    snprintf(manager.sun_path, sizeof(manager.sun_path), "%s/manager", fixture->tree.path);
    fixture->manager_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fixture->manager_fd, (struct sockaddr *)&manager, sizeof(manager)), 0);
    setenv("NOTIFY_SOCKET", manager.sun_path, 1);
    setenv("RUNTIME_DIRECTORY", fixture->tree.path, 1);
    fixture->loading = load_good(CONFIGURATION);
    fixture->options = (struct master_options){
        .config = fixture->loading.config,
        .title = "a test",
        .on_ready = stop_when_ready,
        .context = fixture,
    };
    shared = sys_shared_memory(sizeof(*shared));
    assert_non_null(shared);
}

static void tear_down(struct fixture *fixture)
{
    sys_shared_memory_free(shared, sizeof(*shared));
    unload(&fixture->loading);
    close(fixture->manager_fd);
    tree_finish(&fixture->tree);
}

/* What the manager was told next. */
static void expect_notice(const struct fixture *fixture, const char *expected)
{
    char text[200];
    ssize_t length = recv(fixture->manager_fd, text, sizeof(text), 0);
    assert_slice(slice_make(text, length > 0 ? (size_t)length : 0), expected);
}

static void says_that_it_is_ready_when_all_workers_are(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    assert_int_equal(master_run(&fixture.options, &fixture.result), 0);
    assert_int_equal(fixture.times_ready, 1);
    assert_int_equal(fixture.workers_ready, WORKERS);
    expect_notice(&fixture, "READY=1");
    expect_notice(&fixture, "STOPPING=1");
    expect_notice(&fixture, "");
    tear_down(&fixture);
}

static void is_never_ready_if_a_worker_cannot_start(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    shared->last_fails = true;
    assert_int_equal(master_run(&fixture.options, &fixture.result), 1);
    assert_int_equal(fixture.result.fault, MASTER_FAULT_WORKER);
    assert_int_equal(fixture.times_ready, 0);
    expect_notice(&fixture, "STOPPING=1");
    expect_notice(&fixture, "");
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_that_it_is_ready_when_all_workers_are),
        cmocka_unit_test(is_never_ready_if_a_worker_cannot_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
