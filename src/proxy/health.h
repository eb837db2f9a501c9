/* Checks of the servers' health, by one worker for all.
 *
 * Every worker with such servers asks now and then for the lease of the board; the one that has it checks
 * the servers of all groups, each at its own pace, and writes what it finds on the board, from where all
 * workers know it. If that worker is gone or hangs, another one goes on in two seconds. A change is one line
 * of the error log. */
#ifndef PROXY_HEALTH_H
#define PROXY_HEALTH_H

#include "proxy/health_probe.h"
#include "proxy/upstream_group.h"

struct health {
    struct loop *loop;
    struct log *log;
    struct board *board; /* NULL before the first group */
    size_t worker;
    struct list groups; /* struct health_group */
    struct timer lease_timer;
    bool has_lease;
    void (*on_tick)(struct health *health);
};

/* `on_tick` is called now and then while there are groups whose servers are checked: it renews those whose
 * servers have changed. */
void health_init(struct health *health, struct loop *loop, struct log *log,
                 void (*on_tick)(struct health *health));

/* No group may be left. */
void health_finish(struct health *health);

/* Begins to check the servers of a group, if its settings want that: group->health. What is under way for
 * those of `former` (NULL: none), whose place the group takes, goes on. Returns false if out of memory. The
 * group must outlive it. */
bool health_begin_group(struct health *health, struct upstream_group *group,
                        struct upstream_group *former) MUST_CHECK;

/* Does nothing if they are not checked. */
void health_end_group(struct upstream_group *group);

/* What checks in a row mean. */
struct health_record {
    uint32_t good; /* in a row */
    uint32_t bad;
};

/* Counts a check. Returns the health of a server that was `former` before. */
enum board_health health_judge(struct health_record *record, const struct proxy_health *settings,
                               enum board_health former, bool is_good);

#endif
