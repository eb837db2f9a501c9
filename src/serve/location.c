/* The Location of a redirect is put together in a buffer of the exchange's arena whose size is known before.
 */
#include "serve/location.h"

bool location_begin(struct location *location, struct exchange *exchange, size_t parts, size_t bytes)
{
    const struct http_request *request = &exchange->request;
    *location = (struct location){.exchange = exchange};
    buffer_init(&location->text, bytes + parts * 3 * (request->target.length + request->host.length + 1));
    enum http_path_result result = exchange_normalize_path(exchange, HTTP_PATH_ENCODED, &location->path);
    bool has_path = result == HTTP_PATH_OK || result == HTTP_PATH_NO_FILE;
    location->text.failed |= !has_path;
    return has_path;
}

void location_append_query(struct location *location, char separator)
{
    buffer_append_byte(&location->text, separator);
    http_query_append(&location->text, location->exchange->request.query);
}

void location_respond(struct location *location, int status)
{
    struct exchange *exchange = location->exchange;
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

void location_respond_folder(struct exchange *exchange)
{
    struct location location;
    if (location_begin(&location, exchange, 2, 1)) {
        buffer_append(&location.text, location.path);
        buffer_append_byte(&location.text, '/');
        if (exchange->request.query.data)
            location_append_query(&location, '?');
    }
    location_respond(&location, 301);
}

void location_respond_entry(struct exchange *exchange, struct slice name)
{
    struct location location;
    if (location_begin(&location, exchange, 1, 1 + 3 * name.length)) {
        buffer_append(&location.text, location.path);
        if (!slice_ends_with(location.path, SLICE("/")))
            buffer_append_byte(&location.text, '/');
        http_path_encode(&location.text, name);
    }
    location_respond(&location, 302);
}
