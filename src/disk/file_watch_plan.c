/* Watching the folders of a path: found in the tree, or watched by a job and then added to it.
 *
 * A plan remembers what was watched when it was made. Its folders are added only if nothing has happened
 * since, neither to the deepest folder that was watched (its number of changes) nor to the new ones
 * (notifier_adopt). Meanwhile another plan may have added some of them. */
#include "disk/file_watch_internal.h"

#include "sys/file.h"
#include "sys/socket.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* The most paths being watched off the loop at a time. */
#define PLANS_MAX 8

/* ---- the folders of a path ---- */

/* The offset of the last '/' in the path: its folders end there. */
static size_t folders_length(struct slice path)
{
    while (path.length > 0 && path.data[path.length - 1] != '/')
        path.length--;
    return path.length > 0 ? path.length - 1 : 0;
}

/* Takes the next folder's name: `*end` is where the previous one ends, 0 before the first. False if there
 * is none. */
static bool next_folder(struct slice path, size_t *end, struct slice *ret_name)
{
    size_t length = folders_length(path), begin = *end ? *end + 1 : 0;
    if (begin >= length)
        return false;
    size_t name_length = slice_find(slice_make(path.data + begin, length - begin), '/');
    *ret_name = slice_make(path.data + begin, name_length);
    *end = begin + name_length;
    return true;
}

/* The deepest watched folder of the path, and where its part of the path ends; NULL if not even the root is
 * watched. */
static struct watched_folder *watched_folder_deepest(const struct root *root, struct slice path,
                                                     size_t *ret_end)
{
    assert(path.length < PATH_MAX);
    struct watched_folder *folder = root->folders, *child;
    struct slice name;
    size_t end = 0;
    *ret_end = 0;
    while (folder && next_folder(path, &end, &name) && (child = watched_folder_child(folder, name)) != NULL) {
        folder = child;
        *ret_end = end;
    }
    return folder;
}

/* The watched folder of a path; NULL unless all folders down to it are watched. */
struct watched_folder *watched_folder_find(const struct root *root, struct slice path)
{
    size_t end;
    struct watched_folder *folder = watched_folder_deepest(root, path, &end);
    return end == folders_length(path) ? folder : NULL;
}

void file_watch_use(struct file_watch *watch, struct watched_folder *folder)
{
    if (list_is_empty(&folder->leaf))
        return;
    list_remove(&folder->leaf);
    list_append(&watch->leaves, &folder->leaf);
}

static struct watch_ticket ticket_for(struct watched_folder *folder)
{
    if (folder == NULL)
        return (struct watch_ticket){0};
    file_watch_use(folder->watch, folder);
    return (struct watch_ticket){folder->id, folder->changes};
}

struct watch_ticket file_watch_cover(const struct root *root, struct slice path)
{
    return ticket_for(!root->is_local || root->is_retired ? NULL : watched_folder_find(root, path));
}

/* ---- watching more folders ---- */

static int plan_open(int fd, struct slice path, unsigned flags)
{
    assert(fd >= 0 && path.length < PATH_MAX);
    char text[PATH_MAX];
    memcpy(text, path.data, path.length);
    text[path.length] = '\0';
    return sys_open_beneath(fd, path.length ? text : ".", OPEN_FOLDER | OPEN_NO_SYMLINKS | flags);
}

/* False if the kernel knows without waiting that there is no such folder: no job is started for that. */
static bool plan_may_exist(const struct root *root, struct slice folder)
{
    if (folder.length == 0)
        return true;
    int fd = plan_open(root->fd, folder, OPEN_CACHED);
    if (fd >= 0)
        sys_close(fd);
    return fd >= 0 || fd == -EAGAIN;
}

bool file_watch_plan(struct file_watch *watch, const struct root *root, struct slice path,
                     struct watch_plan *plan)
{
    if (!root->is_local || root->is_retired || path.length >= PATH_MAX ||
        slice_count(path, '/') > WATCH_DEPTH_MAX || watch->plan_count >= PLANS_MAX ||
        !plan_may_exist(root, slice_take(path, folders_length(path))))
        return false;
    size_t end;
    const struct watched_folder *folder = watched_folder_deepest(root, path, &end);
    *plan = (struct watch_plan){
        .notifier = watch->notifier,
        .since = notifier_change_count(watch->notifier),
        .root_fd = root->fd,
        .root_serial = root->serial,
        .known = {folder ? folder->id : 0, folder ? folder->changes : 0},
        .known_length = (uint16_t)end,
    };
    watch->plan_count++;
    return true;
}

static int plan_add(struct watch_plan *plan, int fd)
{
    assert(plan->count < ARRAY_LENGTH(plan->descriptors));
    int descriptor = notifier_add(plan->notifier, fd, NOTIFIER_ENTRIES);
    if (descriptor < 0)
        return descriptor;
    plan->descriptors[plan->count++] = descriptor;
    return 0;
}

static int plan_descend(struct watch_plan *plan, int *fd, struct slice name)
{
    int next = plan_open(*fd, name, OPEN_STAY);
    if (next < 0)
        return next;
    sys_close(*fd);
    *fd = next;
    return plan_add(plan, next);
}

void file_watch_make(struct watch_plan *plan, struct slice path)
{
    assert(!plan->is_made && plan->count == 0);
    size_t end = plan->known_length;
    struct slice name;
    int fd = plan_open(plan->root_fd, slice_take(path, end), OPEN_STAY);
    if (fd < 0) {
        plan->error = fd;
        return;
    }
    plan->error = plan->known.folder ? 0 : plan_add(plan, fd);
    while (plan->error == 0 && next_folder(path, &end, &name))
        plan->error = plan_descend(plan, &fd, name);
    sys_close(fd);
    plan->is_made = plan->error == 0;
}

/* Inserts the folder into the tree, as a child of `parent` or as the topmost one. */
static int file_watch_insert(struct watched_folder *folder, struct watched_folder *parent)
{
    assert(parent == NULL || parent->watch == folder->watch);
    struct file_watch *watch = folder->watch;
    if (parent == NULL) {
        list_append(&watch->tops, &folder->siblings);
        folder->root->folders = folder;
        return 0;
    }
    int error = map_insert(&watch->by_name, &folder->by_name,
                           watched_folder_hash(watch, parent->id, watched_folder_name(folder)));
    if (error < 0)
        return error;
    folder->parent = parent;
    watch->folder_count++;
    list_remove(&parent->leaf);
    list_append(&parent->children, &folder->siblings);
    watched_folder_become_leaf(watch, folder);
    return 0;
}

/* Creates the folder with that descriptor, and sets its mark. */
static struct watched_folder *join_adopt(struct file_watch *watch, struct root *root, struct slice path,
                                         size_t name_length, int descriptor, uint64_t since)
{
    struct watched_folder *folder = watched_folder_create(watch, root, path, name_length);
    if (folder == NULL) {
        notifier_give_back(watch->notifier, descriptor);
        return NULL;
    }
    if (notifier_adopt(watch->notifier, &folder->mark, &file_watch_mark_events, descriptor, NOTIFIER_ENTRIES,
                       since) == 0)
        return folder;
    free(folder);
    return NULL;
}

/* Adds a folder with that descriptor, if there is room. */
static struct watched_folder *join_new(struct file_watch *watch, struct root *root,
                                       struct watched_folder *parent, struct slice path, struct slice name,
                                       int descriptor, uint64_t since)
{
    if (parent && watch->folder_count >= watch->folders_max && !file_watch_make_room(watch, parent)) {
        notifier_give_back(watch->notifier, descriptor);
        return NULL;
    }
    struct watched_folder *folder = join_adopt(watch, root, path, name.length, descriptor, since);
    if (folder == NULL || file_watch_insert(folder, parent) == 0)
        return folder;
    notifier_remove(watch->notifier, &folder->mark);
    free(folder);
    return NULL;
}

/* The folder with that descriptor, which another plan may have added already; NULL if something happened to
 * it since it was watched, or if there is no room. Takes over the descriptor. */
static struct watched_folder *join_folder(struct file_watch *watch, struct root *root,
                                          struct watched_folder *parent, struct slice path, struct slice name,
                                          int descriptor, uint64_t since)
{
    struct watched_folder *present = parent ? watched_folder_child(parent, name) : root->folders;
    if (present == NULL)
        return join_new(watch, root, parent, path, name, descriptor, since);
    bool is_same = present->mark.descriptor == descriptor &&
                   !notifier_has_changed(watch->notifier, descriptor, NOTIFIER_ENTRIES, since);
    notifier_give_back(watch->notifier, descriptor);
    return is_same ? present : NULL;
}

/* The folder above those of the plan, if nothing has changed in it meanwhile. */
static bool plan_find_known(const struct root *root, struct slice path, const struct watch_plan *plan,
                            struct watched_folder **ret_folder)
{
    *ret_folder = NULL;
    if (root->is_retired || root->serial != plan->root_serial)
        return false;
    if (plan->known.folder == 0)
        return true;
    *ret_folder =
        watched_folder_find(root, slice_take(path, plan->known_length ? plan->known_length + 1u : 0));
    return *ret_folder && (*ret_folder)->id == plan->known.folder &&
           (*ret_folder)->changes == plan->known.changes;
}

/* If the system's limit of watches is reached, the least recently used folder gives up its watch, for the
 * next attempt. */
static void plan_take_shortage(struct file_watch *watch, const struct watched_folder *spared, int error)
{
    bool has_made_room = error == -ENOSPC && spared && file_watch_make_room(watch, spared);
    if (!has_made_room)
        file_watch_tell_of_shortage(watch, error);
}

struct watch_ticket file_watch_join(struct file_watch *watch, struct root *root, struct slice path,
                                    const struct watch_plan *plan)
{
    struct watched_folder *folder;
    struct slice name = {0};
    bool is_valid = plan_find_known(root, path, plan, &folder);
    size_t end = plan->known_length;
    assert(watch->plan_count > 0);
    watch->plan_count--;
    for (unsigned i = 0; i < plan->count; i++) {
        bool is_top = i == 0 && plan->known.folder == 0;
        if (is_valid && (is_top || next_folder(path, &end, &name)))
            folder = join_folder(watch, root, folder, slice_take(path, is_top ? 0 : end), name,
                                 plan->descriptors[i], plan->since);
        else
            notifier_give_back(watch->notifier, plan->descriptors[i]);
        is_valid = is_valid && folder;
    }
    plan_take_shortage(watch, folder, plan->error);
    return ticket_for(is_valid && plan->is_made ? folder : NULL);
}
