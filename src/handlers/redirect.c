/* Redirects. A location is made of what the client wrote, byte by byte, but for dots and slashes that are too
 * many: RFC 3986 section 2.2 makes another URI of "/a:b" once the colon is escaped, and this is not the
 * server to say what an escape means.
 *
 * That is safe since the parser lets only bytes through that may stand in a header; since the path has no two
 * slashes at its front, behind which a host would stand; and since a quote or a '<' of the query is escaped.
 */
#include "serve/handlers.h"

struct location {
    struct buffer text;
    const struct exchange *exchange;
    struct slice path; /* in order, as the client wrote it */
    bool lacks_host;   /* {host} stands in it, and the client named none */
};

/* For `parts` parts of the request, each of which may be escaped, besides `bytes` of our own: what fails is
 * memory. */
static bool location_begin(struct location *location, struct exchange *exchange, size_t parts, size_t bytes)
{
    const struct http_request *request = &exchange->request;
    *location = (struct location){.exchange = exchange};
    buffer_init(&location->text, bytes + parts * 3 * (request->target.length + request->host.length + 1));
    enum http_path_result result = exchange_normalize_path(exchange, HTTP_PATH_ENCODED, &location->path);
    return result == HTTP_PATH_OK || result == HTTP_PATH_NO_FILE;
}

static void append_query(struct location *location, char separator)
{
    buffer_append_byte(&location->text, separator);
    http_query_append(&location->text, location->exchange->request.query);
}

/* "{query}" with what joins it to the text before it, or, where there is none, without what joined it there.
 */
static void join_query(struct location *location)
{
    struct slice text = buffer_slice(&location->text);
    bool has_query = slice_find(text, '?') < text.length;
    bool is_joined = has_query && (slice_ends_with(text, SLICE("?")) || slice_ends_with(text, SLICE("&")));
    if (location->exchange->request.query.length > 0 && is_joined)
        http_query_append(&location->text, location->exchange->request.query);
    else if (location->exchange->request.query.length > 0)
        append_query(location, has_query ? '&' : '?');
    else if (is_joined)
        location->text.length--;
}

/* The path without the segments of the route's prefix, which may be written in another way here. */
static struct slice path_behind_route(const struct location *location)
{
    struct slice prefix = location->exchange->route_entry->bare_prefix, path = location->path;
    for (size_t i = 0; i < prefix.length; i++) {
        if (prefix.data[i] != '/')
            continue;
        path = slice_skip(path, 1);
        path = slice_skip(path, slice_find(path, '/'));
    }
    return path;
}

/* Appends what a "{name}" stands for; false for a name that stands for itself. */
static bool append_variable(struct location *location, struct slice name)
{
    const struct http_request *request = &location->exchange->request;
    if (slice_equal(name, SLICE("path"))) {
        buffer_append(&location->text, path_behind_route(location));
    } else if (slice_equal(name, SLICE("uri"))) {
        buffer_append(&location->text, location->path);
        if (request->query.data)
            append_query(location, '?');
    } else if (slice_equal(name, SLICE("query"))) {
        join_query(location);
    } else if (slice_equal(name, SLICE("host"))) {
        buffer_append(&location->text, request->host);
        location->lacks_host |= request->host.length == 0;
    } else {
        return false;
    }
    return true;
}

static void expand(struct location *location, struct slice pattern)
{
    while (pattern.length > 0) {
        size_t begin = slice_find(pattern, '{');
        buffer_append(&location->text, slice_take(pattern, begin));
        pattern = slice_skip(pattern, begin);
        size_t end = slice_find(pattern, '}');
        if (end == pattern.length) {
            buffer_append(&location->text, pattern);
            return;
        }
        if (!append_variable(location, slice_make(pattern.data + 1, end - 1)))
            buffer_append(&location->text, slice_take(pattern, end + 1));
        pattern = slice_skip(pattern, end + 1);
    }
}

static void respond(struct exchange *exchange, int status, struct location *location)
{
    struct slice copy = arena_copy(&exchange->arena, buffer_slice(&location->text));
    bool is_complete = !location->text.failed && copy.data;
    buffer_finish(&location->text);
    if (!is_complete) {
        exchange_fail(exchange, 503);
        return;
    }
    exchange_begin_response(exchange, status);
    exchange_add_field(exchange, HTTP_FIELD_LOCATION, copy);
    exchange_respond_bytes(exchange, SLICE("text/plain; charset=utf-8"), copy);
}

static size_t count_variables(struct slice pattern)
{
    size_t count = 0;
    for (size_t i = 0; i < pattern.length; i++)
        count += pattern.data[i] == '{';
    return count;
}

void redirect_handle(struct exchange *exchange)
{
    const struct redirect_settings *settings = &exchange->route_entry->route->redirect;
    struct slice pattern = settings->location;
    struct location location;
    if (!location_begin(&location, exchange, count_variables(pattern), pattern.length)) {
        exchange_fail(exchange, 503);
        return;
    }
    expand(&location, pattern);
    if (location.lacks_host) {
        /* HTTP/1.0 without Host. What would stand in its place is the path: another host. */
        buffer_finish(&location.text);
        exchange_fail(exchange, 400);
        return;
    }
    respond(exchange, settings->status, &location);
}

void redirect_to_folder(struct exchange *exchange)
{
    struct location location;
    if (!location_begin(&location, exchange, 2, 1)) {
        exchange_fail(exchange, 503);
        return;
    }
    buffer_append(&location.text, location.path);
    buffer_append_byte(&location.text, '/');
    if (exchange->request.query.data)
        append_query(&location, '?');
    respond(exchange, 301, &location);
}

void redirect_to_entry(struct exchange *exchange, struct slice name)
{
    struct location location;
    if (!location_begin(&location, exchange, 1, 1 + 3 * name.length)) {
        exchange_fail(exchange, 503);
        return;
    }
    buffer_append(&location.text, location.path);
    if (!slice_ends_with(location.path, SLICE("/")))
        buffer_append_byte(&location.text, '/');
    http_path_encode(&location.text, name);
    respond(exchange, 302, &location);
}
