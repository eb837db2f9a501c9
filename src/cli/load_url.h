/* Parses the URL of `vif load`. */
#ifndef CLI_LOAD_URL_H
#define CLI_LOAD_URL_H

#include "conf/diagnostics.h"
#include "load/load.h"

/* Parses "http://HOST[:PORT][/PATH]", the same without "http://", or "unix:SOCKET[:/PATH]". Sets the plan's
 * address, Host and path; they live as long as `arena`. Returns false after adding a mistake, also if a name
 * has no address. May block: it resolves names, and tries to connect if a name has several addresses. */
bool load_url_read(struct slice text, struct source_position position, struct arena *arena,
                   struct diagnostics *diagnostics, struct load_plan *plan) MUST_CHECK;

#endif
