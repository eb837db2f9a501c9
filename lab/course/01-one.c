/* One client at a time: accept, read, write, close. Every text about sockets begins with this server.
 *
 * What breaks it: half a request, which is answered like a whole one; and a client that resets its
 * connection, as sending to it raises SIGPIPE, which ends the program. */
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
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

static void serve(int fd)
{
    char request[4096];
    recv(fd, request, sizeof(request), 0);
    send(fd, hello, sizeof(hello) - 1, 0);
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
