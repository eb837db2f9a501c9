/* Finds the page for a path, if the guard lets the client pass. Pages are written whole, as they are small
 * and bounded: some kilobytes for each worker. */
#include "admin/admin.h"

#include "admin/dashboard.h"
#include "admin/events.h"
#include "admin/guard.h"
#include "admin/metrics.h"
#include "admin/status.h"
#include "serve/exchange.h"
#include "serve/service.h"

/* Room for the pages of a thousand workers. */
#define PAGE_BYTES_MAX (3u << 20)

static struct admin *admin_of(const struct exchange *exchange)
{
    return exchange->service->handlers[ROUTE_ADMIN].state;
}

/* Takes the page's memory. */
static void admin_respond(struct exchange *exchange, int status, struct slice type, struct buffer *page)
{
    struct slice content =
        page->failed ? (struct slice){0} : arena_copy(&exchange->arena, buffer_slice(page));
    buffer_finish(page);
    if (content.data == NULL) {
        exchange_fail(exchange, 503);
        return;
    }
    exchange_begin_response(exchange, status);
    exchange_add_field(exchange, HTTP_FIELD_CACHE_CONTROL, SLICE("no-store"));
    exchange_respond_bytes(exchange, type, content);
}

/* Prometheus asks for OpenMetrics by its media type. */
static bool accepts_open_metrics(const struct http_request *request)
{
    struct slice accept = http_request_field(request, HTTP_FIELD_ACCEPT), type = SLICE("openmetrics-text");
    return accept.length > 0 && memmem(accept.data, accept.length, type.data, type.length) != NULL;
}

static void respond_metrics(struct exchange *exchange, struct buffer *page)
{
    bool is_open = accepts_open_metrics(&exchange->request);
    metrics_write(admin_of(exchange), is_open ? METRICS_OPEN : METRICS_TEXT, page);
    admin_respond(exchange, 200,
                  is_open ? SLICE("application/openmetrics-text; version=1.0.0; charset=utf-8")
                          : SLICE("text/plain; version=0.0.4; charset=utf-8"),
                  page);
}

static void respond_status(struct exchange *exchange, struct buffer *page)
{
    status_write(admin_of(exchange), loop_wall_seconds(exchange->service->loop), STATUS_INDENTED, page);
    admin_respond(exchange, 200, SLICE("application/json"), page);
}

static void respond_health(struct exchange *exchange, struct buffer *page)
{
    buffer_append(page, SLICE("ok\n"));
    admin_respond(exchange, 200, SLICE("text/plain"), page);
}

static void respond_readiness(struct exchange *exchange, struct buffer *page)
{
    const struct admin *admin = admin_of(exchange);
    bool is_draining = admin->is_draining(admin->context);
    buffer_append(page, is_draining ? SLICE("shutting down\n") : SLICE("ready\n"));
    admin_respond(exchange, is_draining ? 503 : 200, SLICE("text/plain"), page);
}

static void respond_dashboard(struct exchange *exchange, struct buffer *page)
{
    buffer_finish(page);
    exchange_begin_response(exchange, 200);
    exchange_add_field(exchange, HTTP_FIELD_CONTENT_SECURITY_POLICY, page_dashboard.policy);
    exchange_respond_bytes(exchange, SLICE("text/html; charset=utf-8"), page_dashboard.html);
}

static void respond_events(struct exchange *exchange, struct buffer *page)
{
    buffer_finish(page);
    events_respond(exchange);
}

/* Browsers ask for it by themselves. */
static void respond_no_icon(struct exchange *exchange, struct buffer *page)
{
    buffer_finish(page);
    exchange_begin_response(exchange, 204);
    exchange_respond(exchange, NULL);
}

static const struct admin_page {
    struct slice path;
    void (*respond)(struct exchange *exchange, struct buffer *page);
    bool is_open; /* without the password: what asks for it often has none, and it shows next to nothing */
} pages[] = {
    {{"/", 1}, respond_dashboard, false},           {{"/metrics", 8}, respond_metrics, false},
    {{"/status", 7}, respond_status, false},        {{"/events", 7}, respond_events, false},
    {{"/healthz", 8}, respond_health, true},        {{"/readyz", 7}, respond_readiness, true},
    {{"/favicon.ico", 12}, respond_no_icon, false},
};

static void respond_options(struct exchange *exchange, struct buffer *page)
{
    buffer_finish(page);
    exchange_begin_response(exchange, 204);
    exchange_add_field(exchange, HTTP_FIELD_ALLOW, SLICE("GET, HEAD, OPTIONS"));
    exchange_respond(exchange, NULL);
}

static const struct admin_page *find_admin_page(struct slice path)
{
    for (size_t i = 0; i < ARRAY_LENGTH(pages); i++) {
        if (slice_equal(path, pages[i].path))
            return &pages[i];
    }
    return NULL;
}

static void admin_answer(struct exchange *exchange)
{
    const struct admin_page *found = find_admin_page(exchange->path);
    struct buffer page;
    buffer_init(&page, PAGE_BYTES_MAX);
    if (found == NULL)
        exchange_fail(exchange, 404);
    else if (exchange->request.method == HTTP_METHOD_OPTIONS)
        respond_options(exchange, &page);
    else
        found->respond(exchange, &page);
}

static void admin_handle(struct exchange *exchange)
{
    const struct admin_page *found = find_admin_page(exchange->path);
    if (found && found->is_open)
        admin_answer(exchange);
    else
        guard_pass(admin_of(exchange)->guard, exchange, admin_answer);
}

const struct handler_type admin_handler = {.reads_only = true, .handle = admin_handle};
