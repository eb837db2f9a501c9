/* A worker's slot in memory shared by the master and all workers. It outlives the worker: a replacement has
 * the same number and the same slot. Each member has one writer. */
#ifndef PROC_SLOT_H
#define PROC_SLOT_H

#include "log/counters.h"

#include <signal.h>
#include <stdatomic.h>

/* Sent by the master to make a worker look at the slots, which it confirms there. It carries no data, so a
 * signal from anyone else does no harm, and is one that nobody else sends. A worker, which may not send
 * signals, sends a message (CHANNEL_LOOK) for the same. */
#define SLOT_SIGNAL SIGURG

struct slot {
    struct counters counters; /* by the worker */
    atomic_uint keeper;       /* by the master: number of the worker that accepts from this one's sockets;
                                 usually its own */
    atomic_uint asked;        /* by the master: how often it asked this worker to look at the slots */
    atomic_uint answered;     /* by the worker: value of `asked` when it last looked */
    atomic_uint renewals;     /* by the worker: how often it loaded a changed certificate */
    atomic_ullong rooms;      /* by the worker: the generations that it uses, see generation.h */
    atomic_bool is_retired;   /* by the master: there are to be fewer workers, and this one is not needed */
    atomic_ullong left;     /* by the master: the listeners, as bits, whose sockets another vif has, too. They
                               are not ended when this worker stops accepting */
    atomic_bool is_leaving; /* by the worker: it alone got SIGTERM and accepts no more */
};

#endif
