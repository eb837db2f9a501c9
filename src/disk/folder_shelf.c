/* A list, which is no longer than the number of listings in progress. A new reading is compared with the
 * newest one of the same folder and order; the full comparison is done outside the lock. */
#include "disk/folder_shelf.h"

#include <stdlib.h>
#include <string.h>

void folder_shelf_init(struct folder_shelf *shelf)
{
    pthread_mutex_init(&shelf->lock, NULL);
    list_init(&shelf->folders);
}

void folder_shelf_finish(struct folder_shelf *shelf)
{
    assert(list_is_empty(&shelf->folders));
    pthread_mutex_destroy(&shelf->lock);
}

static bool is_same_entry(const struct folder_entry *a, const struct folder_entry *b)
{
    return a->size == b->size && a->modified_seconds == b->modified_seconds && a->is_folder == b->is_folder &&
           slice_equal(folder_entry_name(a), folder_entry_name(b));
}

static bool folder_shelf_is_same(const struct folder_entries *a, const struct folder_entries *b)
{
    if (a->count != b->count || a->truncated != b->truncated)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!is_same_entry(&a->items[i], &b->items[i]))
            return false;
    }
    return true;
}

/* A cheap test before the full comparison: listings in a different order usually differ in the first
 * entry. */
static bool may_be_same(const struct shared_folder *folder, const struct folder_query *query,
                        const struct folder_entries *entries)
{
    return folder->root_fd == query->reach->root_fd && strcmp(folder->path, query->path) == 0 &&
           folder->entries.count == entries->count &&
           (entries->count == 0 || is_same_entry(&folder->entries.items[0], &entries->items[0]));
}

static struct shared_folder *folder_shelf_find(struct folder_shelf *shelf, const struct folder_query *query,
                                               const struct folder_entries *entries)
{
    struct shared_folder *found = NULL;
    pthread_mutex_lock(&shelf->lock);
    LIST_FOREACH(link, &shelf->folders) {
        struct shared_folder *folder = CONTAINER_OF(link, struct shared_folder, link);
        if (may_be_same(folder, query, entries))
            found = folder;
    }
    assert(found == NULL || found->references > 0);
    if (found)
        found->references++;
    pthread_mutex_unlock(&shelf->lock);
    return found;
}

static struct shared_folder *folder_shelf_put(struct folder_shelf *shelf, const struct folder_query *query,
                                              struct folder_entries *entries)
{
    size_t length = strlen(query->path);
    struct shared_folder *folder = malloc(sizeof(*folder) + length + 1);
    if (folder == NULL) {
        folder_entries_finish(entries);
        return NULL;
    }
    *folder = (struct shared_folder){.references = 1, .entries = *entries, .root_fd = query->reach->root_fd};
    memcpy(folder->path, query->path, length + 1);
    *entries = (struct folder_entries){0};
    list_init(&folder->link);
    pthread_mutex_lock(&shelf->lock);
    list_append(&shelf->folders, &folder->link);
    pthread_mutex_unlock(&shelf->lock);
    return folder;
}

struct shared_folder *folder_shelf_share(struct folder_shelf *shelf, const struct folder_query *query,
                                         struct folder_entries *entries)
{
    struct shared_folder *folder = folder_shelf_find(shelf, query, entries);
    if (folder == NULL)
        return folder_shelf_put(shelf, query, entries);
    if (folder_shelf_is_same(&folder->entries, entries)) {
        folder_entries_finish(entries);
        return folder;
    }
    folder_shelf_release(shelf, folder);
    return folder_shelf_put(shelf, query, entries);
}

void folder_shelf_release(struct folder_shelf *shelf, struct shared_folder *folder)
{
    if (folder == NULL)
        return;
    pthread_mutex_lock(&shelf->lock);
    assert(folder->references > 0);
    bool is_last = --folder->references == 0;
    if (is_last)
        list_remove(&folder->link);
    pthread_mutex_unlock(&shelf->lock);
    if (!is_last)
        return;
    folder_entries_finish(&folder->entries);
    free(folder);
}

/* ---- consistency checks ---- */

static const char *validate_shared(const struct shared_folder *folder)
{
    const struct folder_entries *entries = &folder->entries;
    if (folder->references == 0)
        return "a folder is on the shelf that nobody holds";
    if (entries->count > entries->capacity || (entries->count > 0 && entries->items == NULL))
        return "a folder on the shelf has more entries than room for them";
    for (size_t i = 1; i < entries->count; i++) {
        if (entries->items[i].is_folder && !entries->items[i - 1].is_folder)
            return "a folder on the shelf is not sorted";
    }
    return NULL;
}

const char *folder_shelf_validate(struct folder_shelf *shelf)
{
    const char *fault = NULL;
    size_t bytes = 0;
    const struct folder_budget *budget = NULL;
    pthread_mutex_lock(&shelf->lock);
    LIST_FOREACH(link, &shelf->folders) {
        const struct shared_folder *folder = CONTAINER_OF(link, struct shared_folder, link);
        fault = fault ? fault : validate_shared(folder);
        bytes += folder->entries.bytes;
        budget = folder->entries.budget;
    }
    pthread_mutex_unlock(&shelf->lock);
    if (fault == NULL && budget && bytes > budget->used)
        fault = "the folders on the shelf have more memory than was taken from the budget";
    return fault;
}
