/* The head of a response as a client gets it, independent of the protocol version. The counterpart of
 * http/request.h. */
#ifndef HTTP_RESPONSE_HEAD_H
#define HTTP_RESPONSE_HEAD_H

#include "http/field.h"

/* The hard limit of headers in a response; that of a request is lower, because each request is stored. */
#define HTTP_RESPONSE_FIELDS_MAX 1000

/* How the end of a response's content is determined (RFC 9112 section 6.3, RFC 9113 section 8.1). */
enum http_response_body {
    HTTP_RESPONSE_BODY_NONE,        /* whatever the headers say: HEAD, 1xx, 204, 304 */
    HTTP_RESPONSE_BODY_LENGTH,      /* content_length bytes, possibly 0 */
    HTTP_RESPONSE_BODY_CHUNKED,     /* until the last chunk, or with HTTP/2 until the stream ends */
    HTTP_RESPONSE_BODY_UNTIL_CLOSE, /* until the connection ends; whether it is complete is unknown */
    HTTP_RESPONSE_BODY_TUNNEL,      /* 101, or 2xx to CONNECT: what follows is not HTTP/1 */
};

/* About 40 KB: too large for small stacks. All slices are borrowed from the bytes passed to the engine; they
 * are valid until it gets more. */
struct http_response_head {
    uint16_t status;
    uint8_t version_major; /* 1 or 2 */
    uint8_t version_minor; /* of HTTP/1: 0 or 1 */
    bool keep_alive;       /* of HTTP/1: the connection may be reused afterwards */
    bool has_length;       /* there is a Content-Length; with HEAD and 304 no content follows anyway */
    enum http_response_body body;
    uint64_t content_length; /* valid if has_length */
    struct slice reason;     /* of HTTP/1; may be empty */
    uint16_t field_count;
    /* 1 + index of the first header with that name; 0 if there is none. */
    uint16_t first[HTTP_FIELD_NAME_COUNT];
    struct http_field fields[HTTP_RESPONSE_FIELDS_MAX];
};

#endif
