/* Watches each folder and link of a root's path.
 *
 * Replacing a link does not cause an event on the link's target, but the link itself loses a name, which
 * its mark reports. So folders that contain other names, such as /tmp, need not be watched for their
 * entries. An opened handle is watched; afterwards it is checked that the name still leads there, because
 * it may have been replaced in between. */
#include "disk/root_path.h"

#include "disk/path_walk.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/* A path with more names is looked at often instead. */
#define MARKS_MAX 64

/* How long to wait before trying again to watch a path. */
#define AGAIN_MS 1000

struct path_mark {
    struct notifier_mark mark;
    struct root *root;
    int descriptor;
};

struct root_path {
    struct notifier *notifier;
    uint64_t since; /* number of changes when it was created: see notifier_adopt */
    bool is_walked;
    bool is_watched; /* all of the path was walked, and its links are watched */
    size_t count;
    struct path_mark marks[MARKS_MAX];
};

static void root_path_on_change(struct notifier_mark *mark, enum notifier_change change, struct slice name)
{
    (void)name;
    struct root *root = CONTAINER_OF(mark, struct path_mark, mark)->root;
    if (change == NOTIFIER_CHANGE_ITSELF)
        root_want_look(root);
}

static const struct notifier_mark_events mark_events = {.on_change = root_path_on_change};

static bool root_path_add(struct root_path *path, int fd)
{
    if (path->count == MARKS_MAX)
        return false;
    int descriptor = notifier_add(path->notifier, fd, NOTIFIER_ITSELF);
    if (descriptor < 0)
        return false;
    path->marks[path->count++].descriptor = descriptor;
    return true;
}

/* An unreadable folder cannot be watched. That is accepted: releases are not switched by moving a folder
 * above the root, so looking once per second is enough for that. Links must be watched. */
static bool root_path_visit(void *context, int fd, const struct file_status *status)
{
    return root_path_add(context, fd) || !S_ISLNK(status->mode);
}

struct root_path *root_path_create(struct notifier *notifier)
{
    struct root_path *path = notifier ? calloc(1, sizeof(*path)) : NULL;
    if (path == NULL)
        return NULL;
    path->notifier = notifier;
    path->since = notifier_change_count(notifier);
    return path;
}

void root_path_walk(struct root_path *path, const char *text)
{
    assert(!path->is_walked);
    path->is_watched = path_walk(text, root_path_visit, path);
    path->is_walked = true;
}

static int adopt_marks(struct root_path *path, struct root *root)
{
    assert(path->is_walked && path->count <= MARKS_MAX);
    int error = 0;
    for (size_t i = 0; i < path->count; i++) {
        struct path_mark *mark = &path->marks[i];
        mark->root = root;
        int failed = notifier_adopt(path->notifier, &mark->mark, &mark_events, mark->descriptor,
                                    NOTIFIER_ITSELF, path->since);
        error = failed < 0 ? failed : error;
    }
    return error;
}

/* The earlier marks are removed last: so descriptors that both have stay. */
void root_path_adopt(struct root *root, struct root_path *path, uint64_t now_ms)
{
    assert(root->path != path);
    if (!root->is_local || root->is_retired || !path->is_walked) {
        root->path_due_ms = 0;
        root_path_destroy(path);
        return;
    }
    int error = adopt_marks(path, root);
    root_path_forget(root);
    root->path = path;
    root->is_path_watched = path->is_watched && error == 0;
    root->path_due_ms = root->is_path_watched ? UINT64_MAX : now_ms + AGAIN_MS;
    if (error == -ESTALE)
        root_want_look(root);
}

void root_path_destroy(struct root_path *path)
{
    if (path == NULL)
        return;
    for (size_t i = 0; i < path->count; i++)
        notifier_give_back(path->notifier, path->marks[i].descriptor);
    free(path);
}

void root_path_forget(struct root *root)
{
    struct root_path *path = root->path;
    if (path == NULL)
        return;
    for (size_t i = 0; i < path->count; i++)
        notifier_remove(path->notifier, &path->marks[i].mark);
    free(path);
    root->path = NULL;
    root->is_path_watched = false;
}
