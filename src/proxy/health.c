/* Each server has a timer; read health_on_due first. */
#include "proxy/health.h"

#include "sys/clock.h"

#include <stdio.h>
#include <stdlib.h>

/* The first checks come soon, but not all at once. */
#define FIRST_MS_MAX 100

/* An interval is shorter or longer by up to a part of this, so that checks do not fall into step. */
#define JITTER_PARTS 10

struct health_target {
    struct health_group *group;
    struct upstream_member *member;
    struct timer due;
    struct health_probe *probe; /* under way; NULL: none */
    struct health_record record;
};

struct health_group {
    struct list link;
    struct health *health;
    struct upstream_group *group;
    unsigned count;
    struct health_target targets[];
};

enum board_health health_judge(struct health_record *record, const struct proxy_health *settings,
                               enum board_health former, bool is_good)
{
    record->good = is_good ? record->good + 1 : 0;
    record->bad = is_good ? 0 : record->bad + 1;
    if (is_good && (former == BOARD_UNKNOWN || record->good >= settings->rise))
        return BOARD_UP;
    if (!is_good && (former == BOARD_UNKNOWN || record->bad >= settings->fall))
        return BOARD_DOWN;
    return former;
}

static const struct proxy_settings *health_settings_of(const struct health_target *target)
{
    return &target->group->group->route->proxy;
}

static uint32_t random_below(uint32_t end)
{
    uint32_t random;
    sys_random(&random, sizeof(random));
    return end > 0 ? random % end : 0;
}

static void health_arm(struct health_target *target, uint32_t delay_ms)
{
    if (target->group->health->has_lease)
        wheel_arm(loop_wheel(target->group->health->loop), &target->due, delay_ms);
}

/* ---- verdicts ---- */

static void health_log_change(const struct health_target *target, enum board_health former,
                              enum board_health now, const char *fault)
{
    const struct health_group *group = target->group;
    struct slice url = target->member->upstream->url;
    if (now == BOARD_DOWN)
        log_warning(group->health->log, "proxy: %.*s is down for %s: %s", SLICE_ARGS(url), group->group->name,
                    fault);
    else if (former == BOARD_DOWN)
        log_info(group->health->log, "proxy: %.*s is up for %s", SLICE_ARGS(url), group->group->name);
}

static void health_on_done(void *context, const char *fault)
{
    struct health_target *target = context;
    struct board_server *server = target->member->place.server;
    const struct proxy_health *settings = &health_settings_of(target)->health;
    enum board_health former = (enum board_health)server->health;
    target->probe = NULL;
    server->checks++;
    server->failed_checks += fault != NULL;
    enum board_health now = health_judge(&target->record, settings, former, fault == NULL);
    if (now == former)
        return;
    board_set_health(server, now, fault ? fault : "", loop_now_ms(target->group->health->loop));
    health_log_change(target, former, now, fault);
}

/* While its name is looked up for the first time, nothing is known about a server. */
static bool health_is_too_early(const struct upstream *upstream)
{
    return upstream->address_count == 0 && upstream_name_is_awaited(upstream->name);
}

/* Time for the next check. One that is still under way goes on: its time limit may be longer. */
static void health_on_due(struct timer *timer)
{
    struct health_target *target = CONTAINER_OF(timer, struct health_target, due);
    struct upstream *upstream = target->member->upstream;
    uint32_t interval = health_settings_of(target)->health.interval_ms, jitter = interval / JITTER_PARTS;
    if (health_is_too_early(upstream)) {
        health_arm(target, MIN(interval, (uint32_t)FIRST_MS_MAX));
        return;
    }
    health_arm(target, interval - jitter + random_below(2 * jitter + 1));
    if (target->probe == NULL)
        target->probe = health_probe_begin(upstream, health_settings_of(target), health_on_done, target);
}

/* ---- the lease ---- */

static void health_begin_checks(struct health_group *group)
{
    for (unsigned i = 0; i < group->count; i++) {
        uint32_t interval = health_settings_of(&group->targets[i])->health.interval_ms;
        if (!timer_is_armed(&group->targets[i].due))
            health_arm(&group->targets[i], random_below(MIN(interval, (uint32_t)FIRST_MS_MAX)));
    }
}

static void health_end_checks(struct health_group *group)
{
    for (unsigned i = 0; i < group->count; i++) {
        struct health_target *target = &group->targets[i];
        timer_disarm(&target->due);
        if (target->probe)
            health_probe_cancel(target->probe);
        target->probe = NULL;
        target->record = (struct health_record){0};
    }
}

static void health_look_at_lease(struct health *health)
{
    bool had_lease = health->has_lease;
    if (list_is_empty(&health->groups)) {
        health->has_lease = false;
        return;
    }
    health->has_lease = board_take_lease(health->board, health->worker, loop_now_ms(health->loop));
    wheel_arm(loop_wheel(health->loop), &health->lease_timer, BOARD_LEASE_MS / 4);
    if (health->has_lease == had_lease)
        return;
    LIST_FOREACH(link, &health->groups) {
        struct health_group *group = CONTAINER_OF(link, struct health_group, link);
        if (health->has_lease)
            health_begin_checks(group);
        else
            health_end_checks(group);
    }
}

static void health_on_lease_timer(struct timer *timer)
{
    struct health *health = CONTAINER_OF(timer, struct health, lease_timer);
    health->on_tick(health);
    health_look_at_lease(health);
}

/* ---- groups ---- */

void health_init(struct health *health, struct loop *loop, struct log *log,
                 void (*on_tick)(struct health *health))
{
    *health = (struct health){.loop = loop, .log = log, .on_tick = on_tick};
    list_init(&health->groups);
    timer_init(&health->lease_timer, health_on_lease_timer);
}

void health_finish(struct health *health)
{
    assert(list_is_empty(&health->groups));
    timer_disarm(&health->lease_timer);
}

static struct health_target *health_target_of(struct health_group *group, const struct upstream *upstream)
{
    for (unsigned i = 0; i < group->count; i++) {
        if (group->targets[i].member->upstream == upstream)
            return &group->targets[i];
    }
    return NULL;
}

/* Otherwise a server would never be down while the others' names get new addresses often. */
static void health_take_over(struct health_target *target, struct health_target *former)
{
    struct wheel *wheel = loop_wheel(target->group->health->loop);
    uint64_t expiry = former->due.expiry_ms;
    target->record = former->record;
    target->probe = former->probe;
    if (target->probe)
        health_probe_hand_over(target->probe, target);
    former->probe = NULL;
    if (timer_is_armed(&former->due))
        wheel_arm(wheel, &target->due, expiry > wheel->now_ms ? expiry - wheel->now_ms : 0);
    timer_disarm(&former->due);
}

static void health_add_target(struct health_group *group, unsigned index, struct health_group *former)
{
    struct health_target *target = &group->targets[index];
    *target = (struct health_target){.group = group, .member = &group->group->members[index]};
    timer_init(&target->due, health_on_due);
    struct health_target *before = former ? health_target_of(former, target->member->upstream) : NULL;
    if (before)
        health_take_over(target, before);
}

bool health_begin_group(struct health *health, struct upstream_group *group, struct upstream_group *former)
{
    if (!group->route->proxy.health.is_on)
        return true;
    struct health_group *checked = calloc(1, sizeof(*checked) + group->count * sizeof(checked->targets[0]));
    if (checked == NULL)
        return false;
    checked->health = health;
    checked->group = group;
    checked->count = group->count;
    for (unsigned i = 0; i < group->count; i++)
        health_add_target(checked, i, former ? former->health : NULL);
    list_append(&health->groups, &checked->link);
    group->health = checked;
    if (health->has_lease)
        health_begin_checks(checked);
    else if (!timer_is_armed(&health->lease_timer))
        health_look_at_lease(health);
    return true;
}

void health_end_group(struct upstream_group *group)
{
    struct health_group *checked = group->health;
    if (checked == NULL)
        return;
    health_end_checks(checked);
    list_remove(&checked->link);
    free(checked);
    group->health = NULL;
}
