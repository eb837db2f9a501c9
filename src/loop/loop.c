/* The loop's turns: wait, events, timers, tasks. See the rules in loop.h. */
#include "loop/loop.h"

#include "base/error.h"
#include "loop/internal.h"
#include "sys/clock.h"
#include "sys/socket.h"

#include <errno.h>
#include <stdlib.h>

/* Even without armed timers the loop wakes up now and then, so that its clock is never far behind. */
#define SLEEP_MS_MAX 60000

/* clang-format off */
const char *const loop_backend_names[] = {
    [LOOP_BACKEND_AUTO] = "auto",
    [LOOP_BACKEND_EPOLL] = "epoll",
    [LOOP_BACKEND_EPOLL_LT] = "epoll-lt",
    [LOOP_BACKEND_POLL] = "poll",
    [LOOP_BACKEND_SELECT] = "select",
    [LOOP_BACKEND_IO_URING] = "io_uring",
    [LOOP_BACKEND_COUNT] = NULL,
};

static const struct backend *const backends[LOOP_BACKEND_COUNT] = {
    [LOOP_BACKEND_AUTO] = &backend_epoll,
    [LOOP_BACKEND_EPOLL] = &backend_epoll,
    [LOOP_BACKEND_EPOLL_LT] = &backend_epoll_lt,
    [LOOP_BACKEND_POLL] = &backend_poll,
    [LOOP_BACKEND_SELECT] = &backend_select,
#ifdef HAVE_URING
    [LOOP_BACKEND_IO_URING] = &backend_io_uring,
#endif
};
/* clang-format on */

static void read_clocks(struct loop *loop)
{
    loop->turn_began_ns = loop->checked_ns = loop->slice_began_ns = sys_monotonic_ns();
    loop->turn_began_ms = loop->turn_began_ns / 1000000;
    int64_t wall_ns = sys_realtime_ns();
    loop->wall_seconds = wall_ns / 1000000000;
    loop->wall_nanoseconds = (unsigned)(wall_ns % 1000000000);
}

/* Only io_uring has reasons of its own for not being available. */
static const char *fallback_reason_of(int error)
{
    switch (-error) {
    case ENOSYS: return "the kernel has none";
    case EPERM: return "it is switched off, see kernel.io_uring_disabled, or forbidden by a sandbox";
    case EINVAL: return "the kernel is older than 6.1";
    default: return error_text(error);
    }
}

static int open_backend(struct loop *loop)
{
    assert(loop->options.backend < LOOP_BACKEND_COUNT);
    const struct backend *wanted = backends[loop->options.backend];
    loop->backend = wanted;
    int error = wanted ? wanted->open(&loop->backend_state) : -ENOTSUP;
    if (error == 0 || wanted == &backend_epoll)
        return error;
    loop->fallback_reason = wanted ? fallback_reason_of(error) : "this vif was built without it";
    loop->backend = &backend_epoll;
    return loop->backend->open(&loop->backend_state);
}

int loop_create(const struct loop_options *options, struct loop **ret_loop)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL)
        return -ENOMEM;
    loop->options = *options;
    loop->read_count = 1;
    loop->may_sendfile = sys_broken_pipes_are_harmless();
    list_init(&loop->tasks);
    list_init(&loop->again);
    list_init(&loop->due);
    list_init(&loop->closed);
    int error = open_backend(loop);
    if (error < 0) {
        free(loop);
        return error;
    }
    /* Not earlier: opening io_uring takes some milliseconds. */
    read_clocks(loop);
    if (loop->options.on_stall)
        stall_meter_open(&loop->stall_meter, loop->turn_began_ns);
    else
        stall_meter_disable(&loop->stall_meter);
    wheel_init(&loop->wheel, loop_now_ms(loop));
    *ret_loop = loop;
    return 0;
}

static void report_stall(struct loop *loop, const struct watch *watch, uint64_t duration_ns)
{
    assert(loop->options.on_stall != NULL);
    char doing[256];
    struct slice text = SLICE("timers and deferred work");
    if (watch) {
        text = slice_from(watch->events->name);
        if (watch->events->describe)
            text = slice_make(doing, watch->events->describe(watch, doing, sizeof(doing)));
    }
    loop->options.on_stall(loop->options.context, duration_ns / 1000, text);
}

/* By the clock the callback took too long, but the thread may have waited for a core meanwhile. */
static void check_slow_callback(struct loop *loop, const struct watch *watch, uint64_t duration_ns)
{
    if (loop->options.on_stall == NULL)
        return;
    uint64_t own_ns = stall_meter_own_ns(&loop->stall_meter, duration_ns, loop->checked_ns);
    if (own_ns > LOOP_STALL_US * UINT64_C(1000))
        report_stall(loop, watch, own_ns);
}

/* Reads the clock once per callback: the end of one is the beginning of the next. This costs about 20 ns
 * (vDSO), compared to several microseconds of system calls per request, and the report can name the
 * callback that stalled. */
void loop_check_stall(struct loop *loop, const struct watch *watch)
{
    uint64_t now_ns = sys_monotonic_ns();
    uint64_t duration_ns = now_ns - loop->checked_ns;
    loop->checked_ns = now_ns;
    if (UNLIKELY(duration_ns > LOOP_STALL_US * UINT64_C(1000)))
        check_slow_callback(loop, watch, duration_ns);
}

static void dispatch(struct loop *loop, int count)
{
    assert(count >= 0);
    for (int i = 0; i < count; i++) {
        unsigned events;
        struct watch *watch = loop->backend->ready(loop->backend_state, i, &events);
        if (watch == NULL)
            continue;
        watch->events->on_ready(watch, events);
        loop_check_stall(loop, watch);
    }
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL)
        return;
    loop_finish_jobs(loop);
    stall_meter_close(&loop->stall_meter);
    assert(loop->closing == 0 && list_is_empty(&loop->closed));
    loop->backend->close(loop->backend_state);
    free(loop);
}

void loop_finish_jobs(struct loop *loop)
{
    offload_destroy(loop->offload);
    loop->offload = NULL;
    streams_tell_closed(loop);
    while (loop->closing > 0) {
        loop->backend->give_up(loop->backend_state);
        int count = loop->backend->wait(loop->backend_state, SLEEP_MS_MAX);
        assert(count >= 0);
        dispatch(loop, count);
        streams_tell_closed(loop);
    }
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return loop->turn_began_ms;
}

bool loop_has_time(const struct loop *loop)
{
    return sys_monotonic_ns() - loop->slice_began_ns < LOOP_TURN_US * UINT64_C(1000);
}

uint64_t loop_clock_us(const struct loop *loop)
{
    (void)loop;
    return sys_monotonic_ns() / 1000;
}

int64_t loop_wall_seconds(const struct loop *loop)
{
    return loop->wall_seconds;
}

unsigned loop_wall_milliseconds(const struct loop *loop)
{
    return loop->wall_nanoseconds / 1000000;
}

struct wheel *loop_wheel(struct loop *loop)
{
    return &loop->wheel;
}

const char *loop_fallback_reason(const struct loop *loop)
{
    return loop->fallback_reason;
}

const char *loop_backend_name(const struct loop *loop)
{
    return loop->backend->name;
}

bool loop_is_ordered(const struct loop *loop)
{
    return loop->backend->is_ordered;
}

uint64_t loop_turn(const struct loop *loop)
{
    return loop->turn;
}

uint64_t loop_read_count(const struct loop *loop)
{
    return loop->read_count;
}

bool loop_accepts_fd(const struct loop *loop, int fd)
{
    assert(fd >= 0);
    return loop->backend->fd_end == 0 || fd < loop->backend->fd_end;
}

void loop_flush(struct loop *loop)
{
    if (loop->backend->flush)
        loop->backend->flush(loop->backend_state);
}

int watch_start(struct loop *loop, struct watch *watch, enum watch_mode mode)
{
    assert(watch->fd >= 0 && watch->events->on_ready != NULL);
    return loop->backend->start(loop->backend_state, watch, mode);
}

void watch_want(struct loop *loop, struct watch *watch, unsigned events)
{
    loop->backend->want(loop->backend_state, watch, events);
}

void watch_stop(struct loop *loop, struct watch *watch)
{
    loop->backend->stop(loop->backend_state, watch);
}

void watch_close(struct loop *loop, struct watch *watch)
{
    assert(watch->fd >= 0);
    if (loop->backend->forget)
        loop->backend->forget(loop->backend_state, watch);
    sys_close(watch->fd);
}

void task_init(struct task *task, void (*run)(struct task *task))
{
    assert(run != NULL);
    task->run = run;
    list_init(&task->link);
}

void task_defer(struct loop *loop, struct task *task)
{
    assert(task->run != NULL);
    if (list_is_empty(&task->link))
        list_append(&loop->tasks, &task->link);
}

void task_cancel(struct task *task)
{
    list_remove(&task->link);
}

static void run_tasks(struct loop *loop)
{
    /* Tasks deferred by tasks run in the next turn; otherwise two of them could keep the loop here
     * forever. */
    struct list due;
    list_init(&due);
    list_splice(&due, &loop->tasks);
    while (!list_is_empty(&due)) {
        struct task *task = CONTAINER_OF(due.next, struct task, link);
        list_remove(&task->link);
        task->run(task);
    }
}

/* The wheel's time is the beginning of the current turn: the duration of the turn is subtracted from the
 * sleep. */
static int wait_timeout_ms(const struct loop *loop)
{
    if (!list_is_empty(&loop->tasks) || !list_is_empty(&loop->again) || !list_is_empty(&loop->due) ||
        !list_is_empty(&loop->closed))
        return 0;
    uint64_t sleep_ms = wheel_sleep_ms(&loop->wheel, SLEEP_MS_MAX);
    assert(loop->checked_ns / 1000000 >= loop->wheel.now_ms);
    uint64_t turn_ms = loop->checked_ns / 1000000 - loop->wheel.now_ms;
    return sleep_ms > turn_ms ? (int)(sleep_ms - turn_ms) : 0;
}

/* Whether there is work after a turn's events and streams. Most turns have none, and save reading the
 * clock. */
static bool has_work_left(const struct loop *loop)
{
    return !list_is_empty(&loop->wheel.due) || !list_is_empty(&loop->tasks) || !list_is_empty(&loop->closed);
}

/* Events are handled before due timers: if a client's bytes have arrived, it must not get a timeout
 * because the loop was late. */
static int turn(struct loop *loop, int timeout_ms)
{
    int count = loop->backend->wait(loop->backend_state, timeout_ms);
    if (count < 0)
        return count;
    loop->turn++;
    read_clocks(loop);
    stall_meter_turn(&loop->stall_meter, loop->turn_began_ns);
    wheel_advance(&loop->wheel, loop_now_ms(loop));
    list_splice(&loop->due, &loop->again); /* before other streams use their share of this turn */
    dispatch(loop, count);
    streams_go_on(loop);
    if (has_work_left(loop)) {
        wheel_fire(&loop->wheel);
        run_tasks(loop);
        streams_tell_closed(loop);
        loop_check_stall(loop, NULL);
    }
    return 0;
}

int loop_fd(const struct loop *loop)
{
    return loop->backend->fd ? loop->backend->fd(loop->backend_state) : -ENOTSUP;
}

/* Reads the clock again: the outer loop may have been busy since our last turn. */
int loop_prepare(struct loop *loop)
{
    loop->checked_ns = sys_monotonic_ns();
    int timeout_ms = wait_timeout_ms(loop);
    return loop->backend->prepare ? loop->backend->prepare(loop->backend_state, timeout_ms) : timeout_ms;
}

int loop_run(struct loop *loop)
{
    int error = 0;
    while (!loop->stopping && error == 0)
        error = turn(loop, wait_timeout_ms(loop));
    loop->stopping = false;
    return error;
}

int loop_run_once(struct loop *loop, int timeout_ms)
{
    return turn(loop, MIN(timeout_ms, wait_timeout_ms(loop)));
}
