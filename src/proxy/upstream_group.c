/* The choice is made by the functions of balance.h from what is on the board at that moment. */
#include "proxy/upstream_group.h"

#include "proxy/server_list.h"
#include "sys/clock.h"
#ifdef HAVE_TLS
#include "tls/remotes.h"
#endif

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A server that fails again soon is left out for longer each time, up to so many times `retry_after`. */
#define EJECTION_FACTOR_MAX 10

/* When servers without a place on the board are tried again. */
#define RETRY_MS 10000

/* ---- its life ---- */

/* With a key from a file the cookies are the same after a restart, and on every machine that has the file. */
static struct hash_key token_key(const struct upstream_group *group)
{
    struct slice key = group->route->proxy.sticky.key;
    struct hash_key copy = group->board->key;
    if (key.length == sizeof(copy))
        memcpy(&copy, key.data, sizeof(copy));
    return copy;
}

static void make_token(const struct upstream_group *group, struct upstream_member *member)
{
    char text[BOARD_ROUTE_BYTES + 512], token[SERVER_TOKEN_BYTES + 1];
    int length = snprintf(text, sizeof(text), "%s %.*s", group->name, SLICE_ARGS(member->upstream->url));
    size_t used = MIN((size_t)length, sizeof(text) - 1);
    struct hash_key key = token_key(group);
    struct digest digest = hash_digest(&key, slice_make(text, used));
    snprintf(token, sizeof(token), "%016" PRIx64 "%016" PRIx64, digest.first, digest.second);
    memcpy(member->token, token, sizeof(member->token));
}

/* Forgets what checks have found. When checks are turned off, the worker that made them calls this. */
static void forget_checks(struct board_server *server, uint64_t now)
{
    if (server->health != BOARD_UNKNOWN)
        board_set_health(server, BOARD_UNKNOWN, "", now);
}

/* The TLS context for a server; NULL if it does not use TLS, or if there is no context. */
static struct tls_remote *remote_of(const struct upstream_group_plan *plan, struct slice url)
{
#ifdef HAVE_TLS
    if (plan->remotes && slice_starts_with(url, SLICE("https://")))
        return tls_remotes_find(plan->remotes, proxy_tls_identity(&plan->route->proxy.tls));
#else
    (void)plan, (void)url;
#endif
    return NULL;
}

/* Takes over the caller's reference to the upstream. */
static bool add_member(struct upstream_group *group, const struct upstream_group_plan *plan,
                       const struct listed_server *server, struct upstream *upstream)
{
    struct upstream_member *member = &group->members[group->count];
    assert(group->count < PROXY_SERVERS_MAX);
    uint64_t now = loop_now_ms(group->all->loop);
    if (upstream == NULL)
        return false;
    *member = (struct upstream_member){
        .upstream = upstream,
        .place = board_get(group->board, plan->worker, slice_from(group->name), upstream->url, now),
        .weight = server->weight,
        .limit = server->limit,
        .is_backup = server->is_backup,
    };
    if (member->place.server == NULL) {
        upstream_unref(upstream);
        group->left_out++;
        return true;
    }
    list_init(&member->waiting);
    group->count++;
    make_token(group, member);
    if (!group->route->proxy.health.is_on)
        forget_checks(member->place.server, now);
    return true;
}

/* A server for each address of a name. */
static bool add_found(struct upstream_group *group, const struct upstream_group_plan *plan,
                      const struct listed_server *listed, struct upstream *named)
{
    for (size_t i = 0; i < named->name->count; i++) {
        struct listed_server server = *listed;
        server.weight *= upstream_name_weight(named->name, i);
        server.is_backup |= upstream_name_is_backup(named->name, i);
        if (group->count == PROXY_SERVERS_MAX) {
            log_warning(group->all->log, "proxy: %s has more than %d servers; %.*s has %zu addresses",
                        group->name, PROXY_SERVERS_MAX, SLICE_ARGS(named->url), named->name->count);
            return true;
        }
        if (!add_member(group, plan, &server, upstreams_get_found(named, i)))
            return false;
    }
    return true;
}

/* Workers can write to the board: what it lists may be anything. */
static bool is_server_url(const struct upstream_group *group, struct slice url)
{
    struct server_url parts;
    const char *fault = server_url_parse(url, &parts);
    if (fault)
        log_error(group->all->log, "proxy: %s: \"%.*s\" is left out: %s", group->name, SLICE_ARGS(url),
                  fault);
    return fault == NULL;
}

static bool add_listed(struct upstream_group *group, const struct upstream_group_plan *plan,
                       const struct listed_server *server)
{
    if (!is_server_url(group, server->url))
        return true;
    struct upstream *upstream = upstreams_get(group->all, server->url, remote_of(plan, server->url),
                                              (enum proxy_http)plan->route->proxy.http);
    if (upstream == NULL || group->count == PROXY_SERVERS_MAX) {
        upstream_unref(upstream);
        return upstream != NULL;
    }
    group->has_names |= upstream->name != NULL;
    if (!upstream_name_is_many(upstream))
        return add_member(group, plan, server, upstream);
    bool is_added = add_found(group, plan, server, upstream);
    upstream_unref(upstream);
    return is_added;
}

/* Somewhere in the turn: otherwise the first requests of all workers would go to the same server. */
static void begin_anywhere(struct upstream_group *group)
{
    struct balance_server servers[PROXY_SERVERS_MAX];
    uint8_t random;
    uint64_t all = group->count == 64 ? UINT64_MAX : (UINT64_C(1) << group->count) - 1;
    if (group->count == 0)
        return;
    sys_random(&random, sizeof(random));
    for (unsigned i = 0; i < group->count; i++)
        servers[i] = (struct balance_server){.weight = group->members[i].weight};
    for (unsigned i = random % (4 * group->count); i > 0; i--)
        (void)balance_in_turn(servers, all, group->turns);
    group->next = random % group->count;
}

static bool add_members(struct upstream_group *group, const struct upstream_group_plan *plan,
                        const struct server_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!add_listed(group, plan, &list->servers[i])) {
            log_error(group->all->log, "proxy: there is no memory for the servers of %s", group->name);
            return false;
        }
    }
    return true;
}

/* Entries of the board may become free, so this is tried again; it is logged once. */
static void note_left_out(struct upstream_group *group, const struct upstream_group *former)
{
    bool was_noted = former && former->left_out > 0;
    if (group->left_out > 0)
        group->retry_ms = loop_now_ms(group->all->loop) + RETRY_MS;
    if (group->left_out > 0 && !was_noted)
        log_error(group->all->log,
                  "proxy: %s: no requests go to %u of its servers: vif has places for %d, of all routes",
                  group->name, group->left_out, BOARD_SERVERS_MAX);
    else if (group->left_out == 0 && was_noted)
        log_info(group->all->log, "proxy: %s: all servers have a place now", group->name);
}

/* A sum that rises when one of its names gets other addresses. */
static unsigned names_version_of(const struct upstream_group *group)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < group->count; i++) {
        const struct upstream *upstream = group->members[i].upstream;
        const struct upstream_name *name = upstream->named ? upstream->named->name : upstream->name;
        sum += name ? name->version : 0;
    }
    return sum;
}

bool upstream_group_has_same_servers(struct upstream_group *group)
{
    if (group->retry_ms > 0 && loop_now_ms(group->all->loop) >= group->retry_ms)
        return false;
    if (group->names_seen != group->all->names_version && names_version_of(group) == group->names_version)
        group->names_seen = group->all->names_version;
    return group->names_seen == group->all->names_version;
}

struct upstream_group *upstream_group_create(const struct upstream_group_plan *plan)
{
    struct server_list list;
    struct upstream_group *group = calloc(1, sizeof(*group) + PROXY_SERVERS_MAX * sizeof(group->members[0]));
    if (group == NULL)
        return NULL;
    group->site = plan->site;
    group->route = plan->route;
    group->all = plan->all;
    group->board = plan->board;
    group->version = board_version(plan->board);
    group->names_seen = plan->all->names_version;
    group->references = 1;
    group->settings = settings_ref(plan->settings);
    place_lists_init(&group->waiting);
    list_init(&group->queue_link);
    server_list_name(plan->site, plan->route, group->name);
    server_list_make(&list, plan->board, group->name, &plan->route->proxy);
    if (!add_members(group, plan, &list)) {
        upstream_group_unref(group);
        return NULL;
    }
    group->names_version = names_version_of(group);
    note_left_out(group, plan->former);
    group->is_simple = group->count == 1 && group->members[0].limit == 0 && group->members[0].weight > 0;
    begin_anywhere(group);
    return group;
}

void upstream_group_unref(struct upstream_group *group)
{
    if (group == NULL)
        return;
    assert(group->references > 0);
    if (--group->references > 0)
        return;
    assert(group->waiting_count == 0 && group->health == NULL);
    for (unsigned i = 0; i < group->count; i++) {
        board_put(group->members[i].place, loop_now_ms(group->all->loop));
        upstream_unref(group->members[i].upstream);
    }
    settings_unref(group->settings);
    free(group);
}

/* ---- the choice ---- */

static uint32_t weight_now(const struct upstream_group *group, const struct upstream_member *member,
                           uint64_t now)
{
    const struct proxy_settings *proxy = &group->route->proxy;
    uint64_t since = atomic_load_explicit(&member->place.server->since_ms, memory_order_relaxed);
    if (since == 0 || proxy->slow_start_ms == 0)
        return member->weight * BALANCE_WEIGHT_UNIT;
    return balance_starting_weight(member->weight, now > since ? now - since : 0, proxy->slow_start_ms);
}

/* What checks have said does not count where the settings want none any more. */
static bool is_good_member(const struct upstream_group *group, const struct upstream_member *member,
                           uint64_t now)
{
    const struct board_server *server = member->place.server;
    return group->route->proxy.health.is_on ? board_is_good(server, now) : !board_is_left_out(server, now);
}

bool upstream_group_is_good(const struct upstream_group *group, unsigned index)
{
    return is_good_member(group, &group->members[index], loop_now_ms(group->all->loop));
}

static void look_at_server(const struct upstream_group *group, const struct upstream_member *member,
                           uint64_t now, struct balance_server *ret_server)
{
    const struct board_server *known = member->place.server;
    uint64_t timed = atomic_load_explicit(&known->timed_ms, memory_order_relaxed);
    uint32_t time_us = atomic_load_explicit(&known->time_us, memory_order_relaxed);
    *ret_server = (struct balance_server){
        .weight = weight_now(group, member, now),
        .in_use = board_in_use(group->board, known),
        .limit = member->limit,
        .time_us = balance_aged_us(time_us, now > timed ? now - timed : 0),
        .hash = known->hash,
        .is_backup = member->is_backup,
        .is_out = !is_good_member(group, member, now),
    };
}

static unsigned choose_among(struct upstream_group *group, const struct balance_server *servers, uint64_t set,
                             const struct upstream_wish *wish)
{
    uint64_t random;
    switch ((enum proxy_balance)group->route->proxy.balance) {
    case PROXY_ROUND_ROBIN: return balance_in_turn(servers, set, group->turns);
    case PROXY_LEAST_CONNECTIONS:
        group->next = balance_least_connections(servers, set, group->next) + 1;
        return group->next - 1;
    case PROXY_LEAST_TIME:
        random = hash_bytes(&group->board->key, slice_make((char *)&group->next, sizeof(group->next)));
        group->next++;
        return balance_least_time(servers, set, random);
    case PROXY_HASH: return balance_by_hash(servers, set, wish->key);
    }
    UNREACHABLE();
}

/* Whether the client stays at its server, which may have no weight. */
static bool is_kept_there(const struct upstream_wish *wish, const struct balance_server *servers)
{
    return wish->sticky >= 0 && (wish->tried >> wish->sticky & 1) == 0 && !servers[wish->sticky].is_out;
}

/* Another worker may have taken the last place meanwhile: then it counts as tried for this choice. */
static enum upstream_choice choose_with_place(struct upstream_group *group,
                                              const struct balance_server *servers, uint64_t candidates,
                                              const struct upstream_wish *wish, unsigned *ret_index)
{
    uint64_t set = balance_with_room(servers, candidates);
    while (set != 0) {
        *ret_index = choose_among(group, servers, set, wish);
        assert(set >> *ret_index & 1);
        const struct upstream_member *member = &group->members[*ret_index];
        if (board_begin(member->place, member->limit))
            return UPSTREAM_CHOSEN;
        set &= ~(UINT64_C(1) << *ret_index);
    }
    return UPSTREAM_FULL;
}

enum upstream_choice upstream_group_search(struct upstream_group *group, const struct upstream_wish *wish,
                                           unsigned *ret_index)
{
    struct balance_server servers[PROXY_SERVERS_MAX];
    uint64_t now = loop_now_ms(group->all->loop);
    for (unsigned i = 0; i < group->count; i++)
        look_at_server(group, &group->members[i], now, &servers[i]);
    uint64_t candidates =
        is_kept_there(wish, servers)
            ? UINT64_C(1) << wish->sticky
            : balance_candidates(servers, group->count, wish->tried, group->route->proxy.panic);
    if (candidates == 0)
        return UPSTREAM_NONE;
    return choose_with_place(group, servers, candidates, wish, ret_index);
}

bool upstream_group_has_room_at(const struct upstream_group *group, unsigned index)
{
    assert(index < group->count);
    const struct upstream_member *member = &group->members[index];
    return member->limit == 0 || board_in_use(group->board, member->place.server) < member->limit;
}

bool upstream_group_has_room(const struct upstream_group *group)
{
    for (unsigned i = 0; i < group->count; i++) {
        if (upstream_group_has_room_at(group, i))
            return true;
    }
    return false;
}

/* ---- what came of it ---- */

static bool has_other_good_server(const struct upstream_group *group, unsigned index, uint64_t now)
{
    for (unsigned i = 0; i < group->count; i++) {
        const struct upstream_member *member = &group->members[i];
        if (i != index && member->weight > 0 && is_good_member(group, member, now))
            return true;
    }
    return false;
}

static uint64_t ejection_ms(struct board_server *server, uint32_t retry_after_ms, uint64_t now)
{
    uint64_t longest = (uint64_t)retry_after_ms * EJECTION_FACTOR_MAX;
    if (now > server->ejected_ms + longest)
        server->ejections = 0;
    unsigned number = ++server->ejections;
    return MIN((uint64_t)retry_after_ms * number, longest);
}

static void eject(struct upstream_group *group, unsigned index, unsigned failures, uint64_t now)
{
    const struct upstream_member *member = &group->members[index];
    struct board_server *server = member->place.server;
    uint64_t duration = ejection_ms(server, group->route->proxy.retry_after_ms, now);
    server->ejected_ms = now + duration;
    server->since_ms = now + duration;
    log_warning(group->all->log, "proxy: %.*s is left out for %" PRIu64 " ms after %u failures",
                SLICE_ARGS(member->upstream->url), duration, failures);
}

/* After the time, the next failure leaves it out again. */
static void note_failure(struct upstream_group *group, unsigned index)
{
    struct board_server *server = group->members[index].place.server;
    uint64_t now = loop_now_ms(group->all->loop);
    unsigned failures = ++server->failures;
    if (failures >= group->route->proxy.failures && server->ejected_ms <= now &&
        has_other_good_server(group, index, now))
        eject(group, index, failures, now);
}

static void note_success(struct upstream_group *group, unsigned index)
{
    struct board_server *server = group->members[index].place.server;
    if (atomic_load_explicit(&server->failures, memory_order_relaxed) == 0)
        return;
    uint64_t now = loop_now_ms(group->all->loop);
    unsigned failures = atomic_exchange(&server->failures, 0);
    if (failures < group->route->proxy.failures || server->ejections == 0)
        return;
    if (server->ejected_ms > now)
        server->ejected_ms = server->since_ms = now;
    log_info(group->all->log, "proxy: %.*s answers again", SLICE_ARGS(group->members[index].upstream->url));
}

void upstream_group_note(struct upstream_group *group, unsigned index, bool has_failed)
{
    assert(index < group->count);
    group->members[index].place.share->failures += has_failed;
    if (has_failed)
        note_failure(group, index);
    else
        note_success(group, index);
}

void upstream_group_note_time(struct upstream_group *group, unsigned index, uint64_t time_us)
{
    assert(index < group->count);
    struct board_place place = group->members[index].place;
    uint32_t average = atomic_load_explicit(&place.server->time_us, memory_order_relaxed);
    place.share->first_byte_us += time_us;
    place.share->first_bytes++;
    atomic_store_explicit(&place.server->time_us, balance_average_us(average, time_us), memory_order_relaxed);
    atomic_store_explicit(&place.server->timed_ms, loop_now_ms(group->all->loop), memory_order_relaxed);
}
