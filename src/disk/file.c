/* Opening files beneath a root. Read file_open first; it is the whole story in order.
 *
 * A file is looked at (O_PATH) before it is opened for reading, so that no FIFO is joined and no device is
 * woken by a request; and opened by what was looked at, so that nothing can take its place in between. */
#include "disk/file.h"

#include "base/error.h"
#include "sys/clock.h"
#include "sys/socket.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

/* A file that was changed so little before it was looked at could change again without a trace in its times:
 * they move with the kernel's tick. */
#define RACY_NS INT64_C(10000000)

/* A sibling may be this much older than the file it stands for: tools that unpack a tree write in any order.
 */
#define SIBLING_AGE_NS_MAX INT64_C(2000000000)

#define READ_ATTEMPTS     3
#define OPEN_ATTEMPTS     8
#define SUFFIX_LENGTH_MAX 4

struct slice file_coding_suffix(enum http_coding coding)
{
    switch (coding) {
    case HTTP_CODING_BR: return SLICE(".br");
    case HTTP_CODING_ZSTD: return SLICE(".zst");
    case HTTP_CODING_GZIP: return SLICE(".gz");
    case HTTP_CODING_IDENTITY:
    case HTTP_CODING_COUNT: break;
    }
    return SLICE("");
}

/* Opens `path` by whatever way is allowed; `revalidate` is set where a symbolic link was followed, because a
 * watch on the folders of the path would not see its target change. */
static int open_beneath(const struct file_request *request, const char *path, unsigned flags,
                        bool *revalidate)
{
    flags |= (request->cached_only ? OPEN_CACHED : 0) | (request->stays_on_fs ? OPEN_STAY : 0);
    int fd = sys_open_beneath(request->root_fd, path, flags | OPEN_NO_SYMLINKS);
    if (fd == -ELOOP) {
        *revalidate = true;
        fd = sys_open_beneath(request->root_fd, path, flags);
    }
    /* The kernel also says EAGAIN when a rename elsewhere keeps it from being sure that nothing escaped. */
    for (int i = 0; fd == -EAGAIN && !request->cached_only && i < OPEN_ATTEMPTS; i++)
        fd = sys_open_beneath(request->root_fd, path, flags);
    /* It may also be outside of the root; who goes there finds out. */
    return fd == -EXDEV && request->stays_on_fs ? -EREMOTE : fd;
}

/* 0 and a kind for errors that are facts about the path; the error itself where they are not. */
static int kind_of_error(int error, uint8_t *ret_kind)
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

/* Looks without waking anything: the place may be a device or a FIFO. Returns 0 with kind and status, or an
 * error that is not about the path. `ret_entry` is a descriptor where the kind is FILE_REGULAR, else -1. */
static int look(const struct file_request *request, struct file *file, const char *path, int *ret_entry)
{
    *ret_entry = -1;
    int fd = open_beneath(request, path, OPEN_PATH, &file->revalidate);
    if (fd < 0)
        return kind_of_error(fd, &file->kind);
    int error = sys_file_status(fd, &file->status);
    bool is_regular = error == 0 && S_ISREG(file->status.mode);
    file->kind = is_regular ? FILE_REGULAR : S_ISDIR(file->status.mode) ? FILE_FOLDER : FILE_FORBIDDEN;
    file->crosses_mount = !request->stays_on_fs;
    file->is_remote = request->is_remote || (file->crosses_mount && !sys_is_local_file_system(fd));
    if (is_regular)
        *ret_entry = fd;
    else
        sys_close(fd);
    return error;
}

static int open_for_reading(struct file *file, int place)
{
    int fd = sys_open_path(place);
    sys_close(place);
    if (fd < 0)
        return kind_of_error(fd, &file->kind);
    file->fd = fd;
    return 0;
}

static int read_content(const struct file *file, char *out, bool cached_only)
{
    size_t size = (size_t)file->status.size;
    for (size_t done = 0; done < size;) {
        ssize_t count = sys_read_at(file->fd, out + done, size - done, (off_t)done, cached_only);
        if (count <= 0)
            return count == 0 ? ERROR_CHANGED : (int)count;
        done += (size_t)count;
    }
    struct file_status after;
    int error = sys_file_status(file->fd, &after);
    return error < 0 ? error : file_is_same(&file->status, &after) ? 0 : ERROR_CHANGED;
}

/* Reads a small file whole; its descriptor is then of no more use. */
static int keep_in_memory(const struct file_request *request, struct file *file)
{
    file->block = malloc(FILE_HEAD_BYTES_MAX + (size_t)file->status.size);
    if (file->block == NULL)
        return -ENOMEM;
    int error = read_content(file, file->block + FILE_HEAD_BYTES_MAX, request->cached_only);
    if (error < 0)
        return error;
    file->in_memory = true;
    sys_close(file->fd);
    file->fd = -1;
    return 0;
}

static void join(char *out, struct slice path, struct slice suffix)
{
    memcpy(out, path.data, path.length);
    memcpy(out + path.length, suffix.data, suffix.length);
    out[path.length + suffix.length] = '\0';
}

/* Which codings stand beside the file, as regular files that are not older than it. */
static int find_siblings(const struct file_request *request, struct file *file, char *path)
{
    for (unsigned coding = HTTP_CODING_IDENTITY + 1; coding < HTTP_CODING_COUNT; coding++) {
        struct file sibling = {0};
        join(path, request->path, file_coding_suffix((enum http_coding)coding));
        int place;
        int error = look(request, &sibling, path, &place);
        if (error < 0)
            return error;
        if (place >= 0)
            sys_close(place);
        file->revalidate |= sibling.revalidate;
        if (sibling.kind == FILE_REGULAR &&
            sibling.status.modified_ns >= file->status.modified_ns - SIBLING_AGE_NS_MAX)
            file->siblings |= (uint8_t)(1u << coding);
    }
    return 0;
}

/* A time in the future was set by somebody: a change would show. */
static bool is_racy(const struct file *file, int64_t looked_ns)
{
    int64_t modified_ns = file->status.modified_ns;
    return modified_ns > looked_ns - RACY_NS && modified_ns <= sys_realtime_ns();
}

static void make_etag(struct file *file)
{
    struct http_etag_source source = {
        .size = file->status.size,
        .mtime_ns = file->status.modified_ns,
        .coding = file->coding == HTTP_CODING_IDENTITY ? (struct slice){0}
                                                       : http_coding_name((enum http_coding)file->coding),
    };
    char *out = file->etag;
    if (file->is_racy) {
        memcpy(out, "W/", 2);
        out += 2;
    }
    file->etag_length = (uint8_t)(http_etag_format(out, &source) + (size_t)(out - file->etag));
}

static int open_regular(const struct file_request *request, struct file *file, char *path, int place)
{
    int error = open_for_reading(file, place);
    if (error < 0 || file->kind != FILE_REGULAR)
        return error;
    if (file->status.size <= request->memory_max)
        error = keep_in_memory(request, file);
    if (error == 0 && request->with_siblings)
        error = find_siblings(request, file, path);
    /* A file with several names can change under one that nobody watches. */
    if (file->status.links > 1)
        file->revalidate = true;
    make_etag(file);
    return error;
}

static struct file *create(const struct file_request *request)
{
    struct file *file = calloc(1, sizeof(*file) + request->path.length + 1);
    if (file == NULL)
        return NULL;
    file->references = 1;
    file->fd = -1;
    file->root = request->root;
    file->is_remote = request->is_remote;
    file->coding = (uint8_t)request->coding;
    file->path_length = (uint16_t)request->path.length;
    list_init(&file->recently_used);
    join(file->path, request->path, SLICE(""));
    return file;
}

static int attempt(const struct file_request *request, struct file **ret_file)
{
    char path[PATH_MAX + SUFFIX_LENGTH_MAX + 1];
    struct file *file = create(request);
    if (file == NULL)
        return -ENOMEM;
    join(path, request->path, file_coding_suffix(request->coding));
    int place;
    int64_t looked_ns = sys_realtime_ns();
    int error = look(request, file, path, &place);
    file->is_racy = file->kind == FILE_REGULAR && is_racy(file, looked_ns);
    if (place >= 0)
        error = open_regular(request, file, path, place);
    if (error < 0) {
        file_unref(file);
        return error;
    }
    *ret_file = file;
    return 0;
}

int file_open(const struct file_request *request, struct file **ret_file)
{
    assert(request->path.length < PATH_MAX);
    int error = ERROR_CHANGED;
    for (int i = 0; error == ERROR_CHANGED && i < READ_ATTEMPTS; i++)
        error = attempt(request, ret_file);
    return error;
}

void file_unref(struct file *file)
{
    if (file == NULL)
        return;
    assert(file->references > 0);
    if (--file->references > 0)
        return;
    if (file->fd >= 0 && file->close_queue)
        close_queue_take(file->close_queue, file->fd);
    else if (file->fd >= 0)
        sys_close(file->fd);
    free(file->block);
    free(file);
}

size_t file_bytes(const struct file *file)
{
    size_t bytes = sizeof(*file) + file->path_length + 1;
    if (file->block)
        bytes += FILE_HEAD_BYTES_MAX + (file->in_memory ? (size_t)file->status.size : 0);
    return bytes;
}
