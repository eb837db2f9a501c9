/* Cross-origin resource sharing, as the Fetch standard has browsers check it: each response says whose pages
 * may read it, redirects and errors too, and a preflight what they may send. */
#ifndef SERVE_CORS_H
#define SERVE_CORS_H

#include "http/request.h"
#include "settings/settings.h"

struct exchange;

enum cors_kind {
    CORS_OFF,
    CORS_SAME,      /* every request gets the same value */
    CORS_BY_ORIGIN, /* it depends on the request's Origin */
};

enum cors_kind cors_kind_of(const struct route *route);

/* Adds the headers that every response of the exchange's route has. */
void cors_add_headers(struct exchange *exchange);

/* The request asks what it may send; only routes with CORS answer that. */
bool cors_is_preflight(const struct exchange *exchange);

/* Answers it; `methods` are what the route takes, as Allow has them. */
void cors_answer_preflight(struct exchange *exchange, struct slice methods);

#endif
