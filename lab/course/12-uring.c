/* io_uring: not "tell me when I can", but "do it, and tell me when it is done".
 *
 * Operations go into one ring, results come out of another. Both are memory shared with the kernel, and one
 * system call hands over all new operations and waits for results. What the kernel works with belongs to the
 * kernel until its result is here: so a silent client is not closed but shut down, which ends its operation.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX     20000
#define ENTRIES     1024    /* a power of two */
#define NOBODY      FDS_MAX /* whose result is of no interest */
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
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
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

static int ring;
static struct io_uring_sqe *operations;
static unsigned *operations_tail, new_operations; /* not handed over yet */
static struct io_uring_cqe *results;
static unsigned *results_head, *results_tail, results_mask;

static void *map(size_t length, off_t what)
{
    void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, ring, what);
    if (memory == MAP_FAILED)
        err(1, "mmap");
    return memory;
}

static void open_ring(void)
{
    struct io_uring_params params = {0};
    ring = (int)syscall(SYS_io_uring_setup, ENTRIES, &params);
    if (ring < 0)
        err(1, "io_uring_setup");
    char *shared = map(params.sq_off.array + ENTRIES * sizeof(unsigned), IORING_OFF_SQ_RING);
    operations = map(ENTRIES * sizeof(*operations), IORING_OFF_SQES);
    operations_tail = (unsigned *)(shared + params.sq_off.tail);
    for (unsigned i = 0; i < ENTRIES; i++)
        ((unsigned *)(shared + params.sq_off.array))[i] = i;
    results = (struct io_uring_cqe *)(shared + params.cq_off.cqes);
    results_head = (unsigned *)(shared + params.cq_off.head);
    results_tail = (unsigned *)(shared + params.cq_off.tail);
    results_mask = params.cq_entries - 1;
}

/* The one system call: hands over what is new, and waits for results. -1: for ever. */
static void enter_ring(unsigned results_wanted, int timeout_ms)
{
    struct __kernel_timespec time = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000};
    struct io_uring_getevents_arg argument = {.ts = timeout_ms < 0 ? 0 : (uintptr_t)&time};
    long taken = syscall(SYS_io_uring_enter, ring, new_operations, results_wanted,
                         IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof(argument));
    if (taken > 0)
        new_operations -= (unsigned)taken;
}

static struct io_uring_sqe *ask(int operation, int fd, const void *memory, size_t length)
{
    while (new_operations == ENTRIES)
        enter_ring(0, 0);
    unsigned tail = *operations_tail;
    struct io_uring_sqe *entry = &operations[tail % ENTRIES];
    *entry = (struct io_uring_sqe){.opcode = (uint8_t)operation, .fd = fd, .user_data = (unsigned)fd};
    entry->addr = (uintptr_t)memory;
    entry->len = (unsigned)length;
    __atomic_store_n(operations_tail, tail + 1, __ATOMIC_RELEASE);
    new_operations++;
    return entry;
}

/* Asks once; there is a result for each client that comes. */
static void ask_for_clients(int listener)
{
    ask(IORING_OP_ACCEPT, listener, NULL, 0)->ioprio = IORING_ACCEPT_MULTISHOT;
}

/* Asks for what the client needs next. */
static void ask_for_step(int fd, struct client *client)
{
    if (client->state == RECEIVING)
        ask(IORING_OP_RECV, fd, client->request + client->length,
            sizeof(client->request) - 1 - client->length);
    else if (client->state == SENDING)
        ask(IORING_OP_SEND, fd, client->answer, client->answer_length)->msg_flags = MSG_NOSIGNAL;
    else if (client->state == DONE)
        ask(IORING_OP_CLOSE, fd, NULL, 0)->user_data = NOBODY;
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
        shutdown((int)(silent.next - clients), SHUT_RDWR);
        leave_list(silent.next);
    }
    return -1;
}

static int spare; /* a descriptor */

/* One too many: the spare descriptor can be had only without this client. */
static bool turn_away(int fd)
{
    if (spare < 0 && (spare = open("/dev/null", O_RDONLY)) < 0) {
        close(fd);
        spare = open("/dev/null", O_RDONLY);
        return true;
    }
    return false;
}

static void accept_client(int listener, int fd, unsigned flags)
{
    if (fd == -EINVAL)
        errx(1, "this needs Linux 5.19");
    if (fd == -EMFILE || fd == -ENFILE) {
        close(spare);
        spare = -1;
    }
    if ((flags & IORING_CQE_F_MORE) == 0)
        ask_for_clients(listener);
    if (fd < 0 || turn_away(fd))
        return;
    if (fd >= FDS_MAX) {
        close(fd);
        return;
    }
    clients[fd].state = RECEIVING;
    clients[fd].length = 0;
    join_list(&clients[fd]);
    ask_for_step(fd, &clients[fd]);
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

static void take_received(struct client *client, int count)
{
    if (count <= 0) {
        client->state = DONE;
        return;
    }
    client->length += (size_t)count;
    client->request[client->length] = '\0';
    if (strstr(client->request, "\r\n\r\n") != NULL)
        choose_answer(client);
}

static void take_sent(struct client *client, int count)
{
    client->answer += count < 0 ? 0 : count;
    client->answer_length -= count < 0 ? 0 : (size_t)count;
    if (count < 0 || client->answer_length == 0)
        client->state = DONE;
}

/* One step is done. */
static void advance(int fd, int result)
{
    struct client *client = &clients[fd];
    leave_list(client);
    if (client->state == RECEIVING)
        take_received(client, result);
    else
        take_sent(client, result);
    if (client->state == RECEIVING || client->state == SENDING)
        join_list(client);
    ask_for_step(fd, client);
}

static eventfd_t newly_finished;

static void take_finished(void)
{
    while (newly_finished-- > 0) {
        int fd = take_client(&finished);
        clients[fd].state = SENDING;
        join_list(&clients[fd]);
        ask_for_step(fd, &clients[fd]);
    }
    ask(IORING_OP_READ, finished_count, &newly_finished, sizeof(newly_finished));
}

static void run_loop(int listener)
{
    open_ring();
    spare = open("/dev/null", O_RDONLY);
    finished_count = eventfd(0, 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, thread_main, NULL) != 0)
            errx(1, "no thread");
    }
    ask(IORING_OP_READ, finished_count, &newly_finished, sizeof(newly_finished));
    ask_for_clients(listener);
    for (;;) {
        enter_ring(1, close_silent());
        unsigned head = *results_head;
        while (head != __atomic_load_n(results_tail, __ATOMIC_ACQUIRE)) {
            struct io_uring_cqe result = results[head++ & results_mask];
            __atomic_store_n(results_head, head, __ATOMIC_RELEASE);
            int fd = (int)result.user_data;
            if (fd == listener)
                accept_client(listener, result.res, result.flags);
            else if (fd == finished_count)
                take_finished();
            else if (fd != NOBODY)
                advance(fd, result.res);
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
