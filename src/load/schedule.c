/* Times are computed from the number of the request, never by adding up intervals: so no error grows, and
 * what waits needs no memory. */
#include "load/schedule.h"

static uint64_t due_us(const struct schedule *schedule, uint64_t number)
{
    return schedule->begin_us + (uint64_t)((double)number * 1e6 / schedule->rate);
}

void schedule_init(struct schedule *schedule, double rate, uint64_t begin_us)
{
    assert(rate > 0);
    *schedule = (struct schedule){.rate = rate, .begin_us = begin_us};
}

uint64_t schedule_next_us(const struct schedule *schedule)
{
    return due_us(schedule, schedule->taken);
}

uint64_t schedule_waiting(const struct schedule *schedule, uint64_t now_us)
{
    if (now_us < schedule_next_us(schedule))
        return 0;
    uint64_t due = (uint64_t)((double)(now_us - schedule->begin_us) * schedule->rate / 1e6) + 1;
    /* Either computation may round by one. */
    while (due > schedule->taken && due_us(schedule, due - 1) > now_us)
        due--;
    while (due_us(schedule, due) <= now_us)
        due++;
    return due - schedule->taken;
}

uint64_t schedule_take(struct schedule *schedule)
{
    return due_us(schedule, schedule->taken++);
}
