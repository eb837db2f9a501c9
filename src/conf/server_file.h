/* The file that `to_file` names: a list of servers, as `to` has it. */
#ifndef CONF_SERVER_FILE_H
#define CONF_SERVER_FILE_H

#include "conf/diagnostics.h"
#include "conf/loader.h"

/* Reads the servers of the route that is being loaded, if they are in a file of their own. `map` is the
 * `proxy` section's. A file that is missing is a warning: it may come while vif runs. */
void server_file_load(struct loader *loader, const struct node *map);

/* Reads a file anew, while vif runs. `speaks_tls`: the routes that name it allow "https://" servers. Fills
 * `servers` and `server_count` of `ret_proxy`, in the arena, which a NUL follows each text of. Returns 0;
 * -ENOENT if there is no such file; -EAGAIN if it is just being written to; ERROR_SYNTAX with at least one
 * mistake, at its position in the file; or -ENOMEM. Blocks on slow file systems. */
int server_file_read(struct slice path, bool speaks_tls, struct arena *arena, struct diagnostics *diagnostics,
                     struct proxy_settings *ret_proxy) MUST_CHECK;

#endif
