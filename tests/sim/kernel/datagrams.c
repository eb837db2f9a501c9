/* UDP as Linux has it: a run of packets is split by UDP_SEGMENT when it is sent, and packets that fit
 * together may be merged by UDP_GRO when they are received; where a packet went to, its ECN bits and the
 * length of the merged ones are in control messages. A full send buffer is EAGAIN, and is told as writable
 * when half of it is free again; a full receive buffer loses what arrives. */
#include "datagrams.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/epoll.h>

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout);

#define SEGMENTS_MAX    64
#define RUN_BYTES_MAX   65507 /* what fits behind the headers of one IPv4 packet */
#define HEADERS_BYTES   48    /* IPv6 and UDP */
#define PACKET_OVERHEAD 256   /* the kernel's own bytes of a packet in a buffer */
#define ECN_MASK        3u
#define ECN_MARKED      3u

struct datagram_end {
    struct open_file file;
    struct list link;
    struct endpoint local; /* ip of zeros: any */
    bool is_bound;
    bool reports_local;
    bool reports_ecn;
    bool merges;
    bool is_never_split; /* IP_PMTUDISC_PROBE */
    size_t send_bytes;
    size_t send_max;
    struct list sending; /* struct packet, by of_sender */
    bool was_full;
    uint64_t writable_us; /* UINT64_MAX: not since it was full */
    size_t receive_bytes;
    size_t receive_max;
    struct list received; /* struct packet */
};

/* What this network does to packets, by the seed. */
static struct {
    struct sim_chance chance;
    uint64_t delay_us;
    uint64_t jitter_us; /* more than between two packets: they are reordered */
    uint64_t lost_one_in;
    uint64_t repeated_one_in;
    uint64_t marked_one_in;
    uint64_t fault_one_in; /* 0: no call fails */
    size_t packet_bytes_max;
    bool has_split; /* the device can */
    uint64_t socket_count;
} net;

static struct list ends;
static struct list under_way; /* struct packet */
static struct datagrams_watch watcher;

static const struct sockaddr_in *v4_of(const struct sockaddr *address)
{
    return (const struct sockaddr_in *)(const void *)address;
}

static const struct sockaddr_in6 *v6_of(const struct sockaddr *address)
{
    return (const struct sockaddr_in6 *)(const void *)address;
}

struct endpoint endpoint_of(const struct sockaddr *address)
{
    struct endpoint endpoint = {.family = address->sa_family};
    if (address->sa_family == AF_INET) {
        endpoint.port = ntohs(v4_of(address)->sin_port);
        memcpy(endpoint.ip, &v4_of(address)->sin_addr, 4);
    } else {
        endpoint.port = ntohs(v6_of(address)->sin6_port);
        memcpy(endpoint.ip, &v6_of(address)->sin6_addr, 16);
    }
    return endpoint;
}

static socklen_t put_endpoint(const struct endpoint *endpoint, void *out)
{
    if (endpoint->family == AF_INET) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
        memcpy(&address.sin_addr, endpoint->ip, 4);
        memcpy(out, &address, sizeof(address));
        return sizeof(address);
    }
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
    memcpy(&address.sin6_addr, endpoint->ip, 16);
    memcpy(out, &address, sizeof(address));
    return sizeof(address);
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static bool is_any(const struct endpoint *endpoint)
{
    static const unsigned char zeros[16];
    return memcmp(endpoint->ip, zeros, sizeof(zeros)) == 0;
}

struct endpoint datagrams_default_source(sa_family_t family)
{
    return (struct endpoint){.family = family, .ip = {10, 0, 0, 99}};
}

/* ---- the network ---- */

void datagrams_start(void)
{
    struct sim_chance chance = sim_chance_for("datagram network", 0);
    list_init(&ends);
    list_init(&under_way);
    watcher = (struct datagrams_watch){0};
    net.delay_us = sim_size(&chance, 50 * SIM_MS);
    net.jitter_us = sim_one_in(&chance, 2) ? 0 : sim_size(&chance, 20 * SIM_MS);
    net.lost_one_in = sim_one_in(&chance, 3) ? UINT64_MAX : sim_between(&chance, 3, 100);
    net.repeated_one_in = sim_one_in(&chance, 3) ? UINT64_MAX : sim_between(&chance, 3, 100);
    net.marked_one_in = sim_one_in(&chance, 3) ? UINT64_MAX : sim_between(&chance, 2, 50);
    net.fault_one_in = sim_has_faults() ? sim_between(&chance, 5, 100) : 0;
    net.packet_bytes_max = sim_one_in(&chance, 2) ? 1500 - HEADERS_BYTES : RUN_BYTES_MAX;
    net.has_split = !sim_one_in(&chance, 8);
    net.socket_count = 0;
    net.chance = chance;
}

void datagrams_watch(const struct datagrams_watch *watch)
{
    watcher = *watch;
}

static void tell(const struct packet *packet, enum packet_fate fate)
{
    if (watcher.on_packet == NULL)
        return;
    enum kernel_side before = kernel_enter(SIDE_WORLD);
    watcher.on_packet(watcher.context, packet, fate);
    kernel_enter(before);
}

static size_t cost_of(const struct packet *packet)
{
    return packet->length + PACKET_OVERHEAD;
}

static struct datagram_end *find_end(const struct endpoint *to)
{
    struct datagram_end *found = NULL;
    LIST_FOREACH(link, &ends) {
        struct datagram_end *end = CONTAINER_OF(link, struct datagram_end, link);
        if (!end->is_bound || end->local.family != to->family || end->local.port != to->port)
            continue;
        if (endpoint_equal(&end->local, to))
            return end;
        if (is_any(&end->local))
            found = end;
    }
    return found;
}

/* It no longer takes room in its sender's buffer. */
static void leave_sender(struct packet *packet)
{
    struct datagram_end *sender = packet->sender;
    if (sender == NULL)
        return;
    list_remove(&packet->of_sender);
    packet->sender = NULL;
    sender->send_bytes -= cost_of(packet);
    if (!sender->was_full || sender->send_bytes * 2 > sender->send_max)
        return;
    sender->was_full = false;
    sender->writable_us = sim_now_us();
    call_had_reason();
    ready_wake(&sender->file, EPOLLOUT);
}

static void packet_arrives(struct sim_event *event)
{
    struct packet *packet = CONTAINER_OF(event, struct packet, arrival);
    struct datagram_end *end = find_end(&packet->to);
    list_remove(&packet->link);
    leave_sender(packet);
    if (end == NULL || end->receive_bytes + cost_of(packet) > end->receive_max) {
        tell(packet, end ? PACKET_DROPPED : PACKET_LOST);
        kernel_free(packet);
        return;
    }
    list_append(&end->received, &packet->link);
    packet->queued_us = sim_now_us();
    end->receive_bytes += cost_of(packet);
    tell(packet, PACKET_QUEUED);
    call_had_reason();
    ready_wake(&end->file, EPOLLIN);
}

static void packet_is_lost(struct sim_event *event)
{
    struct packet *packet = CONTAINER_OF(event, struct packet, arrival);
    list_remove(&packet->link);
    leave_sender(packet);
    tell(packet, PACKET_LOST);
    kernel_free(packet);
}

static void put_under_way(struct packet *packet)
{
    uint64_t delay_us = net.delay_us + sim_below(&net.chance, net.jitter_us);
    list_append(&under_way, &packet->link);
    sim_after(&packet->arrival, delay_us,
              sim_one_in(&net.chance, net.lost_one_in) ? packet_is_lost : packet_arrives);
}

static struct packet *packet_create(size_t length)
{
    struct packet *packet = kernel_alloc(sizeof(*packet) + length);
    list_init(&packet->link);
    list_init(&packet->of_sender);
    packet->length = length;
    return packet;
}

static struct packet *packet_copy(const struct packet *from)
{
    struct packet *copy = packet_create(from->length);
    copy->from = from->from;
    copy->to = from->to;
    copy->ecn = from->ecn;
    memcpy(copy->bytes, from->bytes, from->length);
    return copy;
}

/* Takes over the packet. */
static void carry(struct datagram_end *sender, struct packet *packet)
{
    packet->sender = sender;
    list_append(&sender->sending, &packet->of_sender);
    sender->send_bytes += cost_of(packet);
    tell(packet, PACKET_SENT);
    /* Routers mark only what can be marked. */
    if (packet->ecn != 0 && sim_one_in(&net.chance, net.marked_one_in))
        packet->ecn = ECN_MARKED;
    if (sim_one_in(&net.chance, net.repeated_one_in))
        put_under_way(packet_copy(packet));
    put_under_way(packet);
}

/* ---- sockets ---- */

static struct datagram_end *end_of(struct open_file *file)
{
    return CONTAINER_OF(file, struct datagram_end, file);
}

static unsigned datagram_mask(struct open_file *file)
{
    struct datagram_end *end = end_of(file);
    unsigned mask = list_is_empty(&end->received) ? 0u : EPOLLIN;
    return end->send_bytes * 2 <= end->send_max ? mask | EPOLLOUT : mask;
}

static void drop_all(struct list *packets, bool tells)
{
    while (!list_is_empty(packets)) {
        struct packet *packet = CONTAINER_OF(packets->next, struct packet, link);
        list_remove(&packet->link);
        sim_cancel(&packet->arrival);
        if (tells)
            tell(packet, PACKET_DROPPED);
        kernel_free(packet);
    }
}

/* What it has sent goes on. */
static void datagram_release(struct open_file *file)
{
    struct datagram_end *end = end_of(file);
    while (!list_is_empty(&end->sending)) {
        struct packet *packet = CONTAINER_OF(end->sending.next, struct packet, of_sender);
        list_remove(&packet->of_sender);
        packet->sender = NULL;
    }
    drop_all(&end->received, true);
    list_remove(&end->link);
    kernel_free(end);
}

const struct file_class datagram_class = {
    .name = "a datagram socket", .mask = datagram_mask, .release = datagram_release};

void datagrams_finish(void)
{
    drop_all(&under_way, false);
}

static struct datagram_end *get_end(int fd, const char *call)
{
    return end_of(descriptor_get(fd, &datagram_class, call));
}

uint64_t datagrams_writable_since_us(int fd)
{
    return get_end(fd, "a look at")->writable_us;
}

uint64_t datagrams_readable_since_us(int fd)
{
    const struct datagram_end *end = get_end(fd, "a look at");
    return list_is_empty(&end->received) ? UINT64_MAX
                                         : CONTAINER_OF(end->received.next, struct packet, link)->queued_us;
}

int datagrams_open(int family)
{
    struct datagram_end *end = kernel_alloc(sizeof(*end));
    struct sim_chance chance = sim_chance_for("datagram socket", ++net.socket_count);
    open_file_init(&end->file, &datagram_class);
    list_init(&end->link);
    list_init(&end->sending);
    list_init(&end->received);
    list_append(&ends, &end->link);
    end->local.family = (sa_family_t)family;
    end->writable_us = UINT64_MAX;
    /* Room for a few packets, or for many. */
    end->send_max = 4096 + sim_size(&chance, 200000);
    end->receive_max = 4096 + sim_size(&chance, 400000);
    int fd = descriptor_install(&end->file);
    if (fd < 0)
        errno = -fd;
    return fd < 0 ? -1 : fd;
}

int datagrams_set_option(struct open_file *file, int level, int option, int value)
{
    struct datagram_end *end = end_of(file);
    bool is_v4 = end->local.family == AF_INET;
    if (level == (is_v4 ? IPPROTO_IP : IPPROTO_IPV6) && option == (is_v4 ? IP_PKTINFO : IPV6_RECVPKTINFO))
        end->reports_local = value;
    else if (level == (is_v4 ? IPPROTO_IP : IPPROTO_IPV6) && option == (is_v4 ? IP_RECVTOS : IPV6_RECVTCLASS))
        end->reports_ecn = value;
    else if (level == (is_v4 ? IPPROTO_IP : IPPROTO_IPV6) &&
             option == (is_v4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER))
        end->is_never_split = value == (is_v4 ? IP_PMTUDISC_PROBE : IPV6_PMTUDISC_PROBE);
    else if (level == SOL_UDP && option == UDP_GRO)
        end->merges = value;
    else if (level != IPPROTO_IPV6 || option != IPV6_V6ONLY)
        sim_fail("setsockopt(%d, %d) of a datagram socket", level, option);
    return 0;
}

int datagrams_bind(struct open_file *file, const struct sockaddr *address)
{
    struct datagram_end *end = end_of(file);
    struct endpoint wanted = endpoint_of(address);
    LIST_FOREACH(link, &ends) {
        const struct datagram_end *other = CONTAINER_OF(link, struct datagram_end, link);
        if (other != end && other->is_bound && endpoint_equal(&other->local, &wanted)) {
            errno = EADDRINUSE;
            return -1;
        }
    }
    end->local = wanted;
    end->is_bound = true;
    return 0;
}

/* Whether a call fails, with one of `errors`. */
static int datagram_fault(const char *call, const int errors[3])
{
    if (net.fault_one_in == 0 || !sim_one_in(&net.chance, net.fault_one_in))
        return 0;
    int error = errors[sim_below(&net.chance, 3)];
    sim_trace("%s is made to fail: %s", call, strerrorname_np(error));
    return error;
}

/* ---- sending ---- */

struct outgoing {
    struct endpoint from, to;
    uint8_t ecn;
    size_t packet_bytes;
};

static void read_control(const struct cmsghdr *control, struct outgoing *outgoing)
{
    const unsigned char *data = CMSG_DATA(control);
    int value;
    uint16_t segment;
    if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
        memset(outgoing->from.ip, 0, sizeof(outgoing->from.ip));
        memcpy(outgoing->from.ip, data + offsetof(struct in_pktinfo, ipi_spec_dst), 4);
    } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
        memcpy(outgoing->from.ip, data + offsetof(struct in6_pktinfo, ipi6_addr), 16);
    } else if ((control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_TOS) ||
               (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_TCLASS)) {
        assert(control->cmsg_len == CMSG_LEN(sizeof(value)));
        memcpy(&value, data, sizeof(value));
        outgoing->ecn = (uint8_t)((unsigned)value & ECN_MASK);
    } else if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_SEGMENT) {
        assert(control->cmsg_len == CMSG_LEN(sizeof(segment)));
        memcpy(&segment, data, sizeof(segment));
        outgoing->packet_bytes = segment;
    } else {
        sim_fail("sendmmsg with a control message %d of level %d", control->cmsg_type, control->cmsg_level);
    }
}

static struct outgoing read_outgoing(const struct datagram_end *end, struct msghdr *message, size_t length)
{
    struct outgoing outgoing = {.from = end->local, .to = endpoint_of(message->msg_name)};
    if (is_any(&outgoing.from)) {
        struct endpoint source = datagrams_default_source(end->local.family);
        memcpy(outgoing.from.ip, source.ip, sizeof(source.ip));
    }
    for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control))
        read_control(control, &outgoing);
    if (outgoing.packet_bytes == 0)
        outgoing.packet_bytes = length;
    return outgoing;
}

/* 0, or what sendmsg(2) fails with. */
static int why_not_sent(const struct datagram_end *end, const struct outgoing *outgoing, size_t length)
{
    bool is_split = outgoing->packet_bytes < length;
    if (length > RUN_BYTES_MAX)
        return EMSGSIZE;
    if (is_split && !net.has_split)
        return EIO;
    if (is_split &&
        (outgoing->packet_bytes > net.packet_bytes_max || length > outgoing->packet_bytes * SEGMENTS_MAX))
        return EINVAL;
    if (!is_split && length > net.packet_bytes_max && end->is_never_split)
        return EMSGSIZE;
    return end->send_bytes >= end->send_max ? EAGAIN : 0;
}

static int send_one(struct datagram_end *end, struct msghdr *message)
{
    static const int errors[] = {EINTR, ENOBUFS, EPERM};
    assert(message->msg_iovlen == 1 && message->msg_name != NULL && end->is_bound);
    const char *bytes = message->msg_iov[0].iov_base;
    size_t length = message->msg_iov[0].iov_len;
    struct outgoing outgoing = read_outgoing(end, message, length);
    int error = datagram_fault("sendmmsg", errors);
    error = error ? error : why_not_sent(end, &outgoing, length);
    if (error) {
        end->was_full |= error == EAGAIN;
        end->writable_us = error == EAGAIN ? UINT64_MAX : end->writable_us;
        return error;
    }
    size_t at = 0;
    do {
        struct packet *packet = packet_create(MIN(outgoing.packet_bytes, length - at));
        packet->from = outgoing.from;
        packet->to = outgoing.to;
        packet->ecn = outgoing.ecn;
        memcpy(packet->bytes, bytes + at, packet->length);
        at += packet->length;
        carry(end, packet);
    } while (at < length);
    return 0;
}

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    call_begin();
    struct datagram_end *end = get_end(fd, "sendmmsg");
    unsigned sent = 0;
    int error = 0;
    if (!(flags & MSG_NOSIGNAL))
        sim_fail("sendmmsg without MSG_NOSIGNAL");
    while (sent < count && (error = send_one(end, &messages[sent].msg_hdr)) == 0) {
        messages[sent].msg_len = (unsigned)messages[sent].msg_hdr.msg_iov[0].iov_len;
        sent++;
    }
    sim_trace("sendmmsg(%d, %u) = %u %s", fd, count, sent, error ? strerrorname_np(error) : "");
    if (sent == 0) {
        errno = error;
        return -1;
    }
    call_got_on();
    return (int)sent;
}

/* ---- receiving ---- */

static void write_control(struct msghdr *message, size_t *used, int level, int type, const void *data,
                          size_t length)
{
    if (*used + CMSG_SPACE(length) > message->msg_controllen)
        sim_fail("recvmmsg has no room for its control messages");
    struct cmsghdr *control = (struct cmsghdr *)(void *)((char *)message->msg_control + *used);
    *control = (struct cmsghdr){.cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(length)};
    memcpy(CMSG_DATA(control), data, length);
    *used += CMSG_SPACE(length);
}

static void write_controls(const struct datagram_end *end, const struct packet *packet, bool is_merged,
                           struct msghdr *message)
{
    size_t used = 0;
    int tos = packet->ecn, segment = (int)packet->length;
    unsigned char tos_byte = packet->ecn;
    if (end->reports_local && packet->to.family == AF_INET) {
        struct in_pktinfo info = {.ipi_ifindex = 1};
        memcpy(&info.ipi_spec_dst, packet->to.ip, 4);
        memcpy(&info.ipi_addr, packet->to.ip, 4);
        write_control(message, &used, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    } else if (end->reports_local) {
        struct in6_pktinfo info = {.ipi6_ifindex = 1};
        memcpy(&info.ipi6_addr, packet->to.ip, 16);
        write_control(message, &used, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
    }
    if (end->reports_ecn && packet->to.family == AF_INET)
        write_control(message, &used, IPPROTO_IP, IP_TOS, &tos_byte, sizeof(tos_byte));
    else if (end->reports_ecn)
        write_control(message, &used, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
    if (is_merged)
        write_control(message, &used, SOL_UDP, UDP_GRO, &segment, sizeof(segment));
    message->msg_controllen = used;
}

static bool fits_behind(const struct packet *first, const struct packet *next)
{
    return first->ecn == next->ecn && next->length <= first->length && next->length > 0 &&
           endpoint_equal(&first->from, &next->from) && endpoint_equal(&first->to, &next->to);
}

/* Takes the oldest packet, and perhaps those behind it that fit. */
static void receive_one(struct datagram_end *end, struct mmsghdr *message)
{
    char *out = message->msg_hdr.msg_iov[0].iov_base;
    size_t room = message->msg_hdr.msg_iov[0].iov_len, length = 0, last_length;
    struct packet *first = CONTAINER_OF(end->received.next, struct packet, link), *packet = first;
    unsigned segments = 0;
    do {
        if (length + packet->length > room)
            sim_fail("recvmmsg cuts off a packet");
        memcpy(out + length, packet->bytes, packet->length);
        length += packet->length;
        last_length = packet->length;
        segments++;
        list_remove(&packet->link);
        end->receive_bytes -= cost_of(packet);
        tell(packet, PACKET_DELIVERED);
        if (packet != first)
            kernel_free(packet);
        packet = list_is_empty(&end->received) ? NULL : CONTAINER_OF(end->received.next, struct packet, link);
    } while (packet && end->merges && segments < SEGMENTS_MAX && last_length == first->length &&
             fits_behind(first, packet) && length + packet->length <= RUN_BYTES_MAX &&
             !sim_one_in(&net.chance, 8));
    message->msg_len = (unsigned)length;
    message->msg_hdr.msg_namelen = put_endpoint(&first->from, message->msg_hdr.msg_name);
    message->msg_hdr.msg_flags = 0;
    write_controls(end, first, segments > 1, &message->msg_hdr);
    kernel_free(first);
}

int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
    static const int errors[] = {EINTR, ENOMEM, ECONNREFUSED};
    call_begin();
    struct datagram_end *end = get_end(fd, "recvmmsg");
    unsigned received = 0;
    assert(flags == 0 && timeout == NULL);
    int error = datagram_fault("recvmmsg", errors);
    if (error == 0 && list_is_empty(&end->received))
        error = EAGAIN;
    if (error) {
        errno = error;
        return -1;
    }
    while (received < count && !list_is_empty(&end->received))
        receive_one(end, &messages[received++]);
    sim_trace("recvmmsg(%d, %u) = %u", fd, count, received);
    call_got_on();
    return (int)received;
}
