/* A crew: child processes, each of which is replaced when it ends, once all of them have started.
 *
 * A child says that it is ready by a byte on a pipe. One that ends later is replaced at once; one that ends
 * within a second of its start, after a pause that doubles from 100 ms to 10 s, so that a fault that comes at
 * once does not become a storm of processes. What the children do is not known here. */
#ifndef PROC_CREW_H
#define PROC_CREW_H

#include "base/log.h"
#include "sys/process.h"

struct crew_options {
    size_t count;
    struct log *log; /* ends and replacements are logged */
    /* The child's life; what it returns is its exit code. It writes a byte to `ready_fd`, which it owns, when
     * it is ready. */
    int (*work)(void *context, size_t number, int ready_fd);
    void *context;
};

struct member {
    pid_t pid;    /* 0: not running */
    int ready_fd; /* where it will say that it is ready; -1: it has, or is not running */
    bool is_ready;
    bool is_due; /* to be started at `due_ms` */
    uint64_t due_ms;
    uint64_t started_ms;
    uint64_t pause_ms; /* the last pause before a start */
};

enum crew_mode {
    CREW_GATHERING, /* who ends is not replaced, and has said why */
    CREW_KEEPING,   /* who ends is replaced */
    CREW_LEAVING,   /* who ends is not replaced: that is as it should be */
};

struct crew {
    struct crew_options options;
    struct member *members;
    size_t running; /* members with a process */
    size_t ready;   /* members that said so */
    size_t ended;   /* processes that have ended */
    size_t failed;  /* of those, by a signal or with a status that is not 0 */
    enum crew_mode mode;
};

/* Starts nothing yet. Returns 0 or -ENOMEM. */
int crew_init(struct crew *crew, const struct crew_options *options) MUST_CHECK;

/* Nobody may be running. Right on a zeroed one too. */
void crew_finish(struct crew *crew);

/* Starts the member for the first time. Returns 0 or -errno. */
int crew_start(struct crew *crew, size_t number) MUST_CHECK;

/* How many descriptors crew_poll_set gives at most: `count` of the options. Fills `fds` with those that wait
 * to say that they are ready; returns how many. */
size_t crew_poll_set(const struct crew *crew, struct pollfd *fds);

/* Takes in who is ready, after poll(2) on that set. */
void crew_take_ready(struct crew *crew, const struct pollfd *fds, size_t count);

/* Takes in who has ended, after SIGCHLD. */
void crew_take_ended(struct crew *crew);

/* Starts who is due. */
void crew_start_due(struct crew *crew);

/* Milliseconds until somebody is due; -1: nobody is. */
int crew_wait_ms(const struct crew *crew);

/* From now on everybody who ends is replaced. */
void crew_keep(struct crew *crew);

/* From now on nobody is. */
void crew_leave(struct crew *crew);

/* Sends a signal to everyone who runs. */
void crew_signal(const struct crew *crew, int signal);

#endif
