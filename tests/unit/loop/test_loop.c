/* The loop's turn: the order of events, timers and tasks, how long it sleeps, how it stops, what it reports.
 */
#include "chosen_backend.h"

#include "loop/loop.h"
#include "loop/watch.h"
#include "loop/wheel.h"
#include "sys/clock.h"
#include "sys/event.h"
#include "sys/socket.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The clock may have moved by a part of a millisecond when a duration in whole ones is compared. */
#define ROUNDING_MS 1

/* How late a timer may be where other programs have the machine. */
#define LATE_MS_MAX 2000

static struct loop *create_loop(const struct loop_options *options)
{
    struct loop *loop = NULL;
    struct loop_options chosen = options ? *options : (struct loop_options){0};
    chosen.backend = chosen_backend();
    assert_int_equal(loop_create(&chosen, &loop), 0);
    return loop;
}

static void block_ms(unsigned duration_ms)
{
    struct timespec duration = {.tv_nsec = duration_ms * 1000000L};
    nanosleep(&duration, NULL);
}

/* An eventfd that is watched, and a log of what happened. */
struct bell {
    struct watch watch;
    struct loop *loop;
    unsigned rung;
    unsigned stop_after; /* 0: never */
    struct bell *also_stop;
    struct timer *disarms;
    unsigned blocks_ms;
};

static void on_bell(struct watch *watch, unsigned events)
{
    struct bell *bell = CONTAINER_OF(watch, struct bell, watch);
    assert_true(events & WATCH_READABLE);
    sys_eventfd_clear(watch->fd);
    bell->rung++;
    if (bell->blocks_ms)
        block_ms(bell->blocks_ms);
    if (bell->disarms)
        timer_disarm(bell->disarms);
    if (bell->also_stop)
        watch_stop(bell->loop, &bell->also_stop->watch);
    if (bell->stop_after && bell->rung >= bell->stop_after)
        loop_stop(bell->loop);
}

static size_t describe_bell(const struct watch *watch, char *out, size_t size)
{
    (void)watch;
    assert_true(size >= 4);
    memcpy(out, "bell", 4);
    return 4;
}

static const struct watch_events bell_events = {
    .on_ready = on_bell, .name = "bell", .describe = describe_bell};

static void bell_hang(struct bell *bell, struct loop *loop)
{
    *bell = (struct bell){.watch = {.events = &bell_events, .fd = sys_eventfd_create()}, .loop = loop};
    assert_true(bell->watch.fd >= 0);
    assert_int_equal(watch_start(loop, &bell->watch, WATCH_LEVEL), 0);
}

static void bell_take_down(struct bell *bell)
{
    watch_stop(bell->loop, &bell->watch);
    sys_close(bell->watch.fd);
}

/* A timer that stops the loop. */
struct alarm {
    struct timer timer;
    struct loop *loop;
    uint64_t fired_ms;
    unsigned fired;
};

static void on_alarm(struct timer *timer)
{
    struct alarm *alarm = CONTAINER_OF(timer, struct alarm, timer);
    alarm->fired_ms = loop_now_ms(alarm->loop);
    alarm->fired++;
    loop_stop(alarm->loop);
}

static void alarm_set(struct alarm *alarm, struct loop *loop, uint64_t delay_ms)
{
    *alarm = (struct alarm){.loop = loop};
    timer_init(&alarm->timer, on_alarm);
    wheel_arm(loop_wheel(loop), &alarm->timer, delay_ms);
}

static void run(struct loop *loop)
{
    assert_int_equal(loop_run(loop), 0);
}

static void sleeps_until_the_timer(void **state)
{
    (void)state;
    struct loop *loop = create_loop(NULL);
    struct alarm alarm;
    static const unsigned delays_ms[] = {0, 1, 2, 5, 17, 63, 64, 65, 130};
    TABLE_ROWS(i, delays_ms, "") {
        uint64_t began_ms = loop_now_ms(loop);
        alarm_set(&alarm, loop, delays_ms[i]);
        run(loop);
        assert_int_equal(alarm.fired, 1);
        assert_true(alarm.fired_ms - began_ms >= delays_ms[i]);
        assert_true(alarm.fired_ms - began_ms < delays_ms[i] + LATE_MS_MAX);
    }
    loop_destroy(loop);
}

/* How long a timer of `delay_ms` takes where the turn that it is armed in takes `blocks_ms`. */
static uint64_t time_with_long_turn(unsigned blocks_ms, unsigned delay_ms)
{
    struct loop *loop = create_loop(NULL);
    struct bell bell;
    bell_hang(&bell, loop);
    bell.blocks_ms = blocks_ms;
    sys_eventfd_raise(bell.watch.fd);
    struct alarm alarm;
    alarm_set(&alarm, loop, delay_ms);
    uint64_t began_ms = loop_now_ms(loop);
    run(loop);
    assert_int_equal(bell.rung, 1);
    bell_take_down(&bell);
    loop_destroy(loop);
    return sys_monotonic_ms() - began_ms;
}

/* Work within a turn is part of a timer's delay, not added to it. On a busy machine it may take longer, but
 * not every time. */
static void a_long_turn_shortens_the_sleep(void **state)
{
    (void)state;
    uint64_t least_ms = UINT64_MAX;
    for (unsigned i = 0; i < 20 && least_ms >= 190; i++) {
        uint64_t took_ms = time_with_long_turn(90, 100);
        assert_true(took_ms + ROUNDING_MS >= 100);
        least_ms = MIN(least_ms, took_ms);
    }
    assert_true(least_ms < 190);
}

static void what_a_turn_took_is_not_slept_again(void **state)
{
    (void)state;
    struct loop *loop = create_loop(NULL);
    struct alarm alarm;
    alarm_set(&alarm, loop, 20);
    assert_in_range(loop_prepare(loop), 0, 20);
    block_ms(40);
    assert_int_equal(loop_prepare(loop), 0);
    loop_destroy(loop);
}

/* After a stall both an event and the timer that watches over it are due: the event comes first and saves the
 * timer. */
static void events_come_before_timers(void **state)
{
    (void)state;
    struct loop *loop = create_loop(NULL);
    struct bell bell;
    bell_hang(&bell, loop);
    struct alarm alarm;
    alarm_set(&alarm, loop, 5);
    bell.disarms = &alarm.timer;
    bell.stop_after = 1;
    sys_eventfd_raise(bell.watch.fd);
    block_ms(20);
    run(loop);
    assert_int_equal(bell.rung, 1);
    assert_int_equal(alarm.fired, 0);
    bell_take_down(&bell);
    loop_destroy(loop);
}

/* Of two watches that are ready in one wait, the first stops the second. */
static void a_watch_stopped_by_another_is_not_called(void **state)
{
    (void)state;
    struct loop *loop = create_loop(NULL);
    struct bell bells[2];
    for (size_t i = 0; i < 2; i++) {
        bell_hang(&bells[i], loop);
        bells[i].stop_after = 1;
        sys_eventfd_raise(bells[i].watch.fd);
    }
    bells[0].also_stop = &bells[1];
    bells[1].also_stop = &bells[0];
    run(loop);
    assert_int_equal(bells[0].rung + bells[1].rung, 1);
    for (size_t i = 0; i < 2; i++)
        bell_take_down(&bells[i]);
    loop_destroy(loop);
}

static void a_level_watch_is_told_again(void **state)
{
    (void)state;
    struct loop *loop = create_loop(NULL);
    struct bell bell;
    bell_hang(&bell, loop);
    for (unsigned i = 1; i <= 3; i++) {
        bell.stop_after = i;
        sys_eventfd_raise(bell.watch.fd);
        run(loop);
        assert_int_equal(bell.rung, i);
    }
    bell_take_down(&bell);
    loop_destroy(loop);
}

struct chore {
    struct task task;
    struct loop *loop;
    unsigned ran;
    unsigned repeats;
    struct chore *cancels;
};

static void on_chore(struct task *task)
{
    struct chore *chore = CONTAINER_OF(task, struct chore, task);
    chore->ran++;
    if (chore->cancels)
        task_cancel(&chore->cancels->task);
    if (chore->ran <= chore->repeats)
        task_defer(chore->loop, task);
    else
        loop_stop(chore->loop);
}

static void tasks_run_once_and_can_be_cancelled(void **state)
{
    (void)state;
    struct loop *loop = create_loop(NULL);
    struct chore first = {.loop = loop}, second = {.loop = loop}, never = {.loop = loop};
    task_init(&first.task, on_chore);
    task_init(&second.task, on_chore);
    task_init(&never.task, on_chore);
    task_cancel(&never.task); /* does not wait: nothing happens */
    first.cancels = &second;
    task_defer(loop, &first.task);
    task_defer(loop, &first.task);
    task_defer(loop, &second.task);
    task_defer(loop, &never.task);
    task_cancel(&never.task);
    run(loop);
    assert_int_equal(first.ran, 1);
    assert_int_equal(second.ran, 0);
    assert_int_equal(never.ran, 0);
    loop_destroy(loop);
}

/* A task that defers itself runs once a turn: events and timers still get theirs. */
static void a_task_that_repeats_lets_others_in(void **state)
{
    (void)state;
    struct loop *loop = create_loop(NULL);
    struct chore chore = {.loop = loop, .repeats = 1000000};
    task_init(&chore.task, on_chore);
    task_defer(loop, &chore.task);
    struct bell bell;
    bell_hang(&bell, loop);
    bell.stop_after = 1;
    sys_eventfd_raise(bell.watch.fd);
    run(loop);
    assert_int_equal(chore.ran, 1);
    struct alarm alarm;
    alarm_set(&alarm, loop, 5);
    run(loop);
    assert_int_equal(alarm.fired, 1);
    assert_true(chore.ran > 1);
    task_cancel(&chore.task);
    bell_take_down(&bell);
    loop_destroy(loop);
}

static void a_stop_before_the_run_counts(void **state)
{
    (void)state;
    struct loop *loop = create_loop(NULL);
    loop_stop(loop);
    run(loop); /* returns at once, or the test's time is up */
    struct alarm alarm;
    alarm_set(&alarm, loop, 1);
    run(loop); /* and only that once */
    assert_int_equal(alarm.fired, 1);
    loop_destroy(loop);
}

/* The longest one: on a busy machine there may be others. */
struct stalls {
    uint64_t longest_us;
    char doing[64];
};

static void on_stall(void *context, uint64_t duration_us, struct slice doing)
{
    struct stalls *stalls = context;
    assert_true(duration_us >= LOOP_STALL_US);
    if (duration_us < stalls->longest_us)
        return;
    stalls->longest_us = duration_us;
    assert_true(doing.length < sizeof(stalls->doing));
    memcpy(stalls->doing, doing.data, doing.length);
    stalls->doing[doing.length] = '\0';
}

/* Blocking for 80 ms; but the loop leaves out what it may have waited for a core in 10 ms before (stall.h).
 */
#define BLOCKED_US_MIN 70000

static void block_in_timer(struct timer *timer)
{
    block_ms(80);
    on_alarm(timer);
}

static void a_stall_is_laid_to_what_stalled(void **state)
{
    (void)state;
    struct stalls stalls = {0};
    struct loop *loop = create_loop(&(struct loop_options){.on_stall = on_stall, .context = &stalls});
    struct bell bell;
    bell_hang(&bell, loop);
    bell.blocks_ms = 80;
    bell.stop_after = 1;
    sys_eventfd_raise(bell.watch.fd);
    run(loop);
    assert_string_equal(stalls.doing, "bell");
    assert_true(stalls.longest_us >= BLOCKED_US_MIN);

    stalls = (struct stalls){0};
    struct alarm alarm = {.loop = loop};
    timer_init(&alarm.timer, block_in_timer);
    wheel_arm(loop_wheel(loop), &alarm.timer, 0);
    run(loop);
    assert_string_equal(stalls.doing, "timers and deferred work");
    assert_true(stalls.longest_us >= BLOCKED_US_MIN);

    stalls = (struct stalls){0}; /* sleeping in the wait is no stall */
    alarm_set(&alarm, loop, 300);
    run(loop);
    assert_true(stalls.longest_us < 300000);
    bell_take_down(&bell);
    loop_destroy(loop);
}

static void a_single_turn_waits_no_longer_than_asked(void **state)
{
    (void)state;
    struct loop *loop = create_loop(NULL);
    struct bell bell;
    bell_hang(&bell, loop);
    assert_int_equal(loop_run_once(loop, 0), 0);
    assert_int_equal(bell.rung, 0);
    uint64_t began_ms = loop_clock_us(loop) / 1000;
    assert_int_equal(loop_run_once(loop, 30), 0);
    uint64_t waited_ms = loop_clock_us(loop) / 1000 - began_ms;
    assert_true(waited_ms + ROUNDING_MS >= 30 && waited_ms < LATE_MS_MAX);
    sys_eventfd_raise(bell.watch.fd);
    assert_int_equal(loop_run_once(loop, LATE_MS_MAX), 0);
    assert_int_equal(bell.rung, 1);
    bell_take_down(&bell);
    loop_destroy(loop);
}

/* A turn of a loop that waits for ours; returns how long it was told to wait. */
static int foreign_turn(struct loop *loop)
{
    struct pollfd ours = {.fd = loop_fd(loop), .events = POLLIN};
    int timeout_ms = loop_prepare(loop);
    assert_true(poll(&ours, 1, timeout_ms) >= 0);
    assert_int_equal(loop_run_once(loop, 0), 0);
    return timeout_ms;
}

static void a_loop_lives_in_another(void **state)
{
    (void)state;
    struct loop *loop = create_loop(NULL);
    if (loop_fd(loop) < 0) {
        assert_int_equal(loop_fd(loop), -ENOTSUP);
        bool is_list = chosen_backend() == LOOP_BACKEND_POLL || chosen_backend() == LOOP_BACKEND_SELECT;
        assert_true(is_list);
        loop_destroy(loop);
        return;
    }
    struct bell bell;
    bell_hang(&bell, loop);
    struct alarm alarm;
    alarm_set(&alarm, loop, LATE_MS_MAX);
    assert_true(loop_prepare(loop) <= LATE_MS_MAX);
    sys_eventfd_raise(bell.watch.fd); /* an event wakes the foreign wait long before the timer is due */
    while (bell.rung == 0)
        foreign_turn(loop);
    timer_disarm(&alarm.timer);
    alarm_set(&alarm, loop, 50);
    block_ms(30); /* what the other loop does with its time is taken off the wait */
    assert_true(loop_prepare(loop) <= 20 + ROUNDING_MS);
    while (alarm.fired == 0)
        foreign_turn(loop);
    struct chore chore = {.loop = loop};
    task_init(&chore.task, on_chore);
    task_defer(loop, &chore.task); /* what is due already makes the wait short */
    assert_int_equal(foreign_turn(loop), 0);
    assert_int_equal(chore.ran, 1);
    bell_take_down(&bell);
    loop_destroy(loop);
}

static void clocks_agree(void **state)
{
    (void)state;
    struct loop *loop = create_loop(NULL);
    assert_true(loop_clock_us(loop) / 1000 >= loop_now_ms(loop));
    assert_true(llabs((long long)(loop_wall_seconds(loop) - time(NULL))) <= 1);
    enum loop_backend backend = chosen_backend();
    assert_string_equal(loop_backend_name(loop),
                        backend == LOOP_BACKEND_AUTO ? "epoll" : loop_backend_names[backend]);
    loop_destroy(loop);
    loop_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleeps_until_the_timer),
        cmocka_unit_test(a_long_turn_shortens_the_sleep),
        cmocka_unit_test(what_a_turn_took_is_not_slept_again),
        cmocka_unit_test(events_come_before_timers),
        cmocka_unit_test(a_watch_stopped_by_another_is_not_called),
        cmocka_unit_test(a_level_watch_is_told_again),
        cmocka_unit_test(tasks_run_once_and_can_be_cancelled),
        cmocka_unit_test(a_task_that_repeats_lets_others_in),
        cmocka_unit_test(a_stop_before_the_run_counts),
        cmocka_unit_test(a_stall_is_laid_to_what_stalled),
        cmocka_unit_test(a_single_turn_waits_no_longer_than_asked),
        cmocka_unit_test(a_loop_lives_in_another),
        cmocka_unit_test(clocks_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
