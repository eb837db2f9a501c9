/* The master process: owns the listening sockets, the shared counters and the workers; handles no requests.
 *
 * It starts the workers, waits until all accept connections, reports that, and then supervises them: a worker
 * that dies is replaced on the same sockets, so that no queued connection is lost; if it keeps dying, it is
 * restarted after increasing delays. During these, and while a worker is stopped or hangs, another one
 * accepts in its place.
 *
 * Signals to the master:
 *   SIGTERM, SIGINT   polite stop: workers finish what they have, at most timeouts.drain_ms; a second one
 *                     ends everything at once
 *   SIGUSR1           every process opens its log files anew (log rotation)
 *   SIGUSR2           the program's file, which may be a new one, takes the place of this vif, see upgrade.h
 *   SIGHUP            sent by a process: reads the configuration again and has the workers take it, see
 *                     reload.h; the terminal went away: polite stop */
#ifndef PROC_MASTER_H
#define PROC_MASTER_H

#include "conf/config.h"
#include "sys/socket.h"

struct reload_reading;

struct master_options {
    struct config *config; /* outlives the call */
    /* Reads the configuration again, for a reload, in a child process; see proc/reload.h. NULL: there
     * is no file to read. */
    struct config *(*read)(void *context, struct reload_reading *reading);
    char *const
        *words; /* of the command line, ending with NULL; for a program that takes the place of this one */
    const char *title; /* names what is served, for the log; outlives the call */
    /* Called once, in the master, when all workers accept and commands are taken. `addresses` has one member
     * per listener of the configuration, in its order, with the port that the kernel chose instead of 0;
     * valid during the call only. May be NULL. */
    void (*on_ready)(void *context, const struct address *addresses, size_t count);
    void *context;
};

enum master_fault {
    MASTER_FAULT_NONE,         /* it ran, and was shut down gracefully by a signal */
    MASTER_FAULT_LISTENER,     /* listener `listener_index` cannot be listened on: `error` is -EADDRINUSE,
                                  -EACCES, -EADDRNOTAVAIL, …, or ERROR_SYNTAX (ask address_parse) */
    MASTER_FAULT_ERROR_LOG,    /* the error log file cannot be opened: `error` */
    MASTER_FAULT_TICKETS,      /* the ticket key file cannot be used; logged */
    MASTER_FAULT_CERTIFICATES, /* a certificate, key or revocation list cannot be used; logged */
    MASTER_FAULT_SHIELD,       /* the shield cannot be attached: `error`; logged */
    MASTER_FAULT_WORKER,       /* a worker could not start; it has reported why in the error log and on
                                  standard error */
    MASTER_FAULT_SYSTEM,       /* out of memory, cannot fork, …: `error` */
    MASTER_FAULT_CUT_SHORT,    /* stopped, but not gracefully: two signals, or a worker hung or crashed during
                                  shutdown; logged */
};

struct master_result {
    enum master_fault fault;
    int error;             /* -errno or enum error; 0 if the fault has none */
    size_t listener_index; /* with MASTER_FAULT_LISTENER */
};

/* Runs until a signal stops it. Returns the exit code: 0 after a graceful shutdown, else 1; `ret_result` is
 * always set. Failures at the start are logged only by workers: the caller reports the others to the user. In
 * worker processes it does not return. */
int master_run(const struct master_options *options, struct master_result *ret_result) MUST_CHECK;

#endif
