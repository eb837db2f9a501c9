/* Checks that the workers' loops still run: each worker is asked periodically to look at the slots and
 * answers in its own slot. A worker that has not answered twice in a row is logged and marked as hanging in
 * the supervisor, so that another accepts in its place.
 *
 * It is not killed: what it waits for (a disk, a debugger) may come, and then its connections continue. */
#ifndef PROC_HEARTBEAT_H
#define PROC_HEARTBEAT_H

#include "proc/slot.h"
#include "proc/supervisor.h"

#define HEARTBEAT_INTERVAL_MS 5000

struct heartbeat {
    struct slot *slots; /* by child of the supervisor */
    struct supervisor *supervisor;
    uint64_t next_ms; /* on the monotonic clock */
};

/* If it is time, checks the answers and asks again. */
void heartbeat_look(struct heartbeat *heartbeat, uint64_t now_ms);

/* Milliseconds until the next check. */
int heartbeat_wait_ms(const struct heartbeat *heartbeat, uint64_t now_ms);

#endif
