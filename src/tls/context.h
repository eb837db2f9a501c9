/* A context: what the sessions for one set of server names share. Certificates, keys, ciphers, demands on
 * client certificates, ticket keys. Built from files, off the loop or at start, and then only read.
 *
 * Building one takes up to a millisecond, and longer if the system's trusted roots are loaded. The struct is
 * used on the loop's thread only; the SSL_CTX inside may be used by other threads at the same time. */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include "tls/settings.h"
#include "tls/staple.h"

#include <openssl/types.h>

/* A certificate of the context. */
struct tls_context_pair {
    X509 *certificate; /* identifies the pair; has a reference besides OpenSSL's */
    struct tls_staple staple;
    int chain_count; /* number of issuer certificates in its file */
};

struct tls_context {
    SSL_CTX *ctx;
    int references;
    uint8_t quick;     /* key types of its certificates: enum tls_quick, or-ed */
    bool has_slow;     /* has a key whose signatures must not be made on the loop: TLS_FAST_RSA_BITS_MAX */
    bool asks_clients; /* client certificates are requested */
    uint8_t pair_count;
    unsigned protocols;   /* enum tls_protocol */
    uint64_t client_auth; /* from the settings: identifies the demands on client certificates */
    int64_t expires;      /* seconds since 1970: when the first of its certificates expires */
    struct tls_context_pair pairs[TLS_PAIRS_MAX];
    const struct tls_ticket_keys *ticket_keys;
    struct tls_replay_guard *replay_guard; /* NULL: early data is refused */
    EVP_CIPHER *ticket_cipher;    /* fetched once, as OpenSSL 3 takes a lock for each look-up by name */
    struct bio_method_st *method; /* the BIO method of sessions, see session_bio.h */
};

/* Builds a context; `now` is in seconds since 1970. Returns 0 and one reference; ERROR_REFUSED, with a
 * finding of level error in the report; or -ENOMEM. Findings of lower levels may be added in any case. */
int tls_context_create(const struct tls_settings *settings, int64_t now, struct tls_report *report,
                       struct tls_context **ret_context) MUST_CHECK;

/* The same for a renewal, to replace `old` while that is in use. Here every doubt is an error (a certificate
 * that has expired, is for other names or has an incomplete chain), and so is a file without issuer
 * certificates if `old`'s file had some. Sessions of `old` can be resumed with the new context. */
int tls_context_renew(const struct tls_settings *settings, const struct tls_context *old, int64_t now,
                      struct tls_report *report, struct tls_context **ret_context) MUST_CHECK;

/* Takes another reference. On the loop's thread only. */
struct tls_context *tls_context_ref(struct tls_context *context);

/* Releases a reference; the last one frees the context. NULL is ignored. */
void tls_context_unref(struct tls_context *context);

/* Whether a handshake with a client that accepts these signatures (enum tls_quick, or-ed) might need a slow
 * one. If the client accepts both, OpenSSL prefers the one without RSA. */
static inline bool tls_context_is_slow_for(const struct tls_context *context, unsigned quick)
{
    return context->has_slow && (context->quick & quick) == 0;
}

#endif
