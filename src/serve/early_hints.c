/* Browsers mark a navigation by Sec-Fetch-Mode (W3C Fetch Metadata), over HTTPS and to localhost; scripts
 * cannot set it. */
#include "serve/early_hints.h"

#include "serve/exchange.h"

static bool is_navigation(const struct http_request *request)
{
    if (request->method != HTTP_METHOD_GET)
        return false;
    for (size_t i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        if (field->name == HTTP_FIELD_OTHER && slice_equal_nocase(field->name_text, SLICE("Sec-Fetch-Mode")))
            return slice_equal(field->value, SLICE("navigate"));
    }
    return false;
}

void early_hints_send(struct exchange *exchange)
{
    const struct route *route = exchange->route_entry->route;
    if (!is_navigation(&exchange->request))
        return;
    http_response_begin(&exchange->response, 103);
    for (size_t i = 0; i < route->field_edit_count; i++) {
        const struct field_edit *edit = &route->field_edits[i];
        if (edit->value.data && slice_equal_nocase(edit->name, SLICE("Link")))
            http_response_add(&exchange->response, edit->name, edit->value);
    }
    exchange_send_interim(exchange);
}
