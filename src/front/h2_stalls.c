/* The session has one timer, which is armed while there are streams; requests do not touch it. A response may
 * have to wait for others because of priorities or the connection's window, which is not a stall. So a stream
 * counts as stalled only while its own window is closed. */
#include "front/h2_stalls.h"

#include "front/h2_session.h"
#include "serve/service.h"

/* Checks per (shorter) timeout. A stalled stream is found later than a stalled connection by one such
 * interval. */
#define LOOKS_IN_LIMIT 4

static const struct timeouts *h2_stalls_timeouts(const struct h2_session *session)
{
    return &service_settings(session->all->service)->timeouts;
}

static enum h2_stage stage_of(const struct h2_exchange *h2)
{
    const struct h2 *engine = h2->session->engine;
    if (h2_exchange_is_open_tunnel(h2))
        return H2_STAGE_OURS;
    if (h2->exchange.is_responded && !h2->is_given && !h2->waits && h2_awaits_window(engine, h2->stream))
        return H2_STAGE_TAKE;
    if (h2_exchange_waits_for_content(h2) && h2_offers_window(engine, h2->stream))
        return H2_STAGE_SEND;
    return H2_STAGE_OURS;
}

static uint64_t bytes_of(const struct h2_exchange *h2, enum h2_stage stage)
{
    return stage == H2_STAGE_SEND ? h2->received : h2->exchange.given_bytes;
}

static void h2_stalls_begin(struct h2_exchange *h2, enum h2_stage stage, uint64_t now)
{
    const struct timeouts *timeouts = h2_stalls_timeouts(h2->session);
    h2->watch = (struct h2_watch){
        .bytes = bytes_of(h2, stage),
        .began_ms = now,
        .limit_ms = stage == H2_STAGE_SEND ? timeouts->body_ms : timeouts->write_ms,
        .rate_bytes_min = timeouts->rate_bytes_min,
        .requests = h2->session->request_count,
        .output = h2->session->output_number,
        .stage = (uint8_t)stage,
    };
}

/* Newer settings can only extend the limit, never shorten it. */
static bool is_given_longer(struct h2_exchange *h2)
{
    const struct timeouts *timeouts = h2_stalls_timeouts(h2->session);
    struct h2_watch *watch = &h2->watch;
    uint32_t limit_ms = watch->stage == H2_STAGE_SEND ? timeouts->body_ms : timeouts->write_ms;
    bool is_longer = limit_ms > watch->limit_ms;
    watch->limit_ms = MAX(watch->limit_ms, limit_ms);
    watch->rate_bytes_min = MIN(watch->rate_bytes_min, timeouts->rate_bytes_min);
    return is_longer;
}

/* The window that was opened for the client's content is told in the output behind the latest one of that
 * time, and nobody knows more of a window than the socket has taken. */
static bool may_not_know_its_window(const struct h2_exchange *h2)
{
    const struct h2_session *session = h2->session;
    bool is_behind = session->output_number - h2->watch.output <= 1;
    return is_behind && session->all->is_sending && session->all->is_sending(session);
}

/* Whether the client's time is up and it did too little. */
static bool is_stalled(struct h2_exchange *h2, uint64_t now)
{
    enum h2_stage stage = stage_of(h2);
    struct h2_watch *watch = &h2->watch;
    if (stage != watch->stage || stage == H2_STAGE_OURS) {
        h2_stalls_begin(h2, stage, now);
        return false;
    }
    if (stage == H2_STAGE_SEND && may_not_know_its_window(h2)) {
        watch->began_ms = now;
        return false;
    }
    if (now - watch->began_ms < watch->limit_ms)
        return false;
    if (is_given_longer(h2))
        return false;
    uint64_t least = (uint64_t)watch->rate_bytes_min * watch->limit_ms / 1000;
    if (bytes_of(h2, stage) - watch->bytes < MAX(least, UINT64_C(1)))
        return true;
    h2_stalls_begin(h2, stage, now);
    return false;
}

static void h2_stalls_end(struct h2_exchange *h2)
{
    const struct service *service = h2->session->all->service;
    const struct h2_watch *watch = &h2->watch;
    bool takes = watch->stage == H2_STAGE_TAKE;
    service->counters->timeouts++;
    log_info(service->log, "HTTP/2: stream %u ends: its client %s, %llu bytes in %g s (timeouts.%s)",
             (unsigned)h2->stream,
             takes ? "gives too little window for the response" : "sends its content too slowly",
             (unsigned long long)(bytes_of(h2, (enum h2_stage)watch->stage) - watch->bytes),
             watch->limit_ms / 1000.0, takes ? "write" : "body");
    h2_session_give_up(h2);
}

static uint32_t h2_stalls_count(struct h2_session *session)
{
    uint64_t now = loop_now_ms(session->all->service->loop);
    uint32_t count = 0;
    LIST_FOREACH(link, &session->exchanges) {
        struct h2_exchange *h2 = h2_exchange_of(CONTAINER_OF(link, struct exchange, link));
        h2->watch.is_stalled = is_stalled(h2, now);
        count += h2->watch.is_stalled;
    }
    return count;
}

/* Whether nothing has moved on the connection for a whole timeout: no new request, and no response got a
 * window. */
static bool is_all_stalled(const struct h2_session *session)
{
    LIST_FOREACH(link, &session->exchanges) {
        const struct h2_watch *watch = &h2_exchange_of(CONTAINER_OF(link, struct exchange, link))->watch;
        if (!watch->is_stalled || watch->stage != H2_STAGE_TAKE || watch->requests != session->request_count)
            return false;
    }
    return true;
}

static void h2_stalls_end_all(struct h2_session *session)
{
    LIST_FOREACH_SAFE(link, &session->exchanges) {
        struct h2_exchange *h2 = h2_exchange_of(CONTAINER_OF(link, struct exchange, link));
        if (h2->watch.is_stalled)
            h2_stalls_end(h2);
    }
}

static uint64_t interval_ms(const struct h2_session *session)
{
    const struct timeouts *timeouts = h2_stalls_timeouts(session);
    return MAX(MIN(timeouts->body_ms, timeouts->write_ms) / LOOKS_IN_LIMIT, UINT32_C(1));
}

static void h2_stalls_arm(struct h2_session *session)
{
    wheel_arm(loop_wheel(session->all->service->loop), &session->stalls, interval_ms(session));
}

static void h2_stalls_on_time(struct timer *timer)
{
    struct h2_session *session = CONTAINER_OF(timer, struct h2_session, stalls);
    uint32_t count = h2_stalls_count(session);
    if (count > 0 && session->all->on_stalled && is_all_stalled(session)) {
        session->all->on_stalled(session);
        return;
    }
    h2_stalls_end_all(session);
    if (!list_is_empty(&session->exchanges))
        h2_stalls_arm(session);
    if (count > 0 && session->all->on_progress)
        session->all->on_progress(session);
}

void h2_stalls_init(struct h2_session *session)
{
    timer_init(&session->stalls, h2_stalls_on_time);
}

void h2_stalls_watch(struct h2_session *session)
{
    if (UNLIKELY(!timer_is_armed(&session->stalls)))
        h2_stalls_arm(session);
}

void h2_stalls_finish(struct h2_session *session)
{
    timer_disarm(&session->stalls);
}
