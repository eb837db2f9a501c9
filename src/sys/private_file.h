/* Small files that are read and written whole: certificates and keys. -errno where the kernel refuses. */
#ifndef SYS_PRIVATE_FILE_H
#define SYS_PRIVATE_FILE_H

#include "base/buffer.h"
#include "sys/file.h"

/* Who may read a file that is written. */
enum private_mode {
    PRIVATE_MODE_OWNER = 0600,
    PRIVATE_MODE_ALL = 0644,
};

/* Appends the whole regular file at `path` to `out`, and says in `ret_status` what it is. Waits for no FIFO:
 * -EINVAL for what is no regular file, -EISDIR for a folder, -EFBIG for more than `out` takes. The bytes are
 * read once and not copied about in memory, so that whoever reads a key can clear it. */
int sys_read_private_file(const char *path, struct buffer *out, struct file_status *ret_status) MUST_CHECK;

/* The file holds `text` afterwards, on disk and with that mode whatever the umask, or is as before and -errno
 * is returned. Whoever looks meanwhile sees the old one or the new one. */
int sys_write_private_file(const char *path, struct slice text, enum private_mode mode) MUST_CHECK;

/* Makes the folder, for its owner only, and those above it that are missing. One that is there is left as it
 * is. */
int sys_make_private_folder(const char *path) MUST_CHECK;

/* Removes a file: unlink(2). */
int sys_remove_file(const char *path) MUST_CHECK;

#endif
