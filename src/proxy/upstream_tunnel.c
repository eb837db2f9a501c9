/* Read upstream_tunnel_pump and upstream_tunnel_next. As in a forwarding, what the source gave is released
 * with the next call after SOURCE_WAIT. */
#include "proxy/upstream_tunnel.h"

/* What the sink takes: the whole ring. */
#define CREDIT_MAX BYTE_RING_BYTES

static struct upstream_tunnel *upstream_tunnel_of_user(struct upstream_user *user)
{
    return CONTAINER_OF(user, struct upstream_tunnel, user);
}

static struct upstream_tunnel *upstream_tunnel_of_sink(struct sink *sink)
{
    return CONTAINER_OF(sink, struct upstream_tunnel, tunnel.sink);
}

static struct upstream_tunnel *upstream_tunnel_of_source(struct source *source)
{
    return CONTAINER_OF(source, struct upstream_tunnel, tunnel.source);
}

static struct counters *upstream_tunnel_counters(const struct upstream_tunnel *tunnel)
{
    return tunnel->proxy->service->counters;
}

/* ---- to the server ---- */

static void upstream_tunnel_give_credit(struct upstream_tunnel *tunnel)
{
    size_t room = byte_ring_room(&tunnel->upload);
    tunnel->must_wake |= room > tunnel->tunnel.sink.credit;
    tunnel->tunnel.sink.credit = room;
}

/* Both sides have ended: nothing is left to wait for. */
static void upstream_tunnel_check_end(struct upstream_tunnel *tunnel)
{
    if (tunnel->is_server_done && tunnel->has_sent_end)
        upstream_leave(&tunnel->user);
}

/* The kernel has all that was passed to the connection; the client's end follows its last byte. */
static void upstream_tunnel_note_sent(struct upstream_tunnel *tunnel)
{
    byte_ring_release(&tunnel->upload);
    upstream_tunnel_give_credit(tunnel);
    if (!tunnel->is_client_done || tunnel->has_sent_end || byte_ring_waiting(&tunnel->upload) > 0)
        return;
    tunnel->has_sent_end = true;
    upstream_connection_shutdown(upstream_connection_of_user(&tunnel->user));
}

static void upstream_tunnel_pump(struct upstream_tunnel *tunnel)
{
    struct upstream_connection *connection = upstream_connection_of_user(&tunnel->user);
    bool is_untouched;
    while (connection && upstream_connection_may_send(connection) && byte_ring_waiting(&tunnel->upload) > 0) {
        struct slice first = byte_ring_peek(&tunnel->upload, 0, SIZE_MAX);
        struct slice second = byte_ring_peek(&tunnel->upload, first.length, SIZE_MAX);
        const struct segment segments[] = {segment_memory(first), segment_memory(second)};
        byte_ring_hand_over(&tunnel->upload, first.length + second.length);
        if (upstream_connection_send(connection, segments, 1 + (second.length > 0), &is_untouched) ==
            SEND_DONE)
            upstream_tunnel_note_sent(tunnel);
    }
    if (connection && !connection->is_deaf) /* else nothing has moved but into the ring */
        upstream_connection_note_moved(connection);
}

static void upstream_tunnel_on_sent(struct upstream_user *user)
{
    struct upstream_tunnel *tunnel = upstream_tunnel_of_user(user);
    upstream_tunnel_note_sent(tunnel);
    upstream_tunnel_pump(tunnel);
    upstream_tunnel_check_end(tunnel);
}

static void upstream_tunnel_write(struct sink *sink, struct slice bytes)
{
    struct upstream_tunnel *tunnel = upstream_tunnel_of_sink(sink);
    tunnel->tunnel.received_bytes += bytes.length;
    upstream_tunnel_counters(tunnel)->tunnel_bytes_received += bytes.length;
    if (upstream_connection_of_user(&tunnel->user) == NULL) {
        sink->credit = CREDIT_MAX; /* nobody takes it any more: the source says so */
        return;
    }
    if (!byte_ring_write(&tunnel->upload, bytes)) {
        tunnel->is_broken = true;
        upstream_connection_drain(upstream_connection_of_user(&tunnel->user));
    }
    upstream_tunnel_pump(tunnel);
    upstream_tunnel_give_credit(tunnel);
    tunnel->must_wake = false; /* the owner goes on by itself */
}

static void upstream_tunnel_end(struct sink *sink)
{
    struct upstream_tunnel *tunnel = upstream_tunnel_of_sink(sink);
    tunnel->is_client_done = true;
    if (upstream_connection_of_user(&tunnel->user) &&
        upstream_connection_may_send(upstream_connection_of_user(&tunnel->user)))
        upstream_tunnel_note_sent(tunnel);
    upstream_tunnel_check_end(tunnel);
}

/* The source is closed next. */
static void upstream_tunnel_abort(struct sink *sink, enum outcome why)
{
    (void)sink, (void)why;
}

static const struct sink_type upstream_tunnel_sink = {
    .write = upstream_tunnel_write,
    .end = upstream_tunnel_end,
    .abort = upstream_tunnel_abort,
};

/* ---- to the client ---- */

static bool upstream_tunnel_has_room(const struct upstream_tunnel *tunnel)
{
    return byte_ring_room(&tunnel->download) >= LOOP_READ_BYTES;
}

static void upstream_tunnel_on_failed(struct upstream_user *user, enum proxy_fault fault, const char *detail);

static void upstream_tunnel_on_content(struct upstream_user *user, struct slice bytes)
{
    struct upstream_tunnel *tunnel = upstream_tunnel_of_user(user);
    tunnel->must_wake = true;
    if (!byte_ring_write(&tunnel->download, bytes)) {
        upstream_leave(user);
        upstream_tunnel_on_failed(user, PROXY_FAULT_OVERLOADED, NULL);
    } else if (!upstream_tunnel_has_room(tunnel)) {
        upstream_connection_pause(upstream_connection_of_user(user));
    }
}

static void upstream_tunnel_leave_server(struct upstream_tunnel *tunnel)
{
    if (!tunnel->has_place)
        return;
    tunnel->has_place = false;
    upstream_group_leave(tunnel->group, tunnel->index);
    place_queue_note_free(&tunnel->proxy->queue);
}

/* Nothing more comes of the server: its place is free, however long the client takes. */
static void upstream_tunnel_note_done(struct upstream_tunnel *tunnel)
{
    tunnel->is_server_done = tunnel->tunnel.is_whole = tunnel->must_wake = true;
    upstream_tunnel_leave_server(tunnel);
}

/* The server has ended its side. */
static void upstream_tunnel_on_end(struct upstream_user *user, const struct http_field *trailers,
                                   unsigned count)
{
    struct upstream_tunnel *tunnel = upstream_tunnel_of_user(user);
    (void)trailers, (void)count;
    upstream_tunnel_note_done(tunnel);
    upstream_tunnel_check_end(tunnel);
}

static void upstream_tunnel_log_fault(const struct upstream_tunnel *tunnel, const struct proxy_fault_row *row)
{
    log_info(tunnel->proxy->service->log, "proxy: %.*s: a tunnel ended: %s (%s)",
             SLICE_ARGS(tunnel->upstream->url), row->text, row->code);
}

static enum outcome upstream_tunnel_outcome(enum proxy_fault fault)
{
    switch (fault) {
    case PROXY_FAULT_TUNNEL_IDLE: return OUTCOME_TIMED_OUT;
    case PROXY_FAULT_DRAINED: return OUTCOME_SHUTDOWN;
    default: return OUTCOME_UPSTREAM_FAILED;
    }
}

/* After a pause of either kind the client is told in order; a side that was cut cuts the other. If the server
 * had ended its side before, all of that is here, and the client gets it. */
static void upstream_tunnel_on_failed(struct upstream_user *user, enum proxy_fault fault, const char *detail)
{
    struct upstream_tunnel *tunnel = upstream_tunnel_of_user(user);
    const struct proxy_fault_row *row = proxy_fault_row(fault);
    enum outcome outcome = upstream_tunnel_outcome(fault);
    (void)detail;
    tunnel->is_broken |= outcome == OUTCOME_UPSTREAM_FAILED && !tunnel->is_server_done;
    tunnel->tunnel.outcome = (uint8_t)(tunnel->is_broken ? OUTCOME_UPSTREAM_FAILED : outcome);
    tunnel->tunnel.is_cut = tunnel->is_broken;
    upstream_tunnel_note_done(tunnel);
    if (tunnel->tunnel.exchange)
        tunnel->tunnel.exchange->outcome = tunnel->tunnel.outcome;
    if (tunnel->tunnel.exchange || tunnel->tunnel.logged)
        tunnel->log->cause = slice_from(row->code);
    upstream_tunnel_log_fault(tunnel, row);
    tunnel_stop_reading(&tunnel->tunnel);
}

/* Everything given before was sent. */
static void upstream_tunnel_release(struct upstream_tunnel *tunnel)
{
    struct upstream_connection *connection = upstream_connection_of_user(&tunnel->user);
    tunnel->is_waited_for = false;
    byte_ring_release(&tunnel->download);
    if (connection && upstream_tunnel_has_room(tunnel))
        upstream_connection_resume(connection);
}

static enum source_result upstream_tunnel_wait(struct upstream_tunnel *tunnel)
{
    struct upstream_connection *connection = upstream_connection_of_user(&tunnel->user);
    tunnel->is_waited_for = true;
    /* No byte will come until the ring is released, so nothing else would wake the owner. */
    if (connection && connection->is_paused)
        task_defer(tunnel->proxy->service->loop, &tunnel->wake);
    return SOURCE_WAIT;
}

static void upstream_tunnel_on_wake(struct task *task)
{
    tunnel_wake(&CONTAINER_OF(task, struct upstream_tunnel, wake)->tunnel);
}

static enum source_result upstream_tunnel_next(struct source *source, size_t bytes_max,
                                               struct segment *ret_segment)
{
    struct upstream_tunnel *tunnel = upstream_tunnel_of_source(source);
    if (tunnel->is_waited_for)
        upstream_tunnel_release(tunnel);
    struct slice bytes = byte_ring_peek(&tunnel->download, 0, bytes_max);
    if (bytes.length > 0) {
        byte_ring_hand_over(&tunnel->download, bytes.length);
        upstream_tunnel_counters(tunnel)->tunnel_bytes_sent += bytes.length;
        if (upstream_connection_of_user(&tunnel->user))
            upstream_connection_note_moved(upstream_connection_of_user(&tunnel->user));
        *ret_segment = segment_memory(bytes);
        return SOURCE_GIVEN;
    }
    if (tunnel->is_broken)
        return SOURCE_FAILED;
    if (tunnel->is_server_done)
        return SOURCE_END;
    return upstream_tunnel_wait(tunnel);
}

/* The owner is done with it. A client that was cut cuts the server. */
static void upstream_tunnel_close(struct source *source)
{
    struct upstream_tunnel *tunnel = upstream_tunnel_of_source(source);
    struct proxy *proxy = tunnel->proxy;
    if (upstream_connection_of_user(&tunnel->user) && !tunnel->is_client_done)
        upstream_connection_reset_on_close(upstream_connection_of_user(&tunnel->user));
    task_cancel(&tunnel->wake);
    upstream_leave(&tunnel->user);
    upstream_tunnel_leave_server(tunnel);
    byte_ring_finish(&tunnel->upload);
    byte_ring_finish(&tunnel->download);
    upstream_group_unref(tunnel->group);
    proxy->service->counters->tunnels_open--;
    pool_put(&proxy->tunnels, tunnel);
}

static const struct source_type upstream_tunnel_source = {
    .next = upstream_tunnel_next,
    .close = upstream_tunnel_close,
};

/* ---- its life ---- */

static void upstream_tunnel_on_turn(struct upstream_user *user)
{
    struct upstream_tunnel *tunnel = upstream_tunnel_of_user(user);
    bool must_wake = tunnel->must_wake;
    tunnel->must_wake = false;
    if (must_wake)
        tunnel_wake(&tunnel->tunnel);
}

static const struct upstream_user_events upstream_tunnel_user_events = {
    .on_sent = upstream_tunnel_on_sent,
    .on_content = upstream_tunnel_on_content,
    .on_end = upstream_tunnel_on_end,
    .on_failed = upstream_tunnel_on_failed,
    .on_turn = upstream_tunnel_on_turn,
};

static void upstream_tunnel_drain(struct tunnel *base)
{
    struct upstream_tunnel *tunnel = CONTAINER_OF(base, struct upstream_tunnel, tunnel);
    if (upstream_connection_of_user(&tunnel->user))
        upstream_connection_drain(upstream_connection_of_user(&tunnel->user));
}

static const struct tunnel_type upstream_tunnel_type = {.drain = upstream_tunnel_drain};

struct upstream_tunnel *upstream_tunnel_create(struct proxy *proxy, struct upstream_group *group,
                                               struct upstream_user *user, struct exchange *exchange,
                                               struct access_log_upstream *log)
{
    struct upstream_tunnel *tunnel = pool_get(&proxy->tunnels);
    if (tunnel == NULL)
        return NULL;
    *tunnel = (struct upstream_tunnel){
        .proxy = proxy,
        .group = upstream_group_ref(group),
        .upstream = user->upstream,
        .log = log,
    };
    upstream_user_init(&tunnel->user, &upstream_tunnel_user_events, user->settings, user->method);
    tunnel_init(&tunnel->tunnel, &upstream_tunnel_type, &upstream_tunnel_sink, &upstream_tunnel_source,
                exchange);
    tunnel->tunnel.sink.credit = CREDIT_MAX;
    task_init(&tunnel->wake, upstream_tunnel_on_wake);
    byte_ring_init(&tunnel->upload, &proxy->rings);
    byte_ring_init(&tunnel->download, &proxy->rings);
    upstream_connection_become_tunnel(upstream_connection_of_user(user), &tunnel->user);
    proxy->service->counters->tunnels++;
    proxy->service->counters->tunnels_open++;
    return tunnel;
}
