/* A hash map with two shelves by age: what is there, and what is not, so that neither takes the other's
 * place. Invalidation by path looks up every coding under that path, and the path itself when a sibling such
 * as "style.css.br" came or went. */
#include "disk/file_cache.h"

#include "base/hash.h"
#include "sys/clock.h"

#include <errno.h>
#include <stdlib.h>

/* What absent paths may take: that part of the count of files, and of the memory. */
#define ABSENT_COUNT_PART 4
#define ABSENT_BYTES_PART 16

/* Files by age, and the bounds of what they take. */
struct shelf {
    struct list files; /* most recently used last */
    size_t count;
    size_t count_max;
    uint64_t bytes;
    uint64_t bytes_max;
};

struct file_cache {
    struct file_watch *watch;
    struct hash_key key;
    struct map files;
    struct shelf present;
    struct shelf absent;
    uint64_t changes; /* grows with every change on disk that was told */
};

static void on_path(void *context, struct root *root, struct slice path);
static void on_folder(void *context, struct root *root, struct slice path);

static const struct file_watch_events file_watch_events = {.on_path = on_path, .on_folder = on_folder};

static void set_bounds(struct file_cache *cache, const struct limits *limits)
{
    cache->absent.count_max = limits->cache_entries / ABSENT_COUNT_PART;
    cache->absent.bytes_max = limits->cache_bytes / ABSENT_BYTES_PART;
    cache->present.count_max = limits->cache_entries;
    cache->present.bytes_max = limits->cache_bytes - cache->absent.bytes_max;
}

int file_cache_create(struct loop *loop, const struct limits *limits, struct file_cache **ret_cache)
{
    struct file_cache *cache = calloc(1, sizeof(*cache));
    if (cache == NULL)
        return -ENOMEM;
    list_init(&cache->present.files);
    list_init(&cache->absent.files);
    set_bounds(cache, limits);
    sys_random(&cache->key, sizeof(cache->key));
    int error =
        file_watch_create(loop, &file_watch_events, cache, limits->cache_entries, &cache->key, &cache->watch);
    if (error < 0) {
        free(cache);
        return error;
    }
    *ret_cache = cache;
    return 0;
}

static uint64_t file_hash(const struct file_cache *cache, const struct root *root, struct slice path,
                          enum http_coding coding)
{
    uint64_t salt = (uintptr_t)root + (uint64_t)coding;
    return hash_bytes(&cache->key, path) ^ (salt * UINT64_C(0x9e3779b97f4a7c15));
}

static struct file *lookup(const struct file_cache *cache, const struct root *root, struct slice path,
                           enum http_coding coding)
{
    struct map_link *link = map_find(&cache->files, file_hash(cache, root, path, coding));
    for (; link; link = map_find_next(link)) {
        struct file *file = CONTAINER_OF(link, struct file, link);
        if (file->root == root && file->coding == coding && slice_equal(file_path(file), path))
            return file;
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
    struct file *file = lookup(cache, root, path, coding);
    if (file == NULL)
        return NULL;
    list_remove(&file->recently_used);
    list_append(&shelf_of(cache, file)->files, &file->recently_used);
    return file_ref(file);
}

void file_cache_drop(struct file_cache *cache, struct file *file)
{
    if (!file->is_cached)
        return;
    struct shelf *shelf = shelf_of(cache, file);
    file->is_cached = false;
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

static void make_room(struct file_cache *cache, struct shelf *shelf)
{
    while (shelf->count > shelf->count_max || shelf->bytes > shelf->bytes_max)
        file_cache_drop(cache, oldest(shelf));
}

void file_cache_set_limits(struct file_cache *cache, const struct limits *limits)
{
    set_bounds(cache, limits);
    make_room(cache, &cache->present);
    make_room(cache, &cache->absent);
    file_watch_set_bound(cache->watch, limits->cache_entries);
}

/* Of what nobody watches, only the end of its root is ever told; changes elsewhere are none of its business,
 * and on a slow file system there would always be one in the meantime. */
static uint64_t changes_under(const struct file_cache *cache, const struct root *root,
                              struct cache_ticket ticket)
{
    return ticket.is_covered ? cache->changes : root->drop_count;
}

struct cache_ticket file_cache_cover(struct file_cache *cache, struct root *root, struct slice path)
{
    /* Folders first: covering may itself notice a change. */
    struct cache_ticket ticket = {.is_covered = file_watch_cover(cache->watch, root, path)};
    ticket.changes = changes_under(cache, root, ticket);
    return ticket;
}

void file_cache_insert(struct file_cache *cache, struct file *file, struct cache_ticket ticket)
{
    if (!ticket.is_covered)
        file->revalidate = true;
    if (file->is_racy || file->root->is_retired || ticket.changes != changes_under(cache, file->root, ticket))
        return;
    /* To look at an absent path again costs as much as to open it, where that is not put off. */
    if (file->revalidate && file->kind != FILE_REGULAR && !file->is_remote)
        return;
    struct file *older = lookup(cache, file->root, file_path(file), (enum http_coding)file->coding);
    if (older)
        file_cache_drop(cache, older);
    uint64_t hash = file_hash(cache, file->root, file_path(file), (enum http_coding)file->coding);
    /* The block for the kept head is counted from the start, so that the account never changes under the
     * file. */
    if (file->kind == FILE_REGULAR && file->block == NULL)
        file_make_room_for_head(file);
    if (map_insert(&cache->files, &file->link, hash) < 0)
        return;
    struct shelf *shelf = shelf_of(cache, file);
    file->is_cached = true;
    list_append(&shelf->files, &file->recently_used);
    shelf->bytes += file_bytes(file);
    shelf->count++;
    file_ref(file);
    make_room(cache, shelf);
}

void file_cache_confirm(struct file_cache *cache, struct file *file, const struct file *again,
                        struct cache_ticket ticket)
{
    bool is_watched = ticket.is_covered && ticket.changes == changes_under(cache, file->root, ticket);
    file->revalidate = again->revalidate || !is_watched;
}

static void drop_path(struct file_cache *cache, struct root *root, struct slice path)
{
    for (unsigned coding = 0; coding < HTTP_CODING_COUNT; coding++) {
        struct file *file = lookup(cache, root, path, (enum http_coding)coding);
        if (file)
            file_cache_drop(cache, file);
    }
}

static void on_path(void *context, struct root *root, struct slice path)
{
    struct file_cache *cache = context;
    cache->changes++;
    drop_path(cache, root, path);
    for (unsigned coding = HTTP_CODING_IDENTITY + 1; coding < HTTP_CODING_COUNT; coding++) {
        struct slice suffix = file_coding_suffix((enum http_coding)coding);
        if (slice_ends_with(path, suffix))
            drop_path(cache, root, slice_take(path, path.length - suffix.length));
    }
}

static void drop_beneath(struct file_cache *cache, struct shelf *shelf, const struct root *root,
                         struct slice folder)
{
    LIST_FOREACH_SAFE(link, &shelf->files) {
        struct file *file = CONTAINER_OF(link, struct file, recently_used);
        if (file->root == root && file_watch_is_beneath(file_path(file), folder))
            file_cache_drop(cache, file);
    }
}

static void on_folder(void *context, struct root *root, struct slice path)
{
    struct file_cache *cache = context;
    cache->changes++;
    drop_beneath(cache, &cache->present, root, path);
    drop_beneath(cache, &cache->absent, root, path);
}

void file_cache_drop_root(struct file_cache *cache, struct root *root)
{
    root->drop_count++;
    on_folder(cache, root, SLICE(""));
    file_watch_forget(cache->watch, root);
}

void file_cache_retire_root(struct file_cache *cache, struct root *root)
{
    root->is_retired = true;
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
    return count > 0;
}

void file_cache_poll(struct file_cache *cache)
{
    file_watch_poll(cache->watch);
}

void file_cache_destroy(struct file_cache *cache)
{
    if (cache == NULL)
        return;
    struct file *file;
    while ((file = oldest(&cache->present)) != NULL || (file = oldest(&cache->absent)) != NULL)
        file_cache_drop(cache, file);
    file_watch_destroy(cache->watch);
    map_finish(&cache->files);
    free(cache);
}
