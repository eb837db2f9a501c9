/* Workers: the loop once for each processor, in a process of its own with a socket of its own.
 *
 * SO_REUSEPORT lets them listen on the same port; the kernel spreads the connections by a hash of their
 * addresses. They share nothing, so they lock nothing.
 *
 * What costs most now is the way into the kernel: six system calls for an answer. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX     20000
#define EVENTS_MAX  64
#define BIG_BYTES   (20 << 20)
#define SLOW_MS     900
#define BUSY_US     500
#define THREADS     8
#define WORKERS_MAX 64
#define SILENCE_MS  2000

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
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, SOMAXCONN) < 0)
        err(1, "port %d", port);
    return fd;
}

enum state { RECEIVING, OFFLOADED, SENDING, DONE };

static struct client {
    struct client *previous, *next; /* in the list; a client that is not in it is its own neighbour */
    long active_ms;                 /* when it last did something */
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

static struct client silent = {.previous = &silent, .next = &silent}; /* the longest silent one is next */

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void leave_list(struct client *client)
{
    client->previous->next = client->next;
    client->next->previous = client->previous;
    client->previous = client->next = client;
}

static void join_list(struct client *client)
{
    client->active_ms = now_ms();
    client->next = &silent;
    client->previous = silent.previous;
    client->previous->next = client->next->previous = client;
}

/* Returns how long it is until the next one may have to be closed; -1: for ever. */
static int close_silent(void)
{
    while (silent.next != &silent) {
        long left_ms = silent.next->active_ms + SILENCE_MS - now_ms();
        if (left_ms > 0)
            return (int)left_ms;
        close((int)(silent.next - clients));
        leave_list(silent.next);
    }
    return -1;
}

static int spare; /* a descriptor */

static void turn_away(int listener)
{
    close(spare);
    close(accept(listener, NULL, NULL));
    spare = open("/dev/null", O_RDONLY);
}

static void accept_client(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE))
        turn_away(listener);
    if (fd < 0)
        return;
    if (fd >= FDS_MAX) {
        close(fd);
        return;
    }
    clients[fd].state = RECEIVING;
    clients[fd].length = 0;
    join_list(&clients[fd]);
    wait_for(fd, EPOLLIN | EPOLLOUT | EPOLLET);
}

struct queue {
    int fds[FDS_MAX]; /* never full: each client is in it once at most */
    unsigned put_count, taken_count;
    pthread_mutex_t lock;
    pthread_cond_t has_client;
};

static struct queue jobs = {.lock = PTHREAD_MUTEX_INITIALIZER, .has_client = PTHREAD_COND_INITIALIZER};
static struct queue finished = {.lock = PTHREAD_MUTEX_INITIALIZER, .has_client = PTHREAD_COND_INITIALIZER};
static int finished_count; /* an eventfd: how many are in that queue */

static void put_client(struct queue *queue, int fd)
{
    pthread_mutex_lock(&queue->lock);
    queue->fds[queue->put_count++ % FDS_MAX] = fd;
    pthread_cond_signal(&queue->has_client);
    pthread_mutex_unlock(&queue->lock);
}

static int take_client(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->put_count == queue->taken_count)
        pthread_cond_wait(&queue->has_client, &queue->lock);
    int fd = queue->fds[queue->taken_count++ % FDS_MAX];
    pthread_mutex_unlock(&queue->lock);
    return fd;
}

static void *thread_main(void *unused)
{
    for (;;) {
        int fd = take_client(&jobs);
        usleep(SLOW_MS * 1000);
        put_client(&finished, fd);
        eventfd_write(finished_count, 1);
    }
    return unused;
}

static void compute(void)
{
    clock_t start = clock();
    while (clock() - start < BUSY_US * CLOCKS_PER_SEC / 1000000)
        continue;
}

static void choose_answer(struct client *client)
{
    if (strncmp(client->request, "GET /busy ", 10) == 0)
        compute();
    bool is_big = strncmp(client->request, "GET /big ", 9) == 0;
    client->answer = is_big ? big : hello;
    client->answer_length = is_big ? big_length : sizeof(hello) - 1;
    client->state = SENDING;
    if (strncmp(client->request, "GET /slow ", 10) == 0) {
        client->state = OFFLOADED;
        put_client(&jobs, (int)(client - clients));
    }
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
    while (step(fd, &clients[fd]))
        continue;
    leave_list(&clients[fd]);
    if (clients[fd].state == DONE)
        close(fd); /* epoll forgets it then */
    else if (clients[fd].state != OFFLOADED)
        join_list(&clients[fd]);
}

static void take_finished(void)
{
    eventfd_t count = 0;
    eventfd_read(finished_count, &count);
    while (count-- > 0) {
        int fd = take_client(&finished);
        clients[fd].state = SENDING;
        advance(fd);
    }
}

static void run_loop(int listener)
{
    poller = epoll_create1(0);
    spare = open("/dev/null", O_RDONLY);
    finished_count = eventfd(0, 0);
    wait_for(finished_count, EPOLLIN);
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, thread_main, NULL) != 0)
            errx(1, "no thread");
    }
    wait_for(listener, EPOLLIN);
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(poller, events, EVENTS_MAX, close_silent());
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                accept_client(listener);
            else if (fd == finished_count)
                take_finished();
            else
                advance(fd);
        }
    }
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 8080;
    make_big();
    int count = argc > 2 ? atoi(argv[2]) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    int listeners[WORKERS_MAX];
    if (count > WORKERS_MAX)
        count = WORKERS_MAX;
    for (int i = 0; i < count; i++)
        listeners[i] = listen_on(port);
    fprintf(stderr, "http://127.0.0.1:%d/\n", port);
    for (int i = 0; i < count; i++) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL); /* no worker outlives the first process */
            run_loop(listeners[i]);
        }
    }
    while (wait(NULL) > 0)
        continue;
}
