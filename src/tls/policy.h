/* Sets TLS versions, ciphers and key exchange groups. */
#ifndef TLS_POLICY_H
#define TLS_POLICY_H

#include "tls/settings.h"

#include <openssl/types.h>

/* Applies the policy and the lists of the settings to `ctx`. Returns false after adding a finding: a list
 * that OpenSSL does not understand. */
bool tls_policy_apply(SSL_CTX *ctx, const struct tls_settings *settings,
                      struct tls_report *report) MUST_CHECK;

#endif
