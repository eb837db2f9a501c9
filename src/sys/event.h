/* Waiting for descriptors: epoll(7), select(2), eventfd(2), timerfd_create(2); poll(2) is sys_poll of
 * sys/process.h. -errno where they fail. */
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

/* The count of events, 0 on time-out or a signal. `timeout_ms` -1 waits without end. */
int sys_epoll_wait(int epoll_fd, struct epoll_event *events, int events_max, int timeout_ms) MUST_CHECK;

/* select(2) on the descriptors below `fd_end`, for reading, for writing, and for what poll(2) calls POLLPRI.
 * The count of bits that are left in the sets, 0 on time-out or a signal: then the sets are not to be looked
 * at. */
int sys_select(int fd_end, fd_set *readable, fd_set *writable, fd_set *exceptional,
               int timeout_ms) MUST_CHECK;

/* A timer that becomes readable: timerfd_create(2) of CLOCK_MONOTONIC, for those who need more than
 * milliseconds. It is not set yet. */
int sys_timer_create(void) MUST_CHECK;

/* Sets the timer to `at_ns` of sys_monotonic_ns, once; from now until then it is not readable. A time that
 * has passed makes it readable at once. */
void sys_timer_set(int fd, uint64_t at_ns);

/* A non-blocking counter that becomes readable when it is raised. */
int sys_eventfd_create(void) MUST_CHECK;

/* Raises the counter; from any thread. */
void sys_eventfd_raise(int fd);

/* Sets the counter back to zero. */
void sys_eventfd_clear(int fd);

#endif
