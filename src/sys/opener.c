/* Replies to all threads come by one socket, each with the number of its question. Of the threads that wait,
 * one reads: it gives the others their replies, and when it has its own, another one reads. */
#include "sys/opener.h"

#include "sys/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Longer than a local disk takes. Logs are opened on the loop, which waits as long as for the disk itself. */
#define LOG_MS_MAX   2000
#define OTHER_MS_MAX 10000
#define ROOM_MS_MAX  100

/* Of a thread that waits. */
struct opener_question {
    struct opener_question *next;
    uint64_t deadline_ms;
    bool is_answered;
    struct opener_reply reply;
    int fd; /* that came with it; -1: none */
};

static struct {
    struct message_ends ends;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* a reply has come, or nobody reads */
    bool is_read;           /* a thread reads */
    unsigned newest;        /* number of a question */
    struct opener_question *waiting;
} opener = {.ends = {-1, -1}, .mutex = PTHREAD_MUTEX_INITIALIZER};

void sys_opener_use(struct message_ends ends)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&opener.changed, &attributes);
    pthread_condattr_destroy(&attributes);
    opener.ends = ends;
}

bool sys_opener_is_used(void)
{
    return opener.ends.pipe_fd >= 0;
}

/* ---- questions ---- */

static int opener_send(enum opener_kind kind, unsigned number, const char *path)
{
    struct opener_request request = {.kind = kind, .number = number};
    int length = snprintf(request.path, sizeof(request.path), "%s", path);
    if (length < 0 || (size_t)length >= sizeof(request.path))
        return -ENAMETOOLONG;
    size_t bytes = offsetof(struct opener_request, path) + (size_t)length + 1;
    return sys_packet_send(opener.ends.pipe_fd, slice_make((const char *)&request, bytes));
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

/* Nobody waits any more for a reply that comes too late. */
static void give_reply(const struct opener_reply *reply, const int *fds, size_t fd_count)
{
    struct opener_question *question = opener.waiting;
    while (question && question->reply.number != reply->number)
        question = question->next;
    if (question && !question->is_answered) {
        question->reply = *reply;
        question->is_answered = true;
        question->fd = fd_count == 1 ? fds[0] : -1;
        fd_count -= fd_count == 1;
    }
    close_all(fds, fd_count);
}

static void fail_all(int error)
{
    for (struct opener_question *question = opener.waiting; question; question = question->next) {
        question->reply.error = question->is_answered ? question->reply.error : error;
        question->is_answered = true;
    }
}

/* Reads for all; called without the mutex, as only one thread does. */
static ssize_t read_reply(uint64_t deadline_ms, struct opener_reply *ret_reply, int *fds,
                          size_t *ret_fd_count)
{
    struct pollfd wait = {.fd = opener.ends.socket_fd, .events = POLLIN};
    uint64_t now_ms = sys_monotonic_ms();
    *ret_fd_count = 0;
    if (now_ms >= deadline_ms)
        return -ETIMEDOUT;
    if (poll(&wait, 1, (int)(deadline_ms - now_ms)) <= 0)
        return -EAGAIN;
    return sys_message_receive(opener.ends.socket_fd, ret_reply, sizeof(*ret_reply), fds, ret_fd_count);
}

/* The caller has the mutex, before and after. */
static void opener_read(uint64_t deadline_ms)
{
    struct opener_reply reply;
    int fds[SYS_MESSAGE_FDS_MAX];
    size_t fd_count;
    opener.is_read = true;
    pthread_mutex_unlock(&opener.mutex);
    ssize_t length = read_reply(deadline_ms, &reply, fds, &fd_count);
    pthread_mutex_lock(&opener.mutex);
    opener.is_read = false;
    if (length == (ssize_t)sizeof(reply))
        give_reply(&reply, fds, fd_count);
    else if (length >= 0)
        close_all(fds, fd_count);
    if (length == 0)
        fail_all(-EPIPE);
    pthread_cond_broadcast(&opener.changed);
}

static void opener_wait(struct opener_question *question)
{
    struct timespec deadline = {
        .tv_sec = (time_t)(question->deadline_ms / 1000),
        .tv_nsec = (long)(question->deadline_ms % 1000 * 1000000),
    };
    while (!question->is_answered && sys_monotonic_ms() < question->deadline_ms) {
        if (opener.is_read)
            pthread_cond_timedwait(&opener.changed, &opener.mutex, &deadline);
        else
            opener_read(question->deadline_ms);
    }
}

static void question_leave(struct opener_question *question)
{
    struct opener_question **at = &opener.waiting;
    while (*at != question)
        at = &(*at)->next;
    *at = question->next;
}

/* Other threads have asked so much that the pipe is full. The caller has the mutex, before and after. */
static void wait_for_room(void)
{
    struct pollfd wait = {.fd = opener.ends.pipe_fd, .events = POLLOUT};
    pthread_mutex_unlock(&opener.mutex);
    (void)!poll(&wait, 1, ROOM_MS_MAX);
    pthread_mutex_lock(&opener.mutex);
}

/* Fills in the reply. */
static void opener_question_ask(struct opener_question *question, enum opener_kind kind, const char *path)
{
    pthread_mutex_lock(&opener.mutex);
    question->reply = (struct opener_reply){.number = ++opener.newest, .error = -ETIMEDOUT};
    question->next = opener.waiting;
    opener.waiting = question;
    int error = opener_send(kind, question->reply.number, path);
    while (error == -EAGAIN && sys_monotonic_ms() < question->deadline_ms) {
        wait_for_room();
        error = opener_send(kind, question->reply.number, path);
    }
    if (error == 0)
        opener_wait(question);
    else
        question->reply.error = error;
    question_leave(question);
    pthread_mutex_unlock(&opener.mutex);
}

int sys_opener_ask(enum opener_kind kind, const char *path, struct file_status *ret_status)
{
    bool is_opened = kind == OPENER_APPEND || kind == OPENER_READ || kind == OPENER_INOTIFY;
    struct opener_question question = {
        .deadline_ms = sys_monotonic_ms() + (kind == OPENER_APPEND ? LOG_MS_MAX : OTHER_MS_MAX),
        .fd = -1,
    };
    opener_question_ask(&question, kind, path);
    int error = question.reply.error;
    if (ret_status)
        *ret_status = question.reply.status;
    if (question.fd >= 0 && (error < 0 || !is_opened))
        close(question.fd);
    return error < 0 ? error : !is_opened ? 0 : question.fd >= 0 ? question.fd : -EPROTO;
}

/* ---- the opener ---- */

int sys_opener_receive(int pipe_fd, struct opener_request *ret_request)
{
    const size_t head = offsetof(struct opener_request, path);
    ssize_t length = sys_packet_receive(pipe_fd, ret_request, sizeof(*ret_request));
    if (length <= 0)
        return length == 0 ? -EPIPE : (int)length;
    bool is_request = (size_t)length > head && ret_request->path[(size_t)length - head - 1] == '\0' &&
                      (unsigned)ret_request->kind < OPENER_KINDS;
    return is_request ? 0 : -EPROTO;
}

void sys_opener_reply(int socket_fd, const struct opener_reply *reply, int fd)
{
    struct slice bytes = slice_make((const char *)reply, sizeof(*reply));
    int error = sys_message_send(socket_fd, bytes, &fd, fd >= 0 ? 1 : 0);
    (void)error;
}
