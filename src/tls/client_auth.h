/* Certificates of clients: who may have issued them, which are revoked, and what a resumed session owes. */
#ifndef TLS_CLIENT_AUTH_H
#define TLS_CLIENT_AUTH_H

#include "tls/settings.h"

#include <openssl/ssl.h>

/* Sets up `ctx` to ask for certificates as the settings say, with the names of the authorities sent along.
 * False after a finding. In each case the sessions of `ctx` belong to these settings from now on: a session
 * that was begun under other ones (another authority, another list of revoked certificates) is not resumed.
 */
bool tls_client_auth_apply(SSL_CTX *ctx, const struct tls_settings *settings, int64_t now,
                           struct tls_report *report) MUST_CHECK;

/* Whether a session may be resumed as far as its client's certificate goes: it is still valid, its issuer
 * still allowed, it was not revoked since, and there is one where one is required. */
bool tls_client_auth_allows(SSL_CTX *ctx, const SSL_SESSION *session) MUST_CHECK;

#endif
