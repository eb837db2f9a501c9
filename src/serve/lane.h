/* A lane: a way to the offload pool for jobs that may take long, a few of them at a time.
 *
 * The pool's threads are for everybody. What waits for one thing goes by a lane of its own, where it waits
 * for its like: listings of large folders, or a file system that does not answer any more. The pool has
 * threads left for the others while few lanes stand still (loop/loop.h). */
#ifndef SERVE_LANE_H
#define SERVE_LANE_H

#include "base/list.h"

/* Jobs of one file system at a time. They wait, they do not compute: more would only wait too. */
#define LANE_FILE_SYSTEM_MAX 8

/* A listing of a large folder is a hundred milliseconds of work for a processor that requests need too. */
#define LANE_LISTINGS_MAX 2

/* Exchanges that wait past these are refused: 503. */
#define LANE_WAITING_MAX 1024

struct lane {
    struct list waiting; /* struct exchange, by lane_link */
    unsigned waiting_count;
    unsigned running_count;
    unsigned running_max;
};

static inline void lane_init(struct lane *lane, unsigned running_max)
{
    *lane = (struct lane){.running_max = running_max};
    list_init(&lane->waiting);
}

#endif
