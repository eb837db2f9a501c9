/* What a head says about the connection and the transfer coding: read from the fields of requests and of
 * responses alike (RFC 9112 sections 6.1 and 9.3). */
#ifndef H1_FRAMING_H
#define H1_FRAMING_H

#include "http/field.h"

/* Whether the connection goes on behind the message: 1.1 persists unless "close", 1.0 only with "keep-alive".
 */
bool h1_is_persistent(const struct http_field *fields, unsigned count, unsigned version_minor);

enum h1_coding {
    H1_CODING_CHUNKED, /* one "chunked" and nothing else */
    H1_CODING_OTHERS,  /* others, and "chunked" at the end: framed well, but not understood */
    H1_CODING_BAD,     /* none at the end, or two: nobody knows where the content ends */
};

/* What the Transfer-Encoding fields, all lines together, say. */
enum h1_coding h1_transfer_coding(const struct http_field *fields, unsigned count);

#endif
