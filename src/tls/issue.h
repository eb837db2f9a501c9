/* Certificates that vif itself makes: an authority for one machine or one developer, and server certificates
 * by it. Keys are ECDSA on P-256, which every client knows. In memory; files are local_ca.c's. */
#ifndef TLS_ISSUE_H
#define TLS_ISSUE_H

#include "base/slice.h"

#include <openssl/types.h>

#define TLS_AUTHORITY_DAYS 3650
/* What browsers accept of a public authority at most (CA/Browser Forum, section 6.3.2), to be safe. */
#define TLS_ISSUED_DAYS 397

struct tls_issued_pair {
    X509 *certificate;
    EVP_PKEY *key;
};

/* An authority, signed by itself, which may issue for servers but make no other authorities. `owner` tells it
 * from others in a browser's list: "ada@laptop". False where memory ran out. */
bool tls_issue_authority(const char *owner, int64_t now, struct tls_issued_pair *ret_pair) MUST_CHECK;

/* A server's certificate for these hosts, each of which tls_issue_accepts, with a key of its own; it ends no
 * later than the authority. False where memory ran out. */
bool tls_issue_server(const struct tls_issued_pair *authority, const struct slice *hosts, size_t host_count,
                      int64_t now, struct tls_issued_pair *ret_pair) MUST_CHECK;

/* Gives a pair back; also right on a zeroed one. */
void tls_issued_pair_finish(struct tls_issued_pair *pair);

/* A name of letters, digits, '-', '_' and dots, the same behind "*.", or an IP address without brackets. */
bool tls_issue_accepts(struct slice host) MUST_CHECK;

#endif
