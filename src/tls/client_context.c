/* The trusted issuers are read from one file at once. OpenSSL's own way, a folder in which it looks when it
 * needs one, would read files within a handshake, which blocks the loop and which the sandbox forbids. */
#include "tls/client_context.h"

#include "sys/private_file.h"
#include "tls/pem.h"
#include "tls/session_bio.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>

/* Most intermediate certificates between a server's and its trusted issuer. */
#define DEPTH_MAX 8

/* ---- the issuers of the system ---- */

static const char *const root_files[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Alpine, Arch */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, Red Hat */
    "/etc/ssl/ca-bundle.pem",             /* openSUSE */
    "/etc/ssl/cert.pem",
};

const char *tls_system_roots_candidate(unsigned number)
{
    const char *named = getenv("SSL_CERT_FILE");
    if (named && named[0] != '\0')
        return number == 0 ? named : NULL;
    return number < ARRAY_LENGTH(root_files) ? root_files[number] : NULL;
}

const char *tls_system_roots(void)
{
    const char *path;
    struct file_status status;
    for (unsigned i = 0; (path = tls_system_roots_candidate(i)) != NULL; i++) {
        if (sys_private_file_status(path, &status) == 0)
            return path;
    }
    return NULL;
}

/* ---- trust ---- */

static bool trust_all(SSL_CTX *ctx, STACK_OF(X509) * roots)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    for (int i = 0; i < sk_X509_num(roots); i++) {
        if (X509_STORE_add_cert(store, sk_X509_value(roots, i)) != 1)
            return false;
    }
    /* A certificate in the file is trusted although it is no root: an intermediate one, or the server's. */
    return X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

static bool load_roots(SSL_CTX *ctx, const struct tls_settings *settings, struct tls_report *report)
{
    const char *path = settings->server_ca ? settings->server_ca : tls_system_roots();
    if (path == NULL) {
        tls_report_add(
            report, TLS_LEVEL_ERROR,
            "this system has no file of trusted certificates (ca-certificates): name one with `ca`");
        return false;
    }
    STACK_OF(X509) *roots = tls_pem_read_certificates(path, report);
    bool is_loaded = roots && trust_all(ctx, roots);
    sk_X509_pop_free(roots, X509_free);
    ERR_clear_error();
    return is_loaded;
}

/* ---- sessions that can be resumed ---- */

/* The owner of the connection finds it where tls_session_connect was told. It takes over the reference. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION **place = SSL_get_app_data(ssl);
    if (place == NULL)
        return 0;
    SSL_SESSION_free(*place);
    *place = session;
    return 1;
}

static void see_messages(int is_sent, int version, int type, const void *bytes, size_t length, SSL *ssl,
                         void *argument)
{
    (void)version, (void)argument;
    session_see_message(session_of(ssl), is_sent != 0, type, slice_make(bytes, length));
}

bool tls_client_context_apply(struct tls_context *context, const struct tls_settings *settings,
                              struct tls_report *report)
{
    SSL_CTX *ctx = context->ctx;
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    SSL_CTX_set_msg_callback(ctx, see_messages);
    if (settings->accepts_any)
        return true;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_verify_depth(ctx, DEPTH_MAX);
    return load_roots(ctx, settings, report);
}
