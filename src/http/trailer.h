/* Trailers: headers that follow the content (RFC 9110 section 6.5). They are kept apart from the headers, as
 * whoever read the headers has acted on them already. */
#ifndef HTTP_TRAILER_H
#define HTTP_TRAILER_H

#include "http/field.h"

/* Trailers of a request; the names and values are borrowed. */
struct http_trailers {
    const struct http_field *fields;
    unsigned count;
};

/* Whether a header with this name may be a trailer. It may not if it decides about framing, routing,
 * authentication, caching, or the form of the content: all of these must be known first (section 6.5.1). */
bool http_may_trail(struct slice name);

#endif
