/* A source that never ends by itself: a timer gives it an event each second. An event that the client has not
 * taken yet is not added to: the next one is made when the owner asks, so a slow client gets fewer events.
 *
 * When the server shuts down the stream ends, as it would hold up the end for the whole drain time. */
#include "admin/events.h"

#include "admin/admin.h"
#include "admin/status.h"
#include "loop/wheel.h"
#include "serve/exchange.h"
#include "serve/service.h"

#include <errno.h>

#define PERIOD_MS       1000
#define EVENT_BYTES_MAX (4u << 20)

struct events {
    struct source source;
    struct timer timer;
    struct buffer event;
    size_t given; /* bytes of the event that the owner has */
};

static struct events *events_of(struct source *source)
{
    return CONTAINER_OF(source, struct events, source);
}

static void events_fire(struct timer *timer)
{
    struct events *events = CONTAINER_OF(timer, struct events, timer);
    exchange_wake(events->source.exchange);
}

/* "data: " and the status on one line; an empty line ends the event. */
static bool make_event(struct events *events)
{
    const struct service *service = events->source.exchange->service;
    const struct admin *admin = service->handlers[ROUTE_ADMIN].state;
    buffer_clear(&events->event);
    events->given = 0;
    buffer_append(&events->event, SLICE("data: "));
    status_write(admin, loop_wall_seconds(service->loop), STATUS_ON_ONE_LINE, &events->event);
    return buffer_append_byte(&events->event, '\n');
}

static enum source_result events_next(struct source *source, size_t bytes_max, struct segment *ret_segment)
{
    struct events *events = events_of(source);
    const struct service *service = source->exchange->service;
    const struct admin *admin = service->handlers[ROUTE_ADMIN].state;
    if (events->given == events->event.length) {
        if (timer_is_armed(&events->timer))
            return SOURCE_WAIT;
        if (admin->is_draining(admin->context))
            return SOURCE_END;
        if (!make_event(events))
            return source_fail(source, -ENOMEM);
        wheel_arm(loop_wheel(service->loop), &events->timer, PERIOD_MS);
    }
    struct slice rest = slice_skip(buffer_slice(&events->event), events->given);
    struct slice piece = slice_take(rest, MIN(rest.length, bytes_max));
    events->given += piece.length;
    *ret_segment = segment_memory(piece);
    return SOURCE_GIVEN;
}

static void events_close(struct source *source)
{
    struct events *events = events_of(source);
    timer_disarm(&events->timer);
    buffer_finish(&events->event);
}

static const struct source_type events_type = {.next = events_next, .close = events_close};

void events_respond(struct exchange *exchange)
{
    struct events *events = exchange_source_room(exchange, sizeof(*events));
    if (events == NULL) {
        exchange_fail(exchange, 503);
        return;
    }
    events->source =
        (struct source){.type = &events_type, .exchange = exchange, .length = HTTP_LENGTH_UNKNOWN};
    timer_init(&events->timer, events_fire);
    buffer_init(&events->event, EVENT_BYTES_MAX);
    events->given = 0;
    exchange_begin_response(exchange, 200);
    exchange_add_field(exchange, HTTP_FIELD_CONTENT_TYPE, SLICE("text/event-stream"));
    exchange_add_field(exchange, HTTP_FIELD_CACHE_CONTROL, SLICE("no-store"));
    exchange_respond(exchange, &events->source);
}
