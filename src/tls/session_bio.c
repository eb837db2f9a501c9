/* A BIO over lent bytes. OpenSSL reads straight from the buffer that received them, and writes straight
 * behind what is to be sent, so neither the BIO nor an idle session holds any. (Memory BIOs keep what they
 * once grew to, 20 KB, and BIO pairs 35 KB.) */
#include "tls/session_bio.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#define MESSAGE_CLIENT_HELLO        1
#define MESSAGE_NEW_SESSION_TICKET  4
#define MESSAGE_SERVER_KEY_EXCHANGE 12 /* signed, in TLS 1.2 */
#define MESSAGE_CERTIFICATE_VERIFY  15 /* the signature, in TLS 1.3 */
#define MESSAGE_KEY_UPDATE          24

/* ---- reading and writing ---- */

/* What was held comes before what is lent. */
static struct slice *session_bio_source_of(struct tls_session *session)
{
    struct tls_handshake *handshake = session->handshake;
    return handshake && handshake->unread.length > 0 ? &handshake->unread : session->input;
}

/* Limits against denial of service: a client could send an endless handshake, or change its keys all the
 * time. */
static const char *find_excess(const struct tls_session *session, size_t length)
{
    const struct tls_handshake *handshake = session->handshake;
    if (handshake && !tls_session_is_ready(session) && handshake->bytes + length > handshake->bytes_max)
        return "the handshake is too long";
    if (session->interruptions > TLS_INTERRUPTIONS_MAX)
        return "too many changes of keys, or attempts to renegotiate";
    return NULL;
}

/* How many bytes OpenSSL may read now. */
static size_t bio_readable(const struct tls_session *session, size_t available)
{
    const struct tls_handshake *handshake = session->handshake;
    bool is_limited = handshake && !tls_session_is_ready(session);
    return is_limited ? MIN(available, (size_t)(handshake->bytes_now - handshake->bytes)) : available;
}

static int bio_read(BIO *bio, char *out, size_t size, size_t *ret_length)
{
    struct tls_session *session = BIO_get_data(bio);
    struct slice *source = session_bio_source_of(session);
    size_t length = MIN(size, bio_readable(session, source->length));
    const char *excess = find_excess(session, length);
    BIO_clear_retry_flags(bio);
    if (excess) {
        session_break(session, excess);
        return 0;
    }
    if (length == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(out, source->data, length);
    *source = slice_skip(*source, length);
    if (session->handshake)
        session->handshake->bytes += (uint32_t)length;
    *ret_length = length;
    return 1;
}

static int bio_write(BIO *bio, const char *bytes, size_t size, size_t *ret_length)
{
    struct tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!buffer_append(session->output, slice_make(bytes, size)))
        return 0;
    *ret_length = size;
    return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

struct bio_method_st *session_bio_method_create(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "lent bytes");
    if (method == NULL)
        return NULL;
    BIO_meth_set_read_ex(method, bio_read);
    BIO_meth_set_write_ex(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    return method;
}

bool session_bio_attach(struct tls_session *session)
{
    BIO *bio = BIO_new(session->context->method);
    if (bio == NULL)
        return false;
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->ssl, bio, bio);
    return true;
}

/* ---- what OpenSSL tells ---- */

struct tls_session *session_of(const SSL *ssl)
{
    return BIO_get_data(SSL_get_rbio(ssl));
}

bool session_is_for_name(const struct tls_session *session, struct slice name)
{
    return session->handshake && slice_equal_nocase(client_hello_name(&session->handshake->hello), name);
}

static void see_handshake_message(struct tls_session *session, bool is_sent, uint8_t type)
{
    if (is_sent && session->handshake &&
        (type == MESSAGE_SERVER_KEY_EXCHANGE || type == MESSAGE_CERTIFICATE_VERIFY))
        session->handshake->has_signed = true;
    bool is_interruption =
        type == MESSAGE_KEY_UPDATE || type == MESSAGE_CLIENT_HELLO || type == MESSAGE_NEW_SESSION_TICKET;
    if (!is_sent && is_interruption && tls_session_is_ready(session))
        session->interruptions++;
}

void session_see_message(struct tls_session *session, bool is_sent, int type, struct slice bytes)
{
    if (type == SSL3_RT_HANDSHAKE && bytes.length > 0)
        see_handshake_message(session, is_sent, (uint8_t)bytes.data[0]);
    else if (type == SSL3_RT_ALERT && bytes.length == 2 && is_sent)
        session->alert_sent = (uint8_t)bytes.data[1];
    else if (type == SSL3_RT_ALERT && bytes.length == 2)
        session->alert_received = (uint8_t)bytes.data[1];
}
