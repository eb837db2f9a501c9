/* Fixed responses: what the configuration says, word for word. An error that has no words gets its page. */
#include "handlers/handlers.h"

#include "serve/exchange.h"

static void fixed_handle(struct exchange *exchange)
{
    const struct respond_settings *settings = &exchange->route_entry->route->respond;
    exchange_begin_response(exchange, settings->status);
    if (settings->status >= 400 && settings->body.length == 0)
        exchange_respond_error(exchange);
    else
        exchange_respond_bytes(exchange, settings->type, settings->body);
}

const struct handler_type fixed_handler = {.handle = fixed_handle};
