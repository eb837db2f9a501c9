/* A certificate with its chain and its key, loaded and checked. */
#ifndef TLS_PAIR_H
#define TLS_PAIR_H

#include "base/slice.h"
#include "tls/report.h"

#include <openssl/types.h>
#include <openssl/x509.h>

/* Days before its expiry from which a certificate gets a warning. */
#define TLS_EXPIRY_WARNING_DAYS 14

/* A signature by a longer RSA key takes over a millisecond of CPU time: it is made on another thread. */
#define TLS_FAST_RSA_BITS_MAX 2048

/* The files of a pair. */
struct tls_pair_files {
    const char *certificate; /* PEM: the certificate first, then those of its issuers, in order */
    const char *key;         /* PEM; NULL: in the same file */
    const char *ocsp;        /* an OCSP response in DER form, to be stapled; NULL: none */
};

struct tls_pair {
    X509 *certificate;
    STACK_OF(X509) * chain; /* certificates of issuers; may be empty */
    EVP_PKEY *key;
    int64_t expires; /* seconds since 1970: when the first of its certificates expires */
    uint8_t quick;   /* enum tls_quick; 0: an RSA key */
    bool is_slow;    /* see TLS_FAST_RSA_BITS_MAX */
};

/* Reads and checks the files: the key belongs to the certificate, the chain is complete, nothing has expired
 * or expires soon. `now` is in seconds since 1970. Returns false, with nothing to free, after adding a
 * finding of level error; may add findings of lower levels in any case. */
bool tls_pair_load(const struct tls_pair_files *files, int64_t now, struct tls_pair *ret_pair,
                   struct tls_report *report) MUST_CHECK;

/* Frees everything; may be called on a zeroed one. */
void tls_pair_finish(struct tls_pair *pair);

/* Whether the certificate is valid for that host: a name, "*.name", or an IP address without brackets. Like
 * browsers, looks at the subject alternative names only (RFC 9525). */
bool tls_pair_covers(const struct tls_pair *pair, struct slice host) MUST_CHECK;

/* Adds a finding of level doubt for each host that the certificate does not cover. */
void tls_pair_check_hosts(const struct tls_pair *pair, const char *path, const struct slice *hosts,
                          size_t host_count, struct tls_report *report);

/* Converts to seconds since 1970. */
int64_t tls_time_from(const ASN1_TIME *time);

/* "2026-11-27", with its NUL. */
#define TLS_DATE_BYTES 16
void tls_date_format(int64_t seconds, char out[TLS_DATE_BYTES]);

#endif
