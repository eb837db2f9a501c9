/* Bookkeeping of child processes. The life of a member, while the crew is kept:
 *
 *     absent -> starting -> ready -> due -> starting ...
 *
 * A member that is starting may end too and is due then. Before and after, whoever ends is absent. */
#include "proc/crew.h"

#include "base/error.h"
#include "sys/clock.h"
#include "sys/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define EARLY_MS     1000 /* an end within this time may well repeat itself */
#define PAUSE_MS_MIN 100
#define PAUSE_MS_MAX 10000

static uint64_t now_ms(void)
{
    return sys_monotonic_ns() / 1000000;
}

int crew_init(struct crew *crew, const struct crew_options *options)
{
    struct member *members = calloc(options->count, sizeof(*members));
    if (members == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < options->count; i++)
        members[i].ready_fd = -1;
    *crew = (struct crew){.options = *options, .members = members};
    return 0;
}

void crew_finish(struct crew *crew)
{
    assert(crew->running == 0);
    free(crew->members);
    crew->members = NULL;
}

static void close_ready_fd(struct member *member)
{
    if (member->ready_fd >= 0)
        sys_close(member->ready_fd);
    member->ready_fd = -1;
}

/* In the child: works, and never returns into the parent's code. */
static _Noreturn void live(struct crew *crew, size_t number, const int ready_fds[2])
{
    sys_close(ready_fds[0]);
    for (size_t i = 0; i < crew->options.count; i++)
        close_ready_fd(&crew->members[i]);
    exit(crew->options.work(crew->options.context, number, ready_fds[1]));
}

int crew_start(struct crew *crew, size_t number)
{
    struct member *member = &crew->members[number];
    assert(member->pid == 0);
    int ready_fds[2];
    int error = sys_pipe(ready_fds);
    if (error < 0)
        return error;
    pid_t pid = sys_fork();
    if (pid == 0)
        live(crew, number, ready_fds);
    sys_close(ready_fds[1]);
    if (pid < 0) {
        sys_close(ready_fds[0]);
        return pid;
    }
    member->pid = pid;
    member->ready_fd = ready_fds[0];
    member->is_due = false;
    member->started_ms = now_ms();
    crew->running++;
    return 0;
}

size_t crew_poll_set(const struct crew *crew, struct pollfd *fds)
{
    size_t count = 0;
    for (size_t i = 0; i < crew->options.count; i++) {
        if (crew->members[i].ready_fd >= 0)
            fds[count++] = (struct pollfd){.fd = crew->members[i].ready_fd, .events = POLLIN};
    }
    return count;
}

static struct member *find_by_ready_fd(struct crew *crew, int fd)
{
    for (size_t i = 0; i < crew->options.count; i++) {
        if (crew->members[i].ready_fd == fd)
            return &crew->members[i];
    }
    return NULL;
}

void crew_take_ready(struct crew *crew, const struct pollfd *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct member *member = fds[i].revents ? find_by_ready_fd(crew, fds[i].fd) : NULL;
        if (member == NULL)
            continue;
        member->is_ready = sys_pipe_take(member->ready_fd);
        crew->ready += member->is_ready;
        close_ready_fd(member);
    }
}

static void log_end(struct crew *crew, const struct process_end *end)
{
    if (end->by_signal)
        log_error(crew->options.log, "worker process %d was ended by signal %d (%s)", (int)end->pid,
                  end->number, strsignal(end->number));
    else if (end->number != 0 && crew->mode != CREW_GATHERING)
        log_error(crew->options.log, "worker process %d ended with status %d", (int)end->pid, end->number);
    else if (end->number == 0 && crew->mode == CREW_KEEPING)
        log_warning(crew->options.log, "worker process %d ended", (int)end->pid);
}

static uint64_t next_pause(uint64_t pause_ms)
{
    return pause_ms == 0 ? PAUSE_MS_MIN : MIN(pause_ms * 2, (uint64_t)PAUSE_MS_MAX);
}

/* Decides when a member starts again. */
static void schedule(struct crew *crew, struct member *member)
{
    uint64_t now = now_ms();
    bool early = now - member->started_ms < EARLY_MS;
    member->pause_ms = early ? next_pause(member->pause_ms) : 0;
    member->due_ms = now + member->pause_ms;
    member->is_due = true;
    if (member->pause_ms > 0)
        log_warning(crew->options.log, "a worker keeps ending at once: the next one starts in %" PRIu64 " ms",
                    member->pause_ms);
}

static void take_end(struct crew *crew, struct member *member, const struct process_end *end)
{
    log_end(crew, end);
    close_ready_fd(member);
    crew->ready -= member->is_ready;
    crew->running--;
    crew->ended++;
    crew->failed += end->by_signal || end->number != 0;
    member->is_ready = false;
    member->pid = 0;
    if (crew->mode == CREW_KEEPING)
        schedule(crew, member);
}

void crew_take_ended(struct crew *crew)
{
    for (struct process_end end; sys_reap(&end);) {
        for (size_t i = 0; i < crew->options.count; i++) {
            if (crew->members[i].pid == end.pid)
                take_end(crew, &crew->members[i], &end);
        }
    }
}

void crew_start_due(struct crew *crew)
{
    uint64_t now = now_ms();
    for (size_t i = 0; i < crew->options.count; i++) {
        struct member *member = &crew->members[i];
        if (!member->is_due || now < member->due_ms)
            continue;
        int error = crew_start(crew, i);
        if (error < 0) {
            log_error(crew->options.log, "cannot start a worker process: %s", error_text(error));
            member->started_ms = now;
            schedule(crew, member);
        }
    }
}

int crew_wait_ms(const struct crew *crew)
{
    uint64_t now = now_ms(), wait_ms = UINT64_MAX;
    for (size_t i = 0; i < crew->options.count; i++) {
        const struct member *member = &crew->members[i];
        if (member->is_due)
            wait_ms = MIN(wait_ms, member->due_ms > now ? member->due_ms - now : 0);
    }
    return wait_ms == UINT64_MAX ? -1 : (int)wait_ms;
}

void crew_keep(struct crew *crew)
{
    crew->mode = CREW_KEEPING;
}

void crew_leave(struct crew *crew)
{
    crew->mode = CREW_LEAVING;
    for (size_t i = 0; i < crew->options.count; i++)
        crew->members[i].is_due = false;
}

void crew_signal(const struct crew *crew, int signal)
{
    for (size_t i = 0; i < crew->options.count; i++) {
        if (crew->members[i].pid > 0)
            sys_kill(crew->members[i].pid, signal);
    }
}
