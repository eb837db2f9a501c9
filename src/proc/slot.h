/* A worker's slot in the memory that the master shares with all workers. It outlives the worker: the one that
 * replaces it has the same number, and the same slot. Each field has one writer. */
#ifndef PROC_SLOT_H
#define PROC_SLOT_H

#include "log/counters.h"

#include <signal.h>
#include <stdatomic.h>

/* Between the master and a worker: look at the slots again; a worker also says that it did. Anybody may send
 * it: it changes nothing by itself. */
#define SLOT_SIGNAL SIGUSR2

struct slot {
    struct counters counters; /* by the worker */
    atomic_uint keeper;       /* by the master: the number of the worker that accepts from this one's sockets,
                                 while it cannot do so itself; mostly its own number */
    atomic_uint asked;        /* by the master: how often it asked this worker to look */
    atomic_uint answered;     /* by the worker: `asked` when it looked last */
    atomic_uint renewals;     /* by the worker: how often it took up a certificate that had changed */
    atomic_bool is_leaving;   /* by the worker: it was told to go, alone, and accepts no more */
};

#endif
