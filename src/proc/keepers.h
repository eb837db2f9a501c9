/* Chooses which worker accepts from which worker's sockets.
 *
 * The kernel distributes new connections to the queues of all workers, also to one that cannot accept because
 * it is stopped, hangs, is shutting down, or has ended and its replacement is delayed. Until it can accept
 * again, another worker, its keeper, accepts from its sockets. */
#ifndef PROC_KEEPERS_H
#define PROC_KEEPERS_H

#include "proc/slot.h"
#include "proc/supervisor.h"

/* Makes every worker the keeper of its own sockets. Call before the first worker starts. */
void keepers_init(struct slot *slots, size_t count);

/* Chooses the keepers again, logs changes and notifies the affected workers. Call after any change of a
 * worker's state. */
void keepers_update(struct slot *slots, const struct supervisor *supervisor);

#endif
