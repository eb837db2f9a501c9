/* Client certificates: accepted authorities, revocation lists, and the checks for resumed sessions. */
#ifndef TLS_CLIENT_AUTH_H
#define TLS_CLIENT_AUTH_H

#include "tls/settings.h"

#include <openssl/ssl.h>

/* Sets up `ctx` to request client certificates as the settings say, and to send the names of the authorities.
 * Returns false after adding a finding. In both cases it binds the sessions of `ctx` to these settings: a
 * session created under other ones (another authority, another revocation list) is not resumed. */
bool tls_client_auth_apply(SSL_CTX *ctx, const struct tls_settings *settings, int64_t now,
                           struct tls_report *report) MUST_CHECK;

/* Whether the client certificate of a session allows resumption: it is still valid, its issuer still
 * accepted, it was not revoked since, and it exists if one is required. */
bool tls_client_auth_allows(SSL_CTX *ctx, const SSL_SESSION *session) MUST_CHECK;

#endif
