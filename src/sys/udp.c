/* UDP system calls. Metadata of packets is in control messages: see cmsg(3). */
#include "sys/udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#define ECN_MASK 3u

/* The control messages of one run. */
union control {
    struct cmsghdr alignment;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(int))];
};

static int udp_set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int udp_set_v4(int fd)
{
    int error = udp_set(fd, IPPROTO_IP, IP_PKTINFO, 1);
    error = error ? error : udp_set(fd, IPPROTO_IP, IP_RECVTOS, 1);
    return error ? error : udp_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
}

static int udp_set_v6(int fd)
{
    int error = udp_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    error = error ? error : udp_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    error = error ? error : udp_set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    return error ? error : udp_set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
}

int sys_udp_open(const struct address *address)
{
    int family = address->any.sa_family;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int error = family == AF_INET6 ? udp_set_v6(fd) : udp_set_v4(fd);
    if (error == 0 && bind(fd, &address->any, address->length) < 0)
        error = -errno;
    if (error < 0) {
        sys_close(fd);
        return error;
    }
    (void)udp_set(fd, SOL_UDP, UDP_GRO, 1); /* Linux 5.0; before that, each run is a single packet */
    return fd;
}

/* ---- receiving ---- */

static void take_v4(struct udp_run *run, const struct in_pktinfo *info)
{
    run->interface = (unsigned)info->ipi_ifindex;
    run->local.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = info->ipi_spec_dst};
    run->local.length = sizeof(run->local.v4);
}

static void take_v6(struct udp_run *run, const struct in6_pktinfo *info)
{
    run->interface = info->ipi6_ifindex;
    run->local.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = info->ipi6_addr};
    run->local.length = sizeof(run->local.v6);
}

static void take_control(struct udp_run *run, const struct cmsghdr *control)
{
    const unsigned char *data = CMSG_DATA(control);
    int value = 0;
    bool is_v4 = control->cmsg_level == IPPROTO_IP;
    bool is_v6 = control->cmsg_level == IPPROTO_IPV6;
    if (is_v4 && control->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, data, sizeof(info));
        take_v4(run, &info);
    } else if (is_v6 && control->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, data, sizeof(info));
        take_v6(run, &info);
    } else if (is_v4 && control->cmsg_type == IP_TOS) {
        run->ecn = data[0] & ECN_MASK; /* one byte, unlike the others */
    } else if (is_v6 && control->cmsg_type == IPV6_TCLASS) {
        memcpy(&value, data, sizeof(value));
        run->ecn = (unsigned)value & ECN_MASK;
    } else if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO) {
        memcpy(&value, data, sizeof(value));
        run->packet_bytes = (uint16_t)value;
    }
}

static void take_message(struct udp_run *run, struct mmsghdr *message)
{
    run->peer.length = message->msg_hdr.msg_namelen;
    run->local.length = 0;
    run->interface = run->packet_bytes = run->ecn = 0;
    run->length = message->msg_len;
    for (struct cmsghdr *control = CMSG_FIRSTHDR(&message->msg_hdr); control;
         control = CMSG_NXTHDR(&message->msg_hdr, control))
        take_control(run, control);
    if (run->packet_bytes >= run->length)
        run->packet_bytes = 0;
}

int sys_udp_receive(int fd, struct udp_run *runs, unsigned count)
{
    struct mmsghdr messages[UDP_BATCH_MAX] = {0};
    struct iovec pieces[UDP_BATCH_MAX];
    union control controls[UDP_BATCH_MAX];
    count = MIN(count, (unsigned)UDP_BATCH_MAX);
    for (unsigned i = 0; i < count; i++) {
        pieces[i] = (struct iovec){.iov_base = runs[i].bytes, .iov_len = runs[i].length};
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &runs[i].peer.any,
            .msg_namelen = sizeof(runs[i].peer.unix_path),
            .msg_iov = &pieces[i],
            .msg_iovlen = 1,
            .msg_control = controls[i].bytes,
            .msg_controllen = sizeof(controls[i].bytes),
        };
    }
    int received;
    do
        received = recvmmsg(fd, messages, count, 0, NULL);
    while (received < 0 && errno == EINTR);
    for (int i = 0; i < received; i++)
        take_message(&runs[i], &messages[i]);
    return received < 0 ? -errno : received;
}

/* ---- sending ---- */

static void add_control(struct msghdr *message, int level, int type, const void *data, size_t length)
{
    struct cmsghdr *control =
        (struct cmsghdr *)(void *)((char *)message->msg_control + message->msg_controllen);
    control->cmsg_level = level;
    control->cmsg_type = type;
    control->cmsg_len = CMSG_LEN(length);
    memcpy(CMSG_DATA(control), data, length);
    message->msg_controllen += CMSG_SPACE(length);
}

static void add_local(struct msghdr *message, const struct udp_run *run)
{
    if (run->local.any.sa_family == AF_INET6) {
        struct in6_pktinfo info = {.ipi6_addr = run->local.v6.sin6_addr, .ipi6_ifindex = run->interface};
        add_control(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
    } else {
        struct in_pktinfo info = {.ipi_spec_dst = run->local.v4.sin_addr, .ipi_ifindex = (int)run->interface};
        add_control(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    }
}

static void add_controls(struct msghdr *message, const struct udp_run *run)
{
    int ecn = run->ecn;
    if (run->local.length > 0)
        add_local(message, run);
    if (ecn && run->peer.any.sa_family == AF_INET6)
        add_control(message, IPPROTO_IPV6, IPV6_TCLASS, &ecn, sizeof(ecn));
    else if (ecn)
        add_control(message, IPPROTO_IP, IP_TOS, &ecn, sizeof(ecn));
    if (run->packet_bytes > 0 && run->packet_bytes < run->length)
        add_control(message, SOL_UDP, UDP_SEGMENT, &run->packet_bytes, sizeof(run->packet_bytes));
    if (message->msg_controllen == 0)
        message->msg_control = NULL;
}

int sys_udp_send(int fd, const struct udp_run *runs, unsigned count)
{
    struct mmsghdr messages[UDP_BATCH_MAX] = {0};
    struct iovec pieces[UDP_BATCH_MAX];
    union control controls[UDP_BATCH_MAX] = {0};
    count = MIN(count, (unsigned)UDP_BATCH_MAX);
    for (unsigned i = 0; i < count; i++) {
        pieces[i] = (struct iovec){.iov_base = runs[i].bytes, .iov_len = runs[i].length};
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = runs[i].peer.length > 0 ? (void *)&runs[i].peer.any : NULL,
            .msg_namelen = runs[i].peer.length,
            .msg_iov = &pieces[i],
            .msg_iovlen = 1,
            .msg_control = controls[i].bytes,
        };
        add_controls(&messages[i].msg_hdr, &runs[i]);
    }
    int sent;
    do
        sent = sendmmsg(fd, messages, count, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}
