/* The URL of `vif load`: which server, and what of it. */
#ifndef CLI_LOAD_URL_H
#define CLI_LOAD_URL_H

#include "conf/diagnostics.h"
#include "load/load.h"

/* "http://HOST[:PORT][/PATH]", the same without "http://", or "unix:SOCKET[:/PATH]". Sets the plan's address,
 * Host and path; what they point at lives as long as `arena`. A mistake is told, and false returned; so is a
 * name that has no address. May ask a name server, and knock at the addresses of a name that has several. */
bool load_url_read(struct slice text, struct source_position position, struct arena *arena,
                   struct diagnostics *diagnostics, struct load_plan *plan) MUST_CHECK;

#endif
