/* A supervisor: child processes, each of which is replaced when it ends, once all of them have started.
 *
 * A child says that it is ready by a byte on a pipe. One that ends later is replaced at once; one that ends
 * within a second of its start, after a pause that doubles from 100 ms to 10 s, so that a fault that comes at
 * once does not become a storm of processes. One that is stopped is logged, and left alone. What the children
 * do is not known here. */
#ifndef PROC_SUPERVISOR_H
#define PROC_SUPERVISOR_H

#include "base/log.h"
#include "sys/process.h"

struct supervisor_options {
    size_t count;
    struct log *log; /* ends and replacements are logged */
    /* The child's life; what it returns is its exit code. It writes a byte to `ready_fd`, which it owns, when
     * it is ready. */
    int (*work)(void *context, size_t number, int ready_fd);
    void *context;
};

struct child {
    pid_t pid;    /* 0: not running */
    int ready_fd; /* where it will say that it is ready; -1: it has, or is not running */
    bool is_ready;
    bool is_stopped; /* by a signal such as SIGSTOP */
    bool is_hanging; /* see heartbeat.h, whose the next one is too */
    unsigned missed; /* how often in a row it was found not to have answered */
    bool is_due;     /* to be started at `due_ms` */
    uint64_t due_ms;
    uint64_t started_ms;
    uint64_t pause_ms; /* the last pause before a start */
};

enum supervisor_mode {
    SUPERVISOR_GATHERING, /* who ends is not replaced, and has said why */
    SUPERVISOR_KEEPING,   /* who ends is replaced */
    SUPERVISOR_LEAVING,   /* who ends is not replaced: that is as it should be */
};

struct supervisor {
    struct supervisor_options options;
    struct child *children;
    size_t running; /* children with a process */
    size_t ready;   /* children that said so */
    size_t ended;   /* processes that have ended */
    size_t failed;  /* of those, by a signal or with a status that is not 0 */
    enum supervisor_mode mode;
};

/* Starts nothing yet. Returns 0 or -ENOMEM. */
int supervisor_init(struct supervisor *supervisor, const struct supervisor_options *options) MUST_CHECK;

/* Nobody may be running. Right on a zeroed one too. */
void supervisor_finish(struct supervisor *supervisor);

/* Starts the child for the first time. Returns 0 or -errno. */
int supervisor_start(struct supervisor *supervisor, size_t number) MUST_CHECK;

/* How many descriptors supervisor_poll_set gives at most: `count` of the options. Fills `fds` with those that
 * wait to say that they are ready; returns how many. */
size_t supervisor_poll_set(const struct supervisor *supervisor, struct pollfd *fds);

/* Takes in who is ready, after poll(2) on that set. */
void supervisor_take_ready(struct supervisor *supervisor, const struct pollfd *fds, size_t count);

/* Takes in who has ended, was stopped or goes on, after SIGCHLD. */
void supervisor_take_changes(struct supervisor *supervisor);

/* Whether this is one of the processes. */
bool supervisor_has(const struct supervisor *supervisor, pid_t pid);

/* It is ready, and nothing keeps it from its work. */
bool supervisor_is_able(const struct supervisor *supervisor, size_t number);

/* It runs and will be ready, and nothing keeps it from that. */
bool supervisor_is_starting(const struct supervisor *supervisor, size_t number);

/* Starts who is due. */
void supervisor_start_due(struct supervisor *supervisor);

/* Milliseconds until somebody is due; -1: nobody is. */
int supervisor_wait_ms(const struct supervisor *supervisor);

/* From now on everybody who ends is replaced. */
void supervisor_keep(struct supervisor *supervisor);

/* From now on nobody is. */
void supervisor_leave(struct supervisor *supervisor);

/* Sends a signal to everyone who runs. */
void supervisor_signal(const struct supervisor *supervisor, int signal);

#endif
