/* What is in a folder: readdir(3). -errno where they fail. May wait for a disk. */
#ifndef SYS_FOLDER_H
#define SYS_FOLDER_H

#include "base/compiler.h"

#include <dirent.h>

/* Begins to read the folder `fd`, see OPEN_LIST. The descriptor belongs to the result and is closed by
 * sys_folder_close; where this fails it is closed already. */
int sys_folder_open(int fd, DIR **ret_folder) MUST_CHECK;

/* The next name but "." and "..", in no order. 1 with a name that lives until the next call, 0 at the end. */
int sys_folder_next(DIR *folder, const char **ret_name) MUST_CHECK;

/* NULL is ignored. */
void sys_folder_close(DIR *folder);

#endif
