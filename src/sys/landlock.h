/* Landlock, see landlock(7): a process gives up access to everything that it did not name before. A domain
 * can only become smaller. -errno on failure. */
#ifndef SYS_LANDLOCK_H
#define SYS_LANDLOCK_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* What the running kernel can restrict. */
struct landlock_features {
    int version;       /* of its interface; 0: it has no Landlock, or it is turned off */
    bool is_forbidden; /* version 0, as a filter of system calls, which a container may have, forbids it */
    bool has_network;  /* version 4: TCP ports */
    bool has_scopes;   /* version 6: signals and abstract Unix sockets */
};

struct landlock_features sys_landlock_features(void);

enum landlock_access {
    LANDLOCK_READ,      /* read the file, or everything below the folder, and list it */
    LANDLOCK_READ_FILE, /* only read files */
};

/* Rules of a domain that is not in force yet. */
struct landlock {
    int fd; /* -1: the kernel has no Landlock, and everything stays allowed */
    struct landlock_features features;
};

/* Begins a domain without any access; `connects`: TCP connections stay allowed. Returns 0 or
 * -errno. */
int sys_landlock_begin(struct landlock *landlock, bool connects) MUST_CHECK;

/* Allows access to what is at `path` now, and below it. What does not exist cannot be allowed: -ENOENT. */
int sys_landlock_allow(struct landlock *landlock, const char *path, enum landlock_access access) MUST_CHECK;

/* Puts the domain into force for this thread and all that it will start; needs sys_forbid_new_rights. Ends
 * the rules. */
int sys_landlock_enter(struct landlock *landlock) MUST_CHECK;

/* Ends the rules, without any effect. */
void sys_landlock_drop(struct landlock *landlock);

#endif
