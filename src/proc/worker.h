/* A worker process: one loop, one server, its logs. It takes new generations of the configuration from the
 * master (channel.h) while it serves.
 *
 * SIGTERM, or the end of the master, makes it shut down gracefully (server_drain). SIGUSR1 reopens its log
 * files. SLOT_SIGNAL makes it look at the slots for the workers in whose place it has to accept. */
#ifndef PROC_WORKER_H
#define PROC_WORKER_H

#include "conf/config.h"
#include "log/log_file.h"
#include "proc/channel.h"
#include "proc/generation.h"
#include "proc/slot.h"
#include "proc/sockets.h"
#include "serve/board.h"

struct worker_options {
    struct config *config; /* inherited from the master, owned by the worker */
    struct generations *generations;
    const struct sockets *sockets;
    size_t number;                       /* index of this worker's sockets and slot */
    struct slot *slots;                  /* of all workers */
    struct board *board;                 /* likewise */
    const struct shield_figures *shield; /* of the master */
    struct reload_history *reloads;      /* of the master */
    struct context_set *contexts;        /* inherited from the master, owned by the worker; NULL: no TLS */
    struct tls_tickets *tickets;         /* shared by all workers; NULL: none */
    struct log_file *log;                /* not attached to a loop */
    pid_t master;
    struct message_ends ends; /* of its channel; the worker closes them */
    int standard_error;       /* it goes on there when the worker is ready; -1: it stays */
    int ready_fd;             /* gets a byte when the worker accepts; the worker closes it */
};

/* Runs the worker. Returns its exit code: 0 after a graceful shutdown; 1 if it could not start, which was
 * logged, or its loop failed. All resources are freed. */
int worker_run(const struct worker_options *options) MUST_CHECK;

#endif
