/* Cross-origin resource sharing (CORS, Fetch standard): every response, including redirects and errors, says
 * which origins may read it; the answer to a preflight says what they may send. */
#ifndef SERVE_CORS_H
#define SERVE_CORS_H

#include "http/request.h"
#include "settings/settings.h"

struct exchange;

enum cors_kind {
    CORS_OFF,
    CORS_SAME,      /* every request gets the same value */
    CORS_BY_ORIGIN, /* the value depends on the request's Origin */
};

enum cors_kind cors_kind_of(const struct route *route);

/* Adds the CORS headers of the exchange's route to its response. */
void cors_add_headers(struct exchange *exchange);

/* Whether the request is a CORS preflight and its route has CORS. */
bool cors_is_preflight(const struct exchange *exchange);

/* Answers a preflight; `methods` are those of the route, in the format of Allow. */
void cors_answer_preflight(struct exchange *exchange, struct slice methods);

#endif
