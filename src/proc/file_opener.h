/* The master opens files for workers that cannot (sys/opener.h): log files, certificates and keys, as far as
 * the configuration names them. So it does not matter what a worker asks for that somebody has taken over,
 * nor how often: each worker has a way of its own to the master, and its requests are counted. */
#ifndef PROC_FILE_OPENER_H
#define PROC_FILE_OPENER_H

#include "base/log.h"
#include "conf/config.h"
#include "proc/line_limit.h"
#include "proc/second_count.h"
#include "sys/opener.h"
#include "sys/process.h"

#include <poll.h>

/* Processes that look at files at the same time, for all workers and for one. Further requests are refused
 * until one has ended. */
#define FILE_OPENER_PROCESSES_MAX       32
#define FILE_OPENER_PROCESSES_OF_WORKER 8

/* Requests of a worker in a second. Further ones wait for the next second. */
#define FILE_OPENER_REQUESTS_PER_SECOND 2000

struct file_opener_process {
    pid_t pid; /* 0: none; it stays until the process was waited for, so no other one can have it */
    size_t worker;
};

struct file_opener_worker {
    struct message_ends ends;        /* the master's; closed: there is no such worker */
    struct message_ends worker_ends; /* the worker's, until it is forked */
    int inotify_fd;                  /* which that worker reads; -1: none */
    struct second_count requests;
};

struct file_opener {
    struct log *log;
    struct file_opener_worker *workers;
    size_t worker_count;
    struct file_opener_process processes[FILE_OPENER_PROCESSES_MAX];
    struct line_limit refused; /* lines about requests for other files */
    char *
        *logs; /* that were opened: earlier settings, by which requests may still be under way, named them */
    size_t log_count;
    /* A worker may not read what a root has been replaced by. */
    void (*on_root)(void *context, size_t worker);
    void *context;
};

/* Makes room for so many workers; the opener is zeroed at first, but for its log and on_root. Returns 0 or
 * -ENOMEM. */
int file_opener_reserve(struct file_opener *opener, size_t worker_count) MUST_CHECK;
void file_opener_end(struct file_opener *opener);

/* Around the fork of a worker, for which there is room. Returns 0 or -errno. */
int file_opener_open(struct file_opener *opener, size_t worker) MUST_CHECK;
void file_opener_forked(struct file_opener *opener, size_t worker);

/* In a new worker: from now on it asks. */
void file_opener_use(struct file_opener *opener, size_t worker);

/* In a new worker that does not ask. */
void file_opener_leave(struct file_opener *opener);

/* Fills `fds`, which has room for all workers; returns how many there are. Later also when to look again;
 * -1: nobody is waited for. */
size_t file_opener_poll_set(struct file_opener *opener, struct pollfd *fds, uint64_t now_ms);
int file_opener_wait_ms(const struct file_opener *opener, uint64_t now_ms);

/* Whether the child that something happened to was one that looked at a file. */
bool file_opener_take_change(struct file_opener *opener, const struct process_change *change);

/* After poll(2): answers requests. A file may be named by either configuration; `next` may be NULL. */
void file_opener_take_ready(struct file_opener *opener, const struct pollfd *fds, size_t count,
                            const struct config *current, const struct config *next, uint64_t now_ms);

#endif
