/* A hash map and two LRU lists ("shelves"), one for existing files and one for missing paths, so that
 * neither evicts the other. Invalidation by path drops every coding of that path; if the path is a sibling
 * such as "style.css.br", it also drops the file it belongs to. */
#include "disk/file_cache.h"

#include "base/hash.h"
#include "disk/mount_table.h"
#include "disk/root_path.h"
#include "sys/clock.h"
#include "sys/process.h"

#include <errno.h>
#include <stdlib.h>

/* Missing paths may use this fraction of the number of files, and of the memory. */
#define ABSENT_COUNT_PART 4
#define ABSENT_BYTES_PART 16

/* An LRU list and its limits. */
struct shelf {
    struct list files; /* most recently used last */
    size_t count;
    size_t count_max;
    uint64_t bytes;
    uint64_t bytes_max;
};

struct file_cache {
    struct notifier *notifier;
    struct file_watch *watch;
    struct mount_table mounts;
    struct hash_key key;
    struct map files;
    struct file *used_last; /* the most recently used file, often requested again; in the cache, or NULL */
    struct shelf present;
    struct shelf absent;
};

static void on_path(void *context, struct root *root, struct slice path);
static void on_gone(void *context, struct watch_item *item);
static void on_unwatched(void *context, struct watch_item *item);
static void on_overflow(void *context);
static void on_mounts(struct mount_table *mounts);

static const struct file_watch_events file_watch_events = {
    .on_path = on_path, .on_gone = on_gone, .on_unwatched = on_unwatched};

static void set_bounds(struct file_cache *cache, const struct limits *limits)
{
    assert(limits->cache_entries > 0);
    cache->absent.count_max = limits->cache_entries / ABSENT_COUNT_PART;
    cache->absent.bytes_max = limits->cache_bytes / ABSENT_BYTES_PART;
    cache->present.count_max = limits->cache_entries;
    cache->present.bytes_max = limits->cache_bytes - cache->absent.bytes_max;
}

static int create_watch(struct file_cache *cache, struct loop *loop, const struct limits *limits,
                        struct log *log)
{
    int error = notifier_create(loop, on_overflow, cache, &cache->notifier);
    if (error < 0)
        return error;
    error = file_watch_create(loop, cache->notifier, &file_watch_events, cache, limits->cache_entries,
                              &cache->key, log, &cache->watch);
    if (error < 0)
        notifier_destroy(cache->notifier);
    return error;
}

int file_cache_create(struct loop *loop, const struct limits *limits, struct log *log,
                      struct file_cache **ret_cache)
{
    struct file_cache *cache = calloc(1, sizeof(*cache));
    if (cache == NULL)
        return -ENOMEM;
    list_init(&cache->present.files);
    list_init(&cache->absent.files);
    set_bounds(cache, limits);
    sys_random(&cache->key, sizeof(cache->key));
    int error = create_watch(cache, loop, limits, log);
    if (error < 0) {
        free(cache);
        return error;
    }
    mount_table_init(&cache->mounts, loop, on_mounts);
    *ret_cache = cache;
    return 0;
}

/* All codings of a path have the same hash, so that one lookup finds them all. */
static uint64_t path_hash(const struct file_cache *cache, const struct root *root, struct slice path)
{
    return hash_bytes(&cache->key, path) ^ (root->serial * UINT64_C(0x9e3779b97f4a7c15));
}

static struct file *file_of(struct map_link *link)
{
    return CONTAINER_OF(link, struct file, link);
}

static bool is_of(const struct file *file, const struct root *root, struct slice path)
{
    return file->root == root && file->root_serial == root->serial && slice_equal(file_path(file), path);
}

static struct file *file_cache_lookup(const struct file_cache *cache, const struct root *root,
                                      struct slice path, enum http_coding coding)
{
    struct file *last = cache->used_last;
    if (last && last->coding == coding && is_of(last, root, path))
        return last;
    struct map_link *link = map_find(&cache->files, path_hash(cache, root, path));
    for (; link; link = map_find_next(link)) {
        if (file_of(link)->coding == coding && is_of(file_of(link), root, path))
            return file_of(link);
    }
    return NULL;
}

static bool is_present(const struct file *file)
{
    return file->kind == FILE_REGULAR || file->kind == FILE_FOLDER;
}

static struct shelf *shelf_of(struct file_cache *cache, const struct file *file)
{
    return is_present(file) ? &cache->present : &cache->absent;
}

struct file *file_cache_find(struct file_cache *cache, const struct root *root, struct slice path,
                             enum http_coding coding)
{
    struct file *file = file_cache_lookup(cache, root, path, coding);
    if (file == NULL)
        return NULL;
    if (file != cache->used_last) {
        list_remove(&file->recently_used);
        list_append(&shelf_of(cache, file)->files, &file->recently_used);
        cache->used_last = file;
    }
    assert(file->is_cached);
    return file_ref(file);
}

/* Do not cache a missing path or a folder that must be revalidated on each use: that costs as much as
 * opening it. (Remote ones are revalidated less often.) */
static bool is_worth_keeping(const struct file *file)
{
    return !file->revalidate || file->kind == FILE_REGULAR || file->is_remote;
}

/* The caller has a reference to the file, or does not use it afterwards. */
static void stop_watching(struct file_cache *cache, struct file *file)
{
    file_watch_detach(&file->watched);
    file->revalidate = true;
    if (!is_worth_keeping(file) || !file_watch_attach_unwatched(cache->watch, file->root, &file->watched))
        file_cache_drop(cache, file);
}

bool file_cache_believes(const struct file_cache *cache, const struct file *file, uint64_t now_ms)
{
    uint64_t age_ms = now_ms - file->seen_ms;
    if (UNLIKELY((file->revalidate && !file->is_remote) || file->seen_mounts != cache->mounts.changes))
        return false;
    if (LIKELY(age_ms < FILE_TRUST_MS && (file->revalidate || !file_watch_is_behind(cache->watch))))
        return true;
    return file->is_revalidating && age_ms < (file->is_remote ? FILE_OLD_REMOTE_MS : FILE_OLD_MS);
}

void file_cache_note_seen(struct file_cache *cache, struct file *file, struct cache_ticket ticket,
                          uint64_t now_ms)
{
    file->seen_ms = now_ms;
    file->seen_mounts = ticket.mounts;
    if (file->is_cached && !file->revalidate && !file_watch_touch(cache->watch, &file->watched))
        stop_watching(cache, file);
}

void file_cache_drop(struct file_cache *cache, struct file *file)
{
    if (!file->is_cached)
        return;
    struct shelf *shelf = shelf_of(cache, file);
    assert(file->references > 0 && shelf->count > 0 && shelf->bytes >= file_bytes(file));
    if (cache->used_last == file)
        cache->used_last = NULL;
    file->is_cached = false;
    file_watch_detach(&file->watched);
    map_remove(&cache->files, &file->link);
    list_remove(&file->recently_used);
    shelf->bytes -= file_bytes(file);
    shelf->count--;
    file_unref(file);
}

static struct file *oldest(const struct shelf *shelf)
{
    return list_is_empty(&shelf->files) ? NULL : CONTAINER_OF(shelf->files.next, struct file, recently_used);
}

static void file_cache_make_room(struct file_cache *cache, struct shelf *shelf)
{
    while (shelf->count > shelf->count_max || shelf->bytes > shelf->bytes_max) {
        assert(shelf->count > 0);
        file_cache_drop(cache, oldest(shelf));
    }
}

void file_cache_set_limits(struct file_cache *cache, const struct limits *limits)
{
    set_bounds(cache, limits);
    file_cache_make_room(cache, &cache->present);
    file_cache_make_room(cache, &cache->absent);
    file_watch_set_bound(cache->watch, limits->cache_entries);
}

struct cache_ticket file_cache_cover(const struct file_cache *cache, const struct root *root,
                                     struct slice path)
{
    return (struct cache_ticket){
        .folder = file_watch_cover(root, path),
        .root_serial = root->serial,
        .mounts = cache->mounts.changes,
    };
}

bool file_cache_plan(struct file_cache *cache, const struct root *root, struct slice path,
                     struct watch_plan *plan)
{
    return file_watch_plan(cache->watch, root, path, plan);
}

void file_cache_join(struct file_cache *cache, struct root *root, struct slice path,
                     const struct watch_plan *plan, struct cache_ticket *ticket)
{
    ticket->folder = file_watch_join(cache->watch, root, path, plan);
}

struct cache_ticket file_cache_cover_nothing(const struct file_cache *cache, const struct root *root)
{
    return (struct cache_ticket){.root_serial = root->serial, .mounts = cache->mounts.changes};
}

/* Attaches the file to its folder, or to the unwatched ones. */
static bool attach(struct file_cache *cache, struct file *file, struct cache_ticket ticket)
{
    if (file->revalidate)
        return file_watch_attach_unwatched(cache->watch, file->root, &file->watched);
    return file_watch_attach(cache->watch, file->root, file_path(file), ticket.folder, &file->watched);
}

static bool is_of_now(const struct file *file, struct cache_ticket ticket)
{
    return !file->root->is_retired && ticket.root_serial == file->root->serial &&
           file->root_serial == file->root->serial;
}

static bool put_in(struct file_cache *cache, struct file *file, struct cache_ticket ticket)
{
    assert(!file->is_cached);
    if (!attach(cache, file, ticket))
        return false;
    if (map_insert(&cache->files, &file->link, path_hash(cache, file->root, file_path(file))) == 0)
        return true;
    file_watch_detach(&file->watched);
    return false;
}

void file_cache_insert(struct file_cache *cache, struct file *file, struct cache_ticket ticket)
{
    if (ticket.folder.folder == 0)
        file->revalidate = true;
    if (file->is_racy || !is_of_now(file, ticket) || !is_worth_keeping(file))
        return;
    struct file *older =
        file_cache_lookup(cache, file->root, file_path(file), (enum http_coding)file->coding);
    if (older)
        file_cache_drop(cache, older);
    /* The block for the kept head is allocated now, so that the file's memory does not change while it is
     * in the cache. */
    if (file->kind == FILE_REGULAR && file->block == NULL)
        file_make_room_for_head(file);
    if (!put_in(cache, file, ticket))
        return;
    struct shelf *shelf = shelf_of(cache, file);
    file->is_cached = true;
    list_append(&shelf->files, &file->recently_used);
    cache->used_last = file;
    shelf->bytes += file_bytes(file);
    shelf->count++;
    file_ref(file);
    file_cache_make_room(cache, shelf);
}

void file_cache_confirm(struct file_cache *cache, struct file *file, const struct file *again,
                        struct cache_ticket ticket)
{
    if (!file->is_cached || !is_of_now(file, ticket))
        return;
    assert(file->root == again->root);
    file_watch_detach(&file->watched);
    file->revalidate = again->revalidate || ticket.folder.folder == 0;
    if (!is_worth_keeping(file) || !attach(cache, file, ticket))
        stop_watching(cache, file);
}

/* Drops the path in all codings. */
static void drop_path(struct file_cache *cache, const struct root *root, struct slice path)
{
    struct map_link *link = map_find(&cache->files, path_hash(cache, root, path));
    while (link) {
        struct file *file = file_of(link);
        link = map_find_next(link);
        if (is_of(file, root, path))
            file_cache_drop(cache, file);
    }
}

static void on_path(void *context, struct root *root, struct slice path)
{
    struct file_cache *cache = context;
    drop_path(cache, root, path);
    for (unsigned coding = HTTP_CODING_IDENTITY + 1; coding < HTTP_CODING_COUNT; coding++) {
        struct slice suffix = file_coding_suffix((enum http_coding)coding);
        if (slice_ends_with(path, suffix))
            drop_path(cache, root, slice_take(path, path.length - suffix.length));
    }
}

static struct file *file_of_item(struct watch_item *item)
{
    return CONTAINER_OF(item, struct file, watched);
}

static void on_gone(void *context, struct watch_item *item)
{
    file_cache_drop(context, file_of_item(item));
}

static void on_unwatched(void *context, struct watch_item *item)
{
    stop_watching(context, file_of_item(item));
}

static void on_overflow(void *context)
{
    struct file_cache *cache = context;
    file_watch_forget_all(cache->watch);
}

static void on_mounts(struct mount_table *mounts)
{
    file_watch_look_at_roots(CONTAINER_OF(mounts, struct file_cache, mounts)->watch);
}

struct root_path *file_cache_plan_path(struct file_cache *cache, struct root *root, uint64_t now_ms)
{
    if (now_ms < root->path_due_ms || root->is_retired || !root->is_local)
        return NULL;
    struct root_path *path = root_path_create(cache->notifier);
    if (path)
        root->path_due_ms = UINT64_MAX; /* one at a time */
    return path;
}

struct notifier *file_cache_notifier(const struct file_cache *cache)
{
    return cache->notifier;
}

void file_cache_drop_root(struct file_cache *cache, struct root *root)
{
    root_renew(root);
    file_watch_forget(cache->watch, root);
}

void file_cache_retire_root(struct file_cache *cache, struct root *root)
{
    root->is_retired = true;
    root_path_forget(root);
    root_want_look(root);
    file_cache_drop_root(cache, root);
}

static bool holds_descriptor(const struct list *recently_used)
{
    return CONTAINER_OF(recently_used, struct file, recently_used)->fd >= 0;
}

bool file_cache_shrink(struct file_cache *cache)
{
    size_t count = 0;
    LIST_FOREACH(link, &cache->present.files)
        count += holds_descriptor(link);
    size_t left = (count + 1) / 2;
    LIST_FOREACH_SAFE(link, &cache->present.files) {
        if (left > 0 && holds_descriptor(link)) {
            file_cache_drop(cache, CONTAINER_OF(link, struct file, recently_used));
            left--;
        }
    }
    assert(left == 0);
    return count > 0;
}

/* One system call checks both; usually nothing has changed. */
void file_cache_poll(struct file_cache *cache)
{
    struct pollfd ready[] = {
        {.fd = notifier_fd(cache->notifier), .events = POLLIN},
        {.fd = cache->mounts.asked_fd, .events = POLLPRI},
    };
    bool is_unknown = sys_poll(ready, ARRAY_LENGTH(ready), 0) < 0;
    if (cache->mounts.watch.fd >= 0 && (is_unknown || ready[1].revents))
        mount_table_note_change(&cache->mounts);
    if (is_unknown || ready[0].revents)
        notifier_poll(cache->notifier);
}

void file_cache_destroy(struct file_cache *cache)
{
    if (cache == NULL)
        return;
    struct file *file;
    while ((file = oldest(&cache->present)) != NULL || (file = oldest(&cache->absent)) != NULL)
        file_cache_drop(cache, file);
    mount_table_finish(&cache->mounts);
    file_watch_destroy(cache->watch);
    notifier_destroy(cache->notifier);
    map_finish(&cache->files);
    free(cache);
}

/* ---- consistency checks ---- */

static void validate_shelf(const struct file_cache *cache, const struct shelf *shelf)
{
    size_t count = 0;
    uint64_t bytes = 0;
    LIST_FOREACH(link, &shelf->files) {
        const struct file *file = CONTAINER_OF(link, struct file, recently_used);
        assert(file->is_cached && file->references > 0 && is_present(file) == (shelf == &cache->present));
        assert(file->watched.folder != NULL);
        count++;
        bytes += file_bytes(file);
    }
    assert(count == shelf->count && count <= shelf->count_max);
    assert(bytes == shelf->bytes && bytes <= shelf->bytes_max);
}

void file_cache_validate(const struct file_cache *cache)
{
    map_validate(&cache->files);
    validate_shelf(cache, &cache->present);
    validate_shelf(cache, &cache->absent);
    assert(cache->files.count == cache->present.count + cache->absent.count);
    const struct file *last = cache->used_last;
    assert(last == NULL || last->is_cached);
    assert(last == NULL || last->recently_used.next == &shelf_of((struct file_cache *)cache, last)->files);
    for (struct map_link *link = map_next(&cache->files, NULL); link; link = map_next(&cache->files, link))
        assert(file_of(link)->is_cached);
    file_watch_validate(cache->watch);
}
