/* Whether a certificate's chain leads to somebody whom clients trust. */
#ifndef TLS_CHAIN_H
#define TLS_CHAIN_H

#include "tls/report.h"

#include <openssl/x509.h>

/* Adds what is wrong with the certificates of the file `path`: each must have issued the one before it, and
 * the last be a root, or issued by one of the roots that this system trusts. Where neither is so, and the
 * certificate says on the web where its issuer's can be had, as all public authorities do, one is missing: a
 * doubt. Without that it may be a private authority, whose root the clients have: a warning. */
void tls_chain_check(X509 *certificate, STACK_OF(X509) * chain, const char *path, struct tls_report *report);

/* The common name of the subject, or as much as there is of another name; for messages. */
#define TLS_COMMON_NAME_BYTES 72
void tls_common_name(const X509_NAME *name, char out[TLS_COMMON_NAME_BYTES]);

#endif
