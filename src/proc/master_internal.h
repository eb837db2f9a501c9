/* The state of the master, for the files that it is in: master.c (its life), master_build.c (how it begins
 * and ends), master_change.c (changes of its configuration), master_control.c (commands) and master_upgrade.c
 * (another vif takes its place, or it takes another's). */
#ifndef PROC_MASTER_INTERNAL_H
#define PROC_MASTER_INTERNAL_H

#include "conf/worker_user.h"
#include "log/log_file.h"
#include "proc/certificate_keeper.h"
#include "proc/control.h"
#include "proc/file_opener.h"
#include "proc/heartbeat.h"
#include "proc/inheritance.h"
#include "proc/log_keeper.h"
#include "proc/master.h"
#include "proc/reload.h"
#include "proc/server_keeper.h"
#include "proc/shield.h"
#include "proc/sockets.h"
#include "proc/supervisor.h"
#include "proc/ticket_keeper.h"
#include "proc/upgrade.h"

/* Most workers that a configuration can ask for. */
#define WORKERS_MAX 1024

/* Descriptors that the master always waits for: signals, rotated logs. */
#define MASTER_FDS 2

/* What is ready for the next generation, until it is in force. */
struct master_change {
    bool replaces_workers; /* those that run may not do what it needs */
    size_t first_worker;
    size_t worker_count;
    struct sockets sockets;
    struct certificate_keeper certificates;
    int error_fd; /* where the error log is to go on; -1: where it is */
};

/* For the status. */
struct last_reload {
    unsigned number; /* 0: there was none */
    enum control_result result;
    uint64_t ended_ms;
};

enum master_state {
    MASTER_TRYING,   /* the first worker starts alone: what fails there would fail in all */
    MASTER_STARTING, /* the others start */
    MASTER_RUNNING,
    MASTER_STOPPING, /* workers finish what they have */
    MASTER_ENDING,   /* workers have been killed */
};

struct reload_history;

struct master {
    const struct master_options *options;
    struct config *config; /* the generation in force; the first one is the caller's */
    struct master_result *result;
    enum master_state state;
    size_t worker_count; /* of slots and of children, some of which may be retired */
    size_t first_worker; /* of the workers that are wanted */
    size_t wanted_count; /* how many there are */
    bool has_lost_root;  /* one of them may not read a root any more, which has been replaced */
    bool is_replacing;   /* they are not ready yet, and others go on until they are */
    struct log_file log;
    struct sockets sockets;
    struct sockets left; /* of listeners that are gone; workers may still have to accept from them */
    struct slot *slots;  /* of each worker, shared */
    struct board *board; /* of all workers, shared */
    struct reload_history *reloads; /* shared */
    struct supervisor supervisor;
    struct heartbeat heartbeat;
    struct ticket_keeper tickets;
    struct certificate_keeper certificates;
    struct server_keeper servers;
    struct reload reload;
    struct master_change change;
    struct control control;
    struct worker_user user; /* that workers become */
    struct file_opener opener;
    struct log_keeper log_keeper;
    struct last_reload last_reload;
    struct inheritance inheritance;
    struct upgrade upgrade;
    struct shield shield;
    bool leaves_workers;    /* while stopping: this process ends before they do */
    bool is_announced;      /* to the vif whose place this one takes: all workers are ready */
    bool has_heir;          /* another vif has taken over: this one finishes its requests */
    char program[PATH_MAX]; /* the file that this process runs; empty: unknown */
    uint64_t began_ms;
    uint64_t watchdog_ms; /* how often the service manager wants to hear that this process lives; 0: never */
    uint64_t watchdog_next_ms;
    struct pollfd *pollfds; /* the signals, then those of the supervisor and of the reload */
    sigset_t signals_before;
    int signal_fd;
    pid_t pid;
    uint64_t told_to_stop_ms; /* when it was first */
    uint64_t deadline_ms;     /* while stopping */
    size_t failed_before;     /* of supervisor.failed, when the stop began */
};

/* Makes room for more workers, or for the first ones. Returns 0 or -ENOMEM. */
int master_reserve(struct master *master, size_t worker_count) MUST_CHECK;

/* How many workers there are to be. */
size_t master_worker_count(const struct config *config);

/* Creates what later changes need; before the first fork. Returns 0 or -ENOMEM. */
int master_change_init(struct master *master) MUST_CHECK;

/* Starts workers in place of others that may not read a root any more, and retires those when they are ready.
 */
void master_look_at_successors(struct master *master);

/* A worker says that it may not. `context` is the master. */
void master_note_root(void *context, size_t worker);

/* Reads the configuration again, which must come from a file, and watches errors for so long (0: not at all).
 * Returns the number of the reload. */
unsigned master_reload(struct master *master, uint64_t watch_ms);

/* Sets the first fault of the result. Returns `error`. */
int master_fail(struct master *master, enum master_fault fault, int error);

/* Builds all and starts the first worker; takes it down. master_build returns 0, or an error after
 * master_fail. */
int master_build(struct master *master) MUST_CHECK;
void master_finish(struct master *master);

/* Returns as master_build. */
int master_start_worker(struct master *master, size_t number) MUST_CHECK;

/* No more requests are taken: workers finish what they have. */
void master_begin_stop(struct master *master);

/* master_upgrade.c. Starts the program at `path` (empty: the file of this one) in the place of this vif;
 * returns false after appending why not to `why`. The end comes by master_control_tell_upgrade. */
bool master_upgrade(struct master *master, struct slice path, uint64_t timeout_ms, struct buffer *why);
void master_upgrade_step(struct master *master);
void master_on_other_child(void *context, const struct process_change *change);

/* Whether all workers run, but another vif has not let this one go on yet. */
bool master_waits_for_former(struct master *master);

/* The shield is for the ports that are listened on now. */
void master_tell_shield_ports(struct master *master);

/* From now on this vif is alone with what it has taken over. */
void master_take_over(struct master *master);

/* What master.c does for signals, for the control socket too. master_reopen_logs returns 0 or -errno. */
int master_reopen_logs(struct master *master);
void master_stop_by_command(struct master *master, bool now);

/* The control socket (master_control.c): opens it; tells those who wait how a reload ended, that reloads will
 * not end because vif stops, and that it has stopped, which also closes it. */
void master_control_init(struct master *master);

/* The answer for `vif top` (master_figures.c), and a word that it has from the status. */
void master_answer_figures(const struct master *master, struct control_client *client);
const char *master_state_of_worker(const struct master *master, size_t number);

void master_control_tell_reload(struct master *master, const struct reload_outcome *outcome);
void master_control_tell_upgrade(struct master *master, bool is_done, struct slice text);
void master_control_tell_stopping(struct master *master);
void master_control_tell_closed(struct master *master);
void master_control_tell_stopped(struct master *master);

#endif
