/* Thin wrappers of epoll(7), select(2), eventfd(2) and timerfd_create(2). */
#include "sys/event.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

int sys_epoll_create(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int sys_epoll_add(int epoll_fd, int fd, uint32_t events, void *data)
{
    struct epoll_event event = {.events = events, .data.ptr = data};
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int sys_epoll_change(int epoll_fd, int fd, uint32_t events, void *data)
{
    struct epoll_event event = {.events = events, .data.ptr = data};
    return epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0 ? -errno : 0;
}

int sys_epoll_remove(int epoll_fd, int fd)
{
    return epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL) < 0 ? -errno : 0;
}

int sys_epoll_wait(int epoll_fd, struct epoll_event *events, int events_max, int timeout_ms)
{
    int count = epoll_wait(epoll_fd, events, events_max, timeout_ms);
    if (count >= 0)
        return count;
    return errno == EINTR ? 0 : -errno;
}

int sys_select(int fd_end, fd_set *readable, fd_set *writable, fd_set *exceptional, int timeout_ms)
{
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    int count = select(fd_end, readable, writable, exceptional, timeout_ms < 0 ? NULL : &timeout);
    if (count >= 0)
        return count;
    return errno == EINTR ? 0 : -errno;
}

int sys_eventfd_create(void)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void sys_eventfd_raise(int fd)
{
    /* EAGAIN means that the counter is at its maximum, so it is readable already. */
    ssize_t written = write(fd, &(uint64_t){1}, sizeof(uint64_t));
    assert(written == sizeof(uint64_t) || errno == EAGAIN);
}

void sys_eventfd_clear(int fd)
{
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof(count));
    assert(got == sizeof(count) || errno == EAGAIN);
}

int sys_timer_create(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void sys_timer_set(int fd, uint64_t at_ns)
{
    /* A time of zero would disarm the timer. */
    at_ns = MAX(at_ns, UINT64_C(1));
    struct itimerspec at = {
        .it_value = {.tv_sec = (time_t)(at_ns / 1000000000), .tv_nsec = (long)(at_ns % 1000000000)},
    };
    int result = timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL);
    assert(result == 0); /* cannot fail: the descriptor is a timer and the time is valid */
    (void)result;
}
