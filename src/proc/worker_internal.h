/* The state of a worker, for the two files that it is in: worker.c (begin, signals, end) and worker_change.c
 * (new generations of the configuration). */
#ifndef PROC_WORKER_INTERNAL_H
#define PROC_WORKER_INTERNAL_H

#include "log/access_log_set.h"
#include "loop/watch.h"
#include "loop/wheel.h"
#include "proc/channel.h"
#include "proc/line_limit.h"
#include "proc/worker.h"
#include "serve/offences.h"

struct certificates;
struct server;

/* The generation that is being taken. */
struct worker_change {
    struct config *config; /* NULL: none */
    unsigned generation;
    uint64_t began_ms; /* loop time */
    int access_fd;     /* where the access log is to go on; -1: where it is, or nowhere */
    int error_fd;      /* likewise of the error log */
    struct sockets sockets;
};

/* A socket that has come ahead of the change that it belongs to. */
struct worker_arrival {
    unsigned listener;
    unsigned worker;
    struct address bound;
    int fd;
};

struct worker {
    const struct worker_options *options;
    struct config *config;  /* the generation in force */
    struct sockets sockets; /* of that generation; the descriptors are the worker's own */
    struct log *log;
    struct counters *counters;
    bool *keeps; /* of each slot: whether this worker accepts from its sockets */
    struct loop *loop;
    struct access_log *access_log; /* NULL: there was none yet */
    struct access_log_set site_logs;
    struct certificates *certificates;
    struct server *server;
    struct watch signals; /* fd -1: not watched */
    struct watch channel; /* the socket of options.ends */
    struct worker_change change;
    struct channel_message verdict; /* on the last change */
    struct timer verdict_timer;     /* armed until it is sent */
    struct worker_arrival *arrivals;
    size_t arrival_count;
    struct line_limit stall_lines;
    struct offences offences; /* for the master */
    bool is_leaving;
};

/* Opens the path of the access log; logs a failure and returns -errno. */
int worker_open_access_log(const struct worker *worker, const struct config *config) MUST_CHECK;

/* Creates the access log, which takes over `fd`. Returns 0 or -ENOMEM. */
int worker_create_access_log(struct worker *worker, const struct config *config, int fd) MUST_CHECK;

/* Opens the file of an access log; logs a failure and returns -errno. */
int worker_open_log(const struct worker *worker, struct slice path) MUST_CHECK;

/* Opens the access logs of the sites that are not open yet. Returns 0 or -errno. */
int worker_add_site_logs(struct worker *worker, const struct settings *settings) MUST_CHECK;

/* All of them have the formats of these settings from now on. */
void worker_format_site_logs(struct worker *worker, const struct settings *settings);

/* After rotation has moved their files away. */
void worker_reopen_site_logs(struct worker *worker);

/* Starts or stops accepting from the sockets of a worker. Returns 0 or -errno. */
int worker_keep(struct worker *worker, size_t number, bool keeps) MUST_CHECK;

/* Listens to the master. Returns 0 or -errno. */
int worker_watch_channel(struct worker *worker) MUST_CHECK;

void worker_close_channel(struct worker *worker);

/* Sends offences to the master. Returns false if it has enough to read. */
bool worker_report_offences(void *context, const struct offence *list, size_t count) MUST_CHECK;

/* Has the master look at the slots. */
void worker_call_master(const struct worker *worker);

#endif
