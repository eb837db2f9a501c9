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
 * response still under way in the kernels. Why closing before that is harmful: h1_connection_finish. */
#include "front/timeouts.h"

#include "base/buffer.h"
#include "front/admission.h"
#include "front/front.h"

/* While the worker drains, clients get less time to close after their last response. */
#define DRAIN_LINGER_MS_MAX 500

/* So often is looked whether a lingering client has our last byte. */
#define LAST_BYTE_LOOK_MS 250

#define NEVER UINT64_MAX

/* Those of the settings in force, but for a wait that began before these were: see timeouts_change. */
static const struct timeouts *timeouts_of(const struct front_client *client)
{
    const struct front *front = client->kind->front;
    bool began_before = client->window_began_ms <= front->waits.changed_ms;
    return UNLIKELY(began_before) ? &front->waits.patient : &front_settings(front)->timeouts;
}

static uint64_t timeouts_now_ms(const struct front_client *client)
{
    return loop_now_ms(client->kind->front->loop);
}

/* Bytes that must move in so many milliseconds: by the minimum rate, and at least one. */
static uint64_t least_bytes(const struct front_client *client, uint64_t window_ms)
{
    return MAX((uint64_t)timeouts_of(client)->rate_bytes_min * window_ms / 1000, UINT64_C(1));
}

static uint64_t bytes_left(const struct front_client *client)
{
    return client->kind->ops->bytes_left(client);
}

/* Progress is measured anew from here: in BODY by the bytes that come, in SEND and LINGER by how many fewer
 * are left. IDLE has no window before somebody asks what is left, see is_still_taking. */
static void begin_window(struct front_client *client)
{
    client->window_began_ms = timeouts_now_ms(client);
    switch ((enum client_state)client->state) {
    case CLIENT_IDLE: client->window_bytes = UINT64_MAX; break;
    case CLIENT_BODY:
        client->moved_ms = (uint32_t)client->window_began_ms;
        client->window_bytes = 0;
        break;
    case CLIENT_SEND:
    case CLIENT_LINGER: client->window_bytes = bytes_left(client); break;
    case CLIENT_HANDSHAKE:
    case CLIENT_HEAD:
    case CLIENT_HANDLE: break;
    case CLIENT_CLOSED: UNREACHABLE();
    }
}

/* Whether the peer received enough in the last `window_ms`, the window's length. */
static bool has_taken_enough(const struct front_client *client, uint64_t left, uint64_t window_ms)
{
    uint64_t taken = client->window_bytes - MIN(left, client->window_bytes);
    return taken >= least_bytes(client, window_ms);
}

static uint32_t linger_ms(const struct front_client *client)
{
    uint32_t wanted_ms = timeouts_of(client)->linger_ms;
    return client->kind->front->is_draining ? MIN(wanted_ms, (uint32_t)DRAIN_LINGER_MS_MAX) : wanted_ms;
}

static uint32_t idle_ms(const struct front_client *client)
{
    const struct front *front = client->kind->front;
    return front->is_draining ? front->drain_idle_ms : timeouts_of(client)->idle_ms;
}

static uint64_t deadline(struct front_client *client, bool is_new)
{
    const struct timeouts *timeouts = timeouts_of(client);
    uint64_t now = timeouts_now_ms(client);
    switch ((enum client_state)client->state) {
    case CLIENT_IDLE: return now + idle_ms(client);
    case CLIENT_HANDSHAKE: return is_new ? now + timeouts->handshake_ms : client->deadline_ms;
    case CLIENT_HEAD: return is_new ? now + timeouts->head_ms : client->deadline_ms;
    case CLIENT_BODY: return client->window_began_ms + timeouts->body_ms;
    case CLIENT_HANDLE: return NEVER;
    case CLIENT_SEND: return is_new ? now + timeouts->write_ms : client->deadline_ms;
    case CLIENT_LINGER:
        return now + (client->window_bytes > 0 ? MIN(linger_ms(client), (uint32_t)LAST_BYTE_LOOK_MS)
                                               : linger_ms(client));
    case CLIENT_CLOSED: break;
    }
    UNREACHABLE();
}

static void timeouts_arm(struct front_client *client)
{
    if (client->deadline_ms == NEVER ||
        (timer_is_armed(&client->timer) && client->timer.expiry_ms <= client->deadline_ms))
        return;
    uint64_t now = timeouts_now_ms(client);
    wheel_arm(loop_wheel(client->kind->front->loop), &client->timer,
              client->deadline_ms > now ? client->deadline_ms - now : 0);
}

void timeouts_entered(struct front_client *client, bool is_new)
{
    if (is_new)
        begin_window(client);
    else if (client->state == CLIENT_BODY)
        client->moved_ms = (uint32_t)timeouts_now_ms(client);
    client->deadline_ms = deadline(client, is_new);
    timeouts_arm(client);
}

static bool go_on_until(struct front_client *client, uint64_t deadline_ms)
{
    client->deadline_ms = deadline_ms;
    timeouts_arm(client);
    return true;
}

/* Milliseconds since content last arrived. 32 bits suffice, as no connection waits 49 days. */
static uint32_t still_ms(const struct front_client *client)
{
    return (uint32_t)timeouts_now_ms(client) - client->moved_ms;
}

/* Content must arrive at the minimum rate, without a pause as long as the window. */
static bool may_go_on_reading(struct front_client *client)
{
    uint32_t window_ms = timeouts_of(client)->body_ms;
    uint64_t now = timeouts_now_ms(client);
    uint32_t moved_ms = client->moved_ms;
    uint64_t still = still_ms(client);
    if (still >= window_ms)
        return false;
    uint64_t deadline_ms = now - still + window_ms;
    if (now < client->window_began_ms + window_ms)
        return go_on_until(client, deadline_ms);
    if (client->window_bytes < least_bytes(client, window_ms))
        return false;
    begin_window(client);
    client->moved_ms = moved_ms;
    return go_on_until(client, deadline_ms);
}

static bool may_go_on_sending(struct front_client *client)
{
    uint32_t window_ms = timeouts_of(client)->write_ms;
    uint64_t window_end_ms = client->window_began_ms + window_ms;
    if (timeouts_now_ms(client) < window_end_ms)
        return go_on_until(client, window_end_ms);
    if (!has_taken_enough(client, bytes_left(client), window_ms))
        return false;
    begin_window(client);
    return go_on_until(client, client->window_began_ms + timeouts_of(client)->write_ms);
}

/* The window without bytes begins when the peer has our last one. */
static void note_last_byte(struct front_client *client)
{
    client->window_bytes = 0;
    client->window_began_ms = timeouts_now_ms(client);
}

/* Until the peer has our last byte the timeout of SEND applies, and from then on that of LINGER. */
static bool may_go_on_lingering(struct front_client *client)
{
    uint64_t now = timeouts_now_ms(client);
    if (client->window_bytes == 0 || linger_ms(client) == 0)
        return false;
    if (bytes_left(client) == 0) {
        note_last_byte(client);
        return go_on_until(client, now + linger_ms(client));
    }
    return may_go_on_sending(client) && go_on_until(client, now + LAST_BYTE_LOOK_MS);
}

/* We have been idle since the kernel took our answer; a client that is slow may still be receiving it, at the
 * minimum rate at least. Closing now would lose its next request, and perhaps the rest of the response (see
 * h1_connection_finish). What is left is asked for only here, once in an idle time. */
static bool is_still_taking(struct front_client *client)
{
    const struct timeouts *timeouts = timeouts_of(client);
    uint64_t left = bytes_left(client);
    uint64_t before = client->window_bytes;
    client->window_bytes = left;
    /* A short idle timeout may be too short for its network. */
    uint32_t wait_ms = MAX(timeouts->idle_ms, timeouts->write_ms);
    uint64_t least = before == UINT64_MAX ? 0 : (uint64_t)timeouts->rate_bytes_min * wait_ms / 1000;
    if (left == 0 || left >= before || before - left < least)
        return false;
    client->deadline_ms = timeouts_now_ms(client) + wait_ms;
    timeouts_arm(client);
    return true;
}

static void timeouts_refuse_late(struct front_client *client)
{
    client->kind->front->counters->timeouts++;
    client->kind->ops->refuse_late(client);
}

/* It may go on all the same: see expire. */
static void log_expiry(const struct front_client *client)
{
    struct log *log = client->kind->front->service->log;
    struct buffer text;
    if (log->level < LOG_LEVEL_DEBUG)
        return;
    buffer_init(&text, LOG_LINE_BYTES_MAX);
    client->kind->ops->print(client, &text);
    log_debug(log, "a connection's time is up: %.*s", SLICE_ARGS(buffer_slice(&text)));
    buffer_finish(&text);
}

static void expire(struct front_client *client)
{
    log_expiry(client);
    switch ((enum client_state)client->state) {
    case CLIENT_SEND:
        if (may_go_on_sending(client))
            return;
        break;
    case CLIENT_BODY:
        if (!may_go_on_reading(client))
            timeouts_refuse_late(client);
        return;
    case CLIENT_HEAD:
        admission_note_offence(client->kind->front, &client->peer);
        timeouts_refuse_late(client);
        return;
    case CLIENT_IDLE:
        if (client->kind->front->is_draining) {
            client->kind->ops->shut_down(client);
            return;
        }
        if (is_still_taking(client))
            return;
        break;
    case CLIENT_LINGER:
        if (may_go_on_lingering(client))
            return;
        break;
    case CLIENT_HANDSHAKE:
        if (!connection_waits_for_server(client))
            admission_note_offence(client->kind->front, &client->peer);
        break;
    case CLIENT_HANDLE:
    case CLIENT_CLOSED: UNREACHABLE();
    }
    client->kind->front->counters->timeouts++;
    client->kind->ops->abort(client, OUTCOME_TIMED_OUT);
}

/* ---- for admission ---- */

/* Enough time for a client on a fast network to send a head, to continue with content, or to receive the last
 * bytes of its response. */
#define SLOW_MS 1000

/* The client of an idle or lingering connection may still be receiving its last response; closing now could
 * lose it (see h1_connection_finish). A client that takes longer than SLOW_MS is closed all the same. */
static bool has_had_its_answer(const struct front_client *client, uint64_t age_ms)
{
    return age_ms >= SLOW_MS || !client->has_asked || bytes_left(client) == 0;
}

/* Whether the client has accepted nothing for a while, or receives at less than the minimum rate. Otherwise
 * its measurement restarts. */
static bool takes_slowly(struct front_client *client, uint64_t age_ms)
{
    if (age_ms < SLOW_MS)
        return false;
    if (client->kind->ops->send_idle_ms(client) >= SLOW_MS ||
        !has_taken_enough(client, bytes_left(client), age_ms))
        return true;
    begin_window(client);
    return false;
}

static bool lingers_for_nothing(struct front_client *client, uint64_t age_ms)
{
    if (client->window_bytes == 0)
        return age_ms >= SLOW_MS;
    if (bytes_left(client) > 0)
        return takes_slowly(client, age_ms);
    note_last_byte(client);
    return false;
}

bool timeouts_may_be_spared(struct front_client *client)
{
    uint64_t now = timeouts_now_ms(client);
    uint64_t age_ms = now - client->window_began_ms;
    switch ((enum client_state)client->state) {
    /* A client in IDLE that has an exchange is the one whose request needs the room: its state is chosen
     * afterwards. */
    case CLIENT_IDLE: return !client->kind->ops->is_busy(client) && has_had_its_answer(client, age_ms);
    case CLIENT_HANDSHAKE: return age_ms >= SLOW_MS;
    case CLIENT_HEAD: return !client->kind->ops->is_busy(client) && age_ms >= SLOW_MS;
    case CLIENT_BODY:
        return still_ms(client) >= SLOW_MS ||
               (age_ms >= SLOW_MS && client->window_bytes < least_bytes(client, age_ms));
    case CLIENT_SEND: return takes_slowly(client, age_ms);
    case CLIENT_LINGER: return lingers_for_nothing(client, age_ms);
    case CLIENT_HANDLE: return false;
    case CLIENT_CLOSED: break;
    }
    UNREACHABLE();
}

/* ---- new settings ---- */

/* As patient as both. */
static void timeouts_join(struct timeouts *timeouts, const struct timeouts *other)
{
    timeouts->head_ms = MAX(timeouts->head_ms, other->head_ms);
    timeouts->body_ms = MAX(timeouts->body_ms, other->body_ms);
    timeouts->idle_ms = MAX(timeouts->idle_ms, other->idle_ms);
    timeouts->write_ms = MAX(timeouts->write_ms, other->write_ms);
    timeouts->linger_ms = MAX(timeouts->linger_ms, other->linger_ms);
    timeouts->rate_bytes_min = MIN(timeouts->rate_bytes_min, other->rate_bytes_min);
}

static uint32_t longest_ms(const struct timeouts *timeouts)
{
    uint32_t asking_ms = MAX(MAX(timeouts->head_ms, timeouts->body_ms), timeouts->idle_ms);
    return MAX(asking_ms, MAX(timeouts->write_ms, timeouts->linger_ms));
}

/* With frequent changes of settings, waits from before several changes may be left. */
void timeouts_change(struct front *front, const struct timeouts *former)
{
    struct front_waits *waits = &front->waits;
    uint64_t now = loop_now_ms(front->loop);
    if (now >= waits->patient_until_ms)
        waits->patient = *former;
    timeouts_join(&waits->patient, former);
    timeouts_join(&waits->patient, &front_settings(front)->timeouts);
    waits->changed_ms = now;
    waits->patient_until_ms = now + longest_ms(&waits->patient);
}

void timeouts_fire(struct timer *timer)
{
    struct front_client *client = CONTAINER_OF(timer, struct front_client, timer);
    if (timeouts_now_ms(client) >= client->deadline_ms)
        expire(client);
    else
        timeouts_arm(client);
}
