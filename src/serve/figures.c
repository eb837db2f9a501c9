/* The hot part is short: an index that the route has, a bucket, a comparison with the slowest. */
#include "serve/figures.h"

#include "serve/request_id.h"
#include "serve/service.h"
#include "serve/timing.h"

/* ---- names ---- */

static struct slice name_of_site(const struct site *site)
{
    return site->host_count > 0 ? site->hosts[0] : SLICE("*");
}

static uint64_t places_of(const struct snapshot *snapshot)
{
    uint64_t places = 0;
    for (size_t i = 0; snapshot && i < snapshot->route_entry_count; i++)
        places |= UINT64_C(1) << snapshot->route_entries[i].figures;
    return places;
}

/* Requests that began with settings before the former ones may still be under way, and then count for what
 * has got their place: that is rare, and only if there were more routes than places. */
void figures_name_routes(struct snapshot *snapshot, const struct snapshot *former, struct counters *counters)
{
    uint64_t used = places_of(former);
    if (!snapshot->has_admin)
        return;
    if (former == NULL) {
        route_figures_begin(counters->routes);
        slowest_begin(&counters->slowest);
    }
    for (size_t i = 0; i < snapshot->route_entry_count; i++) {
        struct route_entry *entry = &snapshot->route_entries[i];
        struct route_labels labels;
        route_labels_make(name_of_site(entry->site), entry->route->prefix, &labels);
        entry->figures = (uint8_t)route_figures_find(counters->routes, &labels, used);
        used |= UINT64_C(1) << entry->figures;
    }
}

/* ---- counting ---- */

static int64_t now_ms_of(const struct service *service)
{
    return loop_wall_seconds(service->loop) * 1000 + loop_wall_milliseconds(service->loop);
}

static void note_slowest(struct exchange *exchange, uint64_t duration_us)
{
    const struct http_request *request = &exchange->request;
    struct slow_request slow = {
        .when_seconds = loop_wall_seconds(exchange->service->loop),
        .duration_us = duration_us,
        .status = exchange->response.status,
    };
    if (!timing_phases(exchange, duration_us, &slow.phases))
        slow.phases.us[PHASE_SEND] = duration_us;
    slow_request_put(slow.method, sizeof(slow.method), request->method_text);
    slow_request_put(slow.host, sizeof(slow.host), request->host);
    slow_request_put(slow.target, sizeof(slow.target), request->target);
    slow_request_put(slow.request_id, sizeof(slow.request_id), request_id_of(exchange));
    slowest_add(&exchange->service->counters->slowest, &slow);
}

static void count_duration(struct exchange *exchange, struct route_figures *figures, uint64_t duration_us)
{
    const struct service *service = exchange->service;
    size_t bucket = duration_histogram_add(&figures->durations, duration_us);
    if (UNLIKELY(exchange->snapshot->settings->request_id.is_on)) {
        int64_t now_ms = now_ms_of(service);
        if (route_figures_wants_exemplar(figures, bucket, now_ms))
            route_figures_set_exemplar(figures, bucket, request_id_of(exchange), duration_us, now_ms);
    }
    if (UNLIKELY(slowest_wants(&service->counters->slowest, duration_us, loop_wall_seconds(service->loop))))
        note_slowest(exchange, duration_us);
}

void figures_count(struct exchange *exchange, uint64_t duration_us)
{
    bool has_route = exchange->route_entry && !exchange->has_guessed_route;
    struct route_figures *figures =
        &exchange->service->counters
             ->routes[has_route ? exchange->route_entry->figures : ROUTE_FIGURES_OTHER];
    unsigned class = (unsigned)exchange->response.status / 100 - 2;
    if (class >= STATUS_CLASSES)
        return;
    figures->responses[class]++;
    if (duration_us != UINT64_MAX)
        count_duration(exchange, figures, duration_us);
}
