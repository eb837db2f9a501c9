/* The file cache of a worker: open files by root, path and coding, the least recently used going first.
 *
 * What is in it is true: a change on disk takes the file out before the next request looks
 * (disk/file_watch.h). Paths where nothing is are kept too, so that a favourite missing index costs no
 * system call, but in a list of their own, lest a flood of inventions push out what exists. */
#ifndef DISK_FILE_CACHE_H
#define DISK_FILE_CACHE_H

#include "disk/file.h"
#include "disk/file_watch.h"

struct file_cache;

/* Returns 0 or -ENOMEM. */
int file_cache_create(struct loop *loop, const struct limits *limits,
                      struct file_cache **ret_cache) MUST_CHECK;

/* Other bounds from now on; what is past them goes. */
void file_cache_set_limits(struct file_cache *cache, const struct limits *limits);

/* Files still referenced elsewhere live on. NULL is ignored. */
void file_cache_destroy(struct file_cache *cache);

/* The file, with one more reference, or NULL. */
struct file *file_cache_find(struct file_cache *cache, const struct root *root, struct slice path,
                             enum http_coding coding) MUST_CHECK;

/* Makes sure that changes to the path will be noticed from now on; to be called before the file is opened.
 * Returns a ticket for file_cache_insert; what cannot be watched is not cached, unless it can be revalidated.
 */
struct cache_ticket {
    uint64_t changes;
    bool is_covered;
};
struct cache_ticket file_cache_cover(struct file_cache *cache, struct root *root, struct slice path);

/* The ticket for what lies on another file system than its root: nothing there is told. */
static inline struct cache_ticket file_cache_cover_nothing(const struct root *root)
{
    return (struct cache_ticket){.changes = root->drop_count};
}

/* Offers a file that was opened under `ticket`; it is not taken when anything changed on disk since, when it
 * is racy or too big for the cache, or its root is retired. The caller keeps its reference. */
void file_cache_insert(struct file_cache *cache, struct file *file, struct cache_ticket ticket);

/* `file` was opened again under `ticket`, as `again`, and is the same: whether its changes will be noticed is
 * as that says. */
void file_cache_confirm(struct file_cache *cache, struct file *file, const struct file *again,
                        struct cache_ticket ticket);

/* Takes a file out that turned out to be no longer true. */
void file_cache_drop(struct file_cache *cache, struct file *file);

/* Takes everything of the root out. */
void file_cache_drop_root(struct file_cache *cache, struct root *root);

/* The same for ever, before the root's memory goes: requests that still use it are served past the cache. */
void file_cache_retire_root(struct file_cache *cache, struct root *root);

/* Takes out half of the files that hold a descriptor, the least recently used; false where there was none. */
bool file_cache_shrink(struct file_cache *cache);

/* Lets changes that happened up to this moment take effect. */
void file_cache_poll(struct file_cache *cache);

#endif
