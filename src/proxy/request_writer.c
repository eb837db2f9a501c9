/* First an upper bound of the head's size, then the head itself. Read request_write first. */
#include "proxy/request_writer.h"

#include "base/buffer.h"
#include "http/field_list.h"
#include "http/uri.h"
#include "proxy/hop_by_hop.h"
#include "sys/address.h"

/* More than all constant text that is written, with the client's address and numbers. */
#define CONSTANT_BYTES 640

/* A request that came through vif this often is in a loop. */
#define VIA_MAX 20

/* Headers that vif adds, and pseudo-headers. */
#define OWN_FIELDS_MAX 24

struct head_text {
    char *begin;
    char *next;
    struct http_response_field *list; /* of HTTP/2: `next` has the values only; NULL: of HTTP/1.1 */
    unsigned count;
};

static void head_text_put(struct head_text *text, struct slice bytes)
{
    if (bytes.length > 0)
        memcpy(text->next, bytes.data, bytes.length);
    text->next += bytes.length;
}

/* Between these two the value is put. */
static void head_text_begin_field(struct head_text *text, struct slice name)
{
    if (text->list) {
        text->list[text->count] = (struct http_response_field){name, slice_make(text->next, 0)};
        return;
    }
    head_text_put(text, name);
    head_text_put(text, SLICE(": "));
}

static void head_text_end_field(struct head_text *text)
{
    if (text->list == NULL) {
        head_text_put(text, SLICE("\r\n"));
        return;
    }
    struct slice *value = &text->list[text->count++].value;
    value->length = (size_t)(text->next - value->data);
}

static void request_put_field(struct head_text *text, struct slice name, struct slice value)
{
    head_text_begin_field(text, name);
    head_text_put(text, value);
    head_text_end_field(text);
}

/* ---- the path ---- */

/* Whether a segment decodes to "." or "..". */
static bool is_dot_segment(struct slice segment)
{
    unsigned dots = 0;
    while (segment.length > 0) {
        bool is_escaped = segment.length >= 3 && segment.data[0] == '%' && segment.data[1] == '2' &&
                          ascii_lower(segment.data[2]) == 'e';
        if (!is_escaped && segment.data[0] != '.')
            return false;
        segment = slice_skip(segment, is_escaped ? 3 : 1);
        dots++;
    }
    return dots == 1 || dots == 2;
}

static bool has_dot_segments(struct slice path)
{
    struct slice segment;
    while (slice_next(&path, '/', &segment)) {
        if (is_dot_segment(segment))
            return true;
    }
    return false;
}

/* The path without as many segments as the prefix has; repeated slashes count as one. A segment may be
 * escaped differently than in the prefix. */
static struct slice behind_prefix(struct slice path, struct slice prefix)
{
    for (size_t i = slice_count(prefix, '/'); i > 0; i--) {
        while (slice_starts_with(path, SLICE("/")))
            path = slice_skip(path, 1);
        path = slice_skip(path, slice_find(path, '/'));
    }
    return path;
}

/* The path behind the route's prefix. Returns false if out of memory. */
static bool inner_path(const struct request_plan *plan, struct arena *arena, struct slice *ret_path)
{
    struct slice path = plan->request->path;
    if (has_dot_segments(path)) {
        char *room = arena_alloc(arena, path.length);
        if (room == NULL ||
            http_path_normalize(path, HTTP_PATH_ENCODED, room, path.length, &path) > HTTP_PATH_NO_FILE)
            return false;
    }
    *ret_path = behind_prefix(path, plan->bare_prefix);
    return true;
}

/* The new prefix, without a final '/' if the path has one already; never empty together with the path. */
static struct slice new_prefix(const struct request_plan *plan, struct slice path)
{
    struct slice prefix = plan->settings->prefix;
    bool has_slash = slice_starts_with(path, SLICE("/"));
    if (has_slash && slice_ends_with(prefix, SLICE("/")))
        prefix.length--;
    return prefix;
}

/* ---- headers about the client ---- */

static struct slice client_text(const struct peer *peer, char text[ADDRESS_TEXT_BYTES_MAX])
{
    struct address address = peer_address(peer);
    if (peer->family != AF_INET && peer->family != AF_INET6)
        return (struct slice){0};
    return slice_make(text, address_format_host(&address, text));
}

static struct slice scheme_text(const struct peer *peer)
{
    return peer->is_secure ? SLICE("https") : SLICE("http");
}

static void put_x_forwarded(struct head_text *text, const struct request_plan *plan, struct slice host)
{
    char room[ADDRESS_TEXT_BYTES_MAX];
    struct slice client = client_text(plan->peer, room);
    if (client.length > 0)
        request_put_field(text, SLICE("X-Forwarded-For"), client);
    request_put_field(text, SLICE("X-Forwarded-Proto"), scheme_text(plan->peer));
    if (host.length > 0)
        request_put_field(text, SLICE("X-Forwarded-Host"), host);
}

/* RFC 7239 section 4; an IPv6 address has brackets and quotes. */
static void put_forwarded(struct head_text *text, const struct request_plan *plan, struct slice host)
{
    char room[ADDRESS_TEXT_BYTES_MAX];
    struct slice client = client_text(plan->peer, room);
    bool is_v6 = slice_find(client, ':') < client.length;
    head_text_begin_field(text, SLICE("Forwarded"));
    head_text_put(text, SLICE("for="));
    head_text_put(text, is_v6 ? SLICE("\"[") : SLICE(""));
    head_text_put(text, client.length > 0 ? client : SLICE("unknown"));
    head_text_put(text, is_v6 ? SLICE("]\"") : SLICE(""));
    if (host.length > 0) {
        head_text_put(text, SLICE(";host=\""));
        head_text_put(text, host);
        head_text_put(text, SLICE("\""));
    }
    head_text_put(text, SLICE(";proto="));
    head_text_put(text, scheme_text(plan->peer));
    head_text_end_field(text);
}

static void request_put_client(struct head_text *text, const struct request_plan *plan, struct slice host)
{
    int forwarded = plan->settings->forwarded;
    if (forwarded == PROXY_FORWARDED_X || forwarded == PROXY_FORWARDED_BOTH)
        put_x_forwarded(text, plan, host);
    if (forwarded == PROXY_FORWARDED_STANDARD || forwarded == PROXY_FORWARDED_BOTH)
        put_forwarded(text, plan, host);
}

/* What a certificate says is the choice of whoever issued it. */
static void put_certified(struct head_text *text, const struct peer_tls *certified)
{
    const struct http_response_field fields[] = {
        {SLICE("X-Client-Subject"), certified->client_subject},
        {SLICE("X-Client-Issuer"), certified->client_issuer},
        {SLICE("X-Client-Fingerprint"), certified->client_fingerprint},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        if (fields[i].value.length > 0 && http_is_field_value(fields[i].value))
            request_put_field(text, fields[i].name, fields[i].value);
    }
}

/* ---- the rest ---- */

/* The host that the client asked for, with its port: of an absolute target, which replaces Host (RFC 9112
 * section 3.2.2), or of Host. */
static struct slice requested_host(const struct http_request *request)
{
    struct slice target = request->target, mark = SLICE("://");
    char *scheme_end = NULL;
    if (!slice_starts_with(target, SLICE("/")) && target.length > 0)
        scheme_end = memmem(target.data, target.length, mark.data, mark.length);
    if (scheme_end == NULL)
        return http_request_field(request, HTTP_FIELD_HOST);
    struct slice rest = slice_skip(target, (size_t)(scheme_end - target.data) + mark.length);
    return slice_take(rest, MIN(slice_find(rest, '/'), slice_find(rest, '?')));
}

static struct slice sent_host(const struct request_plan *plan, struct slice requested)
{
    struct slice host = plan->settings->host;
    if (slice_equal(host, SLICE("server")) || (host.length == 0 && requested.length == 0))
        return plan->server_authority;
    return host.length > 0 ? host : requested;
}

/* Headers that only vif may write, in any spelling that a server may mistake for them; and Proxy, which CGI
 * programs take for a setting of their own (CVE-2016-5385). */
bool request_is_own_field(const struct http_field *field)
{
    static const struct slice names[] = {
        SLICE("Host"),
        SLICE("Expect"),
        SLICE("X-Forwarded-For"),
        SLICE("X-Forwarded-Proto"),
        SLICE("Forwarded"),
        SLICE("X-Forwarded-Host"),
        SLICE("X-Real-IP"),
        SLICE("X-Forwarded-Port"),
        SLICE("Proxy"),
        SLICE("X-Forwarded-Server"),
        SLICE("X-Forwarded-Scheme"),
        SLICE("X-Forwarded-Ssl"),
        SLICE("X-Client-Subject"),
        SLICE("X-Client-Issuer"),
        SLICE("X-Client-Fingerprint"),
    };
    if (field->name == HTTP_FIELD_HOST || field->name == HTTP_FIELD_EXPECT)
        return true;
    for (size_t i = 0; field->name == HTTP_FIELD_OTHER && i < ARRAY_LENGTH(names); i++) {
        if (hop_by_hop_same_name(field->name_text, names[i]))
            return true;
    }
    return false;
}

/* In the order of the request. */
static void request_put_fields(struct head_text *text, const struct request_plan *plan,
                               const struct hop_by_hop *named)
{
    const struct http_request *request = plan->request;
    for (unsigned i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        bool is_id = plan->id.length > 0 && hop_by_hop_same_name(field->name_text, plan->id_header);
        if (!hop_by_hop_is(named, field) && !request_is_own_field(field) && !is_id)
            request_put_field(text, field->name_text, field->value);
    }
}

static bool request_is_chunked(const struct http_request *request)
{
    return request->body == HTTP_BODY_CHUNKED;
}

/* A request without content says so if the client did, or if its method usually has content (RFC 9110 section
 * 8.6). */
static void put_content_framing(struct head_text *text, const struct http_request *request)
{
    char digits[U64_DIGITS_MAX];
    bool has_length = request->body == HTTP_BODY_LENGTH ||
                      http_request_has(request, HTTP_FIELD_CONTENT_LENGTH) ||
                      request->method == HTTP_METHOD_POST || request->method == HTTP_METHOD_PUT ||
                      request->method == HTTP_METHOD_PATCH;
    uint64_t length = request->body == HTTP_BODY_NONE ? 0 : request->content_length;
    if (request_is_chunked(request) && text->list)
        return;
    if (request_is_chunked(request))
        request_put_field(text, SLICE("Transfer-Encoding"), SLICE("chunked"));
    else if (has_length)
        request_put_field(text, SLICE("Content-Length"), slice_make(digits, format_u64(digits, length)));
}

static struct slice via_text(const struct http_request *request)
{
    if (request->version_major == 2)
        return SLICE("2.0 vif");
    return request->version_minor ? SLICE("1.1 vif") : SLICE("1.0 vif");
}

static bool goes_round(const struct request_plan *plan)
{
    unsigned count = 0;
    for (unsigned i = 0; i < plan->request->field_count; i++)
        count += slice_equal_nocase(plan->request->fields[i].name_text, SLICE("Via"));
    return count >= VIA_MAX;
}

/* A client that takes trailers; TE is of the connection. */
static void put_te(struct head_text *text, const struct http_request *request)
{
    if (!http_field_list_has(http_request_list(request, HTTP_FIELD_TE), SLICE("trailers")))
        return;
    request_put_field(text, SLICE("TE"), SLICE("trailers"));
    if (text->list == NULL)
        request_put_field(text, SLICE("Connection"), SLICE("TE"));
}

static void request_put_upgrade(struct head_text *text, const struct request_plan *plan)
{
    request_put_field(text, SLICE("Connection"), SLICE("Upgrade"));
    request_put_field(text, SLICE("Upgrade"), plan->upgrade);
    if (plan->websocket_key.length > 0)
        request_put_field(text, SLICE("Sec-WebSocket-Key"), plan->websocket_key);
}

/* Early-Data from a client, which may itself be a proxy, is forwarded like any header. */
static bool request_has_early_data(const struct http_request *request)
{
    bool is_there = false;
    for (unsigned i = 0; i < request->field_count; i++)
        is_there |= slice_equal_nocase(request->fields[i].name_text, SLICE("Early-Data"));
    return is_there;
}

static size_t size_max(const struct request_plan *plan, struct slice path, struct slice host)
{
    const struct http_request *request = plan->request;
    size_t size = CONSTANT_BYTES + request->method_text.length + plan->settings->prefix.length + path.length +
                  request->query.length + plan->upgrade.length + plan->settings->host.length +
                  plan->server_authority.length + 3 * host.length + plan->id_header.length + plan->id.length;
    for (unsigned i = 0; i < request->field_count; i++)
        size += request->fields[i].name_text.length + request->fields[i].value.length + 4;
    if (plan->certified)
        size += plan->certified->client_subject.length + plan->certified->client_issuer.length;
    return size;
}

static void request_put_target(struct head_text *text, const struct request_plan *plan, struct slice path)
{
    const struct http_request *request = plan->request;
    if (plan->settings->prefix.length > 0)
        head_text_put(text, new_prefix(plan, path));
    head_text_put(text, path);
    if (request->query.data) {
        head_text_put(text, SLICE("?"));
        head_text_put(text, request->query);
    }
}

static void request_put_line(struct head_text *text, const struct request_plan *plan, struct slice path,
                             struct slice host)
{
    const struct http_request *request = plan->request;
    head_text_put(text, request->method == HTTP_METHOD_CONNECT ? SLICE("GET") : request->method_text);
    head_text_put(text, SLICE(" "));
    request_put_target(text, plan, path);
    head_text_put(text, SLICE(" HTTP/1.1\r\n"));
    request_put_field(text, SLICE("Host"), host);
}

/* RFC 9113 section 8.3.1. */
static void request_put_pseudo(struct head_text *text, const struct request_plan *plan, struct slice path,
                               struct slice host)
{
    request_put_field(text, SLICE(":method"), plan->request->method_text);
    request_put_field(text, SLICE(":scheme"), plan->is_secure ? SLICE("https") : SLICE("http"));
    request_put_field(text, SLICE(":authority"), host);
    head_text_begin_field(text, SLICE(":path"));
    request_put_target(text, plan, path);
    head_text_end_field(text);
}

static bool request_make_room(const struct request_plan *plan, struct arena *arena, size_t size,
                              struct head_text *text, bool is_list)
{
    unsigned fields_max = plan->request->field_count + OWN_FIELDS_MAX;
    if (is_list)
        text->list = arena_alloc(arena, fields_max * sizeof(*text->list));
    text->next = arena_alloc(arena, size);
    return text->next && (text->list || !is_list);
}

/* As request_write; `text` gets the head. */
static int request_put(const struct request_plan *plan, struct arena *arena, struct head_text *text,
                       bool is_list)
{
    const struct http_request *request = plan->request;
    struct slice path = request->path, host = requested_host(request);
    struct hop_by_hop named;
    if (!hop_by_hop_collect(&named, request->fields, request->field_count))
        return 400;
    if (goes_round(plan))
        return 508;
    if (plan->settings->prefix.length > 0 && !inner_path(plan, arena, &path))
        return 503;
    if (!request_make_room(plan, arena, size_max(plan, path, host), text, is_list))
        return 503;
    text->begin = text->next;
    if (is_list)
        request_put_pseudo(text, plan, path, sent_host(plan, host));
    else
        request_put_line(text, plan, path, sent_host(plan, host));
    request_put_fields(text, plan, &named);
    if (UNLIKELY(plan->upgrade.length > 0))
        request_put_upgrade(text, plan);
    else
        put_content_framing(text, request);
    request_put_client(text, plan, host);
    if (plan->certified)
        put_certified(text, plan->certified);
    if (plan->id.length > 0)
        request_put_field(text, plan->id_header, plan->id);
    request_put_field(text, SLICE("Via"), via_text(request));
    put_te(text, request);
    if (plan->is_early && !request_has_early_data(request))
        request_put_field(text, SLICE("Early-Data"), SLICE("1"));
    if (plan->expects_continue)
        request_put_field(text, SLICE("Expect"), SLICE("100-continue"));
    return 0;
}

int request_write(const struct request_plan *plan, struct arena *arena, struct slice *ret_head)
{
    struct head_text text = {0};
    int status = request_put(plan, arena, &text, false);
    if (status != 0)
        return status;
    head_text_put(&text, SLICE("\r\n"));
    *ret_head = slice_make(text.begin, (size_t)(text.next - text.begin));
    arena_shrink(arena, text.begin, ret_head->length);
    return 0;
}

int request_list(const struct request_plan *plan, struct arena *arena,
                 const struct http_response_field **ret_fields, unsigned *ret_count)
{
    struct head_text text = {0};
    int status = request_put(plan, arena, &text, true);
    *ret_fields = text.list;
    *ret_count = text.count;
    return status;
}
