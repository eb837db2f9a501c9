/* Tunnels, with their exchange and without. Where there is an access log, the exchange is kept for the line.
 */
#include "serve/tunnel.h"

#include "serve/dispatch.h"
#include "serve/service.h"

void tunnel_init(struct tunnel *tunnel, const struct tunnel_type *type, const struct sink_type *sink,
                 const struct source_type *source, struct exchange *exchange)
{
    *tunnel = (struct tunnel){
        .type = type,
        .sink = {.type = sink, .exchange = exchange},
        .source = {.type = source, .exchange = exchange, .length = HTTP_LENGTH_UNKNOWN},
        .exchange = exchange,
    };
}

void tunnel_wake(struct tunnel *tunnel)
{
    if (tunnel->exchange)
        exchange_wake(tunnel->exchange);
    else if (tunnel->owner)
        tunnel->on_progress(tunnel->owner);
}

void tunnel_stop_reading(struct tunnel *tunnel)
{
    tunnel->is_over = true;
    if (tunnel->exchange && tunnel->exchange->sink == &tunnel->sink)
        exchange_stop_reading(tunnel->exchange);
}

void tunnel_detach(struct tunnel *tunnel, void *owner, void (*on_progress)(void *owner))
{
    struct exchange *exchange = tunnel->exchange;
    tunnel->owner = owner;
    tunnel->on_progress = on_progress;
    tunnel->exchange = tunnel->sink.exchange = tunnel->source.exchange = NULL;
    tunnel->protocol = (struct slice){0};
    dispatch_count(exchange);
    if (dispatch_is_logged(exchange)) {
        tunnel->logged = exchange;
    } else {
        exchange->tunnel = NULL;
        exchange_end(exchange);
    }
}

static void tunnel_log(struct tunnel *tunnel, const struct tunnel_end *end)
{
    struct exchange *exchange = tunnel->logged;
    exchange->owner = tunnel->owner;
    exchange->events = end->events;
    exchange->given_bytes = end->sent_bytes;
    exchange->head_bytes = 0;
    exchange->outcome = tunnel->outcome ? tunnel->outcome : (uint8_t)end->outcome;
    dispatch_log(exchange);
}

void tunnel_finish(struct tunnel *tunnel, const struct tunnel_end *end)
{
    struct exchange *exchange = tunnel->logged;
    assert(tunnel->exchange == NULL);
    if (exchange)
        tunnel_log(tunnel, end);
    tunnel->owner = NULL;
    if (exchange)
        exchange_end(exchange); /* closes the source */
    else
        source_close(&tunnel->source);
}
