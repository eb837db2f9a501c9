/* Reading folders: readdir(3). -errno on failure. May wait for a disk. */
#ifndef SYS_FOLDER_H
#define SYS_FOLDER_H

#include "base/compiler.h"

#include <dirent.h>

/* Begins to read the folder `fd` (opened with OPEN_LIST). Takes over the descriptor: sys_folder_close
 * closes it, or this call if it fails. */
int sys_folder_open(int fd, DIR **ret_folder) MUST_CHECK;

/* Returns 1 and the next name, in no particular order and without "." and ".."; the name is valid until
 * the next call. Returns 0 at the end. */
int sys_folder_next(DIR *folder, const char **ret_name) MUST_CHECK;

/* NULL is ignored. */
void sys_folder_close(DIR *folder);

#endif
