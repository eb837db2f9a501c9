/* Paths and files by name, for code that runs before or beside the loop: it may wait for a disk. */
#ifndef SYS_PATH_H
#define SYS_PATH_H

#include "base/compiler.h"

#include <limits.h>
#include <stdio.h>

/* realpath(3): the absolute path of what `path` names, without "." and "..", and without symbolic links.
 * Returns 0, or -errno, also if there is no such file; then `ret_path` has no meaning. */
int sys_real_path(const char *path, char ret_path[PATH_MAX]) MUST_CHECK;

/* fopen(3) with close-on-exec: `mode` is "r", "a", or "wx" for a file that must not exist yet. Returns 0 or
 * -errno. Close the stream with fclose(3). */
int sys_open_stream(const char *path, const char *mode, FILE **ret_stream) MUST_CHECK;

#endif
