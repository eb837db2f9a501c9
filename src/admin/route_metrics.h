/* What is counted by site and route, and the slowest requests: summed and merged over the workers. */
#ifndef ADMIN_ROUTE_METRICS_H
#define ADMIN_ROUTE_METRICS_H

#include "admin/metrics.h"
#include "http/json.h"
#include "log/counters.h"

/* Appends the families with the labels `site` and `route`. In OpenMetrics, buckets have exemplars. */
void route_metrics_write(const struct counters_view *workers, enum metrics_format format, struct buffer *out);

/* Adds members "routes" and "slowest": arrays with an object for each. `now_seconds`: since 1970. */
void route_metrics_write_json(const struct counters_view *workers, int64_t now_seconds, struct json *json);

#endif
