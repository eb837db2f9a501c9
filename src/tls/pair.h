/* A certificate with its chain and its key, loaded and looked at. */
#ifndef TLS_PAIR_H
#define TLS_PAIR_H

#include "base/slice.h"
#include "tls/report.h"

#include <openssl/types.h>
#include <openssl/x509.h>

/* From when on a certificate that ends is worth a warning. */
#define TLS_EXPIRY_WARNING_DAYS 14

/* A longer RSA key takes over a millisecond of CPU time a signature: such a handshake leaves the loop. */
#define TLS_FAST_RSA_BITS_MAX 2048

/* Where the pair lies. */
struct tls_pair_files {
    const char *certificate; /* PEM: the certificate first, then those of its issuers, in order */
    const char *key;         /* PEM; NULL: in the same file */
    const char *ocsp;        /* a response in DER form, to be stapled; NULL: none */
};

struct tls_pair {
    X509 *certificate;
    STACK_OF(X509) * chain; /* of issuers; may be empty */
    EVP_PKEY *key;
    int64_t expires; /* seconds since 1970, of whichever of the certificates ends first */
    uint8_t quick;   /* enum tls_quick; 0: a key of RSA */
    bool is_slow;    /* see TLS_FAST_RSA_BITS_MAX */
};

/* Reads the files, and looks at them as of `now` (seconds since 1970): the key belongs to the certificate,
 * the chain is complete, nothing has expired or ends soon. False after a finding of level error, with nothing
 * to free; what else there is to say is in the report. */
bool tls_pair_load(const struct tls_pair_files *files, int64_t now, struct tls_pair *ret_pair,
                   struct tls_report *report) MUST_CHECK;

/* Gives everything back; also right on a zeroed one. */
void tls_pair_finish(struct tls_pair *pair);

/* Whether the certificate is for that host: a name, "*.name", or an IP address, without brackets. As browsers
 * do it: by the alternative names alone (RFC 9525). */
bool tls_pair_covers(const struct tls_pair *pair, struct slice host) MUST_CHECK;

/* Adds a doubt for each host that the certificate is not for. */
void tls_pair_check_hosts(const struct tls_pair *pair, const char *path, const struct slice *hosts,
                          size_t host_count, struct tls_report *report);

/* Seconds since 1970. */
int64_t tls_time_from(const ASN1_TIME *time);

/* "2026-11-27", with its NUL. */
#define TLS_DATE_BYTES 16
void tls_date_format(int64_t seconds, char out[TLS_DATE_BYTES]);

#endif
