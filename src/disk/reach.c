/* openat2(2) treats an absolute link as leading out, since it does not know the path of its root. So a
 * path that it refuses is processed component by component: the first link is replaced by its target,
 * relative to the root, and the kernel is asked again. */
#include "disk/reach.h"

#include "base/slice.h"

#include <errno.h>
#include <limits.h>

/* The kernel's own limit: path_resolution(7). */
#define LINKS_MAX 40

/* `path` relative to `folder`; data is NULL if it is not inside. */
static struct slice beneath(struct slice path, struct slice folder)
{
    if (slice_ends_with(folder, SLICE("/")))
        folder.length--;
    if (!slice_starts_with(path, folder))
        return (struct slice){0};
    struct slice rest = slice_skip(path, folder.length);
    if (rest.length > 0 && rest.data[0] != '/')
        return (struct slice){0};
    while (slice_starts_with(rest, SLICE("/")))
        rest = slice_skip(rest, 1);
    return rest.length > 0 ? rest : SLICE(".");
}

static struct slice seen_from_root(const struct reach *reach, struct slice target)
{
    char real[PATH_MAX];
    struct slice inner = beneath(target, slice_from(reach->root_path));
    if (inner.data)
        return inner;
    int length = sys_descriptor_path(reach->root_fd, real, sizeof(real));
    if (length < 0)
        return (struct slice){0};
    return beneath(target, slice_make(real, (size_t)length));
}

/* Replaces text[start] to text[end] by `target`. An absolute target also replaces what is before `start`. */
static int put_target(const struct reach *reach, char *text, size_t start, size_t end, struct slice target)
{
    assert(start <= end);
    char out[PATH_MAX];
    struct slice rest = slice_from(text + end);
    if (slice_starts_with(target, SLICE("/"))) {
        target = seen_from_root(reach, target);
        start = 0;
    }
    if (target.data == NULL)
        return -EXDEV;
    if (start + target.length + rest.length >= sizeof(out))
        return -ENAMETOOLONG;
    memcpy(out, text, start);
    memcpy(out + start, target.data, target.length);
    memcpy(out + start + target.length, rest.data, rest.length + 1);
    memcpy(text, out, start + target.length + rest.length + 1);
    return 0;
}

/* Returns -EXDEV if there is no link, or if it leads out. */
static int replace_first_link(const struct reach *reach, char *text, unsigned flags)
{
    char target[PATH_MAX];
    for (size_t start = 0, end; text[start] != '\0'; start = end + (text[end] == '/')) {
        end = start + strcspn(text + start, "/");
        char behind = text[end];
        text[end] = '\0';
        int length = sys_read_link_beneath(reach->root_fd, text, flags, target, sizeof(target));
        text[end] = behind;
        if (length >= 0)
            return put_target(reach, text, start, end, slice_make(target, (size_t)length));
        if (length != -EINVAL)
            return length;
    }
    return -EXDEV;
}

static int open_by_text(const struct reach *reach, const char *path, unsigned flags)
{
    char text[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof(text))
        return -ENAMETOOLONG;
    if (path[0] == '/')
        return -EXDEV;
    memcpy(text, path, length + 1);
    for (unsigned links = 0; links < LINKS_MAX; links++) {
        int error = replace_first_link(reach, text, flags);
        if (error < 0)
            return error;
        int fd = sys_open_beneath(reach->root_fd, text, flags);
        if (fd != -EXDEV)
            return fd;
    }
    return -ELOOP;
}

int reach_open(const struct reach *reach, const char *path, unsigned flags)
{
    if (reach->follows_out && !(flags & OPEN_NO_SYMLINKS))
        return sys_open_beneath(reach->root_fd, path, flags | OPEN_LEAVE);
    int fd = sys_open_beneath(reach->root_fd, path, flags);
    return fd == -EXDEV && !(flags & OPEN_NO_SYMLINKS) ? open_by_text(reach, path, flags) : fd;
}
