/* Counts requests by their routes, and keeps the slowest: for metrics, where there is a listener for them. */
#ifndef SERVE_FIGURES_H
#define SERVE_FIGURES_H

#include "log/counters.h"
#include "serve/exchange.h"
#include "serve/snapshot.h"

/* Gives the routes of a snapshot their places in the counters. `former` is the one in force, whose routes
 * keep theirs; NULL: there is none, a worker begins. */
void figures_name_routes(struct snapshot *snapshot, const struct snapshot *former, struct counters *counters);

/* Of a request that has ended. `duration_us` is UINT64_MAX if it was not measured. */
void figures_count(struct exchange *exchange, uint64_t duration_us);

#endif
