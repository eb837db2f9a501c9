/* Bookkeeping of child processes. The life of a child, while the supervisor is kept:
 *
 *     absent -> starting -> ready -> due -> starting ...
 *
 * A child that is starting may end too and is due then. Before and after, whoever ends is absent. */
#include "proc/supervisor.h"

#include "base/error.h"
#include "sys/clock.h"
#include "sys/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define EARLY_MS     1000 /* a child that ends sooner than this is likely to end again */
#define PAUSE_MS_MIN 100
#define PAUSE_MS_MAX 10000

int supervisor_init(struct supervisor *supervisor, const struct supervisor_options *options)
{
    assert(options->count > 0);
    struct child *children = calloc(options->count, sizeof(*children));
    if (children == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < options->count; i++)
        children[i].ready_fd = -1;
    *supervisor = (struct supervisor){.options = *options, .children = children, .room = options->count};
    return 0;
}

void supervisor_finish(struct supervisor *supervisor)
{
    assert(supervisor->running == 0);
    free(supervisor->children);
    supervisor->children = NULL;
}

static void close_ready_fd(struct child *child)
{
    if (child->ready_fd >= 0)
        sys_close(child->ready_fd);
    child->ready_fd = -1;
}

/* In the child: runs `work`, and never returns to the parent's code. */
static _Noreturn void live(struct supervisor *supervisor, size_t number, const int ready_fds[2])
{
    sys_close(ready_fds[0]);
    for (size_t i = 0; i < supervisor->options.count; i++)
        close_ready_fd(&supervisor->children[i]);
    exit(supervisor->options.work(supervisor->options.context, number, ready_fds[1]));
}

static int supervisor_fork(struct supervisor *supervisor, size_t number)
{
    struct child *child = &supervisor->children[number];
    assert(child->ready_fd < 0);
    int ready_fds[2];
    int error = sys_pipe(ready_fds);
    if (error < 0)
        return error;
    pid_t pid = sys_fork();
    if (pid == 0)
        live(supervisor, number, ready_fds);
    sys_close(ready_fds[1]);
    if (pid < 0) {
        sys_close(ready_fds[0]);
        return pid;
    }
    child->pid = pid;
    child->ready_fd = ready_fds[0];
    child->is_due = false;
    child->started_ms = sys_monotonic_ms();
    supervisor->running++;
    return 0;
}

int supervisor_start(struct supervisor *supervisor, size_t number)
{
    const struct supervisor_options *options = &supervisor->options;
    assert(supervisor->children[number].pid == 0);
    int error = options->before_start ? options->before_start(options->context, number) : 0;
    if (error < 0)
        return error;
    error = supervisor_fork(supervisor, number);
    if (options->after_start)
        options->after_start(options->context, number);
    return error;
}

size_t supervisor_poll_set(const struct supervisor *supervisor, struct pollfd *fds)
{
    size_t count = 0;
    for (size_t i = 0; i < supervisor->options.count; i++) {
        if (supervisor->children[i].ready_fd >= 0)
            fds[count++] = (struct pollfd){.fd = supervisor->children[i].ready_fd, .events = POLLIN};
    }
    return count;
}

static struct child *find_by_ready_fd(struct supervisor *supervisor, int fd)
{
    for (size_t i = 0; i < supervisor->options.count; i++) {
        if (supervisor->children[i].ready_fd == fd)
            return &supervisor->children[i];
    }
    return NULL;
}

void supervisor_take_ready(struct supervisor *supervisor, const struct pollfd *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct child *child = fds[i].revents ? find_by_ready_fd(supervisor, fds[i].fd) : NULL;
        if (child == NULL)
            continue;
        child->is_ready = sys_pipe_take(child->ready_fd);
        supervisor->ready += child->is_ready;
        close_ready_fd(child);
    }
}

static void log_end(struct supervisor *supervisor, const struct process_change *end)
{
    if (end->fate == PROCESS_KILLED)
        log_error(supervisor->options.log, "worker process %d was ended by signal %d (%s)", (int)end->pid,
                  end->number, strsignal(end->number));
    else if (end->number != 0 && supervisor->mode != SUPERVISOR_GATHERING)
        log_error(supervisor->options.log, "worker process %d ended with status %d", (int)end->pid,
                  end->number);
    else if (end->number == 0 && supervisor->mode == SUPERVISOR_KEEPING)
        log_warning(supervisor->options.log, "worker process %d ended", (int)end->pid);
}

static uint64_t next_pause(uint64_t pause_ms)
{
    return pause_ms == 0 ? PAUSE_MS_MIN : MIN(pause_ms * 2, (uint64_t)PAUSE_MS_MAX);
}

/* Decides when a child starts again. */
static void schedule(struct supervisor *supervisor, struct child *child)
{
    uint64_t now = sys_monotonic_ms();
    bool early = now - child->started_ms < EARLY_MS;
    child->pause_ms = early ? next_pause(child->pause_ms) : 0;
    child->due_ms = now + child->pause_ms;
    child->is_due = true;
    if (child->pause_ms > 0)
        log_warning(supervisor->options.log,
                    "a worker keeps ending at once: the next one starts in %" PRIu64 " ms", child->pause_ms);
}

static void handle_child_exit(struct supervisor *supervisor, struct child *child,
                              const struct process_change *end)
{
    assert(supervisor->running > 0 && child->pid > 0);
    if (!child->is_retired || end->fate == PROCESS_KILLED)
        log_end(supervisor, end);
    close_ready_fd(child);
    supervisor->ready -= child->is_ready;
    supervisor->running--;
    supervisor->ended++;
    supervisor->failed += end->fate == PROCESS_KILLED || end->number != 0;
    child->is_ready = child->is_stopped = child->is_hanging = false;
    child->missed = 0;
    child->pid = 0;
    if (supervisor->options.on_end)
        supervisor->options.on_end(supervisor->options.context, (size_t)(child - supervisor->children));
    if (supervisor->mode == SUPERVISOR_KEEPING && !child->is_retired)
        schedule(supervisor, child);
}

static void handle_child_stop(struct supervisor *supervisor, struct child *child, int signal)
{
    assert(child->pid > 0);
    child->is_stopped = true;
    log_warning(
        supervisor->options.log,
        "worker process %d was stopped by signal %d (%s): its connections wait until \"kill -CONT %d\"",
        (int)child->pid, signal, strsignal(signal), (int)child->pid);
}

static void handle_child_continuation(struct supervisor *supervisor, struct child *child)
{
    if (child->is_stopped)
        log_warning(supervisor->options.log, "worker process %d goes on", (int)child->pid);
    child->is_stopped = false;
    child->missed = 0; /* it gets its time to answer */
}

static void handle_child_change(struct supervisor *supervisor, struct child *child,
                                const struct process_change *change)
{
    switch (change->fate) {
    case PROCESS_EXITED:
    case PROCESS_KILLED: handle_child_exit(supervisor, child, change); break;
    case PROCESS_STOPPED: handle_child_stop(supervisor, child, change->number); break;
    case PROCESS_CONTINUED: handle_child_continuation(supervisor, child); break;
    }
}

static struct child *find_by_pid(struct supervisor *supervisor, pid_t pid)
{
    for (size_t i = 0; i < supervisor->options.count; i++) {
        if (supervisor->children[i].pid == pid)
            return &supervisor->children[i];
    }
    return NULL;
}

void supervisor_take_changes(struct supervisor *supervisor)
{
    for (struct process_change change; sys_reap(&change);) {
        struct child *child = find_by_pid(supervisor, change.pid);
        if (child)
            handle_child_change(supervisor, child, &change);
        else if (supervisor->options.on_other)
            supervisor->options.on_other(supervisor->options.context, &change);
    }
}

bool supervisor_has(const struct supervisor *supervisor, pid_t pid)
{
    bool has = false;
    for (size_t i = 0; i < supervisor->options.count; i++)
        has |= pid > 0 && supervisor->children[i].pid == pid;
    return has;
}

bool supervisor_is_able(const struct supervisor *supervisor, size_t number)
{
    const struct child *child = &supervisor->children[number];
    return child->is_ready && !child->is_stopped && !child->is_hanging;
}

bool supervisor_is_starting(const struct supervisor *supervisor, size_t number)
{
    const struct child *child = &supervisor->children[number];
    return child->pid > 0 && !child->is_ready && !child->is_stopped;
}

void supervisor_start_due(struct supervisor *supervisor)
{
    uint64_t now = sys_monotonic_ms();
    for (size_t i = 0; i < supervisor->options.count; i++) {
        struct child *child = &supervisor->children[i];
        if (!child->is_due || now < child->due_ms)
            continue;
        int error = supervisor_start(supervisor, i);
        if (error < 0) {
            log_error(supervisor->options.log, "cannot start a worker process: %s", error_text(error));
            child->started_ms = now;
            schedule(supervisor, child);
        }
    }
}

int supervisor_wait_ms(const struct supervisor *supervisor)
{
    uint64_t now = sys_monotonic_ms(), wait_ms = UINT64_MAX;
    for (size_t i = 0; i < supervisor->options.count; i++) {
        const struct child *child = &supervisor->children[i];
        if (child->is_due)
            wait_ms = MIN(wait_ms, child->due_ms > now ? child->due_ms - now : 0);
    }
    return wait_ms == UINT64_MAX ? -1 : (int)wait_ms;
}

int supervisor_reserve(struct supervisor *supervisor, size_t count)
{
    if (count <= supervisor->room)
        return 0;
    struct child *children = realloc(supervisor->children, count * sizeof(*children));
    if (children == NULL)
        return -ENOMEM;
    for (size_t i = supervisor->room; i < count; i++)
        children[i] = (struct child){.ready_fd = -1};
    supervisor->children = children;
    supervisor->room = count;
    return 0;
}

static void supervisor_retire(struct child *child)
{
    child->is_retired = true;
    child->is_due = false;
    if (child->pid > 0)
        sys_kill(child->pid, SIGTERM);
}

static void supervisor_call_back(struct child *child)
{
    child->is_retired = false;
    child->is_due = child->pid == 0;
    child->due_ms = 0;
}

static bool supervisor_is_among(size_t number, size_t first, size_t count)
{
    return number >= first && number - first < count;
}

static void supervisor_add(struct supervisor *supervisor, size_t first, size_t count)
{
    assert(supervisor->mode == SUPERVISOR_KEEPING && first + count <= supervisor->room);
    size_t former = supervisor->options.count;
    supervisor->options.count = MAX(former, first + count);
    for (size_t i = first; i < first + count; i++) {
        struct child *child = &supervisor->children[i];
        child->is_outgoing = false;
        if (i >= former || child->is_retired)
            supervisor_call_back(child);
    }
}

void supervisor_want(struct supervisor *supervisor, size_t first, size_t count)
{
    supervisor_add(supervisor, first, count);
    for (size_t i = 0; i < supervisor->options.count; i++) {
        if (!supervisor_is_among(i, first, count) && !supervisor->children[i].is_retired)
            supervisor_retire(&supervisor->children[i]);
    }
}

void supervisor_succeed(struct supervisor *supervisor, size_t first, size_t count)
{
    supervisor_add(supervisor, first, count);
    for (size_t i = 0; i < supervisor->options.count; i++) {
        if (!supervisor_is_among(i, first, count))
            supervisor->children[i].is_outgoing = true;
    }
}

bool supervisor_are_ready(const struct supervisor *supervisor, size_t first, size_t count)
{
    assert(first + count <= supervisor->room);
    bool are_ready = true;
    for (size_t i = first; i < first + count; i++)
        are_ready &= supervisor->children[i].is_ready;
    return are_ready;
}

size_t supervisor_find_free(const struct supervisor *supervisor, size_t count)
{
    size_t first = 0;
    for (size_t i = 0; i < supervisor->options.count && i - first < count; i++) {
        const struct child *child = &supervisor->children[i];
        if (child->pid > 0 || (child->is_due && !child->is_outgoing))
            first = i + 1;
    }
    return first;
}

void supervisor_keep(struct supervisor *supervisor)
{
    assert(supervisor->mode != SUPERVISOR_LEAVING);
    supervisor->mode = SUPERVISOR_KEEPING;
}

void supervisor_leave(struct supervisor *supervisor)
{
    supervisor->mode = SUPERVISOR_LEAVING;
    for (size_t i = 0; i < supervisor->options.count; i++)
        supervisor->children[i].is_due = false;
}

void supervisor_abandon(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->options.count; i++) {
        close_ready_fd(&supervisor->children[i]);
        supervisor->children[i].pid = 0;
    }
    supervisor->running = 0;
}

void supervisor_signal(const struct supervisor *supervisor, int signal)
{
    for (size_t i = 0; i < supervisor->options.count; i++) {
        if (supervisor->children[i].pid > 0)
            sys_kill(supervisor->children[i].pid, signal);
    }
}
