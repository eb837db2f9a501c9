/* The control socket of a running vif: a Unix socket in the run folder, PID.sock, on which `vif reload` and
 * its kind send one command and get one answer. Only the same user and root are heard; of these no worker,
 * which is the same user where vif is not root.
 *
 * A command is a line; an answer is a line that says how it went (enum control_result), then text for people
 * up to the end. Some answers come late; the client waits. At most CONTROL_CLIENTS_MAX are served at once,
 * and a client has CONTROL_MS_MAX to send its command. */
#ifndef PROC_CONTROL_H
#define PROC_CONTROL_H

#include "base/log.h"
#include "base/slice.h"
#include "sys/listen.h"
#include "sys/process.h"

#define CONTROL_CLIENTS_MAX 16
#define CONTROL_MS_MAX      5000
#define CONTROL_LINE_MAX    4160 /* a path of PATH_MAX, and words before it */

enum control_result { CONTROL_DONE, CONTROL_PARTLY, CONTROL_FAILED, CONTROL_REVERTED, CONTROL_RESULT_COUNT };

/* The words of the first line. */
extern const char *const control_result_words[CONTROL_RESULT_COUNT];

enum control_wait {
    CONTROL_WAITS_NOT,
    CONTROL_WAITS_FOR_RELOAD,
    CONTROL_WAITS_FOR_UPGRADE,
    CONTROL_WAITS_FOR_CLOSE, /* of the listening sockets */
    CONTROL_WAITS_FOR_STOP
};

struct control_client {
    int fd; /* -1: free */
    size_t length;
    char line[CONTROL_LINE_MAX]; /* what has come of the command */
    uint64_t deadline_ms;        /* for the command */
    enum control_wait waits_for; /* the answer comes later */
    unsigned reload;             /* its number */
};

struct control {
    struct log *log;
    int fd; /* -1: there is none */
    struct address bound;
    struct socket_file file;
    struct control_client clients[CONTROL_CLIENTS_MAX];
    /* A command has come; it is answered at once, or `waits_for` is set. */
    void (*on_command)(void *context, struct control_client *client, struct slice command);
    bool (*is_worker)(void *context, pid_t process);
    void *context;
};

/* Opens the socket, with the two functions and `context` set already; without one the server runs all the
 * same, and the log says why. */
void control_open(struct control *control, struct log *log);

/* Whether control_open was called on one that was zeroed at first. */
static inline bool control_is_opened(const struct control *control)
{
    return control->log != NULL;
}

/* Sends the answer and closes the connection. */
void control_answer(struct control_client *client, enum control_result result, struct slice text);

size_t control_poll_set(const struct control *control, struct pollfd *fds); /* at most CONTROL_FDS_MAX */
#define CONTROL_FDS_MAX (CONTROL_CLIENTS_MAX + 1)

/* After poll(2). */
void control_take_ready(struct control *control, const struct pollfd *fds, size_t count, uint64_t now_ms);

/* Milliseconds until control_expire has something to do; -1: never. */
int control_wait_ms(const struct control *control, uint64_t now_ms);
void control_expire(struct control *control, uint64_t now_ms);

/* In a child process: closes what is the master's. */
void control_leave(struct control *control);

/* Closes everything and removes the socket's file. May be called on a zeroed one. */
void control_close(struct control *control);

#endif
