/* Connections. Read upstream_h2_join, then upstream_h2_flush: what the engine has to say is sent at the end
 * of a turn, of a read, and when the socket takes more. Between two of its calls nothing of it is on the
 * stack, so only there streams fail together, and the connection closes. */
#include "proxy/upstream_h2_state.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* For one send. */
#define ROOM_BYTES (64u << 10)

static const struct h2_caller_limits upstream_h2_limits = {
    .window_bytes = H2_STREAM_WINDOW_BYTES,
    .connection_window_bytes = 16 * H2_STREAM_WINDOW_BYTES,
    .list_bytes = 1 << 20,
};

/* `streams`: the most requests that the settings allow on it. */
static bool upstream_h2_has_room(const struct upstream_connection *connection, unsigned streams)
{
    const struct upstream_h2 *h2 = connection->h2;
    return !h2->is_of_client && !h2->is_mute &&
           connection->address_set == connection->upstream->address_set &&
           h2->stream_count < MIN(h2->streams_max, streams) && h2_caller_room(h2->caller) > 0;
}

/* ---- ends ---- */

void upstream_h2_fail(struct upstream_h2 *h2, enum proxy_fault fault, const char *detail)
{
    struct upstream_connection *connection = h2->connection;
    if (upstream_h2_is_closed(h2))
        return;
    upstream_h2_give_up(connection, fault);
    upstream_connection_close(connection);
    while (!list_is_empty(&h2->streams))
        upstream_h2_stream_fail(CONTAINER_OF(h2->streams.next, struct upstream_h2_stream, link), fault,
                                detail);
}

/* The engine has nothing to read or write any more. */
static void upstream_h2_fail_over(struct upstream_h2 *h2)
{
    const char *detail =
        h2_caller_is_alone(h2->caller) ? "it does not speak HTTP/2" : h2_caller_fault(h2->caller);
    bool is_in_order = h2_caller_was_dismissed(h2->caller) && h2_caller_fault(h2->caller) == NULL;
    upstream_h2_fail(h2, is_in_order ? PROXY_FAULT_CLOSED : PROXY_FAULT_HTTP2, detail);
}

/* Whether the next request may come to it. */
static bool upstream_h2_may_become_idle(const struct upstream_h2 *h2)
{
    const struct upstream_connection *connection = h2->connection;
    return connection->upstream->references > 0 && upstream_h2_has_room(connection, UINT_MAX);
}

/* Its last request is over. */
static void upstream_h2_check_idle(struct upstream_h2 *h2)
{
    struct upstream_connection *connection = h2->connection;
    if (connection->state != UPSTREAM_SHARED || !list_is_empty(&h2->streams))
        return;
    if (!upstream_h2_may_become_idle(h2)) {
        upstream_connection_close(connection);
        return;
    }
    list_remove(&connection->link);
    upstream_connection_become_idle(connection, h2->idle_ms, h2->idle_max);
}

/* ---- output ---- */

static char *upstream_h2_take_room(struct upstreams *all)
{
    char *room = all->h2_room;
    all->h2_room = NULL;
    return room ? room : malloc(ROOM_BYTES);
}

static void upstream_h2_give_room(struct upstreams *all, char *room)
{
    if (all->h2_room == NULL)
        all->h2_room = room;
    else
        free(room);
}

/* Fills a room and sends it. Returns whether there is more to send now. */
static bool upstream_h2_send_some(struct upstream_h2 *h2)
{
    struct upstream_connection *connection = h2->connection;
    struct upstreams *all = connection->upstream->all;
    size_t length;
    char *room = upstream_h2_take_room(all);
    enum h2_written written =
        room ? h2_caller_write(h2->caller, room, ROOM_BYTES, &length) : H2_WRITTEN_FAILED;
    enum send_result sent = SEND_DONE;
    struct segment segment;
    if (written != H2_WRITTEN_FAILED && length > 0 && !upstream_h2_is_closed(h2)) {
        segment = segment_memory(slice_make(room, length));
        sent = upstream_link_send(&connection->stream_link, &segment, 1);
    }
    if (sent == SEND_DONE)
        upstream_h2_give_room(all, room);
    else
        h2->room = room;
    if (written == H2_WRITTEN_FAILED)
        upstream_h2_fail(h2, PROXY_FAULT_OVERLOADED, NULL);
    else if (sent == SEND_FAILED)
        upstream_h2_fail(h2, PROXY_FAULT_RESET, NULL);
    return written == H2_WRITTEN_FULL && sent == SEND_DONE && !upstream_h2_is_closed(h2);
}

static void upstream_h2_flush(struct upstream_h2 *h2)
{
    struct upstream_connection *connection = h2->connection;
    bool is_open = connection->state == UPSTREAM_SHARED || connection->state == UPSTREAM_IDLE;
    if (!is_open || upstream_link_is_sending(&connection->stream_link))
        return;
    while (upstream_h2_send_some(h2))
        continue;
    if (!upstream_h2_is_closed(h2) && h2_caller_is_over(h2->caller))
        upstream_h2_fail_over(h2);
    upstream_h2_check_idle(h2);
}

static void upstream_h2_on_flush(struct task *task)
{
    upstream_h2_flush(CONTAINER_OF(task, struct upstream_h2, flush));
}

/* ---- events ---- */

void upstream_h2_on_read(struct upstream_connection *connection, struct slice bytes)
{
    struct upstream_h2 *h2 = connection->h2;
    upstream_h2_note_alive(h2);
    h2_caller_receive(h2->caller, bytes, loop_now_ms(upstream_h2_loop(h2)));
    if (h2_caller_is_introduced(h2->caller))
        upstream_h2_forget(connection);
    if (upstream_link_has_more(&connection->stream_link)) /* with TLS: the next record follows at once */
        upstream_h2_defer_flush(h2);
    else
        upstream_h2_flush(h2);
}

void upstream_h2_on_sent(struct upstream_connection *connection)
{
    struct upstream_h2 *h2 = connection->h2;
    upstream_h2_note_alive(h2);
    upstream_h2_give_room(connection->upstream->all, h2->room);
    h2->room = NULL;
    upstream_h2_flush(h2);
}

void upstream_h2_on_end(struct upstream_connection *connection, int error)
{
    const char *detail = upstream_link_fault(&connection->stream_link);
    enum proxy_fault fault = error == 0         ? PROXY_FAULT_CLOSED
                             : error == -ENOMEM ? PROXY_FAULT_OVERLOADED
                             : detail           ? PROXY_FAULT_TLS
                                                : PROXY_FAULT_RESET;
    upstream_h2_fail(connection->h2, fault, detail);
}

/* ---- the beginning ---- */

static bool upstream_h2_prepare(struct upstreams *all)
{
    if (all->callers)
        return true;
    all->callers = h2_caller_shared_create(&upstream_h2_limits, &upstream_h2_stream_events);
    pool_init(&all->h2_streams, sizeof(struct upstream_h2_stream), SIZE_MAX);
    return all->callers != NULL;
}

bool upstream_h2_create(struct upstream_connection *connection)
{
    struct upstreams *all = connection->upstream->all;
    struct upstream_h2 *h2 = upstream_h2_prepare(all) ? calloc(1, sizeof(*h2)) : NULL;
    if (h2 == NULL)
        return false;
    h2->connection = connection;
    h2->streams_max = UINT_MAX;
    list_init(&h2->streams);
    task_init(&h2->flush, upstream_h2_on_flush);
    upstream_h2_watch_init(h2);
    h2->caller = h2_caller_create(all->callers, h2);
    connection->h2 = h2;
    return h2->caller != NULL;
}

/* Others may have waited for it. */
void upstream_h2_forget(struct upstream_connection *connection)
{
    struct upstream *upstream = connection->upstream;
    if (upstream->h2_opening != connection)
        return;
    upstream->h2_opening = NULL;
    if (upstream->waiting_count > 0)
        task_defer(upstream->all->loop, &upstream->serve_waiting);
}

void upstream_h2_give_up(struct upstream_connection *connection, enum proxy_fault fault)
{
    struct upstream *upstream = connection->upstream;
    if (upstream->h2_opening != connection)
        return;
    LIST_FOREACH(link, &upstream->waiting)
        CONTAINER_OF(link, struct upstream_user, link)->awaited_fault = fault;
    upstream_h2_forget(connection);
}

bool upstream_h2_begin(struct upstream_connection *connection, struct upstream_user *user)
{
    struct upstream *upstream = connection->upstream;
    connection->user = NULL;
    upstream_connection_set_state(connection, UPSTREAM_SHARED);
    connection->wait = UPSTREAM_WAIT_NONE;
    upstream->user_count--;
    list_append(&upstream->shared, &connection->link);
    if (h2_caller_is_introduced(connection->h2->caller))
        upstream_h2_forget(connection);
    user->upstream = NULL;
    user->opening = NULL;
    connection->h2->began_ms = connection->opened_ms;
    connection->h2->is_of_client = user->settings->proxy_protocol != 0;
    if (upstream_h2_stream_create(connection->h2, user))
        return true;
    upstream_h2_give_up(connection, PROXY_FAULT_OVERLOADED);
    upstream_connection_close(connection);
    return false;
}

static struct upstream_connection *upstream_h2_find(struct upstream *upstream,
                                                    const struct upstream_user *user)
{
    LIST_FOREACH(link, &upstream->shared) {
        struct upstream_connection *connection = CONTAINER_OF(link, struct upstream_connection, link);
        if (upstream_h2_has_room(connection, user->settings->streams))
            return connection;
    }
    return NULL;
}

/* Takes an idle connection into use again. */
static struct upstream_connection *upstream_h2_wake(struct upstream *upstream)
{
    struct upstream_connection *connection = upstream_newest_idle(upstream, true);
    if (connection == NULL)
        return NULL;
    if (!upstream_h2_has_room(connection, UINT_MAX)) {
        upstream_connection_close(connection);
        return NULL;
    }
    list_remove(&connection->link);
    upstream->idle_count--;
    upstream_connection_set_state(connection, UPSTREAM_SHARED);
    list_append(&upstream->shared, &connection->link);
    return connection;
}

/* The one that was opened for the user, if others wait for it: it may be open, but not know yet how many
 * requests the server takes. */
static struct upstream_connection *upstream_h2_opening_of(const struct upstream_user *user)
{
    if (user->opening)
        return user->opening;
    if (!user->is_h2)
        return NULL;
    const struct upstream_h2 *h2 = CONTAINER_OF(user->carrier, struct upstream_h2_stream, carrier)->h2;
    return h2_caller_is_introduced(h2->caller) ? NULL : h2->connection;
}

enum upstream_joined upstream_h2_join(struct upstream *upstream, struct upstream_user *user,
                                      enum proxy_fault *ret_fault)
{
    if (user->settings->proxy_protocol)
        return upstream_connection_open(upstream, user, ret_fault);
    struct upstream_connection *connection = upstream_h2_find(upstream, user);
    if (connection == NULL)
        connection = upstream_h2_wake(upstream);
    if (connection && upstream_h2_stream_create(connection->h2, user))
        return UPSTREAM_OPEN;
    *ret_fault = PROXY_FAULT_OVERLOADED;
    if (connection)
        return UPSTREAM_REFUSED;
    if (upstream->chose_h1)
        return upstream_join_alone(upstream, user, ret_fault);
    if (upstream->h2_opening)
        return upstream_wait(upstream, user, ret_fault);
    enum upstream_joined joined = upstream_connection_open(upstream, user, ret_fault);
    if (joined != UPSTREAM_REFUSED)
        upstream->h2_opening = upstream_h2_opening_of(user);
    return joined;
}

void upstream_h2_free(struct upstream_connection *connection)
{
    struct upstream_h2 *h2 = connection->h2;
    if (h2 == NULL)
        return;
    assert(list_is_empty(&h2->streams));
    timer_disarm(&h2->watch);
    task_cancel(&h2->flush);
    h2_caller_destroy(h2->caller);
    free(h2->room);
    free(h2);
}

void upstream_h2_finish(struct upstreams *all)
{
    if (all->callers)
        pool_finish(&all->h2_streams);
    h2_caller_shared_destroy(all->callers);
    h2_caller_shared_destroy(all->probe_callers);
    free(all->h2_room);
}
