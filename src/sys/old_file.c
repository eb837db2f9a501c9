/* Thin wrappers of rename(2), statx(2), fcntl(2) and their like. */
#include "sys/old_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int64_t sys_birth_seconds(const char *path)
{
    struct statx status;
    if (statx(AT_FDCWD, path, 0, STATX_BTIME, &status) < 0 || (status.stx_mask & STATX_BTIME) == 0)
        return 0;
    return status.stx_btime.tv_sec;
}

/* For file systems that know neither the flag of renameat2(2) nor hard links. Whoever creates `to` between
 * the two calls loses it. */
static int rename_if_new(const char *from, const char *to)
{
    struct stat status;
    if (lstat(to, &status) == 0)
        return -EEXIST;
    if (errno != ENOENT)
        return -errno;
    return rename(from, to) < 0 ? -errno : 0;
}

/* For file systems that do not know the flag of renameat2(2). */
static int link_as_new(const char *from, const char *to)
{
    if (link(from, to) < 0) {
        bool has_links = errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS;
        return has_links ? -errno : rename_if_new(from, to);
    }
    if (unlink(from) == 0)
        return 0;
    int error = -errno;
    unlink(to); /* one name, as before */
    return error;
}

int sys_rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    return errno == EINVAL || errno == ENOSYS ? link_as_new(from, to) : -errno;
}

int sys_rename(const char *from, const char *to)
{
    return rename(from, to) < 0 ? -errno : 0;
}

int sys_remove(const char *path)
{
    return unlink(path) < 0 ? -errno : 0;
}

int sys_open_old(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        return fd;
    close(fd);
    return -EINVAL;
}

bool sys_folder_is_safe(int fd)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return false;
    bool is_ours = status.st_uid == 0 || status.st_uid == geteuid();
    bool is_our_groups = status.st_gid == 0 || status.st_gid == getegid();
    return is_ours && (status.st_mode & S_IWOTH) == 0 && ((status.st_mode & S_IWGRP) == 0 || is_our_groups);
}

/* The kernel grants a lease for reading only while no process has the file open for writing: see fcntl(2). */
int sys_has_writers(int fd)
{
    if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
        return errno == EAGAIN ? 1 : -errno;
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return 0;
}

int sys_create_like(const char *path, int fd)
{
    struct stat status;
    if (fstat(fd, &status) < 0 || (unlink(path) < 0 && errno != ENOENT))
        return -errno;
    int created = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (created < 0)
        return -errno;
    /* Who may not give files away keeps them. */
    if ((fchown(created, status.st_uid, status.st_gid) < 0 && errno != EPERM) ||
        fchmod(created, status.st_mode & 07777) < 0) {
        int error = -errno;
        close(created);
        unlink(path);
        return error;
    }
    return created;
}

int sys_sync(int fd)
{
    return fsync(fd) < 0 ? -errno : 0;
}
