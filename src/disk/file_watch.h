/* Watching folders for changes, for the file cache: an item is up to date until this module says
 * otherwise.
 *
 * Watched folders form a tree per root. The items of the cache are attached to their folders, so that a
 * change in a folder finds the affected items directly. Items whose folder is not watched are kept in a
 * separate list, to be found when everything beneath the root is forgotten.
 *
 * When a folder is moved or deleted, everything beneath it goes, too. It leaves the tree at once; its
 * items are processed in bounded portions, one per turn of the loop. Until that is finished, and while
 * more changes are pending than fit into a turn, the watch is "behind", and nothing may be trusted without
 * a look. */
#ifndef DISK_FILE_WATCH_H
#define DISK_FILE_WATCH_H

#include "base/hash.h"
#include "base/log.h"
#include "disk/notifier.h"
#include "disk/root.h"

struct file_watch;
struct watched_folder;

/* Embedded in whatever is watched. Zeroed: in no folder. */
struct watch_item {
    struct list link;
    struct watched_folder *folder;
};

struct file_watch_events {
    /* What `path` beneath `root` leads to has changed; `path` is valid during the call only. */
    void (*on_path)(void *context, struct root *root, struct slice path);
    /* The item's path refers to something else now; the item has been detached. */
    void (*on_gone)(void *context, struct watch_item *item);
    /* The item's folder is no longer watched, to make room for others. */
    void (*on_unwatched)(void *context, struct watch_item *item);
};

/* Returns 0 or -ENOMEM. `folders_max` limits the number of watched folders. */
int file_watch_create(struct loop *loop, struct notifier *notifier, const struct file_watch_events *events,
                      void *context, size_t folders_max, const struct hash_key *key, struct log *log,
                      struct file_watch **ret_watch) MUST_CHECK;

/* Changes the limit; folders beyond it, the least recently used, are no longer watched. */
void file_watch_set_bound(struct file_watch *watch, size_t folders_max);

/* All roots must have been forgotten. NULL is ignored. */
void file_watch_destroy(struct file_watch *watch);

/* Identifies a watched folder and its state. */
struct watch_ticket {
    uint64_t folder; /* 0: none */
    uint64_t changes;
};

/* A ticket for `path` (beneath the root, without leading '/'). It has no folder unless all folders of the
 * path are watched. Makes no system call. */
struct watch_ticket file_watch_cover(const struct root *root, struct slice path);

/* More folders of a path are watched in three steps, because the kernel may take long to watch a folder with
 * many names (disk/notifier.h), and opening it may have to wait for a disk. */

/* Files in deeper paths are revalidated on each use. */
#define WATCH_DEPTH_MAX 64

struct watch_plan {
    const struct notifier *notifier;
    uint64_t since; /* number of changes: see notifier_adopt */
    int root_fd;
    uint64_t root_serial;
    struct watch_ticket known; /* the deepest watched folder; none: not even the root is watched */
    uint16_t known_length;     /* of its path */
    bool is_made;              /* all folders are watched now */
    int error;                 /* -errno: why they are not */
    unsigned count;
    int descriptors[WATCH_DEPTH_MAX + 1]; /* of the folders below that one */
};

/* On the loop: prepares to watch the folders of `path`. False if that is impossible, or enough such plans
 * are in progress. */
bool file_watch_plan(struct file_watch *watch, const struct root *root, struct slice path,
                     struct watch_plan *plan);

/* Watches the folders, those above first, so that no rename is missed. May block; touches only the plan.
 * `path` is that of the plan. Only then may the path's file be opened. */
void file_watch_make(struct watch_plan *plan, struct slice path);

/* On the loop, for each plan, made or not: adds its folders to the tree. Returns a ticket from the time
 * before `file_watch_make`; it has no folder if something changed since then, a folder is a symbolic link or
 * lies on another file system, the root was retired, or no inotify watches are left. */
struct watch_ticket file_watch_join(struct file_watch *watch, struct root *root, struct slice path,
                                    const struct watch_plan *plan);

/* Attaches the item, which represents `path`, to its folder. Returns false if the folder has changed since
 * the ticket or is no longer watched. */
bool file_watch_attach(struct file_watch *watch, struct root *root, struct slice path,
                       struct watch_ticket ticket, struct watch_item *item) MUST_CHECK;

/* Attaches an item that is not watched. Returns false if memory runs out. */
bool file_watch_attach_unwatched(struct file_watch *watch, struct root *root,
                                 struct watch_item *item) MUST_CHECK;

/* Detaches the item; does nothing if it is in no folder. */
void file_watch_detach(struct watch_item *item);

/* Marks the item's folder as recently used. Returns false if the folder has left the tree, so that changes
 * are no longer reported. */
bool file_watch_touch(struct file_watch *watch, struct watch_item *item);

/* Whether changes are pending, so that nothing may be trusted without a look: see above. */
bool file_watch_is_behind(const struct file_watch *watch);

/* Forgets every folder of the root; on_gone is called for each item, for some of them in later turns. */
void file_watch_forget(struct file_watch *watch, struct root *root);

/* Events were lost: forgets every folder of every root. */
void file_watch_forget_all(struct file_watch *watch);

/* Makes the next look of every root due that has watched or kept items, because its path may lead
 * elsewhere. */
void file_watch_look_at_roots(struct file_watch *watch);

/* Finishes processing everything that was forgotten. */
void file_watch_finish_forgetting(struct file_watch *watch);

/* Asserts that everything is consistent. Slow: for tests. */
void file_watch_validate(const struct file_watch *watch);

#endif
