/* The tree of watched folders. A folder is found by its parent and name, or by its inotify mark.
 *
 * A folder that leaves the tree is moved to the list `gone` with everything beneath it. Only its marks
 * still refer to it, and their events are ignored from then on; sweep_one dismantles it step by step. To
 * make room for another folder, the least recently used leaf (a folder without watched folders in it) is
 * removed. */
#include "disk/file_watch.h"

#include "sys/file.h"
#include "sys/socket.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* Files in deeper paths are revalidated on each use: setting the first marks would block the loop for too
 * long. */
#define DEPTH_MAX 64

/* The most steps per turn; each releases an item (which may close a file) or a watch. */
#define STEPS_MAX 1024

struct watched_folder {
    struct notifier_mark mark;
    struct map_link by_name;
    struct file_watch *watch;
    struct root *root;
    struct watched_folder *parent; /* NULL: the topmost of its root, or it has left the tree */
    struct list siblings;          /* link in the parent's children, in `tops`, or in `gone` */
    struct list children;
    struct list items;
    struct list leaf; /* link in `leaves`, if it has no children and is not the topmost */
    uint64_t id;      /* unique, never reused */
    uint64_t changes;
    bool has_left;
    bool keeps_items; /* after leaving: its items are not gone, only no longer watched */
    uint16_t length;
    uint16_t name_length;
    char path[]; /* beneath the root, "" for the root itself, without NUL; ends with the name */
};

struct file_watch {
    struct loop *loop;
    struct notifier *notifier;
    const struct file_watch_events *events;
    void *context;
    struct log *log;
    struct hash_key key;
    size_t folders_max;
    size_t folder_count; /* without the topmost ones */
    uint64_t last_id;
    struct map by_name;
    struct list tops; /* the topmost folders, and those that hold unwatched items */
    struct list gone;
    struct list leaves; /* most recently used last */
    struct task task;   /* continues sweeping */
    uint64_t turn;      /* of the loop, when it last swept */
    unsigned steps;     /* made in that turn */
    bool has_told;      /* the lack of watches was logged */
};

static void file_watch_on_change(struct notifier_mark *mark, enum notifier_change change, struct slice name);

static const struct notifier_mark_events mark_events = {.on_change = file_watch_on_change};

static struct watched_folder *file_watch_folder_of(struct list *siblings)
{
    return CONTAINER_OF(siblings, struct watched_folder, siblings);
}

static struct slice name_of(const struct watched_folder *folder)
{
    return slice_make(folder->path + folder->length - folder->name_length, folder->name_length);
}

/* ---- the tree ---- */

static uint64_t child_hash(const struct file_watch *watch, uint64_t parent_id, struct slice name)
{
    return hash_bytes(&watch->key, name) ^ (parent_id * UINT64_C(0x9e3779b97f4a7c15));
}

static struct watched_folder *find_child(const struct watched_folder *parent, struct slice name)
{
    const struct file_watch *watch = parent->watch;
    struct map_link *link = map_find(&watch->by_name, child_hash(watch, parent->id, name));
    for (; link; link = map_find_next(link)) {
        struct watched_folder *folder = CONTAINER_OF(link, struct watched_folder, by_name);
        if (folder->parent == parent && slice_equal(name_of(folder), name))
            return folder;
    }
    return NULL;
}

static struct watched_folder *file_watch_create_folder(struct file_watch *watch, struct root *root,
                                                       struct slice path, size_t name_length)
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

static void become_leaf(struct file_watch *watch, struct watched_folder *folder)
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
        become_leaf(watch, parent);
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

void file_watch_settle(struct file_watch *watch)
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

/* ---- watching another folder ---- */

/* Other errors are normal: an unreadable folder cannot be watched. */
static void tell_of_shortage(struct file_watch *watch, int error)
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

/* Removes the least recently used leaf other than `spared` (which may be NULL). */
static bool file_watch_make_room(struct file_watch *watch, const struct watched_folder *spared)
{
    struct list *oldest = watch->leaves.next;
    if (spared && oldest == &spared->leaf)
        oldest = oldest->next;
    if (oldest == &watch->leaves)
        return false;
    leave(CONTAINER_OF(oldest, struct watched_folder, leaf), true);
    return true;
}

static int file_watch_set_mark(struct file_watch *watch, struct watched_folder *folder, int fd,
                               const struct watched_folder *spared)
{
    int error = notifier_set(watch->notifier, &folder->mark, &mark_events, fd, NOTIFIER_ENTRIES);
    if (error == -ENOSPC && spared && file_watch_make_room(watch, spared))
        error = notifier_set(watch->notifier, &folder->mark, &mark_events, fd, NOTIFIER_ENTRIES);
    if (error < 0)
        tell_of_shortage(watch, error);
    return error;
}

/* Adds the folder held by `fd` as a child; NULL if it cannot be watched. */
static struct watched_folder *add_child(struct watched_folder *parent, struct slice path, struct slice name,
                                        int fd)
{
    struct file_watch *watch = parent->watch;
    if (watch->folder_count >= watch->folders_max && !file_watch_make_room(watch, parent))
        return NULL;
    struct watched_folder *folder = file_watch_create_folder(watch, parent->root, path, name.length);
    if (folder == NULL)
        return NULL;
    if (file_watch_set_mark(watch, folder, fd, parent) < 0)
        goto fail;
    if (map_insert(&watch->by_name, &folder->by_name, child_hash(watch, parent->id, name)) < 0)
        goto fail;
    folder->parent = parent;
    watch->folder_count++;
    list_remove(&parent->leaf);
    list_append(&parent->children, &folder->siblings);
    become_leaf(watch, folder);
    return folder;
fail:
    notifier_remove(watch->notifier, &folder->mark);
    free(folder);
    return NULL;
}

static struct watched_folder *top_of(struct file_watch *watch, struct root *root)
{
    if (root->folders)
        return root->folders;
    struct watched_folder *folder = file_watch_create_folder(watch, root, SLICE(""), 0);
    if (folder == NULL)
        return NULL;
    if (file_watch_set_mark(watch, folder, root->fd, NULL) < 0) {
        free(folder);
        return NULL;
    }
    list_append(&watch->tops, &folder->siblings);
    root->folders = folder;
    return folder;
}

/* ---- covering a path ---- */

/* The state of walking down a path. Each folder is watched before names in it are looked up, so that no
 * rename is missed. */
struct descent {
    struct watched_folder *at;
    int fd; /* of `at`, opened when needed; -1: not yet */
};

static int open_folder(int fd, struct slice path)
{
    char text[PATH_MAX];
    memcpy(text, path.data, path.length);
    text[path.length] = '\0';
    return sys_open_beneath(fd, path.length ? text : ".", OPEN_FOLDER | OPEN_CACHED | OPEN_NO_SYMLINKS);
}

static bool descend_to_new(struct descent *descent, struct slice path, struct slice name)
{
    struct watched_folder *parent = descent->at;
    if (descent->fd < 0)
        descent->fd = open_folder(parent->root->fd, slice_make(parent->path, parent->length));
    if (descent->fd < 0)
        return false;
    int fd = open_folder(descent->fd, name);
    sys_close(descent->fd);
    descent->fd = fd;
    if (fd < 0)
        return false;
    descent->at = add_child(parent, path, name, fd);
    return descent->at != NULL;
}

static bool descend(struct descent *descent, struct slice path, struct slice name)
{
    struct watched_folder *child = descent->fd < 0 ? find_child(descent->at, name) : NULL;
    if (child)
        descent->at = child;
    return child || descend_to_new(descent, path, name);
}

static bool may_be_watched(const struct root *root, struct slice path)
{
    return root->is_local && !root->is_retired && path.length < PATH_MAX &&
           slice_count(path, '/') <= DEPTH_MAX;
}

static void use(struct file_watch *watch, struct watched_folder *folder)
{
    if (list_is_empty(&folder->leaf))
        return;
    list_remove(&folder->leaf);
    list_append(&watch->leaves, &folder->leaf);
}

struct watch_ticket file_watch_cover(struct file_watch *watch, struct root *root, struct slice path)
{
    struct descent descent = {.fd = -1};
    if (may_be_watched(root, path))
        descent.at = top_of(watch, root);
    if (descent.at == NULL)
        return (struct watch_ticket){0};
    bool is_watched = true;
    for (size_t i = 0, begin = 0; is_watched && i < path.length; i++) {
        if (path.data[i] != '/')
            continue;
        is_watched = descend(&descent, slice_take(path, i), slice_make(path.data + begin, i - begin));
        begin = i + 1;
    }
    if (descent.fd >= 0)
        sys_close(descent.fd);
    if (!is_watched)
        return (struct watch_ticket){0};
    use(watch, descent.at);
    return (struct watch_ticket){descent.at->id, descent.at->changes};
}

/* ---- items ---- */

static void put_item(struct watched_folder *folder, struct watch_item *item)
{
    assert(item->folder == NULL);
    item->folder = folder;
    list_init(&item->link);
    list_append(&folder->items, &item->link);
}

/* The watched folder of a path; NULL unless all folders down to it are watched. */
static struct watched_folder *find_folder(const struct root *root, struct slice path)
{
    struct watched_folder *folder = root->folders;
    for (size_t i = 0, begin = 0; folder && i < path.length; i++) {
        if (path.data[i] != '/')
            continue;
        folder = find_child(folder, slice_make(path.data + begin, i - begin));
        begin = i + 1;
    }
    return folder;
}

bool file_watch_attach(struct file_watch *watch, struct root *root, struct slice path,
                       struct watch_ticket ticket, struct watch_item *item)
{
    (void)watch;
    struct watched_folder *folder = find_folder(root, path);
    if (folder == NULL || folder->id != ticket.folder || folder->changes != ticket.changes)
        return false;
    put_item(folder, item);
    return true;
}

bool file_watch_attach_unwatched(struct file_watch *watch, struct root *root, struct watch_item *item)
{
    if (root->unwatched == NULL) {
        root->unwatched = file_watch_create_folder(watch, root, SLICE(""), 0);
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
    use(watch, item->folder);
    return true;
}

bool file_watch_is_behind(const struct file_watch *watch)
{
    return !list_is_empty(&watch->gone) || notifier_is_behind(watch->notifier);
}

/* ---- handling changes ---- */

/* Writes "folder/name" to `out`, which has PATH_MAX bytes; the empty slice if it is too long to be opened. */
static struct slice file_watch_join(char *out, const struct watched_folder *folder, struct slice name)
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
    struct slice path = file_watch_join(buffer, folder, name);
    if (path.length > 0)
        watch->events->on_path(watch->context, folder->root, path);
    struct watched_folder *child = is_folder ? find_child(folder, name) : NULL;
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
    LIST_FOREACH(link, &watch->tops) {
        struct root *root = file_watch_folder_of(link)->root;
        root->look_due_ms = root->path_due_ms = 0;
    }
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
    while (!list_is_empty(&watch->tops))
        file_watch_forget(watch, file_watch_folder_of(watch->tops.next)->root);
    file_watch_settle(watch);
    task_cancel(&watch->task);
    map_finish(&watch->by_name);
    free(watch);
}

/* ---- consistency checks ---- */

static size_t validate_folder(const struct watched_folder *folder)
{
    const struct file_watch *watch = folder->watch;
    size_t count = 1;
    assert(folder->mark.events == &mark_events || folder == folder->root->unwatched);
    assert(folder->length >= folder->name_length);
    LIST_FOREACH(link, &folder->items) {
        const struct watch_item *item = CONTAINER_OF(link, struct watch_item, link);
        assert(item->folder == folder);
    }
    LIST_FOREACH(link, &folder->children) {
        const struct watched_folder *child = file_watch_folder_of(link);
        assert(child->parent == folder && child->root == folder->root && !child->has_left);
        assert(find_child(folder, name_of(child)) == child);
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
