/* What is measured of a process group: here of a process that waits for a child and then does nothing. */
#include "tests/unit/test.h"

#include "lab/run/tree.h"
#include "sys/process.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CPU_MS = 60, TICK_MS = 10 };

static _Noreturn void burn(void)
{
    struct timespec used;
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    while (used.tv_sec == 0 && used.tv_nsec < CPU_MS * 1000000L);
    _exit(0);
}

static _Noreturn void lead(int ready_fd)
{
    setpgid(0, 0);
    pid_t child = fork();
    if (child == 0)
        burn();
    waitpid(child, NULL, 0);
    sys_pipe_put(ready_fd);
    for (;;)
        pause();
}

static void children_that_have_ended_count(void **state)
{
    (void)state;
    struct tree_usage usage;
    int fds[2];
    pid_t test = getpid();
    assert_int_equal(sys_pipe(fds), 0);
    pid_t leader = sys_fork();
    if (leader == 0 && sys_end_with_parent(test, SIGKILL))
        lead(fds[1]);
    assert_true(leader > 0);
    assert_true(sys_pipe_take(fds[0]));
    tree_read_usage(leader, &usage);
    assert_true(usage.cpu_ns >= (CPU_MS - 2 * TICK_MS) * UINT64_C(1000000));
    assert_true(usage.user_ticks + usage.system_ticks >= CPU_MS / TICK_MS - 2);
    kill(leader, SIGKILL);
    assert_int_equal(waitpid(leader, NULL, 0), leader);
    tree_read_usage(leader, &usage);
    assert_int_equal(usage.cpu_ns, 0);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_that_have_ended_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
