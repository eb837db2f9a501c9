/* Shared by all requests of a worker: the date, the error pages, the pool of exchanges. */
#include "serve/service.h"

#include "serve/exchange.h"
#include "sys/clock.h"

void service_init(struct service *service, struct loop *loop, struct log *log, struct counters *counters,
                  size_t exchange_bytes)
{
    *service = (struct service){
        .loop = loop,
        .log = log,
        .counters = counters,
        .date_seconds = INT64_MIN,
    };
    sys_random(&service->client_key, sizeof(service->client_key));
    service->request_id_base = hash_bytes(&service->client_key, SLICE("request ids"));
    pool_init(&service->exchanges, exchange_bytes, 0);
}

static void end_spare(struct service *service)
{
    if (service->spare)
        exchange_end(service->spare);
    service->spare = NULL;
}

void service_set_fields_max(struct service *service, unsigned fields_max)
{
    assert(fields_max <= HTTP_FIELDS_MAX);
    if (service->fields_max == fields_max)
        return;
    end_spare(service);
    assert(service->field_rooms.count == 0);
    pool_finish(&service->field_rooms);
    pool_init(&service->field_rooms, fields_max * sizeof(struct http_field), SIZE_MAX);
    service->fields_max = fields_max;
}

void service_finish(struct service *service)
{
    end_spare(service);
    map_finish(&service->client_counts);
    for (size_t i = 0; i < ERROR_STATUS_COUNT; i++) {
        buffer_finish(&service->error_pages[ERROR_PAGE_HTML][i]);
        buffer_finish(&service->error_pages[ERROR_PAGE_JSON][i]);
    }
    pool_finish(&service->exchanges);
    arena_shelf_finish(&service->shelf);
    pool_finish(&service->field_rooms);
}

const char *service_date(struct service *service)
{
    int64_t now = loop_wall_seconds(service->loop);
    if (now != service->date_seconds) {
        service->date_seconds = now;
        http_date_format(service->date, now);
    }
    return service->date;
}

struct slice service_error_page(struct service *service, int status, enum error_page_format format)
{
    assert(status >= 400 && status < 400 + ERROR_STATUS_COUNT);
    struct buffer *page = &service->error_pages[format][status - 400];
    if (page->length == 0) {
        buffer_init(page, ERROR_PAGE_BYTES_MAX);
        error_page_make(status, NULL, format, page);
        /* Half a page would stay half for ever. */
        if (page->failed)
            buffer_finish(page);
    }
    return buffer_slice(page);
}

void service_see_changes(struct service *service, bool is_new)
{
    const struct loop *loop = service->loop;
    bool is_seen = loop_is_ordered(loop) || service->changes_turn == loop_turn(loop);
    if (is_seen && (!is_new || service->changes_read == loop_read_count(loop)))
        return;
    service->changes_turn = loop_turn(loop);
    service->changes_read = loop_read_count(loop);
    for (size_t i = 0; i < ROUTE_KIND_COUNT; i++) {
        const struct handler *handler = &service->handlers[i];
        if (handler->type->see_changes)
            handler->type->see_changes(handler->state);
    }
}

bool service_free_descriptors(struct service *service, const void *kept)
{
    for (size_t i = 0; i < ROUTE_KIND_COUNT; i++) {
        const struct handler *handler = &service->handlers[i];
        if (handler->type->give_descriptors && handler->type->give_descriptors(handler->state))
            return true;
    }
    return service->shed && service->shed(service->shed_context, kept);
}
