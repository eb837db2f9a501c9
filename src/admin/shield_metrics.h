/* What the shield has done (proc/shield.h), for metrics and the status. */
#ifndef ADMIN_SHIELD_METRICS_H
#define ADMIN_SHIELD_METRICS_H

#include "admin/metrics.h"
#include "http/json.h"

/* Appends nothing if `figures` is NULL. */
void shield_metrics_write(const struct shield_figures *figures, enum metrics_format format,
                          struct buffer *out);

/* Adds a member "shield": an object, or null while there is none. */
void shield_metrics_write_json(const struct shield_figures *figures, struct json *json);

#endif
