/* Events between two lines are counted, and the next line has their number. */
#include "proc/line_limit.h"

#define INTERVAL_US 1000000

uint64_t line_limit_add(struct line_limit *limit, uint64_t now_us)
{
    uint64_t count = ++limit->untold;
    if (limit->has_told && now_us - limit->told_us < INTERVAL_US)
        return 0;
    *limit = (struct line_limit){.has_told = true, .told_us = now_us};
    return count;
}
