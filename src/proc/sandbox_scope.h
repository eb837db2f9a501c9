/* What the workers of a configuration must reach: folders, and other servers. It decides what a worker may
 * still do, and whether workers that were started for one configuration can serve another one. */
#ifndef PROC_SANDBOX_SCOPE_H
#define PROC_SANDBOX_SCOPE_H

#include "conf/config.h"
#include "sys/landlock.h"
#include "sys/syscall_filter.h"

struct sandbox_scope {
    const struct config *config;
    bool reads_all; /* a route follows links out of its root */
    struct syscall_needs calls;
};

struct sandbox_scope sandbox_scope_of(const struct config *config);

/* Whether workers with the rights for `former` can serve what `next` says. */
bool sandbox_scope_covers(const struct sandbox_scope *former, const struct sandbox_scope *next);

/* Allows what the scope has. Returns 0 or -errno. */
int sandbox_scope_allow(const struct sandbox_scope *scope, struct landlock *landlock) MUST_CHECK;

#endif
