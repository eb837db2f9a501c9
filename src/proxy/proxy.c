/* Finds the servers of a route; forwarding.c does the rest. */
#include "proxy/proxy.h"

#include "proxy/forwarding.h"
#include "proxy/upstream_tunnel.h"

#include <stdlib.h>

static uint64_t route_hash(const struct route *route)
{
    return (uintptr_t)route / sizeof(void *);
}

static struct upstream_group *proxy_find_group(struct proxy *proxy, const struct route *route)
{
    struct map_link *link = map_find(&proxy->groups, route_hash(route));
    while (link && CONTAINER_OF(link, struct upstream_group, link)->route != route)
        link = map_find_next(link);
    return link ? CONTAINER_OF(link, struct upstream_group, link) : NULL;
}

/* The board of a single worker is made with the first group. Returns false if out of memory. */
static bool proxy_has_board(struct proxy *proxy)
{
    if (proxy->board)
        return true;
    proxy->board = board_create(1);
    if (proxy->board == NULL)
        return false;
    board_enter(proxy->board, 0);
    proxy->owns_board = true;
    proxy->queue.board = proxy->health.board = proxy->board;
    return true;
}

static struct upstream_group *proxy_make_group(struct proxy *proxy, const struct upstream_group_plan *plan)
{
    struct upstream_group *group = upstream_group_create(plan);
    if (group == NULL)
        return NULL;
    bool is_known = map_insert(&proxy->groups, &group->link, route_hash(plan->route)) == 0;
    if (is_known && health_begin_group(&proxy->health, group, plan->former))
        return group;
    if (is_known)
        map_remove(&proxy->groups, &group->link);
    upstream_group_unref(group);
    return NULL;
}

/* Requests in progress hold their group. */
static void proxy_drop_group(struct proxy *proxy, struct upstream_group *group)
{
    map_remove(&proxy->groups, &group->link);
    health_end_group(group);
    upstream_group_unref(group);
}

/* The servers have changed at run time. Without memory the former group stays. */
static struct upstream_group *proxy_renew_group(struct proxy *proxy, const struct upstream_group_plan *plan)
{
    struct upstream_group *group = proxy_make_group(proxy, plan);
    if (group == NULL)
        return plan->former;
    proxy_drop_group(proxy, plan->former);
    return group;
}

/* A group holds the settings of its route, whose address identifies it. Returns NULL if out of memory. */
static struct upstream_group *proxy_group_of(struct proxy *proxy, const struct site *site,
                                             const struct route *route, struct settings *settings)
{
    struct upstream_group *group = proxy_find_group(proxy, route);
    if (group && LIKELY(upstream_group_is_current(group)))
        return group;
    if (!proxy_has_board(proxy))
        return NULL;
    struct upstream_group_plan plan = {
        .all = &proxy->upstreams,
        .board = proxy->board,
        .worker = proxy->worker,
        .site = site,
        .route = route,
        .settings = settings,
        .remotes = proxy->service->remotes,
        .former = group,
    };
    return group ? proxy_renew_group(proxy, &plan) : proxy_make_group(proxy, &plan);
}

/* After a reload requests go on by the settings that they began with, so with the servers of these. */
static void proxy_on_changed(struct place_queue *queue, struct upstream_group *group)
{
    struct proxy *proxy = CONTAINER_OF(queue, struct proxy, queue);
    struct upstream_group *current = proxy_find_group(proxy, group->route);
    if (current == NULL)
        return;
    current = proxy_group_of(proxy, current->site, current->route, current->settings);
    if (current != group)
        place_queue_move(queue, group, current);
}

static void proxy_handle(struct exchange *exchange)
{
    struct proxy *proxy = proxy_of(exchange);
    const struct route_entry *entry = exchange->route_entry;
    struct upstream_group *group =
        proxy_group_of(proxy, entry->site, entry->route, exchange->snapshot->settings);
    bool is_connect = exchange->request.method == HTTP_METHOD_CONNECT;
    if (UNLIKELY(is_connect) && upgrade_wanted(&exchange->request, &entry->route->proxy).length == 0)
        exchange_fail(exchange, 501);
    else if (group == NULL || exchange_keep(exchange) < 0)
        exchange_fail(exchange, 503);
    else
        forwarding_begin(proxy, group, exchange);
}

static bool proxy_give_descriptors(void *state)
{
    struct proxy *proxy = state;
    return upstreams_close_idle(&proxy->upstreams);
}

const struct handler_type proxy_handler = {
    .streams_content = true,
    .takes_any_method = true,
    .makes_tunnels = true,
    .handle = proxy_handle,
    .give_descriptors = proxy_give_descriptors,
};

static struct upstream_group *proxy_find_other(struct proxy *proxy, const struct settings *kept)
{
    for (struct map_link *link = NULL; (link = map_next(&proxy->groups, link)) != NULL;) {
        struct upstream_group *group = CONTAINER_OF(link, struct upstream_group, link);
        if (group->settings != kept)
            return group;
    }
    return NULL;
}

static void proxy_drop_groups(struct proxy *proxy, const struct settings *kept)
{
    struct upstream_group *group;
    while ((group = proxy_find_other(proxy, kept)) != NULL)
        proxy_drop_group(proxy, group);
}

/* A group that cannot be made now, for want of memory, is made with the first request. */
static void proxy_make_groups(struct proxy *proxy, struct settings *settings)
{
    for (size_t i = 0; i < settings->site_count; i++) {
        const struct site *site = &settings->sites[i];
        for (size_t j = 0; j < site->route_count; j++) {
            if (site->routes[j].kind == ROUTE_PROXY)
                (void)proxy_group_of(proxy, site, &site->routes[j], settings);
        }
    }
}

/* The worker that checks the servers' health may have no requests for them. */
static void proxy_on_tick(struct health *health)
{
    struct proxy *proxy = CONTAINER_OF(health, struct proxy, health);
    proxy_make_groups(proxy, proxy->service->snapshot->settings);
}

static void proxy_take_name_servers(struct proxy *proxy, const struct settings *settings)
{
    upstreams_set_name_servers(&proxy->upstreams, settings->name_servers, settings->name_server_count);
}

void proxy_handler_init(struct proxy *proxy, struct service *service, struct board *board, size_t worker)
{
    *proxy = (struct proxy){.service = service, .board = board, .worker = board ? worker : 0};
    board_enter(board, proxy->worker);
    place_queue_init(&proxy->queue, service->loop, proxy_on_changed);
    health_init(&proxy->health, service->loop, service->log, proxy_on_tick);
    proxy->queue.board = proxy->health.board = board;
    proxy->queue.worker = proxy->health.worker = proxy->worker;
    service->handlers[ROUTE_PROXY] = (struct handler){.type = &proxy_handler, .state = proxy};
    map_init(&proxy->groups);
    pool_init(&proxy->rings, BYTE_RING_BYTES, SIZE_MAX);
    pool_init(&proxy->tunnels, sizeof(struct upstream_tunnel), SIZE_MAX);
    upstreams_init(&proxy->upstreams, service->loop, service->log, service->counters);
    proxy_take_name_servers(proxy, service->snapshot->settings);
    proxy_make_groups(proxy, service->snapshot->settings);
}

/* The new routes get their servers before the old ones release them, so that connections stay open. */
void proxy_handler_take_settings(struct proxy *proxy, struct settings *settings)
{
    proxy_take_name_servers(proxy, settings);
    proxy_make_groups(proxy, settings);
    proxy_drop_groups(proxy, settings);
}

void proxy_handler_close(struct proxy *proxy)
{
    proxy_drop_groups(proxy, NULL);
}

void proxy_handler_finish(struct proxy *proxy)
{
    place_queue_finish(&proxy->queue);
    health_finish(&proxy->health);
    map_finish(&proxy->groups);
    upstreams_finish(&proxy->upstreams);
    pool_finish(&proxy->tunnels);
    pool_finish(&proxy->rings);
    if (proxy->owns_board)
        board_destroy(proxy->board);
}
