/* Sessions: life cycle and reading. The handshake is in session_handshake.c, writing in session_write.c. */
#include "tls/session.h"

#include "base/error.h"
#include "tls/fault.h"
#include "tls/session_bio.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

void tls_session_init(struct tls_session *session)
{
    *session = (struct tls_session){
        .state = TLS_STATE_HELLO, .alert_sent = TLS_ALERT_NONE, .alert_received = TLS_ALERT_NONE};
}

void tls_session_finish(struct tls_session *session)
{
    assert(session->state != TLS_STATE_WORK);
    /* OpenSSL would make a session without close_notify not resumable, but clients often just close the
     * connection. */
    if (session->ssl && session->state != TLS_STATE_BROKEN)
        SSL_set_shutdown(session->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(session->ssl);
    session_handshake_free(session);
    tls_context_unref(session->context);
    tls_session_init(session);
}

/* The allowed transitions. While another thread works, nothing else may change the state. */
static const unsigned moves[] = {
    [TLS_STATE_HELLO] = 1u << TLS_STATE_HANDSHAKE | 1u << TLS_STATE_BROKEN,
    [TLS_STATE_HANDSHAKE] =
        1u << TLS_STATE_WORK | 1u << TLS_STATE_EARLY | 1u << TLS_STATE_OPEN | 1u << TLS_STATE_BROKEN,
    [TLS_STATE_WORK] = 1u << TLS_STATE_WORKED,
    [TLS_STATE_WORKED] = 1u << TLS_STATE_HANDSHAKE,
    [TLS_STATE_EARLY] = 1u << TLS_STATE_EARLY_END | 1u << TLS_STATE_BROKEN,
    [TLS_STATE_EARLY_END] = 1u << TLS_STATE_OPEN | 1u << TLS_STATE_BROKEN,
    [TLS_STATE_OPEN] = 1u << TLS_STATE_ENDED | 1u << TLS_STATE_BROKEN,
    [TLS_STATE_ENDED] = 1u << TLS_STATE_BROKEN,
    [TLS_STATE_BROKEN] = 1u << TLS_STATE_BROKEN,
};

void session_set_state(struct tls_session *session, enum tls_state state)
{
    assert(moves[session->state] & 1u << state);
    session->state = (uint8_t)state;
}

static void session_note_fault(struct tls_session *session, const char *fault)
{
    if (session->fault == NULL)
        session->fault = fault;
}

enum tls_event session_break(struct tls_session *session, const char *fault)
{
    assert(fault != NULL);
    session_note_fault(session, fault);
    session_set_state(session, TLS_STATE_BROKEN);
    return TLS_ERROR;
}

void session_note_library_fault(struct tls_session *session)
{
    assert(session->ssl != NULL);
    bool is_client = session_is_client(session);
    bool is_verification = ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SSL &&
                           ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    const char *fault = is_client ? tls_fault_take_of_server() : tls_fault_take();
    if (is_verification)
        fault = (is_client ? tls_fault_of_server
                           : tls_fault_of_verification)(SSL_get_verify_result(session->ssl));
    session_note_fault(session, fault);
}

enum tls_event session_break_by_library(struct tls_session *session)
{
    session_note_library_fault(session);
    return session_break(session, session->fault);
}

void session_count_content(struct tls_session *session, size_t length)
{
    session->interruption_bytes += (uint32_t)length;
    if (session->interruption_bytes < TLS_INTERRUPTION_BYTES)
        return;
    session->interruption_bytes = 0;
    session->interruptions = 0;
}

bool session_is_client(const struct tls_session *session)
{
    return session->ssl && !SSL_is_server(session->ssl);
}

static enum tls_event session_event_of_read(struct tls_session *session, int result)
{
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ: session_handshake_leave(session); return TLS_MORE;
    case SSL_ERROR_ZERO_RETURN:
        if (tls_session_is_early(session))
            return session_break(session, "the client left during the handshake");
        session_set_state(session, TLS_STATE_ENDED);
        return TLS_END;
    }
    return session_break_by_library(session);
}

/* Whether OpenSSL can find anything to read. After each request it could not: trying costs it an allocation.
 */
static bool tls_session_has_input(const struct tls_session *session)
{
    return session->input->length > 0 || session->handshake || SSL_has_pending(session->ssl);
}

/* The rest of a message that is split into several records, and no content behind it. */
static enum tls_event read_message(struct tls_session *session)
{
    assert(session->is_blocked);
    tls_fault_drop();
    int result = SSL_do_handshake(session->ssl);
    if (result != 1)
        return session_event_of_read(session, result);
    session->is_blocked = false;
    return TLS_WRITABLE;
}

static enum tls_event tls_session_read_content(struct tls_session *session, const struct tls_call *call,
                                               struct slice *ret_plaintext)
{
    size_t length;
    if (!tls_session_has_input(session))
        return TLS_MORE;
    if (UNLIKELY(session->is_blocked))
        return read_message(session);
    tls_fault_drop();
    int result = SSL_read_ex(session->ssl, call->room, call->room_size, &length);
    if (result != 1)
        return session_event_of_read(session, result);
    session_count_content(session, length);
    *ret_plaintext = slice_make(call->room, length);
    return TLS_DATA;
}

/* The handshake ends after the early data. */
static enum tls_event confirm(struct tls_session *session)
{
    tls_fault_drop();
    int result = SSL_accept(session->ssl);
    if (result != 1)
        return session_event_of_read(session, result);
    session_set_state(session, TLS_STATE_OPEN);
    return TLS_CONFIRMED;
}

static enum tls_event read_early_data(struct tls_session *session, const struct tls_call *call,
                                      struct slice *ret_plaintext)
{
    size_t length;
    tls_fault_drop();
    switch (SSL_read_early_data(session->ssl, call->room, call->room_size, &length)) {
    case SSL_READ_EARLY_DATA_SUCCESS: *ret_plaintext = slice_make(call->room, length); return TLS_DATA;
    case SSL_READ_EARLY_DATA_FINISH: session_set_state(session, TLS_STATE_EARLY_END); return confirm(session);
    default: return session_event_of_read(session, 0);
    }
}

/* Data after a close_notify is ignored (RFC 8446 section 6.1). */
static enum tls_event ignore(struct slice *input)
{
    *input = slice_skip(*input, input->length);
    return TLS_MORE;
}

enum tls_event tls_session_next(struct tls_session *session, const struct tls_call *call, struct slice *input,
                                struct slice *ret_plaintext)
{
    assert(call->room_size >= TLS_RECORD_BYTES_MAX);
    session->input = input;
    session->output = call->output;
    enum tls_event event;
    switch ((enum tls_state)session->state) {
    case TLS_STATE_EARLY: event = read_early_data(session, call, ret_plaintext); break;
    case TLS_STATE_EARLY_END: event = confirm(session); break;
    case TLS_STATE_OPEN: event = tls_session_read_content(session, call, ret_plaintext); break;
    case TLS_STATE_ENDED: event = ignore(input); break;
    case TLS_STATE_BROKEN: event = TLS_ERROR; break;
    default: event = session_handshake_next(session, call); break;
    }
    session->input = NULL;
    session->output = NULL;
    return event;
}

enum tls_event tls_session_end(struct tls_session *session)
{
    if (session->state == TLS_STATE_ENDED)
        return TLS_END;
    bool is_ready = tls_session_is_ready(session);
    if (session_is_client(session))
        return session_break(session, is_ready ? "the server ended the connection without a close_notify"
                                               : "the server closed the connection during the handshake");
    return session_break(session, is_ready ? "the client ended the connection without a close_notify"
                                           : "the client left during the handshake");
}
