/* Appends lines to a log file that other processes append to, too. */
#ifndef SYS_APPEND_H
#define SYS_APPEND_H

#include "base/slice.h"

#include <sys/types.h>

/* Appends complete lines to a regular file that this process has opened for appending, never a part of a
 * line: when a disk becomes full within one, what was written of it is removed again. For this all writers
 * lock the file, for the time of a write. Waits for another one's lock, but not much longer than `wait_ms`.
 *
 * Returns how many bytes were written, which may be less than all, or -errno. A line is written in part
 * - where the file cannot be locked: a network file system without locks, a process that was stopped while it
 * had the lock, or one that may read the file and keeps it locked. Who has waited for that in vain does not
 * wait again for a minute, unless it could be locked meanwhile;
 * - where the file cannot be shortened (chattr +a), or is also standard output or error: other programs,
 * which do not lock it, may write there, and what they write is not to be removed. */
ssize_t sys_append_lines(int fd, struct slice lines, unsigned wait_ms) MUST_CHECK;

#endif
