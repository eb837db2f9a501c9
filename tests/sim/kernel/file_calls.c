/* System calls on files and folders. What is not in the caches takes a disk's time: a job of the pool may
 * wait for it, the loop never. */
#include "files.h"
#include "network.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

int __wrap_open(const char *path, int flags, ...);
int __wrap_openat(int fd, const char *name, int flags, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fstat(int fd, struct stat *status);
int __wrap_stat(const char *path, struct stat *status);
int __wrap_fstatat(int fd, const char *name, struct stat *status, int flags);
int __wrap_fstatfs(int fd, struct statfs *status);
long __wrap_syscall(long number, ...);
ssize_t __wrap_preadv2(int fd, const struct iovec *pieces, int count, off_t offset, int flags);
ssize_t __wrap_sendfile(int fd, int file_fd, off_t *offset, size_t length);
ssize_t __wrap_readlink(const char *path, char *out, size_t size);
ssize_t __wrap_readlinkat(int fd, const char *path, char *out, size_t size);
DIR *__wrap_fdopendir(int fd);
struct dirent *__wrap_readdir(DIR *folder);
int __wrap_closedir(DIR *folder);

/* Not yet in the C library's headers: cachestat(2). */
#define SYS_CACHESTAT 451
#define PAGE          4096

struct opened {
    struct open_file file;
    struct inode *inode; /* NULL: /dev/null */
    bool is_place;       /* O_PATH */
};

/* What the server takes for a DIR. */
struct folder_stream {
    int fd;
    size_t count;
    size_t next;
    struct inode *inode;
    struct dirent entry;
};

static struct sim_chance chance;
static bool is_local;
static bool is_taken_for_remote; /* fstatfs(2) could not say */
static bool has_cachestat;
static bool has_proc;

void file_calls_start(void)
{
    chance = sim_chance_for("disk", 0);
    is_local = !sim_one_in(&chance, 8);
    is_taken_for_remote = false;
    has_cachestat = !sim_one_in(&chance, 8);
    struct sim_chance proc_chance = sim_chance_for("proc", 0);
    has_proc = !sim_one_in(&proc_chance, 8);
    /* Without cachestat(2) the server looks at both ends of a range and takes the rest to be there too. */
    files_read_whole(!has_cachestat);
}

/* A second, and ten while somebody looks again, and that look itself. */
uint64_t sim_files_may_be_stale_us(void)
{
    return is_local && !is_taken_for_remote ? 0 : 12 * SIM_S;
}

static struct opened *opened_of(struct open_file *file)
{
    return CONTAINER_OF(file, struct opened, file);
}

static unsigned opened_mask(struct open_file *file)
{
    (void)file;
    return EPOLLIN | EPOLLOUT;
}

static void opened_release(struct open_file *file)
{
    struct opened *opened = opened_of(file);
    if (opened->inode) {
        opened->inode->readers -= !opened->is_place;
        inode_unref(opened->inode);
    }
    kernel_free(opened);
}

static const struct file_class opened_class = {
    .name = "a file", .mask = opened_mask, .release = opened_release};

void files_wait_for_disk(const char *call, const char *path)
{
    if (kernel_side() == SIDE_LOOP)
        sim_fail("the loop waits for a disk: %s of %s", call, path);
}

static int fail_with(int error)
{
    errno = error;
    return -1;
}

struct inode *descriptor_inode(int fd, const char *call)
{
    struct inode *inode = opened_of(descriptor_get(fd, &opened_class, call))->inode;
    assert(inode != NULL);
    return inode;
}

static struct call_target about(const struct inode *inode)
{
    return (struct call_target){.path = inode->path};
}

static int install(struct inode *inode, bool is_place)
{
    struct opened *opened = kernel_alloc(sizeof(*opened));
    open_file_init(&opened->file, &opened_class);
    opened->inode = inode ? inode_ref(inode) : NULL;
    opened->is_place = is_place;
    if (inode)
        inode->readers += !is_place;
    int fd = descriptor_install(&opened->file);
    if (fd < 0 && inode)
        shortage_of_descriptors("openat2", inode->path);
    if (fd > 0)
        call_got_on();
    return fd < 0 ? fail_with(-fd) : fd;
}

bool files_have_magic_links(void)
{
    return has_proc;
}

int magic_link_target(const char *path)
{
    int fd;
    if (sscanf(path, "/proc/self/fd/%d", &fd) != 1)
        sim_fail("%s is no magic link", path);
    return fd;
}

static int open_inode(struct inode *inode, uint64_t flags)
{
    if (flags & O_DIRECTORY && !S_ISDIR(inode->mode))
        return fail_with(ENOTDIR);
    return install(inode, flags & O_PATH);
}

/* Roots, /dev/null, the mount table, and what a descriptor leads to. Only roots may have to wait for a disk.
 */
int __wrap_open(const char *path, int flags, ...)
{
    call_begin();
    bool is_table = strcmp(path, "/proc/self/mountinfo") == 0;
    bool is_magic = !is_table && strncmp(path, "/proc/", 6) == 0;
    struct inode *target = is_magic ? descriptor_inode(magic_link_target(path), "open") : NULL;
    int error = fault_for(CALL_open, (struct call_target){.path = target ? target->path : path});
    if ((is_magic || is_table) && !has_proc)
        error = ENOENT;
    if (error)
        return fail_with(error);
    int fd;
    if (strcmp(path, "/dev/null") == 0) {
        fd = install(NULL, false);
    } else if (is_table) {
        fd = descriptor_install(mount_table_open());
        fd = fd < 0 ? fail_with(-fd) : fd;
    } else if (is_magic) {
        fd = open_inode(target, (uint64_t)flags);
    } else {
        struct inode *inode;
        files_wait_for_disk("open", path);
        error = files_walk(files_top(), path, 0, &inode);
        fd = error < 0 ? fail_with(-error) : open_inode(inode, (uint64_t)flags);
    }
    sim_trace("open(%s) = %d", path, fd);
    return fd;
}

/* A name on the way to a root. */
int __wrap_openat(int fd, const char *name, int flags, ...)
{
    call_begin();
    assert(flags & O_PATH && flags & O_NOFOLLOW);
    files_wait_for_disk("openat", name);
    struct inode *inode;
    int error = -fault_for(CALL_openat, (struct call_target){.path = name});
    if (error == 0)
        error = files_walk(descriptor_inode(fd, "openat"), name, WALK_NO_FOLLOW, &inode);
    return error < 0 ? fail_with(-error) : open_inode(inode, (uint64_t)flags);
}

/* Only a root's own path is not confined. */
static unsigned walk_flags(int root_fd, const struct open_how *how)
{
    bool is_confined = how->resolve & RESOLVE_BENEATH;
    if (!is_confined && root_fd != AT_FDCWD)
        sim_fail("openat2 without RESOLVE_BENEATH");
    return (is_confined ? WALK_BENEATH : 0u) | (how->resolve & RESOLVE_CACHED ? WALK_CACHED : 0u) |
           (how->flags & O_NOFOLLOW ? WALK_NO_FOLLOW : 0u) |
           (how->resolve & RESOLVE_NO_SYMLINKS ? WALK_NO_SYMLINKS : 0u) |
           (how->resolve & RESOLVE_NO_XDEV ? WALK_STAY : 0u);
}

static long open_by_openat2(int root_fd, const char *path, const struct open_how *how)
{
    struct inode *root = root_fd == AT_FDCWD ? files_top() : descriptor_inode(root_fd, "openat2");
    unsigned flags = walk_flags(root_fd, how);
    struct inode *inode;
    struct call_target target = {.path = path, .is_hasty = flags & WALK_CACHED};
    int error = -fault_for(CALL_openat2, target);
    if (error == 0)
        error = files_walk(root, path, flags, &inode);
    int fd = error < 0 ? fail_with(-error) : open_inode(inode, how->flags);
    sim_trace("openat2(%d, \"%.100s\", 0x%llx) = %s%d", root_fd, path, (unsigned long long)how->resolve,
              fd < 0 ? strerrorname_np(errno) : "", fd);
    return fd;
}

/* What is in use stays in the page cache. */
static void use(struct inode *inode)
{
    inode->used_us = sim_now_us() + 1;
}

static long cachestat(int fd, const uint64_t range[2], uint64_t out[5])
{
    struct inode *inode = descriptor_inode(fd, "cachestat");
    if (!has_cachestat)
        return fail_with(ENOSYS);
    int error = fault_for(CALL_cachestat, (struct call_target){.path = inode->path, .is_hasty = true});
    if (error) {
        inode->cold_blocks = 0; /* both ends are looked at instead: see file_calls_start */
        return fail_with(error);
    }
    uint64_t first = range[0] / PAGE, last = (range[0] + range[1] - 1) / PAGE;
    memset(out, 0, 5 * sizeof(*out));
    use(inode);
    out[inode_is_cached(inode, range[0], range[1]) ? 0 : 3] = last - first + 1;
    return 0;
}

static long file_call(long number, int fd, void *second, void *third)
{
    call_begin();
    switch (number) {
    case SYS_openat2: return open_by_openat2(fd, second, third);
    case SYS_CACHESTAT: return cachestat(fd, second, third);
    default: sim_fail("system call %ld", number);
    }
}

/* Those that the C library has no function for, or one that does more than the call. */
long __wrap_syscall(long number, ...)
{
    va_list values;
    va_start(values, number);
    int fd = va_arg(values, int);
    void *second = va_arg(values, void *);
    void *third = va_arg(values, void *);
    bool has_flags = number == SYS_recvfrom || number == SYS_sendto;
    int flags = has_flags ? va_arg(values, int) : 0;
    va_end(values);
    switch (number) {
    case SYS_recvfrom: return socket_call_recv(fd, second, (size_t)third, flags);
    case SYS_sendto: return socket_call_send(fd, second, (size_t)third, flags);
    default: return file_call(number, fd, second, third);
    }
}

/* The log is on a file system without locks, where part of a line may be written. */
int __wrap_fcntl(int fd, int command, ...)
{
    call_begin();
    if (command != F_OFD_SETLK || !log_file_is(descriptor_get(fd, NULL, "fcntl")))
        sim_fail("fcntl command %d", command);
    return fail_with(ENOLCK);
}

int __wrap_fstat(int fd, struct stat *status)
{
    call_begin();
    if (log_file_is(descriptor_get(fd, NULL, "fstat"))) {
        log_file_status(status);
        return 0;
    }
    const struct inode *inode = descriptor_inode(fd, "fstat");
    int error = fault_for(CALL_fstat, about(inode));
    if (error)
        return fail_with(error);
    inode_status(inode, status);
    return 0;
}

int __wrap_stat(const char *path, struct stat *status)
{
    call_begin();
    files_wait_for_disk("stat", path);
    struct inode *inode;
    int error = -fault_for(CALL_stat, (struct call_target){.path = path});
    if (error == 0)
        error = files_walk(files_top(), path, 0, &inode);
    if (error < 0)
        return fail_with(-error);
    inode_status(inode, status);
    return 0;
}

int __wrap_fstatat(int fd, const char *name, struct stat *status, int flags)
{
    call_begin();
    assert(flags & AT_SYMLINK_NOFOLLOW);
    struct inode *inode;
    int error = -fault_for(CALL_fstatat, (struct call_target){.path = name});
    if (error == 0)
        error = files_walk(descriptor_inode(fd, "fstatat"), name, WALK_NO_FOLLOW, &inode);
    if (error < 0)
        return fail_with(-error);
    inode_status(inode, status);
    return 0;
}

int __wrap_fstatfs(int fd, struct statfs *status)
{
    call_begin();
    const struct inode *inode = descriptor_inode(fd, "fstatfs");
    int error = fault_for(CALL_fstatfs, about(inode));
    is_taken_for_remote |= error != 0 && error != EINTR;
    if (error)
        return fail_with(error);
    memset(status, 0, sizeof(*status));
    status->f_type = is_local ? EXT4_SUPER_MAGIC : NFS_SUPER_MAGIC;
    return 0;
}

/* Of a descriptor's magic link: the path that a folder was made as is the one that it has. */
ssize_t __wrap_readlink(const char *path, char *out, size_t size)
{
    call_begin();
    const struct inode *inode = descriptor_inode(magic_link_target(path), "readlink");
    int error = has_proc ? fault_for(CALL_readlink, about(inode)) : ENOENT;
    if (error)
        return fail_with(error);
    size_t length = MIN(strlen(inode->path), size);
    memcpy(out, inode->path, length);
    return (ssize_t)length;
}

ssize_t __wrap_readlinkat(int fd, const char *path, char *out, size_t size)
{
    call_begin();
    assert(path[0] == '\0');
    const struct inode *inode = descriptor_inode(fd, "readlinkat");
    int error = fault_for(CALL_readlinkat, about(inode));
    if (error == 0 && !S_ISLNK(inode->mode))
        error = ENOENT;
    if (error)
        return fail_with(error);
    size_t length = MIN(inode->size, size);
    memcpy(out, inode->bytes, length);
    return (ssize_t)length;
}

static size_t readable(const struct inode *inode, off_t offset, size_t size)
{
    if (offset < 0 || (size_t)offset >= inode->size)
        return 0;
    return MIN(size, inode->size - (size_t)offset);
}

ssize_t __wrap_preadv2(int fd, const struct iovec *pieces, int count, off_t offset, int flags)
{
    call_begin();
    struct inode *inode = descriptor_inode(fd, "preadv2");
    bool may_wait = !(flags & RWF_NOWAIT);
    assert(count == 1);
    int error = fault_for(CALL_preadv2, (struct call_target){.path = inode->path, .is_hasty = !may_wait});
    size_t length = readable(inode, offset, pieces->iov_len);
    if (error == 0 && !inode_is_cached(inode, (size_t)offset, length)) {
        if (!may_wait)
            error = EAGAIN;
        else
            files_wait_for_disk("preadv2", inode->path);
    }
    sim_trace("preadv2(%d, %zu at %lld) = %zu%s", fd, pieces->iov_len, (long long)offset, length,
              error ? strerrorname_np(error) : "");
    if (error)
        return fail_with(error);
    inode_cache(inode, (size_t)offset, length);
    use(inode);
    /* A signal, a page that is missing: fewer than there are. */
    if (length > 1 && sim_one_in(&chance, 16))
        length = sim_between(&chance, 1, length);
    if (length > 0)
        memcpy(pieces->iov_base, inode->bytes + offset, length);
    return (ssize_t)length;
}

/* What it takes out of the file depends on the room in the socket. */
static ssize_t send_file(int fd, const struct inode *inode, off_t offset, size_t length)
{
    ssize_t room = socket_may_send(fd, "sendfile");
    if (room < 0)
        return room;
    struct iovec piece = {.iov_base = inode->bytes + offset, .iov_len = readable(inode, offset, length)};
    if (piece.iov_len == 0)
        return 0;
    return socket_send(fd, &piece, 1, "sendfile");
}

ssize_t __wrap_sendfile(int fd, int file_fd, off_t *offset, size_t length)
{
    call_begin();
    struct inode *inode = descriptor_inode(file_fd, "sendfile");
    struct call_target target = {.path = inode->path, .socket = socket_client(fd)};
    int error = fault_for(CALL_sendfile, target);
    if (error == ECONNRESET || error == EPIPE)
        socket_break(fd);
    if (error == 0 && !inode_is_cached(inode, (size_t)*offset, length))
        files_wait_for_disk("sendfile", inode->path);
    use(inode);
    ssize_t sent = error ? -error : send_file(fd, inode, *offset, length);
    sim_trace("sendfile(%d, %d, %lld, %zu) = %s%zd", fd, file_fd, (long long)*offset, length,
              sent < 0 ? strerrorname_np((int)-sent) : "", sent);
    if (sent < 0)
        return fail_with((int)-sent);
    *offset += sent;
    return sent;
}

/* ---- folders ---- */

DIR *__wrap_fdopendir(int fd)
{
    call_begin();
    struct inode *inode = descriptor_inode(fd, "fdopendir");
    int error = fault_for(CALL_fdopendir, about(inode));
    if (error == 0 && !S_ISDIR(inode->mode))
        error = ENOTDIR;
    if (error) {
        errno = error;
        return NULL;
    }
    files_wait_for_disk("readdir", inode->path);
    struct folder_stream *stream = kernel_alloc(sizeof(*stream));
    stream->fd = fd;
    stream->inode = inode;
    return (DIR *)stream;
}

static const char *name_number(const struct inode *folder, size_t number)
{
    if (number < 2)
        return number == 0 ? "." : "..";
    number -= 2;
    LIST_FOREACH(link, &folder->names) {
        const struct name *name = CONTAINER_OF(link, struct name, link);
        if (name->inode && number-- == 0)
            return name->text;
    }
    return NULL;
}

struct dirent *__wrap_readdir(DIR *folder)
{
    call_begin();
    struct folder_stream *stream = (struct folder_stream *)folder;
    int error = fault_for(CALL_readdir, about(stream->inode));
    if (error) {
        errno = error;
        return NULL;
    }
    const char *name = name_number(stream->inode, stream->next++);
    if (name == NULL)
        return NULL;
    snprintf(stream->entry.d_name, sizeof(stream->entry.d_name), "%s", name);
    return &stream->entry;
}

int __wrap_closedir(DIR *folder)
{
    struct folder_stream *stream = (struct folder_stream *)folder;
    int fd = stream->fd;
    kernel_free(stream);
    return close(fd);
}
