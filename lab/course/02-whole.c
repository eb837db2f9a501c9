/* The whole request: bytes arrive in pieces, so read up to the blank line. And the client may be gone.
 *
 * What breaks it: a silent client. While the server waits for its request, nobody else is served. */
#include <err.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, SOMAXCONN) < 0)
        err(1, "port %d", port);
    return fd;
}

/* False: the client left before the blank line, or its request is too long. */
static bool receive_request(int fd)
{
    char request[4096];
    size_t length = 0;
    ssize_t count;
    while ((count = recv(fd, request + length, sizeof(request) - 1 - length, 0)) > 0) {
        length += count;
        request[length] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL)
            return true;
    }
    return false;
}

static void serve(int fd)
{
    if (receive_request(fd))
        send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL);
    close(fd);
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 8080;
    int listener = listen_on(port);
    fprintf(stderr, "http://127.0.0.1:%d/\n", port);
    for (;;)
        serve(accept(listener, NULL, NULL));
}
