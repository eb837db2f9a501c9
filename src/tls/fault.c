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

static const char *find_words(unsigned long error)
{
    if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
        return "out of memory";
    for (size_t i = 0; i < ARRAY_LENGTH(ssl_words) && ERR_GET_LIB(error) == ERR_LIB_SSL; i++)
        if (ssl_words[i].reason == ERR_GET_REASON(error))
            return ssl_words[i].text;
    return NULL;
}

/* The first errors in the queue, of the cipher or the certificate parser, are less informative. */
const char *tls_fault_take(void)
{
    const char *known = NULL, *reason = NULL;
    for (unsigned long error; known == NULL && (error = ERR_get_error()) != 0;) {
        known = find_words(error);
        if (reason == NULL)
            reason = ERR_reason_error_string(error);
    }
    ERR_clear_error();
    return known ? known : reason ? reason : "the connection ended";
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
