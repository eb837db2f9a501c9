/* The addresses of an upstream whose host is a name.
 *
 * They are looked up when the upstream is made, when their time (TTL) is over, and when none of them accepts
 * a connection. After a failure the last ones stay in use. A job of the offload pool asks, so the loop never
 * waits.
 *
 * A group makes a server of each address (upstreams_get_found), and is made anew when they change. */
#ifndef PROXY_UPSTREAM_NAME_H
#define PROXY_UPSTREAM_NAME_H

#include "base/log.h"
#include "loop/job_queue.h"
#include "loop/wheel.h"
#include "sys/lookup.h"

struct upstream;

struct upstream_name {
    struct upstream *upstream;
    struct timer due;
    struct upstream_lookup *running; /* NULL: none */
    uint64_t looked_ms;              /* when the last one ended; 0: never */
    uint32_t pause_s;                /* before the next one, after a failure */
    bool is_failing;                 /* which was logged */
    unsigned version;                /* rises when the addresses change */
    size_t count;
    struct lookup_address found[LOOKUP_ADDRESSES_MAX];
};

/* The most look-ups at once, of all names. */
#define UPSTREAM_LOOKUPS_MAX 4

/* Begins to look up the name of a new upstream. Returns false if out of memory. */
bool upstream_name_begin(struct upstream *upstream) MUST_CHECK;

/* For one without a name, too. */
void upstream_name_end(struct upstream *upstream);

/* Looks up the name of an upstream, or the one that it is an address of, unless that was done just now. */
void upstream_name_look(struct upstream *upstream);

/* Whether a look-up is under way. */
static inline bool upstream_name_is_awaited(const struct upstream_name *name)
{
    return name && name->running;
}

/* Whether the addresses that were found take the place of the former ones. An answer in which some may be
 * missing does so only if no whole one has come for a minute. */
bool upstream_name_accepts(const struct upstream_name *name, const struct lookup *lookup);

/* Whether its addresses are servers of their own: there are several, or they have weights and ports of their
 * own. One address of each family is one server that has both. */
bool upstream_name_is_many(const struct upstream *upstream);

/* The weight of a server in relation to the others, and whether it is for when those before it are down: of
 * SRV records. Without them 1, and false. */
uint32_t upstream_name_weight(const struct upstream_name *name, size_t index);
bool upstream_name_is_backup(const struct upstream_name *name, size_t index);

#endif
