/* Changes the settings of a running server: see server_change. */
#ifndef SERVER_SETTINGS_CHANGE_H
#define SERVER_SETTINGS_CHANGE_H

#include "disk/root_opening.h"
#include "server/server.h"

struct settings_change;

/* Opens the roots and creates the first snapshot, before anything is served. May block. Returns 0 or
 * -errno. */
int settings_change_begin(struct server *server) MUST_CHECK;

/* Cancels the change that is being prepared, if there is one, and calls its `done`. */
void settings_change_give_up(struct server *server);

#endif
