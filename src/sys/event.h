/* Event descriptors: epoll(7), eventfd(2). -errno where they fail. */
#ifndef SYS_EVENT_H
#define SYS_EVENT_H

#include "base/compiler.h"

#include <stdint.h>
#include <sys/epoll.h>

int sys_epoll_create(void) MUST_CHECK;
int sys_epoll_add(int epoll_fd, int fd, uint32_t events, void *data) MUST_CHECK;
int sys_epoll_remove(int epoll_fd, int fd);

/* The count of events, 0 on time-out or a signal. `timeout_ms` -1 waits without end. */
int sys_epoll_wait(int epoll_fd, struct epoll_event *events, int events_max, int timeout_ms) MUST_CHECK;

/* A non-blocking counter that becomes readable when it is raised. */
int sys_eventfd_create(void) MUST_CHECK;

/* Raises the counter; from any thread. */
void sys_eventfd_raise(int fd);

/* Sets the counter back to zero. */
void sys_eventfd_clear(int fd);

#endif
