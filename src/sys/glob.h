/* File names by patterns: glob(3). */
#ifndef SYS_GLOB_H
#define SYS_GLOB_H

#include "base/compiler.h"

#include <glob.h>
#include <stdbool.h>

/* The paths in `list.gl_pathv`, `list.gl_pathc` of them, in the order of their bytes. */
struct glob_matches {
    glob_t list;
};

/* Finds what is there under names that match: `*`, `?` and `[a-z]`, which match no `/` and no leading dot; a
 * backslash takes the meaning of the next character. Nothing found is no error. Returns 0, or -errno where a
 * folder cannot be read or memory runs out; then there is nothing to free. */
int sys_glob(const char *pattern, struct glob_matches *ret_matches) MUST_CHECK;

void sys_glob_free(struct glob_matches *matches);

/* Whether a name could match other names than itself. */
bool sys_glob_has_wildcards(const char *pattern);

#endif
