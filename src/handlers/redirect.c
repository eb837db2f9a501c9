/* Redirects. Paths in a location are encoded from their normalised form, so no trick of the client's encoding
 * goes on to another server; the query goes as it came, the parser having let only bytes through that may
 * stand in a field. */
#include "http/uri.h"
#include "serve/handlers.h"

#define LOCATION_BYTES_MAX 16384

static void append_query(struct buffer *location, const struct http_request *request)
{
    if (request->query.data == NULL)
        return;
    buffer_append_byte(location, '?');
    buffer_append(location, request->query);
}

/* Appends what a "{name}" stands for; false for a name that stands for itself. */
static bool append_variable(struct buffer *location, const struct exchange *exchange, struct slice name)
{
    const struct http_request *request = &exchange->request;
    if (slice_equal(name, SLICE("path"))) {
        http_path_encode(location, slice_skip(exchange->path, exchange->route_entry->bare_prefix.length));
    } else if (slice_equal(name, SLICE("uri"))) {
        http_path_encode(location, exchange->path);
        append_query(location, request);
    } else if (slice_equal(name, SLICE("query"))) {
        append_query(location, request);
    } else if (slice_equal(name, SLICE("host"))) {
        buffer_append(location, request->host);
    } else {
        return false;
    }
    return true;
}

static void expand(struct buffer *location, const struct exchange *exchange, struct slice pattern)
{
    while (pattern.length > 0) {
        size_t begin = slice_find(pattern, '{');
        buffer_append(location, slice_take(pattern, begin));
        pattern = slice_skip(pattern, begin);
        size_t end = slice_find(pattern, '}');
        if (end == pattern.length) {
            buffer_append(location, pattern);
            return;
        }
        if (!append_variable(location, exchange, slice_make(pattern.data + 1, end - 1)))
            buffer_append(location, slice_take(pattern, end + 1));
        pattern = slice_skip(pattern, end + 1);
    }
}

static void respond(struct exchange *exchange, int status, struct buffer *location)
{
    struct slice copy = arena_copy(&exchange->arena, buffer_slice(location));
    bool is_complete = !location->failed && copy.data;
    buffer_finish(location);
    if (!is_complete) {
        exchange_fail(exchange, 500);
        return;
    }
    exchange_begin_response(exchange, status);
    exchange_add_field(exchange, HTTP_FIELD_LOCATION, copy);
    exchange_respond_bytes(exchange, SLICE("text/plain; charset=utf-8"), copy);
}

void redirect_handle(struct exchange *exchange)
{
    const struct redirect_settings *settings = &exchange->route_entry->route->redirect;
    struct buffer location;
    buffer_init(&location, LOCATION_BYTES_MAX);
    expand(&location, exchange, settings->location);
    respond(exchange, settings->status, &location);
}

void redirect_to_folder(struct exchange *exchange)
{
    struct buffer location;
    buffer_init(&location, LOCATION_BYTES_MAX);
    http_path_encode(&location, exchange->path);
    buffer_append_byte(&location, '/');
    append_query(&location, &exchange->request);
    respond(exchange, 301, &location);
}
