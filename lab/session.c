/* Read go_on first: have the session parse and answer, gather what is to be sent, again as long as that gets
 * on. It is what front/connection.c does, less its timers and states: the models wait, not the session.
 */
#include "lab/session.h"

#include "front/h1_exchange.h"
#include "lab/site_internal.h"
#include "serve/dispatch.h"

#include <stdlib.h>

/* Some more than LAB_BATCH_MAX small responses have. */
#define OUTPUT_SEGMENTS_MAX 32

/* Most bytes accepted after shutdown(2): a client that sends more ignores the FIN. */
#define LINGER_BYTES_MAX (1u << 20)

struct lab_output {
    size_t first; /* that is not sent whole */
    size_t count;
    struct segment segments[OUTPUT_SEGMENTS_MAX];
};

/* The access log asks for it, and the lab has none. */
const struct peer *lab_session_peer(const struct h1_session *session)
{
    static const struct peer nobody;
    (void)session;
    return &nobody;
}

void lab_session_init(struct lab_session *session, struct lab_site *site)
{
    *session = (struct lab_session){.site = site, .need = LAB_NEEDS_BYTES};
    h1_session_init(&session->h1, &site->sessions);
}

static struct exchange *first_exchange(const struct lab_session *session)
{
    return CONTAINER_OF(session->h1.exchanges.next, struct exchange, link);
}

static void drop_exchange(struct exchange *exchange)
{
    bool has_job = exchange->is_busy;
    list_remove(&exchange->link);
    dispatch_end(exchange);
    /* Not before its job came back, which nobody will do. */
    if (has_job)
        exchange->queued.job.done(&exchange->queued.job);
}

static void free_output(struct lab_session *session)
{
    free(session->output);
    session->output = NULL;
}

void lab_session_finish(struct lab_session *session)
{
    lab_site_enter(session->site);
    while (!list_is_empty(&session->h1.exchanges))
        drop_exchange(first_exchange(session));
    lab_site_leave(session->site);
    free_output(session);
    input_clear(&session->h1.input);
}

/* ---- responses ---- */

static bool has_job(const struct lab_session *session)
{
    LIST_FOREACH(link, &session->h1.exchanges) {
        if (CONTAINER_OF(link, struct exchange, link)->is_busy)
            return true;
    }
    return false;
}

/* Fills the output; returns what is needed once it is sent. */
static enum lab_need gather(struct lab_session *session, struct lab_output *output)
{
    struct h1_output gathered = {.segments = output->segments, .count_max = OUTPUT_SEGMENTS_MAX};
    enum h1_gathered result = h1_exchange_gather(&session->h1.exchanges, &gathered);
    output->first = 0;
    output->count = gathered.count;
    switch (result) {
    case H1_GATHERED_ALL: return LAB_NEEDS_BYTES;
    case H1_GATHERED_FULL: return LAB_NEEDS_ROOM;
    case H1_GATHERED_WAIT: return has_job(session) ? LAB_NEEDS_JOB : LAB_NEEDS_BYTES;
    case H1_GATHERED_LAST:
    case H1_GATHERED_CUT: session->h1.is_closing = true; return LAB_NEEDS_SHUTDOWN;
    }
    UNREACHABLE();
}

/* A client that says "close" and whose every byte was read sends nothing more: closing is safe. */
static enum lab_need need_at_end(const struct lab_session *session)
{
    return h1_session_is_read_whole(&session->h1) ? LAB_NEEDS_CLOSE : LAB_NEEDS_SHUTDOWN;
}

/* ---- getting on ---- */

/* Parses and answers until something is needed of the outside. */
static enum lab_need go_on(struct lab_session *session, struct slice *input)
{
    struct lab_output output;
    for (;;) {
        session->h1.is_waiting = !list_is_empty(&session->h1.exchanges);
        enum h1_session_parsed parsed = h1_session_parse(&session->h1, input);
        if (session->h1.failure)
            return LAB_NEEDS_CLOSE;
        enum lab_need need = gather(session, &output);
        if (output.count > 0)
            break;
        /* Responses that had no byte left. */
        if (dispatch_end_sent(&session->h1.exchanges))
            return need_at_end(session);
        if (need != LAB_NEEDS_BYTES || parsed == H1_SESSION_STARVED)
            return need;
    }
    size_t size = offsetof(struct lab_output, segments[0]) + output.count * sizeof(struct segment);
    session->output = malloc(size);
    if (session->output == NULL)
        return LAB_NEEDS_CLOSE;
    memcpy(session->output, &output, size);
    return LAB_NEEDS_ROOM;
}

/* With the server to itself. */
static void advance(struct lab_session *session, struct slice input)
{
    enum lab_need need = go_on(session, &input);
    bool is_kept = h1_session_keep(&session->h1, input);
    session->need = (uint8_t)(is_kept ? need : LAB_NEEDS_CLOSE);
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
    if (session->h1.input) {
        if (!input_add(&session->h1.input, bytes)) {
            session->need = LAB_NEEDS_CLOSE;
            return;
        }
        bytes = input_slice(session->h1.input);
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
    if (!h1_session_may_send_file(&session->h1, segment))
        session->need = LAB_NEEDS_CLOSE;
    return session->need == LAB_NEEDS_ROOM;
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
    if (dispatch_end_sent(&session->h1.exchanges))
        session->need = (uint8_t)need_at_end(session);
    else
        advance(session, input_slice(session->h1.input));
    lab_site_leave(session->site);
}

/* ---- what may block ---- */

static void on_progress(void *owner)
{
    (void)owner; /* lab_session_complete_job goes on */
}

static void on_job(void *owner, struct exchange *exchange)
{
    (void)owner, (void)exchange; /* it is busy from here on: gather sees it */
}

const struct exchange_events lab_exchange_events = {
    .on_respond = h1_exchange_respond,
    .on_respond_kept = h1_exchange_respond_kept,
    .on_interim = h1_exchange_interim,
    .on_progress = on_progress,
    .on_job = on_job,
};

static struct job *job_of(const struct lab_session *session)
{
    assert(session->need == LAB_NEEDS_JOB);
    LIST_FOREACH(link, &session->h1.exchanges) {
        struct exchange *exchange = CONTAINER_OF(link, struct exchange, link);
        if (exchange->is_busy)
            return &exchange->queued.job;
    }
    UNREACHABLE();
}

void lab_session_run_job(struct lab_session *session)
{
    struct job *job = job_of(session);
    job->work(job);
}

void lab_session_complete_job(struct lab_session *session)
{
    struct job *job = job_of(session);
    lab_site_enter(session->site);
    lab_site_tick(session->site);
    job->done(job);
    advance(session, input_slice(session->h1.input));
    lab_site_leave(session->site);
}
