/* From the client to the server. Read upload_write and upload_pump first.
 *
 * Framing is written into the ring, together with the content. What was sent stays in the ring as long as
 * there is room, so that it can be sent again: see upload_release. */
#include "proxy/forwarding.h"

#include "h1/response_writer.h"
#include "proxy/request_writer.h"

#include <stdio.h>

/* The framing around a write. */
#define FRAMING_BYTES 32

/* The head, the content in two parts, and the last chunk. */
#define UPLOAD_SEGMENTS 4

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
    return MIN(room - FRAMING_BYTES, (size_t)CREDIT_MAX);
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
    if (!upstream_link_is_sending(&forwarding->user.connection->stream_link))
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

static size_t upload_collect(const struct forwarding *forwarding, struct segment segments[UPLOAD_SEGMENTS])
{
    struct slice head = slice_skip(forwarding->head, forwarding->head_given);
    struct slice first = byte_ring_peek(&forwarding->upload, 0, SIZE_MAX);
    struct slice second = byte_ring_peek(&forwarding->upload, first.length, SIZE_MAX);
    size_t count = 0;
    const struct slice parts[UPLOAD_SEGMENTS] = {head, first, second, upload_waiting_tail(forwarding)};
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        if (parts[i].length > 0)
            segments[count++] = segment_memory(parts[i]);
    }
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

/* Sends all that waits. If the kernel takes none of the request, the server cannot have seen it. */
static void upload_send(struct forwarding *forwarding, const struct segment *segments, size_t count)
{
    struct upstream_connection *connection = forwarding->user.connection;
    size_t waiting = byte_ring_waiting(&forwarding->upload);
    bool is_first = forwarding->head_given == 0, is_untouched;
    forwarding->head_given = forwarding->head.length;
    forwarding->is_tail_given = forwarding->tail.length > 0;
    byte_ring_hand_over(&forwarding->upload, waiting);
    switch (upstream_connection_send(connection, segments, count, &is_untouched)) {
    case SEND_DONE: upload_take_stock(forwarding); return;
    case SEND_PENDING: return;
    case SEND_FAILED:
        if (is_first && is_untouched)
            forwarding->head_given = 0;
        return;
    }
}

void upload_pump(struct forwarding *forwarding)
{
    struct upstream_connection *connection = forwarding->user.connection;
    struct segment segments[UPLOAD_SEGMENTS];
    size_t count;
    while (!connection->is_deaf && !upstream_link_is_sending(&connection->stream_link) &&
           (count = upload_collect(forwarding, segments)) > 0)
        upload_send(forwarding, segments, count);
    upstream_connection_update_wait(connection);
}

void upload_on_sent(struct upstream_user *user)
{
    struct forwarding *forwarding = forwarding_of(user);
    upload_take_stock(forwarding);
    upload_pump(forwarding);
}

void upload_restart(struct forwarding *forwarding)
{
    forwarding->head_given = 0;
    forwarding->is_tail_given = forwarding->user.has_sent = false;
    byte_ring_rewind(&forwarding->upload);
}

/* ---- the sink ---- */

static bool upload_append(struct forwarding *forwarding, struct slice bytes)
{
    char line[20];
    if (!forwarding->is_chunked)
        return byte_ring_write(&forwarding->upload, bytes);
    int length = snprintf(line, sizeof(line), "%zx\r\n", bytes.length);
    return byte_ring_write(&forwarding->upload, slice_make(line, (size_t)length)) &&
           byte_ring_write(&forwarding->upload, bytes) && byte_ring_write(&forwarding->upload, SLICE("\r\n"));
}

static void upload_go_on(struct forwarding *forwarding)
{
    if (forwarding->user.connection)
        upload_pump(forwarding);
    if (!forwarding->is_released)
        upload_give_credit(forwarding);
    forwarding->must_wake = false; /* the exchange's owner goes on by itself */
}

static void upload_write(struct sink *sink, struct slice bytes)
{
    struct forwarding *forwarding = forwarding_of_sink(sink);
    if (!upload_append(forwarding, bytes))
        forwarding_fail(forwarding, PROXY_FAULT_OVERLOADED, NULL);
    upload_go_on(forwarding);
}

/* The last chunk, with the request's trailers. Returns false if out of memory. */
static bool upload_make_tail(struct forwarding *forwarding)
{
    struct exchange *exchange = forwarding->exchange;
    struct http_response last;
    http_response_init(&last, &exchange->arena);
    for (unsigned i = 0; i < exchange->trailers.count; i++) {
        const struct http_field *field = &exchange->trailers.fields[i];
        if (!request_is_own_field(field))
            http_response_add(&last, field->name_text, field->value);
    }
    char *text = last.lacks_fields ? NULL : arena_alloc(&exchange->arena, h1_last_chunk_size(&last));
    if (text)
        forwarding->tail = slice_make(text, h1_last_chunk_write(text, &last));
    return text != NULL;
}

static void upload_end(struct sink *sink)
{
    struct forwarding *forwarding = forwarding_of_sink(sink);
    forwarding->is_content_whole = true;
    if (forwarding->is_chunked && !upload_make_tail(forwarding))
        forwarding_fail(forwarding, PROXY_FAULT_OVERLOADED, NULL);
    if (forwarding->user.connection && forwarding->tail.length == 0 &&
        byte_ring_waiting(&forwarding->upload) == 0 &&
        !upstream_link_is_sending(&forwarding->user.connection->stream_link))
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
