/* Walks a root's path as the kernel does, name by name, and sets a mark on each folder and link.
 *
 * Replacing a link does not cause an event on the link's target, but the link itself loses a name, which
 * its mark reports. So folders that contain other names, such as /tmp, need not be watched. A mark is set
 * on an opened handle; afterwards it is checked that the name still leads there, because it may have been
 * replaced in between. */
#include "disk/root_path.h"

#include "sys/file.h"
#include "sys/socket.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* A path with more names is looked at often instead. */
#define MARKS_MAX 64

/* The kernel's own limit. */
#define LINKS_MAX 40

/* How long to wait before trying again to watch a path. */
#define AGAIN_MS 1000

struct path_mark {
    struct notifier_mark mark;
    struct root *root;
};

struct root_path {
    size_t count;
    struct path_mark marks[MARKS_MAX];
};

struct walk {
    struct notifier *notifier;
    struct root *root;
    int at; /* the folder that the walk has reached */
    unsigned links;
    char rest[2 * PATH_MAX]; /* rest of the path */
};

static void root_path_on_change(struct notifier_mark *mark, enum notifier_change change, struct slice name)
{
    (void)name;
    struct root *root = CONTAINER_OF(mark, struct path_mark, mark)->root;
    if (change == NOTIFIER_CHANGE_ITSELF)
        root->look_due_ms = root->path_due_ms = 0;
}

static const struct notifier_mark_events mark_events = {.on_change = root_path_on_change};

static bool root_path_set_mark(struct walk *walk, int fd)
{
    struct root_path *path = walk->root->path;
    if (path->count == MARKS_MAX)
        return false;
    struct path_mark *mark = &path->marks[path->count];
    mark->root = walk->root;
    if (notifier_set(walk->notifier, &mark->mark, &mark_events, fd, NOTIFIER_ITSELF) < 0)
        return false;
    path->count++;
    return true;
}

static bool still_leads_to(int folder_fd, const char *name, const struct file_status *status)
{
    struct file_status now;
    return sys_entry_status(folder_fd, name, &now) == 0 && now.device == status->device &&
           now.inode == status->inode;
}

static void move_to(struct walk *walk, int fd)
{
    sys_close(walk->at);
    walk->at = fd;
}

/* Replaces the link's name by its target. */
static bool root_path_follow(struct walk *walk, int fd)
{
    char path[2 * PATH_MAX];
    int length = sys_read_link(fd, path, PATH_MAX);
    size_t rest = strlen(walk->rest);
    if (length <= 0 || ++walk->links > LINKS_MAX || (size_t)length + 1 + rest >= sizeof(path))
        return false;
    path[length] = '/';
    memcpy(path + length + 1, walk->rest, rest + 1);
    memcpy(walk->rest, path, (size_t)length + 1 + rest + 1);
    if (path[0] != '/')
        return true;
    int top = sys_open_root("/");
    if (top < 0)
        return false;
    move_to(walk, top);
    return true;
}

/* An unreadable folder cannot be watched. That is accepted: releases are not switched by moving a folder
 * above the root, so looking once per second is enough for that. Links must be watched. */
static bool root_path_enter(struct walk *walk, const char *name, int fd)
{
    struct file_status status;
    if (sys_file_status(fd, &status) < 0) {
        sys_close(fd);
        return false;
    }
    bool is_marked = root_path_set_mark(walk, fd);
    bool is_right = still_leads_to(walk->at, name, &status);
    if (!S_ISLNK(status.mode)) {
        move_to(walk, fd);
        return is_right;
    }
    is_right = is_right && is_marked && root_path_follow(walk, fd);
    sys_close(fd);
    return is_right;
}

/* Takes the next name from the path; false at its end. */
static bool next_name(struct walk *walk, char name[NAME_MAX + 1])
{
    const char *begin = walk->rest + strspn(walk->rest, "/");
    size_t length = strcspn(begin, "/");
    if (length == 0 || length > NAME_MAX)
        return false;
    memcpy(name, begin, length);
    name[length] = '\0';
    memmove(walk->rest, begin + length, strlen(begin + length) + 1);
    return true;
}

static bool walk_on(struct walk *walk)
{
    char name[NAME_MAX + 1];
    while (next_name(walk, name)) {
        int fd = sys_open_entry(walk->at, name);
        if (fd < 0)
            return false;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            move_to(walk, fd);
        else if (!root_path_enter(walk, name, fd))
            return false;
    }
    return true;
}

static bool walk_path(struct notifier *notifier, struct root *root)
{
    struct walk walk = {.notifier = notifier, .root = root};
    const char *path = root->spec.path.data;
    if (snprintf(walk.rest, sizeof(walk.rest), "%s", path) >= PATH_MAX)
        return false;
    walk.at = sys_open_root(path[0] == '/' ? "/" : ".");
    if (walk.at < 0)
        return false;
    bool is_watched = walk_on(&walk);
    sys_close(walk.at);
    return is_watched;
}

void root_path_watch(struct notifier *notifier, struct root *root, uint64_t now_ms)
{
    root_path_forget(notifier, root);
    root->path = calloc(1, sizeof(*root->path));
    root->is_path_watched = root->path && walk_path(notifier, root);
    root->path_due_ms = root->is_path_watched ? UINT64_MAX : now_ms + AGAIN_MS;
}

void root_path_forget(struct notifier *notifier, struct root *root)
{
    if (root->path == NULL)
        return;
    for (size_t i = 0; i < root->path->count; i++)
        notifier_remove(notifier, &root->path->marks[i].mark);
    free(root->path);
    root->path = NULL;
}
