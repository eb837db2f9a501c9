/* From the client to the server. Read upload_write and upload_pump first.
 *
 * The ring has the content alone; what HTTP/1 writes around it is added on its way to the connection, since
 * the next attempt may be with a server of HTTP/2. What was sent stays in the ring as long as there is room,
 * so that it can be sent again: see upload_release. */
#include "proxy/forwarding.h"

#include "h1/response_writer.h"
#include "h2/caller.h"
#include "proxy/request_writer.h"

#include <stdio.h>

/* The sink has credit for at most this much, and for none while there is room for less. */
#define CREDIT_MAX (64u << 10)
#define CREDIT_MIN (4u << 10)

/* A server that ignores Expect gets the content after this time, as RFC 9110 section 10.1.1 wants it. */
#define CONTINUE_MS 1000

static struct forwarding *forwarding_of_sink(struct sink *sink)
{
    return CONTAINER_OF(sink, struct forwarding, sink);
}

/* ---- credit ---- */

static uint64_t upload_room(const struct forwarding *forwarding)
{
    size_t room = byte_ring_room(&forwarding->upload);
    if (forwarding->awaits_continue || room < CREDIT_MIN)
        return 0;
    return MIN(room, (size_t)CREDIT_MAX);
}

static void upload_give_credit(struct forwarding *forwarding)
{
    uint64_t room = upload_room(forwarding);
    if (forwarding->exchange->sink != &forwarding->sink)
        return;
    forwarding->must_wake |= room > forwarding->sink.credit;
    forwarding->sink.credit = room;
}

/* Releases what was sent. That is put off while there is much room and no answer, for a next attempt. */
static void upload_release(struct forwarding *forwarding)
{
    bool has_room = byte_ring_room(&forwarding->upload) > BYTE_RING_BYTES / 2;
    if (forwarding->is_replayable && has_room && !forwarding->user.has_answered)
        return;
    forwarding->is_replayable &= forwarding->upload.next == 0;
    byte_ring_release(&forwarding->upload);
}

void upload_forget(struct forwarding *forwarding)
{
    forwarding->is_replayable = false;
    const struct upstream_carrier *carrier = forwarding->user.carrier;
    if (!carrier->type->is_sending(carrier))
        byte_ring_release(&forwarding->upload);
}

bool upload_can_restart(const struct forwarding *forwarding)
{
    return forwarding->is_replayable;
}

/* ---- sending ---- */

/* What waits behind the content in the ring. */
static struct slice upload_waiting_tail(const struct forwarding *forwarding)
{
    return forwarding->is_tail_given ? (struct slice){0} : forwarding->tail;
}

static size_t upload_add(struct segment *segments, size_t count, struct slice bytes)
{
    if (bytes.length == 0)
        return count;
    segments[count] = segment_memory(bytes);
    return count + 1;
}

/* All that waits in the ring, as one chunk if the request has chunks. */
static size_t upload_add_content(struct forwarding *forwarding, struct segment *segments, size_t count)
{
    size_t waiting = byte_ring_waiting(&forwarding->upload);
    struct slice first = byte_ring_peek(&forwarding->upload, 0, SIZE_MAX);
    struct slice second = byte_ring_peek(&forwarding->upload, first.length, SIZE_MAX);
    struct slice line = {0}, line_end = {0};
    if (forwarding->is_chunked && waiting > 0) {
        int length = snprintf(forwarding->chunk, sizeof(forwarding->chunk), "%zx\r\n", waiting);
        line = slice_make(forwarding->chunk, (size_t)length);
        line_end = SLICE("\r\n");
    }
    count = upload_add(segments, count, line);
    count = upload_add(segments, count, first);
    count = upload_add(segments, count, second);
    byte_ring_hand_over(&forwarding->upload, waiting);
    return upload_add(segments, count, line_end);
}

size_t upload_take(struct upstream_user *user, struct segment segments[UPSTREAM_SEGMENTS_MAX])
{
    struct forwarding *forwarding = forwarding_of(user);
    size_t count = forwarding->is_head_given ? 0 : upload_add(segments, 0, forwarding->head);
    forwarding->is_head_given = true;
    count = upload_add_content(forwarding, segments, count);
    count = upload_add(segments, count, upload_waiting_tail(forwarding));
    forwarding->is_tail_given = forwarding->tail.length > 0;
    return count;
}

/* The kernel has all that was passed to the connection. */
static void upload_take_stock(struct forwarding *forwarding)
{
    upload_release(forwarding);
    forwarding->user.has_sent = forwarding->is_content_whole && byte_ring_waiting(&forwarding->upload) == 0 &&
                                upload_waiting_tail(forwarding).length == 0;
    upload_give_credit(forwarding);
}

void upload_pump(struct forwarding *forwarding)
{
    struct upstream_carrier *carrier = forwarding->user.carrier;
    carrier->type->send(carrier);
}

void upload_on_sent(struct upstream_user *user)
{
    upload_take_stock(forwarding_of(user));
}

void upload_request(struct upstream_user *user, struct h2_request *ret_request)
{
    struct forwarding *forwarding = forwarding_of(user);
    *ret_request = (struct h2_request){
        .fields = forwarding->head_list,
        .field_count = forwarding->head_count,
        .has_content = !forwarding->is_content_whole || byte_ring_waiting(&forwarding->upload) > 0 ||
                       forwarding->trailers != NULL,
    };
    forwarding->is_tail_given = !ret_request->has_content;
}

/* What is pulled is copied, so it counts as sent. The exchange goes on only after the call of the engine that
 * this is in. */
bool upload_pull(struct upstream_user *user, char *room, size_t bytes_max, struct h2_piece *ret_piece)
{
    struct forwarding *forwarding = forwarding_of(user);
    struct slice bytes = byte_ring_peek(&forwarding->upload, 0, bytes_max);
    if (bytes.length == 0 && !forwarding->is_content_whole)
        return false;
    if (bytes.length > 0)
        memcpy(room, bytes.data, bytes.length);
    byte_ring_hand_over(&forwarding->upload, bytes.length);
    ret_piece->bytes = slice_make(room, bytes.length);
    ret_piece->is_last = forwarding->is_content_whole && byte_ring_waiting(&forwarding->upload) == 0;
    ret_piece->trailers = ret_piece->is_last ? forwarding->trailers : NULL;
    forwarding->is_tail_given = ret_piece->is_last;
    upload_take_stock(forwarding);
    if (forwarding->must_wake)
        task_defer(forwarding->proxy->service->loop, &forwarding->wake);
    forwarding->must_wake = false;
    return true;
}

void upload_restart(struct forwarding *forwarding)
{
    forwarding->is_head_given = forwarding->is_tail_given = forwarding->user.has_sent = false;
    forwarding->user.is_untouched = true;
    byte_ring_rewind(&forwarding->upload);
}

/* ---- the sink ---- */

static void upload_go_on(struct forwarding *forwarding)
{
    if (forwarding->user.carrier)
        upload_pump(forwarding);
    if (!forwarding->is_released)
        upload_give_credit(forwarding);
    forwarding->must_wake = false; /* the exchange's owner goes on by itself */
}

static void upload_write(struct sink *sink, struct slice bytes)
{
    struct forwarding *forwarding = forwarding_of_sink(sink);
    if (!byte_ring_write(&forwarding->upload, bytes))
        forwarding_fail(forwarding, PROXY_FAULT_OVERLOADED, NULL);
    upload_go_on(forwarding);
}

/* Returns false if out of memory. */
static bool upload_collect_trailers(struct forwarding *forwarding, struct http_response *trailers)
{
    const struct exchange *exchange = forwarding->exchange;
    for (unsigned i = 0; i < exchange->trailers.count; i++) {
        const struct http_field *field = &exchange->trailers.fields[i];
        if (!request_is_own_field(field))
            http_response_add(trailers, field->name_text, field->value);
    }
    forwarding->trailers = trailers->field_count > 0 ? trailers : NULL;
    return !trailers->lacks_fields;
}

/* The last chunk, with the request's trailers. Returns false if out of memory. */
static bool upload_make_tail(struct forwarding *forwarding)
{
    struct arena *arena = &forwarding->exchange->arena;
    struct http_response *last = arena_alloc(arena, sizeof(*last));
    if (last == NULL)
        return false;
    http_response_init(last, arena);
    if (!upload_collect_trailers(forwarding, last))
        return false;
    char *text = arena_alloc(arena, h1_last_chunk_size(last));
    if (text)
        forwarding->tail = slice_make(text, h1_last_chunk_write(text, last));
    return text != NULL;
}

/* Whether all that there was before the end was sent. */
static bool upload_has_sent_all(const struct forwarding *forwarding)
{
    const struct upstream_carrier *carrier = forwarding->user.carrier;
    return carrier && forwarding->tail.length == 0 && byte_ring_waiting(&forwarding->upload) == 0 &&
           !carrier->type->is_sending(carrier);
}

static void upload_end(struct sink *sink)
{
    struct forwarding *forwarding = forwarding_of_sink(sink);
    forwarding->is_content_whole = true;
    if (forwarding->is_chunked && !upload_make_tail(forwarding))
        forwarding_fail(forwarding, PROXY_FAULT_OVERLOADED, NULL);
    if (upload_has_sent_all(forwarding))
        upload_take_stock(forwarding);
    upload_go_on(forwarding);
}

/* The request stays incomplete. A response that is under way goes on, but not the connection after it. */
static void upload_abort(struct sink *sink, enum outcome why)
{
    struct forwarding *forwarding = forwarding_of_sink(sink);
    (void)why;
    if (!forwarding->is_answering)
        forwarding_release(forwarding);
}

static const struct sink_type upload_sink = {.write = upload_write, .end = upload_end, .abort = upload_abort};

/* ---- the beginning ---- */

void upload_allow_content(struct forwarding *forwarding)
{
    if (!forwarding->awaits_continue)
        return;
    forwarding->awaits_continue = false;
    timer_disarm(&forwarding->continue_timer);
    upload_give_credit(forwarding);
}

static void upload_on_continue_timer(struct timer *timer)
{
    struct forwarding *forwarding = CONTAINER_OF(timer, struct forwarding, continue_timer);
    upload_allow_content(forwarding);
    forwarding->user.events->on_turn(&forwarding->user);
}

void upload_init(struct forwarding *forwarding)
{
    byte_ring_init(&forwarding->upload, &forwarding->proxy->rings);
    timer_init(&forwarding->continue_timer, upload_on_continue_timer);
    forwarding->is_replayable = true;
}

void upload_begin(struct forwarding *forwarding)
{
    struct exchange *exchange = forwarding->exchange;
    bool has_content = exchange->has_content_left && forwarding->upgrade.length == 0;
    forwarding->is_content_whole = !has_content;
    if (!has_content)
        return;
    forwarding->is_chunked = exchange->request.body == HTTP_BODY_CHUNKED;
    forwarding->awaits_continue = exchange->awaits_continue;
    if (forwarding->awaits_continue)
        wheel_arm(loop_wheel(forwarding->proxy->service->loop), &forwarding->continue_timer, CONTINUE_MS);
    forwarding->sink =
        (struct sink){.type = &upload_sink, .exchange = exchange, .credit = upload_room(forwarding)};
    exchange_read_content(exchange, &forwarding->sink);
}
