/* Writing: encrypts plaintext into records, and sends the close_notify. */
#include "base/error.h"
#include "tls/session_bio.h"

#include "tls/fault.h"

#include <openssl/ssl.h>

/* ---- how long a record is ---- */

static size_t choose_record_size(struct tls_session *session, uint64_t now_ms)
{
    if (now_ms - session->written_ms >= TLS_IDLE_MS)
        session->records = 0;
    if (session->records >= 2 * TLS_RECORDS_OF_A_SIZE)
        return TLS_RECORD_BYTES_MAX;
    return session->records < TLS_RECORDS_OF_A_SIZE ? TLS_RECORD_BYTES_FIRST : TLS_RECORD_BYTES_SECOND;
}

static void count_record(struct tls_session *session, size_t length, uint64_t now_ms)
{
    if (session->records < 2 * TLS_RECORDS_OF_A_SIZE)
        session->records++;
    session->written_ms = now_ms;
    session->key_records++;
    session_count_content(session, length);
}

/* A key of AES-GCM is good for 2^24.5 records of full length (RFC 8446 section 5.5). TLS 1.2 cannot change
 * it.
 */
static void change_key(struct tls_session *session, const struct tls_limits *limits)
{
    if (session->key_records < limits->records_per_key)
        return;
    bool has_other = SSL_version(session->ssl) == TLS1_3_VERSION && !tls_session_is_early(session);
    if (!has_other || SSL_key_update(session->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1)
        session->key_records = 0;
}

/* ---- what is in it ---- */

/* The pieces that are still to be written. */
struct rest {
    const struct slice *pieces;
    size_t count;
    size_t skipped; /* of the first piece */
    size_t bytes;   /* in all */
};

static struct rest rest_of(const struct slice *pieces, size_t count)
{
    struct rest rest = {.pieces = pieces, .count = count};
    for (size_t i = 0; i < count; i++)
        rest.bytes += pieces[i].length;
    return rest;
}

static void skip_written(struct rest *rest)
{
    while (rest->count > 0 && rest->skipped == rest->pieces[0].length) {
        rest->pieces++;
        rest->count--;
        rest->skipped = 0;
    }
}

/* The next `size` bytes, of those that are left: in place if one piece contains them, else gathered in the
 * room. */
static struct slice tls_session_write_gather(struct rest *rest, size_t size, char *room)
{
    struct slice first = slice_skip(rest->pieces[0], rest->skipped);
    if (first.length >= size) {
        first.length = size;
        rest->skipped += size;
        return first;
    }
    size_t length = 0;
    for (; length < size; skip_written(rest)) {
        struct slice piece = slice_skip(rest->pieces[0], rest->skipped);
        piece.length = MIN(piece.length, size - length);
        memcpy(room + length, piece.data, piece.length);
        length += piece.length;
        rest->skipped += piece.length;
    }
    return slice_make(room, length);
}

static bool has_space(const struct buffer *output, size_t size)
{
    return output->length_max - output->length >= size + TLS_RECORD_OVERHEAD_MAX;
}

/* While the session is early, OpenSSL has another function for it. */
static int encrypt_record(struct tls_session *session, struct slice content, size_t *ret_length)
{
    return UNLIKELY(tls_session_is_early(session))
               ? SSL_write_early_data(session->ssl, content.data, content.length, ret_length)
               : SSL_write_ex(session->ssl, content.data, content.length, ret_length);
}

/* Returns the bytes taken. OpenSSL takes none while it has only the beginning of a message from the peer. */
static ssize_t write_record(struct tls_session *session, const struct tls_call *call, struct slice content)
{
    size_t length;
    change_key(session, call->limits);
    tls_fault_drop();
    int result = encrypt_record(session, content, &length);
    if (result != 1 && SSL_get_error(session->ssl, result) == SSL_ERROR_WANT_READ) {
        session->is_blocked = true;
        return 0;
    }
    if (result != 1) {
        session_break_by_library(session);
        return ERROR_CLOSED;
    }
    assert(length == content.length);
    count_record(session, length, call->now_ms);
    return (ssize_t)length;
}

ssize_t tls_session_write(struct tls_session *session, const struct tls_call *call,
                          const struct slice *pieces, size_t piece_count)
{
    struct slice none = {0};
    struct rest rest = rest_of(pieces, piece_count);
    ssize_t taken = 0;
    assert(call->room_size >= TLS_RECORD_BYTES_MAX);
    if (!tls_session_is_ready(session) || session->has_closed)
        return ERROR_CLOSED;
    session->input = &none;
    session->output = call->output;
    skip_written(&rest);
    for (size_t size; rest.count > 0; skip_written(&rest)) {
        size = MIN(choose_record_size(session, call->now_ms), rest.bytes);
        if (!has_space(call->output, size))
            break;
        struct slice content = tls_session_write_gather(&rest, size, call->room);
        rest.bytes -= content.length;
        ssize_t written = write_record(session, call, content);
        taken = written < 0 ? written : taken + written;
        if (written <= 0)
            break;
    }
    session->input = NULL;
    session->output = NULL;
    return taken;
}

void tls_session_close(struct tls_session *session, const struct tls_call *call)
{
    struct slice none = {0};
    if (!tls_session_is_ready(session) || tls_session_is_early(session) || session->has_closed)
        return;
    session->has_closed = true;
    session->input = &none;
    session->output = call->output;
    tls_fault_drop();
    SSL_shutdown(session->ssl);
    tls_fault_drop();
    session->input = NULL;
    session->output = NULL;
}
