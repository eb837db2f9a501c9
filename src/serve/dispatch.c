/* Dispatch: from a parsed head through the snapshot's tables to a handler; and, after the response was sent,
 * to the counters and the access log. */
#include "serve/dispatch.h"

#include "serve/early_hints.h"
#include "serve/exchange.h"
#include "serve/location.h"
#include "serve/service.h"
#include "sys/address.h"

/* What a stall report says was done last. */
static void note_activity(struct service *service, const struct http_request *request)
{
    struct slice method = slice_take(request->method_text, MIN(request->method_text.length, (size_t)16));
    struct slice target =
        slice_take(request->target, MIN(request->target.length, ACTIVITY_BYTES_MAX - method.length - 1));
    memcpy(service->activity, method.data, method.length);
    service->activity[method.length] = ' ';
    memcpy(service->activity + method.length + 1, target.data, target.length);
    service->activity_length = (uint8_t)(method.length + 1 + target.length);
}

/* Decodes and normalises the path. Most paths need no change and are not copied. */
static int normalize(struct exchange *exchange)
{
    switch (exchange_normalize_path(exchange, HTTP_PATH_DECODED, &exchange->path)) {
    case HTTP_PATH_OK: return 0;
    case HTTP_PATH_NO_FILE: exchange->is_no_file = true; return 0;
    case HTTP_PATH_BAD: return 400;
    case HTTP_PATH_TOO_LONG: return 503;
    }
    UNREACHABLE();
}

static const struct handler_type *handler_of(const struct exchange *exchange)
{
    return exchange->service->handlers[exchange->route_entry->route->kind].type;
}

/* Whether the site's demands on client certificates were applied to this connection, whatever server name it
 * used. If not, the client may retry on a connection with this name (421, RFC 9110 section 15.5.20). */
static bool is_known_well_enough(struct exchange *exchange, const struct site *site)
{
    uint64_t demanded = site && site->client_auths ? site->client_auths[exchange->peer->listener] : 0;
    struct peer_tls tls = {0};
    if (LIKELY(demanded == 0))
        return true;
    if (exchange->events->tell_tls)
        exchange->events->tell_tls(exchange->owner, NULL, &tls);
    return tls.client_auth == demanded;
}

static int route(struct exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    unsigned listener = exchange->peer->listener;
    /* An https URI without TLS is a mistake or an attempt at cache poisoning (RFC 9110 section 7.4). */
    if (request->is_https && !exchange->peer->is_secure)
        return 421;
    if (request->method == HTTP_METHOD_UNKNOWN || request->method == HTTP_METHOD_CONNECT)
        return 501;
    if (slice_equal(request->path, SLICE("*")))
        return 0;
    int reject_status = normalize(exchange);
    if (reject_status)
        return reject_status;
    const struct route_entry *route_entry = snapshot_redirect(exchange->snapshot, listener);
    enum snapshot_match match = SNAPSHOT_FOUND;
    if (LIKELY(route_entry == NULL))
        match = snapshot_match(exchange->snapshot, listener, request->host, exchange->path, &route_entry);
    if (match != SNAPSHOT_FOUND)
        return match == SNAPSHOT_NO_HOST ? 421 : 404;
    if (exchange->peer->is_secure && !is_known_well_enough(exchange, route_entry->site))
        return 421;
    exchange->route_entry = route_entry;
    /* TRACE is not supported, as it could expose headers that a proxy added (RFC 9110 section 9.3.8). */
    if (request->method == HTTP_METHOD_TRACE)
        return 405;
    bool reads = request->method == HTTP_METHOD_GET || request->method == HTTP_METHOD_HEAD ||
                 request->method == HTTP_METHOD_OPTIONS;
    return !reads && handler_of(exchange)->reads_only ? 405 : 0;
}

/* Chooses the route for the headers and the error page of a rejected request, by what is known of its host
 * and path. A head with an error in its headers may have had Host before. */
static void guess_route(struct exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    struct slice host = request->host, port;
    if (host.length == 0 && !http_host_parse(http_request_field(request, HTTP_FIELD_HOST), &host, &port))
        host = (struct slice){0};
    if (exchange->path.length == 0 && normalize(exchange) != 0)
        exchange->path = SLICE("/");
    exchange->route_entry =
        snapshot_guess(exchange->snapshot, exchange->peer->listener, host, exchange->path);
}

void dispatch_route(struct exchange *exchange)
{
    note_activity(exchange->service, &exchange->request);
    exchange->reject_status = (uint16_t)route(exchange);
    if (UNLIKELY(exchange->reject_status != 0) && exchange->route_entry == NULL)
        guess_route(exchange);
}

void dispatch_refuse(struct exchange *exchange, int status)
{
    if (exchange->route_entry == NULL)
        guess_route(exchange);
    exchange_fail(exchange, status);
}

/* "OPTIONS *": the server as a whole (RFC 9110 section 9.3.7). */
static void answer_options_of_server(struct exchange *exchange)
{
    exchange_begin_response(exchange, 204);
    exchange_add_field(exchange, HTTP_FIELD_ALLOW, SLICE("GET, HEAD, OPTIONS"));
    exchange_respond(exchange, NULL);
}

/* What the route takes, as Allow has it. */
static struct slice methods_of(const struct exchange *exchange)
{
    return handler_of(exchange)->reads_only ? SLICE("GET, HEAD, OPTIONS")
                                            : SLICE("GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH");
}

static void refuse_method(struct exchange *exchange)
{
    exchange_begin_response(exchange, 405);
    exchange_add_field(exchange, HTTP_FIELD_ALLOW, methods_of(exchange));
    exchange_respond_error(exchange);
}

/* The bare form of a prefix that ends in '/', or of a folder. */
static bool lacks_slash(const struct exchange *exchange)
{
    const struct route *route = exchange->route_entry->route;
    return exchange->path.length == exchange->route_entry->bare_prefix.length &&
           (route->kind == ROUTE_FILES || slice_ends_with(route->prefix, SLICE("/")));
}

bool dispatch_streams_content(const struct exchange *exchange)
{
    return exchange->reject_status == 0 && exchange->route_entry && !cors_is_preflight(exchange) &&
           !lacks_slash(exchange) && handler_of(exchange)->streams_content;
}

static void dispatch_hand_over(struct exchange *exchange)
{
    if (UNLIKELY(exchange->route_entry->route->early_hints))
        early_hints_send(exchange);
    handler_of(exchange)->handle(exchange);
}

void dispatch_answer(struct exchange *exchange)
{
    if (exchange->reject_status == 405)
        refuse_method(exchange);
    else if (exchange->reject_status)
        exchange_fail(exchange, exchange->reject_status);
    else if (exchange->route_entry == NULL)
        answer_options_of_server(exchange);
    else if (cors_is_preflight(exchange))
        cors_answer_preflight(exchange, methods_of(exchange));
    else if (lacks_slash(exchange))
        location_respond_folder(exchange);
    else
        dispatch_hand_over(exchange);
}

static void count_response(struct counters *counters, int status)
{
    counters->requests++;
    switch (status / 100) {
    case 2: counters->responses_2xx++; break;
    case 3: counters->responses_3xx++; break;
    case 4: counters->responses_4xx++; break;
    case 5: counters->responses_5xx++; break;
    default: break;
    }
}

static struct address peer_address(const struct peer *peer)
{
    struct address address = {.any.sa_family = peer->family};
    if (peer->family == AF_INET)
        memcpy(&address.v4.sin_addr, peer->bytes, 4);
    else if (peer->family == AF_INET6)
        memcpy(&address.v6.sin6_addr, peer->bytes, 16);
    return address;
}

static struct access_log_tls tls_for_log(struct exchange *exchange)
{
    struct peer_tls tls;
    exchange->events->tell_tls(exchange->owner, &exchange->arena, &tls);
    return (struct access_log_tls){
        .version = tls.version,
        .cipher = tls.cipher,
        .name = tls.name,
        .client_subject = tls.client_subject,
        .client_issuer = tls.client_issuer,
        .client_fingerprint = tls.client_fingerprint,
    };
}

static void log_exchange(struct exchange *exchange, struct access_log *log)
{
    struct service *service = exchange->service;
    char client[ADDRESS_TEXT_BYTES_MAX];
    struct address address = peer_address(exchange->peer);
    struct access_log_tls tls;
    bool is_secure = exchange->peer->is_secure && exchange->events->tell_tls;
    if (is_secure)
        tls = tls_for_log(exchange);
    struct access_log_entry entry = {
        .tls = is_secure ? &tls : NULL,
        .client = slice_make(client, address_format_host(&address, client)),
        .request = exchange->request.method_text.data ? &exchange->request : NULL,
        .body_bytes = exchange_content_bytes(exchange),
        .duration_us = exchange->began_us ? loop_clock_us(service->loop) - exchange->began_us : 0,
        .status = exchange->is_responded ? exchange->response.status : ACCESS_LOG_NO_RESPONSE,
        .outcome = (enum outcome)exchange->outcome,
    };
    access_log_add(log, &entry);
}

void dispatch_end(struct exchange *exchange)
{
    struct service *service = exchange->service;
    /* If the client disconnected before there was a response, there is none to count. */
    if (exchange->is_responded)
        count_response(service->counters, exchange->response.status);
    if (service->access_log)
        log_exchange(exchange, service->access_log);
    exchange_end(exchange);
}

bool dispatch_end_sent(struct list *exchanges)
{
    while (!list_is_empty(exchanges)) {
        struct exchange *exchange = CONTAINER_OF(exchanges->next, struct exchange, link);
        if (!exchange->is_sent || exchange->sink)
            return false;
        bool closes = exchange->closes;
        list_remove(&exchange->link);
        dispatch_end(exchange);
        if (closes)
            return true;
    }
    return false;
}
