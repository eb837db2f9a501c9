/* Counts events per second, so that a worker that somebody has taken over cannot keep the master busy.
 * Zeroed at first. */
#ifndef PROC_SECOND_COUNT_H
#define PROC_SECOND_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#define SECOND_COUNT_MS 1000

struct second_count {
    uint64_t began_ms; /* when this second began */
    unsigned count;    /* events since then */
};

/* Whether `most` were counted in this second. A second begins with the first question after the last one. */
static inline bool second_count_is_full(struct second_count *second, unsigned most, uint64_t now_ms)
{
    if (now_ms - second->began_ms >= SECOND_COUNT_MS)
        *second = (struct second_count){.began_ms = now_ms};
    return second->count >= most;
}

/* After how many milliseconds it is not full any more. */
static inline uint64_t second_count_wait_ms(const struct second_count *second, unsigned most, uint64_t now_ms)
{
    uint64_t next_ms = second->began_ms + SECOND_COUNT_MS;
    return second->count >= most && next_ms > now_ms ? next_ms - now_ms : 0;
}

#endif
