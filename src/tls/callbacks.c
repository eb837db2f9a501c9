/* Callbacks of OpenSSL. They may run on another thread than the loop's (see session.h): all that they touch
 * is the session's own, or does not change, or is made for readers (tickets.h). */
#include "tls/callbacks.h"

#include "sys/clock.h"
#include "tls/client_auth.h"
#include "tls/replay_guard.h"
#include "tls/session_bio.h"
#include "tls/tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <string.h>

#define NS_PER_SECOND 1000000000

/* ---- application protocols ---- */

struct protocol {
    enum tls_protocol protocol;
    struct slice name;
};

static const struct protocol protocols[] = {
    {TLS_PROTOCOL_H2, {"h2", 2}},
    {TLS_PROTOCOL_HTTP1, {"http/1.1", 8}},
};

/* The client's list consists of names, each preceded by a length byte; OpenSSL has checked the lengths. */
static bool is_in_list(struct slice name, const unsigned char *list, unsigned length)
{
    for (unsigned at = 0; at < length; at += 1u + list[at])
        if (slice_equal(name, slice_make((const char *)list + at + 1, list[at])))
            return true;
    return false;
}

/* RFC 7301 section 3.2: a server that supports none of them ends the handshake. Continuing without, as
 * OpenSSL does with NOACK, allows cross-protocol attacks on an HTTP server. */
static int choose_protocol(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_length,
                           const unsigned char *list, unsigned length, void *argument)
{
    (void)ssl;
    const struct tls_context *context = argument;
    for (size_t i = 0; i < ARRAY_LENGTH(protocols); i++)
        if ((context->protocols & protocols[i].protocol) && is_in_list(protocols[i].name, list, length)) {
            *ret_name = (const unsigned char *)protocols[i].name.data;
            *ret_length = (unsigned char)protocols[i].name.length;
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* ---- staples ---- */

static const struct tls_staple *staple_of(const struct tls_context *context, const X509 *certificate)
{
    for (size_t i = 0; i < context->pair_count; i++)
        if (context->pairs[i].certificate == certificate)
            return &context->pairs[i].staple;
    return NULL;
}

static int send_staple(SSL *ssl, void *argument)
{
    const struct tls_staple *staple = staple_of(argument, SSL_get_certificate(ssl));
    if (staple == NULL || staple->response.length == 0 || sys_realtime_ns() / NS_PER_SECOND > staple->until)
        return SSL_TLSEXT_ERR_NOACK;
    void *copy = OPENSSL_memdup(staple->response.data, staple->response.length);
    if (copy == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)staple->response.length);
    return SSL_TLSEXT_ERR_OK;
}

/* ---- the name that was asked for ---- */

/* The context was chosen by the name that tls/client_hello.c read. Here OpenSSL says what it read itself; it
 * asks again for a second ClientHello, which must not change its mind. */
static int confirm_name(SSL *ssl, int *alert, void *argument)
{
    (void)argument;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (session_is_for_name(session_of(ssl), slice_from(name)))
        return name ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
    *alert = SSL_AD_ILLEGAL_PARAMETER;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* ---- tickets ---- */

/* RFC 5077 section 4: encrypted with AES, then authenticated with HMAC. */
static bool set_ticket_key(const struct tls_context *context, const struct tls_ticket_key *key,
                           unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_sealing)
{
    const OSSL_PARAM mac_params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key->mac, sizeof(key->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_CipherInit_ex2(cipher, context->ticket_cipher, key->cipher, iv, is_sealing, NULL) == 1 &&
           EVP_MAC_CTX_set_params(mac, mac_params) == 1;
}

static int seal_ticket(const struct tls_context *context, unsigned char *name, unsigned char *iv,
                       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    struct tls_ticket_key key;
    if (!tls_ticket_keys_newest(context->ticket_keys, &key))
        return 0; /* no ticket */
    memcpy(name, key.name, sizeof(key.name));
    bool is_set = RAND_bytes(iv, EVP_CIPHER_get_iv_length(context->ticket_cipher)) == 1 &&
                  set_ticket_key(context, &key, iv, cipher, mac, 1);
    OPENSSL_cleanse(&key, sizeof(key));
    return is_set ? 1 : -1;
}

/* Returns 0: unknown key, full handshake; 1: good; 2: good, but issue a new ticket. */
static int open_ticket(const struct tls_context *context, const unsigned char *name, unsigned char *iv,
                       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    struct tls_ticket_key key;
    bool is_newest;
    if (!tls_ticket_keys_find(context->ticket_keys, name, &key, &is_newest))
        return 0;
    bool is_set = set_ticket_key(context, &key, iv, cipher, mac, 0);
    OPENSSL_cleanse(&key, sizeof(key));
    return !is_set ? -1 : is_newest ? 1 : 2;
}

static int use_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                          EVP_MAC_CTX *mac, int is_sealing)
{
    const struct tls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    return is_sealing ? seal_ticket(context, name, iv, cipher, mac)
                      : open_ticket(context, name, iv, cipher, mac);
}

/* A session that was for another name (RFC 6066 section 3), or whose client would not be let in today, is not
 * resumed. A client of TLS 1.3 uses a ticket once,
 * and gets another (RFC 8446 section C.4). */
static SSL_TICKET_RETURN judge_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                      size_t name_length, SSL_TICKET_STATUS status, void *argument)
{
    (void)name, (void)name_length;
    const struct tls_context *context = argument;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (!session_is_for_name(session_of(ssl), slice_from(SSL_SESSION_get0_hostname(session))) ||
        !tls_client_auth_allows(context->ctx, session))
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    bool renews = status == SSL_TICKET_SUCCESS_RENEW || SSL_version(ssl) == TLS1_3_VERSION;
    return renews ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

/* ---- early data ---- */

/* Called last: OpenSSL has checked the client's proof that it has the ticket, the age of the ticket and the
 * application protocol. Each ticket has a secret of its own. */
static int allow_early_data(SSL *ssl, void *argument)
{
    const struct tls_context *context = argument;
    const SSL_SESSION *ticket = SSL_get_session(ssl);
    unsigned char secret[SSL_MAX_MASTER_KEY_LENGTH];
    size_t length = SSL_SESSION_get_master_key(ticket, secret, sizeof(secret));
    bool is_first =
        length > 0 && tls_replay_guard_admit(context->replay_guard, slice_make((const char *)secret, length),
                                             SSL_SESSION_get_time(ticket), sys_realtime_ns() / NS_PER_SECOND);
    OPENSSL_cleanse(secret, sizeof(secret));
    return is_first;
}

/* ---- what passes by ---- */

static void watch_messages(int is_sent, int version, int type, const void *bytes, size_t length, SSL *ssl,
                           void *argument)
{
    (void)version, (void)argument;
    session_see_message(session_of(ssl), is_sent != 0, type, slice_make(bytes, length));
}

void tls_callbacks_set(struct tls_context *context)
{
    SSL_CTX *ctx = context->ctx;
    SSL_CTX_set_app_data(ctx, context);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, context);
    SSL_CTX_set_tlsext_status_cb(ctx, send_staple);
    SSL_CTX_set_tlsext_status_arg(ctx, context);
    SSL_CTX_set_tlsext_servername_callback(ctx, confirm_name);
    SSL_CTX_set_msg_callback(ctx, watch_messages);
    if (context->ticket_keys) {
        SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, use_ticket_key);
        SSL_CTX_set_session_ticket_cb(ctx, NULL, judge_ticket, context);
    }
    if (context->replay_guard)
        SSL_CTX_set_allow_early_data_cb(ctx, allow_early_data, context);
}
