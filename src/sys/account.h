/* Users and groups by name: getpwnam_r(3), getgrnam_r(3). They may ask a name server and block: for the start
 * of a program only. */
#ifndef SYS_ACCOUNT_H
#define SYS_ACCOUNT_H

#include "base/compiler.h"

#include <stdbool.h>
#include <sys/types.h>

/* A name, or a number in digits. False where there is no such account. */
bool sys_find_user(const char *name, uid_t *ret_user) MUST_CHECK;
bool sys_find_group(const char *name, gid_t *ret_group) MUST_CHECK;

/* The machine's name (uname(2)), cut where it does not fit. */
void sys_host_name(char *out, size_t size);

#endif
