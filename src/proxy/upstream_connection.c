/* One request and its response at a time. Read upstream_connection_on_read first.
 *
 * Every callback of the loop ends with on_turn of the user that the connection had when it began; only in
 * there may the user be freed. A callback of a user may close the connection, whose memory lasts until the
 * end of the turn.
 *
 * A send that fails is not the end: the server may have refused the rest of the request, and answered before
 * it closed. So the answer is awaited, until reading fails too. */
#include "proxy/upstream_connection.h"

#include "base/error.h"
#include "h1/line.h"
#include "proxy/upstream_h2.h"

#include <errno.h>

static struct upstream_connection *upstream_connection_of(const struct stream *stream)
{
    return CONTAINER_OF((struct stream *)stream, struct upstream_connection, stream_link.stream);
}

static struct loop *upstream_connection_loop(const struct upstream_connection *connection)
{
    return connection->upstream->all->loop;
}

/* The allowed transitions. */
static const unsigned upstream_moves[] = {
    [UPSTREAM_OPENING] = 1u << UPSTREAM_SECURING | 1u << UPSTREAM_CLOSED,
    [UPSTREAM_SECURING] = 1u << UPSTREAM_BUSY | 1u << UPSTREAM_SHARED | 1u << UPSTREAM_CLOSED,
    [UPSTREAM_BUSY] = 1u << UPSTREAM_IDLE | 1u << UPSTREAM_CLOSED,
    [UPSTREAM_SHARED] = 1u << UPSTREAM_IDLE | 1u << UPSTREAM_CLOSED,
    [UPSTREAM_IDLE] = 1u << UPSTREAM_BUSY | 1u << UPSTREAM_SHARED | 1u << UPSTREAM_CLOSED,
    [UPSTREAM_CLOSED] = 0,
};

void upstream_connection_set_state(struct upstream_connection *connection, enum upstream_state state)
{
    assert(upstream_moves[connection->state] & 1u << state);
    connection->state = (uint8_t)state;
}

/* ---- ends ---- */

void upstream_connection_detach(struct upstream_connection *connection)
{
    struct upstream_user *user = connection->user;
    if (user == NULL)
        return;
    assert(connection->upstream->user_count > 0);
    user->carrier = NULL;
    user->opening = NULL;
    user->upstream = NULL;
    connection->user = NULL;
    connection->upstream->user_count--;
}

static void upstream_connection_free(struct upstream_connection *connection)
{
    assert(connection->user == NULL && connection->state == UPSTREAM_CLOSED);
    struct upstream *upstream = connection->upstream;
    buffer_finish(&connection->kept);
    upstream_h2_free(connection);
    pool_put(&upstream->all->connections, connection);
    upstream->object_count--;
    upstream_check_end(upstream);
}

static void upstream_connection_on_gone(struct task *task)
{
    upstream_connection_free(CONTAINER_OF(task, struct upstream_connection, gone));
}

void upstream_connection_stop_dialing(struct upstream_connection *connection)
{
    dialer_end(connection->dialer);
    connection->dialer = NULL;
}

void upstream_connection_close(struct upstream_connection *connection)
{
    struct upstream *upstream = connection->upstream;
    enum upstream_state state = (enum upstream_state)connection->state;
    if (state == UPSTREAM_CLOSED)
        return;
    assert(upstream->connection_count > 0);
    upstream_connection_detach(connection);
    timer_disarm(&connection->timer);
    upstream_connection_set_state(connection, UPSTREAM_CLOSED);
    upstream->connection_count--;
    upstream->all->counters->upstream_connections_open--;
    upstream_h2_forget(connection);
    if (state == UPSTREAM_SHARED)
        list_remove(&connection->link);
    if (state == UPSTREAM_IDLE) {
        list_remove(&connection->link);
        assert(upstream->idle_count > 0);
        upstream->idle_count--;
    }
    if (state == UPSTREAM_OPENING) {
        upstream_connection_stop_dialing(connection);
        task_defer(upstream->all->loop, &connection->gone);
    } else {
        upstream_link_close(&connection->stream_link);
    }
}

void upstream_connection_fail(struct upstream_connection *connection, enum proxy_fault fault,
                              const char *detail)
{
    struct upstream_user *user = connection->user;
    upstream_h2_give_up(connection, fault);
    upstream_connection_close(connection);
    if (user)
        user->events->on_failed(user, fault, detail);
}

void upstream_connection_become_idle(struct upstream_connection *connection, uint32_t idle_ms,
                                     uint32_t idle_max)
{
    struct upstream *upstream = connection->upstream;
    struct loop *loop = upstream_connection_loop(connection);
    connection->expiry_ms = loop_now_ms(loop) + idle_ms;
    upstream_connection_set_state(connection, UPSTREAM_IDLE);
    connection->wait = UPSTREAM_WAIT_NONE;
    list_append(&upstream->idle, &connection->link);
    if (++upstream->idle_count > idle_max)
        upstream_connection_close(CONTAINER_OF(upstream->idle.next, struct upstream_connection, link));
    if (!timer_is_armed(&upstream->idle_timer))
        wheel_arm(loop_wheel(loop), &upstream->idle_timer, idle_ms);
}

/* Keeps the connection for the next request. */
static void upstream_connection_keep(struct upstream_connection *connection)
{
    assert(connection->user != NULL);
    const struct proxy_settings *settings = connection->user->settings;
    upstream_connection_resume(connection); /* to notice when the server closes it */
    upstream_connection_become_idle(connection, settings->idle_ms, settings->idle_connections);
    upstream_connection_detach(connection);
}

/* Parses the trailer section into the head, which is not needed any more. */
static unsigned upstream_connection_take_trailers(struct http_response_head *head, struct slice section)
{
    struct slice line;
    unsigned count = 0;
    while (count < HTTP_RESPONSE_FIELDS_MAX && h1_take_line(&section, &line) == H1_HEAD_DONE &&
           h1_parse_field_line(line, false, &head->fields[count]))
        count++;
    return count;
}

/* The response is complete; `is_clean`: nothing came behind it. */
static void upstream_connection_finish(struct upstream_connection *connection, bool is_clean,
                                       struct slice trailers)
{
    struct upstream_user *user = connection->user;
    bool is_of_client = user->settings->proxy_protocol != 0; /* and no other may use it */
    bool is_kept = is_clean && connection->may_keep && user->has_sent && !connection->is_deaf &&
                   !is_of_client && !upstream_link_is_sending(&connection->stream_link) &&
                   connection->upstream->references > 0 &&
                   connection->address_set == connection->upstream->address_set;
    if (is_kept)
        upstream_connection_keep(connection);
    else
        upstream_connection_close(connection);
    struct http_response_head *head = connection->upstream->all->head;
    user->events->on_end(user, head->fields, upstream_connection_take_trailers(head, trailers));
}

/* A send has failed: only an answer can still come. */
static void upstream_connection_become_deaf(struct upstream_connection *connection)
{
    upstream_link_drop_send(&connection->stream_link);
    connection->is_deaf = true;
    upstream_connection_update_wait(connection);
    if (connection->is_tunnel) /* it waits for the same as before, but not for as long */
        upstream_connection_begin_wait(connection);
}

/* ---- receiving ---- */

static void take_head(struct upstream_connection *connection, const struct http_response_head *head)
{
    struct upstream_user *user = connection->user;
    if (head->body == HTTP_RESPONSE_BODY_TUNNEL) {
        if (!user->wants_upgrade || !user->events->on_upgrade(user, head))
            upstream_connection_fail(connection, PROXY_FAULT_UNASKED_UPGRADE, NULL);
        return;
    }
    connection->has_head = true;
    connection->may_keep = head->keep_alive;
    user->events->on_head(user, head);
}

/* The parser's next event. A head is one that was recognised, or parsed. */
static enum h1_response_event next_of_response(struct upstream_connection *connection, struct slice *input,
                                               const struct http_response_head **ret_head,
                                               struct slice *ret_piece)
{
    struct upstreams *all = connection->upstream->all;
    const char *begin = input->data;
    *ret_head = h1_recent_response_take(all->recent, &connection->parser, input);
    if (*ret_head)
        return H1_RESPONSE_HEAD;
    *ret_head = all->head;
    enum h1_response_event event = h1_response_next(&connection->parser, input, all->head, ret_piece);
    if (event == H1_RESPONSE_HEAD)
        h1_recent_response_note(all->recent, &connection->parser, all->head,
                                slice_make(begin, (size_t)(input->data - begin)));
    return event;
}

/* Takes what there is of the response from the front of `input`. */
static void take_response(struct upstream_connection *connection, struct slice *input)
{
    while (connection->state == UPSTREAM_BUSY) {
        struct upstream_user *user = connection->user;
        const struct http_response_head *head;
        struct slice piece = {0};
        switch (next_of_response(connection, input, &head, &piece)) {
        case H1_RESPONSE_MORE: return;
        case H1_RESPONSE_INTERIM: user->events->on_interim(user, head); break;
        case H1_RESPONSE_HEAD: take_head(connection, head); break;
        case H1_RESPONSE_CONTENT: user->events->on_content(user, piece); break;
        case H1_RESPONSE_END:
            upstream_connection_finish(
                connection, input->length == 0 && !upstream_link_has_more(&connection->stream_link), piece);
            return;
        case H1_RESPONSE_BAD:
            upstream_connection_fail(
                connection, PROXY_FAULT_BAD_RESPONSE,
                h1_response_fault_text((enum h1_response_fault)connection->parser.fault));
            return;
        }
    }
}

/* Keeps an incomplete head. */
static void keep_rest_of_head(struct upstream_connection *connection, struct slice rest)
{
    struct buffer *kept = &connection->kept;
    if (connection->state != UPSTREAM_BUSY || rest.length == 0)
        buffer_finish(kept);
    else if (kept->length > 0)
        buffer_consume(kept, kept->length - rest.length);
    else if (!buffer_append(kept, rest))
        upstream_connection_fail(connection, PROXY_FAULT_OVERLOADED, NULL);
}

/* What comes behind 101. */
static void take_tunnel(struct upstream_connection *connection, struct slice bytes)
{
    upstream_connection_note_moved(connection);
    if (bytes.length > 0)
        connection->user->events->on_content(connection->user, bytes);
}

static void take_bytes(struct upstream_connection *connection, struct slice bytes)
{
    struct buffer *kept = &connection->kept;
    connection->user->has_answered = true;
    upstream_connection_note_moved(connection);
    if (kept->length > 0) {
        if (!buffer_append(kept, bytes)) {
            upstream_connection_fail(connection, PROXY_FAULT_OVERLOADED, NULL);
            return;
        }
        bytes = buffer_slice(kept);
    }
    take_response(connection, &bytes);
    if (connection->is_tunnel && connection->user) {
        take_tunnel(connection, bytes);
        bytes = (struct slice){0};
    }
    keep_rest_of_head(connection, bytes);
}

static void upstream_connection_on_read(struct stream *stream, struct slice bytes)
{
    struct upstream_connection *connection = upstream_connection_of(stream);
    struct upstream_user *user = connection->user;
    if (connection->h2) {
        upstream_h2_on_read(connection, bytes);
        return;
    }
    if (user == NULL) { /* not requested: the server is out of step */
        upstream_connection_close(connection);
        return;
    }
    if (connection->is_tunnel)
        take_tunnel(connection, bytes);
    else
        take_bytes(connection, bytes);
    upstream_connection_update_wait(connection);
    user->events->on_turn(user);
}

/* What the end of the connection means. */
static void upstream_connection_take_end(struct upstream_connection *connection)
{
    bool is_cut = upstream_link_is_cut(&connection->stream_link);
    if (connection->is_tunnel && is_cut) {
        upstream_connection_fail(connection, PROXY_FAULT_CUT, NULL);
        return;
    }
    if (connection->is_tunnel) { /* the other side may go on */
        connection->user->events->on_end(connection->user, NULL, 0);
        return;
    }
    enum h1_response_event end = h1_response_close(&connection->parser, connection->kept.length);
    /* The failed send consumed the error of an RST: the kernel then reports the end that follows like any
     * other. */
    if (end == H1_RESPONSE_END && (is_cut || connection->is_deaf)) {
        upstream_connection_fail(connection, PROXY_FAULT_CUT, upstream_link_fault(&connection->stream_link));
        return;
    }
    switch (end) {
    case H1_RESPONSE_END: upstream_connection_finish(connection, false, (struct slice){0}); return;
    case H1_RESPONSE_MORE: upstream_connection_fail(connection, PROXY_FAULT_CLOSED, NULL); return;
    default: upstream_connection_fail(connection, PROXY_FAULT_CUT, NULL); return;
    }
}

static void upstream_connection_on_end(struct stream *stream)
{
    struct upstream_connection *connection = upstream_connection_of(stream);
    struct upstream_user *user = connection->user;
    if (connection->h2) {
        upstream_h2_on_end(connection, 0);
        return;
    }
    if (user == NULL) {
        upstream_connection_close(connection);
        return;
    }
    upstream_connection_take_end(connection);
    user->events->on_turn(user);
}

/* With TLS, the session knows the reason. */
static void upstream_connection_break(struct upstream_connection *connection, int error)
{
    const struct upstream_link *link = &connection->stream_link;
    const char *detail = upstream_link_fault(link);
    bool is_of_tls = detail || connection->state == UPSTREAM_SECURING;
    enum proxy_fault fault = error == -ENOMEM                 ? PROXY_FAULT_OVERLOADED
                             : upstream_link_distrusts(link)  ? PROXY_FAULT_CERTIFICATE
                             : upstream_link_refused_h2(link) ? PROXY_FAULT_NO_HTTP2
                             : is_of_tls                      ? PROXY_FAULT_TLS
                                                              : PROXY_FAULT_RESET;
    if (detail == NULL && fault == PROXY_FAULT_TLS)
        detail = error_text(error);
    upstream_connection_fail(connection, fault, detail);
}

static void upstream_connection_on_error(struct stream *stream, int error)
{
    struct upstream_connection *connection = upstream_connection_of(stream);
    struct upstream_user *user = connection->user;
    if (connection->h2) {
        upstream_h2_on_end(connection, error);
        return;
    }
    if (user == NULL) {
        upstream_connection_close(connection);
        return;
    }
    bool is_of_sending = stream_error(stream) != 0 && upstream_link_fault(&connection->stream_link) == NULL;
    if (is_of_sending && connection->state != UPSTREAM_SECURING)
        upstream_connection_become_deaf(connection);
    else
        upstream_connection_break(connection, error);
    user->events->on_turn(user);
}

static void upstream_connection_on_timer(struct timer *timer)
{
    struct upstream_connection *connection = CONTAINER_OF(timer, struct upstream_connection, timer);
    struct upstream_user *user = connection->user;
    struct loop *loop = upstream_connection_loop(connection);
    uint64_t now = loop_now_ms(loop);
    if (connection->state == UPSTREAM_OPENING) {
        dialer_hurry(connection->dialer);
        return;
    }
    if (connection->wait == UPSTREAM_WAIT_NONE)
        return;
    bool is_sent = connection->wait == UPSTREAM_WAIT_SEND || connection->wait == UPSTREAM_WAIT_TUNNEL;
    bool has_moved = is_sent && upstream_link_unsent(&connection->stream_link) < connection->unsent;
    if (now < connection->deadline_ms) {
        wheel_arm(loop_wheel(loop), timer, connection->deadline_ms - now);
    } else if (has_moved) {
        upstream_connection_begin_wait(connection);
    } else {
        bool is_tls = connection->wait == UPSTREAM_WAIT_SECURED;
        upstream_connection_fail(connection, upstream_connection_wait_fault(connection),
                                 is_tls ? "the TLS handshake took too long" : NULL);
        user->events->on_turn(user);
    }
}

/* ---- the carrier ---- */

static struct upstream_connection *upstream_connection_of_carrier(const struct upstream_carrier *carrier)
{
    return CONTAINER_OF((struct upstream_carrier *)carrier, struct upstream_connection, carrier);
}

/* Sends what the user gives of its request. If the kernel takes none of it, and took nothing before, the
 * server cannot have seen the request. Returns false if it has to wait. */
static bool send_taken(struct upstream_connection *connection, const struct segment *segments, size_t count,
                       bool was_untouched)
{
    struct upstream_user *user = connection->user;
    bool is_untouched;
    switch (upstream_connection_send(connection, segments, count, &is_untouched)) {
    case SEND_DONE: user->events->on_sent(user); return true;
    case SEND_PENDING: return false;
    case SEND_FAILED: user->is_untouched = was_untouched && is_untouched; return false;
    }
    UNREACHABLE();
}

static void upstream_connection_pump(struct upstream_carrier *carrier)
{
    struct upstream_connection *connection = upstream_connection_of_carrier(carrier);
    struct upstream_user *user = connection->user;
    struct segment segments[UPSTREAM_SEGMENTS_MAX];
    size_t count;
    bool goes_on = true;
    while (goes_on && upstream_connection_may_send(connection) &&
           (count = user->events->take(user, segments)) > 0) {
        bool was_untouched = user->is_untouched;
        user->is_untouched = false;
        goes_on = send_taken(connection, segments, count, was_untouched);
    }
    upstream_connection_update_wait(connection);
}

static bool upstream_connection_is_sending(const struct upstream_carrier *carrier)
{
    return upstream_link_is_sending(&upstream_connection_of_carrier(carrier)->stream_link);
}

/* It is read while there is room for what one read can bring. */
static void upstream_connection_set_room(struct upstream_carrier *carrier, size_t bytes)
{
    if (bytes < LOOP_READ_BYTES)
        upstream_connection_pause(upstream_connection_of_carrier(carrier));
    else
        upstream_connection_resume(upstream_connection_of_carrier(carrier));
}

static void upstream_connection_leave(struct upstream_carrier *carrier)
{
    upstream_connection_close(upstream_connection_of_carrier(carrier));
}

static const struct upstream_carrier_type upstream_connection_carrier = {
    .send = upstream_connection_pump,
    .is_sending = upstream_connection_is_sending,
    .set_room = upstream_connection_set_room,
    .leave = upstream_connection_leave,
};

/* ---- sending ---- */

enum send_result upstream_connection_send(struct upstream_connection *connection,
                                          const struct segment *segments, size_t count,
                                          bool *ret_is_untouched)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += segments[i].length;
    enum send_result result = upstream_link_send(&connection->stream_link, segments, count);
    *ret_is_untouched = result == SEND_FAILED && upstream_link_took_nothing(&connection->stream_link, total);
    if (result == SEND_FAILED)
        upstream_connection_become_deaf(connection);
    return result;
}

static void upstream_connection_on_sent(struct stream *stream)
{
    struct upstream_connection *connection = upstream_connection_of(stream);
    struct upstream_user *user = connection->user;
    if (connection->h2) {
        upstream_h2_on_sent(connection);
        return;
    }
    if (user == NULL)
        return;
    connection->wait = UPSTREAM_WAIT_NONE; /* progress: the next send has its whole time */
    user->events->on_sent(user);
    if (connection->state == UPSTREAM_BUSY && !connection->is_tunnel)
        upstream_connection_pump(&connection->carrier);
    if (connection->state == UPSTREAM_BUSY)
        upstream_connection_update_wait(connection);
    user->events->on_turn(user);
}

static void upstream_connection_on_closed(struct stream *stream)
{
    upstream_connection_free(upstream_connection_of(stream));
}

static bool upstream_connection_may_send_file(struct stream *stream, const struct segment *segment)
{
    (void)stream, (void)segment;
    UNREACHABLE();
}

static size_t upstream_connection_describe(const struct stream *stream, char *out, size_t size)
{
    struct slice url = upstream_connection_of(stream)->upstream->url;
    size_t length = MIN(url.length, size);
    memcpy(out, url.data, length);
    return length;
}

const struct upstream_link_events upstream_connection_link_events = {
    .stream =
        {
            .on_read = upstream_connection_on_read,
            .may_send_file = upstream_connection_may_send_file,
            .on_end = upstream_connection_on_end,
            .on_sent = upstream_connection_on_sent,
            .on_error = upstream_connection_on_error,
            .on_closed = upstream_connection_on_closed,
            .describe = upstream_connection_describe,
        },
    .on_secured = upstream_connection_on_secured,
};

/* ---- beginnings ---- */

void upstream_connection_begin(struct upstream_connection *connection, struct upstream_user *user)
{
    connection->user = user;
    upstream_connection_set_state(connection, UPSTREAM_BUSY);
    connection->wait = UPSTREAM_WAIT_NONE;
    connection->has_head = connection->may_keep = connection->is_tunnel = connection->is_draining = false;
    connection->limits = (struct h1_limits){
        .head_bytes = user->settings->head_bytes,
        .fields = user->settings->headers,
        .body_bytes = UINT64_MAX,
    };
    h1_response_init(&connection->parser, &connection->limits);
    connection->parser.is_strict = connection->parser.keeps_trailers = true;
    h1_response_expect(&connection->parser, user->method);
    buffer_init(&connection->kept, (size_t)user->settings->head_bytes + LOOP_READ_BYTES);
    connection->carrier.type = &upstream_connection_carrier;
    user->carrier = &connection->carrier;
    user->is_h2 = false;
    user->opening = NULL;
    user->is_reused = connection->is_reused;
    user->has_answered = false;
}

void upstream_connection_take(struct upstream_connection *connection, struct upstream_user *user)
{
    struct upstream *upstream = connection->upstream;
    assert(connection->state == UPSTREAM_IDLE);
    assert(upstream->idle_count > 0);
    list_remove(&connection->link);
    upstream->idle_count--;
    upstream->user_count++;
    user->upstream = upstream;
    connection->is_reused = true;
    upstream->all->counters->upstream_reuses++;
    upstream_connection_begin(connection, user);
}

struct upstream_connection *upstream_connection_create(struct upstream *upstream, struct upstream_user *user)
{
    struct upstream_connection *connection = pool_get(&upstream->all->connections);
    struct dialer *dialer = connection ? dialer_create(upstream, &upstream_dialer_events, connection) : NULL;
    if (dialer == NULL) {
        pool_put(&upstream->all->connections, connection);
        return NULL;
    }
    *connection = (struct upstream_connection){
        .upstream = upstream, .user = user, .state = UPSTREAM_OPENING, .dialer = dialer};
    connection->address_set = upstream->address_set;
    list_init(&connection->link);
    task_init(&connection->gone, upstream_connection_on_gone);
    timer_init(&connection->timer, upstream_connection_on_timer);
    connection->opened_ms = loop_now_ms(upstream->all->loop);
    user->upstream = upstream;
    user->opening = connection;
    upstream->user_count++;
    upstream->object_count++;
    upstream->connection_count++;
    upstream->all->counters->upstream_connections++;
    upstream->all->counters->upstream_connections_open++;
    return connection;
}
