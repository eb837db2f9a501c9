/* Request methods: RFC 9110 section 9 and the IANA registry. */
#ifndef HTTP_METHOD_H
#define HTTP_METHOD_H

#include "base/slice.h"

/* Known methods get 405 if a resource does not allow them; all others get 501. */
#define HTTP_METHOD_TABLE(X) \
    X(GET)                   \
    X(HEAD)                  \
    X(POST)                  \
    X(PUT)                   \
    X(DELETE)                \
    X(CONNECT)               \
    X(OPTIONS)               \
    X(TRACE)                 \
    X(PATCH)

enum http_method {
    HTTP_METHOD_UNKNOWN, /* a well-formed token that is not in the table: 501 */
#define X(name) HTTP_METHOD_##name,
    HTTP_METHOD_TABLE(X)
#undef X
};

/* Methods are case-sensitive (RFC 9110 section 9.1). */
enum http_method http_method_parse(struct slice token);

/* The token; for HTTP_METHOD_UNKNOWN the empty slice. */
struct slice http_method_name(enum http_method method);

#endif
