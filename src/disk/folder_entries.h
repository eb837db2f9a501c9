/* The entries of a folder that vif would serve: folders, regular files, and symbolic links to either of
 * them within reach. Gets the status of every entry: may block. */
#ifndef DISK_FOLDER_ENTRIES_H
#define DISK_FOLDER_ENTRIES_H

#include "base/arena.h"
#include "base/slice.h"
#include "disk/reach.h"

#include <stdatomic.h>

/* There may be a million of these: 24 bytes each, and the name. */
struct folder_entry {
    const char *name_bytes;        /* raw bytes, not necessarily UTF-8; NUL-terminated */
    uint64_t size;                 /* 0 for a folder */
    int64_t modified_seconds : 47; /* a million years in either direction */
    uint64_t name_length : 16;
    uint64_t is_folder : 1;
};

static inline struct slice folder_entry_name(const struct folder_entry *entry)
{
    return slice_make(entry->name_bytes, entry->name_length);
}

/* Limits the memory of all readings together. */
struct folder_budget {
    atomic_size_t used;
    size_t bytes_max;
};

struct folder_entries {
    struct arena names;
    struct folder_entry *items;
    size_t count;
    size_t capacity;
    bool truncated; /* the folder has, or may have, more entries */
    struct folder_budget *budget;
    size_t bytes; /* taken from the budget */
};

struct folder_query {
    const struct reach *reach;
    const char *path; /* within reach, NUL-terminated, "." for the root itself */
    bool hidden;      /* include names that begin with '.' */
    size_t count_max; /* not 0 */
    struct folder_budget *budget;
    const atomic_bool *is_abandoned; /* nobody waits for the result any more; may be NULL */
};

/* Reads at most `count_max` entries of the folder, in no particular order. Names that begin with '.' are
 * included only with `hidden`; ".well-known" always is (RFC 8615). Entries that vanish meanwhile or cannot
 * be looked at are left out; a lack of memory or descriptors is an error instead. Returns 0, to be
 * followed by folder_entries_finish, or -errno: -ENOBUFS if the budget is exhausted, -ECANCELED once it is
 * abandoned. */
int folder_entries_read(const struct folder_query *query, struct folder_entries *ret_entries) MUST_CHECK;

enum folder_order { FOLDER_ORDER_NAME, FOLDER_ORDER_SIZE, FOLDER_ORDER_MODIFIED };

/* Sorts: folders always before files; then by `order`, ties by name. `descending` reverses `order` only.
 * Names are in natural order: the case of ASCII letters is ignored and digits compare by value, so that
 * "file2" comes before "File10". */
void folder_entries_sort(struct folder_entries *entries, enum folder_order order, bool descending);

void folder_entries_finish(struct folder_entries *entries);

#endif
