/* Fixed responses: what the configuration says, word for word. */
#include "serve/handlers.h"

void fixed_handle(struct exchange *exchange)
{
    const struct respond_settings *settings = &exchange->route_entry->route->respond;
    exchange_begin_response(exchange, settings->status);
    exchange_respond_bytes(exchange, settings->type, settings->body);
}
