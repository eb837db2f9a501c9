/* Walks the tree depth first. For each folder on the way the names are held, within the budget of
 * listings; one file is open at a time. Paths are always resolved from the root, confined by the kernel,
 * so that whatever is renamed meanwhile, nothing out of reach is read. */
#include "files/archive.h"

#include "base/error.h"
#include "files/tar.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <errno.h>
#include <sys/stat.h>

void archive_init(struct archive *archive, const struct archive_options *options)
{
    memset(archive, 0, sizeof(*archive));
    archive->options = *options;
    archive->fd = -1;
}

/* Whether the error concerns the entry rather than the server: then the entry is left out. */
static bool is_entrys_fault(int error)
{
    return error == -ENOENT || error == -ENOTDIR || error == -ELOOP || error == -EXDEV || error == -EACCES ||
           error == -EPERM || error == -ENXIO;
}

static struct archive_level *top_level(struct archive *archive)
{
    return archive->depth > 0 ? &archive->levels[archive->depth - 1] : NULL;
}

/* ---- names ---- */

/* Sets the path to `name` in the current folder; false if it is too long. */
static bool set_path(struct archive *archive, struct slice name)
{
    size_t length = top_level(archive)->path_length;
    if (length + 1 + name.length >= sizeof(archive->path))
        return false;
    archive->path[length] = '/';
    memcpy(archive->path + length + 1, name.data, name.length);
    archive->path[length + 1 + name.length] = '\0';
    return true;
}

/* Appends the header for the file at `path`; its name in the archive begins with options.name. */
static void append_header(const struct archive *archive, struct tar_entry *entry, struct buffer *out)
{
    struct buffer name;
    buffer_init(&name, sizeof(archive->path) + archive->options.name.length + 2);
    buffer_append(&name, archive->options.name);
    buffer_append(&name, slice_from(archive->path + strlen(archive->options.folder)));
    if (entry->is_folder)
        buffer_append_byte(&name, '/');
    entry->name = buffer_slice(&name);
    tar_append_header(out, entry);
    out->failed |= name.failed;
    buffer_finish(&name);
}

/* ---- folders ---- */

static int enter_folder(struct archive *archive)
{
    if (archive->depth == ARCHIVE_DEPTH_MAX)
        return ERROR_LIMIT;
    struct archive_level *level = &archive->levels[archive->depth];
    struct folder_query query = {
        .reach = &archive->options.reach,
        .path = archive->path,
        .hidden = archive->options.hidden,
        .count_max = ARCHIVE_ENTRIES_MAX,
        .budget = archive->options.budget,
        .is_abandoned = archive->options.is_abandoned,
    };
    int error = folder_entries_read(&query, &level->entries);
    if (error < 0)
        return error;
    archive->depth++;
    level->next = 0;
    level->path_length = strlen(archive->path);
    if (level->entries.truncated)
        return ERROR_LIMIT;
    folder_entries_sort(&level->entries, FOLDER_ORDER_NAME, false);
    return 0;
}

static void append_folder(const struct archive *archive, int64_t modified_seconds, struct buffer *out)
{
    struct tar_entry entry = {.is_folder = true, .modified_seconds = modified_seconds};
    append_header(archive, &entry, out);
}

static void leave_folder(struct archive *archive)
{
    folder_entries_finish(&top_level(archive)->entries);
    archive->depth--;
}

/* `flags`: OPEN_LINK for a symbolic link itself, OPEN_PATH for its target. */
static int path_status(const struct archive *archive, unsigned flags, struct file_status *ret_status)
{
    int fd = reach_open(&archive->options.reach, archive->path, flags);
    if (fd < 0)
        return fd;
    int error = sys_file_status(fd, ret_status);
    sys_close(fd);
    return error;
}

static int add_folder(struct archive *archive, struct buffer *out)
{
    struct file_status status;
    int error = path_status(archive, OPEN_LINK, &status);
    if (error < 0 || !S_ISDIR(status.mode))
        return error;
    error = enter_folder(archive);
    if (error == 0)
        append_folder(archive, status.modified_seconds, out);
    return error;
}

/* ---- files ---- */

static void close_file(struct archive *archive)
{
    if (archive->fd >= 0)
        sys_close(archive->fd);
    archive->fd = -1;
}

static int archive_add_file(struct archive *archive, struct buffer *out)
{
    struct file_status status;
    archive->fd = reach_open(&archive->options.reach, archive->path, 0);
    if (archive->fd < 0)
        return archive->fd;
    int error = sys_file_status(archive->fd, &status);
    if (error < 0 || !S_ISREG(status.mode)) {
        close_file(archive);
        return error;
    }
    archive->offset = 0;
    archive->size = status.size;
    struct tar_entry entry = {
        .size = status.size,
        .modified_seconds = status.modified_seconds,
        .is_executable = status.mode & S_IXUSR,
    };
    append_header(archive, &entry, out);
    return 0;
}

/* Appends as much of the current file as fits into the piece. */
static int archive_add_content(struct archive *archive, struct buffer *out)
{
    size_t room = ARCHIVE_PIECE_BYTES - out->length;
    size_t length = (size_t)MIN(archive->size - archive->offset, (uint64_t)room);
    if (length > 0 && !buffer_reserve(out, length))
        return -ENOMEM;
    if (length > 0) {
        ssize_t count =
            sys_read_at(archive->fd, out->data + out->length, length, (off_t)archive->offset, false);
        if (count <= 0)
            return count == 0 ? ERROR_CHANGED : (int)count;
        out->length += (size_t)count;
        archive->offset += (size_t)count;
    }
    if (archive->offset < archive->size)
        return 0;
    tar_append_padding(out, archive->size);
    close_file(archive);
    return 0;
}

/* ---- the walk ---- */

static int archive_add_entry(struct archive *archive, const struct folder_entry *entry, struct buffer *out)
{
    if (!set_path(archive, folder_entry_name(entry)) || archive->count == ARCHIVE_ENTRIES_MAX)
        return ERROR_LIMIT;
    archive->count++;
    int error = entry->is_folder ? add_folder(archive, out) : archive_add_file(archive, out);
    return is_entrys_fault(error) ? 0 : error;
}

static int archive_go_on(struct archive *archive, struct buffer *out)
{
    struct archive_level *level = top_level(archive);
    if (!archive->is_begun) {
        append_folder(archive, archive->modified_seconds, out);
        archive->is_begun = true;
        return 0;
    }
    if (archive->fd >= 0)
        return archive_add_content(archive, out);
    if (level == NULL) {
        tar_append_end(out);
        archive->is_ended = true;
        return 0;
    }
    if (level->next < level->entries.count)
        return archive_add_entry(archive, &level->entries.items[level->next++], out);
    leave_folder(archive);
    return 0;
}

int archive_open(struct archive *archive)
{
    size_t length = strlen(archive->options.folder);
    if (length >= sizeof(archive->path))
        return -ENAMETOOLONG;
    memcpy(archive->path, archive->options.folder, length + 1);
    struct file_status status;
    int error = path_status(archive, OPEN_PATH, &status);
    archive->modified_seconds = error == 0 ? status.modified_seconds : 0;
    return error == 0 ? enter_folder(archive) : error;
}

int archive_write(struct archive *archive, struct buffer *out)
{
    int error = 0;
    while (error == 0 && !archive->is_ended && out->length < ARCHIVE_PIECE_BYTES && !out->failed)
        error = archive_go_on(archive, out);
    return error == 0 && out->failed ? -ENOMEM : error;
}

void archive_close(struct archive *archive)
{
    while (archive->depth > 0)
        leave_folder(archive);
    close_file(archive);
}
