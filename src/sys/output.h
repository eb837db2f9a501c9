/* Descriptors for writing lines: log files, pipes, terminals. -errno on failure. */
#ifndef SYS_OUTPUT_H
#define SYS_OUTPUT_H

#include "base/slice.h"

#include <sys/types.h>

/* The longest write that is atomic on a pipe: PIPE_BUF of pipe(7). */
#define SYS_PIPE_ATOMIC_BYTES 4096

/* Opens `path` for appending, close-on-exec; creates the file if it does not exist (mode 0640, less the
 * umask). A FIFO must have a reader: -ENXIO otherwise. Returns the descriptor. In a sandbox it is the master
 * that opens it (sys/opener.h). */
int sys_open_for_append(const char *path) MUST_CHECK;

/* Opens /dev/null for each of standard input, output and error that is closed. Must be called before any
 * other descriptor is opened: that one would get the number of a standard stream, and printed text would
 * go into it. Returns 0 or -errno. */
int sys_fill_standard_streams(void) MUST_CHECK;

/* Truncates a regular file to length 0; does nothing for others (a pipe, a terminal). Returns 0 or -errno. */
int sys_cut(int fd) MUST_CHECK;

/* A second descriptor of the same open file, close-on-exec. */
int sys_duplicate(int fd) MUST_CHECK;

/* write(2): returns the number of bytes written, which may be less than all. */
ssize_t sys_write(int fd, struct slice bytes) MUST_CHECK;

/* Waits at most `timeout_ms` until `fd` is writable. A writable pipe has room for SYS_PIPE_ATOMIC_BYTES,
 * so a write of at most that size does not block even on a blocking descriptor. Returns 0, or -EAGAIN on
 * timeout. */
int sys_wait_writable(int fd, int timeout_ms) MUST_CHECK;

/* Whether it is a regular file: a write to it is never partial while the disk has space. */
bool sys_is_regular_file(int fd);

bool sys_is_terminal(int fd);

/* The size of a terminal's window; both stay if it is unknown. */
void sys_terminal_size(int fd, unsigned *rows, unsigned *columns);

#endif
