/* What a connection waits for, and for how long; and what it is told while it is a tunnel. Read wait_of
 * first. */
#include "proxy/upstream_connection.h"

/* For the answer of a server that takes no more of the request. */
#define LAST_WORDS_MS 1000

/* A tunnel that is drained ends when no byte passed for so long, and after the last time in any case.
 * Thousands that are quiet do not end at once: some every millisecond. */
#define DRAIN_PAUSE_MS  250
#define DRAIN_SPREAD_MS 1000
#define DRAIN_MS_MAX    5000

static enum upstream_wait wait_of(const struct upstream_connection *connection)
{
    if (connection->state == UPSTREAM_SECURING)
        return UPSTREAM_WAIT_SECURED;
    if (connection->state != UPSTREAM_BUSY)
        return UPSTREAM_WAIT_NONE;
    if (connection->is_tunnel)
        return UPSTREAM_WAIT_TUNNEL;
    if (upstream_link_is_sending(&connection->stream_link))
        return UPSTREAM_WAIT_SEND;
    if (!connection->has_head)
        return connection->user->has_sent || connection->is_deaf ? UPSTREAM_WAIT_HEAD : UPSTREAM_WAIT_NONE;
    return connection->is_paused ? UPSTREAM_WAIT_NONE : UPSTREAM_WAIT_CONTENT;
}

static uint32_t tunnel_wait_ms(const struct upstream_connection *connection)
{
    uint64_t now = loop_now_ms(connection->upstream->all->loop);
    if (connection->is_draining)
        return (uint32_t)MIN(connection->expiry_ms - MIN(now, connection->expiry_ms),
                             (uint64_t)connection->drain_pause_ms);
    uint32_t idle_ms = connection->user->settings->tunnel_idle_ms;
    return connection->is_deaf ? MIN(idle_ms, (uint32_t)LAST_WORDS_MS) : idle_ms;
}

/* What is left of the time to connect. */
static uint32_t secured_wait_ms(const struct upstream_connection *connection)
{
    uint64_t gone_ms = loop_now_ms(connection->upstream->all->loop) - connection->opened_ms;
    uint32_t connect_ms = connection->user->settings->connect_ms;
    return connect_ms - (uint32_t)MIN(gone_ms, (uint64_t)connect_ms);
}

static uint32_t wait_ms(const struct upstream_connection *connection)
{
    const struct proxy_settings *settings = connection->user->settings;
    switch ((enum upstream_wait)connection->wait) {
    case UPSTREAM_WAIT_SECURED: return secured_wait_ms(connection);
    case UPSTREAM_WAIT_SEND: return settings->send_ms;
    case UPSTREAM_WAIT_HEAD:
        return connection->is_deaf ? MIN(settings->first_byte_ms, (uint32_t)LAST_WORDS_MS)
                                   : settings->first_byte_ms;
    case UPSTREAM_WAIT_CONTENT: return settings->between_bytes_ms;
    case UPSTREAM_WAIT_TUNNEL: return tunnel_wait_ms(connection);
    case UPSTREAM_WAIT_NONE: break;
    }
    UNREACHABLE();
}

/* The timer is lazy: a later deadline is only written down. */
void upstream_connection_begin_wait(struct upstream_connection *connection)
{
    uint64_t now = loop_now_ms(connection->upstream->all->loop);
    if (connection->wait == UPSTREAM_WAIT_NONE)
        return;
    connection->unsent = (uint32_t)upstream_link_unsent(&connection->stream_link);
    connection->deadline_ms = now + wait_ms(connection);
    if (!timer_is_armed(&connection->timer) || connection->timer.expiry_ms > connection->deadline_ms)
        wheel_arm(loop_wheel(connection->upstream->all->loop), &connection->timer,
                  connection->deadline_ms - now);
}

void upstream_connection_update_wait(struct upstream_connection *connection)
{
    enum upstream_wait wait = wait_of(connection);
    if (wait == connection->wait)
        return;
    connection->wait = (uint8_t)wait;
    upstream_connection_begin_wait(connection);
}

/* The time between bytes begins anew. That for a head does not. */
void upstream_connection_note_moved(struct upstream_connection *connection)
{
    if (connection->wait == UPSTREAM_WAIT_CONTENT || connection->wait == UPSTREAM_WAIT_TUNNEL)
        upstream_connection_begin_wait(connection);
}

enum proxy_fault upstream_connection_wait_fault(const struct upstream_connection *connection)
{
    switch ((enum upstream_wait)connection->wait) {
    case UPSTREAM_WAIT_SECURED: return PROXY_FAULT_CONNECT_TIMEOUT;
    case UPSTREAM_WAIT_SEND: return PROXY_FAULT_SEND_TIMEOUT;
    case UPSTREAM_WAIT_HEAD: return connection->is_deaf ? PROXY_FAULT_RESET : PROXY_FAULT_FIRST_BYTE_TIMEOUT;
    case UPSTREAM_WAIT_CONTENT: return PROXY_FAULT_BETWEEN_BYTES_TIMEOUT;
    case UPSTREAM_WAIT_TUNNEL:
        return connection->is_draining ? PROXY_FAULT_DRAINED
               : connection->is_deaf   ? PROXY_FAULT_RESET
                                       : PROXY_FAULT_TUNNEL_IDLE;
    case UPSTREAM_WAIT_NONE: break;
    }
    UNREACHABLE();
}

void upstream_connection_pause(struct upstream_connection *connection)
{
    if (connection->is_paused)
        return;
    connection->is_paused = true;
    upstream_link_pause(&connection->stream_link);
    upstream_connection_update_wait(connection);
}

void upstream_connection_resume(struct upstream_connection *connection)
{
    if (!connection->is_paused)
        return;
    connection->is_paused = false;
    upstream_link_resume(&connection->stream_link);
    upstream_connection_update_wait(connection);
}

/* ---- tunnels ---- */

void upstream_connection_become_tunnel(struct upstream_connection *connection, struct upstream_user *user)
{
    struct upstream_user *before = connection->user;
    before->carrier = NULL;
    before->upstream = NULL;
    user->carrier = &connection->carrier;
    user->upstream = connection->upstream;
    connection->user = user;
    connection->is_tunnel = true;
    upstream_connection_update_wait(connection);
}

bool upstream_connection_may_send(const struct upstream_connection *connection)
{
    return !connection->is_deaf && !upstream_link_is_sending(&connection->stream_link);
}

void upstream_connection_shutdown(struct upstream_connection *connection)
{
    upstream_link_shutdown(&connection->stream_link);
}

void upstream_connection_reset_on_close(struct upstream_connection *connection)
{
    upstream_link_reset_on_close(&connection->stream_link);
}

void upstream_connection_drain(struct upstream_connection *connection)
{
    if (connection->is_draining)
        return;
    connection->is_draining = true;
    connection->drain_pause_ms =
        (uint16_t)(DRAIN_PAUSE_MS + connection->upstream->all->drained++ % DRAIN_SPREAD_MS);
    connection->expiry_ms = loop_now_ms(connection->upstream->all->loop) + DRAIN_MS_MAX;
    upstream_connection_begin_wait(connection);
}
