/* Opening files beneath a root. Begin reading at file_open.
 *
 * A file is looked at (O_PATH) before it is opened for reading, so that a request cannot open a FIFO or a
 * device. It is then opened through that handle, so that nothing else can take its place in between. */
#include "disk/file.h"

#include "base/error.h"
#include "disk/file_look.h"
#include "disk/file_version.h"
#include "sys/clock.h"
#include "sys/socket.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* Timestamps advance with the kernel's tick: a file that was modified less than this before the look could
 * change again without a change of its times. */
#define RACY_NS INT64_C(10000000)

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

/* Without /proc, the O_PATH handle cannot be reopened for reading: the file is opened by its path again.
 * If something else is there by now, nothing of it is read. */
static int open_by_path(const struct file_request *request, const struct file *file)
{
    assert(file->kind == FILE_REGULAR);
    char path[FILE_LOOK_PATH_MAX];
    struct file_status now;
    file_look_path(path, request, request->coding);
    int fd = file_look_open(request, path, file->follows_link);
    if (fd < 0)
        return fd == -ELOOP ? ERROR_CHANGED : fd; /* it is a symbolic link now */
    int error = sys_file_status(fd, &now);
    bool is_same = error == 0 && now.device == file->status.device && now.inode == file->status.inode;
    if (error == 0 && !is_same)
        error = ERROR_CHANGED;
    if (error == 0)
        return fd;
    sys_close(fd);
    return error;
}

static int open_for_reading(const struct file_request *request, struct file *file, int entry)
{
    assert(entry >= 0 && file->fd < 0);
    int fd = sys_open_path(entry);
    sys_close(entry);
    if (fd == -ENOENT)
        fd = open_by_path(request, file);
    if (fd < 0)
        return file_look_kind(fd, &file->kind);
    file->fd = fd;
    return 0;
}

static int file_read_bytes(const struct file *file, char *out, size_t offset, size_t size, bool cached_only)
{
    assert(file->fd >= 0);
    for (size_t done = 0; done < size;) {
        ssize_t count = sys_read_at(file->fd, out + done, size - done, (off_t)(offset + done), cached_only);
        if (count <= 0)
            return count == 0 ? ERROR_CHANGED : (int)count;
        done += (size_t)count;
    }
    return 0;
}

/* Reads the file again and compares. */
static int read_again(const struct file *file, const char *content, bool cached_only)
{
    char bytes[16384];
    for (size_t offset = 0; offset < file->status.size; offset += sizeof(bytes)) {
        size_t size = (size_t)MIN(file->status.size - offset, sizeof(bytes));
        int error = file_read_bytes(file, bytes, offset, size, cached_only);
        if (error < 0)
            return error;
        if (memcmp(bytes, content + offset, size) != 0)
            return ERROR_CHANGED;
    }
    return 0;
}

static int file_read_content(const struct file *file, char *out, bool cached_only)
{
    struct file_status after;
    int error = file_read_bytes(file, out, 0, (size_t)file->status.size, cached_only);
    if (error == 0)
        error = sys_file_status(file->fd, &after);
    if (error < 0)
        return error;
    if (file_is_untouched(&file->status, &after))
        return 0;
    /* A log may be written to all the time, and a tool may have restored the time: the content may still
     * be the same. */
    bool may_stand = file_is_same(&file->status, &after) || file_has_grown(&file->status, &after);
    return may_stand ? read_again(file, out, cached_only) : ERROR_CHANGED;
}

static int make_block(struct file *file, size_t content_bytes)
{
    assert(file->block == NULL);
    file->block = malloc(FILE_HEAD_BYTES_MAX + content_bytes);
    if (file->block == NULL)
        return -ENOMEM;
    file->kept_head.end = file->block + FILE_HEAD_BYTES_MAX;
    file->kept_head.bytes_max = FILE_HEAD_BYTES_MAX;
    file->kept_head.content_bytes = content_bytes;
    return 0;
}

void file_make_room_for_head(struct file *file)
{
    int error = make_block(file, 0);
    (void)error; /* without it, the head is written for each response */
}

/* Reads a small file into memory and closes its descriptor. */
static int keep_in_memory(const struct file_request *request, struct file *file)
{
    assert(file->fd >= 0 && !file->in_memory);
    int error = make_block(file, (size_t)file->status.size);
    if (error < 0)
        return error;
    error = file_read_content(file, file->block + FILE_HEAD_BYTES_MAX, request->cached_only);
    if (error < 0)
        return error;
    file->in_memory = true;
    sys_close(file->fd);
    file->fd = -1;
    return 0;
}

/* The precision with which a tool copied a time: gzip copies all of it, other tools only microseconds or
 * seconds. */
static int64_t unit_of_time(int64_t time_ns)
{
    static const int64_t units[] = {1000000000, 1000000, 1000};
    for (size_t i = 0; i < ARRAY_LENGTH(units); i++) {
        if (time_ns % units[i] == 0)
            return units[i];
    }
    return 1;
}

/* Whether the sibling is not older than the file. If it is older only by what was cut off when its time
 * was copied, it must have been created after the file's last modification. */
static bool is_as_new(const struct file_status *sibling, const struct file_status *file)
{
    int64_t cut_off_ns = file->modified_ns - sibling->modified_ns;
    return cut_off_ns <= 0 ||
           (cut_off_ns < unit_of_time(sibling->modified_ns) && sibling->changed_ns >= file->modified_ns);
}

/* Finds the codings in which siblings exist, as regular files that are not older. */
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
        if (sibling.kind == FILE_REGULAR && is_as_new(&sibling.status, &file->status))
            file->siblings |= (uint8_t)(1u << coding);
    }
    return 0;
}

/* The siblings of a file that does not exist. A lone ".gz" is left out: it is as likely meant to be
 * downloaded as it is. */
static int find_lone_siblings(const struct file_request *request, struct file *file)
{
    int error = find_siblings(request, file);
    file->siblings &= (uint8_t)~HTTP_CODING_BIT(HTTP_CODING_GZIP);
    return error;
}

/* A time in the future was set explicitly, so a later change will show. */
static bool is_recent(int64_t time_ns, int64_t looked_ns)
{
    return time_ns > looked_ns - RACY_NS && time_ns <= sys_realtime_ns();
}

/* The status change time counts, too: a program that writes and restores the modification time changes
 * only that. */
static bool is_racy(const struct file_status *status, int64_t looked_ns)
{
    return is_recent(status->modified_ns, looked_ns) || is_recent(status->changed_ns, looked_ns);
}

/* Larger files stay open. If such a file keeps changing, sending it will notice that. */
static int keep_open(const struct file_request *request, struct file *file)
{
    assert(file->fd >= 0 && !file->in_memory);
    for (unsigned i = 0; i < READ_ATTEMPTS; i++) {
        int error = file_version_sample(file, request->cached_only);
        if (error < 0 && error != ERROR_CHANGED)
            return error;
        if (error == 0 && file_version_stands(file, request->cached_only))
            return 0;
        error = sys_file_status(file->fd, &file->status);
        if (error < 0)
            return error;
    }
    file->samples_taken = 0;
    return 0;
}

static int open_regular(const struct file_request *request, struct file *file, int entry)
{
    int error = open_for_reading(request, file, entry);
    if (error < 0 || file->kind != FILE_REGULAR)
        return error;
    bool fits = file->status.size <= request->memory_max;
    error = fits ? keep_in_memory(request, file) : keep_open(request, file);
    if (error == 0 && request->with_siblings)
        error = find_siblings(request, file);
    /* A file with several names can be changed through a name that is not watched. */
    if (file->status.links > 1)
        file->revalidate = true;
    return error;
}

static struct file *file_create(const struct file_request *request)
{
    assert(request->root != NULL && request->coding < HTTP_CODING_COUNT);
    struct file *file = calloc(1, sizeof(*file) + request->path.length + 1);
    if (file == NULL)
        return NULL;
    file->references = 1;
    file->fd = -1;
    file->root = request->root;
    file->root_serial = request->root_serial;
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
    struct file *file = file_create(request);
    if (file == NULL)
        return -ENOMEM;
    file_look_path(path, request, request->coding);
    struct file_look look;
    int entry;
    int64_t looked_ns = sys_realtime_ns();
    int error = file_look(request, path, &look, &entry);
    take_look(file, &look);
    if (entry >= 0)
        error = open_regular(request, file, entry);
    else if (error == 0 && file->kind == FILE_ABSENT && request->with_lone_siblings)
        error = find_lone_siblings(request, file);
    if (error < 0) {
        file_unref(file);
        return error;
    }
    if (file->kind == FILE_REGULAR) {
        file->is_racy = is_racy(&file->status, looked_ns);
        file_version_make_tag(file, looked_ns);
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
