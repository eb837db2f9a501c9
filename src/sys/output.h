/* Descriptors that lines are written to: log files, pipes, terminals. -errno where the kernel refuses. */
#ifndef SYS_OUTPUT_H
#define SYS_OUTPUT_H

#include "base/slice.h"

#include <sys/types.h>

/* The longest write that a pipe takes whole or not at all: PIPE_BUF of pipe(7). */
#define SYS_PIPE_ATOMIC_BYTES 4096

/* Opens `path` for appending, close-on-exec; a file that is not there is made (mode 0640, less the umask). A
 * FIFO must have a reader: -ENXIO. Returns the descriptor. */
int sys_open_for_append(const char *path) MUST_CHECK;

/* Opens /dev/null in place of each of standard input, output and error that is closed. Must come before any
 * other descriptor is opened, which would take their place: what is printed would go into it. Returns 0 or
 * -errno. */
int sys_fill_standard_streams(void) MUST_CHECK;

/* Cuts a regular file to nothing; what is none (a pipe, a terminal) has nothing to cut. Returns 0 or -errno.
 */
int sys_cut(int fd) MUST_CHECK;

/* A second descriptor of the same open file, close-on-exec. */
int sys_duplicate(int fd) MUST_CHECK;

/* write(2): the count of bytes taken, which may be less than all. */
ssize_t sys_write(int fd, struct slice bytes) MUST_CHECK;

/* Waits until `fd` takes bytes, at most `timeout_ms`. A pipe that takes any takes SYS_PIPE_ATOMIC_BYTES, so
 * that a write of no more does not block even on a blocking descriptor. Returns 0, or -EAGAIN when the time
 * is up. */
int sys_wait_writable(int fd, int timeout_ms) MUST_CHECK;

/* A regular file: takes any write whole while there is room. */
bool sys_is_regular_file(int fd);

bool sys_is_terminal(int fd);

#endif
