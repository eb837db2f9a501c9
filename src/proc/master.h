/* The master process: it owns the listening sockets, the shared counters and the workers, and touches no
 * request.
 *
 * It starts the workers, waits until each of them accepts, says so, and then watches over them: a worker that
 * dies is replaced on the same sockets, so that no queued connection is lost; one that keeps dying is given
 * longer and longer pauses. In these, and while a worker is stopped or hangs, another accepts in its place.
 *
 * Signals to the master:
 *   SIGTERM, SIGINT   polite stop: workers finish what they have, at most timeouts.drain_ms; a second one
 *                     ends everything at once
 *   SIGUSR1           every process opens its log files anew (log rotation)
 *   SIGHUP            the terminal went away: polite stop; sent by a process: logged, nothing changes */
#ifndef PROC_MASTER_H
#define PROC_MASTER_H

#include "conf/config.h"
#include "sys/socket.h"

struct master_options {
    const struct config *config; /* outlives the call */
    const char *title;           /* of what is served, for the log; outlives the call */
    /* Called once, in the master, when every worker accepts. `addresses` has one member per listener of the
     * configuration, in its order, with the port that the kernel chose where it was 0; gone after the call.
     * May be NULL. */
    void (*on_ready)(void *context, const struct address *addresses, size_t count);
    void *context;
};

enum master_fault {
    MASTER_FAULT_NONE,         /* it ran, and stopped politely because it was told to */
    MASTER_FAULT_LISTENER,     /* listener `listener_index` cannot be listened on: `error` is -EADDRINUSE,
                                  -EACCES, -EADDRNOTAVAIL, …, or ERROR_SYNTAX (ask address_parse) */
    MASTER_FAULT_ERROR_LOG,    /* the file of the error log cannot be opened: `error` */
    MASTER_FAULT_TICKETS,      /* the file of ticket keys cannot be used; logged */
    MASTER_FAULT_CERTIFICATES, /* a certificate, key or list cannot be used; logged */
    MASTER_FAULT_WORKER,       /* a worker could not start; it has said why in the error log and on standard
                                  error: nothing need be added */
    MASTER_FAULT_SYSTEM,       /* no memory, no process, …: `error` */
    MASTER_FAULT_CUT_SHORT,    /* stopped, but not politely: told twice, or a worker hung or crashed on the
                                  way; logged */
};

struct master_result {
    enum master_fault fault;
    int error;             /* -errno or enum error; 0 where the fault has none */
    size_t listener_index; /* with MASTER_FAULT_LISTENER */
};

/* Runs until it is told to stop. Returns 0 after a polite stop and 1 otherwise (exit codes); `ret_result` is
 * always set. Failures at the start are not logged here except by workers: the caller tells the person. In a
 * worker process the call does not return. */
int master_run(const struct master_options *options, struct master_result *ret_result) MUST_CHECK;

#endif
