/* The folder of this user's control sockets. -errno on failure. */
#ifndef SYS_RUN_FOLDER_H
#define SYS_RUN_FOLDER_H

#include "base/compiler.h"

#include <stdbool.h>
#include <sys/types.h>

#define SYS_RUN_FOLDER_BYTES 80

/* Writes its path: the first of $RUNTIME_DIRECTORY (from systemd), /run/vif (root), $XDG_RUNTIME_DIR/vif,
 * /tmp/vif-UID. -ENAMETOOLONG if it is too long for the address of a socket in it. */
int sys_run_folder_find(char out[SYS_RUN_FOLDER_BYTES]) MUST_CHECK;

/* Creates it, for its owner only, if it is not there. -EPERM if it is no folder, belongs to another user than
 * this one or root, or others may write to it. */
int sys_run_folder_prepare(const char *path) MUST_CHECK;

/* Who connected to the Unix socket `fd`, when it did: its user, and the process with all of its threads; 0
 * for one outside of the namespace of this one. */
int sys_peer(int fd, uid_t *ret_user, pid_t *ret_process) MUST_CHECK;

/* From now on nobody can send descriptors to this listening Unix socket or to the connections that it
 * accepts (Linux 6.16); to close them could take long. */
void sys_refuse_descriptors(int fd);

/* Whether this is the user of this process, or root. */
bool sys_is_own_user(uid_t user);

#endif
