/* The timetable of a constant rate: when each request is due. It does not depend on the server, so that a
 * server that stalls is charged with every request that had to wait. Times are microseconds of the
 * monotonic clock.
 *
 * Threads share one timetable: requests are assigned to connections in turn, and each thread takes those
 * of its own connections. So together they send as evenly, and as many requests, as a single thread would. */
#ifndef LOAD_SCHEDULE_H
#define LOAD_SCHEDULE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* A thread's share of the timetable. Request number n belongs to connection n % connections, and
 * connection c to thread c % threads. */
struct schedule_share {
    unsigned connections; /* of all threads */
    unsigned threads;     /* at most `connections` */
    unsigned thread;      /* index of the thread */
};

/* The number of connections in the share. */
unsigned schedule_share_size(const struct schedule_share *share);

struct schedule {
    double rate; /* per second, of all threads */
    uint64_t begin_us;
    struct schedule_share share;
    uint64_t taken; /* requests taken so far, of this share */
};

/* Request number 0 of the whole timetable is due at `begin_us`. `rate` must be above 0. */
void schedule_init(struct schedule *schedule, double rate, uint64_t begin_us,
                   const struct schedule_share *share);

/* When the next request is due; in the past if no client was free to take it. */
uint64_t schedule_next_us(const struct schedule *schedule);

/* The number of requests due by `now_us`, taken or not. */
uint64_t schedule_due(const struct schedule *schedule, uint64_t now_us);

/* The number of requests due by `now_us` that were not taken. */
uint64_t schedule_waiting(const struct schedule *schedule, uint64_t now_us);

/* Takes the next request; returns when it was due. */
uint64_t schedule_take(struct schedule *schedule);

#endif
