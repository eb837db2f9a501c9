/* A pool: eight threads, and a queue of clients for them. More clients need no more memory.
 *
 * What breaks it: eight silent clients, each of which holds a thread. */
#include <err.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS 8
#define PLACES  64

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

static int queue[PLACES];
static unsigned put_count, taken_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_client = PTHREAD_COND_INITIALIZER, has_place = PTHREAD_COND_INITIALIZER;

/* Waits for a place: clients beyond that stay in the kernel's queue, which is bounded too. */
static void put_client(int fd)
{
    pthread_mutex_lock(&lock);
    while (put_count - taken_count == PLACES)
        pthread_cond_wait(&has_place, &lock);
    queue[put_count++ % PLACES] = fd;
    pthread_cond_signal(&has_client);
    pthread_mutex_unlock(&lock);
}

static int take_client(void)
{
    pthread_mutex_lock(&lock);
    while (put_count == taken_count)
        pthread_cond_wait(&has_client, &lock);
    int fd = queue[taken_count++ % PLACES];
    pthread_cond_signal(&has_place);
    pthread_mutex_unlock(&lock);
    return fd;
}

static void *thread_main(void *unused)
{
    for (;;)
        serve(take_client());
    return unused;
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 8080;
    int listener = listen_on(port);
    fprintf(stderr, "http://127.0.0.1:%d/\n", port);
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, thread_main, NULL) != 0)
            errx(1, "no thread");
    }
    for (;;)
        put_client(accept(listener, NULL, NULL));
}
