/* Read upstream_tls_take first; sending is in upstream_tls_output.c. OpenSSL never touches the socket: it
 * gets what was read, and what it makes is sent, so it cannot block the loop.
 *
 * A handshake that may need a slow signature goes on in a thread of the pool. If the connection is closed
 * meanwhile, its state lives until that thread is done. */
#include "proxy/upstream_tls_state.h"

#include "base/error.h"
#include "tls/alert.h"
#include "tls/remotes.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>

/* Ciphertext that waits for the owner: one read, and the rest of the one before. */
#define INPUT_BYTES_MAX (2 * (size_t)LOOP_READ_BYTES)

/* Sessions are resumed for so long after a handshake: then the certificate is looked at again. */
#define RESUMPTION_MS 3600000

#define HOST_BYTES_MAX 256

static const struct tls_limits upstream_tls_limits = {
    .hello_bytes = CLIENT_HELLO_BYTES_DEFAULT,
    .handshake_bytes = 256 << 10,
    .records_per_key = 1u << 23,
};

struct tls_call upstream_tls_call(const struct upstream_tls *tls, char room[TLS_RECORD_BYTES_MAX])
{
    return (struct tls_call){
        .limits = &upstream_tls_limits,
        .output = &upstream_tls_rooms_of(tls)->output,
        .room = room,
        .room_size = TLS_RECORD_BYTES_MAX,
        .now_ms = loop_now_ms(tls->upstream->all->loop),
        .may_work = true,
    };
}

/* ---- sessions that can be resumed ---- */

void upstream_tls_forget(struct upstream *upstream)
{
    SSL_SESSION_free(upstream->session);
    upstream->session = NULL;
}

static void upstream_tls_keep_session(struct upstream_tls *tls)
{
    struct upstream *upstream = tls->upstream;
    if (tls->fresh == NULL)
        return;
    upstream_tls_forget(upstream);
    upstream->session = tls->fresh;
    upstream->session_generation = tls->generation;
    upstream->session_ms = SSL_session_reused(tls->session.ssl) ? tls->former_ms : tls->begun_ms;
    tls->fresh = NULL;
}

/* That of the last connection, as long as the same certificates are trusted. */
static SSL_SESSION *upstream_tls_former_session(const struct upstream_tls *tls)
{
    const struct upstream *upstream = tls->upstream;
    bool is_good = upstream->session && upstream->session_generation == tls->generation &&
                   loop_now_ms(tls->upstream->all->loop) - upstream->session_ms < RESUMPTION_MS;
    return is_good ? upstream->session : NULL;
}

/* ---- input ---- */

static void upstream_tls_take(struct upstream_tls *tls, struct slice input);

static void upstream_tls_free(struct upstream_tls *tls)
{
    tls_session_finish(&tls->session);
    SSL_SESSION_free(tls->fresh);
    buffer_finish(&tls->input);
    buffer_finish(&tls->output);
    buffer_finish(&tls->next);
    free(tls->held);
    free(tls);
}

static void upstream_tls_work(struct job *job)
{
    tls_session_work(&CONTAINER_OF(job, struct upstream_tls, job)->session);
}

static void upstream_tls_on_worked(struct job *job)
{
    struct upstream_tls *tls = CONTAINER_OF(job, struct upstream_tls, job);
    tls->is_working = false;
    if (tls->link == NULL)
        upstream_tls_free(tls);
    else if (!upstream_tls_is_closed(tls))
        upstream_tls_take(tls, buffer_slice(&tls->input));
}

/* In this thread if there is no other. */
static void upstream_tls_begin_work(struct upstream_tls *tls)
{
    tls->job = (struct job){.work = upstream_tls_work, .done = upstream_tls_on_worked};
    tls->is_working = offload_submit(tls->upstream->all->loop, &tls->job) == 0;
    if (!tls->is_working)
        tls_session_work(&tls->session);
}

/* The server may take no notice of ALPN, which means HTTP/1.1. OpenSSL has not always verified that what it
 * chooses was offered. Returns false if it cannot be spoken with. */
static bool upstream_tls_take_choice(struct upstream_tls *tls)
{
    struct tls_info info;
    tls_session_info(&tls->session, &info);
    tls->chose_h2 = tls->offer != UPSTREAM_OFFER_H1 && slice_equal(info.protocol, SLICE("h2"));
    tls->refused_h2 = tls->offer == UPSTREAM_OFFER_H2 && info.protocol.length == 0;
    bool chose_h1 = tls->offer != UPSTREAM_OFFER_H2 &&
                    (info.protocol.length == 0 || slice_equal(info.protocol, SLICE("http/1.1")));
    if (tls->refused_h2)
        tls->fault = "the server chose no protocol (ALPN)";
    else if (!tls->chose_h2 && !chose_h1)
        tls->fault = "the server chose a protocol that it was not offered (ALPN)";
    return tls->fault == NULL;
}

static bool upstream_tls_become_secured(struct upstream_tls *tls)
{
    if (!upstream_tls_take_choice(tls)) {
        upstream_tls_fail(tls, -EPROTO);
        return false;
    }
    tls->is_secured = true;
    tls->events->on_secured(upstream_tls_stream(tls));
    return true;
}

/* Returns whether the session may have more to say. */
static bool upstream_tls_act(struct upstream_tls *tls, enum tls_event event, struct slice plaintext)
{
    struct stream *stream = upstream_tls_stream(tls);
    switch (event) {
    case TLS_MORE: return false;
    case TLS_READY: return upstream_tls_become_secured(tls);
    case TLS_DATA: tls->events->stream.on_read(stream, plaintext); return true;
    case TLS_END:
        tls->has_ended = true;
        tls->events->stream.on_end(stream);
        return true;
    case TLS_WORK: upstream_tls_begin_work(tls); return true;
    case TLS_WRITABLE: return true; /* see upstream_tls_send_held */
    case TLS_ERROR: upstream_tls_fail(tls, -EPROTO); return false;
    case TLS_CONFIRMED:
    case TLS_HTTP: break;
    }
    UNREACHABLE();
}

/* The server has sent FIN, and nothing is left before it. */
static void upstream_tls_take_fin(struct upstream_tls *tls)
{
    tls->is_cut = tls_session_end(&tls->session) == TLS_ERROR;
    if (!tls->is_secured) {
        upstream_tls_fail(tls, -EPROTO);
        return;
    }
    tls->has_ended = true;
    tls->events->stream.on_end(upstream_tls_stream(tls));
}

/* Ciphertext that waits for the owner. */
static bool upstream_tls_has_input(const struct upstream_tls *tls)
{
    return tls->input.length > 0 || (tls->is_secured && tls_session_holds_input(&tls->session));
}

/* `rest` is the end of the input, or of bytes that were lent. */
static bool upstream_tls_keep(struct upstream_tls *tls, struct slice rest)
{
    struct buffer *input = &tls->input;
    if (rest.length == 0 || (!tls->is_working && tls->session.state == TLS_STATE_BROKEN)) {
        buffer_finish(input);
        return true;
    }
    if (input->length == 0)
        return buffer_append(input, rest);
    buffer_consume(input, input->length - rest.length);
    return true;
}

/* A send that is held waits for the rest of a message, whether or not the owner wants plaintext: it may be
 * that the client reads no response before its upload is through. No plaintext can come before that rest. */
static bool upstream_tls_wants_input(const struct upstream_tls *tls)
{
    return tls->is_reading || !tls->is_secured || (tls->held && tls->session.is_blocked);
}

static void upstream_tls_await(struct upstream_tls *tls, struct slice rest)
{
    struct stream *stream = upstream_tls_stream(tls);
    if (upstream_tls_is_closed(tls))
        return;
    if (!upstream_tls_keep(tls, rest)) {
        upstream_tls_fail(tls, -ENOMEM);
        return;
    }
    bool is_blocked = upstream_tls_has_input(tls) || tls->is_working;
    if (tls->has_fin && !is_blocked && !tls->has_ended)
        upstream_tls_take_fin(tls);
    else if (is_blocked || !upstream_tls_wants_input(tls))
        stream_read_pause(stream);
    else if (!tls->has_fin)
        stream_read_resume(stream);
}

static bool upstream_tls_may_take(const struct upstream_tls *tls)
{
    return !upstream_tls_is_closed(tls) && !tls->is_working && upstream_tls_wants_input(tls);
}

/* Nothing more can be sent to the server. A session that waits for a slow signature must finish that first;
 * an error says more than this. */
static bool upstream_tls_lost_handshake(const struct upstream_tls *tls, enum tls_event event)
{
    return tls->is_mute && !tls->is_secured && event != TLS_WORK && event != TLS_ERROR;
}

/* Passes input to the session and acts on its events, as long as the owner wants more. */
static void upstream_tls_take(struct upstream_tls *tls, struct slice input)
{
    struct slice rest = input;
    bool goes_on = true;
    while (goes_on && upstream_tls_may_take(tls)) {
        struct slice plaintext = {0};
        struct tls_call call = upstream_tls_call(tls, upstream_tls_rooms_of(tls)->read);
        enum tls_event event = tls_session_next(&tls->session, &call, &rest, &plaintext);
        upstream_tls_keep_session(tls);
        (void)upstream_tls_flush(tls);
        if (upstream_tls_lost_handshake(tls, event)) {
            upstream_tls_fail(tls, tls->error);
            return;
        }
        tls->has_rest = rest.length > 0;
        goes_on = upstream_tls_act(tls, event, plaintext);
    }
    upstream_tls_send_held(tls);
    upstream_tls_await(tls, rest);
}

static void upstream_tls_on_again(struct task *task)
{
    struct upstream_tls *tls = CONTAINER_OF(task, struct upstream_tls, again);
    upstream_tls_take(tls, buffer_slice(&tls->input));
}

static void upstream_tls_store(struct upstream_tls *tls, struct slice bytes)
{
    if (buffer_append(&tls->input, bytes))
        stream_read_pause(upstream_tls_stream(tls));
    else
        upstream_tls_fail(tls, -ENOMEM);
}

static void upstream_tls_on_read(struct stream *stream, struct slice bytes)
{
    struct upstream_tls *tls = upstream_tls_of(stream);
    if (tls->is_working || upstream_tls_has_input(tls))
        upstream_tls_store(tls, bytes);
    else if (tls->session.state == TLS_STATE_HELLO) /* before we have said anything */
        upstream_tls_fail(tls, -EPROTO);
    else if (tls->session.state != TLS_STATE_BROKEN)
        upstream_tls_take(tls, bytes);
}

static void upstream_tls_on_end(struct stream *stream)
{
    struct upstream_tls *tls = upstream_tls_of(stream);
    tls->has_fin = true;
    upstream_tls_await(tls, buffer_slice(&tls->input));
}

static void upstream_tls_on_error(struct stream *stream, int error)
{
    upstream_tls_fail(upstream_tls_of(stream), error);
}

static void upstream_tls_on_closed(struct stream *stream)
{
    struct upstream_tls *tls = upstream_tls_of(stream);
    const struct upstream_link_events *events = tls->events;
    tls->link->tls = NULL;
    tls->link = NULL;
    if (!tls->is_working)
        upstream_tls_free(tls);
    events->stream.on_closed(stream);
}

static bool upstream_tls_may_send_file(struct stream *stream, const struct segment *segment)
{
    (void)stream, (void)segment;
    UNREACHABLE();
}

static size_t upstream_tls_describe(const struct stream *stream, char *out, size_t size)
{
    return upstream_tls_of(stream)->events->stream.describe(stream, out, size);
}

static const struct stream_events upstream_tls_stream_events = {
    .on_read = upstream_tls_on_read,
    .may_send_file = upstream_tls_may_send_file,
    .on_end = upstream_tls_on_end,
    .on_sent = upstream_tls_on_sent,
    .on_error = upstream_tls_on_error,
    .on_closed = upstream_tls_on_closed,
    .describe = upstream_tls_describe,
};

/* ---- what the owner asks for ---- */

bool upstream_tls_is_securing(const struct upstream_tls *tls)
{
    return !tls->is_secured;
}

bool upstream_tls_chose_h2(const struct upstream_tls *tls)
{
    return tls->chose_h2;
}

bool upstream_tls_refused_h2(const struct upstream_tls *tls)
{
    bool says_so = tls->offer == UPSTREAM_OFFER_H2 && !tls->is_working &&
                   tls->session.alert_received == TLS_ALERT_NO_APPLICATION_PROTOCOL;
    return tls->refused_h2 || says_so;
}

/* A stream that broke says itself why. */
const char *upstream_tls_fault(const struct upstream_tls *tls)
{
    if (tls->fault)
        return tls->fault;
    return tls->error == -EPROTO || tls->is_cut ? tls_session_fault(&tls->session) : NULL;
}

bool upstream_tls_distrusts(const struct upstream_tls *tls)
{
    return !tls->is_secured && !tls->is_working && tls_session_distrusts(&tls->session);
}

bool upstream_tls_has_more(const struct upstream_tls *tls)
{
    return tls->has_rest || tls_session_holds_input(&tls->session);
}

bool upstream_tls_is_cut(const struct upstream_tls *tls)
{
    return tls->is_cut;
}

void upstream_tls_read_on(struct upstream_tls *tls)
{
    if (upstream_tls_has_input(tls) && !tls->is_working)
        task_defer(tls->upstream->all->loop, &tls->again);
    else if (!upstream_tls_has_input(tls) && !tls->has_fin)
        stream_read_resume(upstream_tls_stream(tls));
}

void upstream_tls_pause(struct upstream_tls *tls)
{
    tls->is_reading = false;
    if (!upstream_tls_wants_input(tls))
        stream_read_pause(upstream_tls_stream(tls));
}

void upstream_tls_resume(struct upstream_tls *tls)
{
    tls->is_reading = true;
    upstream_tls_read_on(tls);
}

void upstream_tls_reset_on_close(struct upstream_tls *tls)
{
    tls->resets = true;
    stream_reset_on_close(upstream_tls_stream(tls));
}

void upstream_tls_close(struct upstream_tls *tls)
{
    struct stream *stream = upstream_tls_stream(tls);
    bool is_whole = !tls->resets && !tls->is_working && !tls->is_mute && tls->error == 0;
    if (upstream_tls_is_closed(tls))
        return;
    if (is_whole && tls->is_secured && !stream_is_sending(stream))
        (void)upstream_tls_say_end(tls);
    task_cancel(&tls->again);
    stream_close(stream);
}

/* ---- the beginning ---- */

static bool upstream_tls_ensure_rooms(struct upstreams *all)
{
    if (all->rooms)
        return true;
    all->rooms = malloc(sizeof(*all->rooms));
    if (all->rooms)
        buffer_init(&all->rooms->output, OUTPUT_BYTES_MAX);
    return all->rooms != NULL;
}

void upstream_tls_finish(struct upstreams *all)
{
    if (all->rooms)
        buffer_finish(&all->rooms->output);
    free(all->rooms);
    all->rooms = NULL;
}

int upstream_tls_begin(struct upstream_link *link, struct upstream *upstream,
                       const struct upstream_link_events *events)
{
    if (upstream->remote == NULL)
        return -EPROTONOSUPPORT;
    struct upstream_tls *tls = upstream_tls_ensure_rooms(upstream->all) ? malloc(sizeof(*tls)) : NULL;
    if (tls == NULL)
        return -ENOMEM;
    *tls = (struct upstream_tls){.link = link, .upstream = upstream, .events = events, .is_reading = true};
    tls->generation = upstream->remote->generation;
    tls_session_init(&tls->session);
    task_init(&tls->again, upstream_tls_on_again);
    buffer_init(&tls->input, INPUT_BYTES_MAX);
    buffer_init(&tls->next, OUTPUT_BYTES_MAX);
    link->tls = tls;
    link->stream.events = &upstream_tls_stream_events;
    return 0;
}

/* In the format of ALPN. */
static struct slice upstream_tls_protocols(enum upstream_offer offer)
{
    switch (offer) {
    case UPSTREAM_OFFER_H1: return SLICE("\x08http/1.1");
    case UPSTREAM_OFFER_H2: return SLICE("\x02h2");
    case UPSTREAM_OFFER_ANY: return SLICE("\x02h2\x08http/1.1");
    }
    UNREACHABLE();
}

int upstream_tls_connect(struct upstream_tls *tls, const struct upstream_link_plan *plan)
{
    char host[HOST_BYTES_MAX];
    const struct upstream *upstream = tls->upstream;
    const struct proxy_settings *settings = plan->settings;
    struct slice name =
        settings->tls.name.length > 0 ? settings->tls.name : server_url_certificate_name(&upstream->parts);
    size_t length = MIN(name.length, sizeof(host) - 1);
    memcpy(host, name.data, length);
    host[length] = '\0';
    const struct tls_target target = {
        .host = host,
        .accepts_any = !proxy_tls_verifies(&settings->tls),
        .protocols = upstream_tls_protocols(plan->offer),
        .former = upstream_tls_former_session(tls),
        .resumed = &tls->fresh,
    };
    struct tls_call call = upstream_tls_call(tls, upstream_tls_rooms_of(tls)->write);
    tls->offer = (uint8_t)plan->offer;
    tls->begun_ms = call.now_ms;
    tls->former_ms = upstream->session_ms;
    if (!tls_session_connect(&tls->session, upstream->remote->context, &target, &call)) {
        upstream_tls_clear_output(upstream_tls_rooms_of(tls));
        return -ENOMEM;
    }
    return upstream_tls_flush(tls) ? 0 : tls->error;
}
