/* A local authority in a folder: made once, it issues certificates for the names and addresses of one
 * machine, so that HTTPS works before there is a public name.
 *
 *     FOLDER/ca.pem              the authority's certificate: what browsers must be told to trust
 *     FOLDER/ca.key              its key, and the same certificate; for its owner only
 *     FOLDER/issued/NAME.pem     key, certificate and chain in one file, so that they change together; for
 * its owner only. A struct tls_pair_files needs no other
 *
 * Every file is written whole or not at all. */
#ifndef TLS_LOCAL_CA_H
#define TLS_LOCAL_CA_H

#include "tls/issue.h"
#include "tls/report.h"

#define TLS_LOCAL_CA_PATH_BYTES 1024

/* From when on a certificate of the local authority is made anew. */
#define TLS_RENEWAL_DAYS 30

struct tls_local_ca {
    struct tls_issued_pair authority;
    bool is_new;                               /* it was made just now: nobody trusts it yet */
    char folder[TLS_LOCAL_CA_PATH_BYTES - 16]; /* so that "/ca.pem" fits behind it */
};

/* Opens the authority in the folder; makes both where they are missing, with `owner` in its name (see
 * tls_issue_authority). With `owner` NULL nothing is made. False after a finding. */
bool tls_local_ca_open(const char *folder, const char *owner, int64_t now, struct tls_local_ca *ret_ca,
                       struct tls_report *report) MUST_CHECK;

/* Gives memory back and clears the key from it; also right on a zeroed one. */
void tls_local_ca_finish(struct tls_local_ca *ca);

/* Where the authority's certificate is, for the instructions how to trust it. */
void tls_local_ca_path(const struct tls_local_ca *ca, char out[TLS_LOCAL_CA_PATH_BYTES]);

/* Issues a certificate for these hosts (at least one), named after the first; one of that name is replaced.
 * `ret_path` is its file. False after a finding: a host that is neither name nor address, or a file that
 * cannot be written. */
bool tls_local_ca_issue(const struct tls_local_ca *ca, const struct slice *hosts, size_t host_count,
                        int64_t now, char ret_path[TLS_LOCAL_CA_PATH_BYTES],
                        struct tls_report *report) MUST_CHECK;

/* The same, but where there is one of that name, by this authority, for all these hosts, that does not end
 * soon: it is left as it is. */
bool tls_local_ca_ensure(const struct tls_local_ca *ca, const struct slice *hosts, size_t host_count,
                         int64_t now, char ret_path[TLS_LOCAL_CA_PATH_BYTES],
                         struct tls_report *report) MUST_CHECK;

/* Issues anew, for the same hosts, the certificate of that name. False after a finding. */
bool tls_local_ca_renew(const struct tls_local_ca *ca, const char *name, int64_t now,
                        struct tls_report *report) MUST_CHECK;

/* Removes the certificate of that name. False after a finding. */
bool tls_local_ca_remove(const struct tls_local_ca *ca, const char *name,
                         struct tls_report *report) MUST_CHECK;

/* The bytes of a name, with its NUL. */
#define TLS_LOCAL_NAME_BYTES 256

/* One certificate, as a list has it. */
struct tls_local_certificate {
    char name[TLS_LOCAL_NAME_BYTES];
    char hosts[512]; /* with commas between; cut where there are more */
    int64_t expires; /* seconds since 1970 */
    bool is_ours;    /* by the authority that is in the folder now */
};

/* Calls `visit` for each certificate, in no order. Files that hold none are findings, and passed over. False
 * where the folder cannot be read. */
bool tls_local_ca_list(const struct tls_local_ca *ca,
                       void (*visit)(void *context, const struct tls_local_certificate *certificate),
                       void *context, struct tls_report *report) MUST_CHECK;

#endif
