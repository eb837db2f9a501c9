/* The handshake: from the first byte of a ClientHello to TLS_READY.
 *
 *   HELLO ──whole──▶ HANDSHAKE ──client's Finished──▶ OPEN
 *                     │    ▲
 *          slow, not  ▼    │
 *          signed   WORK ─▶ WORKED        (tls_session_work, on another thread)
 *
 * If early data is accepted, EARLY and EARLY_END are between HANDSHAKE and OPEN: see session.c. */
#include "tls/session_bio.h"

#include "tls/fault.h"

#include <openssl/ssl.h>
#include <stdlib.h>

#define RECORD_HEADER_BYTES 5
#define HELLO_BYTES_LIKELY  1900u /* with a hybrid key share */

/* ---- what the handshake needs ---- */

bool session_handshake_ensure(struct tls_session *session, const struct tls_limits *limits)
{
    if (session->handshake)
        return true;
    assert(limits->handshake_bytes >= limits->hello_bytes);
    struct tls_handshake *handshake = calloc(1, sizeof(*handshake));
    if (handshake == NULL)
        return false;
    handshake->bytes_max = limits->handshake_bytes;
    buffer_init(&handshake->held, limits->handshake_bytes);
    buffer_init(&handshake->produced, SIZE_MAX / 2);
    session->handshake = handshake;
    return true;
}

void session_handshake_free(struct tls_session *session)
{
    struct tls_handshake *handshake = session->handshake;
    if (handshake == NULL)
        return;
    buffer_finish(&handshake->held);
    buffer_finish(&handshake->produced);
    free(handshake);
    session->handshake = NULL;
}

void session_handshake_leave(struct tls_session *session)
{
    if (session->handshake && session->handshake->unread.length == 0)
        session_handshake_free(session);
}

/* ---- before there is a session of OpenSSL ---- */

/* An alert without keys, which OpenSSL is not asked for. */
static enum tls_event handshake_refuse(struct tls_session *session, enum tls_alert alert, const char *fault)
{
    char record[TLS_ALERT_RECORD_BYTES];
    if (alert != TLS_ALERT_NONE) {
        tls_alert_write(alert, record);
        buffer_append(session->output, slice_make(record, sizeof(record)));
        session->alert_sent = (int16_t)alert;
    }
    return session_break(session, fault);
}

/* Appends input to the held bytes as far as the limit allows. A reload may have lowered it below them. */
static bool hold_input(struct tls_session *session, size_t bytes_max)
{
    assert(session->handshake != NULL);
    struct buffer *held = &session->handshake->held;
    size_t room = bytes_max > held->length ? bytes_max - held->length : 0;
    struct slice part = slice_take(*session->input, MIN(session->input->length, room));
    if (!buffer_append(held, part))
        return false;
    *session->input = slice_skip(*session->input, part.length);
    return true;
}

/* Room for the message that was announced, so that the buffer does not grow past it; but no more than most
 * messages need, since anybody can announce a long one. */
static void reserve_hello(struct tls_handshake *handshake)
{
    const struct client_hello_scan *scan = &handshake->scan;
    size_t missing = scan->length > scan->content ? scan->length - scan->content : 0;
    size_t likely = MIN(scan->scanned + RECORD_HEADER_BYTES + missing, HELLO_BYTES_LIKELY);
    if (missing > 0 && likely > handshake->held.length)
        buffer_reserve(&handshake->held, likely - handshake->held.length);
}

/* A ClientHello usually arrives complete and is then read without a copy. */
static enum client_hello_result scan(struct tls_session *session, const struct tls_limits *limits,
                                     struct client_hello_fault *ret_fault)
{
    struct tls_handshake *handshake = session->handshake;
    enum client_hello_result result = CLIENT_HELLO_MORE;
    if (handshake->held.length == 0)
        result = client_hello_scan(&handshake->scan, *session->input, limits->hello_bytes, ret_fault);
    if (result != CLIENT_HELLO_MORE || session->input->length == 0)
        return result;
    reserve_hello(handshake);
    if (!hold_input(session, limits->hello_bytes)) {
        *ret_fault = (struct client_hello_fault){TLS_ALERT_INTERNAL_ERROR, "out of memory"};
        return CLIENT_HELLO_BAD;
    }
    handshake->unread = buffer_slice(&handshake->held);
    return client_hello_scan(&handshake->scan, handshake->unread, limits->hello_bytes, ret_fault);
}

static bool create_ssl(struct tls_session *session)
{
    assert(session->ssl == NULL && session->context != NULL);
    session->ssl = SSL_new(session->context->ctx);
    if (session->ssl == NULL || !session_bio_attach(session))
        return false;
    SSL_set_accept_state(session->ssl);
    return true;
}

/* The ClientHello is complete: chooses the context by its server name. */
static enum tls_event handshake_begin(struct tls_session *session, const struct tls_call *call)
{
    assert(session->context == NULL && session->handshake != NULL);
    struct tls_handshake *handshake = session->handshake;
    struct slice whole = handshake->unread.length > 0 ? handshake->unread : *session->input;
    struct client_hello_fault fault;
    if (!client_hello_parse(whole, &handshake->hello, &fault))
        return handshake_refuse(session, fault.alert, fault.text);
    struct tls_context *context = tls_names_find(call->names, client_hello_name(&handshake->hello));
    if (context == NULL)
        return handshake_refuse(session, TLS_ALERT_UNRECOGNIZED_NAME,
                                "no certificate for the name that was asked for");
    session->context = tls_context_ref(context);
    handshake->seeks_early = context->replay_guard != NULL;
    handshake->bytes_now = handshake->scan.scanned;
    handshake->is_slow = call->may_work && tls_context_is_slow_for(context, handshake->hello.quick);
    if (!create_ssl(session))
        return handshake_refuse(session, TLS_ALERT_INTERNAL_ERROR, "out of memory");
    session_set_state(session, TLS_STATE_HANDSHAKE);
    return session_handshake_next(session, call);
}

static enum tls_event read_hello(struct tls_session *session, const struct tls_call *call)
{
    struct client_hello_fault fault = {.alert = TLS_ALERT_NONE};
    if (!session_handshake_ensure(session, call->limits))
        return session_break(session, "out of memory");
    switch (scan(session, call->limits, &fault)) {
    case CLIENT_HELLO_MORE: return TLS_MORE;
    case CLIENT_HELLO_DONE: return handshake_begin(session, call);
    case CLIENT_HELLO_BAD: return handshake_refuse(session, fault.alert, fault.text);
    case CLIENT_HELLO_HTTP: break;
    }
    session_break(session, "the client speaks plain HTTP");
    return TLS_HTTP;
}

/* ---- with OpenSSL ---- */

/* SSL_read_early_data does the handshake, too, until it knows whether to accept early data. It finds none, as
 * OpenSSL has only the ClientHello yet. Returns as SSL_accept does. */
static int accept_early(struct tls_session *session)
{
    char none;
    size_t length;
    int result = SSL_read_early_data(session->ssl, &none, sizeof(none), &length);
    assert(result != SSL_READ_EARLY_DATA_SUCCESS);
    if (result != SSL_READ_EARLY_DATA_FINISH)
        return 0;
    session->handshake->seeks_early = false;
    return SSL_accept(session->ssl);
}

static int session_handshake_call(struct tls_session *session)
{
    if (session_is_client(session))
        return SSL_connect(session->ssl);
    return session->handshake->seeks_early ? accept_early(session) : SSL_accept(session->ssl);
}

/* Does the handshake until it needs more input. */
int session_handshake_step(struct tls_session *session)
{
    assert(session->ssl != NULL && session->handshake != NULL);
    tls_fault_drop();
    int result = session_handshake_call(session);
    session->handshake->bytes_now = UINT32_MAX;
    return result == 1 ? SSL_ERROR_NONE : SSL_get_error(session->ssl, result);
}

static enum tls_event handshake_event_of(struct tls_session *session, int outcome)
{
    bool is_early = SSL_get_early_data_status(session->ssl) == SSL_EARLY_DATA_ACCEPTED;
    if (outcome == SSL_ERROR_WANT_READ && !is_early)
        return TLS_MORE;
    if (outcome == SSL_ERROR_WANT_READ) {
        session_set_state(session, TLS_STATE_EARLY);
        return TLS_READY;
    }
    if (outcome != SSL_ERROR_NONE)
        return session_break_by_library(session);
    session_set_state(session, TLS_STATE_OPEN);
    session_handshake_leave(session);
    return TLS_READY;
}

/* Passes all available input along, since the other thread cannot get more. */
static enum tls_event begin_work(struct tls_session *session)
{
    struct tls_handshake *handshake = session->handshake;
    if (handshake->unread.length == 0)
        buffer_clear(&handshake->held);
    size_t read = handshake->held.length - handshake->unread.length;
    if (!hold_input(session, handshake->bytes_max))
        return handshake_refuse(session, TLS_ALERT_INTERNAL_ERROR, "out of memory");
    handshake->unread = slice_skip(buffer_slice(&handshake->held), read);
    session_set_state(session, TLS_STATE_WORK);
    return TLS_WORK;
}

void tls_session_work(struct tls_session *session)
{
    assert(session->state == TLS_STATE_WORK);
    struct slice none = {0};
    session->input = &none;
    session->output = &session->handshake->produced;
    session->handshake->outcome = session_handshake_step(session);
    if (session->handshake->outcome != SSL_ERROR_NONE && session->handshake->outcome != SSL_ERROR_WANT_READ)
        session_note_library_fault(session); /* this thread has the reason, the other sends the alert */
    session_set_state(session, TLS_STATE_WORKED);
    session->input = NULL;
    session->output = NULL;
}

static bool handshake_has_input(const struct tls_session *session)
{
    return session->handshake->unread.length > 0 || session->input->length > 0;
}

/* What the other thread made comes out now. */
static enum tls_event end_work(struct tls_session *session, const struct tls_call *call)
{
    struct tls_handshake *handshake = session->handshake;
    bool fits = buffer_append(call->output, buffer_slice(&handshake->produced));
    buffer_finish(&handshake->produced);
    session_set_state(session, TLS_STATE_HANDSHAKE);
    if (!fits)
        return session_break(session, "out of memory");
    enum tls_event event = handshake_event_of(session, handshake->outcome);
    return event == TLS_MORE && handshake_has_input(session) ? session_handshake_next(session, call) : event;
}

/* The first step reads only the ClientHello, see bytes_now. */
static enum tls_event handshake_step(struct tls_session *session)
{
    struct tls_handshake *handshake = session->handshake;
    enum tls_event event = TLS_MORE;
    while (event == TLS_MORE && handshake_has_input(session)) {
        if (handshake->is_slow && !handshake->has_signed)
            return begin_work(session);
        event = handshake_event_of(session, session_handshake_step(session));
    }
    return event;
}

enum tls_event session_handshake_next(struct tls_session *session, const struct tls_call *call)
{
    switch ((enum tls_state)session->state) {
    case TLS_STATE_HELLO: return read_hello(session, call);
    case TLS_STATE_WORK: return TLS_WORK;
    case TLS_STATE_WORKED: return end_work(session, call);
    default: return handshake_step(session);
    }
}
