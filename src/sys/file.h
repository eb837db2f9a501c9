/* Files beneath a root: openat2(2) and related calls. They return -errno on failure. */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The members of fstat(2) that vif uses. */
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

/* Restrictions on what an open may do. */
enum open_flag {
    OPEN_FOLDER = 1,      /* O_PATH | O_DIRECTORY: a handle to a folder, not for reading */
    OPEN_PATH = 2,        /* O_PATH: to get the type without opening a device or a FIFO */
    OPEN_CACHED = 4,      /* -EAGAIN instead of waiting for a disk or server; stays on the file system */
    OPEN_NO_SYMLINKS = 8, /* -ELOOP instead of following any symbolic link */
    OPEN_LIST = 16,       /* O_RDONLY | O_DIRECTORY: to list the folder */
    OPEN_STAY = 32,       /* -EXDEV instead of entering another file system */
    OPEN_LEAVE = 64,      /* symbolic links may lead out of the root */
    OPEN_LINK = 128,      /* O_PATH | O_NOFOLLOW: if the path leads to a symbolic link, the link itself */
};

/* Opens `path` (NUL-terminated, relative) for reading. It never leaves the folder `root_fd`: not by "..",
 * an absolute path, a symbolic link, or a magic link of /proc (but see OPEN_LEAVE). Non-blocking and
 * close-on-exec. Returns the descriptor. */
int sys_open_beneath(int root_fd, const char *path, unsigned flags) MUST_CHECK;

/* Reads the target of the symbolic link that `path` leads to (opened like sys_open_beneath); no NUL is
 * added. Returns its length; -EINVAL if it is not a symbolic link. */
int sys_read_link_beneath(int root_fd, const char *path, unsigned flags, char *out, size_t size) MUST_CHECK;

/* Writes the current path of the open file `fd`, without NUL; returns its length. Needs /proc. */
int sys_descriptor_path(int fd, char *out, size_t size) MUST_CHECK;

/* Opens the file held by `path_fd` (opened with OPEN_PATH) for reading, without resolving its path again.
 * Needs /proc. */
int sys_open_path(int path_fd) MUST_CHECK;

/* Opens a folder by any path, for use as `root_fd` above. */
int sys_open_root(const char *path) MUST_CHECK;

/* The same, but returns -EAGAIN instead of waiting for a disk. */
int sys_open_root_cached(const char *path) MUST_CHECK;

/* Whether a folder that permissions allow to be read cannot be read: it is outside of what the sandbox of
 * this process has. */
bool sys_folder_is_confined(int fd);

/* A handle (O_PATH) to what any path leads to. */
int sys_open_path_of(const char *path) MUST_CHECK;

/* Opens a handle (O_PATH) to an entry of a folder; for a symbolic link, to the link itself. */
int sys_open_entry(int folder_fd, const char *name) MUST_CHECK;

/* Reads the target of the symbolic link held by `fd` (of sys_open_entry). Returns the length, without NUL;
 * -ENAMETOOLONG if it does not fit. */
int sys_read_link(int fd, char *out, size_t size) MUST_CHECK;

/* Makes `old_fd` refer to the open file of `fd`, and closes `fd`: dup3(2). Everybody who uses the number
 * `old_fd` gets the new file from now on. */
int sys_replace(int fd, int old_fd) MUST_CHECK;

/* Opens /dev/null, to hold a descriptor in reserve. */
int sys_open_null(void) MUST_CHECK;

int sys_file_status(int fd, struct file_status *ret_status) MUST_CHECK;

/* stat(2) of any path, without opening it. */
int sys_path_status(const char *path, struct file_status *ret_status) MUST_CHECK;

enum path_access { PATH_ACCESS_ENTER = 1, PATH_ACCESS_WRITE = 2, PATH_ACCESS_READ = 4 };

/* Whether this process has every right in `access` to the file at `path`: 0, or -EACCES, -EROFS, … */
int sys_path_access(const char *path, unsigned access) MUST_CHECK;

/* The status of an entry of a folder; for a symbolic link, of the link itself. Does not trigger
 * automounts. */
int sys_entry_status(int folder_fd, const char *name, struct file_status *ret_status) MUST_CHECK;

/* Whether the file system is a local one whose caches can be queried without waiting. */
bool sys_is_local_file_system(int fd);

/* Whether the file system sets st_ctime from its own clock whenever a file changes, whatever was changed.
 * A mounted archive, for example, has arbitrary times. */
bool sys_sets_change_times(int fd);

/* pread(2). With `cached_only`, returns -EAGAIN instead of waiting for a disk (preadv2(2), RWF_NOWAIT). */
ssize_t sys_read_at(int fd, void *buffer, size_t size, off_t offset, bool cached_only) MUST_CHECK;

/* read(2), for a pipe or inotify. */
ssize_t sys_read(int fd, void *buffer, size_t size) MUST_CHECK;

/* Whether every page of the range is in the page cache, so that sendfile(2) will not block: cachestat(2);
 * on kernels without it, only the first and last page are tested. */
bool sys_range_is_cached(int fd, off_t offset, size_t length);

/* Opens the mount table of this process: proc_pid_mountinfo(5). poll(2) reports POLLPRI once after each
 * change. Needs /proc. */
int sys_open_mount_table(void) MUST_CHECK;

/* What a watch reports. */
enum inotify_interest {
    INOTIFY_ITSELF,  /* that a file, folder or link was moved, deleted or replaced, or got other permissions;
                        of a  folder also that an entry got other permissions */
    INOTIFY_ENTRIES, /* the same, and every change to what the folder's names refer to */
    INOTIFY_CONTENT, /* the same as INOTIFY_ITSELF, and writes; not for folders */
    INOTIFY_PLACE,   /* only that it was moved or deleted */
    INOTIFY_NAMES,   /* the same of a folder, and that it gets a name */
};

/* inotify(7). sys_inotify_create opens a non-blocking descriptor; sys_inotify_watch watches what `fd` holds;
 * sys_inotify_forget ends a watch. Once an inode was watched with its entries, it stays so. */
int sys_inotify_create(void) MUST_CHECK;
int sys_inotify_watch(int inotify_fd, int fd, enum inotify_interest interest) MUST_CHECK;
void sys_inotify_forget(int inotify_fd, int watch);

#endif
