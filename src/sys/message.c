/* sendmsg(2) and recvmsg(2) with SCM_RIGHTS, see unix(7). */
#include "sys/message.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

/* As it is written to the pipe. */
struct packet {
    uint32_t length; /* of `bytes` */
    char bytes[SYS_PACKET_BYTES_MAX];
};

static_assert(sizeof(struct packet) <= PIPE_BUF, "what is longer may be mixed with what others send");

/* A buffer for the descriptors of a message, aligned as the kernel wants it. */
union message_rights {
    char bytes[CMSG_SPACE(SYS_MESSAGE_FDS_MAX * sizeof(int))];
    struct cmsghdr align;
};

int sys_message_pair(int ret_fds[2])
{
    int type = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;
    return socketpair(AF_UNIX, type, 0, ret_fds) < 0 ? -errno : 0;
}

static void put_rights(struct msghdr *header, union message_rights *rights, const int *fds, size_t fd_count)
{
    header->msg_control = rights->bytes;
    header->msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
    memcpy(CMSG_DATA(control), fds, fd_count * sizeof(int));
}

int sys_message_send(int fd, struct slice bytes, const int *fds, size_t fd_count)
{
    assert(fd_count <= SYS_MESSAGE_FDS_MAX);
    union message_rights rights = {0};
    struct iovec piece = {.iov_base = (char *)bytes.data, .iov_len = bytes.length};
    struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};
    if (fd_count > 0)
        put_rights(&header, &rights, fds, fd_count);
    ssize_t sent;
    do
        sent = sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static size_t take_rights(struct msghdr *header, int *fds)
{
    size_t count = 0;
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
            continue;
        count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(control), count * sizeof(int));
    }
    return count;
}

ssize_t sys_message_receive(int fd, void *bytes, size_t size, int *fds, size_t *ret_fd_count)
{
    union message_rights rights;
    struct iovec piece = {.iov_base = bytes, .iov_len = size};
    struct msghdr header = {
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = rights.bytes,
        .msg_controllen = sizeof(rights.bytes),
    };
    ssize_t length;
    *ret_fd_count = 0;
    do
        length = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (length < 0 && errno == EINTR);
    if (length < 0)
        return -errno;
    *ret_fd_count = take_rights(&header, fds);
    return length;
}

/* ---- with a process that is not trusted ---- */

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void sys_message_ends_close(struct message_ends *ends)
{
    close_end(&ends->socket_fd);
    close_end(&ends->pipe_fd);
}

int sys_message_ends_open(struct message_ends *ret_trusted, struct message_ends *ret_other)
{
    int sockets[2] = {-1, -1}, pipes[2] = {-1, -1};
    int error = sys_message_pair(sockets);
    if (error == 0 && pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0)
        error = -errno;
    if (error == 0 && shutdown(sockets[0], SHUT_RD) < 0)
        error = -errno;
    *ret_trusted = (struct message_ends){.socket_fd = sockets[0], .pipe_fd = pipes[0]};
    *ret_other = (struct message_ends){.socket_fd = sockets[1], .pipe_fd = pipes[1]};
    if (error < 0) {
        sys_message_ends_close(ret_trusted);
        sys_message_ends_close(ret_other);
    }
    return error;
}

/* One write, so that the pipe takes all of it or nothing, and reading finds it in one piece. */
int sys_packet_send(int pipe_fd, struct slice bytes)
{
    struct packet packet = {.length = (uint32_t)bytes.length};
    ssize_t written;
    assert(bytes.length > 0 && bytes.length <= sizeof(packet.bytes));
    memcpy(packet.bytes, bytes.data, bytes.length);
    do
        written = write(pipe_fd, &packet, offsetof(struct packet, bytes) + bytes.length);
    while (written < 0 && errno == EINTR);
    return written < 0 ? -errno : 0;
}

static ssize_t read_pipe(int pipe_fd, void *bytes, size_t size)
{
    ssize_t got;
    do
        got = read(pipe_fd, bytes, size);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

ssize_t sys_packet_receive(int pipe_fd, void *bytes, size_t size)
{
    uint32_t length;
    ssize_t got = read_pipe(pipe_fd, &length, sizeof(length));
    if (got <= 0)
        return got;
    if (got != (ssize_t)sizeof(length) || length == 0 || length > size)
        return -EPROTO;
    return read_pipe(pipe_fd, bytes, length) == (ssize_t)length ? (ssize_t)length : -EPROTO;
}
