/* Writing a whole file anew: beside its place first, then moved there by rename(2), so that whoever looks
 * sees the old one or the new one. -errno where the kernel refuses. */
#ifndef SYS_REPLACE_H
#define SYS_REPLACE_H

#include "base/slice.h"

/* Whether sys_replace_file could write `path` now; only trying tells, as root may write everywhere and yet
 * not to /proc. Returns 0 or -errno; -EISDIR where a folder is in the place. */
int sys_can_replace_file(const char *path) MUST_CHECK;

/* The file holds `text` afterwards, or is as before and -errno is returned; -ENAMETOOLONG for a path that is
 * too long. */
int sys_replace_file(const char *path, struct slice text) MUST_CHECK;

#endif
