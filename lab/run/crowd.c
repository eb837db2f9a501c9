/* Each client is a few bytes beside its socket. The small answer fits into one packet, so that its end is
 * looked for in what one read gives; this is a measuring device on loopback and no HTTP client. */
#include "lab/run/crowd.h"

#include "base/buffer.h"
#include "sys/clock.h"
#include "sys/event.h"
#include "sys/process.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum client_state {
    CLIENT_CONNECTING, /* until the socket is writable */
    CLIENT_WAITING,    /* the request is sent */
    CLIENT_HELD,       /* answered; or dripping, or sipping */
    CLIENT_GONE,
};

struct client {
    int fd;
    enum client_state state;
};

struct crowd {
    struct address server;
    enum crowd_manner manner;
    int epoll_fd;
    unsigned held;
    unsigned pending; /* connecting or waiting */
    unsigned count;
    unsigned count_max;
    struct crowd_outcome outcome; /* of the crowd_grow under way */
    struct client clients[];
};

#define REQUEST(path) "GET " path " HTTP/1.1\r\nHost: lab\r\n"

static struct slice request_of(enum crowd_manner manner)
{
    switch (manner) {
    case CROWD_STAYS: return SLICE(REQUEST(CROWD_SMALL_PATH) "\r\n");
    case CROWD_DRIPS: return SLICE(REQUEST(CROWD_SMALL_PATH) "X-Drip: ");
    case CROWD_SIPS: return SLICE(REQUEST(CROWD_LARGE_PATH) "\r\n");
    }
    UNREACHABLE();
}

/* --- life --- */

struct crowd *crowd_create(const struct address *server, enum crowd_manner manner, unsigned count_max)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd) + count_max * sizeof(struct client));
    if (crowd == NULL)
        return NULL;
    crowd->server = *server;
    crowd->manner = manner;
    crowd->count_max = count_max;
    crowd->epoll_fd = sys_epoll_create();
    if (crowd->epoll_fd < 0) {
        free(crowd);
        return NULL;
    }
    return crowd;
}

/* Linger 0 sends a reset, and no port is left in TIME_WAIT, of which there are fewer than clients. */
static void close_client(struct crowd *crowd, struct client *client)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    sys_close(client->fd);
    crowd->held -= client->state == CLIENT_HELD;
    crowd->pending -= client->state < CLIENT_HELD;
    client->state = CLIENT_GONE;
}

void crowd_destroy(struct crowd *crowd)
{
    if (crowd == NULL)
        return;
    for (unsigned i = 0; i < crowd->count; i++) {
        if (crowd->clients[i].state != CLIENT_GONE)
            close_client(crowd, &crowd->clients[i]);
    }
    sys_close(crowd->epoll_fd);
    free(crowd);
}

unsigned crowd_held(const struct crowd *crowd)
{
    return crowd->held;
}

/* --- connecting --- */

/* Once half of an address's ports are taken, the kernel looks at thousands for each new one. */
#define CLIENTS_OF_ADDRESS 4096

static bool is_loopback(const struct address *address)
{
    return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* Clients come from 127.0.0.2, and further ones from the addresses behind it. On another network they have
 * one address. */
static void bind_address(int fd, unsigned number)
{
    int without_port = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + number / CLIENTS_OF_ADDRESS),
    };
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &without_port, sizeof(without_port));
    int refused = bind(fd, (struct sockaddr *)&address, sizeof(address));
    (void)refused; /* then it comes from where the kernel likes */
}

/* A small window, so that the server's side of a large answer soon has to wait. */
static int open_socket(enum crowd_manner manner)
{
    int bytes = 4096;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && manner == CROWD_SIPS)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    return fd < 0 ? -errno : fd;
}

static void add_client(struct crowd *crowd)
{
    struct client *client = &crowd->clients[crowd->count];
    int fd = open_socket(crowd->manner);
    int error = fd < 0 ? fd : 0;
    if (error == 0 && is_loopback(&crowd->server))
        bind_address(fd, crowd->count);
    if (error == 0 && connect(fd, &crowd->server.any, crowd->server.length) < 0 && errno != EINPROGRESS)
        error = -errno;
    if (error == 0)
        error = sys_epoll_add(crowd->epoll_fd, fd, EPOLLIN | EPOLLOUT | EPOLLET, client);
    if (error) {
        crowd->outcome.local_error = error;
        if (fd >= 0)
            sys_close(fd);
        return;
    }
    *client = (struct client){.fd = fd, .state = CLIENT_CONNECTING};
    crowd->count++;
    crowd->pending++;
}

/* --- what happens to a client --- */

static void count_failure(struct crowd *crowd, struct client *client, int error)
{
    struct crowd_outcome *outcome = &crowd->outcome;
    unsigned *count = client->state == CLIENT_HELD         ? &outcome->lost
                      : client->state == CLIENT_CONNECTING ? &outcome->refused
                      : error                              ? &outcome->reset
                                                           : &outcome->closed;
    (*count)++;
    close_client(crowd, client);
}

static void send_request(struct crowd *crowd, struct client *client)
{
    struct slice request = request_of(crowd->manner);
    ssize_t sent = send(client->fd, request.data, request.length, MSG_NOSIGNAL);
    if (sent < 0) {
        count_failure(crowd, client, -errno);
        return;
    }
    client->state = CLIENT_WAITING;
    if (crowd->manner == CROWD_STAYS)
        return;
    client->state = CLIENT_HELD;
    crowd->pending--;
    crowd->held++;
    crowd->outcome.answered++;
}

static void read_answer(struct crowd *crowd, struct client *client)
{
    char bytes[4096];
    ssize_t got = recv(client->fd, bytes, sizeof(bytes), 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        count_failure(crowd, client, got < 0 ? -errno : 0);
        return;
    }
    if (client->state != CLIENT_WAITING)
        return;
    if (!slice_starts_with(slice_make(bytes, (size_t)got), SLICE("HTTP/1.1 200"))) {
        crowd->outcome.rejected++;
        close_client(crowd, client);
        return;
    }
    client->state = CLIENT_HELD;
    crowd->pending--;
    crowd->held++;
    crowd->outcome.answered++;
}

static void handle_event(struct crowd *crowd, struct client *client, uint32_t events)
{
    int error = 0;
    socklen_t size = sizeof(error);
    if (client->state == CLIENT_GONE)
        return;
    if (client->state == CLIENT_CONNECTING) {
        getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error)
            count_failure(crowd, client, -error);
        else if (events & EPOLLOUT)
            send_request(crowd, client);
        return;
    }
    if (crowd->manner == CROWD_STAYS && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        read_answer(crowd, client);
}

/* Takes what is there; returns how many events that were. */
static int turn(struct crowd *crowd)
{
    struct epoll_event events[256];
    int count = sys_epoll_wait(crowd->epoll_fd, events, ARRAY_LENGTH(events), 0);
    for (int i = 0; i < count; i++)
        handle_event(crowd, events[i].data.ptr, events[i].events);
    return count;
}

/* --- growing --- */

/* Whoever still has no answer, when the time is up. */
static void give_up_pending(struct crowd *crowd)
{
    for (unsigned i = 0; i < crowd->count; i++) {
        struct client *client = &crowd->clients[i];
        if (client->state >= CLIENT_HELD)
            continue;
        crowd->outcome.unconnected += client->state == CLIENT_CONNECTING;
        crowd->outcome.silent += client->state == CLIENT_WAITING;
        close_client(crowd, client);
    }
}

struct crowd_outcome crowd_grow(struct crowd *crowd, unsigned count, unsigned timeout_ms, struct watch *watch)
{
    crowd->outcome = (struct crowd_outcome){0};
    count = MIN(count, crowd->count_max - crowd->count);
    for (unsigned i = 0; i < count && crowd->outcome.local_error == 0; i++)
        add_client(crowd);
    uint64_t end_ns = sys_monotonic_ns() + timeout_ms * UINT64_C(1000000);
    while (crowd->pending > 0 && sys_monotonic_ns() < end_ns && watch_wait(watch, crowd->epoll_fd, 50)) {
        unsigned before = crowd->pending;
        while (turn(crowd) > 0)
            continue;
        if (crowd->pending < before)
            end_ns = sys_monotonic_ns() + timeout_ms * UINT64_C(1000000);
    }
    give_up_pending(crowd);
    return crowd->outcome;
}

#define BATCH_LEAST 16
#define BATCH_MOST  1024

unsigned crowd_next_batch(unsigned held, unsigned wanted)
{
    unsigned batch = MIN(MAX(held, (unsigned)BATCH_LEAST), (unsigned)BATCH_MOST);
    return MIN(batch, wanted - held);
}

bool crowd_gather(struct crowd *crowd, unsigned wanted, unsigned timeout_ms, struct watch *watch)
{
    while (crowd->held < wanted && !watch->was_interrupted) {
        unsigned batch = crowd_next_batch(crowd->held, wanted);
        struct crowd_outcome outcome = crowd_grow(crowd, batch, timeout_ms, watch);
        if (outcome.answered < batch || outcome.lost > 0)
            return false;
    }
    return crowd->held >= wanted;
}

/* --- slow ones --- */

static void step_client(struct crowd *crowd, struct client *client)
{
    char sip[256];
    ssize_t result = crowd->manner == CROWD_DRIPS ? send(client->fd, "a", 1, MSG_NOSIGNAL | MSG_DONTWAIT)
                                                  : recv(client->fd, sip, sizeof(sip), MSG_DONTWAIT);
    if (result == 0 || (result < 0 && errno != EAGAIN))
        close_client(crowd, client);
}

void crowd_step(struct crowd *crowd)
{
    if (crowd == NULL)
        return;
    for (unsigned i = 0; i < crowd->count; i++) {
        if (crowd->clients[i].state == CLIENT_HELD)
            step_client(crowd, &crowd->clients[i]);
    }
}

/* --- words --- */

static void tell_fault(struct buffer *line, unsigned count, const char *what)
{
    if (count)
        buffer_printf(line, "%s%u %s", line->length ? ", " : "", count, what);
}

void crowd_tell(const struct crowd_outcome *outcome, unsigned tried, unsigned timeout_ms, char *text,
                size_t size)
{
    struct buffer line;
    buffer_init(&line, size - 1);
    tell_fault(&line, outcome->refused, "refused");
    tell_fault(&line, outcome->unconnected, "not connected");
    tell_fault(&line, outcome->silent, "connected and not answered");
    tell_fault(&line, outcome->reset, "reset without an answer");
    tell_fault(&line, outcome->closed, "closed without an answer");
    tell_fault(&line, outcome->rejected, "answered with an error");
    if (line.length)
        buffer_printf(&line, " of %u more, within %u ms", tried, timeout_ms);
    tell_fault(&line, outcome->lost, "of those that had their answer were closed by the server");
    snprintf(text, size, "%.*s", (int)line.length, line.length ? line.data : "");
    buffer_finish(&line);
}
