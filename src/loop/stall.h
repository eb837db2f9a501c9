/* Which part of a callback's time was its own.
 *
 * On a busy machine a thread that could run waits until others have had their share of the core. That time is
 * nobody's fault here, and is no stall. What a callback spends asleep in the kernel, on a disk for instance,
 * is one: so CPU time is no measure of it, and what the thread waited for a core is subtracted instead. */
#ifndef LOOP_STALL_H
#define LOOP_STALL_H

#include "base/compiler.h"

#include <stdint.h>

struct stall_meter {
    int fd;               /* tells how long this thread has waited so far; -1: nothing does */
    uint64_t waited_ns;   /* what it told last */
    uint64_t next_ask_ns; /* on the monotonic clock; UINT64_MAX: never */
};

/* For the calling thread, which is the one to be measured. Where the kernel does not count (no /proc, or no
 * schedstat in it), all time is the callback's own. */
void stall_meter_open(struct stall_meter *meter, uint64_t now_ns);

/* A meter that nobody asks. */
void stall_meter_disable(struct stall_meter *meter);

void stall_meter_close(struct stall_meter *meter);

/* To be called when a turn begins, before the first callback. Asks the kernel once in a while, so that
 * stall_meter_own_ns knows roughly where to count from. */
void stall_meter_ask(struct stall_meter *meter, uint64_t now_ns);

static inline void stall_meter_turn(struct stall_meter *meter, uint64_t now_ns)
{
    if (UNLIKELY(now_ns >= meter->next_ask_ns))
        stall_meter_ask(meter, now_ns);
}

/* How much of the last `duration_ns`, which end now, this thread did not wait for a core. What it waited
 * before them, but after the last asking, is subtracted too: the result may be some milliseconds too small,
 * and is never too large. */
uint64_t stall_meter_own_ns(struct stall_meter *meter, uint64_t duration_ns, uint64_t now_ns);

#endif
