/* Which system calls this process may still make: seccomp(2), with libseccomp. Every other call fails with
 * EPERM, and the kernel logs it (see audit(8); "type=1326" in dmesg). -errno on failure. */
#ifndef SYS_SYSCALL_FILTER_H
#define SYS_SYSCALL_FILTER_H

#include "base/compiler.h"

#include <stdbool.h>
#include <sys/types.h>

/* What a process needs besides files, memory, threads, and the sockets that it has or accepts. */
struct syscall_needs {
    bool connects;      /* to other servers over TCP, and asks for their addresses */
    bool connects_unix; /* over Unix sockets */
    bool has_ring;      /* io_uring(7) */
};

/* Whether vif was built with libseccomp and the kernel has seccomp. */
bool sys_has_syscall_filter(void);

/* Puts the filter into force, for all threads; where a container forbids seccomp(2), for this one and those
 * that it will start, by prctl(2). Needs sys_forbid_new_rights. Returns 0; -ENOTSUP if there is no seccomp.
 */
int sys_filter_syscalls(const struct syscall_needs *needs) MUST_CHECK;

/* The same for a process that only works on files, with one thread: no sockets, not even those that it has,
 * and neither threads nor processes. `changes`: it may also create, rename and remove files; without, it may
 * only read them, and write to descriptors that it has. */
int sys_filter_to_files(bool changes) MUST_CHECK;

#endif
