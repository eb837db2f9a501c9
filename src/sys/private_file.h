/* Small files that are read and written as a whole: certificates and keys. -errno on failure. */
#ifndef SYS_PRIVATE_FILE_H
#define SYS_PRIVATE_FILE_H

#include "base/buffer.h"
#include "sys/file.h"

/* Who may read a written file. */
enum private_mode {
    PRIVATE_MODE_OWNER = 0600,
    PRIVATE_MODE_ALL = 0644,
};

/* Opens such a file for reading, without waiting for the writer of a FIFO; and its status. In a sandbox it is
 * the master that looks (sys/opener.h), and so for sys_read_private_file. */
int sys_open_private_file(const char *path) MUST_CHECK;
int sys_private_file_status(const char *path, struct file_status *ret_status) MUST_CHECK;

/* Appends the regular file at `path` to `out` and stores its status in `ret_status`. Does not block on a
 * FIFO. -EINVAL if it is not a regular file, -EISDIR for a folder, -EFBIG if it does not fit into `out`.
 * No copies of the bytes are left elsewhere in memory, so that the caller can erase a key. */
int sys_read_private_file(const char *path, struct buffer *out, struct file_status *ret_status) MUST_CHECK;

/* Replaces the file atomically: afterwards it holds `text`, synced to disk and with exactly that mode (the
 * umask does not apply); on failure it is unchanged and -errno is returned. Readers see either the old or
 * the new content. */
int sys_write_private_file(const char *path, struct slice text, enum private_mode mode) MUST_CHECK;

/* Creates the folder, with access for its owner only, and missing folders above it. An existing folder is
 * left as it is. */
int sys_make_private_folder(const char *path) MUST_CHECK;

/* Removes a file: unlink(2). */
int sys_remove_file(const char *path) MUST_CHECK;

#endif
