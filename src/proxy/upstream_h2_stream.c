/* One request and its response. The engine calls back only from inside calls to it. A callback of a user may
 * do anything, as nothing is sent before the end of the turn. The stream lives until the engine has closed
 * it, even if its user has left. */
#include "proxy/upstream_h2_state.h"

/* Many servers end a stream whose response has no content by a DATA frame, which may take up to this time.
 * Resetting each such stream would look like an attack to servers that count resets. */
#define END_MS 1000

static struct upstream_h2_stream *stream_of_carrier(const struct upstream_carrier *carrier)
{
    return CONTAINER_OF((struct upstream_carrier *)carrier, struct upstream_h2_stream, carrier);
}

static struct upstream_h2_stream *stream_of_call(struct h2_call *call)
{
    return CONTAINER_OF(call, struct upstream_h2_stream, call);
}

/* ---- ends ---- */

static void upstream_h2_stream_free(struct upstream_h2_stream *stream)
{
    assert(stream->user == NULL);
    timer_disarm(&stream->timer);
    list_remove(&stream->link);
    stream->h2->stream_count--;
    pool_put(&stream->h2->connection->upstream->all->h2_streams, stream);
}

/* The user has nothing to do with the stream any more. Returns it. */
static struct upstream_user *upstream_h2_stream_detach(struct upstream_h2_stream *stream)
{
    struct upstream_user *user = stream->user;
    if (user == NULL)
        return NULL;
    user->carrier = NULL;
    user->upstream = NULL;
    stream->user = NULL;
    stream->h2->connection->upstream->user_count--;
    timer_disarm(&stream->timer);
    return user;
}

/* The rest of the response is not wanted, or the rest of the request cannot be sent: resets the stream. */
static void upstream_h2_stream_cancel(struct upstream_h2_stream *stream)
{
    struct upstream_h2 *h2 = stream->h2;
    upstream_h2_defer_flush(h2);
    if (stream->is_begun)
        h2_caller_cancel(h2->caller, &stream->call);
    else
        upstream_h2_stream_free(stream);
}

static void upstream_h2_stream_leave(struct upstream_carrier *carrier)
{
    struct upstream_h2_stream *stream = stream_of_carrier(carrier);
    (void)upstream_h2_stream_detach(stream);
    if (!upstream_h2_is_closed(stream->h2))
        upstream_h2_stream_cancel(stream);
}

static void upstream_h2_fail_user(struct upstream_user *user, enum proxy_fault fault, const char *detail)
{
    if (user == NULL)
        return;
    user->events->on_failed(user, fault, detail);
    user->events->on_turn(user);
}

void upstream_h2_stream_fail(struct upstream_h2_stream *stream, enum proxy_fault fault, const char *detail)
{
    struct upstream_user *user = upstream_h2_stream_detach(stream);
    bool is_cut = stream->call.has_head && (fault == PROXY_FAULT_CLOSED || fault == PROXY_FAULT_RESET);
    upstream_h2_stream_free(stream);
    upstream_h2_fail_user(user, is_cut ? PROXY_FAULT_CUT : fault, detail);
}

/* ---- time-outs ---- */

static enum upstream_wait upstream_h2_stream_wait(const struct upstream_h2_stream *stream)
{
    const struct upstream_user *user = stream->user;
    if (user == NULL || !stream->is_begun)
        return UPSTREAM_WAIT_NONE;
    if (stream->call.has_head) /* the server may have to wait for its window, half of which is held back */
        return stream->window < H2_STREAM_WINDOW_BYTES / 2 ? UPSTREAM_WAIT_NONE : UPSTREAM_WAIT_CONTENT;
    if (user->has_sent)
        return UPSTREAM_WAIT_HEAD;
    return stream->is_starved ? UPSTREAM_WAIT_NONE : UPSTREAM_WAIT_SEND;
}

static uint32_t upstream_h2_stream_wait_ms(const struct upstream_h2_stream *stream)
{
    const struct proxy_settings *settings = stream->user->settings;
    switch ((enum upstream_wait)stream->wait) {
    case UPSTREAM_WAIT_SEND: return settings->send_ms;
    case UPSTREAM_WAIT_HEAD: return settings->first_byte_ms;
    default: return settings->between_bytes_ms;
    }
}

static enum proxy_fault upstream_h2_stream_wait_fault(const struct upstream_h2_stream *stream)
{
    switch ((enum upstream_wait)stream->wait) {
    case UPSTREAM_WAIT_SEND: return PROXY_FAULT_SEND_TIMEOUT;
    case UPSTREAM_WAIT_HEAD: return PROXY_FAULT_FIRST_BYTE_TIMEOUT;
    default: return PROXY_FAULT_BETWEEN_BYTES_TIMEOUT;
    }
}

/* The timer is lazy, as that of a connection. */
static void upstream_h2_stream_begin_wait(struct upstream_h2_stream *stream)
{
    struct loop *loop = upstream_h2_loop(stream->h2);
    if (stream->wait == UPSTREAM_WAIT_NONE)
        return;
    stream->deadline_ms = loop_now_ms(loop) + upstream_h2_stream_wait_ms(stream);
    if (!timer_is_armed(&stream->timer) || stream->timer.expiry_ms > stream->deadline_ms)
        wheel_arm(loop_wheel(loop), &stream->timer, stream->deadline_ms - loop_now_ms(loop));
}

/* `has_moved`: the server has taken or sent content. */
static void upstream_h2_stream_update_wait(struct upstream_h2_stream *stream, bool has_moved)
{
    enum upstream_wait wait = upstream_h2_stream_wait(stream);
    bool is_new = wait != stream->wait;
    stream->wait = (uint8_t)wait;
    if (is_new || has_moved)
        upstream_h2_stream_begin_wait(stream);
}

static void upstream_h2_stream_on_timer(struct timer *timer)
{
    struct upstream_h2_stream *stream = CONTAINER_OF(timer, struct upstream_h2_stream, timer);
    struct loop *loop = upstream_h2_loop(stream->h2);
    uint64_t now = loop_now_ms(loop);
    if (stream->user == NULL) {
        upstream_h2_stream_cancel(stream);
        return;
    }
    if (stream->wait == UPSTREAM_WAIT_NONE)
        return;
    if (now < stream->deadline_ms) {
        wheel_arm(loop_wheel(loop), timer, stream->deadline_ms - now);
        return;
    }
    enum proxy_fault fault = upstream_h2_stream_wait_fault(stream);
    struct upstream_user *user = upstream_h2_stream_detach(stream);
    upstream_h2_stream_cancel(stream);
    upstream_h2_fail_user(user, fault, NULL);
}

/* ---- the carrier ---- */

static void upstream_h2_stream_start(struct upstream_h2_stream *stream)
{
    struct upstream_user *user = stream->user;
    struct h2_request request = {0};
    user->events->request(user, &request);
    stream->call.is_head = user->method == HTTP_METHOD_HEAD;
    stream->is_begun = h2_caller_begin(stream->h2->caller, &stream->call, &request);
    user->is_untouched = !stream->is_begun;
    if (stream->is_begun && !request.has_content)
        user->events->on_sent(user);
}

static void upstream_h2_stream_send(struct upstream_carrier *carrier)
{
    struct upstream_h2_stream *stream = stream_of_carrier(carrier);
    struct upstream_user *user = stream->user;
    if (!stream->is_begun)
        upstream_h2_stream_start(stream);
    if (!stream->is_begun) {
        (void)upstream_h2_stream_detach(stream);
        upstream_h2_stream_free(stream);
        user->events->on_failed(user, PROXY_FAULT_OVERLOADED, NULL);
        return;
    }
    stream->is_starved = false;
    h2_caller_resume(stream->h2->caller, &stream->call);
    upstream_h2_stream_update_wait(stream, false);
    upstream_h2_defer_flush(stream->h2);
}

/* What was taken was copied. */
static bool upstream_h2_stream_is_sending(const struct upstream_carrier *carrier)
{
    (void)carrier;
    return false;
}

/* The window is always opened for as much as there is room for. */
static void upstream_h2_stream_set_room(struct upstream_carrier *carrier, size_t bytes)
{
    struct upstream_h2_stream *stream = stream_of_carrier(carrier);
    size_t room = MIN(bytes, (size_t)H2_STREAM_WINDOW_BYTES);
    if (room <= stream->window)
        return;
    h2_caller_consume(stream->h2->caller, &stream->call, room - stream->window);
    stream->window = room;
    upstream_h2_stream_update_wait(stream, false);
    upstream_h2_defer_flush(stream->h2);
}

static const struct upstream_carrier_type upstream_h2_stream_carrier = {
    .send = upstream_h2_stream_send,
    .is_sending = upstream_h2_stream_is_sending,
    .set_room = upstream_h2_stream_set_room,
    .leave = upstream_h2_stream_leave,
};

/* ---- events of the engine ---- */

/* A server may answer without the whole request: the rest is not sent. */
static void upstream_h2_stream_finish(struct upstream_h2_stream *stream, const struct http_field *trailers,
                                      unsigned count, bool is_over)
{
    struct upstream_user *user = upstream_h2_stream_detach(stream);
    if (user == NULL)
        return;
    if (!user->has_sent)
        upstream_h2_stream_cancel(stream);
    else if (!is_over)
        wheel_arm(loop_wheel(upstream_h2_loop(stream->h2)), &stream->timer, END_MS);
    user->events->on_end(user, trailers, count);
    user->events->on_turn(user);
}

static bool upstream_h2_has_content(const struct http_response_head *head)
{
    return head->body == HTTP_RESPONSE_BODY_CHUNKED ||
           (head->body == HTTP_RESPONSE_BODY_LENGTH && head->content_length > 0);
}

/* The exchange may end with a head that has no content, so its end is told in the same turn, whenever the
 * server ends the stream. */
static void upstream_h2_stream_on_head(void *owner, struct h2_call *call,
                                       const struct http_response_head *head, bool is_end)
{
    struct upstream_h2_stream *stream = stream_of_call(call);
    struct upstream_user *user = stream->user;
    bool is_last = head->status >= 200 && !upstream_h2_has_content(head);
    (void)owner;
    stream->h2->pings = 0;
    if (user == NULL)
        return;
    user->has_answered = true;
    if (head->status < 200)
        user->events->on_interim(user, head);
    else
        user->events->on_head(user, head);
    upstream_h2_stream_update_wait(stream, true);
    if (stream->user && is_last && !is_end)
        upstream_h2_stream_finish(stream, NULL, 0, false);
    else if (stream->user == NULL || !is_last)
        user->events->on_turn(user);
}

static void upstream_h2_stream_on_content(void *owner, struct h2_call *call, struct slice bytes)
{
    struct upstream_h2_stream *stream = stream_of_call(call);
    struct upstream_user *user = stream->user;
    (void)owner;
    stream->h2->pings = 0;
    if (user == NULL)
        return;
    if (bytes.length > stream->window) {
        (void)upstream_h2_stream_detach(stream);
        upstream_h2_stream_cancel(stream);
        upstream_h2_fail_user(user, PROXY_FAULT_HTTP2, "it sends more than its window allows");
        return;
    }
    stream->window -= bytes.length;
    user->events->on_content(user, bytes);
    upstream_h2_stream_update_wait(stream, true);
    user->events->on_turn(user);
}

static void upstream_h2_stream_on_end(void *owner, struct h2_call *call, const struct http_field *trailers,
                                      unsigned count)
{
    (void)owner;
    upstream_h2_stream_finish(stream_of_call(call), trailers, count, true);
}

/* Some servers count requests for longer than they last: further ones get another connection. */
static void upstream_h2_note_refused(struct upstream_h2 *h2)
{
    h2->streams_max = MAX(1u, MIN(h2->streams_max, h2->stream_count / 2));
}

static void upstream_h2_stream_on_closed(void *owner, struct h2_call *call, enum h2_call_end end)
{
    struct upstream_h2_stream *stream = stream_of_call(call);
    struct upstream_user *user = upstream_h2_stream_detach(stream);
    const char *detail = end == H2_CALL_BAD ? call->fault : h2_code_text(call->code);
    (void)owner;
    upstream_h2_defer_flush(stream->h2); /* it may have been the last one */
    if (end == H2_CALL_REFUSED)
        upstream_h2_note_refused(stream->h2);
    upstream_h2_stream_free(stream);
    if (user == NULL)
        return;
    switch (end) {
    case H2_CALL_REFUSED: upstream_h2_fail_user(user, PROXY_FAULT_STREAM_REFUSED, NULL); return;
    case H2_CALL_BAD: upstream_h2_fail_user(user, PROXY_FAULT_BAD_RESPONSE, detail); return;
    case H2_CALL_RESET:
    case H2_CALL_COMPLETE:
    case H2_CALL_CANCELLED: upstream_h2_fail_user(user, PROXY_FAULT_STREAM_RESET, detail); return;
    }
}

static enum h2_pulled upstream_h2_stream_pull(void *owner, struct h2_call *call, char *room, size_t bytes_max,
                                              struct h2_piece *ret_piece)
{
    struct upstream_h2_stream *stream = stream_of_call(call);
    struct upstream_user *user = stream->user;
    (void)owner;
    stream->is_starved = user == NULL || !user->events->pull(user, room, bytes_max, ret_piece);
    upstream_h2_stream_update_wait(stream, !stream->is_starved);
    return stream->is_starved ? H2_PULL_WAIT : H2_PULLED;
}

const struct h2_caller_events upstream_h2_stream_events = {
    .on_head = upstream_h2_stream_on_head,
    .on_content = upstream_h2_stream_on_content,
    .on_end = upstream_h2_stream_on_end,
    .on_closed = upstream_h2_stream_on_closed,
    .pull = upstream_h2_stream_pull,
};

/* ---- the beginning ---- */

bool upstream_h2_stream_create(struct upstream_h2 *h2, struct upstream_user *user)
{
    struct upstream_connection *connection = h2->connection;
    struct upstream_h2_stream *stream = pool_get(&connection->upstream->all->h2_streams);
    if (stream == NULL)
        return false;
    *stream = (struct upstream_h2_stream){
        .carrier.type = &upstream_h2_stream_carrier,
        .call = {.head_bytes = user->settings->head_bytes, .fields = user->settings->headers},
        .h2 = h2,
        .user = user,
        .window = H2_STREAM_WINDOW_BYTES,
        .is_starved = true,
    };
    timer_init(&stream->timer, upstream_h2_stream_on_timer);
    list_append(&h2->streams, &stream->link);
    h2->stream_count++;
    user->carrier = &stream->carrier;
    user->is_h2 = true;
    user->opening = NULL;
    user->upstream = connection->upstream;
    user->is_reused = connection->is_reused;
    user->has_answered = false;
    user->is_untouched = true;
    connection->upstream->user_count++;
    connection->upstream->all->counters->upstream_reuses += connection->is_reused;
    connection->is_reused = true;
    h2->idle_ms = user->settings->idle_ms;
    h2->idle_max = user->settings->idle_connections;
    h2->connect_ms = user->settings->connect_ms;
    h2->ping_ms = user->settings->ping_ms;
    upstream_h2_watch_begin(h2);
    return true;
}
