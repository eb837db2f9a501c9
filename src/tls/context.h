/* A context: all that sessions under one set of names share. Certificates, keys, ciphers, what is asked of
 * clients, the ticket keys. Built from files off the loop or at start, then only read.
 *
 * Building one takes up to a millisecond, with the trusted roots of the system some more. The struct belongs
 * to the thread of the loop; OpenSSL's object inside may be used by other threads at the same time. */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include "tls/settings.h"
#include "tls/staple.h"

#include <openssl/types.h>

/* A pair as the context has it. */
struct tls_context_pair {
    X509 *certificate; /* which of the context's it is: OpenSSL has a reference, and so has this */
    struct tls_staple staple;
    int chain_count; /* certificates of issuers in its file */
};

struct tls_context {
    SSL_CTX *ctx;
    int references;
    uint8_t quick;     /* of its certificates' keys: enum tls_quick, or-ed */
    bool has_slow;     /* one whose signatures should leave the loop: TLS_FAST_RSA_BITS_MAX */
    bool asks_clients; /* for certificates */
    uint8_t pair_count;
    unsigned protocols;   /* enum tls_protocol */
    uint64_t client_auth; /* as the settings had it: what was asked of the clients of its sessions */
    int64_t expires;      /* seconds since 1970, of whichever certificate ends first */
    struct tls_context_pair pairs[TLS_PAIRS_MAX];
    const struct tls_ticket_keys *ticket_keys;
    EVP_CIPHER *ticket_cipher;    /* fetched once: OpenSSL 3 takes a lock for each look-up by name */
    struct bio_method_st *method; /* how sessions read and write, see session_bio.h */
};

/* Builds a context as of `now` (seconds since 1970). Returns 0 and one reference; or, with a finding of level
 * error in the report, ERROR_REFUSED, or -ENOMEM. Findings of lower levels may be there in any case. */
int tls_context_create(const struct tls_settings *settings, int64_t now, struct tls_report *report,
                       struct tls_context **ret_context) MUST_CHECK;

/* The same, in place of `old` while it is in use: every doubt is an error then (a certificate that has
 * expired, is for other names or has lost its chain), and also when `old`'s file had certificates of issuers
 * and the new one has none. Sessions of `old` resume with the new context. */
int tls_context_renew(const struct tls_settings *settings, const struct tls_context *old, int64_t now,
                      struct tls_report *report, struct tls_context **ret_context) MUST_CHECK;

/* Another reference, for whoever keeps the context. On the thread of the loop only. */
struct tls_context *tls_context_ref(struct tls_context *context);

/* Gives a reference back; the last one frees the context. NULL is ignored. */
void tls_context_unref(struct tls_context *context);

/* A handshake with a client that takes these (enum tls_quick) might need a signature that takes long. Of two
 * that it takes, OpenSSL prefers the one without RSA. */
static inline bool tls_context_is_slow_for(const struct tls_context *context, unsigned quick)
{
    return context->has_slow && (context->quick & quick) == 0;
}

#endif
