/* `vif --tls` without a certificate: one of the local authority, for the names and addresses of this machine.
 */
#ifndef CLI_LOCAL_HTTPS_H
#define CLI_LOCAL_HTTPS_H

#include "cli/session.h"

/* Makes what is missing and names it in the document. A new authority's way to trust is printed. Nothing
 * happens where nobody asked, or a certificate was given. Returns false, with `ret_exit` set, after it said
 * why there is none. */
bool local_https_prepare(struct session *session, int *ret_exit) MUST_CHECK;

#endif
