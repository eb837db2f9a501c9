/* The file cache of a worker: open files by root, path and coding, the least recently used going first.
 *
 * What it believes is true: a change on disk takes the file out before the next request looks, and what
 * changed unnoticed is compared a second later. Paths where nothing is are kept too, so that a favourite
 * missing index costs no system call, but in a list of their own, lest a flood of inventions push out what
 * exists. */
#ifndef DISK_FILE_CACHE_H
#define DISK_FILE_CACHE_H

#include "disk/file.h"
#include "disk/file_watch.h"

struct file_cache;

/* Returns 0 or -ENOMEM. */
int file_cache_create(struct loop *loop, const struct limits *limits, struct log *log,
                      struct file_cache **ret_cache) MUST_CHECK;

/* Other bounds from now on; what is past them goes. */
void file_cache_set_limits(struct file_cache *cache, const struct limits *limits);

/* Files still referenced elsewhere live on. Every root must have been retired. NULL is ignored. */
void file_cache_destroy(struct file_cache *cache);

/* The file, with one more reference, or NULL. Whether it is believed is another question. */
struct file *file_cache_find(struct file_cache *cache, const struct root *root, struct slice path,
                             enum http_coding coding) MUST_CHECK;

/* The file is taken to be what its path leads to, without a look. What is watched is told of when it changes
 * (disk/file_watch.h), but nothing is told of a write through another name of the file. So what was found is
 * believed for FILE_TRUST_MS. What is not watched is not believed at all, but on file systems behind a
 * network: to ask takes as long as that takes, and the kernel's own caches of such file systems are no
 * younger. Nothing is believed that was found before something was mounted or unmounted, wherever that was.
 *
 * While somebody looks again off the loop, the others go on with what was known, until that is old. Then they
 * wait too, and a disk or a file system that does not answer any more is found out. */
#define FILE_TRUST_MS      1000
#define FILE_OLD_MS        2000
#define FILE_OLD_REMOTE_MS 10000
bool file_cache_believes(const struct file_cache *cache, const struct file *file, uint64_t now_ms);

/* Makes sure that changes to the path will be noticed from now on; to be called before the file is opened.
 * Returns a ticket for file_cache_insert; what cannot be watched is not cached, unless it can be revalidated.
 */
struct cache_ticket {
    struct watch_ticket folder;
    uint64_t root_serial;
    uint64_t mounts; /* changes of the mount table that had been noticed */
};
struct cache_ticket file_cache_cover(struct file_cache *cache, struct root *root, struct slice path);

/* The ticket for what lies on another file system than its root: nothing there is told. */
struct cache_ticket file_cache_cover_nothing(const struct file_cache *cache, const struct root *root);

/* The file was compared with what its path leads to, and is as it was; the ticket is from before that. */
void file_cache_note_seen(struct file_cache *cache, struct file *file, struct cache_ticket ticket,
                          uint64_t now_ms);

/* Offers a file that was opened under `ticket`; it is not taken when something changed in its folder since,
 * when it is racy or too big for the cache, or its root is retired. The caller keeps its reference. */
void file_cache_insert(struct file_cache *cache, struct file *file, struct cache_ticket ticket);

/* `file` was opened again under `ticket`, as `again`, and is the same: whether its changes will be noticed is
 * as that says. */
void file_cache_confirm(struct file_cache *cache, struct file *file, const struct file *again,
                        struct cache_ticket ticket);

/* Takes a file out that turned out to be no longer true. */
void file_cache_drop(struct file_cache *cache, struct file *file);

/* Has the root told of what happens to its path, where that is not so already: its next look is due then. */
void file_cache_watch_root(struct file_cache *cache, struct root *root, uint64_t now_ms);

/* Nothing of the root is found any more. */
void file_cache_drop_root(struct file_cache *cache, struct root *root);

/* The same as long as it is retired, which it must be before its memory goes: requests that still use it are
 * served past the cache. */
void file_cache_retire_root(struct file_cache *cache, struct root *root);

/* Takes out half of the files that hold a descriptor, the least recently used; false where there was none. */
bool file_cache_shrink(struct file_cache *cache);

/* Lets changes that happened up to this moment take effect: what they concern is dropped or no longer
 * believed. */
void file_cache_poll(struct file_cache *cache);

/* Checks that everything in it fits together; an assert fails where it does not. Takes long: for tests. */
void file_cache_validate(const struct file_cache *cache);

#endif
