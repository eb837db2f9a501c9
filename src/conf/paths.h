/* What a configuration names in the file system: folders to serve, files to write, files to serve. It is
 * looked at as the server will use it, and nothing is made or opened for writing.
 *
 * Each function returns NULL where all is well, else what is wrong, for a message: it lives as long as the
 * arena. */
#ifndef CONF_PATHS_H
#define CONF_PATHS_H

#include "base/arena.h"

/* A folder that may be entered; with `is_listed` also read. `path` is absolute. */
const char *path_check_folder(struct arena *arena, const char *path, bool is_listed);

/* A file that can be read. `path` is absolute. */
const char *path_check_readable(struct arena *arena, const char *path);

/* A file that can be written, or made where there is none. `path` is absolute. */
const char *path_check_log(struct arena *arena, const char *path);

/* A Unix socket that can be made, in place of an older one. `path` is absolute. */
const char *path_check_socket(struct arena *arena, const char *path);

/* A file below a root, which may be there in a coding only ("index.html.br"). `path` is relative, as it would
 * stand in a request. */
const char *path_check_served(struct arena *arena, const char *root, struct slice path);

#endif
