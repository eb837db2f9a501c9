/* vif's listening sockets, less TCP_DEFER_ACCEPT. */
#include "lab/listen.h"

#include "sys/listen.h"
#include "sys/socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

/* With it the kernel would keep a silent client to itself for a second, and no model would be harmed by it.
 */
static int accept_at_once(int fd)
{
    int seconds = 0;
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)) == 0)
        return fd;
    int error = -errno;
    sys_close(fd);
    return error;
}

int lab_listen(uint16_t port, struct address *ret_bound)
{
    char text[32];
    struct listen_address wanted;
    int length = snprintf(text, sizeof(text), "127.0.0.1:%u", port);
    if (address_parse(slice_make(text, (size_t)length), &wanted) != ADDRESS_OK)
        UNREACHABLE();
    return accept_at_once(sys_listen(&wanted, ret_bound));
}

int lab_listen_again(int listening_fd)
{
    struct address bound = {.length = sizeof(bound.any) + sizeof(bound.unix_path)};
    if (getsockname(listening_fd, &bound.any, &bound.length) < 0)
        return -errno;
    return accept_at_once(sys_listen_again(listening_fd, &bound));
}
