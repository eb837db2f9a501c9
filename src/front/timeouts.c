/* Deadlines by state. The timer is lazy: a request that comes in time only writes a later deadline down, and
 * the timer, when it fires, sees that there is time left and goes to sleep again; so a busy keep-alive
 * connection moves a timer once in its idle time, not once a request.
 *
 * Reading content and sending responses must also make a minimum rate on average, or a client could hold its
 * slot for ever with a byte every few seconds. For sending, progress is what the peer acknowledged, not what
 * its kernel's buffer took from ours.
 *
 * The time to linger counts from when the peer has our last byte: one that is slow may have megabytes of its
 * answer still under way in the kernels, and be writing its next request. To close then would answer that
 * with RST, which takes the rest of the answer with it. */
#include "front/timeouts.h"

#include "server/server_internal.h"

/* While the worker is told to go, clients get less time to say goodbye. */
#define DRAIN_LINGER_MS_MAX 500

/* A client that is busy will send its next request by then, and be told "Connection: close" with the answer
 * rather than lose it. */
#define DRAIN_IDLE_MS 250

/* So often is looked whether a lingering client has our last byte. */
#define LAST_BYTE_LOOK_MS 250

#define NEVER UINT64_MAX

static const struct timeouts *timeouts_of(const struct connection *connection)
{
    return &server_settings(connection->server)->timeouts;
}

static uint64_t now_ms(const struct connection *connection)
{
    return loop_now_ms(server_loop(connection->server));
}

/* When `bytes` since the phase began are too few for the minimum rate; the first `grace_ms` are free. */
static uint64_t rate_deadline(const struct connection *connection, uint64_t bytes, uint64_t grace_ms)
{
    uint32_t rate = timeouts_of(connection)->rate_bytes_min;
    return rate ? connection->phase_began_ms + grace_ms + bytes * 1000 / rate : NEVER;
}

/* Bytes that were given to the stream and that the peer does not have yet. */
static uint64_t bytes_left(const struct connection *connection)
{
    return stream_unsent(&connection->stream) + stream_unacknowledged(&connection->stream);
}

/* It is measured by how it gets on. */
static bool has_phase(const struct connection *connection)
{
    return connection->state == CONNECTION_BODY || connection->state == CONNECTION_SEND ||
           connection->state == CONNECTION_LINGER;
}

static void begin_phase(struct connection *connection)
{
    connection->phase_began_ms = now_ms(connection);
    connection->phase_bytes = connection->state == CONNECTION_BODY ? 0 : bytes_left(connection);
    connection->phase_bytes_seen = 0;
}

static uint32_t linger_ms(const struct connection *connection)
{
    uint32_t wanted_ms = timeouts_of(connection)->linger_ms;
    return connection->server->is_draining ? MIN(wanted_ms, (uint32_t)DRAIN_LINGER_MS_MAX) : wanted_ms;
}

static uint64_t deadline(struct connection *connection, bool is_new)
{
    const struct timeouts *timeouts = timeouts_of(connection);
    uint64_t now = now_ms(connection);
    switch ((enum connection_state)connection->state) {
    case CONNECTION_IDLE: return now + (connection->server->is_draining ? DRAIN_IDLE_MS : timeouts->idle_ms);
    case CONNECTION_HEAD: return is_new ? now + timeouts->head_ms : connection->deadline_ms;
    case CONNECTION_BODY:
        return MIN(now + timeouts->body_ms,
                   rate_deadline(connection, connection->phase_bytes, timeouts->body_ms));
    case CONNECTION_HANDLE: return NEVER;
    case CONNECTION_SEND: return is_new ? now + timeouts->write_ms : connection->deadline_ms;
    case CONNECTION_LINGER:
        return now + (connection->phase_bytes > 0 ? MIN(linger_ms(connection), (uint32_t)LAST_BYTE_LOOK_MS)
                                                  : linger_ms(connection));
    case CONNECTION_CLOSED: break;
    }
    UNREACHABLE();
}

static void arm(struct connection *connection)
{
    if (connection->deadline_ms == NEVER ||
        (timer_is_armed(&connection->timer) && connection->timer.expiry_ms <= connection->deadline_ms))
        return;
    uint64_t now = now_ms(connection);
    wheel_arm(loop_wheel(server_loop(connection->server)), &connection->timer,
              connection->deadline_ms > now ? connection->deadline_ms - now : 0);
}

void timeouts_entered(struct connection *connection, bool is_new)
{
    if (is_new && has_phase(connection))
        begin_phase(connection);
    else if (is_new && connection->state == CONNECTION_IDLE)
        connection->phase_bytes = UINT64_MAX; /* nobody has asked yet what is left: see is_still_taking */
    connection->deadline_ms = deadline(connection, is_new);
    arm(connection);
}

/* Notes how much of what was sent the peer has by now; true where that is more than at the last look. */
static bool gets_on(struct connection *connection, uint64_t left)
{
    uint64_t arrived = connection->phase_bytes - MIN(left, connection->phase_bytes);
    bool is_more = arrived > connection->phase_bytes_seen;
    connection->phase_bytes_seen = arrived;
    return is_more;
}

static uint64_t sending_deadline(const struct connection *connection)
{
    return rate_deadline(connection, connection->phase_bytes_seen, timeouts_of(connection)->write_ms);
}

/* A send that is slow but gets on is given more time. */
static bool may_go_on_sending(struct connection *connection)
{
    uint64_t now = now_ms(connection);
    if (!gets_on(connection, bytes_left(connection)) || now >= sending_deadline(connection))
        return false;
    connection->deadline_ms = MIN(now + timeouts_of(connection)->write_ms, sending_deadline(connection));
    arm(connection);
    return true;
}

/* Before the peer has our last byte its time for a send counts, and from then on its time to close. */
static bool may_go_on_lingering(struct connection *connection)
{
    uint64_t now = now_ms(connection);
    uint64_t left = bytes_left(connection);
    bool is_on = gets_on(connection, left);
    bool has_time = now < connection->phase_began_ms + timeouts_of(connection)->write_ms;
    if (left > 0 && ((!is_on && !has_time) || now >= sending_deadline(connection)))
        return false;
    if ((left == 0 && !is_on) || linger_ms(connection) == 0)
        return false;
    connection->deadline_ms = now + (left > 0 ? LAST_BYTE_LOOK_MS : linger_ms(connection));
    arm(connection);
    return true;
}

/* We have been idle since the kernel took our answer; a client that is slow may still be receiving it, at the
 * minimum rate at least. To close now would take the next request from it, and by RST perhaps the rest of the
 * answer. What is left is asked for only here, once in an idle time. */
static bool is_still_taking(struct connection *connection)
{
    const struct timeouts *timeouts = timeouts_of(connection);
    uint64_t left = bytes_left(connection);
    uint64_t before = connection->phase_bytes;
    connection->phase_bytes = left;
    /* Its network may be slower than an idle time that is short. */
    uint32_t wait_ms = MAX(timeouts->idle_ms, timeouts->write_ms);
    uint64_t least = before == UINT64_MAX ? 0 : (uint64_t)timeouts->rate_bytes_min * wait_ms / 1000;
    if (left == 0 || left >= before || before - left < least)
        return false;
    connection->deadline_ms = now_ms(connection) + wait_ms;
    arm(connection);
    return true;
}

static void expire(struct connection *connection)
{
    log_debug(connection->server->options.log, "a connection's time is up in state %d", connection->state);
    switch ((enum connection_state)connection->state) {
    case CONNECTION_SEND:
        if (may_go_on_sending(connection))
            return;
        break;
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
        server_counters(connection->server)->timeouts++;
        connection_refuse(connection, 408);
        return;
    case CONNECTION_IDLE:
        if (connection->server->is_draining) {
            connection_shut_down(connection);
            return;
        }
        if (is_still_taking(connection))
            return;
        break;
    case CONNECTION_LINGER:
        if (may_go_on_lingering(connection))
            return;
        break;
    case CONNECTION_HANDLE:
    case CONNECTION_CLOSED: UNREACHABLE();
    }
    server_counters(connection->server)->timeouts++;
    connection_abort(connection, OUTCOME_TIMED_OUT);
}

void timeouts_fire(struct timer *timer)
{
    struct connection *connection = CONTAINER_OF(timer, struct connection, timer);
    if (now_ms(connection) >= connection->deadline_ms)
        expire(connection);
    else
        arm(connection);
}
