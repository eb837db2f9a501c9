/* A worker process: one loop, one server, its logs.
 *
 * SIGTERM lets it finish politely (see server_drain), SIGUSR1 opens its log files anew. It does the former
 * too when the master is gone. SLOT_SIGNAL has it look at the slots: for whom it accepts. */
#ifndef PROC_WORKER_H
#define PROC_WORKER_H

#include "conf/config.h"
#include "log/log_file.h"
#include "proc/slot.h"
#include "proc/sockets.h"

struct worker_options {
    const struct config *config;
    const struct sockets *sockets;
    size_t number;                /* which of the sockets and slots are this worker's */
    struct slot *slots;           /* of all workers */
    struct context_set *contexts; /* as the master had them, now the worker's; NULL: nobody speaks TLS */
    const struct tls_ticket_keys *ticket_keys; /* of all workers; NULL: there are none */
    struct log_file *log;                      /* not attached to a loop */
    pid_t master;
    int ready_fd; /* gets a byte when the worker accepts; the worker's to close */
};

/* The worker's whole life. Returns its exit code: 0 after a polite end; 1 where it could not start, which was
 * logged, or its loop failed. Everything that it took is given back. */
int worker_run(const struct worker_options *options) MUST_CHECK;

#endif
