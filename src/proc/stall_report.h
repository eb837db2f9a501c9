/* Rate-limits log messages about stalls of the loop: the first one at once, then at most one per second, so
 * that logging does not add to the stalls. */
#ifndef PROC_STALL_REPORT_H
#define PROC_STALL_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* Zero it when a worker starts: the shared counters still have those of its predecessor. */
struct stall_report {
    bool has_reported;
    uint64_t reported_us;
    uint64_t untold; /* stalls since the last message */
};

/* Records a stall. Returns the number of stalls that a message should report now, or 0 for no message. */
uint64_t stall_report_add(struct stall_report *report, uint64_t now_us);

#endif
