/* The context: an SSL_CTX put together from its parts. */
#include "tls/context.h"

#include "base/error.h"
#include "tls/callbacks.h"
#include "tls/client_auth.h"
#include "tls/client_context.h"
#include "tls/fault.h"
#include "tls/policy.h"
#include "tls/session_bio.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define TICKET_SECONDS_DEFAULT 86400

/* Most bytes of early data: a request with the longest head that is usual. A client that sends more gets the
 * alert unexpected_message. Refused early data is discarded up to the same limit, also by contexts that
 * accept none, since their settings may have changed after the ticket was issued. */
#define EARLY_BYTES_MAX 16384

/* ---- pairs ---- */

/* OpenSSL keeps one pair for each kind of key, and would silently replace the first. */
static bool is_second_of_its_kind(SSL_CTX *ctx, const struct tls_pair *pair, const char *path,
                                  struct tls_report *report)
{
    int type = EVP_PKEY_get_base_id(pair->key);
    bool is_second = false;
    for (int more = SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_FIRST); more == 1 && !is_second;
         more = SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_NEXT))
        is_second = EVP_PKEY_get_base_id(SSL_CTX_get0_privatekey(ctx)) == type;
    if (is_second)
        tls_report_add(
            report, TLS_LEVEL_ERROR,
            "%s: there is a certificate with a key of that kind already; one for each kind can be used",
            path);
    return is_second;
}

static bool use_pair(SSL_CTX *ctx, const struct tls_pair *pair, const char *path, struct tls_report *report)
{
    if (is_second_of_its_kind(ctx, pair, path, report))
        return false;
    if (SSL_CTX_use_cert_and_key(ctx, pair->certificate, pair->key, pair->chain, 1) == 1)
        return true;
    tls_report_add(report, TLS_LEVEL_ERROR, "%s: cannot be used: %s", path, tls_fault_take());
    return false;
}

static void keep_pair(struct tls_context *context, const struct tls_pair *pair,
                      const struct tls_pair_files *files, int64_t now, struct tls_report *report)
{
    struct tls_context_pair *kept = &context->pairs[context->pair_count++];
    X509 *issuer = sk_X509_num(pair->chain) > 0 ? sk_X509_value(pair->chain, 0) : NULL;
    X509_up_ref(pair->certificate);
    kept->certificate = pair->certificate;
    kept->chain_count = sk_X509_num(pair->chain);
    if (files->ocsp)
        tls_staple_load(files->ocsp, pair->certificate, issuer, now, &kept->staple, report);
    context->quick |= pair->quick;
    context->has_slow |= pair->is_slow;
    context->expires = context->pair_count == 1 ? pair->expires : MIN(context->expires, pair->expires);
}

static bool add_pair(struct tls_context *context, const struct tls_settings *settings,
                     const struct tls_pair_files *files, int64_t now, struct tls_report *report)
{
    struct tls_pair pair;
    if (!tls_pair_load(files, now, &pair, report))
        return false;
    tls_pair_check_hosts(&pair, files->certificate, settings->hosts, settings->host_count, report);
    bool is_used = use_pair(context->ctx, &pair, files->certificate, report);
    if (is_used)
        keep_pair(context, &pair, files, now, report);
    tls_pair_finish(&pair);
    return is_used;
}

/* Continues after a bad pair, so that all faults are reported at once. */
static bool add_pairs(struct tls_context *context, const struct tls_settings *settings, int64_t now,
                      struct tls_report *report)
{
    bool are_good = true;
    for (size_t i = 0; i < settings->pair_count; i++)
        are_good &= add_pair(context, settings, &settings->pairs[i], now, report);
    return are_good;
}

/* ---- the rest ---- */

static void set_modes(SSL_CTX *ctx)
{
    /* RELEASE_BUFFERS saves 33 KB per idle session. The chain is that of the file, whatever authorities
     * OpenSSL has for client certificates. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(ctx, 0);
}

static void set_tickets(struct tls_context *context, const struct tls_settings *settings)
{
    context->ticket_keys = settings->ticket_keys;
    if (settings->ticket_keys == NULL)
        SSL_CTX_set_options(context->ctx, SSL_OP_NO_TICKET);
    /* With NO_TICKET alone, TLS 1.3 would still send tickets, for a session cache that does not exist. */
    SSL_CTX_set_num_tickets(context->ctx, settings->ticket_keys ? 1 : 0);
    SSL_CTX_set_timeout(context->ctx,
                        settings->ticket_seconds ? settings->ticket_seconds : TICKET_SECONDS_DEFAULT);
}

/* Not for clients with certificates: whoever replays their early data would act in their name. OpenSSL's own
 * protection needs tickets that are stored in the process which issued them: the guard replaces it. */
static void set_early_data(struct tls_context *context, const struct tls_settings *settings)
{
    bool is_accepted = settings->ticket_keys && settings->client_mode == TLS_CLIENT_NONE;
    context->replay_guard = is_accepted ? settings->replay_guard : NULL;
    SSL_CTX_set_options(context->ctx, SSL_OP_NO_ANTI_REPLAY);
    SSL_CTX_set_recv_max_early_data(context->ctx, EARLY_BYTES_MAX);
    SSL_CTX_set_max_early_data(context->ctx, context->replay_guard ? EARLY_BYTES_MAX : 0);
}

static bool allocate_parts(struct tls_context *context, bool is_client)
{
    context->ctx = SSL_CTX_new(is_client ? TLS_client_method() : TLS_server_method());
    context->ticket_cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    context->method = session_bio_method_create();
    ERR_clear_error();
    return context->ctx && context->ticket_cipher && context->method;
}

static bool tls_context_build_client(struct tls_context *context, const struct tls_settings *settings,
                                     int64_t now, struct tls_report *report)
{
    context->expires = INT64_MAX;
    set_modes(context->ctx);
    bool is_good = tls_policy_apply(context->ctx, settings, report);
    is_good &= add_pairs(context, settings, now, report);
    is_good &= tls_client_context_apply(context, settings, report);
    return is_good;
}

static bool tls_context_build(struct tls_context *context, const struct tls_settings *settings, int64_t now,
                              struct tls_report *report)
{
    if (settings->is_client)
        return tls_context_build_client(context, settings, now, report);
    set_modes(context->ctx);
    set_tickets(context, settings);
    set_early_data(context, settings);
    context->protocols = settings->protocols;
    context->client_auth = settings->client_auth;
    context->asks_clients = settings->client_mode != TLS_CLIENT_NONE;
    bool is_good = tls_policy_apply(context->ctx, settings, report);
    is_good &= add_pairs(context, settings, now, report);
    is_good &= tls_client_auth_apply(context->ctx, settings, now, report);
    tls_callbacks_set(context);
    return is_good;
}

int tls_context_create(const struct tls_settings *settings, int64_t now, struct tls_report *report,
                       struct tls_context **ret_context)
{
    assert(settings->is_client ? settings->pair_count <= 1
                               : settings->pair_count >= 1 && settings->pair_count <= TLS_PAIRS_MAX);
    struct tls_context *context = calloc(1, sizeof(*context));
    if (context == NULL)
        return -ENOMEM;
    context->references = 1;
    int error = allocate_parts(context, settings->is_client) ? 0 : -ENOMEM;
    if (error == 0 && !tls_context_build(context, settings, now, report))
        error = report->has[TLS_LEVEL_ERROR] ? ERROR_REFUSED : -ENOMEM;
    if (error)
        tls_context_unref(context);
    else
        *ret_context = context;
    return error;
}

/* A file that had issuer certificates and has none now was written partially, or by another tool. */
static void compare_chains(const struct tls_context *context, const struct tls_context *old,
                           const struct tls_settings *settings, struct tls_report *report)
{
    for (int i = 0; i < MIN(context->pair_count, old->pair_count); i++)
        if (context->pairs[i].chain_count == 0 && old->pairs[i].chain_count > 0 &&
            X509_check_issued(context->pairs[i].certificate, context->pairs[i].certificate) != X509_V_OK)
            tls_report_add(report, TLS_LEVEL_DOUBT,
                           "%s: the chain is incomplete: the one in use has certificates of its issuers",
                           settings->pairs[i].certificate);
}

int tls_context_renew(const struct tls_settings *settings, const struct tls_context *old, int64_t now,
                      struct tls_report *report, struct tls_context **ret_context)
{
    struct tls_context *context;
    int error = tls_context_create(settings, now, report, &context);
    if (error)
        return error;
    compare_chains(context, old, settings, report);
    if (report->has[TLS_LEVEL_DOUBT]) {
        tls_context_unref(context);
        return ERROR_REFUSED;
    }
    *ret_context = context;
    return 0;
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
    context->references++;
    return context;
}

void tls_context_unref(struct tls_context *context)
{
    if (context == NULL || --context->references > 0)
        return;
    for (size_t i = 0; i < context->pair_count; i++) {
        X509_free(context->pairs[i].certificate);
        tls_staple_finish(&context->pairs[i].staple);
    }
    SSL_CTX_free(context->ctx);
    EVP_CIPHER_free(context->ticket_cipher);
    BIO_meth_free(context->method);
    free(context);
}
