/* Parsing of a request's head: request line, headers, and what they say together about framing (RFC 9112
 * sections 2 to 7, RFC 9110 sections 5 and 7).
 *
 * Strictness prevents request smuggling: whatever two parsers could interpret differently is rejected, not
 * repaired. Lines are checked in order, so the first error decides the response, however the bytes
 * arrived. Begin reading at h1_parse_head. */
#include "h1/framing.h"
#include "h1/line.h"
#include "h1/recent_head.h"
#include "http/field_list.h"
#include "http/uri.h"

/* Result of a step: 0, or the status to refuse with. */
typedef uint16_t reject_status;

enum {
    BAD_REQUEST = 400,
    CONTENT_TOO_LARGE = 413,
    URI_TOO_LONG = 414,
    MISDIRECTED = 421,
    HEAD_TOO_LARGE = 431,
    NOT_IMPLEMENTED = 501,
    VERSION_NOT_SUPPORTED = 505
};

/* "HTTP/" DIGIT "." DIGIT. Any minor version of 1 is treated as 1.1 (RFC 9110 section 2.5). */
static reject_status parse_version(struct slice version, struct http_request *request)
{
    if (version.length != 8 || memcmp(version.data, "HTTP/", 5) != 0 || version.data[6] != '.')
        return BAD_REQUEST;
    char major = version.data[5];
    char minor = version.data[7];
    if (major < '0' || major > '9' || minor < '0' || minor > '9')
        return BAD_REQUEST;
    if (major != '1')
        return VERSION_NOT_SUPPORTED;
    request->version_major = 1;
    request->version_minor = minor == '0' ? 0 : 1;
    return 0;
}

static reject_status h1_head_parse_target(struct slice target, const struct h1_limits *limits,
                                          struct http_request *request)
{
    if (target.length > limits->uri_bytes)
        return URI_TOO_LONG;
    struct http_uri uri;
    switch (http_uri_parse(target, request->method, &uri)) {
    case HTTP_URI_OK: break;
    case HTTP_URI_BAD: return BAD_REQUEST;
    case HTTP_URI_MISDIRECTED: return MISDIRECTED;
    }
    request->target = target;
    request->host = uri.host;
    request->path = uri.path;
    request->path_is_normal = uri.path_is_normal;
    request->query = uri.query;
    request->is_https = uri.scheme == HTTP_SCHEME_HTTPS;
    return 0;
}

/* method SP request-target SP HTTP-version, with exactly one space each (RFC 9112 section 3). */
static reject_status parse_request_line(struct slice line, const struct h1_limits *limits,
                                        struct http_request *request)
{
    size_t method_end = slice_find(line, ' ');
    if (method_end == line.length)
        return BAD_REQUEST;
    request->method_text = slice_take(line, method_end);
    if (!http_is_token(request->method_text))
        return BAD_REQUEST;
    struct slice rest = slice_skip(line, method_end + 1);
    size_t target_end = slice_find(rest, ' ');
    if (target_end == 0 || target_end == rest.length)
        return BAD_REQUEST;
    reject_status refused = parse_version(slice_skip(rest, target_end + 1), request);
    if (refused)
        return refused;
    request->method = http_method_parse(request->method_text);
    return h1_head_parse_target(slice_take(rest, target_end), limits, request);
}

static unsigned room_for_fields(const struct http_request *request, const struct h1_limits *limits)
{
    unsigned fields_max = MIN(limits->fields, (uint32_t)request->fields_max);
    return fields_max > request->field_count ? fields_max - request->field_count : 0;
}

/* Registers the header stored after the last one. */
static void h1_head_add_field(struct http_request *request)
{
    const struct http_field *field = &request->fields[request->field_count++];
    if (field->name != HTTP_FIELD_OTHER && request->first[field->name] == 0)
        request->first[field->name] = request->field_count;
}

static reject_status parse_field_line(struct slice line, const struct h1_limits *limits,
                                      struct http_request *request)
{
    if (room_for_fields(request, limits) == 0)
        return HEAD_TOO_LARGE;
    struct http_field *field = &request->fields[request->field_count];
    if (!h1_parse_field_line(line, false, field))
        return BAD_REQUEST;
    h1_head_add_field(request);
    return 0;
}

/* Takes the leading lines that the recent head has, too, as long as they are within the limits. */
static void take_recent_lines(struct h1_recent_lines *lines, struct slice *rest, size_t bytes_max,
                              const struct h1_limits *limits, struct http_request *request)
{
    struct slice within = slice_take(*rest, MIN(rest->length, bytes_max));
    unsigned count = h1_recent_lines_take(lines, &within, request->fields + request->field_count,
                                          room_for_fields(request, limits));
    while (count-- > 0)
        h1_head_add_field(request);
    *rest = slice_skip(*rest, (size_t)(within.data - rest->data));
}

/* HTTP/1.1 requires exactly one valid Host header (RFC 9112 section 3.2). The authority of an absolute
 * target replaces it, but does not make it optional. An empty Host is accepted only with the target "*",
 * since an http URI always has a host (RFC 9110 section 4.2.1). */
static reject_status h1_head_check_host(struct http_request *request)
{
    if (!http_request_has(request, HTTP_FIELD_HOST))
        return request->version_minor >= 1 ? BAD_REQUEST : 0;
    struct slice host, port;
    if (http_request_count(request, HTTP_FIELD_HOST) != 1 ||
        !http_host_parse(http_request_field(request, HTTP_FIELD_HOST), &host, &port))
        return BAD_REQUEST;
    if (request->host.length > 0)
        return 0;
    request->host = host;
    return host.length > 0 || slice_equal(request->path, SLICE("*")) ? 0 : BAD_REQUEST;
}

/* The only transfer coding accepted is a single "chunked", in HTTP/1.1 and without a Content-Length. RFC
 * 9112 section 6.1 would let a server prefer Transfer-Encoding to Content-Length, but having both is a
 * typical smuggling attack. */
static reject_status check_transfer_encoding(struct http_request *request)
{
    if (request->version_minor == 0 || http_request_has(request, HTTP_FIELD_CONTENT_LENGTH))
        return BAD_REQUEST;
    switch (h1_transfer_coding(request->fields, request->field_count)) {
    case H1_CODING_CHUNKED: request->body = HTTP_BODY_CHUNKED; return 0;
    case H1_CODING_OTHERS: return NOT_IMPLEMENTED;
    case H1_CODING_BAD: return BAD_REQUEST;
    }
    UNREACHABLE();
}

static reject_status check_content_length(const struct h1_limits *limits, struct http_request *request)
{
    if (http_request_count(request, HTTP_FIELD_CONTENT_LENGTH) != 1 ||
        !slice_to_u64(http_request_field(request, HTTP_FIELD_CONTENT_LENGTH), &request->content_length))
        return BAD_REQUEST;
    if (request->content_length > limits->body_bytes)
        return CONTENT_TOO_LARGE;
    if (request->content_length > 0)
        request->body = HTTP_BODY_LENGTH;
    return 0;
}

/* Checks what depends on all headers together. */
static reject_status check_whole_head(const struct h1_limits *limits, struct http_request *request)
{
    reject_status refused = h1_head_check_host(request);
    if (refused == 0 && http_request_has(request, HTTP_FIELD_TRANSFER_ENCODING))
        refused = check_transfer_encoding(request);
    else if (refused == 0 && http_request_has(request, HTTP_FIELD_CONTENT_LENGTH))
        refused = check_content_length(limits, request);
    request->keep_alive = request->version_minor >= 1;
    if (http_request_has(request, HTTP_FIELD_CONNECTION))
        request->keep_alive = h1_is_persistent(request->fields, request->field_count, request->version_minor);
    if (request->version_minor >= 1 && http_request_has(request, HTTP_FIELD_EXPECT))
        request->expect_continue =
            http_field_list_has(http_request_list(request, HTTP_FIELD_EXPECT), SLICE("100-continue"));
    return refused;
}

enum h1_head_result h1_parse_head(struct slice input, const struct h1_limits *limits,
                                  const struct h1_recent_head *recent, struct http_request *request,
                                  size_t *ret_length, uint16_t *ret_status)
{
    struct h1_recent_lines lines = {.recent = recent && recent->length > 0 ? recent : NULL};
    struct slice rest = input;
    struct slice line;
    reject_status refused = 0;
    bool has_request_line = false;
    http_request_clear(request);
    for (;;) {
        enum h1_head_result result = h1_take_line(&rest, &line);
        size_t used = result == H1_HEAD_MORE ? input.length : input.length - rest.length;
        if (UNLIKELY(used > limits->head_bytes))
            refused = has_request_line ? HEAD_TOO_LARGE : URI_TOO_LONG;
        else if (result == H1_HEAD_MORE)
            return H1_HEAD_MORE;
        else if (result == H1_HEAD_BAD)
            refused = BAD_REQUEST;
        else if (has_request_line && line.length == 0)
            break;
        else if (has_request_line)
            refused = parse_field_line(line, limits, request);
        else {
            refused = parse_request_line(line, limits, request);
            has_request_line = true;
        }
        if (UNLIKELY(refused))
            goto bad;
        if (request->field_count > 0)
            h1_recent_lines_pass(&lines, &request->fields[request->field_count - 1]);
        size_t so_far = input.length - rest.length;
        take_recent_lines(&lines, &rest, limits->head_bytes - so_far, limits, request);
    }
    refused = check_whole_head(limits, request);
    if (refused)
        goto bad;
    *ret_length = input.length - rest.length;
    return H1_HEAD_DONE;
bad:
    if (request->target.data == NULL)
        http_request_clear(request);
    *ret_status = refused;
    return H1_HEAD_BAD;
}
