/* The client's side of a session: how it begins. From then on the handshake is that of session_handshake.c.
 */
#include "tls/session_bio.h"

#include "tls/fault.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#define ADDRESS_BYTES_MAX 16
#define HOST_BYTES_MAX    256

/* Names are those of the certificate's extension only, and "*" is one whole label (RFC 9525). */
#define NAME_FLAGS (X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)

static bool is_ip_address(const char *host)
{
    unsigned char address[ADDRESS_BYTES_MAX];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* As certificates have it: without the dot of the root. */
static bool copy_name(const char *host, char out[HOST_BYTES_MAX])
{
    size_t length = strlen(host);
    length -= length > 1 && host[length - 1] == '.';
    if (length == 0 || length >= HOST_BYTES_MAX)
        return false;
    memcpy(out, host, length);
    out[length] = '\0';
    return true;
}

/* An address is not sent as a server name (RFC 6066 section 3). */
static bool session_connect_set_host(SSL *ssl, const struct tls_target *target)
{
    char name[HOST_BYTES_MAX];
    if (!copy_name(target->host, name))
        return false;
    if (is_ip_address(name))
        return target->accepts_any || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    SSL_set_hostflags(ssl, NAME_FLAGS);
    return SSL_set_tlsext_host_name(ssl, name) == 1 && (target->accepts_any || SSL_set1_host(ssl, name) == 1);
}

static bool session_connect_prepare(struct tls_session *session, const struct tls_target *target)
{
    session->ssl = SSL_new(session->context->ctx);
    if (session->ssl == NULL || !session_bio_attach(session) ||
        !session_connect_set_host(session->ssl, target))
        return false;
    if (SSL_set_alpn_protos(session->ssl, (const unsigned char *)target->protocols.data,
                            (unsigned)target->protocols.length) != 0)
        return false;
    SSL_set_app_data(session->ssl, target->resumed);
    SSL_set_connect_state(session->ssl);
    return target->former == NULL || SSL_set_session(session->ssl, target->former) == 1;
}

bool tls_session_connect(struct tls_session *session, struct tls_context *context,
                         const struct tls_target *target, const struct tls_call *call)
{
    struct slice none = {0};
    tls_fault_drop();
    if (!session_handshake_ensure(session, call->limits))
        return false;
    session->context = tls_context_ref(context);
    session->handshake->bytes_now = UINT32_MAX;
    session->handshake->is_slow = call->may_work && context->has_slow;
    if (!session_connect_prepare(session, target))
        return false;
    session_set_state(session, TLS_STATE_HANDSHAKE);
    session->input = &none;
    session->output = call->output;
    int outcome = session_handshake_step(session);
    session->input = NULL;
    session->output = NULL;
    return outcome == SSL_ERROR_WANT_READ;
}

bool tls_session_distrusts(const struct tls_session *session)
{
    return session->ssl && (SSL_get_verify_mode(session->ssl) & SSL_VERIFY_PEER) &&
           SSL_get_verify_result(session->ssl) != X509_V_OK;
}
