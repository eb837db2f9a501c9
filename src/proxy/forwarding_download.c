/* From the server to the client. Read download_on_head, then download_next.
 *
 * The carrier is told how much room the ring has. What the source gave is
 * released with the next call after SOURCE_WAIT, when the client's connection has sent it (serve/source.h).
 */
#include "proxy/forwarding.h"

#include "proxy/hop_by_hop.h"
#include "proxy/upstream_tunnel.h"

static struct forwarding *forwarding_of_source(struct source *source)
{
    return CONTAINER_OF(source, struct forwarding, source);
}

static bool has_room_for_read(const struct forwarding *forwarding)
{
    return byte_ring_room(&forwarding->download) >= LOOP_READ_BYTES;
}

/* ---- heads ---- */

static struct slice download_via(const struct http_response_head *head)
{
    if (head->version_major == 2)
        return SLICE("2.0 vif");
    return head->version_minor ? SLICE("1.1 vif") : SLICE("1.0 vif");
}

/* Headers of the response, in their order. */
static void add_fields(struct exchange *exchange, const struct http_response_head *head,
                       const struct hop_by_hop *named)
{
    struct http_response *response = &exchange->response;
    for (unsigned i = 0; i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];
        if (field->name == HTTP_FIELD_DATE)
            response->date = field->value;
        else if (!hop_by_hop_is(named, field))
            http_response_add(response, field->name_text, field->value);
    }
    http_response_add(response, SLICE("Via"), download_via(head));
}

/* Begins a response with the status and headers of the server's. Returns false if that is not possible. */
static bool begin_response(struct forwarding *forwarding, const struct http_response_head *head)
{
    struct hop_by_hop named;
    if (!hop_by_hop_collect(&named, head->fields, head->field_count)) {
        forwarding_fail(forwarding, PROXY_FAULT_BAD_RESPONSE, "its Connection header has too many names");
        return false;
    }
    http_response_begin(&forwarding->exchange->response, head->status);
    add_fields(forwarding->exchange, head, &named);
    return true;
}

/* "100 Continue" is for the connection: the client gets one when it may send. */
void download_on_interim(struct upstream_user *user, const struct http_response_head *head)
{
    struct forwarding *forwarding = forwarding_of(user);
    if (head->status == 100) {
        upload_allow_content(forwarding);
    } else if (begin_response(forwarding, head)) {
        exchange_send_interim(forwarding->exchange);
        forwarding->must_wake = true;
    }
}

/* A client of HTTP/2 needs no length of 0 if the server says none: gRPC has such responses. */
static uint64_t download_length(const struct exchange *exchange, struct http_response *response,
                                const struct http_response_head *head)
{
    switch (head->body) {
    case HTTP_RESPONSE_BODY_LENGTH:
        response->no_length |= !head->has_length && exchange->request.version_major == 2;
        return head->content_length;
    case HTTP_RESPONSE_BODY_NONE:
        /* To HEAD: the length that GET would have, if the server says it. */
        response->no_length |= !head->has_length;
        return head->has_length ? head->content_length : 0;
    default: return HTTP_LENGTH_UNKNOWN;
    }
}

static const struct source_type download_source;

static void note_head(struct forwarding *forwarding, const struct http_response_head *head)
{
    upstream_group_note(forwarding->group, forwarding->index, false);
    forwarding->group->members[forwarding->index].place.share->errors += head->status >= 500;
    if (forwarding->began_us == 0)
        return;
    forwarding->head_us = loop_clock_us(forwarding->proxy->service->loop);
    forwarding->log.head_us = forwarding->head_us - forwarding->began_us;
    upstream_group_note_time(forwarding->group, forwarding->index, forwarding->log.head_us);
}

/* Unless the client has the server's already. Without memory it stays without. */
static void set_sticky_cookie(struct forwarding *forwarding)
{
    struct exchange *exchange = forwarding->exchange;
    bool is_sticky = forwarding->group->route->proxy.sticky.is_on;
    if (!is_sticky || forwarding->wish.sticky == (int)forwarding->index)
        return;
    struct slice value =
        affinity_cookie(forwarding->group, forwarding->index, exchange->client->is_secure, &exchange->arena);
    if (value.data)
        http_response_add(&exchange->response, SLICE("Set-Cookie"), value);
}

/* The tunnel takes over the connection; what else the forwarding has is not needed any more. */
static void download_become_tunnel(struct forwarding *forwarding)
{
    struct exchange *exchange = forwarding->exchange;
    struct upstream_tunnel *tunnel = upstream_tunnel_create(forwarding->proxy, forwarding->group,
                                                            &forwarding->user, exchange, &forwarding->log);
    if (tunnel == NULL) {
        forwarding_fail(forwarding, PROXY_FAULT_OVERLOADED, NULL);
        return;
    }
    tunnel->tunnel.protocol = forwarding->upgrade;
    tunnel->index = forwarding->index;
    tunnel->has_place = forwarding->has_place;
    forwarding->has_place = false;
    forwarding_release(forwarding);
    forwarding->must_wake = true;
    exchange_respond_tunnel(exchange, &tunnel->tunnel);
}

/* What proves to a client of HTTP/1 that the server has understood is not for one of HTTP/2. */
bool download_on_upgrade(struct upstream_user *user, const struct http_response_head *head)
{
    struct forwarding *forwarding = forwarding_of(user);
    if (!upgrade_is_granted(head, forwarding->upgrade))
        return false;
    note_head(forwarding, head);
    if (!begin_response(forwarding, head))
        return true;
    if (forwarding->exchange->request.method == HTTP_METHOD_CONNECT)
        http_response_remove(&forwarding->exchange->response, SLICE("Sec-WebSocket-Accept"));
    set_sticky_cookie(forwarding);
    download_become_tunnel(forwarding);
    return true;
}

/* To an extended CONNECT, 2xx would mean that there is a tunnel. */
static bool download_is_refusal(const struct forwarding *forwarding, const struct http_response_head *head)
{
    return UNLIKELY(forwarding->exchange->request.method == HTTP_METHOD_CONNECT) && head->status < 300;
}

void download_on_head(struct upstream_user *user, const struct http_response_head *head)
{
    struct forwarding *forwarding = forwarding_of(user);
    struct exchange *exchange = forwarding->exchange;
    assert(!forwarding->is_answering);
    note_head(forwarding, head);
    if (download_is_refusal(forwarding, head)) {
        forwarding_fail(forwarding, PROXY_FAULT_NOT_UPGRADED, NULL);
        return;
    }
    if (!begin_response(forwarding, head))
        return;
    set_sticky_cookie(forwarding);
    /* Whether the server takes the rest of the request is not known yet. If it does not, the connection has
     * to be closed, and the client must know before it sends the next request. */
    exchange->closes |= !forwarding->is_content_whole;
    exchange_unwatch(exchange);
    timer_disarm(&forwarding->continue_timer);
    upload_forget(forwarding);
    forwarding->is_answering = forwarding->must_wake = true;
    forwarding->source = (struct source){
        .type = &download_source,
        .exchange = exchange,
        .length = download_length(exchange, &exchange->response, head),
    };
    forwarding->is_responding = true;
    exchange_respond(exchange, &forwarding->source);
    forwarding->is_responding = false;
    /* Content that nobody wants: the response became an error for want of memory. */
    if (forwarding->is_source_closed && head->body != HTTP_RESPONSE_BODY_NONE)
        forwarding_release(forwarding);
}

/* ---- content ---- */

void download_on_content(struct upstream_user *user, struct slice bytes)
{
    struct forwarding *forwarding = forwarding_of(user);
    forwarding->must_wake = true;
    if (!byte_ring_write(&forwarding->download, bytes))
        forwarding_fail(forwarding, PROXY_FAULT_OVERLOADED, NULL);
    else
        user->carrier->type->set_room(user->carrier, byte_ring_room(&forwarding->download));
}

/* Those that cannot be copied, for want of memory, are left out: trailers are optional. */
static void add_trailers(struct exchange *exchange, const struct http_field *trailers, unsigned count)
{
    static const struct hop_by_hop none;
    for (unsigned i = 0; i < count; i++) {
        struct slice name = arena_copy(&exchange->arena, trailers[i].name_text);
        struct slice value = arena_copy(&exchange->arena, trailers[i].value);
        if (name.data && value.data && !hop_by_hop_is(&none, &trailers[i]))
            exchange_add_trailer(exchange, name, value);
    }
}

/* A server may answer without the whole request: the rest is not wanted. */
void download_on_end(struct upstream_user *user, const struct http_field *trailers, unsigned count)
{
    struct forwarding *forwarding = forwarding_of(user);
    assert(!forwarding->is_answered);
    timer_disarm(&forwarding->total_timer);
    forwarding_leave_server(forwarding);
    if (forwarding->head_us)
        forwarding->log.body_us = loop_clock_us(forwarding->proxy->service->loop) - forwarding->head_us;
    if (!forwarding->is_source_closed)
        add_trailers(forwarding->exchange, trailers, count);
    forwarding->is_answered = forwarding->must_wake = true;
    if (!forwarding->is_content_whole)
        exchange_stop_reading(forwarding->exchange);
    if (forwarding->is_source_closed)
        forwarding_release(forwarding);
}

/* Everything given before was sent. */
static void download_release(struct forwarding *forwarding)
{
    forwarding->is_waited_for = false;
    byte_ring_release(&forwarding->download);
    struct upstream_carrier *carrier = forwarding->user.carrier;
    if (carrier)
        carrier->type->set_room(carrier, byte_ring_room(&forwarding->download));
}

static enum source_result download_wait(struct forwarding *forwarding)
{
    forwarding->is_waited_for = true;
    /* No byte may come until the ring is released, so nothing else would wake the exchange. */
    if (forwarding->user.carrier && !has_room_for_read(forwarding))
        task_defer(forwarding->proxy->service->loop, &forwarding->wake);
    return SOURCE_WAIT;
}

static enum source_result download_next(struct source *source, size_t bytes_max, struct segment *ret_segment)
{
    struct forwarding *forwarding = forwarding_of_source(source);
    if (forwarding->is_waited_for)
        download_release(forwarding);
    struct slice bytes = byte_ring_peek(&forwarding->download, 0, bytes_max);
    if (bytes.length > 0) {
        byte_ring_hand_over(&forwarding->download, bytes.length);
        *ret_segment = segment_memory(bytes);
        return SOURCE_GIVEN;
    }
    if (forwarding->is_answered)
        return SOURCE_END;
    if (!forwarding->is_broken)
        return download_wait(forwarding);
    forwarding->exchange->outcome = OUTCOME_UPSTREAM_FAILED;
    return SOURCE_FAILED;
}

/* Inside exchange_respond, for a response without content, the end of the response is still to come. */
static void download_close(struct source *source)
{
    struct forwarding *forwarding = forwarding_of_source(source);
    forwarding->is_source_closed = true;
    if (!forwarding->is_responding)
        forwarding_release(forwarding);
}

static const struct source_type download_source = {.next = download_next, .close = download_close};

static void download_on_wake(struct task *task)
{
    struct forwarding *forwarding = CONTAINER_OF(task, struct forwarding, wake);
    exchange_wake(forwarding->exchange);
}

void download_init(struct forwarding *forwarding)
{
    byte_ring_init(&forwarding->download, &forwarding->proxy->rings);
    task_init(&forwarding->wake, download_on_wake);
}
