/* Stalls on a machine that has other work: what the scheduler took is not laid to the callback. First with a
 * clock and a kernel of the test's own, then with busy loops on the very core. */
#include "../test.h"

#include "loop/loop.h"
#include "loop/wheel.h"
#include "sys/clock.h"
#include "sys/process.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

uint64_t __real_sys_monotonic_ns(void);
uint64_t __wrap_sys_monotonic_ns(void);
int __real_sys_waiting_open(void);
int __wrap_sys_waiting_open(void);
uint64_t __real_sys_waiting_ns(int fd);
uint64_t __wrap_sys_waiting_ns(int fd);

static struct {
    bool is_on;
    bool is_blind; /* the kernel does not count */
    uint64_t now_ns;
    uint64_t waited_ns;
    unsigned asked;
} fake;

uint64_t __wrap_sys_monotonic_ns(void)
{
    return fake.is_on ? fake.now_ns : __real_sys_monotonic_ns();
}

int __wrap_sys_waiting_open(void)
{
    if (fake.is_on && fake.is_blind)
        return -ENOENT;
    return fake.is_on ? dup(STDIN_FILENO) : __real_sys_waiting_open();
}

uint64_t __wrap_sys_waiting_ns(int fd)
{
    fake.asked++;
    return fake.is_on ? fake.waited_ns : __real_sys_waiting_ns(fd);
}

struct stalls {
    unsigned count;
    uint64_t last_us;
};

static void on_stall(void *context, uint64_t duration_us, struct slice doing)
{
    (void)doing;
    struct stalls *stalls = context;
    stalls->count++;
    stalls->last_us = duration_us;
}

static struct loop *create_loop(struct stalls *stalls)
{
    struct loop *loop;
    *stalls = (struct stalls){0};
    assert_int_equal(loop_create(&(struct loop_options){.on_stall = on_stall, .context = stalls}, &loop), 0);
    return loop;
}

/* A callback, as a deferred task. */
struct work {
    struct task task;
    uint64_t takes_ns;  /* of the clock */
    uint64_t waits_ns;  /* of those, for the core */
    uint64_t truth_ns;  /* without what it waited; by two looks right around it */
    uint64_t passed_ns; /* by the clock */
};

static void run_faked(struct task *task)
{
    struct work *work = CONTAINER_OF(task, struct work, task);
    fake.now_ns += work->takes_ns;
    fake.waited_ns += work->waits_ns;
}

static void turn_with(struct loop *loop, struct work *work, void (*run)(struct task *task))
{
    task_init(&work->task, run);
    task_defer(loop, &work->task);
    assert_int_equal(loop_run_once(loop, 0), 0);
}

static void set_up_fake(bool is_blind)
{
    memset(&fake, 0, sizeof(fake));
    fake.is_on = true;
    fake.is_blind = is_blind;
    fake.now_ns = 1000 * MS;
}

static void waiting_for_the_core_is_no_stall(void **state)
{
    (void)state;
    set_up_fake(false);
    struct stalls stalls;
    struct loop *loop = create_loop(&stalls);
    turn_with(loop, &(struct work){.takes_ns = 24 * MS, .waits_ns = 20 * MS}, run_faked);
    assert_int_equal(stalls.count, 0);
    turn_with(loop, &(struct work){.takes_ns = 24 * MS, .waits_ns = 18 * MS}, run_faked);
    assert_int_equal(stalls.count, 1);
    assert_int_equal(stalls.last_us, 6000);                         /* what the loop did */
    turn_with(loop, &(struct work){.takes_ns = 7 * MS}, run_faked); /* asleep in the kernel, or at work */
    assert_int_equal(stalls.count, 2);
    assert_int_equal(stalls.last_us, 7000);
    turn_with(loop, &(struct work){.takes_ns = 7 * MS, .waits_ns = 9 * MS}, run_faked);
    assert_int_equal(stalls.count, 2);
    loop_destroy(loop);
}

/* What was waited for while nothing was called back (to wake up, mostly) hides no stall that comes later. */
static void earlier_waiting_hides_no_stall(void **state)
{
    (void)state;
    set_up_fake(false);
    struct stalls stalls;
    struct loop *loop = create_loop(&stalls);
    fake.now_ns += 3600 * 1000 * MS;
    fake.waited_ns += 600 * 1000 * MS;
    turn_with(loop, &(struct work){.takes_ns = 6 * MS}, run_faked);
    assert_int_equal(stalls.count, 1);
    loop_destroy(loop);
}

static void a_busy_loop_asks_seldom(void **state)
{
    (void)state;
    set_up_fake(false);
    struct stalls stalls;
    struct loop *loop = create_loop(&stalls);
    fake.asked = 0;
    for (unsigned i = 0; i < 1000; i++) /* a tenth of a second */
        turn_with(loop, &(struct work){.takes_ns = MS / 10}, run_faked);
    assert_in_range(fake.asked, 5, 11);
    loop_destroy(loop);
}

static void without_a_counting_kernel_the_clock_counts(void **state)
{
    (void)state;
    set_up_fake(true);
    struct stalls stalls;
    struct loop *loop = create_loop(&stalls);
    turn_with(loop, &(struct work){.takes_ns = 6 * MS, .waits_ns = 6 * MS}, run_faked);
    assert_int_equal(stalls.count, 1);
    turn_with(loop, &(struct work){.takes_ns = 4 * MS}, run_faked);
    assert_int_equal(stalls.count, 1);
    assert_int_equal(fake.asked, 0);
    loop_destroy(loop);
}

static void a_loop_that_reports_to_nobody_asks_nothing(void **state)
{
    (void)state;
    set_up_fake(false);
    struct loop *loop;
    assert_int_equal(loop_create(&(struct loop_options){0}, &loop), 0);
    turn_with(loop, &(struct work){.takes_ns = 50 * MS}, run_faked);
    assert_int_equal(fake.asked, 0);
    loop_destroy(loop);
}

/* ---- the real thing ---- */

enum { RIVALS = 3, SLOW_TURNS = 5 };
#define PATIENCE_NS (UINT64_C(20000) * MS)

static pid_t start_rival(pid_t parent)
{
    pid_t pid = sys_fork();
    assert_true(pid >= 0);
    while (pid == 0) {
        if (getppid() != parent)
            _exit(0);
    }
    return pid;
}

/* This process, and those that it starts, on one core. */
static cpu_set_t stay_on_one_core(void)
{
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    CPU_ZERO(&one);
    for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&one) == 0; core++) {
        if (CPU_ISSET(core, &before))
            CPU_SET(core, &one);
    }
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    return before;
}

static void run_busily(struct task *task)
{
    struct work *work = CONTAINER_OF(task, struct work, task);
    struct thread_time before = sys_thread_time(), now;
    uint64_t began_ns = sys_monotonic_ns();
    do
        now = sys_thread_time();
    while (now.running_ns - before.running_ns < MS);
    work->passed_ns = sys_monotonic_ns() - began_ns;
    work->truth_ns = work->passed_ns - MIN(now.waiting_ns - before.waiting_ns, work->passed_ns);
}

static void run_asleep(struct task *task)
{
    (void)task;
    nanosleep(&(struct timespec){.tv_nsec = 20 * (long)MS}, NULL);
}

/* A callback of a millisecond, among others that want the core, until it was slow by the clock several times.
 * A virtual machine's core may be taken away too, which the kernel cannot know: such turns are left out. */
static void expect_no_stall_of_busy_turns(struct loop *loop, const struct stalls *stalls)
{
    uint64_t began_ns = sys_monotonic_ns();
    for (unsigned slow = 0; slow < SLOW_TURNS && sys_monotonic_ns() - began_ns < PATIENCE_NS;) {
        unsigned before = stalls->count;
        struct work work = {0};
        turn_with(loop, &work, run_busily);
        if (work.truth_ns > 4 * MS)
            continue;
        assert_int_equal(stalls->count, before);
        slow += work.passed_ns > LOOP_STALL_US * UINT64_C(1000);
    }
}

static void rivals_on_the_core_make_no_stall_and_hide_none(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof(fake));
    int fd = sys_waiting_open();
    if (fd < 0)
        skip(); /* this kernel does not count */
    close(fd);
    cpu_set_t before = stay_on_one_core();
    pid_t rivals[RIVALS];
    for (size_t i = 0; i < RIVALS; i++)
        rivals[i] = start_rival(getpid());
    struct stalls stalls;
    struct loop *loop = create_loop(&stalls);
    expect_no_stall_of_busy_turns(loop, &stalls);
    unsigned count = stalls.count;
    turn_with(loop, &(struct work){0}, run_asleep);
    assert_int_equal(stalls.count, count + 1);
    assert_in_range(stalls.last_us, 5000, 1000000);
    loop_destroy(loop);
    for (size_t i = 0; i < RIVALS; i++)
        sys_kill(rivals[i], SIGKILL);
    sched_setaffinity(0, sizeof(before), &before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_for_the_core_is_no_stall),
        cmocka_unit_test(earlier_waiting_hides_no_stall),
        cmocka_unit_test(a_busy_loop_asks_seldom),
        cmocka_unit_test(without_a_counting_kernel_the_clock_counts),
        cmocka_unit_test(a_loop_that_reports_to_nobody_asks_nothing),
        cmocka_unit_test(rivals_on_the_core_make_no_stall_and_hide_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
