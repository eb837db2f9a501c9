/* Attempts. Read forwarding_try first. */
#include "proxy/forwarding.h"

#include "proxy/proxy_protocol.h"
#include "proxy/request_writer.h"
#include "serve/request_id.h"

/* All attempts of a request together. Repeated attempts must not multiply the load of servers that fail. */
#define ATTEMPTS_MAX 3

/* Seconds, for clients that get 503. */
#define RETRY_AFTER SLICE("1")

static const struct upstream_user_events forwarding_user_events;

void forwarding_leave_server(struct forwarding *forwarding)
{
    if (!forwarding->has_place)
        return;
    forwarding->has_place = false;
    upstream_group_leave(forwarding->group, forwarding->index);
    place_queue_note_free(&forwarding->proxy->queue);
}

void forwarding_release(struct forwarding *forwarding)
{
    if (forwarding->is_released)
        return;
    forwarding->is_released = true;
    exchange_unwatch(forwarding->exchange);
    upstream_leave(&forwarding->user);
    forwarding_leave_server(forwarding);
    if (forwarding->waiter.group)
        place_queue_leave(&forwarding->waiter);
    timer_disarm(&forwarding->total_timer);
    timer_disarm(&forwarding->continue_timer);
    task_cancel(&forwarding->wake);
    byte_ring_finish(&forwarding->upload);
    byte_ring_finish(&forwarding->download);
    upstream_group_unref(forwarding->group);
}

/* ---- failing ---- */

static void forwarding_log_fault(const struct forwarding *forwarding, enum proxy_fault fault,
                                 const char *detail)
{
    const struct proxy_fault_row *row = proxy_fault_row(fault);
    const struct http_request *request = &forwarding->exchange->request;
    struct slice url = forwarding->upstream ? forwarding->upstream->url : SLICE("no server");
    struct slice target = slice_take(request->target, MIN(request->target.length, (size_t)256));
    char id[REQUEST_ID_TEXT_BYTES];
    log_error(forwarding->proxy->service->log, "proxy: %.*s: %s%s%s (%s); %.*s %.*s%s%s", SLICE_ARGS(url),
              row->text, detail ? ": " : "", detail ? detail : "", row->code,
              SLICE_ARGS(request->method_text), SLICE_ARGS(target),
              forwarding->is_answering ? " was cut" : "", request_id_text(forwarding->exchange, id));
}

/* The client gets an error in place of the response. */
static void respond_fault(struct exchange *exchange, int status)
{
    exchange_begin_response(exchange, status);
    if (status == 503)
        exchange_add_field(exchange, HTTP_FIELD_RETRY_AFTER, RETRY_AFTER);
    exchange_respond_error(exchange);
}

void forwarding_fail(struct forwarding *forwarding, enum proxy_fault fault, const char *detail)
{
    struct exchange *exchange = forwarding->exchange;
    int status = proxy_fault_row(fault)->status;
    forwarding_log_fault(forwarding, fault, detail);
    forwarding->proxy->service->counters->upstream_failures++;
    forwarding->log.cause = slice_from(proxy_fault_row(fault)->code);
    forwarding->must_wake = true;
    exchange_stop_reading(exchange);
    if (forwarding->is_answering) {
        upstream_leave(&forwarding->user);
        forwarding_leave_server(forwarding);
        timer_disarm(&forwarding->total_timer);
        forwarding->is_broken = true;
        if (forwarding->is_source_closed)
            forwarding_release(forwarding);
        return;
    }
    forwarding_release(forwarding);
    respond_fault(exchange, status);
}

/* ---- attempts ---- */

/* RFC 9110 section 9.2.2; a client may say so of any request by Idempotency-Key. */
static bool is_idempotent(const struct http_request *request)
{
    switch (request->method) {
    case HTTP_METHOD_GET:
    case HTTP_METHOD_HEAD:
    case HTTP_METHOD_PUT:
    case HTTP_METHOD_DELETE:
    case HTTP_METHOD_OPTIONS: return true;
    default: break;
    }
    for (unsigned i = 0; i < request->field_count; i++) {
        if (slice_equal_nocase(request->fields[i].name_text, SLICE("Idempotency-Key")))
            return true;
    }
    return false;
}

/* Whether the server cannot have acted on the request. */
static bool forwarding_is_untouched(const struct forwarding *forwarding, enum proxy_fault fault)
{
    bool is_unconnected = fault == PROXY_FAULT_REFUSED || fault == PROXY_FAULT_UNREACHABLE ||
                          fault == PROXY_FAULT_CONNECT_TIMEOUT || fault == PROXY_FAULT_NO_ADDRESS ||
                          fault == PROXY_FAULT_QUEUE_FULL || fault == PROXY_FAULT_QUEUE_TIMEOUT;
    return is_unconnected || fault == PROXY_FAULT_STREAM_REFUSED || forwarding->user.is_untouched;
}

/* A kept connection that the server closes at the moment when the request is sent; with HTTP/2 it can say so.
 * One that is dead may be so because a router has forgotten it: a single server is asked again over a new
 * one.
 */
static bool forwarding_is_stale(const struct forwarding *forwarding, enum proxy_fault fault)
{
    if (fault == PROXY_FAULT_STREAM_REFUSED)
        return true;
    bool is_dead = fault == PROXY_FAULT_PING_TIMEOUT && forwarding->group->count == 1;
    return forwarding->user.is_reused && !forwarding->user.has_answered &&
           (fault == PROXY_FAULT_CLOSED || fault == PROXY_FAULT_RESET || is_dead);
}

static bool may_try_again(const struct forwarding *forwarding, enum proxy_fault fault)
{
    if (forwarding->is_answering || forwarding->attempts >= ATTEMPTS_MAX || !upload_can_restart(forwarding))
        return false;
    if (forwarding_is_untouched(forwarding, fault))
        return true;
    bool has_ended =
        fault == PROXY_FAULT_CLOSED || fault == PROXY_FAULT_RESET || fault == PROXY_FAULT_PING_TIMEOUT;
    return has_ended && !forwarding->user.has_answered && is_idempotent(&forwarding->exchange->request);
}

/* Behind a trusted proxy the certificate is not that of the client. */
static const struct peer_tls *certified_client(struct exchange *exchange,
                                               const struct proxy_settings *settings, struct peer_tls *room)
{
    bool is_told = settings->client_certificate && exchange->client == exchange->peer &&
                   exchange->peer->is_secure && exchange->events->tell_tls;
    if (!is_told)
        return NULL;
    exchange->events->tell_tls(exchange->owner, &exchange->arena, room);
    return room->has_client ? room : NULL;
}

/* Writes the request for the server of this attempt. Returns false after answering with an error. */
static bool write_request(struct forwarding *forwarding, bool is_h2)
{
    struct exchange *exchange = forwarding->exchange;
    struct peer_tls tls;
    struct request_plan plan = {
        .request = &exchange->request,
        .peer = exchange->client,
        .certified = certified_client(exchange, &forwarding->group->route->proxy, &tls),
        .settings = &forwarding->group->route->proxy,
        .bare_prefix = exchange->route_entry->bare_prefix,
        .server_authority = forwarding->upstream->parts.authority,
        .id_header = exchange->snapshot->settings->request_id.header,
        .id = request_id_of(exchange),
        .expects_continue = forwarding->awaits_continue,
        .is_early = exchange->is_early,
        .is_secure = forwarding->upstream->parts.is_secure,
        .upgrade = is_h2 ? (struct slice){0} : forwarding->upgrade,
        .websocket_key = forwarding->key,
    };
    forwarding->is_for_h2 = is_h2;
    int status =
        is_h2 ? request_list(&plan, &exchange->arena, &forwarding->head_list, &forwarding->head_count)
              : recent_request_write(&forwarding->group->recent, &plan, &exchange->arena, &forwarding->head);
    if (status == 0)
        return true;
    forwarding_release(forwarding);
    exchange_stop_reading(exchange);
    forwarding->must_wake = true; /* a later attempt than the first begins in a callback */
    respond_fault(exchange, status);
    return false;
}

static void note_time(const struct forwarding *forwarding, uint64_t *ret_us)
{
    if (forwarding->began_us)
        *ret_us = loop_clock_us(forwarding->proxy->service->loop) - forwarding->began_us;
}

static void forwarding_on_open(struct upstream_user *user)
{
    struct forwarding *forwarding = forwarding_of(user);
    note_time(forwarding, &forwarding->log.connect_us);
    if (!user->is_reused)
        forwarding->group->members[forwarding->index].place.share->connections++;
    if (LIKELY(user->is_h2 == forwarding->is_for_h2) || write_request(forwarding, user->is_h2))
        upload_pump(forwarding);
}

/* Whether the server is to blame, rather than vif and its limits. */
static bool is_of_server(enum proxy_fault fault)
{
    return fault != PROXY_FAULT_OVERLOADED && fault != PROXY_FAULT_QUEUE_FULL &&
           fault != PROXY_FAULT_QUEUE_TIMEOUT;
}

static void forwarding_try_next(struct forwarding *forwarding, enum proxy_fault fault, const char *detail);

/* Begins an attempt with the chosen server. */
static void forwarding_try(struct forwarding *forwarding)
{
    struct service *service = forwarding->proxy->service;
    enum proxy_fault fault;
    assert(forwarding->has_place && forwarding->upstream != NULL);
    if (forwarding->upstream->http == PROXY_HTTP_2 &&
        forwarding->exchange->request.method == HTTP_METHOD_CONNECT) {
        forwarding_fail(forwarding, PROXY_FAULT_NOT_UPGRADED, "requests to it over HTTP/2 are not upgraded");
        return;
    }
    if (!write_request(forwarding, upstream_prefers_h2(forwarding->upstream, &forwarding->user)))
        return;
    upload_restart(forwarding);
    if (forwarding->attempts++ > 0)
        service->counters->upstream_retries++;
    forwarding->log.server = forwarding->upstream->url;
    bool measures = service_measures(service) || upstream_group_measures(forwarding->group);
    forwarding->began_us = measures ? loop_clock_us(service->loop) : 0;
    switch (upstream_join(forwarding->upstream, &forwarding->user, &fault)) {
    case UPSTREAM_OPEN: forwarding_on_open(&forwarding->user); return;
    case UPSTREAM_WAITS: return;
    case UPSTREAM_REFUSED: forwarding_try_next(forwarding, fault, NULL); return;
    }
}

/* ---- the choice of a server ---- */

static void forwarding_use(struct forwarding *forwarding, unsigned index)
{
    assert(!forwarding->has_place && !forwarding->is_released);
    forwarding->index = index;
    forwarding->has_place = true;
    forwarding->upstream = forwarding->group->members[index].upstream;
    forwarding->log.queue_us =
        forwarding->began_waiting_us
            ? loop_clock_us(forwarding->proxy->service->loop) - forwarding->began_waiting_us
            : 0;
    forwarding_try(forwarding);
}

static void forwarding_wait(struct forwarding *forwarding)
{
    assert(!forwarding->has_place && forwarding->waiter.group == NULL);
    struct service *service = forwarding->proxy->service;
    const struct proxy_settings *settings = &forwarding->group->route->proxy;
    forwarding->upstream = NULL;
    if (service->access_log && forwarding->began_waiting_us == 0)
        forwarding->began_waiting_us = loop_clock_us(service->loop);
    if (!place_queue_join(&forwarding->proxy->queue, &forwarding->waiter, forwarding->group,
                          &forwarding->wish, settings->waiting, settings->queue_ms))
        forwarding_fail(forwarding, PROXY_FAULT_QUEUE_FULL, NULL);
}

static struct upstream_wish forwarding_wish(const struct upstream_group *group,
                                            const struct exchange *exchange)
{
    if (upstream_group_has_affinity(group))
        return affinity_wish(group, &exchange->request, exchange->client);
    return (struct upstream_wish){.sticky = -1};
}

/* `fault` and `detail`: of the attempt before, or why there is none. */
static void forwarding_choose_server(struct forwarding *forwarding, enum proxy_fault fault,
                                     const char *detail)
{
    unsigned index;
    if (UNLIKELY(place_queue_has_others_first(forwarding->group, &forwarding->wish))) {
        forwarding_wait(forwarding);
        place_queue_note_free(&forwarding->proxy->queue);
        return;
    }
    switch (upstream_group_choose(forwarding->group, &forwarding->wish, &index)) {
    case UPSTREAM_CHOSEN: forwarding_use(forwarding, index); return;
    case UPSTREAM_FULL: forwarding_wait(forwarding); return;
    case UPSTREAM_NONE: forwarding_fail(forwarding, fault, detail); return;
    }
}

static void forwarding_on_turn(struct upstream_user *user);

static bool forwarding_on_chance(struct place_waiter *waiter)
{
    struct forwarding *forwarding = CONTAINER_OF(waiter, struct forwarding, waiter);
    unsigned index;
    enum upstream_choice choice = upstream_group_choose(forwarding->group, &forwarding->wish, &index);
    if (choice == UPSTREAM_FULL)
        return false;
    place_queue_leave(waiter);
    if (choice == UPSTREAM_CHOSEN)
        forwarding_use(forwarding, index);
    else
        forwarding_fail(forwarding, PROXY_FAULT_NO_SERVER, NULL);
    forwarding_on_turn(&forwarding->user);
    return true;
}

static void forwarding_on_late(struct place_waiter *waiter)
{
    struct forwarding *forwarding = CONTAINER_OF(waiter, struct forwarding, waiter);
    forwarding_fail(forwarding, PROXY_FAULT_QUEUE_TIMEOUT, NULL);
    forwarding_on_turn(&forwarding->user);
}

/* Those of a group's servers that are among the tried ones of another group. */
static uint64_t forwarding_tried_of(const struct upstream_group *group, const struct upstream_group *former,
                                    uint64_t tried)
{
    uint64_t set = 0;
    for (unsigned i = 0; i < former->count && tried != 0; i++) {
        for (unsigned j = 0; j < group->count && (tried >> i & 1); j++)
            set |= (uint64_t)(group->members[j].upstream == former->members[i].upstream) << j;
    }
    return set;
}

/* The former group may have been the last to know the server of an earlier attempt. */
static const struct upstream_wish *forwarding_on_moved(struct place_waiter *waiter,
                                                       struct upstream_group *group)
{
    struct forwarding *forwarding = CONTAINER_OF(waiter, struct forwarding, waiter);
    struct upstream_group *former = forwarding->group;
    uint64_t tried = forwarding_tried_of(group, former, forwarding->wish.tried);
    assert(!forwarding->has_place && forwarding->upstream == NULL);
    forwarding->group = upstream_group_ref(group);
    forwarding->wish = forwarding_wish(group, forwarding->exchange);
    forwarding->wish.tried = tried;
    if (forwarding->log.server.length > 0)
        forwarding->log.server = arena_copy(&forwarding->exchange->arena, forwarding->log.server);
    upstream_group_unref(former);
    return &forwarding->wish;
}

/* After a failed attempt. */
static void forwarding_try_next(struct forwarding *forwarding, enum proxy_fault fault, const char *detail)
{
    bool was_stale = forwarding_is_stale(forwarding, fault);
    if (!was_stale)
        forwarding->wish.tried |= UINT64_C(1) << forwarding->index;
    if (!was_stale && is_of_server(fault))
        upstream_group_note(forwarding->group, forwarding->index, true);
    forwarding->user.needs_new = true;
    if (!may_try_again(forwarding, fault)) {
        forwarding_fail(forwarding, fault, detail);
        return;
    }
    if (was_stale) {
        forwarding_try(forwarding);
        return;
    }
    forwarding_leave_server(forwarding);
    forwarding_choose_server(forwarding, fault, detail);
}

static void forwarding_on_failed(struct upstream_user *user, enum proxy_fault fault, const char *detail)
{
    struct forwarding *forwarding = forwarding_of(user);
    if (!forwarding->is_released)
        forwarding_try_next(forwarding, fault, detail);
}

/* The last step of an event of the connection. The exchange may end in here. */
static void forwarding_on_turn(struct upstream_user *user)
{
    struct forwarding *forwarding = forwarding_of(user);
    bool must_wake = forwarding->must_wake;
    forwarding->must_wake = false;
    if (must_wake)
        exchange_wake(forwarding->exchange);
}

static const struct upstream_user_events forwarding_user_events = {
    .on_open = forwarding_on_open,
    .take = upload_take,
    .request = upload_request,
    .pull = upload_pull,
    .on_sent = upload_on_sent,
    .on_interim = download_on_interim,
    .on_upgrade = download_on_upgrade,
    .on_head = download_on_head,
    .on_content = download_on_content,
    .on_end = download_on_end,
    .on_failed = forwarding_on_failed,
    .on_turn = forwarding_on_turn,
};

/* ---- the beginning ---- */

static void forwarding_on_total_timer(struct timer *timer)
{
    struct forwarding *forwarding = CONTAINER_OF(timer, struct forwarding, total_timer);
    forwarding_fail(forwarding, PROXY_FAULT_TOTAL_TIMEOUT, NULL);
    forwarding_on_turn(&forwarding->user);
}

/* The client left before there was a response. */
static void forwarding_on_gone(struct exchange *exchange)
{
    forwarding_release(exchange->handler_state);
}

/* What RFC 8441 leaves out, a server of HTTP/1 wants. Returns false if out of memory. */
static bool forwarding_make_key(struct forwarding *forwarding)
{
    char key[WEBSOCKET_KEY_LENGTH];
    if (!slice_equal_nocase(forwarding->upgrade, SLICE("websocket")))
        return true;
    upgrade_make_key(key);
    forwarding->key = arena_copy(&forwarding->exchange->arena, slice_make(key, sizeof(key)));
    return forwarding->key.data != NULL;
}

/* Over HTTP/2 the method is CONNECT; the server gets GET. */
static bool forwarding_init_upgrade(struct forwarding *forwarding, const struct proxy_settings *settings)
{
    forwarding->upgrade = upgrade_wanted(&forwarding->exchange->request, settings);
    forwarding->user.wants_upgrade = forwarding->upgrade.length > 0;
    if (LIKELY(forwarding->exchange->request.method != HTTP_METHOD_CONNECT))
        return true;
    forwarding->user.method = HTTP_METHOD_GET;
    return forwarding_make_key(forwarding);
}

/* Where the PROXY protocol tells who the client is, each request has a connection of its own. Returns false
 * if out of memory. */
static bool forwarding_init_client(struct forwarding *forwarding, const struct proxy_settings *settings)
{
    struct exchange *exchange = forwarding->exchange;
    if (LIKELY(settings->proxy_protocol == 0))
        return true;
    struct proxy_protocol_ends *client = arena_alloc(&exchange->arena, sizeof(*client));
    if (client == NULL)
        return false;
    proxy_protocol_find_ends(exchange, client);
    forwarding->user.client = client;
    forwarding->user.needs_new = true;
    return true;
}

static struct forwarding *forwarding_create(struct proxy *proxy, struct upstream_group *group,
                                            struct exchange *exchange)
{
    struct forwarding *forwarding = arena_zalloc(&exchange->arena, sizeof(*forwarding));
    if (forwarding == NULL)
        return NULL;
    forwarding->exchange = exchange;
    forwarding->proxy = proxy;
    forwarding->group = upstream_group_ref(group);
    upstream_user_init(&forwarding->user, &forwarding_user_events, &group->route->proxy,
                       exchange->request.method);
    forwarding->wish = forwarding_wish(group, exchange);
    forwarding->waiter.on_chance = forwarding_on_chance;
    forwarding->waiter.on_moved = forwarding_on_moved;
    forwarding->waiter.on_late = forwarding_on_late;
    timer_init(&forwarding->total_timer, forwarding_on_total_timer);
    upload_init(forwarding);
    download_init(forwarding);
    if (forwarding_init_client(forwarding, &group->route->proxy) &&
        forwarding_init_upgrade(forwarding, &group->route->proxy))
        return forwarding;
    upstream_group_unref(group);
    return NULL;
}

void forwarding_begin(struct proxy *proxy, struct upstream_group *group, struct exchange *exchange)
{
    struct forwarding *forwarding = forwarding_create(proxy, group, exchange);
    if (forwarding == NULL) {
        exchange_fail(exchange, 503);
        return;
    }
    proxy->service->counters->upstream_requests++;
    exchange->handler_state = forwarding;
    exchange->upstream = &forwarding->log;
    exchange->ends_with_client = true;
    exchange_watch(exchange, forwarding_on_gone);
    if (group->route->proxy.total_ms > 0)
        wheel_arm(loop_wheel(proxy->service->loop), &forwarding->total_timer, group->route->proxy.total_ms);
    upload_begin(forwarding);
    if (!forwarding->is_released)
        forwarding_choose_server(forwarding, PROXY_FAULT_NO_SERVER, NULL);
    forwarding->must_wake = false; /* the exchange's owner goes on by itself */
}
