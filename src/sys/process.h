/* Processes and what they share. -errno where the kernel refuses. */
#ifndef SYS_PROCESS_H
#define SYS_PROCESS_H

#include "base/compiler.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* fork(2). What stdio has buffered is written first, so that it does not come out twice. Returns the child's
 * id in the parent and 0 in the child. */
pid_t sys_fork(void) MUST_CHECK;

/* Lets the kernel send `signal` to this process when its parent ends. False when `parent` has ended already.
 */
bool sys_end_with_parent(pid_t parent, int signal);

enum process_fate {
    PROCESS_EXITED,
    PROCESS_KILLED,
    PROCESS_STOPPED,   /* as by SIGSTOP; it is still there */
    PROCESS_CONTINUED, /* after that */
};

/* What happened to a child. */
struct process_change {
    pid_t pid;
    enum process_fate fate;
    int number; /* the exit status; the signal that killed or stopped it */
};

/* Fetches one change of a child; false when there is none. Never waits. */
bool sys_reap(struct process_change *ret_change);

/* kill(2). */
void sys_kill(pid_t pid, int signal);

/* A pipe, close-on-exec: the first descriptor is read, the second written. */
int sys_pipe(int ret_fds[2]) MUST_CHECK;

/* Writes one byte to a pipe; a reader that is gone is no error. */
void sys_pipe_put(int fd);

/* Reads one byte from a pipe, waiting for it; false where the writers are gone without one. */
bool sys_pipe_take(int fd);

/* poll(2); a signal counts as nothing being ready. Returns how many are ready. */
int sys_poll(struct pollfd *fds, nfds_t count, int timeout_ms) MUST_CHECK;

/* How many cores this process may run on: at least 1. */
unsigned sys_cores(void);

/* Opens what tells how long the calling thread could have run, but waited for a core that others had. Returns
 * a descriptor, or -errno where the kernel does not count that. */
int sys_waiting_open(void) MUST_CHECK;

/* Asks such a descriptor; 0 where it is none. From any thread. */
uint64_t sys_waiting_ns(int fd);

/* What the calling thread had of the processors so far, in nanoseconds. */
struct thread_time {
    uint64_t running_ns;
    uint64_t waiting_ns; /* it could have run, but others did; 0 where the kernel does not count it */
};
struct thread_time sys_thread_time(void);

/* Raises the soft limit of descriptors to the hard one; returns the limit in force. */
size_t sys_raise_descriptor_limit(void);

/* Memory that was freed goes back to the system, as far as whole pages of it are free. Takes time for each.
 */
void sys_give_memory_back(void);

/* Zeroed memory that this process and its later children share. NULL without memory. */
void *sys_shared_memory(size_t size) MUST_CHECK;
void sys_shared_memory_free(void *memory, size_t size);

/* Lets another thread that wants this core run first: sched_yield(2). */
void sys_yield(void);

#endif
