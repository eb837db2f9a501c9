/* Read go_on first: parse, answer, gather what is to be sent, again as long as that gets on. It is what
 * front/connection.c and front/h1_output.c do, less their timers and states: the models wait, not the
 * session.
 */
#include "lab/session.h"

#include "front/h1_exchange.h"
#include "lab/site_internal.h"
#include "serve/dispatch.h"

#include <stdlib.h>
#include <time.h>

/* Requests that are answered before what was answered is sent. */
#define PIPELINE_BATCH 16

/* Some more than PIPELINE_BATCH small responses have. */
#define OUTPUT_SEGMENTS_MAX 32

/* Whoever sends more than this to a server that said farewell does not listen. */
#define LINGER_BYTES_MAX (1u << 20)

struct lab_output {
    size_t first; /* that is not sent whole */
    size_t count;
    struct segment segments[OUTPUT_SEGMENTS_MAX];
};

static const struct exchange_events exchange_events;

/* The access log asks for it, and the lab has none. */
static const struct peer nobody;

void lab_session_init(struct lab_session *session, struct lab_site *site)
{
    *session = (struct lab_session){.site = site, .need = LAB_NEEDS_BYTES};
    h1_init(&session->engine, &site->server->front.h1_limits);
    list_init(&session->exchanges);
}

static struct exchange *first_exchange(const struct lab_session *session)
{
    return CONTAINER_OF(session->exchanges.next, struct exchange, link);
}

static struct exchange *last_exchange(const struct lab_session *session)
{
    return list_is_empty(&session->exchanges)
               ? NULL
               : CONTAINER_OF(session->exchanges.previous, struct exchange, link);
}

static void drop_exchange(struct exchange *exchange)
{
    bool has_job = exchange->is_busy;
    list_remove(&exchange->link);
    dispatch_end(exchange);
    /* Not before its job came back, which nobody will do. */
    if (has_job)
        exchange->job.done(&exchange->job);
}

static void free_output(struct lab_session *session)
{
    free(session->output);
    session->output = NULL;
}

void lab_session_finish(struct lab_session *session)
{
    lab_site_enter(session->site);
    while (!list_is_empty(&session->exchanges))
        drop_exchange(first_exchange(session));
    lab_site_leave(session->site);
    free_output(session);
    free(session->input);
    session->input = NULL;
}

/* ---- requests ---- */

static struct exchange *begin_exchange(struct lab_session *session)
{
    return exchange_begin(&session->site->server->service, session, &exchange_events, &nobody,
                          &session->exchanges);
}

static void block(void *context)
{
    (void)context;
    struct timespec duration = {.tv_nsec = LAB_BLOCK_MS * 1000000L};
    while (nanosleep(&duration, &duration) < 0) {
    }
}

static bool is_to_block(const struct exchange *exchange)
{
    return exchange->route_entry && slice_equal(exchange->route_entry->route->prefix, SLICE(LAB_BLOCK_PATH));
}

static void answer_after_block(void *context)
{
    dispatch_answer(context);
}

static void answer(struct exchange *exchange)
{
    if (!is_to_block(exchange))
        dispatch_answer(exchange);
    else if (exchange_offload(exchange, &files_of(exchange)->listings, block, answer_after_block, exchange) <
             0)
        exchange_fail(exchange, 503);
}

/* The rules are those of on_request in front/connection.c. */
static bool on_request(struct lab_session *session)
{
    struct exchange *exchange = begin_exchange(session);
    exchange->closes = session->client_said_close = !exchange->request.keep_alive;
    dispatch_route(exchange);
    if (exchange->request.body == HTTP_BODY_NONE) {
        answer(exchange);
    } else if (exchange->request.expect_continue && exchange->reject_status) {
        exchange->closes = true;
        answer(exchange);
    } else {
        exchange->sends_continue = exchange->request.expect_continue;
        return exchange_keep(exchange) == 0;
    }
    session->is_closing |= exchange->closes;
    return true;
}

/* Where the request had content, its exchange has been waiting for this. */
static void on_request_end(struct lab_session *session)
{
    struct exchange *exchange = last_exchange(session);
    if (exchange == NULL || exchange->is_responded || exchange->is_busy)
        return;
    answer(exchange);
    session->is_closing |= exchange->closes;
}

static void on_error(struct lab_session *session)
{
    struct exchange *exchange = last_exchange(session);
    if (exchange == NULL || exchange->is_responded)
        exchange = begin_exchange(session);
    session->is_closing = exchange->closes = true;
    session->client_said_close = false;
    dispatch_refuse(exchange, session->engine.status);
}

static bool is_between_requests(const struct lab_session *session)
{
    return session->engine.state == H1_STATE_HEAD;
}

/* No request is begun before what was answered is sent, nor while the one before it is not answered, nor
 * while others have more need of an exchange. */
static bool may_begin(const struct lab_session *session, unsigned begun)
{
    const struct exchange *last = last_exchange(session);
    if (begun == 0 || last == NULL)
        return last == NULL;
    return last->is_responded && begun < PIPELINE_BATCH &&
           !exchange_pool_is_low(&session->site->server->service);
}

enum parse_result {
    PARSE_STARVED, /* nothing more to do without more bytes */
    PARSE_PAUSED,  /* there may be more, but what was answered must be sent first */
    PARSE_FAILED,  /* for want of memory */
};

static enum parse_result parse(struct lab_session *session, struct slice *input)
{
    struct service *service = &session->site->server->service;
    unsigned begun = 0;
    for (;;) {
        if (session->is_closing || (is_between_requests(session) && !may_begin(session, begun)))
            return PARSE_PAUSED;
        if (!exchange_has_spare(service))
            return PARSE_FAILED;
        struct slice content;
        switch (h1_next(&session->engine, input, &service->spare->request, &content)) {
        case H1_MORE: http_request_clear(&service->spare->request); return PARSE_STARVED;
        case H1_REQUEST:
            begun++;
            if (!on_request(session))
                return PARSE_FAILED;
            break;
        case H1_CONTENT: break;
        case H1_END: on_request_end(session); break;
        case H1_ERROR: on_error(session); break;
        }
    }
}

/* ---- responses ---- */

static bool has_job(const struct lab_session *session)
{
    LIST_FOREACH(link, &session->exchanges) {
        if (CONTAINER_OF(link, struct exchange, link)->is_busy)
            return true;
    }
    return false;
}

/* Fills the output; returns what is needed once it is sent. */
static enum lab_need gather(struct lab_session *session, struct lab_output *output)
{
    struct h1_output gathered = {.segments = output->segments, .count_max = OUTPUT_SEGMENTS_MAX};
    enum h1_gathered result = h1_exchange_gather(&session->exchanges, &gathered);
    output->first = 0;
    output->count = gathered.count;
    switch (result) {
    case H1_GATHERED_ALL: return LAB_NEEDS_BYTES;
    case H1_GATHERED_FULL: return LAB_NEEDS_ROOM;
    case H1_GATHERED_WAIT: return has_job(session) ? LAB_NEEDS_WORK : LAB_NEEDS_BYTES;
    case H1_GATHERED_LAST:
    case H1_GATHERED_CUT: session->is_closing = true; return LAB_NEEDS_SHUTDOWN;
    }
    UNREACHABLE();
}

/* A client that says "close" and whose every byte was read sends nothing more: closing is safe. */
static enum lab_need farewell(const struct lab_session *session)
{
    enum h1_state state = (enum h1_state)session->engine.state;
    bool was_read_whole = (state == H1_STATE_HEAD || state == H1_STATE_END) && session->input_length == 0;
    return session->client_said_close && was_read_whole ? LAB_NEEDS_CLOSE : LAB_NEEDS_SHUTDOWN;
}

/* ---- getting on ---- */

/* Parses and answers until something is needed of the outside. */
static enum lab_need go_on(struct lab_session *session, struct slice *input)
{
    struct lab_output output;
    for (;;) {
        enum parse_result parsed = parse(session, input);
        if (parsed == PARSE_FAILED)
            return LAB_NEEDS_CLOSE;
        enum lab_need need = gather(session, &output);
        if (output.count > 0)
            break;
        /* Responses that had no byte left. */
        if (dispatch_end_sent(&session->exchanges))
            return farewell(session);
        if (need != LAB_NEEDS_BYTES || parsed == PARSE_STARVED)
            return need;
    }
    size_t size = offsetof(struct lab_output, segments[0]) + output.count * sizeof(struct segment);
    session->output = malloc(size);
    if (session->output == NULL)
        return LAB_NEEDS_CLOSE;
    memcpy(session->output, &output, size);
    return LAB_NEEDS_ROOM;
}

/* What was not parsed outlives the bytes that were lent. */
static bool keep_input(struct lab_session *session, struct slice rest)
{
    if (rest.length == session->input_length && rest.data == session->input)
        return true;
    char *input = NULL;
    if (rest.length > 0) {
        input = malloc(rest.length);
        if (input == NULL)
            return false;
        memcpy(input, rest.data, rest.length);
    }
    free(session->input);
    session->input = input;
    session->input_length = (uint32_t)rest.length;
    return true;
}

/* With the server to itself. */
static void advance(struct lab_session *session, struct slice input)
{
    enum lab_need need = go_on(session, &input);
    bool is_kept = exchange_keep_all(&session->exchanges) == 0 && keep_input(session, input);
    session->need = (uint8_t)(is_kept ? need : LAB_NEEDS_CLOSE);
}

static struct slice kept_input(const struct lab_session *session)
{
    return slice_make(session->input, session->input_length);
}

/* Bytes behind those of before. Between two calls there is at most what one call brought and one unfinished
 * request, as nothing is received while anything is to be sent. */
static bool append_input(struct lab_session *session, struct slice bytes)
{
    char *input = realloc(session->input, session->input_length + bytes.length);
    if (input == NULL)
        return false;
    memcpy(input + session->input_length, bytes.data, bytes.length);
    session->input = input;
    session->input_length += (uint32_t)bytes.length;
    return true;
}

void lab_session_receive(struct lab_session *session, struct slice bytes)
{
    assert(session->need == LAB_NEEDS_BYTES);
    if (session->is_lingering) {
        session->lingered_bytes += (uint32_t)bytes.length;
        if (session->lingered_bytes > LINGER_BYTES_MAX)
            session->need = LAB_NEEDS_CLOSE;
        return;
    }
    if (session->input_length > 0) {
        if (!append_input(session, bytes)) {
            session->need = LAB_NEEDS_CLOSE;
            return;
        }
        bytes = kept_input(session);
    }
    lab_site_enter(session->site);
    lab_site_tick(session->site);
    /* What its client changed on disk before it connected. */
    if (!session->has_begun)
        file_cache_poll(session->site->server->files.cache);
    session->has_begun = true;
    advance(session, bytes);
    lab_site_leave(session->site);
}

void lab_session_end(struct lab_session *session)
{
    assert(session->need == LAB_NEEDS_BYTES);
    session->need = LAB_NEEDS_CLOSE;
}

void lab_session_break(struct lab_session *session)
{
    session->need = LAB_NEEDS_CLOSE;
}

void lab_session_did_shut_down(struct lab_session *session)
{
    assert(session->need == LAB_NEEDS_SHUTDOWN);
    session->is_lingering = true;
    session->need = LAB_NEEDS_BYTES;
}

const struct segment *lab_session_segments(const struct lab_session *session, size_t *ret_count)
{
    const struct lab_output *output = session->output;
    assert(session->need == LAB_NEEDS_ROOM && output->first < output->count);
    *ret_count = output->count - output->first;
    return &output->segments[output->first];
}

bool lab_session_may_send_file(struct lab_session *session)
{
    const struct segment *segment = &session->output->segments[session->output->first];
    LIST_FOREACH(link, &session->exchanges) {
        const struct exchange *exchange = CONTAINER_OF(link, struct exchange, link);
        if (exchange->source == NULL || exchange->file == NULL || exchange->file->fd != segment->fd)
            continue;
        if (!source_is_unchanged(exchange->source))
            session->need = LAB_NEEDS_CLOSE;
        return session->need == LAB_NEEDS_ROOM;
    }
    UNREACHABLE();
}

/* True when nothing is left. */
static bool consume(struct lab_output *output, size_t count)
{
    while (count > 0) {
        assert(output->first < output->count);
        struct segment *segment = &output->segments[output->first];
        size_t length = MIN(count, segment->length);
        if (segment->data)
            segment->data += length;
        else
            segment->offset += (off_t)length;
        segment->length -= length;
        output->first += segment->length == 0;
        count -= length;
    }
    return output->first == output->count;
}

void lab_session_sent(struct lab_session *session, size_t count)
{
    assert(session->need == LAB_NEEDS_ROOM);
    if (!consume(session->output, count))
        return;
    free_output(session);
    lab_site_enter(session->site);
    if (dispatch_end_sent(&session->exchanges))
        session->need = (uint8_t)farewell(session);
    else
        advance(session, kept_input(session));
    lab_site_leave(session->site);
}

/* ---- what may block ---- */

static void on_progress(void *owner)
{
    (void)owner; /* lab_session_worked goes on */
}

static void on_job(void *owner, struct exchange *exchange)
{
    (void)owner, (void)exchange; /* it is busy from here on: gather sees it */
}

static const struct exchange_events exchange_events = {
    .on_respond = h1_exchange_respond,
    .on_respond_kept = h1_exchange_respond_kept,
    .on_progress = on_progress,
    .on_job = on_job,
};

static struct job *job_of(const struct lab_session *session)
{
    assert(session->need == LAB_NEEDS_WORK);
    LIST_FOREACH(link, &session->exchanges) {
        struct exchange *exchange = CONTAINER_OF(link, struct exchange, link);
        if (exchange->is_busy)
            return &exchange->job;
    }
    UNREACHABLE();
}

void lab_session_work(struct lab_session *session)
{
    struct job *job = job_of(session);
    job->work(job);
}

void lab_session_worked(struct lab_session *session)
{
    struct job *job = job_of(session);
    lab_site_enter(session->site);
    lab_site_tick(session->site);
    job->done(job);
    advance(session, kept_input(session));
    lab_site_leave(session->site);
}
