/* Whether workers still come round to their loops: each is asked now and then to look at the slots, and
 * answers in its own. One that is found hanging twice in a row is logged, and marked in the supervisor, so
 * that another accepts in its place.
 *
 * It is not ended: what it is waiting for may come (a disk, a debugger), and then its connections go on. */
#ifndef PROC_HEARTBEAT_H
#define PROC_HEARTBEAT_H

#include "proc/slot.h"
#include "proc/supervisor.h"

#define HEARTBEAT_INTERVAL_MS 5000

struct heartbeat {
    struct slot *slots; /* of each child of the supervisor */
    struct supervisor *supervisor;
    uint64_t next_ms; /* on the monotonic clock */
};

/* Looks at what was answered and asks anew, where it is time for that. */
void heartbeat_look(struct heartbeat *heartbeat, uint64_t now_ms);

/* Milliseconds until it is. */
int heartbeat_wait_ms(const struct heartbeat *heartbeat, uint64_t now_ms);

#endif
