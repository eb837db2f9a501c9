/* OpenSSL verifies a client's certificate in a full handshake only; a ticket carries it along. So before a
 * session is resumed the certificate is verified again (tls_client_auth_allows). Where that fails, perhaps
 * because the ticket has no intermediate certificates, the ticket is ignored, and the full handshake that
 * follows decides. */
#include "tls/client_auth.h"

#include "sys/private_file.h"
#include "tls/chain.h"
#include "tls/pem.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#define DEPTH_DEFAULT 4

/* ---- which sessions belong together ---- */

static bool tls_client_auth_add_file(EVP_MD_CTX *digest, const char *path, struct tls_report *report)
{
    struct buffer bytes;
    struct file_status status;
    if (path == NULL)
        return true;
    buffer_init(&bytes, TLS_FILE_BYTES_MAX);
    bool is_added = tls_pem_read_file(path, &bytes, &status, report) &&
                    EVP_DigestUpdate(digest, bytes.data, bytes.length) == 1;
    buffer_finish(&bytes);
    return is_added;
}

/* Of the content of files, not of their names, so that it is the same on all machines that share tickets. */
static bool set_session_context(SSL_CTX *ctx, const struct tls_settings *settings, struct tls_report *report)
{
    unsigned char identity[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const uint32_t values[] = {settings->client_mode, settings->client_depth};
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool is_set = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
                  EVP_DigestUpdate(digest, values, sizeof(values)) == 1;
    if (settings->client_mode != TLS_CLIENT_NONE)
        is_set = is_set && tls_client_auth_add_file(digest, settings->client_ca, report) &&
                 tls_client_auth_add_file(digest, settings->client_crl, report);
    is_set = is_set && EVP_DigestFinal_ex(digest, identity, &size) == 1 &&
             SSL_CTX_set_session_id_context(ctx, identity, size) == 1;
    EVP_MD_CTX_free(digest);
    return is_set;
}

/* ---- authorities and lists of revoked certificates ---- */

static bool add_authorities(SSL_CTX *ctx, X509_STORE *store, STACK_OF(X509) * authorities)
{
    for (int i = 0; i < sk_X509_num(authorities); i++) {
        X509 *authority = sk_X509_value(authorities, i);
        if (X509_STORE_add_cert(store, authority) != 1 || SSL_CTX_add_client_CA(ctx, authority) != 1)
            return false;
    }
    return true;
}

static bool has_crl_of(STACK_OF(X509_CRL) * crls, const X509 *authority)
{
    for (int i = 0; i < sk_X509_CRL_num(crls); i++)
        if (X509_NAME_cmp(X509_CRL_get_issuer(sk_X509_CRL_value(crls, i)),
                          X509_get_subject_name(authority)) == 0)
            return true;
    return false;
}

static void check_crl(const X509_CRL *crl, const char *path, int64_t now, struct tls_report *report)
{
    char issuer[TLS_COMMON_NAME_BYTES], date[TLS_DATE_BYTES];
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    int64_t until = next ? tls_time_from(next) : INT64_MAX;
    if (now <= until)
        return;
    tls_common_name(X509_CRL_get_issuer(crl), issuer);
    tls_date_format(until, date);
    tls_report_add(report, TLS_LEVEL_DOUBT,
                   "%s: the list of revoked certificates of \"%s\" expired on %s: its clients are refused",
                   path, issuer, date);
}

static bool add_crls(X509_STORE *store, STACK_OF(X509_CRL) * crls)
{
    for (int i = 0; i < sk_X509_CRL_num(crls); i++)
        if (X509_STORE_add_crl(store, sk_X509_CRL_value(crls, i)) != 1)
            return false;
    return X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) == 1;
}

/* Without the revocation list of an authority all of its clients would be rejected. */
static bool check_crls(STACK_OF(X509_CRL) * crls, STACK_OF(X509) * authorities, const char *path, int64_t now,
                       struct tls_report *report)
{
    for (int i = 0; i < sk_X509_num(authorities); i++) {
        char name[TLS_COMMON_NAME_BYTES];
        if (has_crl_of(crls, sk_X509_value(authorities, i)))
            continue;
        tls_common_name(X509_get_subject_name(sk_X509_value(authorities, i)), name);
        tls_report_add(report, TLS_LEVEL_ERROR, "%s: has no list of \"%s\", whose clients are allowed", path,
                       name);
        return false;
    }
    for (int i = 0; i < sk_X509_CRL_num(crls); i++)
        check_crl(sk_X509_CRL_value(crls, i), path, now, report);
    return true;
}

static bool set_crls(X509_STORE *store, STACK_OF(X509) * authorities, const char *path, int64_t now,
                     struct tls_report *report)
{
    if (path == NULL)
        return true;
    STACK_OF(X509_CRL) *crls = tls_pem_read_crls(path, report);
    bool is_set = crls && check_crls(crls, authorities, path, now, report) && add_crls(store, crls);
    sk_X509_CRL_pop_free(crls, X509_CRL_free);
    return is_set;
}

static void set_verification(SSL_CTX *ctx, const struct tls_settings *settings)
{
    bool is_required = settings->client_mode == TLS_CLIENT_REQUIRED;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (is_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    SSL_CTX_set_verify_depth(ctx, settings->client_depth ? (int)settings->client_depth : DEPTH_DEFAULT);
}

static bool ask_for_certificates(SSL_CTX *ctx, const struct tls_settings *settings, int64_t now,
                                 struct tls_report *report)
{
    if (settings->client_ca == NULL) {
        tls_report_add(report, TLS_LEVEL_ERROR,
                       "certificates of clients need client_ca: the file of who may have issued them");
        return false;
    }
    STACK_OF(X509) *authorities = tls_pem_read_certificates(settings->client_ca, report);
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    bool is_set = authorities && add_authorities(ctx, store, authorities) &&
                  set_crls(store, authorities, settings->client_crl, now, report);
    sk_X509_pop_free(authorities, X509_free);
    if (is_set)
        set_verification(ctx, settings);
    return is_set;
}

bool tls_client_auth_apply(SSL_CTX *ctx, const struct tls_settings *settings, int64_t now,
                           struct tls_report *report)
{
    if (settings->client_mode != TLS_CLIENT_NONE && !ask_for_certificates(ctx, settings, now, report))
        return false;
    return set_session_context(ctx, settings, report);
}

/* ---- resumption ---- */

static bool verifies(SSL_CTX *ctx, X509 *certificate)
{
    X509_STORE_CTX *verification = X509_STORE_CTX_new();
    bool is_good = false;
    if (verification && X509_STORE_CTX_init(verification, SSL_CTX_get_cert_store(ctx), certificate, NULL)) {
        X509_STORE_CTX_set_default(verification, "ssl_client");
        X509_STORE_CTX_set_depth(verification, SSL_CTX_get_verify_depth(ctx));
        is_good = X509_verify_cert(verification) == 1;
    }
    X509_STORE_CTX_free(verification);
    ERR_clear_error();
    return is_good;
}

bool tls_client_auth_allows(SSL_CTX *ctx, const SSL_SESSION *session)
{
    int mode = SSL_CTX_get_verify_mode(ctx);
    X509 *certificate = SSL_SESSION_get0_peer((SSL_SESSION *)session);
    if ((mode & SSL_VERIFY_PEER) == 0)
        return true;
    if (certificate == NULL)
        return (mode & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) == 0;
    return verifies(ctx, certificate);
}
