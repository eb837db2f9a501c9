/* open(2), read(2), write(2), rename(2) and mkdir(2), for files with secrets. The new file is called
 * "PATH.part" until it is complete, and only its owner can read it from its first byte on. */
#include "sys/private_file.h"

#include "sys/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_kind(const struct file_status *status)
{
    if (S_ISDIR(status->mode))
        return -EISDIR;
    return S_ISREG(status->mode) ? 0 : -EINVAL;
}

/* Allocates the buffer at once, so that it does not grow by copying. One extra byte detects the end of the
 * file. */
static int read_all(int fd, uint64_t size, struct buffer *out)
{
    size_t start = out->length;
    if (size > out->length_max || !buffer_reserve(out, size + 1))
        return size >= out->length_max - start ? -EFBIG : -ENOMEM;
    for (;;) {
        if (!buffer_reserve(out, 1))
            return -EFBIG;
        ssize_t got = sys_read(fd, out->data + out->length, out->capacity - out->length);
        if (got <= 0)
            return (int)got;
        out->length += (size_t)got;
    }
}

int sys_open_private_file(const char *path)
{
    if (sys_opener_is_used())
        return sys_opener_ask(OPENER_READ, path, NULL);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int sys_private_file_status(const char *path, struct file_status *ret_status)
{
    return sys_opener_is_used() ? sys_opener_ask(OPENER_STATUS, path, ret_status)
                                : sys_path_status(path, ret_status);
}

int sys_read_private_file(const char *path, struct buffer *out, struct file_status *ret_status)
{
    int fd = sys_open_private_file(path);
    if (fd < 0)
        return fd;
    struct file_status status;
    int error = sys_file_status(fd, &status);
    if (error == 0)
        error = check_kind(&status);
    if (error == 0)
        error = read_all(fd, status.size, out);
    close(fd);
    if (error == 0)
        *ret_status = status;
    return error;
}

static int write_all(int fd, struct slice text)
{
    while (text.length > 0) {
        ssize_t count = write(fd, text.data, text.length);
        if (count < 0 && errno != EINTR)
            return -errno;
        if (count > 0)
            text = slice_skip(text, (size_t)count);
    }
    return 0;
}

/* A file left by an earlier attempt may exist, with other permissions: it is removed first. */
static int write_part(const char *part, struct slice text, enum private_mode mode)
{
    unlink(part);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, PRIVATE_MODE_OWNER);
    if (fd < 0)
        return -errno;
    int error = write_all(fd, text);
    if (error == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
        error = -errno;
    if (close(fd) < 0 && error == 0)
        error = -errno;
    return error;
}

int sys_write_private_file(const char *path, struct slice text, enum private_mode mode)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof(part), "%s.part", path) >= PATH_MAX)
        return -ENAMETOOLONG;
    int error = write_part(part, text, mode);
    if (error == 0 && rename(part, path) < 0)
        error = -errno;
    if (error)
        unlink(part);
    return error;
}

static int make_folder(const char *path)
{
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int sys_make_private_folder(const char *path)
{
    char above[PATH_MAX];
    if (path[0] == '\0')
        return -ENOENT;
    if (snprintf(above, sizeof(above), "%s", path) >= PATH_MAX)
        return -ENAMETOOLONG;
    for (char *slash = strchr(above + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int error = make_folder(above);
        if (error)
            return error;
        *slash = '/';
    }
    int error = make_folder(path);
    struct file_status status;
    if (error == 0)
        error = sys_path_status(path, &status);
    return error ? error : S_ISDIR(status.mode) ? 0 : -ENOTDIR;
}

int sys_remove_file(const char *path)
{
    return unlink(path) < 0 ? -errno : 0;
}
