/* 03-threads with a mistake that many texts make: the thread is given the address of `fd`, not its value.
 *
 * When the thread reads it, the next accept may have changed it: then two threads serve one client, and
 * another client gets no answer. */
#include <err.h>
#include <netinet/in.h>
#include <pthread.h>
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

static void *thread_main(void *argument)
{
    serve(*(int *)argument);
    return NULL;
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 8080;
    int listener = listen_on(port);
    fprintf(stderr, "http://127.0.0.1:%d/\n", port);
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        pthread_t thread;
        if (pthread_create(&thread, &detached, thread_main, &fd) != 0)
            close(fd); /* no memory for one more stack: the client is told at once */
    }
}
