/* Finding files by pattern: glob(3). */
#ifndef SYS_GLOB_H
#define SYS_GLOB_H

#include "base/compiler.h"

#include <glob.h>
#include <stdbool.h>

/* The paths are in `list.gl_pathv`, `list.gl_pathc` of them, sorted by bytes. */
struct glob_matches {
    glob_t list;
};

/* Finds the existing paths that match `pattern`: `*`, `?` and `[a-z]` match neither `/` nor a leading dot;
 * a backslash escapes the next character. No match is not an error. Returns 0, or -errno if a folder
 * cannot be read or memory runs out; then there is nothing to free. */
int sys_glob(const char *pattern, struct glob_matches *ret_matches) MUST_CHECK;

void sys_glob_free(struct glob_matches *matches);

/* Whether the pattern contains wildcards, so that it could match names other than itself. */
bool sys_glob_has_wildcards(const char *pattern);

#endif
