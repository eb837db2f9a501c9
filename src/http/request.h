/* A request as every protocol engine understands it: RFC 9110's message without the wire.
 *
 * All slices are borrowed from the bytes that the engine was fed; they live until the engine is fed again.
 * Whoever must keep a request longer moves it with http_request_move. The array of fields is the caller's. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/field.h"
#include "http/method.h"

#define HTTP_FIELDS_MAX 1000 /* the hard bound; the configured limit is at most this */

/* What the request's content is framed by. */
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
        host; /* from the target's authority or else the Host field, without port; may be empty (1.0) */
    struct slice path;     /* the target's path, still encoded, begins with '/'; "*" for OPTIONS * */
    struct slice query;    /* behind '?', without it; data is NULL where there is no '?' */
    uint8_t version_major; /* 1 or 2 */
    uint8_t version_minor; /* of HTTP/1: 0 or 1 */
    bool keep_alive;       /* what the client asks for: RFC 9112 section 9.3 */
    bool expect_continue;
    bool is_https; /* the target is absolute and names https */
    enum http_body body;
    uint64_t content_length;
    uint16_t field_count;
    /* 1 + index of the first field with that name, 0 where it is absent. */
    uint16_t first[HTTP_FIELD_NAME_COUNT];
    uint16_t fields_max; /* that there is room for in `fields` */
    struct http_field *fields;
};

static_assert(HTTP_FIELDS_MAX < UINT16_MAX, "an index into the fields fits");

/* Forgets everything but where fields are put. */
static inline void http_request_clear(struct http_request *request)
{
    memset(request, 0, offsetof(struct http_request, fields_max));
}

/* The value of the first field with this name; data is NULL where there is none. An empty value has data. */
static inline struct slice http_request_field(const struct http_request *request, enum http_field_name name)
{
    unsigned index = request->first[name];
    return index ? request->fields[index - 1].value : (struct slice){0};
}

/* How many field lines have this name. */
unsigned http_request_count(const struct http_request *request, enum http_field_name name);

static inline bool http_request_has(const struct http_request *request, enum http_field_name name)
{
    return request->first[name] != 0;
}

/* Lets every slice that points into [from, from + length) point to the same place behind `to` instead. */
void http_request_move(struct http_request *request, const char *from, size_t length, const char *to);

#endif
