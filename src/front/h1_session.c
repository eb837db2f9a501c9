/* Sessions. Read h1_session_parse_requests first. */
#include "front/h1_session.h"

#include "front/h1_exchange.h"
#include "front/trailers.h"
#include "serve/dispatch.h"
#include "serve/service.h"

/* Most content of responses that are collected before they are sent. */
#define BATCH_BYTES (64u << 10)

/* Requests that each session may answer even if the turn has no time left. */
#define TURN_REQUESTS_MIN 8

void h1_session_init(struct h1_session *session, struct h1_sessions *all)
{
    *session = (struct h1_session){0};
    h1_init(&session->engine, &all->limits);
    list_init(&session->exchanges);
}

/* Whether the next byte would begin a new request. */
static bool is_between_requests(const struct h1_session *session)
{
    return session->engine.state == H1_STATE_HEAD;
}

static bool has_spare(struct h1_session *session)
{
    bool is_there = exchange_has_spare(h1_session_all(session)->service);
    session->failure = is_there ? session->failure : OUTCOME_OVERLOADED;
    return is_there;
}

/* Takes the exchange that the head was parsed into, or one for a request that could not be parsed. */
static struct exchange *take_spare(struct h1_session *session)
{
    const struct h1_sessions *all = h1_session_all(session);
    struct exchange *exchange =
        exchange_begin(all->service, session, all->events, all->peer(session), &session->exchanges);
    h1_exchange_begin(exchange);
    return exchange;
}

static struct exchange *h1_session_begin_exchange(struct h1_session *session)
{
    struct exchange *exchange = take_spare(session);
    session->request_count++;
    exchange->closes = session->client_said_close = !exchange->request.keep_alive;
    if (h1_session_all(session)->on_request)
        h1_session_all(session)->on_request(session, exchange);
    return exchange;
}

void h1_session_note_response(struct h1_session *session)
{
    const struct exchange *last = h1_session_last(session);
    if (last && UNLIKELY(last->closes) && last->is_responded)
        session->is_closing = true;
}

/* A request without content is answered at once. With content, a streaming handler is called at once, any
 * other when the content was read to its end, so that exceeding a limit or a timeout can still be answered. A
 * client with "Expect: 100-continue" gets 100 when the content is wanted, or the error if the request is
 * rejected. In that case the connection must be closed, since it is not certain whether the client sends the
 * content (RFC 9110 section 10.1.1). */
static void h1_session_on_request(struct h1_session *session)
{
    struct exchange *exchange = h1_session_begin_exchange(session);
    dispatch_route(exchange);
    if (exchange->request.body == HTTP_BODY_NONE) {
        h1_skip_end(&session->engine);
        dispatch_answer(exchange);
        return;
    }
    if (exchange->request.expect_continue && exchange->reject_status) {
        session->is_closing = exchange->closes = true;
        dispatch_answer(exchange);
        return;
    }
    exchange->has_content_left = true;
    exchange->awaits_continue = exchange->request.expect_continue;
    exchange->streams_content = dispatch_streams_content(exchange);
    if (exchange->streams_content)
        dispatch_answer(exchange);
    else if (exchange_keep(exchange) < 0)
        session->failure = OUTCOME_OVERLOADED;
}

static void take_content(struct h1_session *session, struct slice content)
{
    struct exchange *exchange = h1_session_last(session);
    if (h1_session_all(session)->on_content)
        h1_session_all(session)->on_content(session, content.length);
    exchange->awaits_continue = false;
    if (exchange->sink == NULL)
        return;
    exchange->sink->credit -= content.length;
    exchange->sink->type->write(exchange->sink, content);
    h1_session_note_response(session);
}

/* Gives up the content of the current request. Returns true if nothing else is to be done, because there is
 * no request to answer or it has a response or a job already. */
static bool give_up_content(struct h1_session *session, enum outcome why)
{
    struct exchange *exchange = h1_session_last(session);
    if (exchange == NULL || !exchange->streams_content || !exchange->has_content_left)
        return false;
    exchange_abort_content(exchange, why);
    if (exchange->is_busy && !exchange->is_responded)
        session->failure = (uint8_t)why;
    h1_session_note_response(session);
    return exchange->is_responded || exchange->is_busy;
}

void h1_session_refuse(struct h1_session *session, int status, enum outcome why)
{
    if (give_up_content(session, why))
        return;
    struct exchange *exchange = h1_session_last(session);
    if (exchange == NULL || exchange->is_responded) {
        if (!has_spare(session))
            return;
        exchange = take_spare(session);
    }
    assert(!exchange->is_busy);
    session->is_closing = exchange->closes = true;
    session->client_said_close = false;
    dispatch_refuse(exchange, status);
}

/* The request is complete. If it had content, its exchange has been waiting for this. */
static void on_request_end(struct h1_session *session, struct slice trailers)
{
    struct exchange *exchange = h1_session_last(session);
    if (exchange == NULL || !exchange->has_content_left)
        return;
    int reject_status = trailers_keep_section(exchange, trailers, h1_session_all(session)->limits.fields);
    if (UNLIKELY(reject_status)) {
        h1_session_refuse(session, reject_status, OUTCOME_CLIENT_LEFT);
        return;
    }
    exchange_end_content(exchange);
    if (!exchange->streams_content)
        dispatch_answer(exchange);
    h1_session_note_response(session);
}

/* Whether the next request has to wait. */
static bool is_blocked(const struct h1_session *session)
{
    const struct exchange *last = h1_session_last(session);
    return session->is_waiting || (last && !last->is_responded);
}

/* Responses that were given at once and will be sent together. */
struct answered {
    unsigned count;
    uint64_t bytes;
};

/* Whether this batch may have another request. If few exchanges are left in the pool they are reserved for
 * connections without a request. */
static bool may_begin(const struct h1_session *session, const struct answered *answered)
{
    const struct h1_sessions *all = h1_session_all(session);
    if (is_blocked(session) || answered->count == all->batch_max || answered->bytes >= BATCH_BYTES)
        return false;
    bool is_asked = all->shares_turns && answered->count > 0 && answered->count % TURN_REQUESTS_MIN == 0;
    if (is_asked && !loop_has_time(all->service->loop))
        return false;
    return list_is_empty(&session->exchanges) || !exchange_pool_is_low(all->service);
}

static void count_answered(struct answered *answered, const struct exchange *exchange)
{
    answered->count++;
    bool has_length =
        exchange && !exchange->has_no_content && exchange->response.content_length != HTTP_LENGTH_UNKNOWN;
    answered->bytes += has_length ? exchange->response.content_length : 0;
}

uint64_t h1_session_content_wanted(const struct h1_session *session)
{
    bool is_wanted = h1_session_is_inside_content(session) && !session->is_closing;
    return is_wanted ? exchange_content_wanted(h1_session_last(session)) : 0;
}

/* Clears the rest of an incomplete head: the spare is shared by all sessions, and the bytes that it points
 * into become invalid. */
static void forget(struct http_request *request)
{
    if (UNLIKELY(request->method_text.data != NULL))
        http_request_clear(request);
}

/* Returns the engine's next event. A head is parsed into `request`; NULL inside a message. */
static enum h1_event h1_session_next_event(struct h1_session *session, struct slice *input,
                                           struct http_request *request, struct slice *ret_content)
{
    struct h1_recent_head *recent = &h1_session_all(session)->recent_head;
    if (request && h1_recent_head_take(recent, &session->engine, input, request))
        return H1_REQUEST;
    enum h1_event event = h1_next_within(&session->engine, input, request, recent,
                                         h1_session_content_wanted(session), ret_content);
    if (event == H1_REQUEST)
        h1_recent_head_note(recent, &session->engine, request, input->data);
    return event;
}

static enum h1_session_parsed h1_session_parse_requests(struct h1_session *session, struct slice *input)
{
    struct service *service = h1_session_all(session)->service;
    struct answered answered = {0};
    h1_session_note_response(session);
    for (;;) {
        struct http_request *request = NULL;
        if (session->is_closing || session->failure)
            return H1_SESSION_PAUSED;
        if (is_between_requests(session)) {
            if (input->length == 0)
                return H1_SESSION_STARVED;
            if (!may_begin(session, &answered) || !has_spare(session))
                return H1_SESSION_PAUSED;
            request = &service->spare->request;
        }
        struct slice content;
        switch (h1_session_next_event(session, input, request, &content)) {
        case H1_MORE:
            if (request)
                forget(request);
            return H1_SESSION_STARVED;
        case H1_REQUEST:
            h1_session_on_request(session);
            h1_session_note_response(session);
            count_answered(&answered, h1_session_last(session));
            break;
        case H1_CONTENT: take_content(session, content); break;
        case H1_FULL: return H1_SESSION_PAUSED;
        case H1_END: on_request_end(session, content); break;
        case H1_ERROR: h1_session_refuse(session, session->engine.status, OUTCOME_CLIENT_LEFT); break;
        }
    }
}

enum h1_session_parsed h1_session_parse(struct h1_session *session, struct slice *input)
{
    enum h1_session_parsed parsed = h1_session_parse_requests(session, input);
    /* Closing with bytes unread could destroy the last response: see h1_session_is_read_whole. */
    if (UNLIKELY(input->length > 0))
        session->client_said_close = false;
    return parsed;
}

bool h1_session_keep(struct h1_session *session, struct slice rest)
{
    return exchange_keep_all(&session->exchanges) == 0 && input_set(&session->input, rest);
}

static void drop_exchange(struct exchange *exchange)
{
    list_remove(&exchange->link);
    dispatch_end(exchange);
}

void h1_session_drop(struct h1_session *session)
{
    while (!list_is_empty(&session->exchanges))
        drop_exchange(CONTAINER_OF(session->exchanges.next, struct exchange, link));
}

void h1_session_end(struct h1_session *session)
{
    if (!h1_session_is_inside_content(session) || session->is_closing)
        return;
    struct exchange *exchange = h1_session_last(session);
    if (exchange->is_responded) {
        exchange_abort_content(exchange, OUTCOME_CLIENT_LEFT);
        h1_session_note_response(session);
        return;
    }
    exchange->outcome = OUTCOME_CLIENT_LEFT;
    drop_exchange(exchange);
    exchange = h1_session_last(session);
    if (exchange)
        session->is_closing = exchange->closes = true;
}

bool h1_session_is_read_whole(const struct h1_session *session)
{
    return session->client_said_close && session->engine.state != H1_STATE_DEAD &&
           !h1_session_is_inside_content(session);
}

/* Several exchanges may hold the file, some of them with another response, such as an error. */
bool h1_session_may_send_file(const struct h1_session *session, const struct segment *segment)
{
    bool is_found = false;
    LIST_FOREACH(link, &session->exchanges) {
        const struct exchange *exchange = CONTAINER_OF(link, struct exchange, link);
        if (exchange->source == NULL || exchange->file == NULL || exchange->file->fd != segment->fd)
            continue;
        if (!source_is_unchanged(exchange->source))
            return false;
        is_found = true;
    }
    assert(is_found);
    return is_found;
}
