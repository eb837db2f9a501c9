/* poll: the same question with an array in place of the bits, so it has no end at 1,024.
 *
 * What breaks it: many idle clients. Each call looks at all of them, here and in the kernel, to find the one
 * that has something. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS_MAX 20000

static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";

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

static struct client {
    size_t length;
    char request[4096];
} clients[FDS_MAX]; /* by descriptor: the kernel reuses the lowest, so they stay small */

static struct pollfd waiting[FDS_MAX]; /* by descriptor; -1: poll passes over it */
static int fd_end;                     /* past the highest */

static void wait_for(int fd)
{
    waiting[fd] = (struct pollfd){.fd = fd, .events = POLLIN};
    if (fd_end <= fd)
        fd_end = fd + 1;
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
    clients[fd].length = 0;
    wait_for(fd);
}

/* False: the connection is to be closed. */
static bool advance(int fd)
{
    struct client *client = &clients[fd];
    size_t room = sizeof(client->request) - 1 - client->length;
    ssize_t count = recv(fd, client->request + client->length, room, 0);
    if (count <= 0)
        return count < 0 && errno == EAGAIN;
    client->length += count;
    client->request[client->length] = '\0';
    if (strstr(client->request, "\r\n\r\n") == NULL)
        return true;
    send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL);
    return false;
}

static void close_client(int fd)
{
    waiting[fd].fd = -1;
    close(fd);
}

static void run_loop(int listener)
{
    for (int fd = 0; fd < FDS_MAX; fd++)
        waiting[fd].fd = -1;
    wait_for(listener);
    for (;;) {
        poll(waiting, fd_end, -1);
        for (int fd = 0; fd < fd_end; fd++) {
            if (waiting[fd].revents == 0)
                continue;
            if (fd == listener)
                accept_client(listener);
            else if (!advance(fd))
                close_client(fd);
        }
    }
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 8080;
    int listener = listen_on(port);
    fprintf(stderr, "http://127.0.0.1:%d/\n", port);
    run_loop(listener);
}
