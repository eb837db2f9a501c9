/* Users and capabilities of this process: credentials(7), capabilities(7). -errno on failure. */
#ifndef SYS_PRIVILEGE_H
#define SYS_PRIVILEGE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A set of capabilities, as bits of <linux/capability.h>. */
#define SYS_CAPABILITY(number) (UINT64_C(1) << (number))

/* What a process may do, as /proc tells. */
struct process_rights {
    char name[16];
    uid_t user;
    uint64_t capabilities; /* in force */
    uint64_t bounding_set; /* that it could get by starting a program */
    bool no_new_rights;
    bool has_filter; /* of system calls */
};

/* Returns 0, or -ENOENT if there is no such process. */
int sys_process_rights(pid_t pid, struct process_rights *ret_rights) MUST_CHECK;

/* The children of a process; returns how many there are in `ret_children`. */
size_t sys_children(pid_t pid, pid_t *ret_children, size_t max) MUST_CHECK;

/* The name of a capability, "CAP_CHOWN"; NULL: it has none here. */
const char *sys_capability_name(unsigned number);

/* The user and group of this process: geteuid(2), getegid(2). */
uid_t sys_user(void);
gid_t sys_group(void);

/* Whether this process runs as root. */
bool sys_is_root(void);

/* From now on no program that this process starts gets rights that it has not. Cannot be undone. */
int sys_forbid_new_rights(void) MUST_CHECK;

/* Reduces the capabilities of this thread to those in `kept`, and as far as it may also what it could ever
 * get (the bounding set). */
int sys_keep_capabilities(uint64_t kept) MUST_CHECK;

/* Becomes that user and group, without supplementary groups, for ever. Of the capabilities only root has any
 * left, and only those in `kept`. Needs root. */
int sys_become(uid_t user, gid_t group, uint64_t kept) MUST_CHECK;

/* Whether processes that this one starts can become that user and group, and can be sent signals then.
 * Returns 0 or -errno: in a container, root may lack capabilities, or have no other users. */
int sys_may_become(uid_t user, gid_t group) MUST_CHECK;

/* Looks at files as that user and group from now on, or as root again; for checks, as it can be undone. Needs
 * root. */
int sys_look_as(uid_t user, gid_t group) MUST_CHECK;
int sys_look_as_root(void) MUST_CHECK;

#endif
