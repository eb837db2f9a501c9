/* CORS. A preflight may ask for anything except methods that the route does not accept: vif ignores most
 * request headers, so none of them needs to be refused. */
#include "serve/cors.h"

#include "http/field_list.h"
#include "serve/exchange.h"

/* Response headers that a page may read in addition to those that Fetch always allows. */
#define EXPOSED SLICE("Accept-Ranges, Content-Encoding, Content-Range, Date, ETag, Retry-After")

static bool is_wild(struct slice origin)
{
    size_t end = slice_find(origin, ':');
    return slice_starts_with(slice_skip(origin, end), SLICE("://*."));
}

enum cors_kind cors_kind_of(const struct route *route)
{
    for (size_t i = 0; i < route->cors_origin_count; i++) {
        if (slice_equal(route->cors_origins[i], SLICE("*")))
            return CORS_SAME;
    }
    if (route->cors_origin_count == 0)
        return CORS_OFF;
    return route->cors_origin_count == 1 && !is_wild(route->cors_origins[0]) ? CORS_SAME : CORS_BY_ORIGIN;
}

/* "*." before a name matches all names below it, not the name itself. */
static bool matches(struct slice pattern, struct slice origin)
{
    if (!is_wild(pattern))
        return slice_equal_nocase(pattern, origin);
    size_t scheme_length = slice_find(pattern, ':') + 3;
    struct slice below = slice_skip(pattern, scheme_length + 1), host, port;
    return origin.length > scheme_length + below.length &&
           slice_equal_nocase(slice_take(origin, scheme_length), slice_take(pattern, scheme_length)) &&
           slice_equal_nocase(slice_skip(origin, origin.length - below.length), below) &&
           http_host_parse(slice_skip(origin, scheme_length), &host, &port);
}

static bool is_allowed(const struct route *route, struct slice origin)
{
    for (size_t i = 0; i < route->cors_origin_count; i++) {
        if (matches(route->cors_origins[i], origin))
            return true;
    }
    return false;
}

/* The value of Access-Control-Allow-Origin; its data is NULL if the request's origin is not allowed. */
static struct slice allowed_origin(const struct exchange *exchange)
{
    const struct route *route = exchange->route_entry->route;
    if (exchange->route_entry->cors == CORS_SAME)
        return route->cors_origin_count == 1 ? route->cors_origins[0] : SLICE("*");
    struct slice origin = http_request_field(&exchange->request, HTTP_FIELD_ORIGIN);
    return is_allowed(route, origin) ? origin : (struct slice){0};
}

void cors_add_headers(struct exchange *exchange)
{
    struct slice origin = allowed_origin(exchange);
    if (exchange->route_entry->cors == CORS_BY_ORIGIN)
        exchange_add_field(exchange, HTTP_FIELD_VARY, SLICE("Origin"));
    if (origin.data == NULL)
        return;
    exchange_add_field(exchange, HTTP_FIELD_ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    exchange_add_field(exchange, HTTP_FIELD_ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

bool cors_is_preflight(const struct exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    return request->method == HTTP_METHOD_OPTIONS && exchange->route_entry->cors != CORS_OFF &&
           http_request_has(request, HTTP_FIELD_ORIGIN) &&
           http_request_has(request, HTTP_FIELD_ACCESS_CONTROL_REQUEST_METHOD);
}

static bool has_only_tokens(const struct http_field *field)
{
    struct http_field_list list = http_field_list(field, 1, field->name);
    struct slice element;
    while (http_field_list_next(&list, &element)) {
        if (!http_is_token(element))
            return false;
    }
    return true;
}

/* Gives the lines of a header back under another name. */
static void reflect(struct exchange *exchange, enum http_field_name from, enum http_field_name to)
{
    const struct http_request *request = &exchange->request;
    for (unsigned i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        if (field->name == from && field->value.length > 0 && has_only_tokens(field))
            exchange_add_field(exchange, to, field->value);
    }
}

void cors_answer_preflight(struct exchange *exchange, struct slice methods)
{
    exchange_begin_response(exchange, 204);
    exchange_add_field(exchange, HTTP_FIELD_ALLOW, methods);
    exchange_add_field(exchange, HTTP_FIELD_VARY,
                       SLICE("Access-Control-Request-Method, Access-Control-Request-Headers"));
    if (allowed_origin(exchange).data) {
        exchange_add_field(exchange, HTTP_FIELD_ACCESS_CONTROL_ALLOW_METHODS, methods);
        reflect(exchange, HTTP_FIELD_ACCESS_CONTROL_REQUEST_METHOD, HTTP_FIELD_ACCESS_CONTROL_ALLOW_METHODS);
        reflect(exchange, HTTP_FIELD_ACCESS_CONTROL_REQUEST_HEADERS, HTTP_FIELD_ACCESS_CONTROL_ALLOW_HEADERS);
    }
    exchange_respond(exchange, NULL);
}
