/* OCSP stapling: an OCSP response that is sent with a certificate, so that clients need not ask the issuer
 * whether it was revoked (RFC 6066 section 8, RFC 8446 section 4.4.2.1). */
#ifndef TLS_STAPLE_H
#define TLS_STAPLE_H

#include "base/buffer.h"
#include "tls/report.h"

#include <openssl/types.h>

/* Validity of a response without nextUpdate (CA/Browser Forum, section 4.9.10). */
#define TLS_STAPLE_SECONDS_MAX (10 * 86400)

struct tls_staple {
    struct buffer response; /* in DER form; empty: none */
    int64_t until;          /* valid until, in seconds since 1970; not sent afterwards */
};

/* Reads the response at `path`. A response that cannot be used (invalid, for another certificate, too old at
 * `now`) gets a warning and leaves the staple empty, since a certificate works without one. `issuer` may be
 * NULL. */
void tls_staple_load(const char *path, X509 *certificate, X509 *issuer, int64_t now,
                     struct tls_staple *ret_staple, struct tls_report *report);

/* Frees the memory; may be called on a zeroed one. */
void tls_staple_finish(struct tls_staple *staple);

#endif
