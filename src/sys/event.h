/* Waiting for descriptors: epoll(7), select(2), eventfd(2), timerfd_create(2); for poll(2) see sys_poll in
 * sys/process.h. They return -errno on failure. */
#ifndef SYS_EVENT_H
#define SYS_EVENT_H

#include "base/compiler.h"

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>

int sys_epoll_create(void) MUST_CHECK;
int sys_epoll_add(int epoll_fd, int fd, uint32_t events, void *data) MUST_CHECK;
int sys_epoll_change(int epoll_fd, int fd, uint32_t events, void *data);
int sys_epoll_remove(int epoll_fd, int fd);

/* Returns the number of events; 0 on timeout or when a signal arrives. `timeout_ms` -1: no timeout. */
int sys_epoll_wait(int epoll_fd, struct epoll_event *events, int events_max, int timeout_ms) MUST_CHECK;

/* select(2) on the descriptors below `fd_end`, for reading, for writing, and for exceptional conditions
 * (POLLPRI of poll(2)). Returns the number of bits set in the sets; 0 on timeout or when a signal arrives:
 * the sets are undefined then. */
int sys_select(int fd_end, fd_set *readable, fd_set *writable, fd_set *exceptional,
               int timeout_ms) MUST_CHECK;

/* Creates a timer descriptor (timerfd_create(2), CLOCK_MONOTONIC) for uses that need more than millisecond
 * resolution. It is not armed. */
int sys_timer_create(void) MUST_CHECK;

/* Arms the timer for `at_ns` (see sys_monotonic_ns), once; it is not readable until then. A time in the
 * past makes it readable at once. */
void sys_timer_set(int fd, uint64_t at_ns);

/* Creates a non-blocking counter that is readable while it is not zero. */
int sys_eventfd_create(void) MUST_CHECK;

/* Increments the counter; thread-safe. */
void sys_eventfd_raise(int fd);

/* Resets the counter to zero. */
void sys_eventfd_clear(int fd);

#endif
