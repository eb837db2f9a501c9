/* The kernel checks access, as it considers read-only file systems and capabilities. "Permission denied"
 * alone makes people look at the file when a folder above it is not accessible, so that folder is named. */
#include "conf/paths.h"

#include "base/error.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#define FAULT_BYTES_MAX 512

PRINTF_LIKE(2, 3)
static const char *fault(struct arena *arena, const char *format, ...)
{
    char text[FAULT_BYTES_MAX];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    const char *copy = arena_string(arena, slice_from(text));
    return copy ? copy : "out of memory";
}

/* The length of the shortest folder above a path that may not be entered; 0 where all may. */
static size_t locked_length(struct arena *arena, const char *path)
{
    for (size_t i = 1; path[i]; i++) {
        const char *folder = path[i] == '/' ? arena_string(arena, slice_make(path, i)) : NULL;
        if (folder && sys_path_access(folder, PATH_ACCESS_ENTER) == -EACCES)
            return i;
    }
    return 0;
}

static const char *system_fault(struct arena *arena, const char *path, int error)
{
    size_t locked = error == -EACCES ? locked_length(arena, path) : 0;
    if (locked > 0)
        return fault(arena, "%s: the folder \"%.*s\" may not be entered", error_text(error), (int)locked,
                     path);
    return error_text(error) ? fault(arena, "%s", error_text(error)) : NULL;
}

const char *path_check_folder(struct arena *arena, const char *path, bool is_listed)
{
    struct file_status status;
    int error = sys_path_status(path, &status);
    if (error == 0 && !S_ISDIR(status.mode))
        return "it is not a folder";
    if (error == 0)
        error = sys_path_access(path, PATH_ACCESS_ENTER | (is_listed ? PATH_ACCESS_READ : 0));
    return error ? system_fault(arena, path, error) : NULL;
}

const char *path_check_readable(struct arena *arena, const char *path)
{
    struct file_status status;
    int error = sys_path_status(path, &status);
    if (error == 0 && !S_ISREG(status.mode))
        return "it is not a file";
    if (error == 0)
        error = sys_path_access(path, PATH_ACCESS_READ);
    return error ? system_fault(arena, path, error) : NULL;
}

/* The folder that a new file would come into. */
static const char *check_parent(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct slice name = slice_make(path, slash == path ? 1 : (size_t)(slash - path));
    const char *parent = arena_string(arena, name);
    struct file_status status;
    if (parent == NULL)
        return "out of memory";
    int error = sys_path_status(parent, &status);
    if (error == 0 && !S_ISDIR(status.mode))
        error = -ENOTDIR;
    if (error == -ENOENT)
        return fault(arena, "there is no folder \"%s\"", parent);
    if (error == 0)
        error = sys_path_access(parent, PATH_ACCESS_WRITE | PATH_ACCESS_ENTER);
    return error ? fault(arena, "cannot make a file in \"%s\": %s", parent, error_text(error)) : NULL;
}

const char *path_check_log(struct arena *arena, const char *path)
{
    struct file_status status;
    int error = sys_path_status(path, &status);
    if (error == -ENOENT)
        return check_parent(arena, path);
    if (error == 0 && S_ISDIR(status.mode))
        return "it is a folder";
    if (error == 0)
        error = sys_path_access(path, PATH_ACCESS_WRITE);
    return error ? system_fault(arena, path, error) : NULL;
}

const char *path_check_socket(struct arena *arena, const char *path)
{
    struct file_status status;
    if (sys_path_status(path, &status) == 0 && !S_ISSOCK(status.mode))
        return "there is a file of that name, which is not a socket";
    return check_parent(arena, path);
}

static int try_served(int root, const char *path)
{
    struct file_status status;
    int fd = sys_open_beneath(root, path, 0);
    if (fd < 0)
        return fd;
    int error = sys_file_status(fd, &status);
    sys_close(fd);
    return error == 0 && !S_ISREG(status.mode) ? -EISDIR : error;
}

/* The file as it is, or in any of the codings that are looked for beside it. */
static int try_codings(int root, struct slice path)
{
    static const char *const suffixes[] = {"", ".br", ".zst", ".gz"};
    int first_error = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++) {
        char name[PATH_MAX];
        int length = snprintf(name, sizeof(name), "%.*s%s", SLICE_ARGS(path), suffixes[i]);
        int error = (size_t)length < sizeof(name) ? try_served(root, name) : -ENAMETOOLONG;
        if (error == 0)
            return 0;
        first_error = first_error ? first_error : error;
    }
    return first_error;
}

const char *path_check_served(struct arena *arena, const char *root, struct slice path)
{
    int fd = sys_open_root(root);
    if (fd < 0)
        return NULL; /* the root's own mistake */
    int error = try_codings(fd, path);
    sys_close(fd);
    if (error == 0 || error == -ENOSYS)
        return NULL;
    if (error == -EXDEV)
        return fault(arena, "a link leads out of the root \"%s\"", root);
    return error == -EISDIR ? "it is not a file" : fault(arena, "%s below \"%s\"", error_text(error), root);
}
