/* Certificates, keys and lists of revoked certificates, from files in PEM form (RFC 7468). */
#ifndef TLS_PEM_H
#define TLS_PEM_H

#include "sys/private_file.h"
#include "tls/report.h"

#include <openssl/types.h>
#include <openssl/x509.h>

/* A file with certificates or keys has at most so many bytes: all the roots of a system fit. */
#define TLS_FILE_BYTES_MAX (1 << 20)

/* Each of these reads a file and returns what is in it, the caller's to free; NULL after it said why in the
 * report. */

/* All certificates, in their order; never empty. To be freed by OSSL_STACK_OF_X509_free. */
STACK_OF(X509) * tls_pem_read_certificates(const char *path, struct tls_report *report) MUST_CHECK;

/* The first private key. One that needs a passphrase is refused: nobody is there to type it. A file that
 * everyone may read is a warning. */
EVP_PKEY *tls_pem_read_key(const char *path, struct tls_report *report) MUST_CHECK;

/* All lists of revoked certificates; never empty. */
STACK_OF(X509_CRL) * tls_pem_read_crls(const char *path, struct tls_report *report) MUST_CHECK;

/* The bytes of a file, appended to `out`, which is the caller's to finish. False after it said why. */
bool tls_pem_read_file(const char *path, struct buffer *out, struct file_status *ret_status,
                       struct tls_report *report) MUST_CHECK;

/* A warning where everyone may read a file with keys. */
void tls_pem_warn_of_readers(const char *path, const struct file_status *status, struct tls_report *report);

/* Clears the bytes of a key before the memory is given back. */
void tls_pem_forget(struct buffer *bytes);

#endif
