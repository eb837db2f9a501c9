/* Files that are put aside, such as the old parts of a log: renaming them, waiting until nobody writes to
 * them any more, and replacing them by something smaller. -errno on failure. They may wait for a disk. */
#ifndef SYS_OLD_FILE_H
#define SYS_OLD_FILE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* When the file was made, in seconds since 1970; 0: the file system does not say. */
int64_t sys_birth_seconds(const char *path);

/* rename(2), but -EEXIST if there is a file at `to`. */
int sys_rename_new(const char *from, const char *to) MUST_CHECK;

/* rename(2) and unlink(2). */
int sys_rename(const char *from, const char *to) MUST_CHECK;
int sys_remove(const char *path) MUST_CHECK;

/* Opens a regular file for reading; symbolic links are not followed. Returns the descriptor. */
int sys_open_old(const char *path) MUST_CHECK;

/* Whether nobody but root and this process's user and group can put entries into the folder `fd`. */
bool sys_folder_is_safe(int fd);

/* Whether a process has the file open for writing: 1 or 0; -errno if this cannot be found out, as on network
 * file systems, or for files of other users. SIGIO has to be blocked: whoever opens the file for writing
 * meanwhile has the kernel send it. */
int sys_has_writers(int fd) MUST_CHECK;

/* Creates a file at `path`, in place of one that is there, with the owner and the permissions of the file
 * `fd`. Returns its descriptor. */
int sys_create_like(const char *path, int fd) MUST_CHECK;

/* fsync(2). */
int sys_sync(int fd) MUST_CHECK;

#endif
