/* Limits how often a message of one kind is logged: the first one at once, then at most one per second, each
 * with a count. So what happens a lot, such as stalls of the loop, does not get worse by its own log. */
#ifndef PROC_LINE_LIMIT_H
#define PROC_LINE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed at first. */
struct line_limit {
    bool has_told;
    uint64_t told_us;
    uint64_t untold; /* events since the last message */
};

/* Counts an event. Returns the number of events that a message should tell of now, or 0 for no message. */
uint64_t line_limit_add(struct line_limit *limit, uint64_t now_us);

#endif
