/* Checks the paths in a configuration: folders to serve, files to read, files to write. Checks what the
 * server needs, without creating anything or opening it for writing.
 *
 * Each function returns NULL if the path is good, else a message, which lives as long as the arena. */
#ifndef CONF_PATHS_H
#define CONF_PATHS_H

#include "base/arena.h"

/* A folder that can be entered and, with `is_listed`, read. `path` is absolute. */
const char *path_check_folder(struct arena *arena, const char *path, bool is_listed);

/* A file that can be read. `path` is absolute. */
const char *path_check_readable(struct arena *arena, const char *path);

/* A file that can be written, or created. `path` is absolute. */
const char *path_check_log(struct arena *arena, const char *path);

/* A Unix socket that can be created, perhaps replacing an old one. `path` is absolute. */
const char *path_check_socket(struct arena *arena, const char *path);

/* A file below a root, or a precompressed variant of it ("index.html.br"). `path` is relative, as in a
 * request. */
const char *path_check_served(struct arena *arena, const char *root, struct slice path);

#endif
