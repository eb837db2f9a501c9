/* openat2(2) provides the confinement: the kernel resolves the path beneath the root and refuses to leave
 * it. */
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The magic link to the file held by a descriptor, whatever its name refers to now: proc(5). */
#define FD_PATH_BYTES 32
static void fd_path(int fd, char out[FD_PATH_BYTES])
{
    snprintf(out, FD_PATH_BYTES, "/proc/self/fd/%d", fd);
}

static uint64_t open_mode(unsigned flags)
{
    uint64_t mode = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    if (flags & OPEN_FOLDER)
        return mode | O_PATH | O_DIRECTORY;
    if (flags & OPEN_LINK)
        return mode | O_PATH | O_NOFOLLOW;
    if (flags & OPEN_PATH)
        return mode | O_PATH;
    if (flags & OPEN_LIST)
        mode |= O_DIRECTORY;
    return mode | O_RDONLY;
}

/* Attempts at resolving a path with "..", which come rarely, mostly from symbolic links. */
#define TRIES_MAX 10

int sys_open_beneath(int root_fd, const char *path, unsigned flags)
{
    struct open_how how = {.flags = open_mode(flags), .resolve = RESOLVE_NO_MAGICLINKS};
    if (!(flags & OPEN_LEAVE))
        how.resolve |= RESOLVE_BENEATH;
    /* openat2 rejects flags that have no effect with O_PATH. */
    if (how.flags & O_PATH)
        how.flags &= ~(uint64_t)(O_NONBLOCK | O_NOCTTY);
    if (flags & OPEN_CACHED)
        how.resolve |= RESOLVE_CACHED | RESOLVE_NO_XDEV;
    if (flags & OPEN_STAY)
        how.resolve |= RESOLVE_NO_XDEV;
    if (flags & OPEN_NO_SYMLINKS)
        how.resolve |= RESOLVE_NO_SYMLINKS;
    /* EAGAIN may also mean that something was renamed, anywhere, while the kernel resolved a "..". */
    unsigned tries = flags & OPEN_CACHED ? 1 : TRIES_MAX;
    long fd;
    do
        fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || (errno == EAGAIN && --tries > 0)));
    /* Linux before 5.12 does not support RESOLVE_CACHED, so it cannot answer without waiting. */
    if (fd < 0 && errno == EINVAL && flags & OPEN_CACHED)
        return -EAGAIN;
    return fd < 0 ? -errno : (int)fd;
}

/* A target that fills the buffer may have been truncated. */
static int link_length(ssize_t count, size_t size)
{
    return count < 0 ? -errno : (size_t)count == size ? -ENAMETOOLONG : (int)count;
}

int sys_read_link_beneath(int root_fd, const char *path, unsigned flags, char *out, size_t size)
{
    int fd = sys_open_beneath(root_fd, path, (flags & (OPEN_CACHED | OPEN_STAY)) | OPEN_LINK);
    if (fd < 0)
        return fd;
    int length = link_length(readlinkat(fd, "", out, size), size);
    close(fd);
    /* readlinkat returns ENOENT for everything that is not a symbolic link. */
    return length == -ENOENT ? -EINVAL : length;
}

int sys_descriptor_path(int fd, char *out, size_t size)
{
    char path[FD_PATH_BYTES];
    fd_path(fd, path);
    return link_length(readlink(path, out, size), size);
}

int sys_open_path(int path_fd)
{
    char path[FD_PATH_BYTES];
    fd_path(path_fd, path);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int sys_open_root(const char *path)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Linux before 5.12 does not support RESOLVE_CACHED, so it cannot answer without waiting. */
int sys_open_root_cached(const char *path)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_CACHED};
    long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
    return fd >= 0 ? (int)fd : errno == EINVAL ? -EAGAIN : -errno;
}

bool sys_folder_is_confined(int fd)
{
    if (faccessat(fd, ".", R_OK | X_OK, AT_EACCESS) < 0)
        return false;
    int opened = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened >= 0)
        close(opened);
    return opened < 0 && errno == EACCES;
}

int sys_open_path_of(const char *path)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int sys_open_entry(int folder_fd, const char *name)
{
    int fd = openat(folder_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int sys_read_link(int fd, char *out, size_t size)
{
    return link_length(readlinkat(fd, "", out, size), size);
}

int sys_replace(int fd, int old_fd)
{
    if (dup3(fd, old_fd, O_CLOEXEC) < 0)
        return -errno;
    close(fd);
    return 0;
}

int sys_open_null(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

#define NS_PER_SECOND INT64_C(1000000000)

/* Some file systems accept times that do not fit into 64 bits as nanoseconds. */
static int64_t nanoseconds(const struct timespec *time)
{
    int64_t seconds = time->tv_sec;
    if (seconds >= INT64_MAX / NS_PER_SECOND)
        return INT64_MAX;
    if (seconds <= INT64_MIN / NS_PER_SECOND)
        return INT64_MIN;
    return seconds * NS_PER_SECOND + time->tv_nsec;
}

static void convert(const struct stat *from, struct file_status *to)
{
    *to = (struct file_status){
        .device = from->st_dev,
        .inode = from->st_ino,
        .size = (uint64_t)from->st_size,
        .modified_seconds = from->st_mtim.tv_sec,
        .modified_ns = nanoseconds(&from->st_mtim),
        .changed_ns = nanoseconds(&from->st_ctim),
        .links = (uint32_t)from->st_nlink,
        .mode = from->st_mode,
    };
}

int sys_file_status(int fd, struct file_status *ret_status)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    convert(&status, ret_status);
    return 0;
}

int sys_path_status(const char *path, struct file_status *ret_status)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return -errno;
    convert(&status, ret_status);
    return 0;
}

int sys_path_access(const char *path, unsigned access)
{
    int mode = (access & PATH_ACCESS_ENTER ? X_OK : 0) | (access & PATH_ACCESS_WRITE ? W_OK : 0) |
               (access & PATH_ACCESS_READ ? R_OK : 0);
    return faccessat(AT_FDCWD, path, mode, AT_EACCESS) < 0 ? -errno : 0;
}

int sys_entry_status(int folder_fd, const char *name, struct file_status *ret_status)
{
    struct stat status;
    if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
        return -errno;
    convert(&status, ret_status);
    return 0;
}

static bool is_of_type(int fd, const unsigned long *types, size_t count)
{
    struct statfs status;
    int result;
    do
        result = fstatfs(fd, &status);
    while (result < 0 && errno == EINTR);
    if (result < 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if ((unsigned long)status.f_type == types[i])
            return true;
    }
    return false;
}

#define ZFS_SUPER_MAGIC 0x2fc12fc1

bool sys_is_local_file_system(int fd)
{
    static const unsigned long types[] = {
        EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC,          OVERLAYFS_SUPER_MAGIC,
        F2FS_SUPER_MAGIC, RAMFS_MAGIC,     SQUASHFS_MAGIC,    EROFS_SUPER_MAGIC_V1, ZFS_SUPER_MAGIC,
    };
    return is_of_type(fd, types, ARRAY_LENGTH(types));
}

bool sys_sets_change_times(int fd)
{
    static const unsigned long types[] = {
        EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC,     OVERLAYFS_SUPER_MAGIC,
        F2FS_SUPER_MAGIC, RAMFS_MAGIC,     NFS_SUPER_MAGIC,   ZFS_SUPER_MAGIC,
    };
    return is_of_type(fd, types, ARRAY_LENGTH(types));
}

ssize_t sys_read_at(int fd, void *buffer, size_t size, off_t offset, bool cached_only)
{
    struct iovec piece = {.iov_base = buffer, .iov_len = size};
    ssize_t count;
    do
        count = preadv2(fd, &piece, 1, offset, cached_only ? RWF_NOWAIT : 0);
    while (count < 0 && errno == EINTR);
    /* A file system that does not support RWF_NOWAIT might wait. */
    return count < 0 ? errno == EOPNOTSUPP ? -EAGAIN : -errno : count;
}

ssize_t sys_read(int fd, void *buffer, size_t size)
{
    ssize_t count;
    do
        count = read(fd, buffer, size);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

static bool byte_is_cached(int fd, off_t offset)
{
    char byte;
    return sys_read_at(fd, &byte, 1, offset, true) >= 0;
}

bool sys_range_is_cached(int fd, off_t offset, size_t length)
{
    /* cachestat(2), Linux 6.5; not yet in the C library's headers. */
    enum { SYS_CACHESTAT = 451 };
    struct {
        uint64_t offset, length;
    } range = {(uint64_t)offset, length};
    struct {
        uint64_t cached, dirty, writeback, evicted, recently_evicted;
    } pages;
    static bool has_cachestat = true;
    if (has_cachestat) {
        if (syscall(SYS_CACHESTAT, fd, &range, &pages, 0u) == 0) {
            uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
            uint64_t first = range.offset / page;
            uint64_t last = (range.offset + length - 1) / page;
            return length == 0 || pages.cached >= last - first + 1;
        }
        if (errno == ENOSYS)
            has_cachestat = false;
    }
    return length == 0 || (byte_is_cached(fd, offset) && byte_is_cached(fd, offset + (off_t)length - 1));
}

int sys_open_mount_table(void)
{
    int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int sys_inotify_create(void)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int sys_inotify_watch(int inotify_fd, int fd, enum inotify_interest interest)
{
    static const uint32_t events[] = {
        [INOTIFY_ITSELF] = IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | IN_MASK_ADD,
        [INOTIFY_ENTRIES] = IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | IN_MODIFY | IN_CREATE | IN_DELETE |
                            IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR,
        [INOTIFY_CONTENT] =
            IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | IN_MODIFY | IN_CLOSE_WRITE | IN_MASK_ADD,
        [INOTIFY_PLACE] = IN_MOVE_SELF | IN_DELETE_SELF | IN_MASK_ADD,
        [INOTIFY_NAMES] = IN_CREATE | IN_MOVED_TO | IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR | IN_MASK_ADD,
    };
    /* Watches the opened file, whatever its name refers to now. */
    char path[FD_PATH_BYTES];
    fd_path(fd, path);
    int watch = inotify_add_watch(inotify_fd, path, events[interest]);
    return watch < 0 ? -errno : watch;
}

void sys_inotify_forget(int inotify_fd, int watch)
{
    inotify_rm_watch(inotify_fd, watch);
}
