/* The timetable of a constant rate: when each request is due. It is the same whatever the server does, so
 * that one that stalls is charged with every request that had to wait. Times are microseconds of the
 * monotonic clock.
 *
 * Threads share one timetable: each has the requests of its own connections, by turns. So all of them
 * together ask as evenly as one, and for as many in a given time. */
#ifndef LOAD_SCHEDULE_H
#define LOAD_SCHEDULE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* Of a timetable whose request number n belongs to connection n % connections, and of those connections the
 * ones that a thread has: connection c belongs to thread c % threads. */
struct schedule_share {
    unsigned connections; /* of all threads */
    unsigned threads;     /* at most as many */
    unsigned thread;      /* whose share it is */
};

/* How many of the connections the share has. */
unsigned schedule_share_size(const struct schedule_share *share);

struct schedule {
    double rate; /* a second, of all threads */
    uint64_t begin_us;
    struct schedule_share share;
    uint64_t taken; /* requests handed out, of this share */
};

/* Request number 0 of the whole timetable is due at `begin_us`. `rate` is above 0. */
void schedule_init(struct schedule *schedule, double rate, uint64_t begin_us,
                   const struct schedule_share *share);

/* When the next request is due; or was, where nobody was free to take it. */
uint64_t schedule_next_us(const struct schedule *schedule);

/* How many have come due by `now_us`, taken or not. */
uint64_t schedule_due(const struct schedule *schedule, uint64_t now_us);

/* How many have come due by `now_us` and were not taken. */
uint64_t schedule_waiting(const struct schedule *schedule, uint64_t now_us);

/* Hands out the next request; returns when it was due. */
uint64_t schedule_take(struct schedule *schedule);

#endif
