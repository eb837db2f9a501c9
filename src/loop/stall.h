/* Measures how much of a callback's duration was its own.
 *
 * On a busy machine a runnable thread waits while others use its core. Callbacks are not to blame for that
 * time, so it does not count as a stall. Time spent asleep in the kernel, for instance waiting for a disk,
 * does count. So CPU time is no measure for it; instead, the time that the thread waited for a core is
 * subtracted. */
#ifndef LOOP_STALL_H
#define LOOP_STALL_H

#include "base/compiler.h"

#include <stdint.h>

struct stall_meter {
    int fd;               /* reports how long this thread has waited so far; -1: not available */
    uint64_t waited_ns;   /* the last value read */
    uint64_t next_ask_ns; /* on the monotonic clock; UINT64_MAX: never */
};

/* Opens a meter for the calling thread, which must be the one to measure. If the kernel does not count
 * waiting time (no /proc, or no schedstat), all time is attributed to the callback. */
void stall_meter_open(struct stall_meter *meter, uint64_t now_ns);

/* Makes a meter that measures nothing. */
void stall_meter_disable(struct stall_meter *meter);

void stall_meter_close(struct stall_meter *meter);

/* Call this when a turn begins, before the first callback. Reads the waiting time now and then, so that
 * stall_meter_own_ns has a recent starting point. */
void stall_meter_ask(struct stall_meter *meter, uint64_t now_ns);

static inline void stall_meter_turn(struct stall_meter *meter, uint64_t now_ns)
{
    if (UNLIKELY(now_ns >= meter->next_ask_ns))
        stall_meter_ask(meter, now_ns);
}

/* How much of the last `duration_ns`, which end now, this thread did not wait for a core. Waiting time
 * before that period but after the last reading is subtracted, too: the result may be some milliseconds
 * too small, and is never too large. */
uint64_t stall_meter_own_ns(struct stall_meter *meter, uint64_t duration_ns, uint64_t now_ns);

#endif
