/* A lane: a way to the offload pool for jobs that take long, a few of them at a time.
 *
 * A listing of a large folder is a hundred milliseconds of work; a flood of them would have every thread of
 * the pool and fill its queue, and nobody could look up a cold file any more. In their lane they wait for
 * each other. */
#ifndef SERVE_LANE_H
#define SERVE_LANE_H

#include "base/list.h"

/* Of the pool's threads (four, unless told otherwise) the rest stays free for look-ups and reads. */
#define LANE_RUNNING_MAX 2

/* Exchanges that wait past these are refused: 503. */
#define LANE_WAITING_MAX 256

struct lane {
    struct list waiting; /* struct exchange, by lane_link */
    unsigned waiting_count;
    unsigned running_count;
};

static inline void lane_init(struct lane *lane)
{
    *lane = (struct lane){0};
    list_init(&lane->waiting);
}

#endif
