/* Password files: lines of NAME:HASH, as htpasswd(1) and `vif password` write them. Empty lines, and those
 * that begin with '#', do not count. */
#ifndef CONF_PASSWORDS_H
#define CONF_PASSWORDS_H

#include "conf/loader.h"

#define PASSWORD_FILE_BYTES_MAX (64u << 10)
#define PASSWORD_USERS_MAX      256

/* Reads the file at `path` into settings in the loader's arena. Mistakes in it are added to the diagnostics,
 * with their place in the file, but never with a hash or what may be a password. One about the whole file is
 * at `where`. */
void passwords_read(struct loader *loader, struct slice path, struct source_position where,
                    struct admin_settings *settings);

#endif
