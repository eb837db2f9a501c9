/* Versions of a file's content: the entity tag of a version, and whether a file that is being sent is
 * still the same version.
 *
 * Size and modification time are not enough: build tools set one time on all files, other tools restore
 * it, and a file that was only appended to has a new time but the same bytes up to its old end. */
#ifndef DISK_FILE_VERSION_H
#define DISK_FILE_VERSION_H

#include "disk/file.h"

/* Samples the content of a file that is not in memory: at both ends, and at positions in between that are
 * in the page cache. Returns 0; -EAGAIN instead of waiting for a disk with `cached_only`; ERROR_CHANGED if
 * the file is shorter now; or a read error. */
int file_version_sample(struct file *file, bool cached_only) MUST_CHECK;

/* Whether every byte that the status promises is still there and unchanged: the file did not change, or
 * bytes were only appended. The samples detect a file that was rewritten and grew. Thread-safe; does not
 * wait for a disk with `cached_only`. */
bool file_version_stands(const struct file *file, bool cached_only);

/* Sets the file's entity tag: strong if two contents cannot share it. */
void file_version_make_tag(struct file *file, int64_t looked_ns);

#endif
