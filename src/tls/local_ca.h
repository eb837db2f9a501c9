/* A local certificate authority, stored in a folder. It is created once and issues certificates for the names
 * and addresses of one machine, so that HTTPS works without a public name.
 *
 *     FOLDER/ca.pem              the authority's certificate: what browsers must be told to trust
 *     FOLDER/ca.key              its key, and the same certificate
 *     FOLDER/issued/NAME.pem     key, certificate and chain
 *
 * Key, certificate and chain are in one file so that they change together; that file is all that a struct
 * tls_pair_files needs. Files with keys are readable by their owner only. Every file is replaced
 * atomically. */
#ifndef TLS_LOCAL_CA_H
#define TLS_LOCAL_CA_H

#include "tls/issue.h"
#include "tls/report.h"

#define TLS_LOCAL_CA_PATH_BYTES 1024

/* Days before its expiry at which a certificate is renewed. */
#define TLS_RENEWAL_DAYS 30

struct tls_local_ca {
    struct tls_issued_pair authority;
    bool is_new;                               /* it was created just now: no client trusts it yet */
    char folder[TLS_LOCAL_CA_PATH_BYTES - 16]; /* leaves room for "/ca.pem" */
};

/* Opens the authority in the folder. Creates folder and authority if they are missing, with `owner` in its
 * name (see tls_issue_authority); with `owner` NULL creates nothing. Returns false after adding a finding. */
bool tls_local_ca_open(const char *folder, const char *owner, int64_t now, struct tls_local_ca *ret_ca,
                       struct tls_report *report) MUST_CHECK;

/* Frees its memory and erases the key; may be called on a zeroed one. */
void tls_local_ca_finish(struct tls_local_ca *ca);

/* The path of the authority's certificate, for instructions how to trust it. */
void tls_local_ca_path(const struct tls_local_ca *ca, char out[TLS_LOCAL_CA_PATH_BYTES]);

/* Issues a certificate for these hosts (at least one), named after the first; replaces one with the same
 * name. `ret_path` is its file. Returns false after adding a finding: a host that is neither a name nor an
 * address, or a file that cannot be written. */
bool tls_local_ca_issue(const struct tls_local_ca *ca, const struct slice *hosts, size_t host_count,
                        int64_t now, char ret_path[TLS_LOCAL_CA_PATH_BYTES],
                        struct tls_report *report) MUST_CHECK;

/* The same, but keeps an existing certificate of that name if it is by this authority, covers all these hosts
 * and does not expire soon (TLS_RENEWAL_DAYS). */
bool tls_local_ca_ensure(const struct tls_local_ca *ca, const struct slice *hosts, size_t host_count,
                         int64_t now, char ret_path[TLS_LOCAL_CA_PATH_BYTES],
                         struct tls_report *report) MUST_CHECK;

/* Renews the certificate of that name, for the same hosts. Returns false after adding a finding. */
bool tls_local_ca_renew(const struct tls_local_ca *ca, const char *name, int64_t now,
                        struct tls_report *report) MUST_CHECK;

/* Removes the certificate of that name. Returns false after adding a finding. */
bool tls_local_ca_remove(const struct tls_local_ca *ca, const char *name,
                         struct tls_report *report) MUST_CHECK;

/* Size of a name, with its NUL. */
#define TLS_LOCAL_NAME_BYTES 256

/* One certificate, as listed. */
struct tls_local_certificate {
    char name[TLS_LOCAL_NAME_BYTES];
    char hosts[512]; /* separated by commas; truncated if too long */
    int64_t expires; /* seconds since 1970 */
    bool is_ours;    /* issued by the authority that is in the folder now */
};

/* Calls `visit` for each certificate, in no particular order. Files without a certificate are reported as
 * findings and skipped. Returns false if the folder cannot be read. */
bool tls_local_ca_list(const struct tls_local_ca *ca,
                       void (*visit)(void *context, const struct tls_local_certificate *certificate),
                       void *context, struct tls_report *report) MUST_CHECK;

#endif
