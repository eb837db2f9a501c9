/* System calls on connections, and the eventfd. */
#include "network.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
int __wrap_shutdown(int fd, int how);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length);

static int fail_with(int error)
{
    errno = error;
    return -1;
}

static struct connection_pair *get_pair(int fd, const char *call)
{
    return CONTAINER_OF(descriptor_get(fd, &socket_class, call), struct connection_pair, server.file);
}

static struct sim_socket *client_of(struct connection_pair *pair)
{
    return pair->client.is_closed ? NULL : &pair->client;
}

struct sim_socket *network_client_of(struct open_file *file)
{
    return file->class == &socket_class ? client_of(CONTAINER_OF(file, struct connection_pair, server.file))
                                        : NULL;
}

struct sim_socket *socket_client(int fd)
{
    return client_of(get_pair(fd, "sendfile"));
}

void socket_break(int fd)
{
    server_break(get_pair(fd, "sendfile"), 0);
}

static struct call_target target_of(struct connection_pair *pair)
{
    return (struct call_target){.socket = client_of(pair)};
}

/* Some errors are about the connection: it is over with them. */
static int take_fault(struct connection_pair *pair, int error)
{
    if (error == ECONNRESET || error == EPIPE || error == ETIMEDOUT || error == EHOSTUNREACH)
        server_break(pair, 0);
    return error;
}

static int take_pending(struct server_end *end)
{
    int error = end->error;
    end->error = 0;
    return error;
}

/* 0 where there is something to read, or its end; else errno. */
static int why_not_read(struct connection_pair *pair)
{
    if (channel_available(&pair->up) > 0)
        return 0;
    if (pair->up.fin_arrived)
        return 0;
    int error = take_pending(&pair->server);
    if (error || pair->server.is_dead)
        return error;
    return EAGAIN;
}

ssize_t socket_call_recv(int fd, void *buffer, size_t size, int flags)
{
    call_begin();
    struct connection_pair *pair = get_pair(fd, "recv");
    assert(flags == 0 && size > 0);
    int error = take_fault(pair, fault_for(CALL_recv, target_of(pair)));
    if (error == 0)
        error = why_not_read(pair);
    if (error) {
        sim_trace("recv(%d): %s", fd, strerrorname_np(error));
        return fail_with(error);
    }
    size_t count = channel_take(&pair->up, buffer, size);
    sim_trace("recv(%d, %zu) = %zu", fd, size, count);
    server_moved(pair);
    call_got_on();
    return (ssize_t)count;
}

ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags)
{
    return socket_call_recv(fd, buffer, size, flags);
}

ssize_t socket_may_send(int fd, const char *call)
{
    struct connection_pair *pair = get_pair(fd, call);
    struct server_end *end = &pair->server;
    int error = take_pending(end);
    if (error)
        return -error;
    if (end->is_dead || end->is_shut)
        return -EPIPE;
    size_t room = channel_room(&pair->down);
    if (room == 0) {
        end->lacks_space = true;
        return -EAGAIN;
    }
    return (ssize_t)room;
}

ssize_t socket_send(int fd, const struct iovec *pieces, size_t count, const char *call)
{
    struct connection_pair *pair = get_pair(fd, call);
    size_t sent = 0;
    ssize_t room = socket_may_send(fd, call);
    if (room < 0)
        return room;
    for (size_t i = 0; i < count; i++) {
        size_t part = channel_write(&pair->down, pieces[i].iov_base, pieces[i].iov_len);
        sent += part;
        if (part < pieces[i].iov_len) {
            pair->server.lacks_space = true;
            break;
        }
    }
    pair->server.handed += sent;
    server_moved(pair);
    call_got_on();
    return (ssize_t)sent;
}

static ssize_t send_pieces(enum call call, const char *name, int fd, const struct iovec *pieces, size_t count,
                           int flags)
{
    call_begin();
    struct connection_pair *pair = get_pair(fd, name);
    if (!(flags & MSG_NOSIGNAL))
        sim_fail("%s without MSG_NOSIGNAL", name);
    const struct kernel_watch *watch = kernel_watched();
    if (watch->on_send && count > 0)
        watch->on_send(watch->context, fd, slice_make(pieces[0].iov_base, pieces[0].iov_len));
    int error = take_fault(pair, fault_for(call, target_of(pair)));
    ssize_t sent = error ? -error : socket_send(fd, pieces, count, name);
    if (sent < 0)
        sim_trace("%s(%d): %s", name, fd, strerrorname_np((int)-sent));
    else
        sim_trace("%s(%d) = %zd", name, fd, sent);
    return sent < 0 ? fail_with((int)-sent) : sent;
}

ssize_t socket_call_send(int fd, const void *bytes, size_t length, int flags)
{
    struct iovec piece = {.iov_base = (void *)bytes, .iov_len = length};
    return send_pieces(CALL_send, "send", fd, &piece, 1, flags);
}

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags)
{
    return socket_call_send(fd, bytes, length, flags);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    return send_pieces(CALL_sendmsg, "sendmsg", fd, message->msg_iov, message->msg_iovlen, flags);
}

int __wrap_shutdown(int fd, int how)
{
    call_begin();
    struct connection_pair *pair = get_pair(fd, "shutdown");
    assert(how == SHUT_WR);
    int error = fault_for(CALL_shutdown, target_of(pair));
    sim_trace("shutdown(%d)", fd);
    if (error || pair->server.is_dead)
        return fail_with(ENOTCONN);
    if (!pair->server.is_shut) {
        pair->server.is_shut = true;
        server_ended(pair);
        channel_end(&pair->down);
        server_moved(pair);
        ready_wake(&pair->server.file, 0);
    }
    return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    call_begin();
    struct connection_pair *pair = get_pair(fd, "ioctl");
    assert(request == SIOCOUTQ);
    va_list values;
    va_start(values, request);
    int *out = va_arg(values, int *);
    va_end(values);
    int error = fault_for(CALL_ioctl, target_of(pair));
    if (error)
        return fail_with(error);
    *out = (int)(pair->down.written - pair->down.acked) + pair->down.fin_written;
    return 0;
}

/* Only for the time since bytes last left. */
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    call_begin();
    struct connection_pair *pair = get_pair(fd, "getsockopt");
    assert(level == IPPROTO_TCP && name == TCP_INFO && *length == sizeof(struct tcp_info));
    struct tcp_info info = {
        .tcpi_last_data_sent = (uint32_t)((sim_now_us() - pair->down.sent_us) / SIM_MS),
    };
    memcpy(value, &info, sizeof(info));
    return 0;
}
