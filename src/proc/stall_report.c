/* Stalls between two lines are counted, and the next line has their number. */
#include "proc/stall_report.h"

#define INTERVAL_US 1000000

uint64_t stall_report_add(struct stall_report *report, uint64_t now_us)
{
    uint64_t count = ++report->untold;
    if (report->has_reported && now_us - report->reported_us < INTERVAL_US)
        return 0;
    *report = (struct stall_report){.has_reported = true, .reported_us = now_us};
    return count;
}
