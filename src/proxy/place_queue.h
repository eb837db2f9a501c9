/* Requests that wait because the servers of their route have as many as they take (`connections`).
 *
 * Those of a worker are served in the order in which they came, each group by itself. A place that becomes
 * free in this worker is given at once, to the first that can use it: nobody else is asked, however many
 * wait. What other workers do is seen by looking every few milliseconds whether a server has room; and while
 * somebody waits longer in another worker, a place is left to that one for a moment.
 *
 * A look also notices that the servers of a route have changed: those that wait for the former ones go over
 * to its new group, where they keep their turn and their deadline. */
#ifndef PROXY_PLACE_QUEUE_H
#define PROXY_PLACE_QUEUE_H

#include "base/list.h"
#include "loop/loop.h"
#include "loop/wheel.h"
#include "serve/board.h"

struct place_waiter;
struct upstream_group;
struct upstream_wish;

/* The lists of a group in which requests wait, besides one for each server, for those that are tied to it. In
 * `any` and in that of a server all can use the same places. */
struct place_lists {
    struct list any;   /* every server is good for them */
    struct list picky; /* every server but those that have failed for them */
};

struct place_queue {
    struct loop *loop;
    struct board *board; /* NULL before the first group */
    size_t worker;
    struct list groups; /* that somebody waits for */
    unsigned group_count;
    uint64_t joined;    /* waiters so far */
    uint64_t oldest_ms; /* when the one that waits for longest began to; 0: nobody waits */
    struct timer look;  /* at what other workers have left */
    /* The servers of a group that somebody waits for are not those of its route any more: may call
     * place_queue_move. Ends no request. */
    void (*on_changed)(struct place_queue *queue, struct upstream_group *group);
    struct task serve;
};

struct place_waiter {
    struct list link;
    struct place_queue *queue;
    struct upstream_group *group; /* NULL: it does not wait */
    struct timer deadline;
    uint64_t began_ms;
    uint64_t number; /* those that came before have lower ones */
    /* Tries to get a place. Returns false, and keeps waiting, if there is none for it; otherwise it has
     * called place_queue_leave. */
    bool (*on_chance)(struct place_waiter *waiter);
    void (*on_late)(struct place_waiter *waiter);
    /* It waits for the servers of this group from now on. Returns what it wants of them. */
    const struct upstream_wish *(*on_moved)(struct place_waiter *waiter, struct upstream_group *group);
};

void place_queue_init(struct place_queue *queue, struct loop *loop,
                      void (*on_changed)(struct place_queue *queue, struct upstream_group *group));

/* Nobody may wait. */
void place_queue_finish(struct place_queue *queue);

void place_lists_init(struct place_lists *lists);

/* Whether requests wait already for whatever place a new one would get. */
bool place_queue_has_others_first(const struct upstream_group *group, const struct upstream_wish *wish);

/* Waits for a place that `wish` is good for, at most so long; not for more than `waiting_max` others. Returns
 * false if there are more. */
bool place_queue_join(struct place_queue *queue, struct place_waiter *waiter, struct upstream_group *group,
                      const struct upstream_wish *wish, uint32_t waiting_max, uint32_t timeout_ms) MUST_CHECK;

/* Does nothing if it does not wait. */
void place_queue_leave(struct place_waiter *waiter);

/* All that wait for the servers of a group wait for those of another one. */
void place_queue_move(struct place_queue *queue, struct upstream_group *from, struct upstream_group *to);

/* For tests, between two callbacks of the loop: describes the first inconsistency; NULL if there is none. */
const char *place_queue_validate(const struct place_queue *queue);

/* A request of this worker has ended: its place is free. */
static inline void place_queue_note_free(struct place_queue *queue)
{
    if (!list_is_empty(&queue->groups))
        task_defer(queue->loop, &queue->serve);
}

#endif
