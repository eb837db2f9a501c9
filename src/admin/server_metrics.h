/* Metrics of the servers that requests are forwarded to, each with the labels `route` and `server`. */
#ifndef ADMIN_SERVER_METRICS_H
#define ADMIN_SERVER_METRICS_H

#include "admin/metrics.h"
#include "http/json.h"
#include "serve/board.h"

/* Appends nothing without a board. */
void server_metrics_write(struct board *board, enum metrics_format format, struct buffer *out);

/* Adds a member "servers" for the dashboard: an array with an object for each. `board` may be NULL. */
void server_metrics_write_json(struct board *board, struct json *json);

#endif
