/* A supervisor of child processes: once all have started, each one that ends is replaced.
 *
 * A child reports that it is ready by a byte on a pipe. A child that ends is replaced at once; if it ends
 * within a second of its start, after a delay that doubles from 100 ms to 10 s, so that a crash at start does
 * not cause a fork storm. A child stopped by a signal is logged and otherwise ignored. The supervisor is
 * independent of what the children do. */
#ifndef PROC_SUPERVISOR_H
#define PROC_SUPERVISOR_H

#include "base/log.h"
#include "sys/process.h"

struct supervisor_options {
    size_t count;
    struct log *log; /* exits and replacements are logged */
    /* Runs in the child; returns its exit code. Must write a byte to `ready_fd`, which it owns, when it is
     * ready. */
    int (*work)(void *context, size_t number, int ready_fd);
    /* For what the parent shares with a child; both may be NULL. Called before the fork (0 or -errno, which
     * is the result of the start) and after it in the parent, also if the fork failed. */
    int (*before_start)(void *context, size_t number);
    void (*after_start)(void *context, size_t number);
    /* A child has ended; its number may be used again. May be NULL. */
    void (*on_end)(void *context, size_t number);
    /* A child that the supervisor has not started has ended or was stopped. May be NULL. */
    void (*on_other)(void *context, const struct process_change *change);
    void *context;
};

struct child {
    pid_t pid;    /* 0: not running */
    int ready_fd; /* read end of its pipe; -1: it is ready or not running */
    bool is_ready;
    bool is_stopped;  /* by a signal such as SIGSTOP */
    bool is_retired;  /* it is not replaced when it ends */
    bool is_outgoing; /* it is retired when those that succeed it are ready */
    bool is_hanging;  /* set by heartbeat.h, like the next one */
    unsigned missed;  /* heartbeats in a row without an answer */
    bool is_due;      /* to be started at `due_ms` */
    uint64_t due_ms;
    uint64_t started_ms;
    uint64_t pause_ms; /* the last delay before a start */
};

enum supervisor_mode {
    SUPERVISOR_GATHERING, /* at the start: a child that ends is not replaced; it has reported why */
    SUPERVISOR_KEEPING,   /* a child that ends is replaced */
    SUPERVISOR_LEAVING,   /* at shutdown: a child that ends is not replaced */
};

struct supervisor {
    struct supervisor_options options;
    struct child *children;
    size_t room;    /* for children */
    size_t running; /* children with a process */
    size_t ready;   /* children that are ready */
    size_t ended;   /* processes that have ended */
    size_t failed;  /* of those, by a signal or with an exit status other than 0 */
    enum supervisor_mode mode;
};

/* Initialises a supervisor without starting children. Returns 0 or -ENOMEM. */
int supervisor_init(struct supervisor *supervisor, const struct supervisor_options *options) MUST_CHECK;

/* Frees it; no child may be running. May be called on a zeroed one. */
void supervisor_finish(struct supervisor *supervisor);

/* Starts a child for the first time. Returns 0 or -errno. */
int supervisor_start(struct supervisor *supervisor, size_t number) MUST_CHECK;

/* Fills `fds`, which has room for options.count, with the pipes of children that are not ready yet; returns
 * how many. */
size_t supervisor_poll_set(const struct supervisor *supervisor, struct pollfd *fds);

/* Handles the result of poll(2) on that set: marks children as ready. */
void supervisor_take_ready(struct supervisor *supervisor, const struct pollfd *fds, size_t count);

/* After SIGCHLD: handles children that ended, were stopped or continued. */
void supervisor_take_changes(struct supervisor *supervisor);

/* Whether `pid` is one of the children. */
bool supervisor_has(const struct supervisor *supervisor, pid_t pid);

/* Whether a child is ready and neither stopped nor hanging. */
bool supervisor_is_able(const struct supervisor *supervisor, size_t number);

/* Whether a child runs, is not ready yet, and is not stopped. */
bool supervisor_is_starting(const struct supervisor *supervisor, size_t number);

/* Starts the children whose delay is over. */
void supervisor_start_due(struct supervisor *supervisor);

/* Milliseconds until the next start is due; -1: none. */
int supervisor_wait_ms(const struct supervisor *supervisor);

/* Makes room for that many children. Returns 0 or -ENOMEM. */
int supervisor_reserve(struct supervisor *supervisor, size_t count) MUST_CHECK;

/* While children are kept: from now on there are those from `first` on, `count` of them, for which there is
 * room; further ones are started when they are due, which is at once. All others are retired: they get
 * SIGTERM and are not replaced; they still count in options.count. */
void supervisor_want(struct supervisor *supervisor, size_t first, size_t count);

/* The same, but the others go on until supervisor_want is called: they are outgoing. */
void supervisor_succeed(struct supervisor *supervisor, size_t first, size_t count);

/* Whether all of these children are ready. */
bool supervisor_are_ready(const struct supervisor *supervisor, size_t first, size_t count);

/* The first of `count` numbers in a row without a process. */
size_t supervisor_find_free(const struct supervisor *supervisor, size_t count);

/* From now on children that end are replaced. */
void supervisor_keep(struct supervisor *supervisor);

/* From now on they are not. */
void supervisor_leave(struct supervisor *supervisor);

/* Forgets all children; those that run go on without a parent. */
void supervisor_abandon(struct supervisor *supervisor);

/* Sends a signal to all running children. */
void supervisor_signal(const struct supervisor *supervisor, int signal);

#endif
