/* A waiter is asked to choose again: so what has changed meanwhile counts, such as a server that is down.
 * Read place_queue_serve_group first. */
#include "proxy/place_queue.h"

#include "proxy/upstream_group.h"

#define LOOK_MS 2

/* A worker whose oldest waiter is older than this has been stopped, or hangs. */
#define OLDEST_MS_MAX 10000

/* Of a list that is not empty. */
static struct place_waiter *first_waiter(const struct list *list)
{
    return CONTAINER_OF(list->next, struct place_waiter, link);
}

/* By number: those of the servers, and then `any`. */
static struct list *place_list(struct upstream_group *group, unsigned number)
{
    return number < group->count ? &group->members[number].waiting : &group->waiting.any;
}

/* ---- other workers ---- */

static uint64_t older_of(uint64_t oldest, const struct list *list)
{
    uint64_t began = list_is_empty(list) ? 0 : first_waiter(list)->began_ms;
    return began > 0 && (oldest == 0 || began < oldest) ? began : oldest;
}

/* When the one that waits for longest began to; 0: nobody waits. */
static uint64_t oldest_wait(const struct place_queue *queue)
{
    uint64_t oldest = 0;
    LIST_FOREACH(link, &queue->groups) {
        struct upstream_group *group = CONTAINER_OF(link, struct upstream_group, queue_link);
        oldest = older_of(oldest, &group->waiting.picky);
        for (unsigned i = 0; i <= group->count; i++)
            oldest = older_of(oldest, place_list(group, i));
    }
    return oldest;
}

static void show_oldest(struct place_queue *queue, uint64_t oldest_ms)
{
    queue->oldest_ms = oldest_ms;
    if (queue->board)
        *board_waiting_since(queue->board, queue->worker) = oldest_ms;
}

static bool others_come_first(const struct place_queue *queue)
{
    uint64_t own = queue->oldest_ms, now = loop_now_ms(queue->loop);
    for (size_t i = 0; i < board_workers(queue->board); i++) {
        uint64_t began = i == queue->worker ? 0 : *board_waiting_since(queue->board, i);
        if (began > 0 && began < own && now < began + OLDEST_MS_MAX)
            return true;
    }
    return false;
}

/* ---- serving ---- */

/* Where no server is left, nobody has to wait to hear that. */
static bool is_worth_asking(const struct upstream_group *group)
{
    return group->count == 0 || upstream_group_has_room(group);
}

/* Whether those of a list can get a place now. Those that are tied to a server that is down may go to the
 * others. */
static bool has_chance(struct upstream_group *group, unsigned number)
{
    if (number < group->count && upstream_group_is_good(group, number))
        return upstream_group_has_room_at(group, number);
    return is_worth_asking(group);
}

/* Each of them may want other places. Whoever is asked may end others, too. */
static void ask_picky(struct upstream_group *group)
{
    struct list asked;
    list_init(&asked);
    while (!list_is_empty(&group->waiting.picky) && is_worth_asking(group)) {
        struct place_waiter *waiter = first_waiter(&group->waiting.picky);
        if (!waiter->on_chance(waiter)) {
            list_remove(&waiter->link);
            list_append(&asked, &waiter->link);
        }
    }
    list_splice(&asked, &group->waiting.picky);
    list_splice(&group->waiting.picky, &asked);
}

/* The list whose first waiter has waited for longest, of those that are not `refused` and have a chance; -1:
 * there is none. */
static int next_list(struct upstream_group *group, const bool *refused)
{
    int next = -1;
    uint64_t lowest = UINT64_MAX;
    for (unsigned i = 0; i <= group->count; i++) {
        struct list *list = place_list(group, i);
        if (list_is_empty(list) || refused[i] || first_waiter(list)->number > lowest || !has_chance(group, i))
            continue;
        lowest = first_waiter(list)->number;
        next = (int)i;
    }
    return next;
}

/* Gives places until there are none, or nobody can use them: if the first of a list cannot, none of them can.
 * At most as many are asked as wait now: one that fails may come back. */
static void place_queue_serve_group(struct upstream_group *group)
{
    bool refused[PROXY_SERVERS_MAX + 1] = {false};
    int number;
    ask_picky(group);
    for (unsigned left = group->waiting_count; left > 0 && (number = next_list(group, refused)) >= 0;
         left--) {
        struct place_waiter *waiter = first_waiter(place_list(group, (unsigned)number));
        refused[number] = !waiter->on_chance(waiter);
    }
}

/* A group that nobody waits for any more leaves the list. */
static void place_queue_serve_all(struct place_queue *queue)
{
    for (unsigned left = queue->group_count; left > 0 && !list_is_empty(&queue->groups); left--) {
        struct upstream_group *group = CONTAINER_OF(queue->groups.next, struct upstream_group, queue_link);
        list_remove(&group->queue_link);
        list_append(&queue->groups, &group->queue_link);
        upstream_group_ref(group);
        if (UNLIKELY(!upstream_group_is_current(group)))
            queue->on_changed(queue, group);
        place_queue_serve_group(group);
        upstream_group_unref(group);
    }
}

static void place_queue_look_in(struct place_queue *queue, uint32_t delay_ms)
{
    if (!list_is_empty(&queue->groups))
        wheel_arm(loop_wheel(queue->loop), &queue->look, delay_ms);
}

static void place_queue_on_look(struct timer *timer)
{
    struct place_queue *queue = CONTAINER_OF(timer, struct place_queue, look);
    place_queue_serve_all(queue);
    place_queue_look_in(queue, LOOK_MS);
}

/* Another worker sees the place when it looks next. If it has no use for it, this one takes it then: a look
 * that is due already is not put off, or it would never come while places become free all the time. */
static void place_queue_on_free(struct task *task)
{
    struct place_queue *queue = CONTAINER_OF(task, struct place_queue, serve);
    if (!others_come_first(queue))
        place_queue_serve_all(queue);
    else if (!timer_is_armed(&queue->look))
        place_queue_look_in(queue, 2 * LOOK_MS);
}

/* ---- waiting ---- */

static void place_waiter_on_late(struct timer *timer)
{
    struct place_waiter *waiter = CONTAINER_OF(timer, struct place_waiter, deadline);
    place_queue_leave(waiter);
    waiter->on_late(waiter);
}

void place_queue_init(struct place_queue *queue, struct loop *loop,
                      void (*on_changed)(struct place_queue *queue, struct upstream_group *group))
{
    *queue = (struct place_queue){.loop = loop, .on_changed = on_changed};
    list_init(&queue->groups);
    timer_init(&queue->look, place_queue_on_look);
    task_init(&queue->serve, place_queue_on_free);
}

void place_queue_finish(struct place_queue *queue)
{
    assert(list_is_empty(&queue->groups));
    timer_disarm(&queue->look);
    task_cancel(&queue->serve);
}

void place_lists_init(struct place_lists *lists)
{
    list_init(&lists->any);
    list_init(&lists->picky);
}

static bool is_tied(const struct upstream_wish *wish)
{
    return wish->sticky >= 0 && (wish->tried >> wish->sticky & 1) == 0;
}

bool place_queue_has_others_first(const struct upstream_group *group, const struct upstream_wish *wish)
{
    return !list_is_empty(&group->waiting.any) && wish->tried == 0 && !is_tied(wish);
}

static struct list *list_for(struct upstream_group *group, const struct upstream_wish *wish)
{
    if (is_tied(wish))
        return &group->members[wish->sticky].waiting;
    return wish->tried == 0 ? &group->waiting.any : &group->waiting.picky;
}

/* A list is in the order in which its waiters came. */
static void enter_list(struct list *list, struct place_waiter *waiter)
{
    struct list *behind = list;
    while (behind->previous != list &&
           CONTAINER_OF(behind->previous, struct place_waiter, link)->number > waiter->number)
        behind = behind->previous;
    list_append(behind, &waiter->link);
}

static void enter_group(struct place_queue *queue, struct place_waiter *waiter, struct upstream_group *group,
                        const struct upstream_wish *wish)
{
    if (group->waiting_count++ == 0) {
        list_append(&queue->groups, &group->queue_link);
        queue->group_count++;
    }
    waiter->group = group;
    enter_list(list_for(group, wish), waiter);
}

static void leave_group(struct place_waiter *waiter)
{
    struct upstream_group *group = waiter->group;
    waiter->group = NULL;
    list_remove(&waiter->link);
    if (--group->waiting_count == 0) {
        list_remove(&group->queue_link);
        waiter->queue->group_count--;
    }
}

bool place_queue_join(struct place_queue *queue, struct place_waiter *waiter, struct upstream_group *group,
                      const struct upstream_wish *wish, uint32_t waiting_max, uint32_t timeout_ms)
{
    assert(waiter->group == NULL);
    if (group->waiting_count >= waiting_max)
        return false;
    waiter->queue = queue;
    waiter->number = queue->joined++;
    waiter->began_ms = loop_now_ms(queue->loop);
    enter_group(queue, waiter, group, wish);
    timer_init(&waiter->deadline, place_waiter_on_late);
    wheel_arm(loop_wheel(queue->loop), &waiter->deadline, timeout_ms);
    if (!timer_is_armed(&queue->look))
        place_queue_look_in(queue, LOOK_MS);
    if (queue->oldest_ms == 0)
        show_oldest(queue, waiter->began_ms);
    return true;
}

void place_queue_leave(struct place_waiter *waiter)
{
    if (waiter->group == NULL)
        return;
    leave_group(waiter);
    timer_disarm(&waiter->deadline);
    if (waiter->began_ms == waiter->queue->oldest_ms)
        show_oldest(waiter->queue, oldest_wait(waiter->queue));
}

/* The lists of the new group, by what they want of it, may be others than those of the former. */
static void move_list(struct place_queue *queue, struct list *list, struct upstream_group *to)
{
    while (!list_is_empty(list)) {
        struct place_waiter *waiter = first_waiter(list);
        leave_group(waiter);
        enter_group(queue, waiter, to, waiter->on_moved(waiter, to));
    }
}

void place_queue_move(struct place_queue *queue, struct upstream_group *from, struct upstream_group *to)
{
    assert(from != to);
    upstream_group_ref(from);
    move_list(queue, &from->waiting.picky, to);
    for (unsigned i = 0; i <= from->count; i++)
        move_list(queue, place_list(from, i), to);
    upstream_group_unref(from);
}

/* ---- consistency checks ---- */

static const char *place_list_validate(const struct place_queue *queue, const struct upstream_group *group,
                                       const struct list *list, unsigned *count)
{
    uint64_t next = 0;
    LIST_FOREACH(link, list) {
        const struct place_waiter *waiter = CONTAINER_OF(link, struct place_waiter, link);
        if (waiter->group != group || waiter->queue != queue)
            return "a request that waits for a server is in another group or queue than it says";
        if (!timer_is_armed(&waiter->deadline))
            return "a request waits for a server without a deadline";
        if (waiter->number < next || waiter->number >= queue->joined)
            return "requests that wait for a server are not in the order in which they came";
        next = waiter->number + 1;
        (*count)++;
    }
    return NULL;
}

static const char *place_group_validate(const struct place_queue *queue, struct upstream_group *group)
{
    unsigned count = 0;
    const char *fault = place_list_validate(queue, group, &group->waiting.picky, &count);
    for (unsigned i = 0; i <= group->count && fault == NULL; i++)
        fault = place_list_validate(queue, group, place_list(group, i), &count);
    if (fault == NULL && (count == 0 || count != group->waiting_count))
        fault = "a group has another number of waiting requests than it says, or none";
    return fault;
}

const char *place_queue_validate(const struct place_queue *queue)
{
    const char *fault = NULL;
    unsigned groups = 0;
    LIST_FOREACH(link, &queue->groups) {
        if (fault == NULL)
            fault = place_group_validate(queue, CONTAINER_OF(link, struct upstream_group, queue_link));
        groups++;
    }
    if (fault == NULL && groups != queue->group_count)
        fault = "another number of groups has waiting requests than the queue says";
    if (fault == NULL && queue->oldest_ms != oldest_wait(queue))
        fault = "the oldest waiting request is not the one that other workers are told of";
    if (fault == NULL && groups > 0 && !timer_is_armed(&queue->look))
        fault = "requests wait for servers, and nobody looks whether one has room";
    return fault;
}
