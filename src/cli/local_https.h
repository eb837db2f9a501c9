/* `vif --tls` without a certificate: uses one of the local authority, for the names and addresses of this
 * machine. */
#ifndef CLI_LOCAL_HTTPS_H
#define CLI_LOCAL_HTTPS_H

#include "cli/session.h"

/* Creates authority and certificate as needed and sets the certificate in the document. For a new authority,
 * prints how to trust it. Does nothing without --tls or if a certificate was given. On failure prints an
 * error, sets `ret_exit` and returns false. */
bool local_https_prepare(struct session *session, int *ret_exit) MUST_CHECK;

#endif
