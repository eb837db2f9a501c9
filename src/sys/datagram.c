/* Sends one datagram with sendto(2), from a socket created for it. */
#include "sys/datagram.h"

#include <errno.h>

int sys_datagram_send(struct slice path, struct slice bytes)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (path.length == 0 || path.length >= sizeof(to.sun_path))
        return -EINVAL;
    memcpy(to.sun_path, path.data, path.length);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.length);
    ssize_t sent = sendto(fd, bytes.data, bytes.length, MSG_NOSIGNAL, (const struct sockaddr *)&to, length);
    int error = sent < 0 ? -errno : 0;
    sys_close(fd);
    return error;
}
