/* The handler of listeners for administration:
 *
 *   /         a page that shows the rest as it happens
 *   /metrics  counters of all workers, for Prometheus and its kind
 *   /status   the same as JSON
 *   /events   the same each second, as server-sent events
 *   /healthz  200: the worker answers
 *   /readyz   200; 503 while the server shuts down, so that a load balancer sends no new clients
 *
 * If the listener has a password, all but the last two need it (admin/guard.h): programs that ask for those
 * often have none, and learn no more from them than from a connection to the server.
 *
 * Requests for these are neither counted nor logged. Every worker answers for all of them, from the counters
 * that they share. */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "log/counters.h"
#include "serve/board.h"
#include "serve/handler.h"
#include "serve/shield_figures.h"

#include <stdbool.h>

struct guard;
struct reload_history;

/* So many are shown: a page and a scrape are not to take longer than some milliseconds. */
#define ADMIN_CERTIFICATES_MAX 256

struct admin_certificate {
    const char *file; /* NULL: this one is not shown */
    int64_t expires;  /* since 1970, in seconds */
};

/* The handler's state. */
struct admin {
    struct guard *guard;
    struct counters_view workers;
    struct board *board;                  /* of the servers that requests are forwarded to; NULL: none */
    const struct shield_figures *shield;  /* NULL: there is none */
    const struct reload_history *reloads; /* NULL: none */
    /* The certificates in use, by number; returns false after the last one. May be NULL: admin_certificate.
     */
    bool (*certificate)(const void *context, size_t number, struct admin_certificate *ret_certificate);
    int64_t began_seconds; /* when this worker started, since 1970 */
    bool (*is_draining)(const void *context);
    const void *context;
};

extern const struct handler_type admin_handler;

static inline bool admin_certificate(const struct admin *admin, size_t number,
                                     struct admin_certificate *ret_one)
{
    return number < ADMIN_CERTIFICATES_MAX && admin->certificate &&
           admin->certificate(admin->context, number, ret_one);
}

#endif
