/* Checks whether a certificate's chain leads to an authority that clients trust. */
#ifndef TLS_CHAIN_H
#define TLS_CHAIN_H

#include "tls/report.h"

#include <openssl/x509.h>

/* Reports what is wrong with the chain in the file `path`. Each certificate must have issued the one before
 * it, and the last must be a root or be issued by a root that this system trusts. If it is not, and the
 * certificate has a URL of its issuer's certificate (as those of all public authorities do), an intermediate
 * certificate is missing: a doubt. Without such a URL it may be from a private authority whose root the
 * clients have: a warning. */
void tls_chain_check(X509 *certificate, STACK_OF(X509) * chain, const char *path, struct tls_report *report);

/* Writes the common name, or else as much of the whole name as fits; for messages. */
#define TLS_COMMON_NAME_BYTES 72
void tls_common_name(const X509_NAME *name, char out[TLS_COMMON_NAME_BYTES]);

#endif
