/* Versions of a file's content: what tag one gets, and whether a file that is being sent is still that
 * version.
 *
 * The size and the modification time do not say it: builds set the time to one value for all files, tools put
 * it back, and a file that only grew has another time and the same bytes up to its old end. */
#ifndef DISK_FILE_VERSION_H
#define DISK_FILE_VERSION_H

#include "disk/file.h"

/* Notes what the content of a file that is not in memory looks like at both ends, and at places in between
 * that are in the page cache. Returns 0, -EAGAIN rather than wait for a disk with `cached_only`,
 * ERROR_CHANGED where the file is shorter by now, or what reading it said. */
int file_version_sample(struct file *file, bool cached_only) MUST_CHECK;

/* Whether every byte that the status promises is still there and the same: nothing was changed, or bytes were
 * only added behind the end. What was rewritten and grew at once is known by the samples. May run on any
 * thread; does not wait for a disk with `cached_only`. */
bool file_version_stands(const struct file *file, bool cached_only);

/* Gives the file its tag: strong where two contents cannot have the same one. */
void file_version_make_tag(struct file *file, int64_t looked_ns);

#endif
