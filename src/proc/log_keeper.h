/* The process that rotates the logs, a child of the master with the lowest priority: neither a disk that
 * hangs nor compressing delays anybody. There is one if the settings want it. It can do to log files what the
 * master can.
 *
 * It renames files and tells the master, which opens its own log anew and has the workers do the same. */
#ifndef PROC_LOG_KEEPER_H
#define PROC_LOG_KEEPER_H

#include "conf/config.h"
#include "log/log_file.h"
#include "sys/process.h"

struct log_keeper {
    pid_t pid;       /* 0: none */
    int reopen_fd;   /* readable when logs are to be opened anew */
    uint64_t due_ms; /* when the next one is started after one that ended by itself; 0: not */
};

/* Returns 0 or -errno. */
int log_keeper_init(struct log_keeper *keeper) MUST_CHECK;
void log_keeper_finish(struct log_keeper *keeper);

/* In a worker. */
void log_keeper_leave(struct log_keeper *keeper);

/* Starts one for these settings, in place of one that there is; without rotation there is none then. */
void log_keeper_begin(struct log_keeper *keeper, const struct config *config, struct log_file *log);

/* The same after a change of the settings. One that would do the same as its successor stays. */
void log_keeper_change(struct log_keeper *keeper, const struct config *former, const struct config *config,
                       struct log_file *log);

/* Ends it. */
void log_keeper_end(struct log_keeper *keeper);

/* Whether the child that something happened to was this one. */
bool log_keeper_take_change(struct log_keeper *keeper, const struct process_change *change, struct log *log);

/* Starts it again when that is due; milliseconds until then, or -1. */
void log_keeper_look(struct log_keeper *keeper, const struct config *config, struct log_file *log);
int log_keeper_wait_ms(const struct log_keeper *keeper);

#endif
