/* The floor: what a request costs when nothing is done for it. One epoll loop that looks for the blank line
 * that ends a request head and answers with bytes prepared at start. It knows no method, path or field, so no
 * server that does its work can be cheaper with the same system calls; the distance to it is what a server's
 * own code costs.
 *
 *   floor keep FILE PORT       head and FILE in one buffer; one send() answers every request of one read
 *   floor close FILE PORT      the same, and the connection is closed after its first answer
 *   floor sendfile FILE PORT   head with MSG_MORE, then FILE with sendfile()
 *
 * Not a server: a head split over two reads is never answered (the load sends each batch in one write), and
 * what goes wrong with the program's own calls ends it. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 65536, EVENTS_MAX = 256, READ_BYTES = 65536, BATCH_MAX = 64 };

enum mode { MODE_KEEP, MODE_CLOSE, MODE_SENDFILE };

/* What a connection is still owed: `answers` whole answers, of which the first `sent` bytes have left. */
struct debt {
    unsigned answers;
    size_t sent;
    bool waits_for_room; /* EPOLLOUT is already asked for */
};

static enum mode mode;
static int epoll_fd;
static int file_fd;
static size_t head_bytes;
static size_t answer_bytes; /* head and body */
static char *batch;         /* BATCH_MAX answers in a row; MODE_SENDFILE uses the first head only */
static struct debt debts[CONNECTIONS_MAX];

static void prepare_answer(const char *path)
{
    struct stat status;
    file_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (file_fd < 0 || fstat(file_fd, &status) < 0)
        err(1, "%s", path);

    /* As long as the head of a usual server, or the floor would lie by the bytes that it leaves out. */
    char head[512];
    head_bytes =
        (size_t)snprintf(head, sizeof(head),
                         "HTTP/1.1 200 OK\r\nServer: floor\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                         "Content-Type: text/html\r\nContent-Length: %lld\r\n"
                         "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                         "ETag: \"0123456789abcdef\"\r\nAccept-Ranges: bytes\r\n%s\r\n",
                         (long long)status.st_size, mode == MODE_CLOSE ? "Connection: close\r\n" : "");
    size_t body_bytes = (size_t)status.st_size;
    answer_bytes = head_bytes + body_bytes;
    if (mode == MODE_SENDFILE) {
        batch = strdup(head);
        return;
    }
    batch = malloc(BATCH_MAX * answer_bytes);
    if (batch == NULL)
        err(1, "no memory");
    memcpy(batch, head, head_bytes);
    if (pread(file_fd, batch + head_bytes, body_bytes, 0) != status.st_size)
        err(1, "%s: short read", path);
    for (size_t i = 1; i < BATCH_MAX; i++)
        memcpy(batch + i * answer_bytes, batch, answer_bytes);
}

static void close_connection(int fd)
{
    debts[fd] = (struct debt){0};
    close(fd);
}

static void wait_for_room(int fd)
{
    if (debts[fd].waits_for_room)
        return;
    debts[fd].waits_for_room = true;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static ssize_t send_some(int fd, const struct debt *debt)
{
    if (mode == MODE_SENDFILE) {
        if (debt->sent < head_bytes)
            return send(fd, batch + debt->sent, head_bytes - debt->sent, MSG_MORE | MSG_NOSIGNAL);
        off_t offset = (off_t)(debt->sent - head_bytes);
        return sendfile(fd, file_fd, &offset, answer_bytes - debt->sent);
    }
    size_t answers = debt->answers < BATCH_MAX ? debt->answers : BATCH_MAX;
    return send(fd, batch + debt->sent, answers * answer_bytes - debt->sent, MSG_NOSIGNAL);
}

/* Sends until nothing is owed or the socket is full. Returns false when the connection is gone. */
static bool pay(int fd)
{
    struct debt *debt = &debts[fd];
    bool owed = debt->answers > 0;
    while (debt->answers > 0) {
        ssize_t sent = send_some(fd, debt);
        if (sent < 0 && errno == EAGAIN) {
            wait_for_room(fd);
            return true;
        }
        if (sent <= 0) {
            close_connection(fd);
            return false;
        }
        debt->sent += (size_t)sent;
        debt->answers -= (unsigned)(debt->sent / answer_bytes);
        debt->sent %= answer_bytes;
    }
    if (owed && mode == MODE_CLOSE) {
        close_connection(fd);
        return false;
    }
    return true;
}

static unsigned count_requests(const char *bytes, size_t length)
{
    unsigned requests = 0;
    const char *end = bytes + length;
    for (const char *at = bytes; (at = memmem(at, (size_t)(end - at), "\r\n\r\n", 4)) != NULL; at += 4)
        requests++;
    return requests;
}

/* One short read is enough: more bytes, or the peer's end, make a new edge. Only an end that was there
 * already makes none, so a peer that has left is closed at once, answered or not. */
static void serve(int fd, unsigned events)
{
    static char bytes[READ_BYTES];
    if (debts[fd].answers > 0 && !pay(fd))
        return;
    if (events == EPOLLOUT)
        return;
    ssize_t length;
    do {
        length = recv(fd, bytes, sizeof(bytes), 0);
        if (length < 0 && errno == EAGAIN)
            return;
        if (length <= 0 || (events & EPOLLRDHUP)) {
            close_connection(fd);
            return;
        }
        debts[fd].answers += count_requests(bytes, (size_t)length);
        if (!pay(fd))
            return;
    } while (length == READ_BYTES);
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= CONNECTIONS_MAX)
            errx(1, "too many connections");
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = fd};
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
            err(1, "epoll_ctl");
    }
    if (errno != EAGAIN && errno != ECONNABORTED)
        err(1, "accept4");
}

/* TCP_NODELAY is set once, here: an accepted socket inherits it. */
static int listen_on(unsigned short port)
{
    int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, SOMAXCONN) < 0)
        err(1, "port %u", port);
    return fd;
}

static enum mode mode_named(const char *name)
{
    static const char *const names[] = {"keep", "close", "sendfile"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return (enum mode)i;
    errx(2, "no mode '%s': keep, close or sendfile", name);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        errx(2, "usage: floor keep|close|sendfile FILE PORT");
    mode = mode_named(argv[1]);
    signal(SIGPIPE, SIG_IGN); /* sendfile() has no MSG_NOSIGNAL */
    prepare_answer(argv[2]);
    int listener = listen_on((unsigned short)atoi(argv[3]));
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = listener};
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) < 0)
        err(1, "epoll");

    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_all(listener);
            else
                serve(events[i].data.fd, events[i].events);
        }
    }
}
