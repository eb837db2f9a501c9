/* Whether the server of a connection is alive. Read upstream_h2_watch_on_timer first.
 *
 *     waits for                         at most                          then
 *     its SETTINGS                      connect_ms, from the beginning   others do not wait for it any more
 *     any byte, either way, while       ping_ms                          a PING
 *       there are requests
 *     any byte after a PING             connect_ms                       ping_timeout, for all its requests
 *
 * With HTTP/1 a machine that is gone costs each connection one request. Here all requests of a worker would
 * go on to choose the same dead connection, one first_byte_timeout after the other. */
#include "proxy/upstream_h2_state.h"

/* Servers of gRPC count PINGs that come within five minutes of the one before, and the third of these without
 * an answer in between ends the connection (too_many_pings). So the second and the third PING during one
 * silence of all responses come later than the first. */
#define SECOND_PING_MS 60000
#define LATER_PING_MS  360000

static uint32_t upstream_h2_watch_pause_ms(const struct upstream_h2 *h2)
{
    uint32_t least_ms = h2->pings == 0 ? 0 : h2->pings == 1 ? SECOND_PING_MS : LATER_PING_MS;
    return MAX(h2->ping_ms, least_ms);
}

static bool upstream_h2_watch_awaits_settings(const struct upstream_h2 *h2)
{
    return !h2->is_mute && !h2_caller_is_introduced(h2->caller);
}

/* When something has to be done; UINT64_MAX: never. */
static uint64_t upstream_h2_watch_due_ms(const struct upstream_h2 *h2)
{
    if (upstream_h2_watch_awaits_settings(h2))
        return h2->began_ms + h2->connect_ms;
    if (h2->stream_count == 0 || h2->ping_ms == 0)
        return UINT64_MAX;
    return h2->is_asked ? h2->asked_ms + h2->connect_ms : h2->heard_ms + upstream_h2_watch_pause_ms(h2);
}

/* The timer is lazy: a later deadline is only written down. */
static void upstream_h2_watch_arm(struct upstream_h2 *h2)
{
    struct loop *loop = upstream_h2_loop(h2);
    uint64_t now = loop_now_ms(loop), due = upstream_h2_watch_due_ms(h2);
    if (due != UINT64_MAX && (!timer_is_armed(&h2->watch) || h2->watch.expiry_ms > due))
        wheel_arm(loop_wheel(loop), &h2->watch, due > now ? due - now : 0);
}

static void upstream_h2_watch_ask(struct upstream_h2 *h2)
{
    h2->is_asked = true;
    h2->asked_ms = loop_now_ms(upstream_h2_loop(h2));
    h2->pings = MIN(h2->pings + 1, UINT8_MAX);
    h2_caller_ping(h2->caller);
    upstream_h2_defer_flush(h2);
}

static void upstream_h2_watch_on_timer(struct timer *timer)
{
    struct upstream_h2 *h2 = CONTAINER_OF(timer, struct upstream_h2, watch);
    if (upstream_h2_is_closed(h2))
        return;
    if (loop_now_ms(upstream_h2_loop(h2)) >= upstream_h2_watch_due_ms(h2)) {
        if (upstream_h2_watch_awaits_settings(h2)) {
            h2->is_mute = true;
            upstream_h2_give_up(h2->connection, PROXY_FAULT_CONNECT_TIMEOUT);
        } else if (h2->is_asked) {
            upstream_h2_fail(h2, PROXY_FAULT_PING_TIMEOUT, NULL);
            return;
        } else {
            upstream_h2_watch_ask(h2);
        }
    }
    upstream_h2_watch_arm(h2);
}

void upstream_h2_watch_init(struct upstream_h2 *h2)
{
    timer_init(&h2->watch, upstream_h2_watch_on_timer);
}

void upstream_h2_watch_begin(struct upstream_h2 *h2)
{
    if (h2->stream_count == 1) /* a silence without requests says nothing */
        upstream_h2_note_alive(h2);
    upstream_h2_watch_arm(h2);
}
