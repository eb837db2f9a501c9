/* The user that workers become when vif is started as root. */
#ifndef CONF_WORKER_USER_H
#define CONF_WORKER_USER_H

#include "conf/config.h"
#include "conf/diagnostics.h"

#include <sys/types.h>

#define WORKER_USER_NAME_MAX 64

struct worker_user {
    bool is_changed; /* vif runs as root, and the workers do not */
    int why_not;     /* they would be another user by default, but cannot: -errno */
    uid_t user;
    gid_t group;
    char name[WORKER_USER_NAME_MAX];
};

/* Looks it up, which may ask a name server: at the start and for a reload only. */
struct worker_user config_worker_user(const struct config *config);

/* Adds what that user cannot read and will have to: an error for a folder to be served, a warning for its
 * files that the configuration names. */
void config_check_worker_user(const struct config *config, struct diagnostics *diagnostics);

#endif
