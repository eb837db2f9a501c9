/* The defaults follow Mozilla's "modern" and "intermediate", without the finite-field exchange, which is slow
 * and which no client needs any more. Everything is AEAD with forward secrecy. AES of 128 bits goes first: it
 * is the fastest, and nobody breaks it. A client that prefers ChaCha20 has no instructions for AES. */
#include "tls/policy.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#define SUITES_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define CIPHERS_12                                                                             \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:" \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define GROUPS        "X25519:P-256"
#define GROUPS_HYBRID "X25519MLKEM768:" GROUPS /* since OpenSSL 3.5 */
#define OPTIONS                                                                          \
    (SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | \
     SSL_OP_PRIORITIZE_CHACHA)

/* A small compressed certificate that expands to a large one would bypass the size limit of handshakes (RFC
 * 8879). */
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
#define OPTIONS_OF_LATER (SSL_OP_NO_TX_CERTIFICATE_COMPRESSION | SSL_OP_NO_RX_CERTIFICATE_COMPRESSION)
#else
#define OPTIONS_OF_LATER 0
#endif

static bool report_list(const char *what, const char *list, struct tls_report *report)
{
    tls_report_add(report, TLS_LEVEL_ERROR, "%s: OpenSSL cannot use \"%s\"; see: openssl ciphers -s -v", what,
                   list);
    ERR_clear_error();
    return false;
}

static bool set_groups(SSL_CTX *ctx, const struct tls_settings *settings, struct tls_report *report)
{
    if (settings->groups)
        return SSL_CTX_set1_groups_list(ctx, settings->groups) == 1 ||
               report_list("groups", settings->groups, report);
    if (SSL_CTX_set1_groups_list(ctx, GROUPS_HYBRID) == 1)
        return true;
    ERR_clear_error();
    return SSL_CTX_set1_groups_list(ctx, GROUPS) == 1 || report_list("groups", GROUPS, report);
}

bool tls_policy_apply(SSL_CTX *ctx, const struct tls_settings *settings, struct tls_report *report)
{
    const char *ciphers = settings->ciphers ? settings->ciphers : CIPHERS_12;
    const char *suites = settings->cipher_suites ? settings->cipher_suites : SUITES_13;
    int version = settings->policy == TLS_POLICY_MODERN ? TLS1_3_VERSION : TLS1_2_VERSION;
    SSL_CTX_set_min_proto_version(ctx, version);
    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION);
    SSL_CTX_set_options(ctx, OPTIONS | OPTIONS_OF_LATER);
    if (SSL_CTX_set_cipher_list(ctx, ciphers) != 1)
        return report_list("ciphers", ciphers, report);
    if (SSL_CTX_set_ciphersuites(ctx, suites) != 1)
        return report_list("cipher suites", suites, report);
    return set_groups(ctx, settings, report);
}
