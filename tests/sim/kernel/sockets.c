/* The server's ends of connections, and the sockets that listen: their states, as Linux' TCP has them.
 *
 * Closing with bytes unread, and bytes that arrive for a descriptor that is closed, make an RST; an RST takes
 * with it what the server has not sent yet. A pending error is told once, by whichever call comes first. */
#include "datagrams.h"
#include "network.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

int __wrap_socket(int family, int type, int protocol);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t length);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_listen(int fd, int backlog);
int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *length);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);

/* Connections that wait to be accepted: few enough that a crowd fills the queue. */
#define BACKLOG_MAX 64

struct listening {
    struct open_file file;
    struct list link;  /* in `listenings` */
    struct list queue; /* struct server_end */
    unsigned count;    /* of the queue */
    unsigned backlog;  /* 0: does not listen yet */
    uint16_t port;
    bool defers;
};

static struct list listenings;

void listeners_start(void)
{
    list_init(&listenings);
}

static struct listening *listening_of(struct open_file *file)
{
    return CONTAINER_OF(file, struct listening, file);
}

static struct connection_pair *pair_of_file(struct open_file *file)
{
    return CONTAINER_OF(file, struct connection_pair, server.file);
}

static struct listening *find_listening(uint16_t port)
{
    LIST_FOREACH(link, &listenings) {
        struct listening *listening = CONTAINER_OF(link, struct listening, link);
        if (listening->port == port && listening->backlog > 0)
            return listening;
    }
    return NULL;
}

static int fail_with(int error)
{
    errno = error;
    return -1;
}

/* ---- the server's end of a connection ---- */

void server_moved(struct connection_pair *pair)
{
    pair->moved_us = sim_now_us();
}

void server_ended(struct connection_pair *pair)
{
    pair->ended_us = MIN(pair->ended_us, sim_now_us());
}

/* Linux: a third of the buffer is free. */
static bool has_space(const struct channel *down)
{
    return channel_room(down) * 3 >= down->send_max;
}

static unsigned socket_mask(struct open_file *file)
{
    struct connection_pair *pair = pair_of_file(file);
    struct server_end *end = &pair->server;
    if (end->is_connecting)
        return 0;
    unsigned mask = end->error ? EPOLLERR : 0u;
    bool peer_ended = end->is_dead || pair->up.fin_arrived;
    bool may_not_send = end->is_dead || end->is_shut;
    if (peer_ended && may_not_send)
        mask |= EPOLLHUP;
    if (peer_ended)
        mask |= EPOLLIN | EPOLLRDHUP;
    if (channel_available(&pair->up) > 0)
        mask |= EPOLLIN;
    if (may_not_send || has_space(&pair->down))
        mask |= EPOLLOUT;
    else
        end->lacks_space = true;
    return mask;
}

static void die(struct connection_pair *pair, int error)
{
    pair->server.is_dead = true;
    pair->server.error = error;
    pair->down.is_cut = true;
    pair->down.written = pair->down.sent;
    ready_wake(&pair->server.file, 0);
}

void server_break(struct connection_pair *pair, int error)
{
    if (pair->server.is_dead)
        return;
    channel_reset(&pair->down);
    die(pair, error);
}

/* close(2), or the end of a listener that never accepted it. */
static void close_end(struct connection_pair *pair)
{
    pair->server.is_closed = true;
    server_ended(pair);
    if (pair->server.is_connecting)
        peers_give_up(pair);
    if (pair->server.is_dead || pair->server.is_connecting)
        return;
    if (channel_available(&pair->up) > 0 || pair->server.resets)
        server_break(pair, 0);
    else if (!pair->server.is_shut)
        channel_end(&pair->down);
}

static void socket_release(struct open_file *file)
{
    close_end(pair_of_file(file));
}

const struct file_class socket_class = {
    .name = "a connection", .mask = socket_mask, .release = socket_release};

static void note_leaving(struct connection_pair *pair)
{
    struct server_end *end = &pair->server;
    end->has_left = true;
    end->is_obscured = channel_available(&pair->up) > 0 || pair->up.fin_arrived;
    end->left_at_call = calls_made();
    end->left_in_turn = calls_turns();
    end->left_after_faults = faults_of(CALL_poll);
}

const struct server_end *server_end_of(int fd)
{
    return &pair_of_file(descriptor_get(fd, &socket_class, "a job"))->server;
}

void network_turned_away(int fd)
{
    pair_of_file(descriptor_get(fd, &socket_class, "an oracle"))->server.is_turned_away = true;
}

struct connection_facts network_facts(int fd)
{
    const struct connection_pair *pair = pair_of_file(descriptor_get(fd, &socket_class, "an oracle"));
    uint64_t moved_us = MAX(MAX(pair->moved_us, pair->arrived_us), pair->down.sent_us);
    return (struct connection_facts){
        .address = pair->client.address,
        .quiet_us = sim_now_us() - moved_us,
        .is_taken = pair->down.acked == pair->down.written,
        .faults_before = pair->server.accepted_after_faults,
    };
}

void server_has_arrival(struct connection_pair *pair, enum flight_kind kind)
{
    struct server_end *end = &pair->server;
    call_had_reason();
    if (kind == FLIGHT_DATA)
        pair->arrived_us = sim_now_us();
    if (end->is_dead)
        return;
    if (end->is_closed) {
        if (kind == FLIGHT_RESET)
            die(pair, 0);
        else if (kind == FLIGHT_DATA)
            server_break(pair, 0);
        return;
    }
    if (kind == FLIGHT_RESET) {
        note_leaving(pair);
        die(pair, pair->up.fin_arrived ? EPIPE : ECONNRESET);
        return;
    }
    if (!end->is_known)
        server_queue(pair);
    /* A FIN is a change of state: it is told whatever is waited for. */
    ready_wake(&end->file, kind == FLIGHT_DATA ? EPOLLIN : 0u);
}

void server_has_room(struct connection_pair *pair)
{
    struct server_end *end = &pair->server;
    server_moved(pair);
    call_had_reason();
    if (!end->lacks_space || !has_space(&pair->down))
        return;
    end->lacks_space = false;
    ready_wake(&end->file, EPOLLOUT);
}

void server_begin_connecting(struct connection_pair *pair, int fd)
{
    struct server_end *end = &pair->server;
    open_file_init(&end->file, &socket_class);
    list_init(&end->queued);
    end->is_known = end->is_connecting = true;
    descriptor_replace(fd, &end->file);
}

void server_end_connecting(struct connection_pair *pair, int error)
{
    struct server_end *end = &pair->server;
    end->is_connecting = false;
    call_had_reason();
    if (error) {
        die(pair, error);
        return;
    }
    end->is_accepted = true;
    end->accepted_after_faults = faults_count();
    server_moved(pair);
    ready_wake(&end->file, 0);
}

void server_queue(struct connection_pair *pair)
{
    struct server_end *end = &pair->server;
    struct listening *listening = find_listening(pair->port);
    if (end->is_known || end->is_dead)
        return;
    sim_cancel(&pair->handshake);
    open_file_init(&end->file, &socket_class);
    list_init(&end->queued);
    end->is_known = true;
    if (listening == NULL) {
        end->is_closed = true;
        server_break(pair, 0);
        return;
    }
    list_append(&listening->queue, &end->queued);
    listening->count++;
    ready_wake(&listening->file, EPOLLIN);
}

enum syn_answer server_syn(const struct connection_pair *pair, bool *ret_defers)
{
    const struct listening *listening = find_listening(pair->port);
    if (listening == NULL)
        return SYN_REFUSED;
    *ret_defers = listening->defers;
    return listening->count >= listening->backlog ? SYN_IGNORED : SYN_ACCEPTED;
}

/* ---- listening ---- */

static unsigned listening_mask(struct open_file *file)
{
    return list_is_empty(&listening_of(file)->queue) ? 0 : EPOLLIN;
}

static struct connection_pair *take_first(struct listening *listening)
{
    struct server_end *end = CONTAINER_OF(listening->queue.next, struct server_end, queued);
    list_remove(&end->queued);
    listening->count--;
    return CONTAINER_OF(end, struct connection_pair, server);
}

static void listening_release(struct open_file *file)
{
    struct listening *listening = listening_of(file);
    while (!list_is_empty(&listening->queue)) {
        struct connection_pair *pair = take_first(listening);
        pair->server.is_closed = true;
        server_break(pair, 0);
    }
    list_remove(&listening->link);
    kernel_free(listening);
}

const struct file_class listener_class = {
    .name = "a listener", .mask = listening_mask, .release = listening_release};

static struct listening *get_listening(int fd, const char *call)
{
    return listening_of(descriptor_get(fd, &listener_class, call));
}

int __wrap_socket(int family, int type, int protocol)
{
    (void)protocol;
    call_begin();
    if (type == (SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC))
        return datagrams_open(family);
    if (family != AF_INET || type != (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC))
        return fail_with(EAFNOSUPPORT);
    struct listening *listening = kernel_alloc(sizeof(*listening));
    open_file_init(&listening->file, &listener_class);
    list_init(&listening->queue);
    list_init(&listening->link);
    list_append(&listenings, &listening->link);
    int fd = descriptor_install(&listening->file);
    if (fd < 0)
        shortage_of_descriptors("socket", NULL);
    return fd < 0 ? fail_with(-fd) : fd;
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
    (void)length;
    call_begin();
    struct open_file *file = descriptor_get(fd, NULL, "setsockopt");
    if (file->class == &datagram_class)
        return datagrams_set_option(file, level, option, *(const int *)value);
    if (file->class == &socket_class) {
        assert(level == SOL_SOCKET && option == SO_LINGER);
        pair_of_file(file)->server.resets = true;
        return 0;
    }
    struct listening *listening = get_listening(fd, "setsockopt");
    if (level == IPPROTO_TCP && option == TCP_DEFER_ACCEPT)
        listening->defers = *(const int *)value > 0;
    return 0;
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    (void)length;
    call_begin();
    struct open_file *file = descriptor_get(fd, NULL, "bind");
    if (file->class == &datagram_class)
        return datagrams_bind(file, address);
    get_listening(fd, "bind")->port = ntohs(((const struct sockaddr_in *)address)->sin_port);
    return 0;
}

int __wrap_listen(int fd, int backlog)
{
    call_begin();
    struct listening *listening = get_listening(fd, "listen");
    if (find_listening(listening->port))
        return fail_with(EADDRINUSE);
    struct sim_chance chance = sim_chance_for("backlog", 0);
    listening->backlog = (unsigned)MIN((uint64_t)backlog, sim_between(&chance, 1, BACKLOG_MAX));
    return 0;
}

static void put_address(struct sockaddr *out, socklen_t *length, uint32_t host, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host)};
    memcpy(out, &address, MIN((size_t)*length, sizeof(address)));
    *length = sizeof(address);
}

int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    call_begin();
    put_address(address, length, INADDR_LOOPBACK, get_listening(fd, "getsockname")->port);
    return 0;
}

/* Errors of the connection itself take it with them; for want of anything else it stays. */
static bool is_of_connection(int error)
{
    return error == ECONNABORTED || error == EPERM || error == EPROTO || error == ETIMEDOUT ||
           error == EHOSTUNREACH;
}

static int accept_fault(struct listening *listening)
{
    struct server_end *first = list_is_empty(&listening->queue)
                                   ? NULL
                                   : CONTAINER_OF(listening->queue.next, struct server_end, queued);
    struct sim_socket *client = first ? &CONTAINER_OF(first, struct connection_pair, server)->client : NULL;
    int error = fault_for(CALL_accept4, (struct call_target){.socket = client});
    if (!is_of_connection(error))
        return error;
    if (first == NULL)
        return EAGAIN;
    struct connection_pair *pair = take_first(listening);
    pair->server.is_closed = true;
    server_break(pair, 0);
    return error;
}

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    call_begin();
    struct listening *listening = get_listening(fd, "accept4");
    assert(flags == (SOCK_NONBLOCK | SOCK_CLOEXEC));
    /* The descriptor is taken before the queue is looked at. */
    int error = descriptor_is_free() ? accept_fault(listening) : EMFILE;
    if (!descriptor_is_free())
        shortage_of_descriptors("accept4", NULL);
    if (error == 0 && list_is_empty(&listening->queue))
        error = EAGAIN;
    if (error) {
        sim_trace("accept4(%d): %s", fd, strerrorname_np(error));
        return fail_with(error);
    }
    struct connection_pair *pair = take_first(listening);
    pair->server.is_accepted = true;
    pair->server.accepted_after_faults = faults_count();
    server_moved(pair);
    call_got_on();
    put_address(address, length, pair->client.address, pair->client.port);
    int accepted = descriptor_install(&pair->server.file);
    serving_enter(serving_of(accepted));
    sim_trace("accept4(%d) = %d: connection %u", fd, accepted, pair->number);
    return accepted;
}
