/* Watching folders for change, by inotify(7): what the file cache believes is true until this says otherwise.
 *
 * A cached path is covered by a watch on every folder between the root and the file. A change of a name in
 * one of them is told as the path that it concerns; the move or removal of a folder as everything beneath it.
 */
#ifndef DISK_FILE_WATCH_H
#define DISK_FILE_WATCH_H

#include "base/hash.h"
#include "base/map.h"
#include "disk/root.h"
#include "loop/watch.h"

struct file_watch;

struct file_watch_events {
    /* What `path` beneath `root` leads to, changed; `path` is gone after the call. */
    void (*on_path)(void *context, struct root *root, struct slice path);
    /* Everything beneath the folder may have changed; "" is the whole root. */
    void (*on_folder)(void *context, struct root *root, struct slice path);
};

/* Never fails for want of inotify: then nothing can be covered. Returns 0 or -ENOMEM. `folders_max` bounds
 * the watches. */
int file_watch_create(struct loop *loop, const struct file_watch_events *events, void *context,
                      size_t folders_max, const struct hash_key *key,
                      struct file_watch **ret_watch) MUST_CHECK;

/* Another bound from now on; what is watched already stays. */
void file_watch_set_bound(struct file_watch *watch, size_t folders_max);

/* NULL is ignored. */
void file_watch_destroy(struct file_watch *watch);

/* Makes sure that changes to `path` (beneath the root, without leading '/') will be told from now on. False
 * where that cannot be had without waiting: a folder that is not in the kernel's cache, is a symbolic link,
 * or lies on another file system; a retired root; no watches left. */
bool file_watch_cover(struct file_watch *watch, struct root *root, struct slice path) MUST_CHECK;

/* Tells what has changed up to this moment, rather than when the loop comes to it. */
void file_watch_poll(struct file_watch *watch);

/* Forgets every folder of the root. */
void file_watch_forget(struct file_watch *watch, struct root *root);

/* Whether `path` leads through `folder`; both beneath the same root, where "" is the root itself. */
static inline bool file_watch_is_beneath(struct slice path, struct slice folder)
{
    return folder.length == 0 || (slice_starts_with(path, folder) && path.length > folder.length &&
                                  path.data[folder.length] == '/');
}

#endif
