/* Heads of requests. nghttp2 has seen to the rules that are about one header each (characters, which
 * pseudo-headers there are, and none that are of HTTP/1 connections): who breaks them has the stream reset.
 * What is left are the limits, and what the target, the host and the content are: these have answers.
 *
 * The text of all names and values is collected in one piece, so that the request can be copied as one. */
#include "h2/head.h"

#include "http/field_list.h"
#include "http/uri.h"

#include <stdlib.h>

/* A list longer than the limit times this is an attack (HPACK bomb): 16 KiB on the wire can expand to 64 MiB.
 */
#define BOMB_FACTOR 16

enum {
    BAD_REQUEST = 400,
    CONTENT_TOO_LARGE = 413,
    URI_TOO_LONG = 414,
    MISDIRECTED = 421,
    HEAD_TOO_LARGE = 431,
};

struct h2_head *h2_head_create(const struct h2_limits *limits)
{
    assert(limits->head_bytes > 0 && limits->fields <= HTTP_FIELDS_MAX);
    /* Two fields more: Host, where only :authority says it, and Upgrade, where :protocol does. */
    size_t fields_max = (size_t)limits->fields + 2;
    size_t fields_bytes = fields_max * sizeof(struct http_field);
    struct h2_head *head = malloc(sizeof(*head) + fields_bytes + limits->head_bytes);
    if (head == NULL)
        return NULL;
    head->limits = limits;
    head->text = (char *)head->fields + fields_bytes;
    head->text_max = limits->head_bytes;
    head->fields_max = (uint32_t)fields_max;
    return head;
}

void h2_head_begin(struct h2_head *head)
{
    head->request = (struct http_request){.fields = head->fields, .fields_max = (uint16_t)head->fields_max};
    head->scheme = head->authority = head->protocol = (struct slice){0};
    head->reject_status = 0;
    head->is_invalid = false;
    head->continuations = 0;
    head->list_bytes = 0;
    head->text_used = 0;
}

/* The first status counts; 0 is none. */
static void reject(struct h2_head *head, uint16_t status)
{
    assert(status == 0 || (status >= 400 && status <= 599));
    if (head->reject_status == 0)
        head->reject_status = status;
}

/* Appends to the kept text. If there is no room, rejects the head and returns a slice without data. */
static struct slice h2_head_keep(struct h2_head *head, struct slice bytes)
{
    assert(head->text_used <= head->text_max);
    char *copy = head->text + head->text_used;
    if (bytes.length > head->text_max - head->text_used) {
        reject(head, HEAD_TOO_LARGE);
        return (struct slice){0};
    }
    if (bytes.length > 0)
        memcpy(copy, bytes.data, bytes.length);
    head->text_used += (uint32_t)bytes.length;
    return slice_make(copy, bytes.length);
}

static void add_pseudo(struct h2_head *head, struct slice name, struct slice value)
{
    struct http_request *request = &head->request;
    if (slice_equal(name, SLICE(":method"))) {
        request->method_text = h2_head_keep(head, value);
    } else if (slice_equal(name, SLICE(":path"))) {
        if (value.length > head->limits->uri_bytes)
            reject(head, URI_TOO_LONG);
        else
            request->target = h2_head_keep(head, value);
    } else if (slice_equal(name, SLICE(":scheme"))) {
        head->scheme = h2_head_keep(head, value);
    } else if (slice_equal(name, SLICE(":authority"))) {
        head->authority = h2_head_keep(head, value);
    } else if (slice_equal(name, SLICE(":protocol"))) {
        head->protocol = h2_head_keep(head, value);
    }
}

static void h2_head_put_field(struct http_request *request, enum http_field_name known, struct slice name,
                              struct slice value)
{
    assert(request->field_count < request->fields_max);
    request->fields[request->field_count++] =
        (struct http_field){.name = known, .name_text = name, .value = value};
    if (known != HTTP_FIELD_OTHER && request->first[known] == 0)
        request->first[known] = request->field_count;
}

static void h2_head_add_field(struct h2_head *head, struct slice name, struct slice value)
{
    if (head->request.field_count >= head->limits->fields) {
        reject(head, HEAD_TOO_LARGE);
        return;
    }
    name = h2_head_keep(head, name);
    value = h2_head_keep(head, value);
    if (head->reject_status == 0)
        h2_head_put_field(&head->request, http_field_lookup(name), name, value);
}

bool h2_head_add(struct h2_head *head, struct slice name, struct slice value)
{
    head->list_bytes += name.length + value.length;
    if (UNLIKELY(head->list_bytes > (uint64_t)BOMB_FACTOR * head->limits->head_bytes))
        return false;
    if (UNLIKELY(head->reject_status != 0))
        return true;
    if (name.length > 0 && name.data[0] == ':')
        add_pseudo(head, name, value);
    else
        h2_head_add_field(head, name, value);
    return true;
}

/* ---- what they say together ---- */

/* CONNECT has only :authority (RFC 9113 section 8.5), unless it says what to connect by (RFC 8441). */
static uint16_t h2_head_check_target(struct h2_head *head)
{
    struct http_request *request = &head->request;
    struct http_uri uri;
    request->method = http_method_parse(request->method_text);
    if (request->method == HTTP_METHOD_CONNECT && head->protocol.length == 0) {
        request->target = head->authority;
        return 0;
    }
    enum http_method method = request->method == HTTP_METHOD_CONNECT ? HTTP_METHOD_GET : request->method;
    bool is_https = slice_equal_nocase(head->scheme, SLICE("https"));
    if (!is_https && !slice_equal_nocase(head->scheme, SLICE("http")))
        return MISDIRECTED;
    request->is_https = is_https;
    bool is_origin =
        slice_starts_with(request->target, SLICE("/")) || slice_equal(request->target, SLICE("*"));
    if (!is_origin || http_uri_parse(request->target, method, &uri) != HTTP_URI_OK)
        return BAD_REQUEST;
    request->path = uri.path;
    request->path_is_normal = uri.path_is_normal;
    request->query = uri.query;
    return 0;
}

/* :authority replaces Host. If both are present they must be equal (RFC 9113 section 8.3.1). */
static uint16_t h2_head_check_host(struct h2_head *head)
{
    struct http_request *request = &head->request;
    struct slice port;
    struct slice value = http_request_field(request, HTTP_FIELD_HOST);
    if (http_request_count(request, HTTP_FIELD_HOST) > 1)
        return BAD_REQUEST;
    if (head->authority.data && value.data && !slice_equal_nocase(head->authority, value))
        return BAD_REQUEST;
    if (value.data == NULL && head->authority.data) {
        value = head->authority;
        h2_head_put_field(request, HTTP_FIELD_HOST, http_field_text(HTTP_FIELD_HOST), value);
    }
    if (value.data == NULL || !http_host_parse(value, &request->host, &port))
        return BAD_REQUEST;
    bool may_be_empty = request->path.length == 1 && request->path.data[0] == '*';
    return request->host.length > 0 || may_be_empty ? 0 : BAD_REQUEST;
}

/* nghttp2 lets no header Upgrade pass, so it can stand for :protocol. */
static void h2_head_add_upgrade(struct h2_head *head)
{
    if (UNLIKELY(head->protocol.length > 0))
        h2_head_put_field(&head->request, HTTP_FIELD_UPGRADE, http_field_text(HTTP_FIELD_UPGRADE),
                          head->protocol);
}

/* nghttp2 has checked that Content-Length is a single number, and will check it against the content. */
static uint16_t h2_head_check_content(struct h2_head *head, bool has_content)
{
    struct http_request *request = &head->request;
    struct slice length = http_request_field(request, HTTP_FIELD_CONTENT_LENGTH);
    request->body = !has_content ? HTTP_BODY_NONE : length.data ? HTTP_BODY_LENGTH : HTTP_BODY_CHUNKED;
    if (request->body == HTTP_BODY_NONE)
        return 0;
    if (length.data && !slice_to_u64(length, &request->content_length))
        return BAD_REQUEST;
    request->expect_continue =
        http_field_list_has(http_request_list(request, HTTP_FIELD_EXPECT), SLICE("100-continue"));
    return request->content_length > head->limits->body_bytes ? CONTENT_TOO_LARGE : 0;
}

void h2_head_end(struct h2_head *head, bool has_content)
{
    head->request.version_major = 2;
    head->request.keep_alive = true;
    /* Also for a rejected request, as its path determines the error page. */
    reject(head, h2_head_check_target(head));
    reject(head, h2_head_check_host(head));
    reject(head, h2_head_check_content(head, has_content));
    h2_head_add_upgrade(head);
}
