/* The port must be exclusively ours and yet shared between our processes. SO_REUSEPORT alone would let a
 * second vif of the same user silently take half of the first one's connections. So the first socket binds
 * and listens without it, which fails if anybody listens there, and sets it only afterwards for our
 * further sockets. */
#include "sys/listen.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel reports a new connection only when its first bytes have arrived, or after about this time. */
#define DEFER_SECONDS 1

static int set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int open_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

/* Closes `fd` and returns the error. */
static int listen_give_up(int fd, int error)
{
    sys_close(fd);
    return error;
}

static int bind_to(int fd, const struct address *address)
{
    return bind(fd, &address->any, address->length) < 0 ? -errno : 0;
}

/* The kernel limits the queue length to net.core.somaxconn: 4096 by default. */
static int listen_start_listening(int fd)
{
    return listen(fd, INT_MAX) < 0 ? -errno : 0;
}

/* Opens, configures and binds a TCP socket; `share`: beside other sockets of ours. */
static int open_tcp(const struct address *address, bool every_family, bool share)
{
    int fd = open_socket(address->any.sa_family);
    if (fd < 0)
        return fd;
    int error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (error == 0 && share)
        error = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (error == 0 && address->any.sa_family == AF_INET6)
        error = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !every_family);
    if (error == 0)
        error = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (error == 0)
        error = set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, DEFER_SECONDS);
    if (error == 0)
        error = bind_to(fd, address);
    if (error == 0)
        error = listen_start_listening(fd);
    return error < 0 ? listen_give_up(fd, error) : fd;
}

static int open_every_family(const struct address *v6)
{
    int fd = open_tcp(v6, true, false);
    if (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL)
        return fd;
    struct address v4 = {
        .v4 = {.sin_family = AF_INET, .sin_port = v6->v6.sin6_port, .sin_addr.s_addr = htonl(INADDR_ANY)},
        .length = sizeof(struct sockaddr_in),
    };
    return open_tcp(&v4, false, false);
}

/* Whether the file is a socket that nobody listens on. */
static bool is_stale(const struct address *address)
{
    int fd = open_socket(AF_UNIX);
    if (fd < 0)
        return false;
    bool refused = connect(fd, &address->any, address->length) < 0 && errno == ECONNREFUSED;
    sys_close(fd);
    return refused;
}

static int listen_make_room(const struct address *address)
{
    struct stat status;
    if (lstat(address->unix_path.sun_path, &status) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(status.st_mode))
        return -EEXIST;
    if (!is_stale(address))
        return -EADDRINUSE;
    return unlink(address->unix_path.sun_path) < 0 ? -errno : 0;
}

/* Sets the mode last: at no time does it give access to the wrong group. */
static int set_access(const char *path, const struct socket_access *access)
{
    uid_t owner = access->sets_owner ? access->owner : (uid_t)-1;
    gid_t group = access->sets_group ? access->group : (gid_t)-1;
    if ((access->sets_owner || access->sets_group) && lchown(path, owner, group) < 0)
        return -errno;
    return access->sets_mode && chmod(path, access->mode) < 0 ? -errno : 0;
}

/* Nobody can connect between bind and listen, so the file's access is correct before the first client. */
static int open_unix(const struct listen_address *wanted)
{
    const struct address *address = &wanted->address;
    int error = listen_make_room(address);
    int fd = error < 0 ? error : open_socket(AF_UNIX);
    if (fd < 0)
        return fd;
    error = bind_to(fd, address);
    if (error < 0)
        return listen_give_up(fd, error);
    error = set_access(address->unix_path.sun_path, &wanted->access);
    if (error == 0)
        error = listen_start_listening(fd);
    if (error < 0)
        unlink(address->unix_path.sun_path);
    return error < 0 ? listen_give_up(fd, error) : fd;
}

static int open_listening(const struct listen_address *wanted)
{
    if (wanted->address.any.sa_family == AF_UNIX)
        return open_unix(wanted);
    if (wanted->every_family)
        return open_every_family(&wanted->address);
    return open_tcp(&wanted->address, false, false);
}

int sys_listen(const struct listen_address *wanted, struct address *ret_bound)
{
    int fd = open_listening(wanted);
    if (fd < 0)
        return fd;
    struct address bound = {.length = sizeof(struct sockaddr_un)};
    if (getsockname(fd, &bound.any, &bound.length) < 0)
        return listen_give_up(fd, -errno);
    *ret_bound = bound;
    return fd;
}

int sys_listen_again(int first, const struct address *bound)
{
    int v6_only = 1;
    socklen_t length = sizeof(v6_only);
    if (bound->any.sa_family == AF_INET6 &&
        getsockopt(first, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, &length) < 0)
        return -errno;
    int error = set_option(first, SOL_SOCKET, SO_REUSEPORT, 1);
    return error < 0 ? error : open_tcp(bound, !v6_only, true);
}

void sys_listen_end(int fd)
{
    shutdown(fd, SHUT_RDWR);
}

struct socket_file sys_socket_file(const struct address *bound)
{
    struct stat status;
    if (bound->any.sa_family != AF_UNIX || lstat(bound->unix_path.sun_path, &status) < 0)
        return (struct socket_file){0};
    return (struct socket_file){.device = status.st_dev, .inode = status.st_ino};
}

void sys_socket_file_remove(const struct address *bound, struct socket_file file)
{
    struct socket_file now = sys_socket_file(bound);
    if (file.inode != 0 && now.device == file.device && now.inode == file.inode)
        unlink(bound->unix_path.sun_path);
}
