/* Which TLS contexts the settings ask for, and which of them is for whom: worked out, and nothing loaded.
 *
 * A site has a context of its own for each listener that says something about TLS, and one for all the
 * others. A site without a word on TLS shares its listener's. */
#ifndef SERVER_TLS_PLAN_H
#define SERVER_TLS_PLAN_H

#include "settings/settings.h"
#include "tls/settings.h"

#define TLS_PLAN_NONE UINT32_MAX

struct planned_context {
    struct tls_settings settings;
    struct tls_pair_files pairs[TLS_PAIRS_MAX];
    const struct site *site; /* whose it is; NULL: a listener's own */
    size_t listener;         /* the first that it is for */
};

struct tls_plan {
    const struct settings *settings; /* borrowed, as is all that it leads to */
    struct planned_context *contexts;
    size_t context_count;
    uint32_t *of_sites;    /* the number of a context by site and listener; or TLS_PLAN_NONE */
    uint32_t *of_defaults; /* of a listener, for clients that ask for no name, or for one that has none */
    struct slice *hosts;   /* of all contexts */
    size_t host_count;
};

/* `ticket_keys` is for all of them; NULL: no tickets. Returns 0 or -ENOMEM. */
int tls_plan_make(struct tls_plan *plan, const struct settings *settings,
                  const struct tls_ticket_keys *ticket_keys) MUST_CHECK;

/* Also right on a zeroed one. */
void tls_plan_finish(struct tls_plan *plan);

static inline uint32_t tls_plan_of_site(const struct tls_plan *plan, size_t site, size_t listener)
{
    return plan->of_sites[site * plan->settings->listener_count + listener];
}

#endif
