/* Opening files beneath a root. Read file_open first; it is the whole story in order.
 *
 * A file is looked at (O_PATH) before it is opened for reading, so that no FIFO is joined and no device is
 * woken by a request; and opened by what was looked at, so that nothing can take its place in between. */
#include "disk/file.h"

#include "base/error.h"
#include "disk/file_look.h"
#include "sys/clock.h"
#include "sys/socket.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* A file that was changed so little before it was looked at could change again without a trace in its times:
 * they move with the kernel's tick. */
#define RACY_NS INT64_C(10000000)

/* A sibling may be this much older than the file it stands for: tools that unpack a tree write in any order.
 */
#define SIBLING_AGE_NS_MAX INT64_C(2000000000)

#define READ_ATTEMPTS 3

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

static int open_for_reading(struct file *file, int entry)
{
    int fd = sys_open_path(entry);
    sys_close(entry);
    if (fd < 0)
        return file_look_kind(fd, &file->kind);
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

/* Which codings stand beside the file, as regular files that are not older than it. */
static int find_siblings(const struct file_request *request, struct file *file)
{
    for (unsigned coding = HTTP_CODING_IDENTITY + 1; coding < HTTP_CODING_COUNT; coding++) {
        struct file_look sibling;
        char path[FILE_LOOK_PATH_MAX];
        file_look_path(path, request, (enum http_coding)coding);
        int error = file_look(request, path, &sibling, NULL);
        if (error < 0)
            return error;
        file->revalidate |= sibling.follows_link;
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

static int open_regular(const struct file_request *request, struct file *file, int entry)
{
    int error = open_for_reading(file, entry);
    if (error < 0 || file->kind != FILE_REGULAR)
        return error;
    if (file->status.size <= request->memory_max)
        error = keep_in_memory(request, file);
    if (error == 0 && request->with_siblings)
        error = find_siblings(request, file);
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
    file->coding = (uint8_t)request->coding;
    file->path_length = (uint16_t)request->path.length;
    list_init(&file->recently_used);
    file_look_path(file->path, request, HTTP_CODING_IDENTITY);
    return file;
}

static void take_look(struct file *file, const struct file_look *look)
{
    file->kind = look->kind;
    file->status = look->status;
    file->follows_link = file->revalidate = look->follows_link;
    file->crosses_mount = look->crosses_mount;
    file->is_remote = look->is_remote;
}

static int attempt(const struct file_request *request, struct file **ret_file)
{
    char path[FILE_LOOK_PATH_MAX];
    struct file *file = create(request);
    if (file == NULL)
        return -ENOMEM;
    file_look_path(path, request, request->coding);
    struct file_look look;
    int entry;
    int64_t looked_ns = sys_realtime_ns();
    int error = file_look(request, path, &look, &entry);
    take_look(file, &look);
    file->is_racy = file->kind == FILE_REGULAR && is_racy(file, looked_ns);
    if (entry >= 0)
        error = open_regular(request, file, entry);
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
