/* Processes and what they share. -errno on failure. */
#ifndef SYS_PROCESS_H
#define SYS_PROCESS_H

#include "base/compiler.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* fork(2). Flushes stdio first, so that buffered output is not written twice. Returns the child's id in
 * the parent and 0 in the child. */
pid_t sys_fork(void) MUST_CHECK;

/* getpid(2), getppid(2). */
pid_t sys_process_id(void);
pid_t sys_parent_id(void);

/* _exit(2): flushes nothing, and runs nothing that was registered for the end. For a child that shares its
 * buffers with its parent, and for signal handlers. */
_Noreturn void sys_exit_at_once(int status);

/* Makes the kernel send `signal` to this process when its parent ends. Returns false if `parent` has
 * already ended. */
bool sys_end_with_parent(pid_t parent, int signal);

/* Names this process for ps(1), top(1) and pgrep(1): at most 15 bytes, see PR_SET_NAME in prctl(2). */
void sys_name_process(const char *name);

enum process_fate {
    PROCESS_EXITED,
    PROCESS_KILLED,
    PROCESS_STOPPED,   /* as by SIGSTOP; it still exists */
    PROCESS_CONTINUED, /* continued after a stop */
};

/* What happened to a child. */
struct process_change {
    pid_t pid;
    enum process_fate fate;
    int number; /* the exit status, or the signal that killed or stopped it */
};

/* Fetches one state change of a child; false if there is none. Never waits. */
bool sys_reap(struct process_change *ret_change);

/* kill(2). */
void sys_kill(pid_t pid, int signal);

/* Whether there is such a process; one that has ended counts until it was waited for. */
bool sys_process_exists(pid_t pid);

/* A pipe, close-on-exec: ret_fds[0] is for reading, ret_fds[1] for writing. */
int sys_pipe(int ret_fds[2]) MUST_CHECK;

/* Writes one byte to a pipe; it is not an error if the reader is gone. */
void sys_pipe_put(int fd);

/* Waits for one byte from a pipe and reads it; false if all writers have closed it. */
bool sys_pipe_take(int fd);

/* poll(2); if a signal interrupts it, nothing counts as ready. Returns the number of ready descriptors. */
int sys_poll(struct pollfd *fds, nfds_t count, int timeout_ms) MUST_CHECK;

/* The number of cores this process may run on: at least 1. */
unsigned sys_cores(void);

/* Opens a source for the time that the calling thread was runnable but waited for a core. Returns a
 * descriptor, or -errno if the kernel does not count that. */
int sys_waiting_open(void) MUST_CHECK;

/* Reads that waiting time in nanoseconds; 0 if `fd` is not such a descriptor. Thread-safe. */
uint64_t sys_waiting_ns(int fd);

/* The time the calling thread has spent so far, in nanoseconds. */
struct thread_time {
    uint64_t running_ns;
    uint64_t waiting_ns; /* runnable, but waiting for a core; 0 if the kernel does not count it */
};
struct thread_time sys_thread_time(void);

/* Raises the soft limit of open descriptors to the hard limit; returns the limit in force. */
size_t sys_raise_descriptor_limit(void);

/* Returns freed memory to the system, as far as whole pages are free. Takes time for each page. */
void sys_give_memory_back(void);

/* Maps zeroed memory that this process shares with its later children. NULL if memory runs out. */
void *sys_shared_memory(size_t size) MUST_CHECK;
void sys_shared_memory_free(void *memory, size_t size);

/* Lets another thread that is waiting for this core run first: sched_yield(2). */
void sys_yield(void);

/* For a child that works beside the others: others go first on cores and disks. */
void sys_go_last(void);

/* Closes all descriptors from 3 on except these two. */
void sys_close_all_but(int one_fd, int other_fd);

#endif
