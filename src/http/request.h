/* A request, independent of the protocol version: the message of RFC 9110 without its wire format.
 *
 * All slices are borrowed from the bytes passed to the protocol engine; they are valid until it gets more.
 * To keep a request longer, move it with http_request_move. The array of headers is the caller's. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/field.h"
#include "http/method.h"

#define HTTP_FIELDS_MAX 1000 /* the hard limit; the configured limit is at most this */

/* How the end of the request's content is determined. */
enum http_body {
    HTTP_BODY_NONE,
    HTTP_BODY_LENGTH,  /* content_length bytes */
    HTTP_BODY_CHUNKED, /* until the last chunk */
};

struct http_request {
    enum http_method method;
    struct slice method_text;
    struct slice target; /* as received: origin-form, absolute-form, or "*" */
    struct slice
        host; /* from the target's authority, otherwise the Host header, without port; may be empty (1.0) */
    struct slice path;     /* the target's path, still encoded, begins with '/'; "*" for OPTIONS * */
    struct slice query;    /* after '?', without it; data is NULL if there is no '?' */
    uint8_t version_major; /* 1 or 2 */
    uint8_t version_minor; /* of HTTP/1: 0 or 1 */
    bool keep_alive;       /* requested by the client: RFC 9112 section 9.3 */
    bool expect_continue;
    bool is_https;       /* the target is an absolute https URI */
    bool path_is_normal; /* see struct http_uri; false if that is not known */
    enum http_body body;
    uint64_t content_length;
    uint16_t field_count;
    /* 1 + index of the first header with that name; 0 if there is none. */
    uint16_t first[HTTP_FIELD_NAME_COUNT];
    uint16_t fields_max; /* capacity of `fields` */
    struct http_field *fields;
};

static_assert(HTTP_FIELDS_MAX < UINT16_MAX, "an index into the fields fits");

/* Clears everything except `fields` and its capacity. */
static inline void http_request_clear(struct http_request *request)
{
    memset(request, 0, offsetof(struct http_request, fields_max));
}

/* The value of the first header with this name; data is NULL if there is none. The data of an empty value
 * is not NULL. */
static inline struct slice http_request_field(const struct http_request *request, enum http_field_name name)
{
    unsigned index = request->first[name];
    return index ? request->fields[index - 1].value : (struct slice){0};
}

/* The number of header lines with this name. */
unsigned http_request_count(const struct http_request *request, enum http_field_name name);

static inline bool http_request_has(const struct http_request *request, enum http_field_name name)
{
    return request->first[name] != 0;
}

/* Whether it is an extended CONNECT (RFC 8441), which is a GET with Upgrade in the terms of HTTP/1; the
 * Upgrade header has its protocol, which HTTP/2 puts elsewhere. */
static inline bool http_request_is_extended(const struct http_request *request)
{
    return request->method == HTTP_METHOD_CONNECT && request->version_major == 2 &&
           http_request_has(request, HTTP_FIELD_UPGRADE);
}

/* Moves every slice that points into [from, from + length) to the same offset from `to`. */
void http_request_move(struct http_request *request, const char *from, size_t length, const char *to);

#endif
