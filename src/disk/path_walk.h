/* Walks a path as the kernel does, name by name, to watch everything that the path leads through. */
#ifndef DISK_PATH_WALK_H
#define DISK_PATH_WALK_H

#include "sys/file.h"

/* Calls `visit` for each folder of the path, for each symbolic link before it is followed, and for what is at
 * the end; `fd` is a handle (O_PATH). It returns false to stop. A handle is opened by its name; if the name
 * leads elsewhere after the visit, it may have been replaced before, and the walk stops.
 *
 * Returns true if all were visited. Blocks on slow file systems. */
bool path_walk(const char *path, bool (*visit)(void *context, int fd, const struct file_status *status),
               void *context) MUST_CHECK;

#endif
