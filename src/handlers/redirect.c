/* Redirects: what "{name}" stands for in the location that the configuration gives (serve/location.h). */
#include "handlers/handlers.h"

#include "serve/exchange.h"
#include "serve/location.h"

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
        location_append_query(location, has_query ? '&' : '?');
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
            location_append_query(location, '?');
    } else if (slice_equal(name, SLICE("query"))) {
        join_query(location);
    } else if (slice_equal(name, SLICE("host"))) {
        buffer_append(&location->text, request->host);
    } else if (slice_equal(name, SLICE("scheme"))) {
        buffer_append(&location->text,
                      location->exchange->client->is_secure ? SLICE("https") : SLICE("http"));
    } else {
        return false;
    }
    return true;
}

static void redirect_expand(struct location *location, struct slice pattern)
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

static size_t count_variables(struct slice pattern)
{
    size_t count = 0;
    for (size_t i = 0; i < pattern.length; i++)
        count += pattern.data[i] == '{';
    return count;
}

/* HTTP/1.0 without Host. What would stand in its place is the path: another host. */
static bool lacks_host(const struct exchange *exchange, struct slice pattern)
{
    return exchange->request.host.length == 0 && memmem(pattern.data, pattern.length, "{host}", 6) != NULL;
}

static void redirect_handle(struct exchange *exchange)
{
    const struct redirect_settings *settings = &exchange->route_entry->route->redirect;
    struct slice pattern = settings->location;
    struct location location;
    if (lacks_host(exchange, pattern)) {
        exchange_fail(exchange, 400);
        return;
    }
    if (location_begin(&location, exchange, count_variables(pattern), pattern.length))
        redirect_expand(&location, pattern);
    location_respond(&location, settings->status);
}

const struct handler_type redirect_handler = {.handle = redirect_handle};
