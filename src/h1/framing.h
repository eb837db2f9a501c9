/* What a head says about persistence and transfer coding, for requests and responses (RFC 9112 sections
 * 6.1 and 9.3). */
#ifndef H1_FRAMING_H
#define H1_FRAMING_H

#include "http/field.h"

/* Whether the connection persists after the message: with HTTP/1.1 unless "close" is given, with 1.0 only
 * with "keep-alive". */
bool h1_is_persistent(const struct http_field *fields, unsigned count, unsigned version_minor);

enum h1_coding {
    H1_CODING_CHUNKED, /* exactly one "chunked" */
    H1_CODING_OTHERS,  /* other codings, then "chunked" last: framing is clear, but not supported */
    H1_CODING_BAD,     /* "chunked" is not last, or repeated: the end of the content is unknown */
};

/* Evaluates all Transfer-Encoding lines together. */
enum h1_coding h1_transfer_coding(const struct http_field *fields, unsigned count);

#endif
