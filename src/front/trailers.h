/* Trailers of requests and responses, for the owners of exchanges: see serve/sink.h and serve/source.h. */
#ifndef FRONT_TRAILERS_H
#define FRONT_TRAILERS_H

#include "serve/exchange.h"

/* Copies the trailers of the request into the exchange, except those that must not be trailers. Call before
 * exchange_end_content. If the content has no sink, they are dropped. Returns 0 or -ENOMEM. */
int trailers_keep(struct exchange *exchange, const struct http_field *fields, unsigned count) MUST_CHECK;

/* The same for a trailer section of HTTP/1, which was parsed by h1/content.h. Returns 0, or the status to
 * reject the request with: 431 for more than `count_max` trailers, 503 if out of memory. */
int trailers_keep_section(struct exchange *exchange, struct slice section, unsigned count_max) MUST_CHECK;

/* The last chunk of a response that has trailers, with them if the client accepts any (TE: trailers). The
 * result's data is NULL if out of memory. */
struct slice trailers_last_chunk(struct exchange *exchange);

#endif
