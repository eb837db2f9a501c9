/* Redirects: builds a Location from the path as the client sent it, byte by byte, with dot segments and
 * repeated slashes removed. Nothing is escaped anew: by RFC 3986 section 2.2 "/a:b" with the colon escaped is
 * a different URI, and only the target server knows what an escape means.
 *
 * This is safe: the parser accepts only bytes that are valid in a header; the path cannot begin with two
 * slashes, after which a host would follow; and quotes and '<' in the query are escaped. */
#ifndef SERVE_LOCATION_H
#define SERVE_LOCATION_H

#include "serve/exchange.h"

struct location {
    struct buffer text; /* records out of memory: answers 503 */
    struct exchange *exchange;
    struct slice path; /* normalised, as the client wrote it */
};

/* Begins a location with room for `parts` parts of the request, each of which may be escaped, and `bytes`
 * others. Returns false if out of memory; call location_respond all the same. */
bool location_begin(struct location *location, struct exchange *exchange, size_t parts,
                    size_t bytes) MUST_CHECK;

/* Appends the separator, '?' or '&', and the request's query. */
void location_append_query(struct location *location, char separator);

/* Answers with a redirect status and frees the location. */
void location_respond(struct location *location, int status);

/* Answers 301 with the request's path plus '/', and its query. */
void location_respond_folder(struct exchange *exchange);

/* Answers 302 with the request's path, which is a folder's, plus the name of one of its entries. */
void location_respond_entry(struct exchange *exchange, struct slice name);

#endif
