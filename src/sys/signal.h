/* Signals as descriptors: signalfd(2), so that they arrive between two events and never inside a function. */
#ifndef SYS_SIGNAL_H
#define SYS_SIGNAL_H

#include "base/compiler.h"

#include <signal.h>
#include <stdbool.h>

/* The set of these signals; the list ends with 0. */
sigset_t sys_signal_set(int first, ...);

/* Blocks the signals for this thread and those that it starts. `ret_before` may be NULL. */
void sys_signal_block(const sigset_t *signals, sigset_t *ret_before);

/* Puts back what sys_signal_block gave. */
void sys_signal_restore(const sigset_t *before);

void sys_signal_ignore(int signal);

/* Calls `handler` for each of the signals, with all of them blocked meanwhile, and lets them through: also
 * where whoever started this program had them ignored or blocked. */
void sys_signal_handle(const sigset_t *signals, void (*handler)(int signal));

void sys_signal_set_default(int signal);

/* A non-blocking descriptor that is readable while one of the signals, which must be blocked, waits. Returns
 * it or -errno. */
int sys_signal_open(const sigset_t *signals) MUST_CHECK;

struct signal_seen {
    int number;
    pid_t sender;     /* 0: nobody in sight, such as the kernel */
    bool from_kernel; /* of SIGHUP: the terminal went away, nobody sent it */
};

/* Takes the next signal; false when none waits. */
bool sys_signal_next(int signal_fd, struct signal_seen *ret_seen);

#endif
