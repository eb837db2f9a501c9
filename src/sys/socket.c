/* Wrappers of socket system calls: they return -errno, and repeat calls interrupted by a signal. */
#include "sys/socket.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

int sys_accept(int listening_fd, struct address *ret_peer)
{
    struct address peer = {.length = sizeof(struct sockaddr_un)};
    int fd;
    do
        fd = accept4(listening_fd, &peer.any, &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return -errno;
    *ret_peer = peer;
    return fd;
}

/* A second connect(2) reports the state of the first: 0 or EISCONN, EALREADY, or its error. */
static int connect_or_ask(int fd, const struct address *address)
{
    int result;
    do
        result = connect(fd, &address->any, address->length);
    while (result < 0 && errno == EINTR);
    if (result < 0 && errno == EINPROGRESS)
        return -EALREADY;
    return result < 0 && errno != EISCONN ? -errno : 0;
}

/* A Unix socket connects at once or not at all, and a second connect(2) would return EAGAIN if the
 * listener's queue is full by then. */
int sys_connected(int fd, const struct address *address)
{
    return address->any.sa_family == AF_UNIX ? 0 : connect_or_ask(fd, address);
}

int sys_connect(const struct address *address)
{
    int family = address->any.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int error = 0;
    if (family != AF_UNIX && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0)
        error = -errno;
    if (error == 0)
        error = connect_or_ask(fd, address);
    if (error == 0 || error == -EALREADY)
        return fd;
    sys_close(fd);
    return error;
}

bool sys_is_readable(int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    return poll(&pollfd, 1, 0) > 0;
}

/* poll(2) always reports errors and hang-ups. */
bool sys_has_hung_up(int fd)
{
    struct pollfd pollfd = {.fd = fd};
    return poll(&pollfd, 1, 0) > 0 && pollfd.revents & (POLLERR | POLLHUP);
}

/* recv(3) and send(3) are points at which a thread can be cancelled: once there is a second thread, each call
 * costs two atomic instructions more. Nobody cancels threads here, and these are the calls of every request.
 */
static ssize_t call_recv(int fd, void *buffer, size_t size)
{
    return syscall(SYS_recvfrom, fd, buffer, size, 0, NULL, NULL);
}

static ssize_t call_send(int fd, const void *bytes, size_t size, int flags)
{
    return syscall(SYS_sendto, fd, bytes, size, flags, NULL, 0);
}

ssize_t sys_recv(int fd, void *buffer, size_t size)
{
    ssize_t received;
    do
        received = call_recv(fd, buffer, size);
    while (received < 0 && errno == EINTR);
    return received < 0 ? -errno : received;
}

ssize_t sys_send(int fd, const struct iovec *pieces, size_t count, bool more)
{
    int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    ssize_t sent;
    do {
        /* A single piece is the common case, for which send(2) is measurably cheaper than sendmsg(2). */
        if (count == 1) {
            sent = call_send(fd, pieces->iov_base, pieces->iov_len, flags);
        } else {
            struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = count};
            sent = sendmsg(fd, &message, flags);
        }
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

ssize_t sys_sendfile(int fd, int file_fd, off_t *offset, size_t length)
{
    ssize_t sent;
    do
        sent = sendfile(fd, file_fd, offset, length);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

bool sys_broken_pipes_are_harmless(void)
{
    struct sigaction now;
    return sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler != SIG_DFL;
}

void sys_ignore_broken_pipes(void)
{
    if (!sys_broken_pipes_are_harmless())
        sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

int sys_shutdown_send(int fd)
{
    return shutdown(fd, SHUT_WR) < 0 ? -errno : 0;
}

/* A failure is ignored: the peer may mistake the end, but nothing else goes wrong. */
void sys_reset_on_close(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
}

size_t sys_unacknowledged(int fd)
{
    int bytes = 0;
    return ioctl(fd, SIOCOUTQ, &bytes) < 0 || bytes < 0 ? 0 : (size_t)bytes;
}

uint64_t sys_send_idle_ms(int fd)
{
    struct tcp_info info;
    socklen_t length = sizeof(info);
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 ? 0 : info.tcpi_last_data_sent;
}

void sys_ends(int fd, struct address *ret_peer, struct address *ret_local)
{
    ret_peer->length = ret_local->length = sizeof(ret_peer->unix_path);
    if (getpeername(fd, &ret_peer->any, &ret_peer->length) < 0)
        ret_peer->any.sa_family = AF_UNSPEC;
    if (getsockname(fd, &ret_local->any, &ret_local->length) < 0)
        ret_local->any.sa_family = AF_UNSPEC;
}

void sys_close(int fd)
{
    /* Linux releases the descriptor even if close(2) returns EINTR: never call it twice. */
    close(fd);
}
