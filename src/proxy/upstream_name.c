/* Read upstream_name_take first. */
#include "proxy/upstream_name.h"

#include "proxy/upstream.h"
#include "sys/address.h"

#include <stdlib.h>

/* A name is not looked up more often than this, whatever its records say, and not less often. */
#define LOOK_MS_MIN 1000
#define TTL_S_MAX   3600

/* After failures in a row. */
#define PAUSE_S_MAX 30

#define WEIGHT_MAX 1000 /* of a server in relation to the others */

/* A look-up. It may outlive its upstream. */
struct upstream_lookup {
    struct queued_job queued;
    struct upstream *upstream; /* NULL: gone */
    struct lookup lookup;
};

static struct upstream_lookup *lookup_of(struct job *job)
{
    return CONTAINER_OF(CONTAINER_OF(job, struct queued_job, job), struct upstream_lookup, queued);
}

/* ---- the result ---- */

static bool is_same(const struct upstream_name *name, const struct lookup *lookup)
{
    bool same = name->count == lookup->count;
    for (size_t i = 0; same && i < name->count; i++) {
        const struct lookup_address *former = &name->found[i], *now = &lookup->addresses[i];
        same = former->priority == now->priority && former->weight == now->weight &&
               address_compare(&former->address, &now->address) == 0;
    }
    return same;
}

/* Requests go to the new addresses: connections to the others are not kept. */
static void upstream_name_change(struct upstream *upstream, const struct lookup *lookup)
{
    struct upstream_name *name = upstream->name;
    memcpy(name->found, lookup->addresses, sizeof(name->found));
    name->count = lookup->count;
    name->version++;
    upstream->address_count = (unsigned)MIN(lookup->count, (size_t)UPSTREAM_ADDRESSES_MAX);
    for (unsigned i = 0; i < upstream->address_count; i++)
        upstream->addresses[i] = lookup->addresses[i].address;
    upstream->address_first = 0;
    upstream->all->names_version++;
    upstream_renew_connections(upstream);
}

bool upstream_name_accepts(const struct upstream_name *name, const struct lookup *lookup)
{
    bool is_good_enough = !lookup->is_partial || name->count == 0 || name->pause_s == PAUSE_S_MAX;
    return lookup->count > 0 && is_good_enough;
}

static void upstream_name_fail(struct upstream *upstream, const struct lookup *lookup, bool keeps_last)
{
    struct upstream_name *name = upstream->name;
    if (!name->is_failing)
        log_warning(upstream->all->log, "proxy: %.*s: cannot find %s of \"%s\": %s%s",
                    SLICE_ARGS(upstream->url), lookup->is_partial ? "all addresses" : "the address",
                    lookup->host, lookup->why, keeps_last ? "; the last ones stay in use" : "");
    name->is_failing = true;
    name->pause_s = MIN(MAX(name->pause_s * 2, 1u), (uint32_t)PAUSE_S_MAX);
}

static void upstream_name_succeed(struct upstream *upstream, const struct lookup *lookup)
{
    struct upstream_name *name = upstream->name;
    if (name->is_failing)
        log_info(upstream->all->log, "proxy: %.*s: the address of \"%s\" is known again",
                 SLICE_ARGS(upstream->url), lookup->host);
    name->is_failing = false;
    name->pause_s = 0;
}

static void upstream_name_take(struct upstream *upstream, const struct lookup *lookup)
{
    struct upstream_name *name = upstream->name;
    bool is_accepted = upstream_name_accepts(name, lookup);
    name->running = NULL;
    name->looked_ms = loop_now_ms(upstream->all->loop);
    if (is_accepted && !is_same(name, lookup))
        upstream_name_change(upstream, lookup);
    if (lookup->count == 0 || lookup->is_partial)
        upstream_name_fail(upstream, lookup, name->count > 0 && !is_accepted);
    else
        upstream_name_succeed(upstream, lookup);
    uint32_t pause_s = name->pause_s > 0 ? name->pause_s : MIN(MAX(lookup->ttl_s, 1u), (uint32_t)TTL_S_MAX);
    wheel_arm(loop_wheel(upstream->all->loop), &name->due, pause_s * UINT64_C(1000));
    task_defer(upstream->all->loop, &upstream->serve_waiting);
}

/* ---- the job ---- */

static void upstream_lookup_work(struct job *job)
{
    sys_lookup(&lookup_of(job)->lookup);
}

static void upstream_lookup_done(struct job *job)
{
    struct upstream_lookup *lookup = lookup_of(job);
    job_queue_leave(&lookup->queued);
    if (lookup->upstream)
        upstream_name_take(lookup->upstream, &lookup->lookup);
    free(lookup);
}

static bool upstream_lookup_is_wanted(struct queued_job *queued)
{
    struct upstream_lookup *lookup = CONTAINER_OF(queued, struct upstream_lookup, queued);
    bool is_wanted = lookup->upstream != NULL;
    if (!is_wanted)
        free(lookup);
    return is_wanted;
}

static void upstream_lookup_on_refused(struct queued_job *queued)
{
    struct upstream_lookup *lookup = CONTAINER_OF(queued, struct upstream_lookup, queued);
    lookup->lookup.count = 0;
    lookup->lookup.why = "too many look-ups wait";
    if (lookup->upstream)
        upstream_name_take(lookup->upstream, &lookup->lookup);
    free(lookup);
}

static const struct queued_job_events upstream_lookup_events = {
    .is_wanted = upstream_lookup_is_wanted,
    .on_refused = upstream_lookup_on_refused,
};

static void upstream_name_start(struct upstream *upstream)
{
    struct upstreams *all = upstream->all;
    struct upstream_lookup *lookup = calloc(1, sizeof(*lookup));
    if (lookup == NULL)
        return;
    lookup->queued.job = (struct job){.work = upstream_lookup_work, .done = upstream_lookup_done};
    lookup->queued.events = &upstream_lookup_events;
    lookup->upstream = upstream;
    lookup->lookup.port = upstream->parts.port;
    static_assert(SERVER_HOST_BYTES_MAX < sizeof(lookup->lookup.host), "a host has room, and a NUL");
    memcpy(lookup->lookup.host, upstream->parts.host.data, upstream->parts.host.length);
    memcpy(lookup->lookup.servers, all->name_servers, sizeof(all->name_servers));
    upstream->name->running = lookup;
    if (job_queue_submit(&all->lookups, all->loop, &lookup->queued, (uintptr_t)upstream) == 0)
        return;
    upstream->name->running = NULL;
    free(lookup);
}

void upstream_name_look(struct upstream *upstream)
{
    upstream = upstream->named ? upstream->named : upstream;
    struct upstream_name *name = upstream->name;
    uint64_t now = loop_now_ms(upstream->all->loop);
    if (name == NULL || name->running || (name->looked_ms > 0 && now < name->looked_ms + LOOK_MS_MIN))
        return;
    upstream_name_start(upstream);
    if (name->running == NULL)
        wheel_arm(loop_wheel(upstream->all->loop), &name->due, LOOK_MS_MIN);
}

/* ---- life ---- */

static void upstream_name_on_due(struct timer *timer)
{
    struct upstream_name *name = CONTAINER_OF(timer, struct upstream_name, due);
    name->looked_ms = 0;
    upstream_name_look(name->upstream);
}

bool upstream_name_begin(struct upstream *upstream)
{
    upstream->name = calloc(1, sizeof(*upstream->name));
    if (upstream->name == NULL)
        return false;
    upstream->name->upstream = upstream;
    timer_init(&upstream->name->due, upstream_name_on_due);
    upstream_name_look(upstream);
    return true;
}

void upstream_name_end(struct upstream *upstream)
{
    struct upstream_name *name = upstream->name;
    if (name == NULL)
        return;
    timer_disarm(&name->due);
    if (name->running && job_queue_withdraw(&name->running->queued)) {
        free(name->running);
    } else if (name->running) {
        name->running->upstream = NULL;
        name->running->lookup.is_given_up = true;
    }
    free(name);
    upstream->name = NULL;
}

/* ---- servers ---- */

/* A host with an address of each family. */
static bool is_dual(const struct upstream_name *name)
{
    return name->count == 2 && name->found[0].address.any.sa_family != name->found[1].address.any.sa_family;
}

bool upstream_name_is_many(const struct upstream *upstream)
{
    const struct upstream_name *name = upstream->name;
    if (name == NULL || name->count == 0)
        return false;
    return lookup_is_service(upstream->parts.host) || (name->count > 1 && !is_dual(name));
}

static uint32_t common_divisor(uint32_t one, uint32_t other)
{
    return other == 0 ? one : common_divisor(other, one % other);
}

uint32_t upstream_name_weight(const struct upstream_name *name, size_t index)
{
    assert(index < name->count);
    uint32_t own = name->found[index].weight, most = own, divisor = own;
    if (own == 0)
        return 1;
    for (size_t i = 0; i < name->count; i++) {
        most = MAX(most, (uint32_t)name->found[i].weight);
        divisor = common_divisor(name->found[i].weight, divisor);
    }
    return most / divisor > WEIGHT_MAX ? MAX(own * WEIGHT_MAX / most, 1u) : own / divisor;
}

bool upstream_name_is_backup(const struct upstream_name *name, size_t index)
{
    return name->found[index].priority > name->found[0].priority;
}
