/* Error responses: which page a client gets. The route of files that the request's path lies in names one for
 * some statuses; there is a standard page for all. A client that would rather have JSON gets no HTML.
 *
 * To read the configured page may fail in its turn, and may take a while: the response with its status has
 * been begun by then, and is ended by whatever comes of it. */
#include "http/mime.h"
#include "http/negotiate.h"
#include "serve/exchange.h"
#include "serve/service.h"

static const struct error_page *find_page(const struct exchange *exchange)
{
    const struct route_entry *entry = exchange->route_entry ? exchange->route_entry->files_entry : NULL;
    for (size_t i = 0; entry && i < entry->route->files.error_page_count; i++) {
        const struct error_page *page = &entry->route->files.error_pages[i];
        if (page->status == exchange->response.status)
            return page;
    }
    return NULL;
}

static bool is_acceptable(const struct exchange *exchange, const struct error_page *page)
{
    return !http_prefers_json(&exchange->request) ||
           slice_starts_with(http_mime_type(page->path), SLICE("application/json"));
}

void exchange_respond_error(struct exchange *exchange)
{
    const struct error_page *page = find_page(exchange);
    if (page && is_acceptable(exchange, page)) {
        exchange->seeks_error_page = true;
        const struct route_entry *entry = exchange->route_entry->files_entry;
        const struct handler_type *handler = exchange->service->handlers[entry->route->kind].type;
        handler->respond_error(exchange, entry->root, page->path);
    } else {
        exchange_respond_standard_error(exchange);
    }
}

static enum error_page_format wanted_format(const struct exchange *exchange)
{
    return http_prefers_json(&exchange->request) ? ERROR_PAGE_JSON : ERROR_PAGE_HTML;
}

static void respond_page(struct exchange *exchange, enum error_page_format format, struct slice content)
{
    bool is_json = format == ERROR_PAGE_JSON;
    exchange_add_field(exchange, HTTP_FIELD_VARY, SLICE("Accept"));
    if (!is_json)
        exchange_add_field(exchange, HTTP_FIELD_CONTENT_SECURITY_POLICY, error_page_security_policy());
    exchange_respond_bytes(exchange, is_json ? SLICE("application/json") : SLICE("text/html; charset=utf-8"),
                           content);
}

void exchange_respond_standard_error(struct exchange *exchange)
{
    enum error_page_format format = wanted_format(exchange);
    respond_page(exchange, format, service_error_page(exchange->service, exchange->response.status, format));
}

void exchange_fail_because(struct exchange *exchange, int status, const char *why)
{
    enum error_page_format format = wanted_format(exchange);
    struct buffer page;
    buffer_init(&page, ERROR_PAGE_BYTES_MAX);
    error_page_make(status, why, format, &page);
    struct slice content = page.failed ? SLICE("") : arena_copy(&exchange->arena, buffer_slice(&page));
    buffer_finish(&page);
    if (content.length == 0) {
        exchange_fail(exchange, 503);
        return;
    }
    exchange_begin_response(exchange, status);
    respond_page(exchange, format, content);
}

void exchange_fail(struct exchange *exchange, int status)
{
    if (exchange->seeks_error_page) {
        /* The configured page is not available; the client gets its original error with the standard page. */
        exchange_respond_standard_error(exchange);
        return;
    }
    exchange_begin_response(exchange, status);
    if (status == 503)
        exchange_add_field(exchange, HTTP_FIELD_RETRY_AFTER, SLICE("1"));
    exchange_respond_error(exchange);
}
