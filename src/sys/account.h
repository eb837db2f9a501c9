/* Users and groups by name: getpwnam_r(3), getgrnam_r(3). They may query a name server and block: use them
 * during startup only. */
#ifndef SYS_ACCOUNT_H
#define SYS_ACCOUNT_H

#include "base/compiler.h"

#include <stdbool.h>
#include <sys/types.h>

/* Looks up a name, or a number in digits. Returns false if there is no such account. */
bool sys_find_user(const char *name, uid_t *ret_user) MUST_CHECK;
/* The same with the user's own group; a number that no account has is also its group. */
bool sys_find_login(const char *name, uid_t *ret_user, gid_t *ret_group) MUST_CHECK;
bool sys_find_group(const char *name, gid_t *ret_group) MUST_CHECK;

/* Writes the name of a user, or its number if it has none. */
void sys_user_name(uid_t user, char *out, size_t size);

/* Writes the host name (uname(2)), truncated if it does not fit. */
void sys_host_name(char *out, size_t size);

#endif
