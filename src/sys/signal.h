/* Signals as descriptors (signalfd(2)), so that they are handled between events and never interrupt a
 * function. */
#ifndef SYS_SIGNAL_H
#define SYS_SIGNAL_H

#include "base/compiler.h"

#include <signal.h>
#include <stdbool.h>

/* The set of the given signals; the list ends with 0. */
sigset_t sys_signal_set(int first, ...);

/* Blocks the signals for this thread and for threads it starts later. `ret_before` may be NULL. */
void sys_signal_block(const sigset_t *signals, sigset_t *ret_before);

/* Restores the mask that sys_signal_block stored. */
void sys_signal_restore(const sigset_t *before);

void sys_signal_ignore(int signal);

/* Installs `handler` for each of the signals; all of them are blocked while it runs. Unblocks them, even
 * if the parent process had them ignored or blocked. */
void sys_signal_handle(const sigset_t *signals, void (*handler)(int signal));

void sys_signal_set_default(int signal);

/* Opens a non-blocking descriptor that is readable while one of the signals is pending; they must be
 * blocked. Returns it or -errno. */
int sys_signal_open(const sigset_t *signals) MUST_CHECK;

struct signal_seen {
    int number;
    pid_t sender;     /* 0: unknown, such as the kernel */
    bool from_kernel; /* for SIGHUP: the terminal was closed, no process sent it */
};

/* Takes the next pending signal; false if there is none. */
bool sys_signal_next(int signal_fd, struct signal_seen *ret_seen);

#endif
