/* Folders under watch, found by path when something is to be covered and by watch descriptor when something
 * happens.
 *
 * One inode has one watch descriptor, even when two roots lead to it: then several folders share the
 * descriptor, and it is given up with the last of them. */
#include "disk/file_watch.h"

#include "sys/file.h"
#include "sys/socket.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Events are read in pieces of so many bytes. So many reads empty the kernel's queue, whose longest is 16384
 * events (/proc/sys/fs/inotify/max_queued_events) of up to 272 bytes; what comes in meanwhile is left for the
 * next turn, or a busy writer could keep us here for ever. */
#define READ_BYTES 16384
#define READS_MAX  300

struct folder {
    struct map_link by_path;
    struct map_link by_descriptor;
    struct root *root;
    int descriptor;
    size_t length;
    char path[]; /* beneath the root, "" for the root itself, without NUL */
};

struct file_watch {
    struct watch watch;
    struct loop *loop;
    const struct file_watch_events *events;
    void *context;
    struct hash_key key;
    size_t folders_max;
    struct map by_path;
    struct map by_descriptor;
};

static struct slice folder_path(const struct folder *folder)
{
    return slice_make(folder->path, folder->length);
}

static uint64_t path_hash(const struct file_watch *watch, const struct root *root, struct slice path)
{
    return hash_bytes(&watch->key, path) ^ ((uintptr_t)root * UINT64_C(0x9e3779b97f4a7c15));
}

static struct folder *find(const struct file_watch *watch, const struct root *root, struct slice path)
{
    struct map_link *link = map_find(&watch->by_path, path_hash(watch, root, path));
    for (; link; link = map_find_next(link)) {
        struct folder *folder = CONTAINER_OF(link, struct folder, by_path);
        if (folder->root == root && slice_equal(folder_path(folder), path))
            return folder;
    }
    return NULL;
}

static void forget(struct file_watch *watch, struct folder *folder)
{
    map_remove(&watch->by_path, &folder->by_path);
    map_remove(&watch->by_descriptor, &folder->by_descriptor);
    if (map_find(&watch->by_descriptor, (uint64_t)folder->descriptor) == NULL)
        sys_inotify_forget(watch->watch.fd, folder->descriptor);
    free(folder);
}

static bool is_at_or_beneath(struct slice path, struct slice folder)
{
    return slice_equal(path, folder) || file_watch_is_beneath(path, folder);
}

/* Forgets the folder at `path` and all beneath it. */
static void forget_beneath(struct file_watch *watch, const struct root *root, struct slice path)
{
    struct map_link *link = map_next(&watch->by_path, NULL);
    while (link) {
        struct folder *folder = CONTAINER_OF(link, struct folder, by_path);
        link = map_next(&watch->by_path, link);
        if (folder->root == root && is_at_or_beneath(folder_path(folder), path))
            forget(watch, folder);
    }
}

void file_watch_forget(struct file_watch *watch, struct root *root)
{
    forget_beneath(watch, root, SLICE(""));
}

static int add(struct file_watch *watch, struct root *root, struct slice path, int descriptor)
{
    struct folder *folder = malloc(sizeof(*folder) + path.length);
    if (folder == NULL)
        return -ENOMEM;
    folder->root = root;
    folder->descriptor = descriptor;
    folder->length = path.length;
    if (path.length)
        memcpy(folder->path, path.data, path.length);
    int error = map_insert(&watch->by_path, &folder->by_path, path_hash(watch, root, path));
    if (error == 0) {
        error = map_insert(&watch->by_descriptor, &folder->by_descriptor, (uint64_t)descriptor);
        if (error < 0)
            map_remove(&watch->by_path, &folder->by_path);
    }
    if (error < 0)
        free(folder);
    return error;
}

static bool watch_folder(struct file_watch *watch, struct root *root, struct slice path)
{
    if (watch->by_path.count >= watch->folders_max || path.length >= PATH_MAX)
        return false;
    char name[PATH_MAX];
    memcpy(name, path.data, path.length);
    name[path.length] = '\0';
    int fd =
        sys_open_beneath(root->fd, path.length ? name : ".", OPEN_FOLDER | OPEN_CACHED | OPEN_NO_SYMLINKS);
    if (fd < 0)
        return false;
    int descriptor = sys_inotify_watch_folder(watch->watch.fd, fd);
    sys_close(fd);
    if (descriptor < 0)
        return false;
    if (add(watch, root, path, descriptor) == 0)
        return true;
    if (map_find(&watch->by_descriptor, (uint64_t)descriptor) == NULL)
        sys_inotify_forget(watch->watch.fd, descriptor);
    return false;
}

static bool cover_folder(struct file_watch *watch, struct root *root, struct slice path)
{
    return find(watch, root, path) || watch_folder(watch, root, path);
}

bool file_watch_cover(struct file_watch *watch, struct root *root, struct slice path)
{
    if (watch->watch.fd < 0 || !root->is_local || root->is_retired)
        return false;
    /* From the root down: what is above is watched before what is below is looked up, so no rename slips
     * between. */
    if (!cover_folder(watch, root, SLICE("")))
        return false;
    for (size_t i = 0; i < path.length; i++) {
        if (path.data[i] == '/' && !cover_folder(watch, root, slice_take(path, i)))
            return false;
    }
    return true;
}

/* "folder/name" in `out`, which has PATH_MAX bytes; the empty slice where it does not fit, as no open could.
 */
static struct slice join(char *out, const struct folder *folder, struct slice name)
{
    size_t length = folder->length ? folder->length + 1 : 0;
    if (length + name.length >= PATH_MAX)
        return (struct slice){0};
    memcpy(out, folder->path, folder->length);
    if (folder->length)
        out[folder->length] = '/';
    memcpy(out + length, name.data, name.length);
    return slice_make(out, length + name.length);
}

/* A name in a watched folder. If it is a sub-folder, all paths through it mean something else now. */
static void tell_name(struct file_watch *watch, const struct folder *folder, struct slice name,
                      bool is_folder)
{
    char buffer[PATH_MAX];
    struct root *root = folder->root;
    struct slice path = join(buffer, folder, name);
    if (path.length == 0)
        return;
    watch->events->on_path(watch->context, root, path);
    if (is_folder) {
        forget_beneath(watch, root, path);
        watch->events->on_folder(watch->context, root, path);
    }
}

/* The watched folder itself went away or moved. */
static void tell_self(struct file_watch *watch, struct folder *folder)
{
    char path[PATH_MAX];
    struct root *root = folder->root;
    size_t length = folder->length;
    memcpy(path, folder->path, length);
    forget_beneath(watch, root, slice_make(path, length));
    watch->events->on_folder(watch->context, root, slice_make(path, length));
}

/* One of the folders with this descriptor that comes behind `folder`, or the first for NULL. */
static struct folder *next_with(struct file_watch *watch, int descriptor, struct folder *folder)
{
    struct map_link *link = folder ? map_find_next(&folder->by_descriptor)
                                   : map_find(&watch->by_descriptor, (uint64_t)descriptor);
    return link ? CONTAINER_OF(link, struct folder, by_descriptor) : NULL;
}

/* The queue overflowed: anything may have happened anywhere. */
static void tell_everything(struct file_watch *watch)
{
    struct map_link *link;
    while ((link = map_next(&watch->by_path, NULL)) != NULL) {
        struct root *root = CONTAINER_OF(link, struct folder, by_path)->root;
        file_watch_forget(watch, root);
        watch->events->on_folder(watch->context, root, SLICE(""));
    }
}

static void take_event(struct file_watch *watch, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW) {
        tell_everything(watch);
        return;
    }
    /* Without a name IN_ATTRIB is about the folder: who may pass through it now. */
    bool is_about_folder = event->mask & IN_ATTRIB && event->len == 0;
    if (is_about_folder || event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) {
        struct folder *folder;
        while ((folder = next_with(watch, event->wd, NULL)) != NULL)
            tell_self(watch, folder);
        return;
    }
    struct slice name = slice_make(event->name, event->len ? strnlen(event->name, event->len) : 0);
    if (name.length == 0)
        return;
    struct folder *next;
    for (struct folder *folder = next_with(watch, event->wd, NULL); folder; folder = next) {
        next = next_with(watch, event->wd, folder);
        tell_name(watch, folder, name, event->mask & IN_ISDIR);
    }
}

void file_watch_poll(struct file_watch *watch)
{
    char buffer[READ_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
    if (watch->watch.fd < 0)
        return;
    for (int i = 0; i < READS_MAX; i++) {
        ssize_t count = sys_read(watch->watch.fd, buffer, sizeof(buffer));
        if (count <= 0)
            return;
        for (ssize_t at = 0; at < count;) {
            const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
            at += (ssize_t)(sizeof(*event) + event->len);
            take_event(watch, event);
        }
        if ((size_t)count < sizeof(buffer) / 2)
            return;
    }
}

static void on_ready(struct watch *ready, unsigned events)
{
    (void)events;
    file_watch_poll(CONTAINER_OF(ready, struct file_watch, watch));
}

static const struct watch_events watch_events = {.on_ready = on_ready,
                                                 .name = "taking note of changed files"};

int file_watch_create(struct loop *loop, const struct file_watch_events *events, void *context,
                      size_t folders_max, const struct hash_key *key, struct file_watch **ret_watch)
{
    struct file_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return -ENOMEM;
    watch->loop = loop;
    watch->events = events;
    watch->context = context;
    watch->folders_max = folders_max;
    watch->key = *key;
    watch->watch = (struct watch){.events = &watch_events, .fd = sys_inotify_create()};
    if (watch->watch.fd >= 0 && watch_start(loop, &watch->watch, WATCH_LEVEL) < 0) {
        sys_close(watch->watch.fd);
        watch->watch.fd = -1;
    }
    *ret_watch = watch;
    return 0;
}

void file_watch_set_bound(struct file_watch *watch, size_t folders_max)
{
    watch->folders_max = folders_max;
}

void file_watch_destroy(struct file_watch *watch)
{
    if (watch == NULL)
        return;
    struct map_link *link;
    while ((link = map_next(&watch->by_path, NULL)) != NULL)
        forget(watch, CONTAINER_OF(link, struct folder, by_path));
    map_finish(&watch->by_path);
    map_finish(&watch->by_descriptor);
    if (watch->watch.fd >= 0) {
        watch_stop(watch->loop, &watch->watch);
        sys_close(watch->watch.fd);
    }
    free(watch);
}
