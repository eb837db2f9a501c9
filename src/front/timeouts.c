/* Deadlines by state. The timer is lazy: a request that comes in time only writes a later deadline down, and
 * the timer, when it fires, sees that there is time left and goes to sleep again; so a busy keep-alive
 * connection moves a timer once in its idle time, not once a request.
 *
 * Reading content and sending responses must also make a minimum rate, or a client could hold its slot for
 * ever with a byte every few seconds. The rate is measured over windows as long as the state's timeout, each
 * by itself: a fast beginning does not pay for a long drip. For sending, progress is what the peer
 * acknowledged, not what its kernel's buffer took from ours.
 *
 * The time to linger counts from when the peer has our last byte: one that is slow may have megabytes of its
 * answer still under way in the kernels, and be writing its next request. To close then would answer that
 * with RST, which takes the rest of the answer with it. */
#include "front/timeouts.h"

#include "front/front.h"

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
    return &front_settings(front_of(connection))->timeouts;
}

static uint64_t now_ms(const struct connection *connection)
{
    return loop_now_ms(front_of(connection)->loop);
}

/* What must move in so many milliseconds: the minimum rate, and a byte in any case. */
static uint64_t least_bytes(const struct connection *connection, uint64_t window_ms)
{
    return MAX((uint64_t)timeouts_of(connection)->rate_bytes_min * window_ms / 1000, UINT64_C(1));
}

/* Bytes that were given to the stream and that the peer does not have yet. */
static uint64_t bytes_left(const struct connection *connection)
{
    return stream_unsent(&connection->stream) + stream_unacknowledged(&connection->stream);
}

/* Progress is measured anew from here: in BODY by the bytes that come, in SEND and LINGER by how many fewer
 * are left. IDLE has no window before somebody asks what is left, see is_still_taking. */
static void begin_window(struct connection *connection)
{
    connection->window_began_ms = now_ms(connection);
    connection->moved_ms = (uint32_t)connection->window_began_ms;
    switch ((enum connection_state)connection->state) {
    case CONNECTION_IDLE: connection->window_bytes = UINT64_MAX; break;
    case CONNECTION_BODY: connection->window_bytes = 0; break;
    case CONNECTION_SEND:
    case CONNECTION_LINGER: connection->window_bytes = bytes_left(connection); break;
    case CONNECTION_HEAD:
    case CONNECTION_HANDLE: break;
    case CONNECTION_CLOSED: UNREACHABLE();
    }
}

/* Whether the peer took its share of what was sent in the last `window_ms`, the window's length. */
static bool has_taken_enough(const struct connection *connection, uint64_t left, uint64_t window_ms)
{
    uint64_t taken = connection->window_bytes - MIN(left, connection->window_bytes);
    return taken >= least_bytes(connection, window_ms);
}

static uint32_t linger_ms(const struct connection *connection)
{
    uint32_t wanted_ms = timeouts_of(connection)->linger_ms;
    return front_of(connection)->is_draining ? MIN(wanted_ms, (uint32_t)DRAIN_LINGER_MS_MAX) : wanted_ms;
}

static uint64_t deadline(struct connection *connection, bool is_new)
{
    const struct timeouts *timeouts = timeouts_of(connection);
    uint64_t now = now_ms(connection);
    switch ((enum connection_state)connection->state) {
    case CONNECTION_IDLE:
        return now + (front_of(connection)->is_draining ? DRAIN_IDLE_MS : timeouts->idle_ms);
    case CONNECTION_HEAD: return is_new ? now + timeouts->head_ms : connection->deadline_ms;
    case CONNECTION_BODY: return connection->window_began_ms + timeouts->body_ms;
    case CONNECTION_HANDLE: return NEVER;
    case CONNECTION_SEND: return is_new ? now + timeouts->write_ms : connection->deadline_ms;
    case CONNECTION_LINGER:
        return now + (connection->window_bytes > 0 ? MIN(linger_ms(connection), (uint32_t)LAST_BYTE_LOOK_MS)
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
    wheel_arm(loop_wheel(front_of(connection)->loop), &connection->timer,
              connection->deadline_ms > now ? connection->deadline_ms - now : 0);
}

void timeouts_entered(struct connection *connection, bool is_new)
{
    if (is_new)
        begin_window(connection);
    else
        connection->moved_ms = (uint32_t)now_ms(connection);
    connection->deadline_ms = deadline(connection, is_new);
    arm(connection);
}

static bool go_on_until(struct connection *connection, uint64_t deadline_ms)
{
    connection->deadline_ms = deadline_ms;
    arm(connection);
    return true;
}

/* Since the last bytes of content came: no connection waits for them for 49 days. */
static uint32_t still_ms(const struct connection *connection)
{
    return (uint32_t)now_ms(connection) - connection->moved_ms;
}

/* Content must come at the minimum rate, and never stop for as long as the whole window is. */
static bool may_go_on_reading(struct connection *connection)
{
    uint32_t window_ms = timeouts_of(connection)->body_ms;
    uint64_t now = now_ms(connection);
    uint32_t moved_ms = connection->moved_ms;
    uint64_t still = still_ms(connection);
    if (still >= window_ms)
        return false;
    uint64_t deadline_ms = now - still + window_ms;
    if (now < connection->window_began_ms + window_ms)
        return go_on_until(connection, deadline_ms);
    if (connection->window_bytes < least_bytes(connection, window_ms))
        return false;
    begin_window(connection);
    connection->moved_ms = moved_ms;
    return go_on_until(connection, deadline_ms);
}

static bool may_go_on_sending(struct connection *connection)
{
    uint32_t window_ms = timeouts_of(connection)->write_ms;
    uint64_t window_end_ms = connection->window_began_ms + window_ms;
    if (now_ms(connection) < window_end_ms)
        return go_on_until(connection, window_end_ms);
    if (!has_taken_enough(connection, bytes_left(connection), window_ms))
        return false;
    begin_window(connection);
    return go_on_until(connection, connection->window_began_ms + window_ms);
}

/* The window without bytes begins when the peer has our last one. */
static void note_last_byte(struct connection *connection)
{
    connection->window_bytes = 0;
    connection->window_began_ms = now_ms(connection);
}

/* Before the peer has our last byte its time for a send counts, and from then on its time to close. */
static bool may_go_on_lingering(struct connection *connection)
{
    uint64_t now = now_ms(connection);
    if (connection->window_bytes == 0 || linger_ms(connection) == 0)
        return false;
    if (bytes_left(connection) == 0) {
        note_last_byte(connection);
        return go_on_until(connection, now + linger_ms(connection));
    }
    return may_go_on_sending(connection) && go_on_until(connection, now + LAST_BYTE_LOOK_MS);
}

/* We have been idle since the kernel took our answer; a client that is slow may still be receiving it, at the
 * minimum rate at least. To close now would take the next request from it, and by RST perhaps the rest of the
 * answer. What is left is asked for only here, once in an idle time. */
static bool is_still_taking(struct connection *connection)
{
    const struct timeouts *timeouts = timeouts_of(connection);
    uint64_t left = bytes_left(connection);
    uint64_t before = connection->window_bytes;
    connection->window_bytes = left;
    /* Its network may be slower than an idle time that is short. */
    uint32_t wait_ms = MAX(timeouts->idle_ms, timeouts->write_ms);
    uint64_t least = before == UINT64_MAX ? 0 : (uint64_t)timeouts->rate_bytes_min * wait_ms / 1000;
    if (left == 0 || left >= before || before - left < least)
        return false;
    connection->deadline_ms = now_ms(connection) + wait_ms;
    arm(connection);
    return true;
}

static void refuse_late(struct connection *connection)
{
    front_of(connection)->counters->timeouts++;
    connection_refuse(connection, 408, OUTCOME_TIMED_OUT);
}

static void expire(struct connection *connection)
{
    log_debug(front_of(connection)->service->log, "a connection's time is up in state %d", connection->state);
    switch ((enum connection_state)connection->state) {
    case CONNECTION_SEND:
        if (may_go_on_sending(connection))
            return;
        break;
    case CONNECTION_BODY:
        if (!may_go_on_reading(connection))
            refuse_late(connection);
        return;
    case CONNECTION_HEAD: refuse_late(connection); return;
    case CONNECTION_IDLE:
        if (front_of(connection)->is_draining) {
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
    front_of(connection)->counters->timeouts++;
    connection_abort(connection, OUTCOME_TIMED_OUT);
}

/* ---- for admission ---- */

/* What a client that is near needs to send a head, to go on with content, or to take the last bytes of its
 * answer. */
#define SLOW_MS 1000

/* Idle for us, or said goodbye to; but the client may be taking its last answer still, and to close now would
 * take that from it (see finish in connection.c). Who takes long is not waited for. */
static bool has_had_its_answer(const struct connection *connection, uint64_t age_ms)
{
    return age_ms >= SLOW_MS || connection->session.request_count == 0 ||
           stream_unacknowledged(&connection->stream) == 0;
}

/* A client that has had no room for more for a while, or takes what it is sent at less than the minimum rate.
 * Any other is let go on, and measured anew. */
static bool takes_slowly(struct connection *connection, uint64_t age_ms)
{
    if (age_ms < SLOW_MS)
        return false;
    if (stream_send_idle_ms(&connection->stream) >= SLOW_MS ||
        !has_taken_enough(connection, bytes_left(connection), age_ms))
        return true;
    begin_window(connection);
    return false;
}

static bool lingers_for_nothing(struct connection *connection, uint64_t age_ms)
{
    if (connection->window_bytes == 0)
        return age_ms >= SLOW_MS;
    if (bytes_left(connection) > 0)
        return takes_slowly(connection, age_ms);
    note_last_byte(connection);
    return false;
}

bool timeouts_may_be_spared(struct connection *connection)
{
    uint64_t now = now_ms(connection);
    uint64_t age_ms = now - connection->window_began_ms;
    switch ((enum connection_state)connection->state) {
    /* With an exchange it is the one whose request needs the room: it is in the list until it settles. */
    case CONNECTION_IDLE:
        return list_is_empty(&connection->session.exchanges) && has_had_its_answer(connection, age_ms);
    case CONNECTION_HEAD: return list_is_empty(&connection->session.exchanges) && age_ms >= SLOW_MS;
    case CONNECTION_BODY:
        return still_ms(connection) >= SLOW_MS ||
               (age_ms >= SLOW_MS && connection->window_bytes < least_bytes(connection, age_ms));
    case CONNECTION_SEND: return takes_slowly(connection, age_ms);
    case CONNECTION_LINGER: return lingers_for_nothing(connection, age_ms);
    case CONNECTION_HANDLE: return false;
    case CONNECTION_CLOSED: break;
    }
    UNREACHABLE();
}

void timeouts_fire(struct timer *timer)
{
    struct connection *connection = CONTAINER_OF(timer, struct connection, timer);
    if (now_ms(connection) >= connection->deadline_ms)
        expire(connection);
    else
        arm(connection);
}
