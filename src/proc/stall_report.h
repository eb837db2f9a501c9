/* When to write a line about stalls of the loop: at once about the first, then once a second at most, so that
 * the lines do not make it worse. */
#ifndef PROC_STALL_REPORT_H
#define PROC_STALL_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed for a worker that starts: what its predecessor counted in the shared counters is not its own. */
struct stall_report {
    bool has_reported;
    uint64_t reported_us;
    uint64_t untold; /* stalls since the last line */
};

/* Takes in a stall. Returns how many the line that is due now is about, with this one; 0: none is due. */
uint64_t stall_report_add(struct stall_report *report, uint64_t now_us);

#endif
