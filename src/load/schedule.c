/* Times are computed from the number of the request, never by adding intervals: so errors do not
 * accumulate, and waiting requests need no memory. */
#include "load/schedule.h"

unsigned schedule_share_size(const struct schedule_share *share)
{
    return share->connections / share->threads + (share->thread < share->connections % share->threads);
}

/* Converts the share's request number `own` to the number in the whole timetable. */
static uint64_t schedule_number_of(const struct schedule_share *share, uint64_t own)
{
    uint64_t size = schedule_share_size(share);
    return own / size * share->connections + own % size * share->threads + share->thread;
}

/* How many of the timetable's first `count` requests belong to the share. */
static uint64_t own_of(const struct schedule_share *share, uint64_t count)
{
    uint64_t round = count / share->connections;
    uint64_t rest = count % share->connections;
    uint64_t own_rest = (rest + share->threads - 1 - share->thread) / share->threads;
    return round * schedule_share_size(share) + own_rest;
}

static uint64_t due_us(const struct schedule *schedule, uint64_t own)
{
    return schedule->begin_us +
           (uint64_t)((double)schedule_number_of(&schedule->share, own) * 1e6 / schedule->rate);
}

void schedule_init(struct schedule *schedule, double rate, uint64_t begin_us,
                   const struct schedule_share *share)
{
    assert(rate > 0 && share->thread < share->threads && share->threads <= share->connections);
    *schedule = (struct schedule){.rate = rate, .begin_us = begin_us, .share = *share};
}

uint64_t schedule_next_us(const struct schedule *schedule)
{
    return due_us(schedule, schedule->taken);
}

uint64_t schedule_due(const struct schedule *schedule, uint64_t now_us)
{
    if (now_us < schedule->begin_us)
        return 0;
    uint64_t of_all = (uint64_t)((double)(now_us - schedule->begin_us) * schedule->rate / 1e6) + 1;
    uint64_t due = own_of(&schedule->share, of_all);
    /* Either computation may be off by one through rounding. */
    while (due > 0 && due_us(schedule, due - 1) > now_us)
        due--;
    while (due_us(schedule, due) <= now_us)
        due++;
    return due;
}

uint64_t schedule_waiting(const struct schedule *schedule, uint64_t now_us)
{
    return now_us < schedule_next_us(schedule) ? 0 : schedule_due(schedule, now_us) - schedule->taken;
}

uint64_t schedule_take(struct schedule *schedule)
{
    return due_us(schedule, schedule->taken++);
}
