/* Contexts for connections to other servers: the trusted issuers, and a certificate of our own if there is
 * one.
 */
#ifndef TLS_CLIENT_CONTEXT_H
#define TLS_CLIENT_CONTEXT_H

#include "tls/context.h"

/* The files that may have the trusted issuers of a system, in the order of trying: the environment's
 * SSL_CERT_FILE, then where distributions keep them. NULL after the last. */
const char *tls_system_roots_candidate(unsigned number);

/* The first of them that is there; NULL: none. */
const char *tls_system_roots(void);

/* Sets up a context of settings with is_client. Returns false, perhaps after adding findings. */
bool tls_client_context_apply(struct tls_context *context, const struct tls_settings *settings,
                              struct tls_report *report) MUST_CHECK;

#endif
