/* Taking new settings into a server that is serving, see server_change. */
#ifndef SERVER_SETTINGS_CHANGE_H
#define SERVER_SETTINGS_CHANGE_H

#include "disk/root_opening.h"
#include "server/server.h"

struct settings_change;

/* Opens the roots and makes the first snapshot, where nothing is served yet: it may block. Returns 0 or
 * -errno. */
int settings_change_begin(struct server *server) MUST_CHECK;

/* The change that is being prepared, if there is one, is given up, and its caller told so. */
void settings_change_give_up(struct server *server);

#endif
