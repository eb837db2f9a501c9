/* Waits in slices of at most a tenth of a second, each of which looks for Ctrl-C and draws the progress line.
 */
#include "lab/run/watch.h"

#include "sys/clock.h"
#include "sys/process.h"
#include "sys/signal.h"

static void tell_progress(struct watch *watch)
{
    if (watch->on_progress == NULL)
        return;
    uint64_t now = sys_monotonic_ns();
    uint64_t step_ms = watch->step_end_ns > now ? (watch->step_end_ns - now) / 1000000 : 0;
    watch->progress.rest_ms = watch->later_ms + step_ms;
    watch->on_progress(watch->context, &watch->progress);
}

bool watch_wait(struct watch *watch, int fd, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = watch->signal_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    struct signal_seen seen;
    if (watch->was_interrupted)
        return false;
    tell_progress(watch);
    int ready = sys_poll(fds, ARRAY_LENGTH(fds), timeout_ms);
    if (ready > 0 && fds[0].revents && sys_signal_next(watch->signal_fd, &seen))
        watch->was_interrupted = true;
    return !watch->was_interrupted;
}
