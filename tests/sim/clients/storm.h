/* Storms: many clients that do one thing at the same time, in some of the runs, so that what is rare becomes
 * likely: jobs that wait for their turn while their clients leave, and a server whose room is all taken by
 * clients that do not get on. */
#ifndef SIM_CLIENTS_STORM_H
#define SIM_CLIENTS_STORM_H

#include "manner.h"

enum storm_kind {
    STORM_NONE,
    STORM_LEAVE,     /* they ask for listings and reset */
    STORM_HALF_SENT, /* half of a request's content, and no more */
    STORM_UNREAD,    /* a large file, of which they take nothing */
    STORM_LINGER,    /* what is refused, and then they do not close */
    STORM_MIXED,     /* one of the last three each */
    STORM_LOG,       /* so many requests that the access log has no room for them */
    STORM_COUNT
};

struct storm {
    enum storm_kind kind;
    unsigned count;
    uint64_t at_us;
    struct sim_chance chance;
};

/* Chooses one, and bounds that let it be one. */
void storm_prepare(struct storm *storm, struct limits *limits, struct timeouts *timeouts);

/* The clients of the storm, one after the other; then those that come when it has taken all room. False
 * where there are no more. */
bool storm_next(struct storm *storm, const struct website *website, struct manner *ret_manner,
                uint64_t *ret_at_us);

#endif
