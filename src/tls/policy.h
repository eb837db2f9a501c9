/* Versions, ciphers and key exchange. */
#ifndef TLS_POLICY_H
#define TLS_POLICY_H

#include "tls/settings.h"

#include <openssl/types.h>

/* Sets them in `ctx` as the policy and the lists say. False after a finding: a list that OpenSSL does not
 * understand. */
bool tls_policy_apply(SSL_CTX *ctx, const struct tls_settings *settings,
                      struct tls_report *report) MUST_CHECK;

#endif
