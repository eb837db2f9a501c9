/* OpenSSL's error reasons, reworded where operators are likely to see them. */
#include "tls/fault.h"

#include "base/compiler.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

struct words {
    int reason;
    const char *text;
};

static const struct words ssl_words[] = {
    {SSL_R_NO_SHARED_CIPHER, "the client offers no cipher that is allowed"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "the client offers no TLS version that is allowed"},
    {SSL_R_VERSION_TOO_LOW, "the client offers no TLS version that is allowed"},
    {SSL_R_NO_SUITABLE_KEY_SHARE, "the client offers no key exchange that is allowed"},
    {SSL_R_NO_SHARED_GROUPS, "the client offers no key exchange that is allowed"},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, "the client accepts no signature that the certificate can make"},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, "the client accepts no signature that the certificate can make"},
    {SSL_R_NO_APPLICATION_PROTOCOL, "the client offers no protocol that is spoken here (ALPN)"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the client sent no certificate"},
    {SSL_R_CERTIFICATE_VERIFY_FAILED, "the client's certificate was refused"},
    {SSL_R_UNEXPECTED_EOF_WHILE_READING, "the client ended the connection without a close_notify"},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a record was damaged on its way, or forged"},
    {SSL_R_WRONG_VERSION_NUMBER, "what came is not TLS"},
    {SSL_R_TOO_MANY_WARN_ALERTS, "too many alerts"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "the client found nothing in common (handshake_failure)"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the client refuses the certificate (bad_certificate)"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "the client refuses the certificate (certificate_unknown)"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "the client says that the certificate has expired"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, "the client says that the certificate was revoked"},
    {SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, "the client cannot use this kind of certificate"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the client does not trust the issuer of the certificate (unknown_ca)"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the client wants another TLS version"},
    {SSL_R_TLSV1_ALERT_USER_CANCELLED, "the client's user gave up"},
    {SSL_R_EE_KEY_TOO_SMALL, "its key is too short: RSA needs 2048 bits"},
    {SSL_R_CA_KEY_TOO_SMALL, "the key of its issuer is too short: RSA needs 2048 bits"},
    {SSL_R_CA_MD_TOO_WEAK, "it is signed with a hash that is broken (MD5 or SHA-1)"},
};

/* What vif as the client finds wrong with a server, or the server with it. */
static const struct words server_words[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "what came is not TLS; a server that speaks plain HTTP is \"http://\""},
    {SSL_R_PACKET_LENGTH_TOO_LONG, "what came is not TLS; a server that speaks plain HTTP is \"http://\""},
    {SSL_R_UNSUPPORTED_PROTOCOL, "the server speaks no TLS version that is allowed (1.2 and 1.3)"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the server speaks no TLS version that is allowed (1.2 and 1.3)"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "the server found nothing in common (handshake_failure)"},
    {SSL_R_TLSV1_UNRECOGNIZED_NAME, "the server has no certificate for that name (unrecognized_name)"},
    {SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, "the server speaks no protocol that it was offered (ALPN)"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "the server wants a certificate of its client"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the server refuses its client's certificate (bad_certificate)"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
     "the server refuses its client's certificate (certificate_unknown)"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "the server says that its client's certificate has expired"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, "the server says that its client's certificate was revoked"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the server does not trust the issuer of its client's certificate"},
    {SSL_R_TLSV1_ALERT_ACCESS_DENIED, "the server denies access (access_denied)"},
    {SSL_R_UNEXPECTED_EOF_WHILE_READING, "the server ended the connection without a close_notify"},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a record was damaged on its way, or forged"},
    {SSL_R_TOO_MANY_WARN_ALERTS, "too many alerts"},
};

static const char *find_words(const struct words *words, size_t count, unsigned long error)
{
    if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
        return "out of memory";
    for (size_t i = 0; i < count && ERR_GET_LIB(error) == ERR_LIB_SSL; i++)
        if (words[i].reason == ERR_GET_REASON(error))
            return words[i].text;
    return NULL;
}

/* The first errors in the queue, of the cipher or the certificate parser, are less informative. */
static const char *tls_fault_take_by(const struct words *words, size_t count)
{
    const char *known = NULL, *reason = NULL;
    for (unsigned long error; known == NULL && (error = ERR_get_error()) != 0;) {
        known = find_words(words, count, error);
        if (reason == NULL)
            reason = ERR_reason_error_string(error);
    }
    ERR_clear_error();
    return known ? known : reason ? reason : "the connection ended";
}

void tls_fault_drop(void)
{
    if (UNLIKELY(ERR_peek_error() != 0))
        ERR_clear_error();
}

const char *tls_fault_take(void)
{
    return tls_fault_take_by(ssl_words, ARRAY_LENGTH(ssl_words));
}

const char *tls_fault_take_of_server(void)
{
    return tls_fault_take_by(server_words, ARRAY_LENGTH(server_words));
}

const char *tls_fault_of_server(long result)
{
    switch (result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return "its certificate is for another name";
    case X509_V_ERR_CERT_HAS_EXPIRED: return "its certificate, or that of an issuer, has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID: return "its certificate is not valid yet";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: return "the issuer of its certificate is not trusted";
    case X509_V_ERR_INVALID_PURPOSE: return "its certificate is not for servers";
    case X509_V_ERR_CERT_CHAIN_TOO_LONG: return "the chain of its certificate is too long";
    case X509_V_ERR_EE_KEY_TOO_SMALL: return "the key of its certificate is too short";
    }
    return X509_verify_cert_error_string(result);
}

const char *tls_fault_of_verification(long result)
{
    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return "the client's certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID: return "the client's certificate is not valid yet";
    case X509_V_ERR_CERT_REVOKED: return "the client's certificate was revoked";
    case X509_V_ERR_CRL_HAS_EXPIRED: return "the list of revoked certificates (CRL) has expired";
    case X509_V_ERR_UNABLE_TO_GET_CRL: return "no list of revoked certificates (CRL) of the client's issuer";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        return "the issuer of the client's certificate is not among the allowed ones";
    case X509_V_ERR_INVALID_PURPOSE: return "the client's certificate is not for clients";
    case X509_V_ERR_CERT_CHAIN_TOO_LONG: return "the chain of the client's certificate is too long";
    }
    return "the client's certificate was refused";
}
