/* Atomic replacement of a file: the new content is written to a file beside it, which rename(2) then moves
 * into place. Readers see either the old or the new content. -errno on failure. */
#ifndef SYS_REPLACE_H
#define SYS_REPLACE_H

#include "base/slice.h"

/* Whether sys_replace_file could write `path` now. It has to be tried, since root may write anywhere and
 * yet not to /proc. Returns 0 or -errno; -EISDIR if `path` is a folder. */
int sys_can_replace_file(const char *path) MUST_CHECK;

/* Afterwards the file holds `text`; on failure it is unchanged and -errno is returned; -ENAMETOOLONG if
 * the path is too long. */
int sys_replace_file(const char *path, struct slice text) MUST_CHECK;

#endif
