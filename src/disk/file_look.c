/* Looking at paths with openat2(2) and fstat(2). Errors that are facts about the path become a kind; other
 * errors are returned. */
#include "disk/file_look.h"

#include "sys/socket.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#define OPEN_ATTEMPTS 8

static_assert(FILE_LOOK_PATH_MAX == PATH_MAX + sizeof(".zst"), "a path, and the longest suffix");

void file_look_path(char *out, const struct file_request *request, enum http_coding coding)
{
    struct slice suffix = file_coding_suffix(coding);
    assert(request->path.length < PATH_MAX);
    memcpy(out, request->path.data, request->path.length);
    memcpy(out + request->path.length, suffix.data, suffix.length);
    out[request->path.length + suffix.length] = '\0';
}

static unsigned open_flags(const struct file_request *request)
{
    return (request->cached_only ? OPEN_CACHED : 0) | (request->stays_on_fs ? OPEN_STAY : 0);
}

/* -EXDEV may mean another file system, which OPEN_STAY forbids, or a link out of the root. The caller
 * finds out by trying again without `stays_on_fs`. */
static int error_of(const struct file_request *request, int fd)
{
    return fd == -EXDEV && request->stays_on_fs ? -EREMOTE : fd;
}

/* Opens `path`. If `*follows_link` is set, symbolic links are followed at once; otherwise it is set when
 * there is one. */
static int open_beneath(const struct file_request *request, const char *path, bool *follows_link)
{
    unsigned flags = OPEN_PATH | open_flags(request);
    int fd = reach_open(&request->reach, path, flags | (*follows_link ? 0 : OPEN_NO_SYMLINKS));
    if (fd == -ELOOP && !*follows_link) {
        *follows_link = true;
        fd = reach_open(&request->reach, path, flags);
    }
    /* openat2(2) also returns EAGAIN if it cannot be sure, because of a rename elsewhere, that nothing
     * escaped. */
    for (int i = 0; fd == -EAGAIN && !request->cached_only && i < OPEN_ATTEMPTS; i++)
        fd = reach_open(&request->reach, path, flags);
    return error_of(request, fd);
}

int file_look_kind(int error, uint8_t *ret_kind)
{
    switch (error) {
    case -ENOENT:
    case -ENOTDIR:
    case -ENAMETOOLONG:
    case -ELOOP:
    case -EXDEV:
    case -EINVAL: *ret_kind = FILE_ABSENT; return 0;
    case -EACCES:
    case -EPERM:
    case -ENXIO: *ret_kind = FILE_FORBIDDEN; return 0;
    default: return error;
    }
}

/* Fills in the look from the status; the path may lead to a device or a FIFO. */
static int take_status(const struct file_request *request, int fd, struct file_look *look)
{
    int error = sys_file_status(fd, &look->status);
    if (error < 0)
        return error;
    uint32_t mode = look->status.mode;
    look->kind = S_ISREG(mode) ? FILE_REGULAR : S_ISDIR(mode) ? FILE_FOLDER : FILE_FORBIDDEN;
    look->crosses_mount = !request->stays_on_fs;
    look->is_remote = request->is_remote || (look->crosses_mount && !sys_is_local_file_system(fd));
    return 0;
}

static int file_look_look_at(const struct file_request *request, const char *path, struct file_look *look,
                             int *ret_entry)
{
    int fd = open_beneath(request, path, &look->follows_link);
    if (fd < 0)
        return file_look_kind(fd, &look->kind);
    int error = take_status(request, fd, look);
    if (error == 0 && look->kind == FILE_REGULAR && ret_entry)
        *ret_entry = fd;
    else
        sys_close(fd);
    return error;
}

int file_look(const struct file_request *request, const char *path, struct file_look *ret_look,
              int *ret_entry)
{
    *ret_look = (struct file_look){.is_remote = request->is_remote};
    if (ret_entry)
        *ret_entry = -1;
    return file_look_look_at(request, path, ret_look, ret_entry);
}

int file_look_open(const struct file_request *request, const char *path, bool follows_link)
{
    unsigned flags = open_flags(request) | (follows_link ? 0 : OPEN_NO_SYMLINKS);
    return error_of(request, reach_open(&request->reach, path, flags));
}

/* The entries of a folder may change; it is still the same folder. */
static bool file_look_is_same(const struct file_status *a, const struct file_status *b)
{
    return (S_ISDIR(a->mode) && S_ISDIR(b->mode)) || file_is_untouched(a, b);
}

int file_look_again(const struct file_request *request, const struct file *file)
{
    char path[FILE_LOOK_PATH_MAX];
    struct file_look look = {.follows_link = file->follows_link};
    file_look_path(path, request, (enum http_coding)file->coding);
    int error = file_look_look_at(request, path, &look, NULL);
    if (error < 0)
        return error;
    bool is_reached = look.status.mode != 0;
    if (is_reached != (file->status.mode != 0))
        return 0;
    return is_reached ? file_look_is_same(&file->status, &look.status) : look.kind == file->kind;
}
