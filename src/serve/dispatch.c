/* Dispatch: from a parsed head through the snapshot's tables to a handler; and, after the response was sent,
 * to the counters and the access log. */
#include "serve/dispatch.h"

#include "serve/early_hints.h"
#include "serve/exchange.h"
#include "serve/figures.h"
#include "serve/forwarded.h"
#include "serve/location.h"
#include "serve/request_id.h"
#include "serve/service.h"
#include "serve/timing.h"
#include "serve/tunnel.h"
#include "sys/address.h"

/* Of a duration. */
#define NOT_MEASURED UINT64_MAX

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

/* A listener that was removed has no requirements that a site could rely on, so connections from it meet
 * none. */
static uint64_t demanded_of_client(const struct site *site, unsigned listener)
{
    if (site == NULL || site->client_auths == NULL)
        return 0;
    return listener < LISTENERS_MAX ? site->client_auths[listener] : UINT64_MAX;
}

/* Whether the site's demands on client certificates were applied to this connection, whatever server name it
 * used. If not, the client may retry on a connection with this name (421, RFC 9110 section 15.5.20). */
static bool is_known_well_enough(struct exchange *exchange, const struct site *site)
{
    uint64_t demanded = demanded_of_client(site, exchange->peer->listener);
    struct peer_tls tls = {0};
    if (LIKELY(demanded == 0))
        return true;
    if (exchange->events->tell_tls)
        exchange->events->tell_tls(exchange->owner, NULL, &tls);
    return tls.client_auth == demanded;
}

static bool only_reads(const struct exchange *exchange)
{
    enum http_method method = exchange->request.method;
    return method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD || method == HTTP_METHOD_OPTIONS;
}

/* Whether a request that came as early data is answered although it may be a replay (RFC 8470). The site may
 * be another one than that of the server name, and not accept early data. */
static bool may_be_replayed(const struct exchange *exchange)
{
    const struct site *site = exchange->route_entry->site;
    bool is_accepted = site && (site->early_set >> exchange->peer->listener & 1) != 0;
    return is_accepted && only_reads(exchange);
}

/* The status to reject a request other than GET, HEAD and OPTIONS with, or 0. */
static int refuses_method(const struct handler_type *handler, enum http_method method)
{
    if (method == HTTP_METHOD_UNKNOWN)
        return handler->takes_any_method ? 0 : 501;
    if (method == HTTP_METHOD_CONNECT)
        return handler->makes_tunnels ? 0 : 501;
    return handler->reads_only ? 405 : 0;
}

static int route(struct exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    unsigned listener = exchange->peer->listener;
    /* An https URI without TLS is a mistake or an attempt at cache poisoning (RFC 9110 section 7.4). */
    if (request->is_https && !exchange->client->is_secure)
        return 421;
    if (request->method == HTTP_METHOD_CONNECT && !http_request_is_extended(request))
        return 501;
    if (slice_equal(request->path, SLICE("*")))
        return 0;
    int reject_status = normalize(exchange);
    if (reject_status)
        return reject_status;
    const struct route_entry *route_entry = snapshot_listener_entry(exchange->snapshot, listener);
    enum snapshot_match match = SNAPSHOT_FOUND;
    if (LIKELY(route_entry == NULL))
        match = snapshot_match(exchange->snapshot, listener, request->host, exchange->path, &route_entry);
    if (match != SNAPSHOT_FOUND)
        return match == SNAPSHOT_NO_HOST ? 421 : 404;
    if (exchange->peer->is_secure && !is_known_well_enough(exchange, route_entry->site))
        return 421;
    exchange->route_entry = route_entry;
    if (UNLIKELY(exchange->is_early) && !may_be_replayed(exchange))
        return 425;
    /* TRACE is not supported, as it could expose headers that a proxy added (RFC 9110 section 9.3.8). */
    if (request->method == HTTP_METHOD_TRACE)
        return 405;
    return LIKELY(only_reads(exchange)) ? 0 : refuses_method(handler_of(exchange), request->method);
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
    exchange->has_guessed_route = true;
    exchange->route_entry =
        snapshot_guess(exchange->snapshot, exchange->peer->listener, host, exchange->path);
}

void dispatch_route(struct exchange *exchange)
{
    note_activity(exchange->service, &exchange->request);
    if (UNLIKELY(exchange->snapshot->settings->trusted.network_count > 0))
        forwarded_find_client(exchange);
    exchange->reject_status = (uint16_t)route(exchange);
    if (UNLIKELY(exchange->client != exchange->peer) && !forwarded_count(exchange))
        exchange->reject_status = 503;
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

static void count_response(struct counters *counters, int status, uint64_t duration_us)
{
    int class = status / 100;
    counters->requests++;
    switch (class) {
    case 2: counters->responses_2xx++; break;
    case 3: counters->responses_3xx++; break;
    case 4: counters->responses_4xx++; break;
    case 5: counters->responses_5xx++; break;
    default: return;
    }
    if (duration_us != NOT_MEASURED)
        duration_histogram_add(&counters->durations[class - 2], duration_us);
}

static uint64_t duration_of(const struct exchange *exchange)
{
    return exchange->began_us ? loop_clock_us(exchange->service->loop) - exchange->began_us : NOT_MEASURED;
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
        .is_early = exchange->is_early,
    };
}

static void log_exchange(struct exchange *exchange, uint64_t duration_us, const struct request_phases *slow,
                         struct access_log *log)
{
    char client[ADDRESS_TEXT_BYTES_MAX];
    struct address address = peer_address(exchange->client);
    struct access_log_tls tls;
    bool is_secure = exchange->peer->is_secure && exchange->events->tell_tls;
    if (is_secure)
        tls = tls_for_log(exchange);
    struct access_log_entry entry = {
        .tls = is_secure ? &tls : NULL,
        .upstream = exchange->upstream,
        .slow = slow,
        .request_id = request_id_of(exchange),
        .client = slice_make(client, address_format_host(&address, client)),
        .request = exchange->request.method_text.data ? &exchange->request : NULL,
        .body_bytes = exchange_content_bytes(exchange),
        .received_bytes = exchange->tunnel ? exchange->tunnel->received_bytes : 0,
        .is_tunnel = exchange->tunnel != NULL,
        .duration_us = duration_us == NOT_MEASURED ? 0 : duration_us,
        .status = exchange->is_responded ? exchange->response.status : ACCESS_LOG_NO_RESPONSE,
        .outcome = (enum outcome)exchange->outcome,
    };
    access_log_add(log, &entry);
}

/* Counts the time of each phase, and logs the request if it was slow. */
static void end_phases(struct exchange *exchange, uint64_t duration_us, struct access_log *log)
{
    struct request_phases phases = {0};
    uint64_t slow_us = (uint64_t)exchange->snapshot->settings->slow_ms * 1000;
    bool is_timed = duration_us != NOT_MEASURED && exchange->tunnel == NULL; /* a tunnel may take any time */
    bool is_slow = is_timed && slow_us > 0 && duration_us >= slow_us;
    bool has_phases = is_timed && timing_phases(exchange, duration_us, &phases);
    if (!has_phases)
        phases.us[PHASE_SEND] = duration_us;
    for (size_t i = 0; i < PHASE_COUNT && has_phases; i++) {
        if (phases.us[i] > 0)
            duration_histogram_add(&exchange->service->counters->phases[i], phases.us[i]);
    }
    if (is_slow)
        timing_log_slow(exchange, duration_us, &phases);
    if (log)
        log_exchange(exchange, duration_us, is_slow ? &phases : NULL, log);
}

static struct access_log *access_log_of(const struct exchange *exchange)
{
    bool has_own = exchange->route_entry && exchange->route_entry->access_log;
    return UNLIKELY(has_own) ? exchange->route_entry->access_log : exchange->service->access_log;
}

/* Requests for metrics are neither counted nor logged: they would show in what they show. */
static bool is_of_admin(const struct exchange *exchange)
{
    return exchange->route_entry && exchange->route_entry->route->kind == ROUTE_ADMIN;
}

/* Whether vif, or a server behind it, is to blame: not the client, and not a shutdown. */
static bool is_cut_by_us(const struct exchange *exchange)
{
    switch ((enum outcome)exchange->outcome) {
    case OUTCOME_FILE_CHANGED:
    case OUTCOME_READ_FAILED:
    case OUTCOME_OVERLOADED:
    case OUTCOME_UPSTREAM_FAILED: return exchange->response.status < 500; /* others are counted as errors */
    default: return false;
    }
}

bool dispatch_is_logged(const struct exchange *exchange)
{
    return access_log_of(exchange) != NULL;
}

void dispatch_log(struct exchange *exchange)
{
    log_exchange(exchange, duration_of(exchange), NULL, access_log_of(exchange));
}

void dispatch_count(struct exchange *exchange)
{
    count_response(exchange->service->counters, exchange->response.status, NOT_MEASURED);
    if (exchange->snapshot->has_admin)
        figures_count(exchange, NOT_MEASURED);
}

void dispatch_end(struct exchange *exchange)
{
    struct service *service = exchange->service;
    if (LIKELY(!is_of_admin(exchange))) {
        uint64_t duration_us = duration_of(exchange);
        /* If the client disconnected before there was a response, there is none to count. */
        if (exchange->is_responded)
            count_response(service->counters, exchange->response.status,
                           exchange->tunnel ? NOT_MEASURED : duration_us);
        if (exchange->is_responded && exchange->snapshot->has_admin)
            figures_count(exchange, exchange->tunnel ? NOT_MEASURED : duration_us);
        if (UNLIKELY(exchange->outcome != OUTCOME_COMPLETE) && exchange->is_responded)
            service->counters->responses_cut += is_cut_by_us(exchange);
        struct access_log *log = access_log_of(exchange);
        if (UNLIKELY(exchange->record != NULL) || exchange->snapshot->settings->slow_ms > 0)
            end_phases(exchange, duration_us, log);
        else if (log)
            log_exchange(exchange, duration_us, NULL, log);
    }
    exchange_end(exchange);
}

bool dispatch_end_sent(struct list *exchanges)
{
    while (!list_is_empty(exchanges)) {
        struct exchange *exchange = CONTAINER_OF(exchanges->next, struct exchange, link);
        if (!exchange->is_sent || exchange->sink || exchange->tunnel)
            return false;
        bool closes = exchange->closes;
        list_remove(&exchange->link);
        dispatch_end(exchange);
        if (closes)
            return true;
    }
    return false;
}
