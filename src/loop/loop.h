/* The event loop: one thread that waits for events and calls back.
 *
 * Rules of life, for everything below:
 *  1. A loop, and all that hangs on it, belongs to one thread. Only offload workers run elsewhere, and they
 * touch nothing but their own job.
 *  2. Objects (streams, listeners, timers, tasks, jobs) live in the caller's memory and may be given back
 * only when the header says so: at once after disarm/stop, or from the on_closed callback after stream_close.
 *  3. A callback may do anything to its own object, close it included.
 *  4. No function calls back before it returns, unless its comment says that it may.
 *
 * One turn: wait for events (at most until the next timer) → read the clock → call back for each event → go
 * on with the streams that had more to do than their share of the last turn → fire the timers that are still
 * due → run deferred tasks → tell the owners of closed streams. loop_now_ms() is the time at which the turn
 * began, and timers are armed from there.
 *
 * Whoever asks for little does not wait for those who ask for much: new events go first, and what goes on
 * from turn to turn shares LOOP_TURN_US of each. */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/list.h"
#include "base/slice.h"

struct loop;
struct wheel;

/* The bytes of the buffer that reads go into and are lent from. */
#define LOOP_READ_BYTES 65536

/* A callback longer than this is a stall and reported; what it waited for a core that others had does not
 * count. A turn's timers, tasks and on_closed callbacks are measured together. */
#define LOOP_STALL_US 5000

/* When many have more to do than fits into a turn, it is about so long: see loop_has_time. */
#define LOOP_TURN_US 500

/* What waits for the descriptors. Everything above the loop is the same on each. */
enum loop_backend {
    LOOP_BACKEND_AUTO, /* the best there is: epoll */
    LOOP_BACKEND_EPOLL,
    LOOP_BACKEND_EPOLL_LT,
    LOOP_BACKEND_POLL,
    LOOP_BACKEND_SELECT,
    LOOP_BACKEND_IO_URING,
    LOOP_BACKEND_COUNT
};

/* Their names, by number; NULL behind the last. */
extern const char *const loop_backend_names[LOOP_BACKEND_COUNT + 1];

struct loop_options {
    enum loop_backend backend;
    /* Called after a callback that took longer than LOOP_STALL_US, with what the object says it was doing.
     * The loop must then be run by the thread that creates it. May be NULL. */
    void (*on_stall)(void *context, uint64_t duration_us, struct slice doing);
    void *context;
    unsigned offload_threads; /* the most there may be; 0: 32 */
    unsigned offload_queue;   /* jobs that may wait; 0: 1024 */
};

/* Returns 0, or -errno where the kernel or memory refuses. A backend that is not available is replaced by the
 * best one that is: see loop_fallback_reason. Nothing of the process is changed. sendfile(2) has no
 * MSG_NOSIGNAL, so where SIGPIPE would end the process (signal(7), and nobody called
 * sys_ignore_broken_pipes), file ranges are read and sent instead, which costs more. */
int loop_create(const struct loop_options *options, struct loop **ret_loop) MUST_CHECK;

/* Everything that hangs on the loop must have been closed. Waits for all offload jobs. NULL is
 * ignored. */
void loop_destroy(struct loop *loop);

/* Turns until loop_stop. Returns 0, or -errno when waiting itself failed. */
int loop_run(struct loop *loop) MUST_CHECK;

/* One turn, in which it waits for at most `timeout_ms`: for a thread that waits for something else and has a
 * loop beside it. Returns 0, or -errno when waiting itself failed. */
int loop_run_once(struct loop *loop, int timeout_ms) MUST_CHECK;

/* ---- inside another loop ----
 *
 * A program that has a loop of its own waits for loop_fd to become readable, for at most as long as
 * loop_prepare says, and then calls loop_run_once(loop, 0):
 *
 *     for (;;) {
 *         struct pollfd ours = {.fd = loop_fd(loop), .events = POLLIN};
 *         poll(&ours, 1, loop_prepare(loop));
 *         loop_run_once(loop, 0);
 *     } */

/* A descriptor that is readable when a turn has something to do; the loop's own, not to be read or closed.
 * -ENOTSUP on the backends poll and select, which have none. */
int loop_fd(const struct loop *loop);

/* Called before each wait: hands the kernel what was put off, and returns how many milliseconds the wait may
 * take at most; 0: a turn is due now. */
int loop_prepare(struct loop *loop) MUST_CHECK;

/* Ends loop_run after the current turn; called before loop_run, it makes that return at once. */
void loop_stop(struct loop *loop);

/* Waits for the offload jobs that are under way, calls their `done`, and tells the owners of closed streams:
 * afterwards nothing calls back any more but what is still open. For taking things down outside of loop_run.
 */
void loop_settle(struct loop *loop);

/* Monotonic time at the start of this turn, in milliseconds. */
uint64_t loop_now_ms(const struct loop *loop);

/* Whether a callback that could go on for long (a pipeline, a download, a queue of connections) may do more
 * in this turn. A little it does in any case, so that everyone gets on; before more of the same it asks here,
 * and puts the rest off. A system clock read. */
bool loop_has_time(const struct loop *loop);

/* Monotonic time now, in microseconds: a system clock read. */
uint64_t loop_clock_us(const struct loop *loop);

/* Wall-clock seconds since 1970 at the start of this turn; and the milliseconds of that second, 0 to 999. */
int64_t loop_wall_seconds(const struct loop *loop);
unsigned loop_wall_milliseconds(const struct loop *loop);

/* The wheel that timers are armed on (loop/wheel.h). */
struct wheel *loop_wheel(struct loop *loop);

/* The name of the backend in use, never "auto". */
const char *loop_backend_name(const struct loop *loop);

/* Why the backend in use is not the one that was asked for, for a person; NULL where it is. */
const char *loop_fallback_reason(const struct loop *loop);

/* Whether events are told in the order in which they happened. Where the kernel looks through a list of
 * descriptors instead, or through one of operations, what happened last may well be told first. */
bool loop_is_ordered(const struct loop *loop);

/* The number of this turn: who did something once in it need not do it again. */
uint64_t loop_turn(const struct loop *loop);

/* Whether the backend can wait for a descriptor of that number: select(2) ends at 1023. */
bool loop_accepts_fd(const struct loop *loop, int fd);

/* A call that is made once, at the end of the current turn. The task's memory must stay until it ran or was
 * cancelled. */
struct task {
    struct list link;
    void (*run)(struct task *task);
};

void task_init(struct task *task, void (*run)(struct task *task));

/* Runs `task` at the end of this turn; from a task, in the next turn. A task that waits already is left as it
 * is. */
void task_defer(struct loop *loop, struct task *task);

/* Cancels a task that waits; nothing happens where it does not. */
void task_cancel(struct task *task);

#endif
