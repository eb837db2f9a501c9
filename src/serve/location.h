/* Redirects: a Location made of what the client wrote, byte by byte, but for dots and slashes that are too
 * many. RFC 3986 section 2.2 makes another URI of "/a:b" once the colon is escaped, and this is not the
 * server to say what an escape means.
 *
 * That is safe since the parser lets only bytes through that may stand in a header; since the path has no two
 * slashes at its front, behind which a host would stand; and since a quote or a '<' of the query is escaped.
 */
#ifndef SERVE_LOCATION_H
#define SERVE_LOCATION_H

#include "serve/exchange.h"

struct location {
    struct buffer text; /* a failure stays in it: 503 */
    struct exchange *exchange;
    struct slice path; /* in order, as the client wrote it */
};

/* With room for `parts` parts of the request, each of which may be escaped, besides `bytes` others. False
 * without memory; to be followed by location_respond all the same. */
bool location_begin(struct location *location, struct exchange *exchange, size_t parts,
                    size_t bytes) MUST_CHECK;

/* Appends the separator, '?' or '&', and the request's query. */
void location_append_query(struct location *location, char separator);

/* Answers with a redirecting status, and ends the location. */
void location_respond(struct location *location, int status);

/* Answers 301 with the request's path and a '/' behind it, and its query. */
void location_respond_folder(struct exchange *exchange);

/* Answers 302 with the request's path, a folder's, and the name of one of its entries behind it. */
void location_respond_entry(struct exchange *exchange, struct slice name);

#endif
