/* ip(8) and ethtool(8) would do the same by
 *
 *     ip netns add client; ip netns add server
 *     ip -n server link add server type veth peer name client netns client
 *     ip -n client address add 10.0.0.1/24 dev client; ip -n client link set client up   (and the other end)
 *     ip netns exec client ethtool -K client tx off                                       (and the other end)
 *
 * except that these namespaces would have names, which somebody must remove. */
#include "lab/veth.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENT_INTERFACE "client"
#define CLIENT_ADDRESS   "10.0.0.1"

/* ---- namespaces ---- */

static int open_current(void)
{
    int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* This thread is in it afterwards. */
static int make_namespace(void)
{
    return unshare(CLONE_NEWNET) < 0 ? -errno : open_current();
}

int lab_veth_enter(int namespace_fd)
{
    return setns(namespace_fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

/* ---- the pair, by netlink: rtnetlink(7) ---- */

struct link_request {
    struct nlmsghdr header;
    struct ifinfomsg link;
    char attributes[256];
};

static struct rtattr *add_attribute(struct link_request *request, unsigned short type, const void *data,
                                    size_t length)
{
    struct rtattr *attribute = (struct rtattr *)((char *)request + NLMSG_ALIGN(request->header.nlmsg_len));
    assert((char *)attribute + RTA_SPACE(length) <= (char *)(request + 1));
    *attribute = (struct rtattr){.rta_type = type, .rta_len = (unsigned short)RTA_LENGTH(length)};
    memcpy(RTA_DATA(attribute), data, length);
    request->header.nlmsg_len = (uint32_t)(NLMSG_ALIGN(request->header.nlmsg_len) + RTA_SPACE(length));
    return attribute;
}

/* What was added since `outer` is inside of it. */
static void end_nest(const struct link_request *request, struct rtattr *outer)
{
    outer->rta_len = (unsigned short)((const char *)request + request->header.nlmsg_len - (char *)outer);
}

static int send_request(const struct link_request *request)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr result;
        char request[sizeof(struct link_request)];
    } answer;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return -errno;
    int error = -EIO;
    if (send(fd, request, request->header.nlmsg_len, 0) < 0)
        error = -errno;
    else if (recv(fd, &answer, sizeof(answer), 0) >= (ssize_t)NLMSG_LENGTH(sizeof(answer.result)) &&
             answer.header.nlmsg_type == NLMSG_ERROR)
        error = answer.result.error;
    close(fd);
    return error;
}

/* In the server's namespace. */
static int make_pair(int client_fd)
{
    static const struct ifinfomsg peer_link = {0};
    struct link_request request = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(request.link)),
                   .nlmsg_type = RTM_NEWLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK},
    };
    add_attribute(&request, IFLA_IFNAME, LAB_VETH_INTERFACE, sizeof(LAB_VETH_INTERFACE));
    struct rtattr *info = add_attribute(&request, IFLA_LINKINFO, "", 0);
    add_attribute(&request, IFLA_INFO_KIND, "veth", sizeof("veth"));
    struct rtattr *data = add_attribute(&request, IFLA_INFO_DATA, "", 0);
    struct rtattr *peer = add_attribute(&request, VETH_INFO_PEER, &peer_link, sizeof(peer_link));
    add_attribute(&request, IFLA_IFNAME, CLIENT_INTERFACE, sizeof(CLIENT_INTERFACE));
    add_attribute(&request, IFLA_NET_NS_FD, &client_fd, sizeof(client_fd));
    end_nest(&request, peer);
    end_nest(&request, data);
    end_nest(&request, info);
    return send_request(&request);
}

/* ---- its ends, by ioctl: netdevice(7) ---- */

static int set_address(int fd, struct ifreq *request, unsigned long what, const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    inet_pton(AF_INET, text, &address.sin_addr);
    memcpy(&request->ifr_addr, &address, sizeof(address));
    return ioctl(fd, what, request);
}

/* Neither end leaves checksums and segments to a card: there is none. A TCP in user space would drop packets
 * without checksums, and the kernel's is to send the same packets as that one. */
static int turn_offload_off(int fd, struct ifreq *request)
{
    struct ethtool_value off = {.cmd = ETHTOOL_STXCSUM};
    request->ifr_data = (char *)&off;
    return ioctl(fd, SIOCETHTOOL, request);
}

/* In the end's namespace; `address` is NULL for none. */
static int configure(const char *interface, const char *address)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    bool is_done = turn_offload_off(fd, &request) == 0;
    if (is_done && address)
        is_done = set_address(fd, &request, SIOCSIFADDR, address) == 0 &&
                  set_address(fd, &request, SIOCSIFNETMASK, "255.255.255.0") == 0;
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    int error = is_done && ioctl(fd, SIOCSIFFLAGS, &request) == 0 ? 0 : -errno;
    close(fd);
    return error;
}

int lab_veth_hardware_address(uint8_t *ret_address)
{
    struct ifreq request = {.ifr_name = LAB_VETH_INTERFACE};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int error = ioctl(fd, SIOCGIFHWADDR, &request) < 0 ? -errno : 0;
    if (error == 0)
        memcpy(ret_address, request.ifr_hwaddr.sa_data, 6);
    close(fd);
    return error;
}

/* ---- the whole ---- */

/* Ends in the client's namespace. */
static int make_cable(struct lab_veth *veth, enum lab_network network)
{
    veth->client_fd = make_namespace();
    if (veth->client_fd < 0)
        return veth->client_fd;
    veth->server_fd = make_namespace();
    if (veth->server_fd < 0)
        return veth->server_fd;
    int error = make_pair(veth->client_fd);
    if (error == 0)
        error = configure(LAB_VETH_INTERFACE, network == LAB_VETH ? LAB_VETH_ADDRESS : NULL);
    if (error == 0)
        error = lab_veth_enter(veth->client_fd);
    if (error == 0)
        error = configure(CLIENT_INTERFACE, CLIENT_ADDRESS);
    return error;
}

int lab_veth_open(struct lab_veth *veth, enum lab_network network)
{
    *veth = (struct lab_veth){.own_fd = open_current(), .client_fd = -1, .server_fd = -1};
    if (veth->own_fd < 0)
        return veth->own_fd;
    int error = make_cable(veth, network);
    if (error == 0)
        error = lab_veth_enter(veth->own_fd);
    if (error)
        lab_veth_close(veth);
    return error;
}

void lab_veth_close(struct lab_veth *veth)
{
    int fds[] = {veth->own_fd, veth->client_fd, veth->server_fd};
    int entered = veth->own_fd < 0 ? 0 : lab_veth_enter(veth->own_fd);
    (void)entered; /* back to where it came from */
    for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
}

/* By trying: what root may do differs between containers. */
const char *lab_veth_unavailable(void)
{
    static char text[160];
    struct lab_veth veth;
    int error = lab_veth_open(&veth, LAB_VETH_BARE);
    if (error == 0) {
        lab_veth_close(&veth);
        return NULL;
    }
    snprintf(text, sizeof(text), "it makes two network namespaces and a veth pair, which needs root: %s",
             error_text(error));
    return text;
}
