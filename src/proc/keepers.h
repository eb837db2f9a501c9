/* Who accepts from whose sockets.
 *
 * The kernel puts new connections into the queues of all workers, also of one that cannot accept: it is
 * stopped, it hangs, it was told to go and finishes what it has, or it has ended and its replacement is given
 * a pause. Another worker accepts from its sockets meanwhile, and so from its queue, until it is able again.
 */
#ifndef PROC_KEEPERS_H
#define PROC_KEEPERS_H

#include "proc/slot.h"
#include "proc/supervisor.h"

/* Every worker accepts from its own sockets; before the first one starts. */
void keepers_init(struct slot *slots, size_t count);

/* Chooses anew, and tells workers for whom that changes something; logged. To be called after anything that
 * happened to a worker. */
void keepers_update(struct slot *slots, const struct supervisor *supervisor);

#endif
