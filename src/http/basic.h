/* Credentials of the Basic scheme (RFC 7617) in an Authorization header. */
#ifndef HTTP_BASIC_H
#define HTTP_BASIC_H

#include "base/slice.h"

struct http_basic {
    struct slice name; /* "user-id": has no colon; may be empty */
    struct slice password;
};

/* Decodes the header's value into `room`, which should be erased afterwards. The result points into it, and a
 * NUL follows the password. Returns false for another scheme, for what is not base64 as RFC 4648 has it (with
 * its padding), has no colon or has control characters, and for what does not fit. */
bool http_basic_parse(struct slice value, char *room, size_t size, struct http_basic *ret_basic) MUST_CHECK;

#endif
