/* readlink(2) of /proc/self/exe, execv(2), and descriptors without FD_CLOEXEC. */
#include "sys/program.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

int sys_program_find(char *out, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", out, size);
    if (length < 0)
        return -errno;
    if ((size_t)length >= size)
        return -ENAMETOOLONG;
    out[length] = '\0';
    return 0;
}

int sys_program_become(const char *path, char *const *words)
{
    execv(path, words);
    return -errno;
}

/* Not one of the standard streams: the next program may get others. */
int sys_descriptor_pass(int fd)
{
    int copy = fcntl(fd, F_DUPFD, STDERR_FILENO + 1);
    return copy < 0 ? -errno : copy;
}

int sys_descriptor_take(int fd)
{
    return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

int sys_standard_error_set(int fd)
{
    return dup2(fd, STDERR_FILENO) < 0 ? -errno : 0;
}

static bool listens(int fd)
{
    int is_listening = 0, type = 0;
    socklen_t length = sizeof(int);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length) == 0 && is_listening &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
}

int sys_listen_adopt(int fd, struct address *ret_bound)
{
    struct address bound = {.length = sizeof(struct sockaddr_un)};
    if (!listens(fd))
        return -EINVAL;
    if (getsockname(fd, &bound.any, &bound.length) < 0)
        return -errno;
    int flags = fcntl(fd, F_GETFL), no_delay = 1;
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    if (bound.any.sa_family != AF_UNIX &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof(no_delay)) < 0)
        return -errno;
    *ret_bound = bound;
    return 0;
}
