/* HTTP/2 sessions. Read h2_session_on_request, then h2_session_on_closed: between these an exchange has an
 * open stream.
 *
 * The engine calls back inside h2_session_receive and h2_session_write. The last bytes of a closed stream may
 * be in an output that is still being sent and that refers to memory of the exchange: so the exchange ends
 * only when that is sent. */
#include "front/h2_session.h"

#include "front/trailers.h"
#include "serve/dispatch.h"
#include "serve/service.h"
#include "serve/tunnel.h"

#include <stdlib.h>

/* ---- content of requests ---- */

static struct h2_exchange *exchange_at(struct list *link)
{
    return h2_exchange_of(CONTAINER_OF(link, struct exchange, link));
}

/* Content is wanted for which the client awaits "100 Continue". */
static void send_continue(struct h2_exchange *h2)
{
    struct exchange *exchange = &h2->exchange;
    static const struct http_response response = {.status = 100, .no_length = true};
    if (LIKELY(!exchange->awaits_continue) || exchange->is_responded ||
        exchange_content_wanted(exchange) == 0)
        return;
    exchange->awaits_continue = false;
    if (h2->stream != 0)
        (void)!h2_send_interim(h2->session->engine, h2->stream, &response);
}

static void give_credit(struct h2_exchange *h2, size_t bytes)
{
    if (bytes > 0)
        h2_consume(h2->session->engine, h2->stream, bytes);
}

/* Writes to the sink as far as it has credit, which it may increase meanwhile; returns the rest. */
static struct slice h2_session_push(struct h2_exchange *h2, struct slice content)
{
    struct exchange *exchange = &h2->exchange;
    size_t length;
    while ((length = (size_t)MIN((uint64_t)content.length, exchange_content_wanted(exchange))) > 0) {
        if (exchange->sink) {
            exchange->sink->credit -= length;
            exchange->sink->type->write(exchange->sink, slice_take(content, length));
        }
        give_credit(h2, length);
        content = slice_skip(content, length);
    }
    return content;
}

/* Asks for the response, once. */
static void ask(struct h2_exchange *h2)
{
    h2->is_asked = true;
    dispatch_answer(&h2->exchange);
}

static void ask_for_refusal(struct h2_exchange *h2, int status)
{
    h2->is_asked = true;
    dispatch_refuse(&h2->exchange, status);
}

static void end_content(struct h2_exchange *h2)
{
    struct exchange *exchange = &h2->exchange;
    if (!h2->has_ended || h2->held || !exchange->has_content_left)
        return;
    exchange_end_content(exchange);
    if (!h2->is_asked)
        ask(h2);
}

/* Bytes of content that are still read after the response was given. Then the client is told to stop sending
 * (RFC 9113 section 8.1). If that were done at once, some clients, such as curl 7.88, would drop the
 * response. */
#define DISCARDED_BYTES_MAX (64u << 10)

/* Nobody wants what is left of the content: the request was answered, or its refusal is being made. */
static bool is_refused(const struct h2_exchange *h2)
{
    const struct exchange *exchange = &h2->exchange;
    bool is_decided = exchange->is_responded || (h2->is_asked && !exchange->streams_content);
    return is_decided && exchange->has_content_left && exchange->sink == NULL;
}

static void discard(struct h2_exchange *h2, size_t length)
{
    h2->discarded += length;
    give_credit(h2, length);
    if (h2->is_given && h2->discarded > DISCARDED_BYTES_MAX)
        h2_reset(h2->session->engine, h2->stream, H2_NO_ERROR);
}

/* Passes held content to the sink as far as it has credit. */
static void push_held(struct h2_exchange *h2)
{
    if (LIKELY(h2->held == NULL))
        return;
    if (is_refused(h2)) {
        size_t length = input_slice(h2->held).length;
        input_clear(&h2->held);
        discard(h2, length);
        return;
    }
    bool is_kept = input_set(&h2->held, h2_session_push(h2, input_slice(h2->held)));
    assert(is_kept); /* it only gets shorter */
}

static void h2_session_refuse(struct h2_exchange *h2, int status, enum outcome why)
{
    struct exchange *exchange = &h2->exchange;
    give_credit(h2, input_slice(h2->held).length);
    input_clear(&h2->held);
    if (exchange->streams_content)
        exchange_abort_content(exchange, why);
    if (!exchange->is_responded && !exchange->is_busy) {
        ask_for_refusal(h2, status);
        return;
    }
    if (!exchange->is_responded)
        exchange->outcome = (uint8_t)why;
    if (!h2->is_given || exchange->has_content_left)
        h2_reset(h2->session->engine, h2->stream, h2->is_given ? H2_NO_ERROR : H2_CANCEL);
}

/* What a client sends through a tunnel is no content, even before the tunnel is granted; its window bounds
 * it. */
static bool h2_session_is_too_long(const struct h2_exchange *h2)
{
    return h2->received > h2->session->all->limits.body_bytes &&
           h2->exchange.request.method != HTTP_METHOD_CONNECT;
}

/* Content beyond the sink's credit is held: at most a window, as the window is not reopened for it. */
static void on_content(void *owner, void *context, struct slice content)
{
    struct h2_session *session = owner;
    struct h2_exchange *h2 = context;
    if (session->all->on_content)
        session->all->on_content(session, content.length);
    h2->exchange.awaits_continue = false;
    h2->received += content.length;
    if (is_refused(h2)) {
        discard(h2, content.length);
        return;
    }
    if (UNLIKELY(h2_session_is_too_long(h2)) && h2->exchange.has_content_left && !h2->exchange.is_responded) {
        give_credit(h2, content.length);
        h2_session_refuse(h2, 413, OUTCOME_CLIENT_LEFT);
        return;
    }
    struct slice rest = h2->held ? content : h2_session_push(h2, content);
    if (rest.length > 0 && !input_add(&h2->held, rest)) {
        give_credit(h2, rest.length);
        h2_session_refuse(h2, 503, OUTCOME_OVERLOADED);
    }
}

/* Returns false after rejecting the request because of its trailers. */
static bool take_trailers(struct h2_exchange *h2, const struct h2_trailers *trailers)
{
    int status = trailers->reject_status;
    if (status == 0 && trailers_keep(&h2->exchange, trailers->fields, trailers->count) < 0)
        status = 503;
    if (status)
        h2_session_refuse(h2, status, status == 503 ? OUTCOME_OVERLOADED : OUTCOME_CLIENT_LEFT);
    return status == 0;
}

static void h2_session_on_end(void *owner, void *context, const struct h2_trailers *trailers)
{
    struct h2_exchange *h2 = context;
    (void)owner;
    h2->has_ended = true;
    if (trailers && h2->exchange.has_content_left && !take_trailers(h2, trailers))
        return;
    push_held(h2);
    end_content(h2);
}

/* ---- requests ---- */

/* As with HTTP/1: see h1_session_on_request in h1_session.c. */
static void answer(struct h2_exchange *h2)
{
    struct exchange *exchange = &h2->exchange;
    exchange->has_content_left = exchange->request.body != HTTP_BODY_NONE;
    if (!exchange->has_content_left) {
        ask(h2);
        return;
    }
    bool awaits_decision = exchange->request.expect_continue || http_request_is_extended(&exchange->request);
    if (awaits_decision && exchange->reject_status) {
        ask(h2);
        return;
    }
    exchange->awaits_continue = exchange->request.expect_continue;
    exchange->streams_content = dispatch_streams_content(exchange);
    if (exchange->streams_content)
        ask(h2);
    send_continue(h2);
}

/* If few exchanges are left in the pool they are reserved for connections without a request. */
static struct exchange *h2_session_begin_exchange(struct h2_session *session,
                                                  const struct h2_head_event *head)
{
    struct h2_sessions *all = session->all;
    if (session->exchange_count > 0 && exchange_pool_is_low(all->service))
        return NULL;
    return exchange_begin_copy(all->service, NULL, all->events, all->peer(session), &session->exchanges,
                               head->request, head->text);
}

static void *h2_session_on_request(void *owner, uint32_t stream, const struct h2_head_event *head)
{
    struct h2_session *session = owner;
    struct exchange *exchange = h2_session_begin_exchange(session, head);
    if (UNLIKELY(exchange == NULL))
        return NULL;
    struct h2_exchange *h2 = h2_exchange_of(exchange);
    exchange->owner = h2;
    h2_exchange_begin(h2, session, stream);
    session->exchange_count++;
    session->request_count++;
    h2_stalls_watch(session);
    if (session->all->on_request)
        session->all->on_request(session, exchange);
    if (UNLIKELY(session->all->requests_max && session->request_count >= session->all->requests_max))
        h2_drain(session->engine);
    if (UNLIKELY(head->reject_status)) {
        exchange->has_content_left = exchange->request.body != HTTP_BODY_NONE;
        ask_for_refusal(h2, head->reject_status);
        return h2;
    }
    dispatch_route(exchange);
    answer(h2);
    return h2;
}

/* Remembers where the response is in the output that is being written. */
static void note_output(struct h2_exchange *h2, size_t end, size_t content)
{
    struct h2_session *session = h2->session;
    if (h2->output != session->output_number) {
        h2->output = session->output_number;
        h2->output_bytes = 0;
    }
    h2->output_end = (uint32_t)end;
    h2->output_bytes += content;
}

/* Its bytes may still be in an output: see h2_session_end_sent. */
static void h2_session_on_closed(void *owner, void *context)
{
    struct h2_session *session = owner;
    struct h2_exchange *h2 = context;
    struct exchange *exchange = &h2->exchange;
    give_credit(h2, input_slice(h2->held).length);
    input_clear(&h2->held);
    h2->stream = 0;
    if (session->output)
        note_output(h2, session->output->bytes, 0);
    exchange->is_sent = h2->is_given;
    if (!exchange->is_sent && exchange->outcome == OUTCOME_COMPLETE)
        exchange->outcome = OUTCOME_CLIENT_LEFT;
    session->exchange_count--;
    list_remove(&exchange->link);
    list_append(&session->sent, &exchange->link);
}

static enum h2_pulled pull(void *owner, void *context, char *room, size_t bytes_max,
                           struct h2_piece *ret_piece)
{
    const struct h2_session *session = owner;
    enum h2_pulled pulled = h2_exchange_pull(context, room, bytes_max, ret_piece);
    size_t length = ret_piece->bytes.length;
    if (pulled == H2_PULLED)
        note_output(context, session->output->bytes + H2_FRAME_HEAD_BYTES + length, length);
    return pulled;
}

static const struct h2_events engine_events = {
    .on_request = h2_session_on_request,
    .on_content = on_content,
    .on_end = h2_session_on_end,
    .on_closed = h2_session_on_closed,
    .pull = pull,
};

/* The other side of a tunnel was cut: what the client has not taken so far is not waited for. */
static void reset_cut_tunnel(struct h2_exchange *h2)
{
    const struct tunnel *tunnel = h2->exchange.tunnel;
    if (LIKELY(tunnel == NULL) || !tunnel->is_cut || h2->is_given || h2->waits || h2->stream == 0)
        return;
    h2_reset(h2->session->engine, h2->stream, H2_INTERNAL_ERROR);
}

void h2_session_on_progress(void *owner)
{
    struct h2_exchange *h2 = owner;
    struct h2_session *session = h2->session;
    reset_cut_tunnel(h2);
    if (h2->waits) {
        h2->waits = false;
        h2_resume(session->engine, h2->stream);
    }
    push_held(h2);
    end_content(h2);
    send_continue(h2);
    if (!session->is_inside && session->all->on_progress)
        session->all->on_progress(session);
}

/* ---- sessions ---- */

static bool h2_session_prepare(struct h2_sessions *all)
{
    if (all->engines == NULL)
        all->engines = h2_shared_create(&all->limits, &engine_events);
    return all->engines != NULL;
}

void h2_sessions_finish(struct h2_sessions *all)
{
    h2_shared_destroy(all->engines);
    all->engines = NULL;
}

struct h2_session *h2_session_create(struct h2_sessions *all, void *owner)
{
    struct h2_session *session = h2_session_prepare(all) ? calloc(1, sizeof(*session)) : NULL;
    if (session == NULL)
        return NULL;
    session->all = all;
    session->owner = owner;
    list_init(&session->exchanges);
    list_init(&session->sent);
    h2_stalls_init(session);
    session->engine = h2_create(all->engines, session);
    if (session->engine)
        return session;
    free(session);
    return NULL;
}

static void end_exchange(struct exchange *exchange)
{
    list_remove(&exchange->link);
    input_clear(&h2_exchange_of(exchange)->held);
    dispatch_end(exchange);
}

void h2_session_end_sent(struct h2_session *session)
{
    while (!list_is_empty(&session->sent))
        end_exchange(CONTAINER_OF(session->sent.next, struct exchange, link));
}

void h2_session_destroy(struct h2_session *session, enum outcome why)
{
    if (session == NULL)
        return;
    h2_session_end_sent(session);
    while (!list_is_empty(&session->exchanges)) {
        struct exchange *exchange = CONTAINER_OF(session->exchanges.next, struct exchange, link);
        h2_exchange_of(exchange)->stream = 0;
        if (exchange->outcome == OUTCOME_COMPLETE)
            exchange->outcome = (uint8_t)why;
        end_exchange(exchange);
    }
    h2_stalls_finish(session);
    h2_destroy(session->engine);
    free(session);
}

bool h2_session_upgrade(struct h2_session *session, struct slice settings, const struct http_request *request,
                        struct slice text)
{
    struct h2_head_event head = {.request = request, .text = text};
    session->is_inside = true;
    bool is_begun = h2_upgrade(session->engine, settings, &head, loop_now_ms(session->all->service->loop));
    session->is_inside = false;
    return is_begun;
}

bool h2_session_overtakes(struct h2_session *session, struct slice bytes, uint64_t turn)
{
    bool is_again = session->read_turn == (uint32_t)turn;
    session->read_turn = (uint32_t)turn;
    return is_again || !h2_is_one_head(bytes);
}

bool h2_session_receive(struct h2_session *session, struct slice bytes)
{
    session->is_inside = true;
    bool accepts_more = h2_receive(session->engine, bytes, loop_now_ms(session->all->service->loop));
    session->is_inside = false;
    return accepts_more;
}

enum h2_written h2_session_write(struct h2_session *session, struct h2_output *output)
{
    session->is_inside = true;
    session->output = output;
    session->output_number++;
    enum h2_written written = h2_write(session->engine, output);
    session->output = NULL;
    session->output_bytes = output->bytes;
    session->is_inside = false;
    return written;
}

static void lose_behind(const struct h2_session *session, struct list *exchanges, size_t sent,
                        enum outcome why)
{
    LIST_FOREACH(link, exchanges) {
        struct h2_exchange *h2 = exchange_at(link);
        if (h2->output != session->output_number || h2->output_end <= sent)
            continue;
        h2->exchange.given_bytes -= MIN(h2->output_bytes, h2->output_end - sent);
        if (h2->exchange.outcome == OUTCOME_COMPLETE)
            h2->exchange.outcome = (uint8_t)why;
    }
}

void h2_session_lose(struct h2_session *session, uint64_t bytes, enum outcome why)
{
    size_t sent = session->output_bytes - (size_t)MIN(bytes, (uint64_t)session->output_bytes);
    if (bytes == 0)
        return;
    lose_behind(session, &session->sent, sent, why);
    lose_behind(session, &session->exchanges, sent, why);
}

bool h2_exchange_waits_for_content(const struct h2_exchange *h2)
{
    const struct exchange *exchange = &h2->exchange;
    if (UNLIKELY(h2_exchange_is_tunnel(h2)))
        return false;
    return exchange->has_content_left && (is_refused(h2) || exchange_content_wanted(exchange) > 0);
}

void h2_session_refuse_late(struct h2_session *session)
{
    session->is_inside = true;
    LIST_FOREACH_SAFE(link, &session->exchanges) {
        struct h2_exchange *h2 = exchange_at(link);
        if (h2_exchange_waits_for_content(h2))
            h2_session_refuse(h2, 408, OUTCOME_TIMED_OUT);
    }
    session->is_inside = false;
}

void h2_session_give_up(struct h2_exchange *h2)
{
    struct h2_session *session = h2->session;
    session->is_inside = true;
    if (h2->watch.stage == H2_STAGE_SEND) {
        h2_session_refuse(h2, 408, OUTCOME_TIMED_OUT);
    } else {
        h2->exchange.outcome = OUTCOME_TIMED_OUT;
        h2_reset(session->engine, h2->stream, H2_CANCEL);
    }
    session->is_inside = false;
}

static bool awaits_window(const struct h2_exchange *h2)
{
    return h2->exchange.is_responded && !h2->is_given && !h2->waits && !h2_exchange_is_open_tunnel(h2);
}

/* A tunnel whose client has not ended its side: its FIN cuts it off. */
static bool is_cut_tunnel(const struct h2_exchange *h2)
{
    return h2_exchange_is_tunnel(h2) && h2->exchange.has_content_left;
}

bool h2_session_give_up_waiting(struct h2_session *session)
{
    bool has_any = false;
    session->is_inside = true;
    LIST_FOREACH(link, &session->exchanges) {
        struct h2_exchange *h2 = exchange_at(link);
        if (!awaits_window(h2) && !h2_exchange_waits_for_content(h2) && !is_cut_tunnel(h2))
            continue;
        has_any = true;
        h2_reset(session->engine, h2->stream, h2->is_given ? H2_NO_ERROR : H2_CANCEL);
    }
    session->is_inside = false;
    return has_any;
}

/* Once one waits for the client, the others need not be checked. */
struct h2_session_waits h2_session_waits(const struct h2_session *session)
{
    struct h2_session_waits waits = {0};
    const struct list *exchanges = &session->exchanges;
    for (struct list *link = exchanges->next; link != exchanges && !waits.for_client; link = link->next) {
        const struct h2_exchange *h2 = exchange_at(link);
        waits.for_client |= awaits_window(h2);
        waits.for_content |= h2_exchange_waits_for_content(h2);
        waits.for_handler |= !h2->exchange.is_responded || h2->waits || h2_exchange_is_tunnel(h2);
    }
    return waits;
}

void h2_session_drain_tunnels(struct h2_session *session)
{
    LIST_FOREACH(link, &session->exchanges) {
        struct h2_exchange *h2 = exchange_at(link);
        if (h2_exchange_is_tunnel(h2))
            tunnel_drain(h2->exchange.tunnel);
    }
}

const char *h2_session_validate(const struct h2_session *session)
{
    uint32_t count = 0;
    LIST_FOREACH(link, (struct list *)&session->exchanges) {
        const struct h2_exchange *h2 = h2_exchange_of(CONTAINER_OF(link, struct exchange, link));
        if (h2->session != session || h2->exchange.owner != h2)
            return "a connection has the exchange of another";
        if (h2->stream == 0)
            return "an exchange whose stream has ended is in the list of active ones";
        count++;
    }
    return count == session->exchange_count ? NULL : "not as many exchanges are counted as there are";
}
