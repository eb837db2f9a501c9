/* Watching folders for change: what the file cache believes is true until this says otherwise.
 *
 * Folders are a tree, from each root down. What the cache has of a folder are its items, so that whatever
 * happens to a folder finds what it concerns and nothing else has to be looked through. An item whose folder
 * is not watched is kept beside the tree, for when everything beneath its root is forgotten.
 *
 * A folder that moved or went takes all beneath it along. It leaves the tree at once; what hangs on it is
 * worked off a bounded part a turn of the loop. Until that is done, and while more changes are waiting than a
 * turn takes, the watch is behind, and nothing is to be believed without a look. */
#ifndef DISK_FILE_WATCH_H
#define DISK_FILE_WATCH_H

#include "base/hash.h"
#include "base/log.h"
#include "disk/notifier.h"
#include "disk/root.h"

struct file_watch;
struct watched_folder;

/* Stands in whatever is told of; zeroed, it is in no folder. */
struct watch_item {
    struct list link;
    struct watched_folder *folder;
};

struct file_watch_events {
    /* What `path` beneath `root` leads to, changed; `path` is gone after the call. */
    void (*on_path)(void *context, struct root *root, struct slice path);
    /* The item's path means something else now; it is in no folder any more. */
    void (*on_gone)(void *context, struct watch_item *item);
    /* The item's folder is not watched any more, to make room for others. */
    void (*on_unwatched)(void *context, struct watch_item *item);
};

/* Returns 0 or -ENOMEM. `folders_max` bounds the folders that are watched at a time. */
int file_watch_create(struct loop *loop, struct notifier *notifier, const struct file_watch_events *events,
                      void *context, size_t folders_max, const struct hash_key *key, struct log *log,
                      struct file_watch **ret_watch) MUST_CHECK;

/* Another bound from now on: folders past it, the least recently used, are not watched any more. */
void file_watch_set_bound(struct file_watch *watch, size_t folders_max);

/* All roots must have been forgotten. NULL is ignored. */
void file_watch_destroy(struct file_watch *watch);

/* Says which folder was watched, and in which state it was. */
struct watch_ticket {
    uint64_t folder; /* 0: none */
    uint64_t changes;
};

/* Makes sure that changes to `path` (beneath the root, without leading '/') will be told from now on. No
 * folder where that cannot be had without waiting: a folder that is not in the kernel's cache, is a symbolic
 * link, or lies on another file system; a retired root; too deep; no watches left. */
struct watch_ticket file_watch_cover(struct file_watch *watch, struct root *root, struct slice path);

/* Puts the item, which is about `path`, into its folder. False where something has changed in the folder
 * since the ticket, or the folder is not watched any more. */
bool file_watch_attach(struct file_watch *watch, struct root *root, struct slice path,
                       struct watch_ticket ticket, struct watch_item *item) MUST_CHECK;

/* Puts an item beside the tree that nobody watches. False without memory. */
bool file_watch_attach_unwatched(struct file_watch *watch, struct root *root,
                                 struct watch_item *item) MUST_CHECK;

/* Takes the item out; nothing happens where it is in no folder. */
void file_watch_detach(struct watch_item *item);

/* The item is in use: its folder is kept before others. False where the folder has left the tree, and nobody
 * tells of changes. */
bool file_watch_touch(struct file_watch *watch, struct watch_item *item);

/* Nothing is to be believed without a look: see above. */
bool file_watch_is_behind(const struct file_watch *watch);

/* Forgets every folder of the root; on_gone is told of each item, some of them later. */
void file_watch_forget(struct file_watch *watch, struct root *root);

/* Events were lost: forgets every folder of every root. */
void file_watch_forget_all(struct file_watch *watch);

/* The path of every root of which something is watched or kept may lead elsewhere: their next looks are due.
 */
void file_watch_look_at_roots(struct file_watch *watch);

/* Works off all that hangs on what was forgotten. */
void file_watch_settle(struct file_watch *watch);

/* Checks that everything in it fits together; an assert fails where it does not. Takes long: for tests. */
void file_watch_validate(const struct file_watch *watch);

#endif
