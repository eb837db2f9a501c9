/* The tree of watched folders. A folder is found by its parent and name, or by its inotify mark.
 *
 * A folder that leaves the tree is moved to the list `gone` with everything beneath it. Only its marks
 * still refer to it, and their events are ignored from then on; sweep_one dismantles it step by step. To
 * make room for another folder, the least recently used leaf (a folder without watched folders in it) is
 * removed. */
#include "disk/file_watch_internal.h"

#include "sys/file.h"
#include "sys/socket.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* The most steps per turn; each releases an item (which may close a file) or a watch. */
#define STEPS_MAX 1024

static void file_watch_on_change(struct notifier_mark *mark, enum notifier_change change, struct slice name);

const struct notifier_mark_events file_watch_mark_events = {.on_change = file_watch_on_change};

static struct watched_folder *file_watch_folder_of(struct list *siblings)
{
    return CONTAINER_OF(siblings, struct watched_folder, siblings);
}

/* ---- the tree ---- */

uint64_t watched_folder_hash(const struct file_watch *watch, uint64_t parent_id, struct slice name)
{
    return hash_bytes(&watch->key, name) ^ (parent_id * UINT64_C(0x9e3779b97f4a7c15));
}

struct watched_folder *watched_folder_child(const struct watched_folder *parent, struct slice name)
{
    const struct file_watch *watch = parent->watch;
    struct map_link *link = map_find(&watch->by_name, watched_folder_hash(watch, parent->id, name));
    for (; link; link = map_find_next(link)) {
        struct watched_folder *folder = CONTAINER_OF(link, struct watched_folder, by_name);
        if (folder->parent == parent && slice_equal(watched_folder_name(folder), name))
            return folder;
    }
    return NULL;
}

struct watched_folder *watched_folder_create(struct file_watch *watch, struct root *root, struct slice path,
                                             size_t name_length)
{
    assert(path.length < PATH_MAX);
    struct watched_folder *folder = calloc(1, sizeof(*folder) + path.length);
    if (folder == NULL)
        return NULL;
    folder->watch = watch;
    folder->root = root;
    folder->id = ++watch->last_id;
    folder->length = (uint16_t)path.length;
    folder->name_length = (uint16_t)name_length;
    if (path.length)
        memcpy(folder->path, path.data, path.length);
    list_init(&folder->siblings);
    list_init(&folder->children);
    list_init(&folder->items);
    list_init(&folder->leaf);
    return folder;
}

void watched_folder_become_leaf(struct file_watch *watch, struct watched_folder *folder)
{
    if (folder->parent && list_is_empty(&folder->children))
        list_append(&watch->leaves, &folder->leaf);
}

/* Removes the folder from its parent, or from the topmost ones. */
static void cut_off(struct watched_folder *folder)
{
    struct file_watch *watch = folder->watch;
    struct watched_folder *parent = folder->parent;
    list_remove(&folder->siblings);
    list_remove(&folder->leaf);
    if (parent) {
        map_remove(&watch->by_name, &folder->by_name);
        watch->folder_count--;
        folder->parent = NULL;
        watched_folder_become_leaf(watch, parent);
    }
}

/* ---- folders that have left the tree ---- */

static void put_to_gone(struct watched_folder *folder, bool keeps_items)
{
    cut_off(folder);
    folder->has_left = true;
    folder->keeps_items = keeps_items;
    list_append(&folder->watch->gone, &folder->siblings);
}

static void let_go(struct file_watch *watch, struct watched_folder *folder)
{
    struct watch_item *item = CONTAINER_OF(folder->items.next, struct watch_item, link);
    file_watch_detach(item);
    if (folder->keeps_items)
        watch->events->on_unwatched(watch->context, item);
    else
        watch->events->on_gone(watch->context, item);
}

static void sweep_one(struct file_watch *watch)
{
    struct watched_folder *folder = file_watch_folder_of(watch->gone.next);
    if (!list_is_empty(&folder->items)) {
        let_go(watch, folder);
    } else if (!list_is_empty(&folder->children)) {
        put_to_gone(file_watch_folder_of(folder->children.next), folder->keeps_items);
    } else {
        notifier_remove(watch->notifier, &folder->mark);
        list_remove(&folder->siblings);
        free(folder);
    }
}

static void sweep(struct file_watch *watch)
{
    if (watch->turn != loop_turn(watch->loop)) {
        watch->turn = loop_turn(watch->loop);
        watch->steps = 0;
    }
    for (; watch->steps < STEPS_MAX && !list_is_empty(&watch->gone); watch->steps++)
        sweep_one(watch);
    if (!list_is_empty(&watch->gone))
        task_defer(watch->loop, &watch->task);
}

static void file_watch_go_on(struct task *task)
{
    sweep(CONTAINER_OF(task, struct file_watch, task));
}

void file_watch_finish_forgetting(struct file_watch *watch)
{
    while (!list_is_empty(&watch->gone))
        sweep_one(watch);
}

static void leave(struct watched_folder *folder, bool keeps_items)
{
    struct file_watch *watch = folder->watch;
    put_to_gone(folder, keeps_items);
    sweep(watch);
}

static bool is_gone(const struct watched_folder *folder)
{
    if (LIKELY(list_is_empty(&folder->watch->gone)))
        return false;
    while (folder->parent)
        folder = folder->parent;
    return folder->has_left;
}

/* ---- shortage ---- */

void file_watch_tell_of_shortage(struct file_watch *watch, int error)
{
    if (watch->has_told || (error != -EMFILE && error != -ENOSPC))
        return;
    watch->has_told = true;
    if (error == -EMFILE)
        log_warning(watch->log, "cannot watch files for changes, so each request looks at its file again: no "
                                "inotify instance (see fs.inotify.max_user_instances)");
    else
        log_warning(watch->log,
                    "only %zu folders can be watched for changes, requests for files in others look at them "
                    "again: no more inotify watches (see fs.inotify.max_user_watches)",
                    watch->folder_count + 1);
}

bool file_watch_make_room(struct file_watch *watch, const struct watched_folder *spared)
{
    struct list *oldest = watch->leaves.next;
    if (spared && oldest == &spared->leaf)
        oldest = oldest->next;
    if (oldest == &watch->leaves)
        return false;
    leave(CONTAINER_OF(oldest, struct watched_folder, leaf), true);
    return true;
}

/* ---- items ---- */

static void put_item(struct watched_folder *folder, struct watch_item *item)
{
    assert(item->folder == NULL);
    item->folder = folder;
    list_init(&item->link);
    list_append(&folder->items, &item->link);
}

bool file_watch_attach(struct file_watch *watch, struct root *root, struct slice path,
                       struct watch_ticket ticket, struct watch_item *item)
{
    (void)watch;
    struct watched_folder *folder = watched_folder_find(root, path);
    if (folder == NULL || folder->id != ticket.folder || folder->changes != ticket.changes)
        return false;
    put_item(folder, item);
    return true;
}

bool file_watch_attach_unwatched(struct file_watch *watch, struct root *root, struct watch_item *item)
{
    if (root->unwatched == NULL) {
        root->unwatched = watched_folder_create(watch, root, SLICE(""), 0);
        if (root->unwatched == NULL)
            return false;
        list_append(&watch->tops, &root->unwatched->siblings);
    }
    put_item(root->unwatched, item);
    return true;
}

void file_watch_detach(struct watch_item *item)
{
    if (item->folder == NULL)
        return;
    list_remove(&item->link);
    item->folder = NULL;
}

bool file_watch_touch(struct file_watch *watch, struct watch_item *item)
{
    if (is_gone(item->folder))
        return false;
    file_watch_use(watch, item->folder);
    return true;
}

bool file_watch_is_behind(const struct file_watch *watch)
{
    return !list_is_empty(&watch->gone) || notifier_is_behind(watch->notifier);
}

/* ---- handling changes ---- */

/* Writes "folder/name" to `out`, which has PATH_MAX bytes; the empty slice if it is too long to be opened. */
static struct slice file_watch_write_path(char *out, const struct watched_folder *folder, struct slice name)
{
    size_t length = folder->length ? folder->length + 1u : 0;
    if (length + name.length >= PATH_MAX)
        return (struct slice){0};
    memcpy(out, folder->path, folder->length);
    if (folder->length)
        out[folder->length] = '/';
    memcpy(out + length, name.data, name.length);
    return slice_make(out, length + name.length);
}

/* If the name is that of a folder, all paths through it refer to something else now. */
static void file_watch_take_name(struct watched_folder *folder, struct slice name, bool is_folder)
{
    char buffer[PATH_MAX];
    struct file_watch *watch = folder->watch;
    folder->changes++;
    struct slice path = file_watch_write_path(buffer, folder, name);
    if (path.length > 0)
        watch->events->on_path(watch->context, folder->root, path);
    struct watched_folder *child = is_folder ? watched_folder_child(folder, name) : NULL;
    if (child)
        leave(child, false);
}

static void file_watch_on_change(struct notifier_mark *mark, enum notifier_change change, struct slice name)
{
    struct watched_folder *folder = CONTAINER_OF(mark, struct watched_folder, mark);
    if (is_gone(folder))
        return;
    if (change != NOTIFIER_CHANGE_ITSELF) {
        file_watch_take_name(folder, name, change == NOTIFIER_CHANGE_FOLDER);
        return;
    }
    if (folder == folder->root->folders)
        folder->root->folders = NULL;
    leave(folder, false);
}

void file_watch_forget(struct file_watch *watch, struct root *root)
{
    LIST_FOREACH(link, &watch->gone) {
        struct watched_folder *folder = file_watch_folder_of(link);
        folder->keeps_items &= folder->root != root;
    }
    if (root->folders)
        put_to_gone(root->folders, false);
    if (root->unwatched)
        put_to_gone(root->unwatched, false);
    root->folders = root->unwatched = NULL;
    sweep(watch);
}

void file_watch_forget_all(struct file_watch *watch)
{
    LIST_FOREACH_SAFE(link, &watch->tops) {
        struct watched_folder *folder = file_watch_folder_of(link);
        if (folder != folder->root->folders)
            continue;
        folder->root->folders = NULL;
        put_to_gone(folder, true);
    }
    sweep(watch);
}

void file_watch_look_at_roots(struct file_watch *watch)
{
    LIST_FOREACH(link, &watch->tops)
        root_want_look(file_watch_folder_of(link)->root);
}

/* ---- creation and destruction ---- */

int file_watch_create(struct loop *loop, struct notifier *notifier, const struct file_watch_events *events,
                      void *context, size_t folders_max, const struct hash_key *key, struct log *log,
                      struct file_watch **ret_watch)
{
    struct file_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return -ENOMEM;
    watch->loop = loop;
    watch->notifier = notifier;
    watch->events = events;
    watch->context = context;
    watch->log = log;
    watch->folders_max = folders_max;
    watch->key = *key;
    list_init(&watch->tops);
    list_init(&watch->gone);
    list_init(&watch->leaves);
    task_init(&watch->task, file_watch_go_on);
    *ret_watch = watch;
    return 0;
}

void file_watch_set_bound(struct file_watch *watch, size_t folders_max)
{
    watch->folders_max = folders_max;
    while (watch->folder_count > folders_max && file_watch_make_room(watch, NULL))
        continue;
}

void file_watch_destroy(struct file_watch *watch)
{
    if (watch == NULL)
        return;
    assert(watch->plan_count == 0);
    while (!list_is_empty(&watch->tops))
        file_watch_forget(watch, file_watch_folder_of(watch->tops.next)->root);
    file_watch_finish_forgetting(watch);
    task_cancel(&watch->task);
    map_finish(&watch->by_name);
    free(watch);
}

/* ---- consistency checks ---- */

static size_t validate_folder(const struct watched_folder *folder)
{
    const struct file_watch *watch = folder->watch;
    size_t count = 1;
    assert(folder->mark.events == &file_watch_mark_events || folder == folder->root->unwatched);
    assert(folder->length >= folder->name_length);
    LIST_FOREACH(link, &folder->items) {
        const struct watch_item *item = CONTAINER_OF(link, struct watch_item, link);
        assert(item->folder == folder);
    }
    LIST_FOREACH(link, &folder->children) {
        const struct watched_folder *child = file_watch_folder_of(link);
        assert(child->parent == folder && child->root == folder->root && !child->has_left);
        assert(watched_folder_child(folder, watched_folder_name(child)) == child);
        count += validate_folder(child);
    }
    bool is_leaf = folder->parent && list_is_empty(&folder->children);
    assert(is_leaf == !list_is_empty(&folder->leaf));
    assert(folder->id <= watch->last_id);
    return count;
}

void file_watch_validate(const struct file_watch *watch)
{
    size_t count = 0;
    map_validate(&watch->by_name);
    notifier_validate(watch->notifier);
    LIST_FOREACH(link, &watch->tops) {
        const struct watched_folder *top = file_watch_folder_of(link);
        assert(top->parent == NULL && !top->has_left);
        assert(top == top->root->folders || top == top->root->unwatched);
        count += validate_folder(top) - 1;
    }
    /* Folders beneath those that have left may still be in the map. */
    assert(!list_is_empty(&watch->gone) || count == watch->folder_count);
    assert(count <= watch->folder_count && watch->folder_count == watch->by_name.count);
    LIST_FOREACH(link, &watch->gone)
        assert(file_watch_folder_of(link)->has_left && file_watch_folder_of(link)->parent == NULL);
}
