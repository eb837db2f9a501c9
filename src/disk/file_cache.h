/* A worker's file cache: open files by root, path and coding; the least recently used is evicted first.
 *
 * What it says is up to date: a change on disk removes the file before the next request looks it up, and
 * changes that are not reported are found by comparing after a second. Missing paths are cached, too, so
 * that a frequently requested missing index costs no system call; but in a list of their own, so that a
 * flood of invented paths cannot evict existing files. */
#ifndef DISK_FILE_CACHE_H
#define DISK_FILE_CACHE_H

#include "disk/file.h"
#include "disk/file_watch.h"

struct file_cache;

/* Returns 0 or -ENOMEM. */
int file_cache_create(struct loop *loop, const struct limits *limits, struct log *log,
                      struct file_cache **ret_cache) MUST_CHECK;

/* Changes the limits; evicts what exceeds them. */
void file_cache_set_limits(struct file_cache *cache, const struct limits *limits);

/* Destroys the cache. Files still referenced elsewhere stay valid. Every root must have been retired. NULL
 * is ignored. */
void file_cache_destroy(struct file_cache *cache);

/* Returns the file with one more reference, or NULL. The caller must check file_cache_believes. */
struct file *file_cache_find(struct file_cache *cache, const struct root *root, struct slice path,
                             enum http_coding coding) MUST_CHECK;

/* Whether the file may be used without looking at its path again. Changes in watched folders are reported
 * (disk/file_watch.h), except writes through another name (hard link) of the file; so a file is trusted
 * for FILE_TRUST_MS after it was last compared. A file that is not watched is not trusted at all, except
 * on network file systems: there a check takes a round trip, and the kernel's own caches are no fresher.
 * Nothing is trusted that was found before the last mount or unmount, wherever that was.
 *
 * While one job checks the file again off the loop, other requests continue to use it until it is
 * FILE_OLD_MS (FILE_OLD_REMOTE_MS on network file systems) old. Then they wait, too, so that a disk or
 * file system that hangs is noticed. */
#define FILE_TRUST_MS      1000
#define FILE_OLD_MS        2000
#define FILE_OLD_REMOTE_MS 10000
bool file_cache_believes(const struct file_cache *cache, const struct file *file, uint64_t now_ms);

/* A ticket for file_cache_insert; call it before opening the file. Unless all folders of the path are
 * watched, it has no folder, and the file must be revalidated. */
struct cache_ticket {
    struct watch_ticket folder;
    uint64_t root_serial;
    uint64_t mounts; /* number of mount table changes noticed */
};
struct cache_ticket file_cache_cover(const struct file_cache *cache, const struct root *root,
                                     struct slice path);

/* Watching the folders of a path that are not watched yet: see file_watch_plan and file_watch_join. The
 * ticket, from before, gets its folder. */
bool file_cache_plan(struct file_cache *cache, const struct root *root, struct slice path,
                     struct watch_plan *plan);
void file_cache_join(struct file_cache *cache, struct root *root, struct slice path,
                     const struct watch_plan *plan, struct cache_ticket *ticket);

/* The ticket for a file on another file system than its root, where changes are not reported. */
struct cache_ticket file_cache_cover_nothing(const struct file_cache *cache, const struct root *root);

/* Notes that the file was compared with what its path leads to and is unchanged; the ticket is from before
 * the comparison. */
void file_cache_note_seen(struct file_cache *cache, struct file *file, struct cache_ticket ticket,
                          uint64_t now_ms);

/* Offers a file that was opened under `ticket`. It is not accepted if something changed in its folder
 * since then, if it is racy or too big for the cache, or if its root is retired. The caller keeps its
 * reference. */
void file_cache_insert(struct file_cache *cache, struct file *file, struct cache_ticket ticket);

/* `file` was opened again under `ticket`, as `again`, and is the same: updates from `again` and the ticket
 * whether its changes are reported. */
void file_cache_confirm(struct file_cache *cache, struct file *file, const struct file *again,
                        struct cache_ticket ticket);

/* Removes a file that turned out to be out of date. */
void file_cache_drop(struct file_cache *cache, struct file *file);

/* Returns what is to be walked off the loop and adopted then (disk/root_path.h), if it is time to watch the
 * root's path; otherwise NULL. */
struct root_path *file_cache_plan_path(struct file_cache *cache, struct root *root,
                                       uint64_t now_ms) MUST_CHECK;

/* It watches folders and the paths of roots. */
struct notifier *file_cache_notifier(const struct file_cache *cache);

/* Removes everything of the root. */
void file_cache_drop_root(struct file_cache *cache, struct root *root);

/* Removes everything of the root and accepts nothing more of it. Must be called before the root is freed;
 * requests that still use it bypass the cache. */
void file_cache_retire_root(struct file_cache *cache, struct root *root);

/* Evicts half of the files that hold a descriptor, the least recently used ones; returns false if there
 * were none. */
bool file_cache_shrink(struct file_cache *cache);

/* Processes all changes up to now: affected files are removed or no longer trusted. */
void file_cache_poll(struct file_cache *cache);

/* Asserts that the cache is consistent. Slow: for tests. */
void file_cache_validate(const struct file_cache *cache);

#endif
