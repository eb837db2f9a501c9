/* The event loop: one thread that waits for events and calls back.
 *
 * Rules for everything built on it:
 *  1. A loop, and every object that uses it, belongs to one thread. Only offload jobs run on other threads,
 *     and they touch nothing but their own job.
 *  2. Objects (streams, listeners, timers, tasks, jobs) live in the caller's memory. It may be freed only
 *     when the object's header says so: right after disarm/stop, or from on_closed after stream_close.
 *  3. A callback may do anything to its own object, including closing it.
 *  4. No function calls back before it returns, unless its comment says that it may.
 *
 * One turn: wait for events (at most until the next timer) → read the clock → call back for each event →
 * continue the streams that used up their share of the last turn → fire the timers that are still due → run
 * deferred tasks → call on_closed of closed streams. loop_now_ms() is the time at which the turn began;
 * timers are armed relative to it.
 *
 * Small requests do not wait for large ones: new events are handled first, and work that continues from turn
 * to turn shares LOOP_TURN_US of each turn. */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/list.h"
#include "base/slice.h"

struct loop;
struct wheel;

/* The size of the loop's read buffer; on_read lends parts of it. */
#define LOOP_READ_BYTES 65536

/* A callback longer than this is reported as a stall; time that the thread waited for a CPU core does not
 * count. A turn's timers, tasks and on_closed callbacks are measured together. */
#define LOOP_STALL_US 5000

/* The target length of a turn under load: see loop_has_time. */
#define LOOP_TURN_US 500

/* The system call that waits for descriptors. Everything above the loop behaves the same with each. */
enum loop_backend {
    LOOP_BACKEND_AUTO, /* the preferred one: epoll */
    LOOP_BACKEND_EPOLL,
    LOOP_BACKEND_EPOLL_LT,
    LOOP_BACKEND_POLL,
    LOOP_BACKEND_SELECT,
    LOOP_BACKEND_IO_URING,
    LOOP_BACKEND_COUNT
};

/* The names of the backends, indexed by number; NULL after the last. */
extern const char *const loop_backend_names[LOOP_BACKEND_COUNT + 1];

struct loop_options {
    enum loop_backend backend;
    /* Called after a callback that took longer than LOOP_STALL_US; `doing` describes what the object was
     * doing. If set, the loop must be run by the thread that created it. May be NULL. */
    void (*on_stall)(void *context, uint64_t duration_us, struct slice doing);
    void *context;
    unsigned offload_threads; /* maximum number of threads; 0: 32 */
    unsigned offload_queue;   /* maximum number of waiting jobs; 0: 1024 */
};

/* Returns 0, or -errno if a system call fails or memory runs out. A backend that is not available is
 * replaced by the best available one: see loop_fallback_reason. Changes no process-wide state. sendfile(2)
 * has no MSG_NOSIGNAL: if SIGPIPE would end the process (signal(7); sys_ignore_broken_pipes was not
 * called), file ranges are read and sent instead, which costs more. */
int loop_create(const struct loop_options *options, struct loop **ret_loop) MUST_CHECK;

/* Everything that uses the loop must have been closed. Waits for all offload jobs. NULL is ignored. */
void loop_destroy(struct loop *loop);

/* Runs turns until loop_stop. Returns 0, or -errno if waiting failed. */
int loop_run(struct loop *loop) MUST_CHECK;

/* Runs one turn, waiting for at most `timeout_ms`: for a thread that waits for something else and runs a
 * loop beside it. Returns 0, or -errno if waiting failed. */
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

/* A descriptor that is readable when a turn has something to do; owned by the loop, do not read or close
 * it. -ENOTSUP with the backends poll and select, which have none. */
int loop_fd(const struct loop *loop);

/* Call this before each wait: submits deferred operations to the kernel and returns how long the wait may
 * take at most, in milliseconds; 0: a turn is due now. */
int loop_prepare(struct loop *loop) MUST_CHECK;

/* Ends loop_run after the current turn. If called before loop_run, it makes that return at once. */
void loop_stop(struct loop *loop);

/* Waits for the offload jobs in progress, calls their `done`, and calls on_closed of closed streams.
 * Afterwards only objects that are still open can call back. For shutting down outside loop_run. */
void loop_finish_jobs(struct loop *loop);

/* Monotonic time at the start of this turn, in milliseconds. */
uint64_t loop_now_ms(const struct loop *loop);

/* Whether a callback that could continue for long (a pipeline, a download, a queue of connections) may do
 * more in this turn. It may always do a little, so that everybody makes progress; before doing more it
 * asks here, and defers the rest if the answer is false. Reads the system clock. */
bool loop_has_time(const struct loop *loop);

/* Monotonic time now, in microseconds. Reads the system clock. */
uint64_t loop_clock_us(const struct loop *loop);

/* Wall-clock seconds since 1970 at the start of this turn; and the milliseconds within that second, 0 to
 * 999. */
int64_t loop_wall_seconds(const struct loop *loop);
unsigned loop_wall_milliseconds(const struct loop *loop);

/* The wheel that timers are armed on (loop/wheel.h). */
struct wheel *loop_wheel(struct loop *loop);

/* The name of the backend in use, never "auto". */
const char *loop_backend_name(const struct loop *loop);

/* Why the backend in use is not the requested one, as text for people; NULL if it is. */
const char *loop_fallback_reason(const struct loop *loop);

/* Whether events are reported in the order in which they happened. A kernel that scans a list of
 * descriptors or operations may report the last event first. */
bool loop_is_ordered(const struct loop *loop);

/* The number of this turn, for things to be done once per turn. */
uint64_t loop_turn(const struct loop *loop);

/* How often bytes of a stream were received; begins at 1. */
uint64_t loop_read_count(const struct loop *loop);

/* Whether the backend can wait for a descriptor of that number: select(2) is limited to 1023. */
bool loop_accepts_fd(const struct loop *loop, int fd);

/* A call deferred to the end of the current turn. The task's memory must stay valid until it ran or was
 * cancelled. */
struct task {
    struct list link;
    void (*run)(struct task *task);
};

void task_init(struct task *task, void (*run)(struct task *task));

/* Runs `task` at the end of this turn; if called from a task, in the next turn. Does nothing if it is
 * already scheduled. */
void task_defer(struct loop *loop, struct task *task);

/* Cancels a scheduled task; does nothing if it is not scheduled. */
void task_cancel(struct task *task);

#endif
