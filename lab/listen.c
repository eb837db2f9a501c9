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

static int bind_foreign(int fd, const struct address *wanted, struct address *ret_bound)
{
    int yes = 1;
    *ret_bound = *wanted;
    if (setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &yes, sizeof(yes)) < 0 ||
        bind(fd, &wanted->any, wanted->length) < 0 || listen(fd, 1) < 0 ||
        getsockname(fd, &ret_bound->any, &ret_bound->length) < 0)
        return -errno;
    return fd;
}

/* A socket with an address that is not the kernel's, so that no packet for it arrives there. */
static int reserve_address(const struct address *wanted, struct address *ret_bound)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int error = bind_foreign(fd, wanted, ret_bound);
    if (error < 0)
        sys_close(fd);
    return error;
}

int lab_listen(enum lab_network network, uint16_t port, struct address *ret_bound)
{
    char text[32];
    struct listen_address wanted;
    const char *host = network == LAB_LOOPBACK ? "127.0.0.1" : LAB_VETH_ADDRESS;
    int length = snprintf(text, sizeof(text), "%s:%u", host, port);
    if (address_parse(slice_make(text, (size_t)length), &wanted) != ADDRESS_OK)
        UNREACHABLE();
    if (network == LAB_VETH_BARE)
        return reserve_address(&wanted.address, ret_bound);
    return accept_at_once(sys_listen(&wanted, ret_bound));
}

int lab_listen_again(int listening_fd)
{
    struct address bound = {.length = sizeof(bound.any) + sizeof(bound.unix_path)};
    if (getsockname(listening_fd, &bound.any, &bound.length) < 0)
        return -errno;
    return accept_at_once(sys_listen_again(listening_fd, &bound));
}
