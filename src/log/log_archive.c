/* Names of archives, and finding them again. Only names of exactly this form are ever removed. */
#include "log/log_archive.h"

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/folder.h"
#include "sys/old_file.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SAME_SECOND_MAX 99

/* As strftime(3) writes it, and how its bytes look: '0' is any digit. */
#define STAMP_FORMAT "%Y%m%dT%H%M%SZ"
#define STAMP_SHAPE  "00000000T000000Z"
#define NUMBER_SHAPE "-00"

/* Where the kernel does not say who writes to a file, nobody does if nobody has for so long. */
#define QUIET_SECONDS 60

/* ---- the log's own path ---- */

/* As many links, one after the other, as the kernel follows. */
#define LINKS_MAX 40

/* Rids the folder of the path of links. Returns a handle to it. */
static int open_folder_of(char path[PATH_MAX])
{
    char folder[PATH_MAX], name[NAME_MAX + 1];
    char *slash = strrchr(path, '/');
    if (snprintf(name, sizeof(name), "%s", slash ? slash + 1 : path) > NAME_MAX)
        return -ENAMETOOLONG;
    if (slash)
        slash[slash == path] = '\0';
    int fd = sys_open_path_of(slash ? path : ".");
    if (fd < 0)
        return fd;
    int length = sys_descriptor_path(fd, folder, PATH_MAX - 1);
    if (length > 1 && snprintf(path, PATH_MAX, "%.*s/%s", length, folder, name) < PATH_MAX)
        return fd;
    if (length == 1 && snprintf(path, PATH_MAX, "/%s", name) < PATH_MAX)
        return fd;
    sys_close(fd);
    return length < 0 ? length : -ENAMETOOLONG;
}

static int read_trusted_link(int folder_fd, int fd, char target[PATH_MAX])
{
    if (!sys_folder_is_safe(folder_fd))
        return -ELOOP;
    int length = sys_read_link(fd, target, PATH_MAX - 1);
    if (length < 0)
        return length;
    target[length] = '\0';
    return 0;
}

/* If there is a link at the path, writes where it leads to. Returns 1 then. */
static int follow_link(int folder_fd, char path[PATH_MAX])
{
    char target[PATH_MAX];
    struct file_status status;
    char *name = strrchr(path, '/') + 1;
    int fd = sys_open_entry(folder_fd, name);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    int error = sys_file_status(fd, &status);
    bool is_link = error == 0 && S_ISLNK(status.mode);
    if (is_link)
        error = read_trusted_link(folder_fd, fd, target);
    sys_close(fd);
    if (error < 0 || !is_link)
        return error;
    char *end = target[0] == '/' ? path : name;
    size_t room = PATH_MAX - (size_t)(end - path);
    return snprintf(end, room, "%s", target) < (int)room ? 1 : -ENAMETOOLONG;
}

/* The path of the file, without links: its archives are beside it. The log itself may be gone. Nobody else
 * may say by a link what a vif with more rights renames: links that others could have made are not followed.
 */
static int log_archive_find_place(const char *path, char real[PATH_MAX])
{
    int result = snprintf(real, PATH_MAX, "%s", path) < PATH_MAX ? 1 : -ENAMETOOLONG;
    for (unsigned links = 0; links <= LINKS_MAX && result > 0; links++) {
        int folder_fd = open_folder_of(real);
        if (folder_fd < 0)
            return folder_fd;
        result = follow_link(folder_fd, real);
        sys_close(folder_fd);
    }
    return result > 0 ? -ELOOP : result;
}

/* ---- putting aside ---- */

static int name_archive(const char *real, int64_t now_seconds, unsigned number, char archive[PATH_MAX])
{
    time_t seconds = (time_t)now_seconds;
    struct tm tm;
    char stamp[sizeof(STAMP_SHAPE)], more[12] = "";
    gmtime_r(&seconds, &tm);
    strftime(stamp, sizeof(stamp), STAMP_FORMAT, &tm);
    if (number > 0)
        snprintf(more, sizeof(more), "-%02u", number);
    return snprintf(archive, PATH_MAX, "%s.%s%s", real, stamp, more) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Also taken if only the compressed one is there. */
static bool is_taken(const char *archive)
{
    char compressed[PATH_MAX];
    struct file_status status;
    return snprintf(compressed, PATH_MAX, "%s" LOG_ARCHIVE_COMPRESSED, archive) < PATH_MAX &&
           sys_path_status(compressed, &status) == 0;
}

int log_archive_put_aside(const char *path, int64_t now_seconds, char archive[PATH_MAX])
{
    char real[PATH_MAX];
    int error = log_archive_find_place(path, real);
    for (unsigned i = 0; i <= SAME_SECOND_MAX && error == 0; i++) {
        error = name_archive(real, now_seconds, i, archive);
        if (error < 0 || is_taken(archive))
            continue;
        error = sys_rename_new(real, archive);
        if (error != -EEXIST)
            return error;
        error = 0;
    }
    return error < 0 ? error : -EEXIST;
}

/* ---- finding ---- */

/* Skips what looks like `shape`; returns false if it does not. */
static bool skip_shape(struct slice *text, struct slice shape)
{
    if (text->length < shape.length)
        return false;
    for (size_t i = 0; i < shape.length; i++) {
        char is = text->data[i], wanted = shape.data[i];
        if (wanted == '0' ? is < '0' || is > '9' : is != wanted)
            return false;
    }
    *text = slice_skip(*text, shape.length);
    return true;
}

enum archive_kind { ARCHIVE_NONE, ARCHIVE_PLAIN, ARCHIVE_COMPRESSED, ARCHIVE_PART };

static enum archive_kind log_archive_kind(struct slice name, struct slice log_name)
{
    if (!slice_starts_with(name, log_name))
        return ARCHIVE_NONE;
    struct slice rest = slice_skip(name, log_name.length);
    if (!skip_shape(&rest, SLICE("." STAMP_SHAPE)))
        return ARCHIVE_NONE;
    (void)skip_shape(&rest, SLICE(NUMBER_SHAPE));
    return rest.length == 0                                   ? ARCHIVE_PLAIN
           : slice_equal(rest, SLICE(LOG_ARCHIVE_COMPRESSED)) ? ARCHIVE_COMPRESSED
           : slice_equal(rest, SLICE(LOG_ARCHIVE_PART))       ? ARCHIVE_PART
                                                              : ARCHIVE_NONE;
}

bool log_archive_is_compressed(const char *path)
{
    return slice_ends_with(slice_from(path), SLICE(LOG_ARCHIVE_COMPRESSED));
}

/* What a compressed one was called before. */
static struct slice original_name(const char *path)
{
    struct slice name = slice_from(path);
    return log_archive_is_compressed(path) ? slice_take(name, name.length - strlen(LOG_ARCHIVE_COMPRESSED))
                                           : name;
}

static int log_archives_add(struct log_archives *archives, const char *path)
{
    char **paths = realloc(archives->paths, (archives->count + 1) * sizeof(*paths));
    if (paths == NULL)
        return -ENOMEM;
    archives->paths = paths;
    paths[archives->count] = strdup(path);
    return paths[archives->count] ? (archives->count++, 0) : -ENOMEM;
}

/* `place`: the folder, and room for a name behind it. */
static int take_name(struct log_archives *archives, char place[PATH_MAX], size_t folder_length,
                     const char *name, struct slice log_name)
{
    enum archive_kind kind = log_archive_kind(slice_from(name), log_name);
    size_t room = PATH_MAX - folder_length;
    if (kind == ARCHIVE_NONE || snprintf(place + folder_length, room, "%s", name) >= (int)room)
        return 0;
    if (kind != ARCHIVE_PART)
        return log_archives_add(archives, place);
    int error = sys_remove(place);
    (void)error; /* it is in nobody's way: the next compression replaces it, or says why it cannot */
    return 0;
}

/* By time: "-01" of a second comes after the one without, compressed or not. */
static int compare_paths(const void *one, const void *other)
{
    const char *path = *(char *const *)one, *other_path = *(char *const *)other;
    struct slice name = original_name(path), other_name = original_name(other_path);
    int order = memcmp(name.data, other_name.data, MIN(name.length, other_name.length));
    if (order == 0)
        order = (name.length > other_name.length) - (name.length < other_name.length);
    return order != 0 ? order : strcmp(path, other_path);
}

int log_archives_find(const char *path, struct log_archives *ret_archives)
{
    char place[PATH_MAX], log_name[NAME_MAX + 1];
    DIR *folder;
    const char *name;
    *ret_archives = (struct log_archives){0};
    int error = log_archive_find_place(path, place);
    if (error < 0)
        return error;
    char *base = strrchr(place, '/') + 1;
    snprintf(log_name, sizeof(log_name), "%s", base);
    *base = '\0';
    int fd = sys_open_beneath(AT_FDCWD, place, OPEN_LIST | OPEN_LEAVE);
    error = fd < 0 ? fd : sys_folder_open(fd, &folder);
    if (error < 0)
        return error;
    size_t folder_length = (size_t)(base - place);
    while (error >= 0 && (error = sys_folder_next(folder, &name)) > 0)
        error = take_name(ret_archives, place, folder_length, name, slice_from(log_name));
    sys_folder_close(folder);
    if (error < 0)
        log_archives_forget(ret_archives);
    else if (ret_archives->count > 1)
        qsort(ret_archives->paths, ret_archives->count, sizeof(*ret_archives->paths), compare_paths);
    return MIN(error, 0);
}

void log_archives_forget(struct log_archives *archives)
{
    for (size_t i = 0; i < archives->count; i++)
        free(archives->paths[i]);
    free(archives->paths);
    *archives = (struct log_archives){0};
}

/* ---- whether somebody writes to one ---- */

int log_archive_check_idle(int fd)
{
    struct file_status status;
    int writers = sys_has_writers(fd);
    int error = sys_file_status(fd, &status);
    if (error < 0)
        return error;
    int64_t quiet_seconds = (int64_t)(sys_realtime_ns() / 1000000000) - status.modified_seconds;
    bool is_busy = writers < 0 ? quiet_seconds < QUIET_SECONDS : writers > 0;
    return is_busy ? -EBUSY : 0;
}

int log_archive_open_idle(const char *path)
{
    int fd = sys_open_old(path);
    int error = fd < 0 ? fd : log_archive_check_idle(fd);
    if (fd >= 0 && error < 0)
        sys_close(fd);
    return error < 0 ? error : fd;
}

bool log_archive_is_written(const char *path)
{
    int fd = log_archive_is_compressed(path) ? -ENOENT : log_archive_open_idle(path);
    if (fd >= 0)
        sys_close(fd);
    return fd == -EBUSY;
}

/* ---- removing ---- */

/* How many there are before the newest `keep`; a compressed one and its original count as one. */
static size_t count_surplus(const struct log_archives *archives, uint32_t keep)
{
    uint32_t kept = 0;
    size_t i = archives->count;
    for (; i > 0; i--) {
        struct slice name = original_name(archives->paths[i - 1]);
        bool is_same = i < archives->count && slice_equal(name, original_name(archives->paths[i]));
        if (!is_same && kept++ == keep)
            break;
    }
    return i;
}

int log_archives_prune(const struct log_archives *archives, uint32_t keep)
{
    int result = 0;
    size_t surplus = count_surplus(archives, keep);
    for (size_t i = 0; i < surplus; i++) {
        int error = log_archive_is_written(archives->paths[i]) ? -EBUSY : sys_remove(archives->paths[i]);
        if (error < 0 && error != -ENOENT && (result == 0 || result == -EBUSY))
            result = error;
    }
    return result;
}
