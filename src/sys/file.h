/* Files beneath a root: openat2(2) and what follows. -errno where they fail. */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What fstat(2) says, as far as anyone here asks. */
struct file_status {
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    int64_t modified_seconds; /* since 1970, rounded down */
    int64_t
        modified_ns; /* the same in nanoseconds; years before 1678 and after 2261 are the nearest of them */
    int64_t changed_ns;
    uint32_t links;
    uint32_t mode; /* S_IFMT and permission bits, see inode(7) */
};

/* How far an open may go. */
enum open_flag {
    OPEN_FOLDER = 1,      /* O_PATH | O_DIRECTORY: to hold a place, not to read */
    OPEN_PATH = 2,        /* O_PATH: to ask what it is without waking a device or a FIFO */
    OPEN_CACHED = 4,      /* -EAGAIN rather than wait for a disk or a server, and no other file system */
    OPEN_NO_SYMLINKS = 8, /* -ELOOP rather than follow any symbolic link */
    OPEN_LIST = 16,       /* O_RDONLY | O_DIRECTORY: to list */
    OPEN_STAY = 32,       /* -EXDEV rather than go to another file system */
    OPEN_LEAVE = 64,      /* symbolic links may lead out of the root */
    OPEN_LINK = 128,      /* O_PATH | O_NOFOLLOW: a symbolic link itself, if the path leads to one */
};

/* Opens `path` (NUL-terminated, relative) for reading, never leaving the folder `root_fd`, not by "..", not
 * by an absolute path, not by a symbolic link, not by a magic link of /proc. Non-blocking and close-on-exec.
 */
int sys_open_beneath(int root_fd, const char *path, unsigned flags) MUST_CHECK;

/* The target of the symbolic link that `path` leads to, as sys_open_beneath opens it; it has no NUL. Returns
 * its length, or -EINVAL where there is something else. */
int sys_read_link_beneath(int root_fd, const char *path, unsigned flags, char *out, size_t size) MUST_CHECK;

/* The path of what a descriptor holds, as it is now, without NUL; returns its length. Needs /proc. */
int sys_descriptor_path(int fd, char *out, size_t size) MUST_CHECK;

/* Opens for reading what `path_fd` (of OPEN_PATH) holds, without looking its path up again. Needs /proc. */
int sys_open_path(int path_fd) MUST_CHECK;

/* Opens a folder by any path, as a root for the above. */
int sys_open_root(const char *path) MUST_CHECK;

/* Holds what a name in a folder stands for; of a symbolic link, the link itself. */
int sys_open_entry(int folder_fd, const char *name) MUST_CHECK;

/* Where the symbolic link leads that `fd` holds (of sys_open_entry): the length, without NUL; -ENAMETOOLONG
 * where it does not fit. */
int sys_read_link(int fd, char *out, size_t size) MUST_CHECK;

/* Lets the descriptor `old_fd` mean what `fd` means, and closes `fd`: dup3(2). Whoever holds the number sees
 * the new one from now on. */
int sys_replace(int fd, int old_fd) MUST_CHECK;

/* /dev/null, as a descriptor to hold in reserve. */
int sys_open_null(void) MUST_CHECK;

int sys_file_status(int fd, struct file_status *ret_status) MUST_CHECK;

/* Without opening: stat(2) by any path. */
int sys_path_status(const char *path, struct file_status *ret_status) MUST_CHECK;

enum path_access { PATH_ACCESS_ENTER = 1, PATH_ACCESS_WRITE = 2, PATH_ACCESS_READ = 4 };

/* Whether this process may do all of `access` with what is at a path: 0, or -EACCES, -EROFS, … */
int sys_path_access(const char *path, unsigned access) MUST_CHECK;

/* What a name in a folder stands for; of a symbolic link, the link itself. Mounts nothing. */
int sys_entry_status(int folder_fd, const char *name, struct file_status *ret_status) MUST_CHECK;

/* The descriptor's file system is a local one whose caches can be asked without waiting. */
bool sys_is_local_file_system(int fd);

/* The descriptor's file system writes down by its own clock when a file was last changed (st_ctime), whatever
 * was done to it. An archive that is mounted has what its maker wanted. */
bool sys_sets_change_times(int fd);

/* pread(2). With `cached_only`, -EAGAIN rather than wait for a disk (preadv2(2), RWF_NOWAIT). */
ssize_t sys_read_at(int fd, void *buffer, size_t size, off_t offset, bool cached_only) MUST_CHECK;

/* read(2) of what is at hand: a pipe, inotify. */
ssize_t sys_read(int fd, void *buffer, size_t size) MUST_CHECK;

/* Every page of the range is in the page cache, so that sendfile(2) will not wait: cachestat(2), or where the
 * kernel has none a probe of the first and last page. */
bool sys_range_is_cached(int fd, off_t offset, size_t length);

/* proc_pid_mountinfo(5): what is mounted where, as this process sees it. By poll(2) it says POLLPRI once
 * after each change. Needs /proc. */
int sys_open_mount_table(void) MUST_CHECK;

/* inotify(7): a non-blocking descriptor; a watch of what `fd` holds; the end of a watch. A watch tells that a
 * file, folder or link moves, goes, or gets other permissions or another count of names. `with_entries`, only
 * of a folder, it tells of everything that changes what the folder's names mean, too; a watch of one inode
 * once had with its entries stays so. */
int sys_inotify_create(void) MUST_CHECK;
int sys_inotify_watch(int inotify_fd, int fd, bool with_entries) MUST_CHECK;
void sys_inotify_forget(int inotify_fd, int watch);

#endif
