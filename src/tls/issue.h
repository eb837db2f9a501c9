/* Issues certificates: a certificate authority for one machine or one developer, and server certificates
 * signed by it. Keys are ECDSA P-256, which every client supports. Works in memory; local_ca.c handles the
 * files. */
#ifndef TLS_ISSUE_H
#define TLS_ISSUE_H

#include "base/slice.h"

#include <openssl/types.h>

#define TLS_AUTHORITY_DAYS 3650
/* The longest validity that browsers accept from a public authority (CA/Browser Forum, section 6.3.2), to be
 * safe. */
#define TLS_ISSUED_DAYS 397

struct tls_issued_pair {
    X509 *certificate;
    EVP_PKEY *key;
};

/* Creates a self-signed authority that may issue server certificates but no other authorities. `owner`, such
 * as "ada@laptop", distinguishes it from others in a browser's list. Returns false if out of memory. */
bool tls_issue_authority(const char *owner, int64_t now, struct tls_issued_pair *ret_pair) MUST_CHECK;

/* Creates a server certificate with a new key for these hosts, which must all pass tls_issue_accepts. It
 * expires no later than the authority. Returns false if out of memory. */
bool tls_issue_server(const struct tls_issued_pair *authority, const struct slice *hosts, size_t host_count,
                      int64_t now, struct tls_issued_pair *ret_pair) MUST_CHECK;

/* Frees a pair; may be called on a zeroed one. */
void tls_issued_pair_finish(struct tls_issued_pair *pair);

/* Whether `host` can be put into a certificate: a name of letters, digits, '-', '_' and dots, the same after
 * "*.", or an IP address without brackets. */
bool tls_issue_accepts(struct slice host) MUST_CHECK;

#endif
