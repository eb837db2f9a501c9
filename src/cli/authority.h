/* The local authority of the user, for `vif cert` and `vif --tls`: where it is, and what is said of it. */
#ifndef CLI_AUTHORITY_H
#define CLI_AUTHORITY_H

#include "base/buffer.h"
#include "tls/local_ca.h"

/* `given`, or where NULL the place of a user's data (XDG base directory specification). False, after it said
 * so, where there is none. */
bool authority_find_folder(const char *given, char out[TLS_LOCAL_CA_PATH_BYTES]) MUST_CHECK;

/* Whose it is, as "ada@laptop". */
#define AUTHORITY_OWNER_BYTES 300
void authority_name_owner(char out[AUTHORITY_OWNER_BYTES]);

/* How browsers and programs are told to trust it. */
void authority_explain_trust(const struct tls_local_ca *ca, struct buffer *out);

/* On standard error. */
void authority_print_findings(const struct tls_report *report);

#endif
