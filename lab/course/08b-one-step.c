/* 08-room with a mistake: the state machine takes one step for each event.
 *
 * The request is there, the state is SENDING, and the loop waits for room to send. There was room all the
 * time: nothing changes, so no event comes, and the client hangs. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS_MAX    20000
#define EVENTS_MAX 64
#define BIG_BYTES  (20 << 20)

static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";

static char big[BIG_BYTES + 100]; /* with its head */
static size_t big_length;

static void make_big(void)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n";
    big_length = (size_t)sprintf(big, head, BIG_BYTES) + BIG_BYTES;
    memset(big + big_length - BIG_BYTES, 'v', BIG_BYTES);
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, SOMAXCONN) < 0)
        err(1, "port %d", port);
    return fd;
}

enum state { RECEIVING, SENDING, DONE };

static struct client {
    enum state state;
    size_t length;
    char request[4096];
    const char *answer; /* what is left to send */
    size_t answer_length;
} clients[FDS_MAX]; /* by descriptor: the kernel reuses the lowest, so they stay small */

static int poller;

static void wait_for(int fd, unsigned events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

static void accept_client(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (fd >= FDS_MAX) {
        close(fd);
        return;
    }
    clients[fd].state = RECEIVING;
    clients[fd].length = 0;
    wait_for(fd, EPOLLIN | EPOLLOUT | EPOLLET);
}

static void choose_answer(struct client *client)
{
    bool is_big = strncmp(client->request, "GET /big ", 9) == 0;
    client->answer = is_big ? big : hello;
    client->answer_length = is_big ? big_length : sizeof(hello) - 1;
    client->state = SENDING;
}

/* These two return false when they have to wait for the client. */
static bool receive_some(int fd, struct client *client)
{
    size_t room = sizeof(client->request) - 1 - client->length;
    ssize_t count = recv(fd, client->request + client->length, room, 0);
    if (count <= 0) {
        client->state = count < 0 && errno == EAGAIN ? RECEIVING : DONE;
        return false;
    }
    client->length += count;
    client->request[client->length] = '\0';
    if (strstr(client->request, "\r\n\r\n") != NULL)
        choose_answer(client);
    return true;
}

static bool send_some(int fd, struct client *client)
{
    ssize_t count = send(fd, client->answer, client->answer_length, MSG_NOSIGNAL);
    if (count < 0) {
        client->state = errno == EAGAIN ? SENDING : DONE;
        return false;
    }
    client->answer += count;
    client->answer_length -= count;
    if (client->answer_length == 0)
        client->state = DONE;
    return true;
}

/* One step; true while there may be another one. */
static bool step(int fd, struct client *client)
{
    switch (client->state) {
    case RECEIVING: return receive_some(fd, client);
    case SENDING: return send_some(fd, client);
    default: return false;
    }
}

static void advance(int fd)
{
    step(fd, &clients[fd]);
    if (clients[fd].state == DONE)
        close(fd); /* which takes it off the list as well */
}

static void run_loop(int listener)
{
    poller = epoll_create1(0);
    wait_for(listener, EPOLLIN);
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(poller, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                accept_client(listener);
            else
                advance(fd);
        }
    }
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 8080;
    make_big();
    int listener = listen_on(port);
    fprintf(stderr, "http://127.0.0.1:%d/\n", port);
    run_loop(listener);
}
