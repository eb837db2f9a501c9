/* Works out which TLS contexts the settings need and which names use them, without loading anything. Routes
 * that forward requests by TLS have contexts, too, one for all with the same TLS settings.
 *
 * A site with TLS settings has a context for each listener with TLS settings, and one for all other
 * listeners. A site without TLS settings uses its listener's context. */
#ifndef SERVER_TLS_PLAN_H
#define SERVER_TLS_PLAN_H

#include "settings/settings.h"
#include "tls/settings.h"

#define TLS_PLAN_NONE UINT32_MAX

struct planned_context {
    struct tls_settings settings;
    struct tls_pair_files pairs[TLS_PAIRS_MAX];
    const struct site *site;   /* NULL: a listener's own context */
    size_t listener;           /* the first listener that uses it */
    const struct route *route; /* the first route that uses it, for connections to its servers; NULL: none */
    uint64_t identity;         /* of that route's settings: proxy_tls_identity */
};

struct tls_plan {
    const struct settings *settings; /* borrowed, with everything it points to */
    struct planned_context *contexts;
    size_t context_count;
    uint32_t *of_sites;    /* index of a context by site and listener; or TLS_PLAN_NONE */
    uint32_t *of_defaults; /* by listener, for clients that send no name or an unknown one */
    struct slice *hosts;   /* storage for the contexts' hosts */
    size_t host_count;
};

/* Fills in a plan. All contexts get `tickets`; NULL: no tickets. Returns 0 or -ENOMEM. */
int tls_plan_make(struct tls_plan *plan, const struct settings *settings,
                  struct tls_tickets *tickets) MUST_CHECK;

/* Frees the plan; may be called on a zeroed one. */
void tls_plan_finish(struct tls_plan *plan);

static inline uint32_t tls_plan_of_site(const struct tls_plan *plan, size_t site, size_t listener)
{
    return plan->of_sites[site * plan->settings->listener_count + listener];
}

#endif
