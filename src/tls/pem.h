/* Reads certificates, keys and revocation lists from PEM files (RFC 7468). */
#ifndef TLS_PEM_H
#define TLS_PEM_H

#include "sys/private_file.h"
#include "tls/report.h"

#include <openssl/types.h>
#include <openssl/x509.h>

/* Largest size of a file with certificates or keys: all root certificates of a system fit. */
#define TLS_FILE_BYTES_MAX (1 << 20)

/* Each of the following reads a file and returns its content, which the caller frees; or NULL, after adding a
 * finding. */

/* All certificates, in their order; never empty. Free with OSSL_STACK_OF_X509_free. */
STACK_OF(X509) * tls_pem_read_certificates(const char *path, struct tls_report *report) MUST_CHECK;

/* The first private key. A key with a passphrase is refused, as a server cannot ask for it. A file that
 * everyone may read gets a warning. */
EVP_PKEY *tls_pem_read_key(const char *path, struct tls_report *report) MUST_CHECK;

/* All revocation lists (CRLs); never empty. */
STACK_OF(X509_CRL) * tls_pem_read_crls(const char *path, struct tls_report *report) MUST_CHECK;

/* Appends the bytes of a file to `out`, which the caller frees in any case. Returns false after adding a
 * finding. */
bool tls_pem_read_file(const char *path, struct buffer *out, struct file_status *ret_status,
                       struct tls_report *report) MUST_CHECK;

/* Adds a warning if everyone may read a file with keys. */
void tls_pem_warn_of_readers(const char *path, const struct file_status *status, struct tls_report *report);

/* Erases the bytes of a key and frees the buffer. */
void tls_pem_forget(struct buffer *bytes);

#endif
