/* What a handshake came to, for logs and for handlers. */
#include "tls/session.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

void tls_session_info(const struct tls_session *session, struct tls_info *ret_info)
{
    SSL *ssl = session->ssl;
    const unsigned char *protocol;
    unsigned protocol_length;
    assert(tls_session_is_ready(session));
    SSL_get0_alpn_selected(ssl, &protocol, &protocol_length);
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    const char *group = SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl));
    *ret_info = (struct tls_info){
        .protocol = slice_make((const char *)protocol, protocol_length),
        .name = slice_from(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)),
        .version = SSL_get_version(ssl),
        .cipher = SSL_CIPHER_standard_name(cipher),
        .group = group ? group : "",
        .is_resumed = SSL_session_reused(ssl) == 1,
        .is_early = SSL_get_early_data_status(ssl) == SSL_EARLY_DATA_ACCEPTED,
        .is_early_refused = SSL_get_early_data_status(ssl) == SSL_EARLY_DATA_REJECTED,
        .has_client = session->context->asks_clients && SSL_get0_peer_certificate(ssl) != NULL,
    };
}

static struct slice format_name(const X509_NAME *name, struct arena *arena)
{
    struct slice text = {0};
    char *bytes;
    BIO *out = BIO_new(BIO_s_mem());
    if (out && X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        long length = BIO_get_mem_data(out, &bytes);
        text = arena_copy(arena, slice_make(bytes, (size_t)length));
    }
    BIO_free(out);
    return text;
}

static bool format_fingerprint(const X509 *certificate, char out[TLS_FINGERPRINT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1)
        return false;
    assert(2 * size < TLS_FINGERPRINT_BYTES);
    for (unsigned i = 0; i < size; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[2 * size] = '\0';
    return true;
}

bool tls_session_client(const struct tls_session *session, struct arena *arena, struct tls_client *ret_client)
{
    const X509 *certificate = SSL_get0_peer_certificate(session->ssl);
    assert(certificate != NULL);
    struct tls_client client;
    client.subject = format_name(X509_get_subject_name(certificate), arena);
    client.issuer = format_name(X509_get_issuer_name(certificate), arena);
    if (client.subject.data == NULL || client.issuer.data == NULL ||
        !format_fingerprint(certificate, client.fingerprint))
        return false;
    *ret_client = client;
    return true;
}
