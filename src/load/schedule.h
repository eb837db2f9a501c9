/* The timetable of a constant rate: when each request is due. It is the same whatever the server does, so
 * that one that stalls is charged with every request that had to wait. Times are microseconds of the
 * monotonic clock. */
#ifndef LOAD_SCHEDULE_H
#define LOAD_SCHEDULE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct schedule {
    double rate; /* a second */
    uint64_t begin_us;
    uint64_t taken; /* requests handed out */
};

/* Request number 0 is due at `begin_us`. `rate` is above 0. */
void schedule_init(struct schedule *schedule, double rate, uint64_t begin_us);

/* When the next request is due; or was, where nobody was free to take it. */
uint64_t schedule_next_us(const struct schedule *schedule);

/* How many have come due by `now_us` and were not taken. */
uint64_t schedule_waiting(const struct schedule *schedule, uint64_t now_us);

/* Hands out the next request; returns when it was due. */
uint64_t schedule_take(struct schedule *schedule);

#endif
