/* Each client is a few bytes beside its socket. The small answer fits into one packet, so that its end is
 * looked for in what one read gives; this is a measuring device on loopback and no HTTP client. */
#include "lab/run/background.h"

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

struct background {
    struct address server;
    enum background_kind kind;
    int epoll_fd;
    unsigned held;
    unsigned pending; /* connecting or waiting */
    unsigned count;
    unsigned count_max;
    struct background_outcome outcome; /* of the background_grow under way */
    struct client clients[];
};

#define REQUEST(path) "GET " path " HTTP/1.1\r\nHost: lab\r\n"

static struct slice request_of(enum background_kind kind)
{
    switch (kind) {
    case BACKGROUND_IDLE: return SLICE(REQUEST(BACKGROUND_SMALL_PATH) "\r\n");
    case BACKGROUND_SLOW_HEAD: return SLICE(REQUEST(BACKGROUND_SMALL_PATH) "X-Drip: ");
    case BACKGROUND_SLOW_READ: return SLICE(REQUEST(BACKGROUND_LARGE_PATH) "\r\n");
    }
    UNREACHABLE();
}

/* --- life --- */

struct background *background_create(const struct address *server, enum background_kind kind,
                                     unsigned count_max)
{
    struct background *background = calloc(1, sizeof(*background) + count_max * sizeof(struct client));
    if (background == NULL)
        return NULL;
    background->server = *server;
    background->kind = kind;
    background->count_max = count_max;
    background->epoll_fd = sys_epoll_create();
    if (background->epoll_fd < 0) {
        free(background);
        return NULL;
    }
    return background;
}

/* Linger 0 sends a reset, and no port is left in TIME_WAIT, of which there are fewer than clients. */
static void close_client(struct background *background, struct client *client)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    sys_close(client->fd);
    background->held -= client->state == CLIENT_HELD;
    background->pending -= client->state < CLIENT_HELD;
    client->state = CLIENT_GONE;
}

void background_destroy(struct background *background)
{
    if (background == NULL)
        return;
    for (unsigned i = 0; i < background->count; i++) {
        if (background->clients[i].state != CLIENT_GONE)
            close_client(background, &background->clients[i]);
    }
    sys_close(background->epoll_fd);
    free(background);
}

unsigned background_held(const struct background *background)
{
    return background->held;
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
static int open_socket(enum background_kind kind)
{
    int bytes = 4096;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && kind == BACKGROUND_SLOW_READ)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    return fd < 0 ? -errno : fd;
}

static void add_client(struct background *background)
{
    struct client *client = &background->clients[background->count];
    int fd = open_socket(background->kind);
    int error = fd < 0 ? fd : 0;
    if (error == 0 && is_loopback(&background->server))
        bind_address(fd, background->count);
    if (error == 0 && connect(fd, &background->server.any, background->server.length) < 0 &&
        errno != EINPROGRESS)
        error = -errno;
    if (error == 0)
        error = sys_epoll_add(background->epoll_fd, fd, EPOLLIN | EPOLLOUT | EPOLLET, client);
    if (error) {
        background->outcome.local_error = error;
        if (fd >= 0)
            sys_close(fd);
        return;
    }
    *client = (struct client){.fd = fd, .state = CLIENT_CONNECTING};
    background->count++;
    background->pending++;
}

/* --- what happens to a client --- */

static void count_failure(struct background *background, struct client *client, int error)
{
    struct background_outcome *outcome = &background->outcome;
    unsigned *count = client->state == CLIENT_HELD         ? &outcome->lost
                      : client->state == CLIENT_CONNECTING ? &outcome->refused
                      : error                              ? &outcome->reset
                                                           : &outcome->closed;
    (*count)++;
    close_client(background, client);
}

static void send_request(struct background *background, struct client *client)
{
    struct slice request = request_of(background->kind);
    ssize_t sent = send(client->fd, request.data, request.length, MSG_NOSIGNAL);
    if (sent < 0) {
        count_failure(background, client, -errno);
        return;
    }
    client->state = CLIENT_WAITING;
    if (background->kind == BACKGROUND_IDLE)
        return;
    client->state = CLIENT_HELD;
    background->pending--;
    background->held++;
    background->outcome.answered++;
}

static void read_answer(struct background *background, struct client *client)
{
    char bytes[4096];
    ssize_t got = recv(client->fd, bytes, sizeof(bytes), 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        count_failure(background, client, got < 0 ? -errno : 0);
        return;
    }
    if (client->state != CLIENT_WAITING)
        return;
    if (!slice_starts_with(slice_make(bytes, (size_t)got), SLICE("HTTP/1.1 200"))) {
        background->outcome.rejected++;
        close_client(background, client);
        return;
    }
    client->state = CLIENT_HELD;
    background->pending--;
    background->held++;
    background->outcome.answered++;
}

static void handle_event(struct background *background, struct client *client, uint32_t events)
{
    int error = 0;
    socklen_t size = sizeof(error);
    if (client->state == CLIENT_GONE)
        return;
    if (client->state == CLIENT_CONNECTING) {
        getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error)
            count_failure(background, client, -error);
        else if (events & EPOLLOUT)
            send_request(background, client);
        return;
    }
    if (background->kind == BACKGROUND_IDLE && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        read_answer(background, client);
}

/* Takes what is there; returns how many events that were. */
static int turn(struct background *background)
{
    struct epoll_event events[256];
    int count = sys_epoll_wait(background->epoll_fd, events, ARRAY_LENGTH(events), 0);
    for (int i = 0; i < count; i++)
        handle_event(background, events[i].data.ptr, events[i].events);
    return count;
}

/* --- growing --- */

/* Whoever still has no answer, when the time is up. */
static void give_up_pending(struct background *background)
{
    for (unsigned i = 0; i < background->count; i++) {
        struct client *client = &background->clients[i];
        if (client->state >= CLIENT_HELD)
            continue;
        background->outcome.unconnected += client->state == CLIENT_CONNECTING;
        background->outcome.silent += client->state == CLIENT_WAITING;
        close_client(background, client);
    }
}

struct background_outcome background_grow(struct background *background, unsigned count, unsigned timeout_ms,
                                          struct watch *watch)
{
    background->outcome = (struct background_outcome){0};
    count = MIN(count, background->count_max - background->count);
    for (unsigned i = 0; i < count && background->outcome.local_error == 0; i++)
        add_client(background);
    uint64_t end_ns = sys_monotonic_ns() + timeout_ms * UINT64_C(1000000);
    while (background->pending > 0 && sys_monotonic_ns() < end_ns &&
           watch_wait(watch, background->epoll_fd, 50)) {
        unsigned before = background->pending;
        while (turn(background) > 0)
            continue;
        if (background->pending < before)
            end_ns = sys_monotonic_ns() + timeout_ms * UINT64_C(1000000);
    }
    give_up_pending(background);
    return background->outcome;
}

#define BATCH_LEAST 16
#define BATCH_MOST  1024

unsigned background_next_batch(unsigned held, unsigned wanted)
{
    unsigned batch = MIN(MAX(held, (unsigned)BATCH_LEAST), (unsigned)BATCH_MOST);
    return MIN(batch, wanted - held);
}

bool background_gather(struct background *background, unsigned wanted, unsigned timeout_ms,
                       struct watch *watch)
{
    while (background->held < wanted && !watch->was_interrupted) {
        unsigned batch = background_next_batch(background->held, wanted);
        struct background_outcome outcome = background_grow(background, batch, timeout_ms, watch);
        if (outcome.answered < batch || outcome.lost > 0)
            return false;
    }
    return background->held >= wanted;
}

/* --- slow ones --- */

static void step_client(struct background *background, struct client *client)
{
    char sip[256];
    ssize_t result = background->kind == BACKGROUND_SLOW_HEAD
                         ? send(client->fd, "a", 1, MSG_NOSIGNAL | MSG_DONTWAIT)
                         : recv(client->fd, sip, sizeof(sip), MSG_DONTWAIT);
    if (result == 0 || (result < 0 && errno != EAGAIN))
        close_client(background, client);
}

void background_step(struct background *background)
{
    if (background == NULL)
        return;
    for (unsigned i = 0; i < background->count; i++) {
        if (background->clients[i].state == CLIENT_HELD)
            step_client(background, &background->clients[i]);
    }
}

/* --- words --- */

static void tell_fault(struct buffer *line, unsigned count, const char *what)
{
    if (count)
        buffer_printf(line, "%s%u %s", line->length ? ", " : "", count, what);
}

void background_tell(const struct background_outcome *outcome, unsigned tried, unsigned timeout_ms,
                     char *text, size_t size)
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
