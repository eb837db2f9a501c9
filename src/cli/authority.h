/* The user's local certificate authority, for `vif cert` and `vif --tls`: its folder, and messages. */
#ifndef CLI_AUTHORITY_H
#define CLI_AUTHORITY_H

#include "base/buffer.h"
#include "tls/local_ca.h"

/* Finds its folder: `given`, or if NULL one in the user's data directory (XDG base directory specification).
 * Returns false after printing an error if there is none. */
bool authority_find_folder(const char *given, char out[TLS_LOCAL_CA_PATH_BYTES]) MUST_CHECK;

/* The owner's name, such as "ada@laptop". */
#define AUTHORITY_OWNER_BYTES 300
void authority_name_owner(char out[AUTHORITY_OWNER_BYTES]);

/* Appends instructions how to make browsers and programs trust it. */
void authority_explain_trust(const struct tls_local_ca *ca, struct buffer *out);

/* Prints the findings to standard error. */
void authority_print_findings(const struct tls_report *report);

#endif
