/* What a folder holds, as far as vif would serve it: folders, regular files, and symbolic links that lead to
 * one of these in reach. Asks the file system for every entry's status: may block. */
#ifndef DISK_FOLDER_ENTRIES_H
#define DISK_FOLDER_ENTRIES_H

#include "base/arena.h"
#include "base/slice.h"
#include "disk/reach.h"

#include <stdatomic.h>

/* There may be a million of them: 24 bytes and the name. */
struct folder_entry {
    const char *name_bytes;        /* as the file system has it, which need not be UTF-8; NUL-terminated */
    uint64_t size;                 /* 0 for a folder */
    int64_t modified_seconds : 47; /* a million years either way */
    uint64_t name_length : 16;
    uint64_t is_folder : 1;
};

static inline struct slice folder_entry_name(const struct folder_entry *entry)
{
    return slice_make(entry->name_bytes, entry->name_length);
}

/* Memory that all readings together may hold. */
struct folder_budget {
    atomic_size_t used;
    size_t bytes_max;
};

struct folder_entries {
    struct arena names;
    struct folder_entry *items;
    size_t count;
    size_t capacity;
    bool truncated; /* the folder has, or may have, more */
    struct folder_budget *budget;
    size_t bytes; /* that were taken from it */
};

struct folder_query {
    const struct reach *reach;
    const char *path; /* in reach, NUL-terminated, "." for the root itself */
    bool hidden;      /* names that begin with '.', too */
    size_t count_max; /* not 0 */
    struct folder_budget *budget;
    const atomic_bool *is_abandoned; /* nobody waits for the result any more; NULL: somebody does */
};

/* At most `count_max` entries of the folder, in no order. Names that begin with '.' only if `hidden`;
 * ".well-known" is for everybody (RFC 8615). Entries that vanish meanwhile, or that cannot be looked at, are
 * left out; not so where it is memory or descriptors that lack. Returns 0, to be followed by
 * folder_entries_finish, or -errno: -ENOBUFS where the budget has no room, -ECANCELED once it is abandoned.
 */
int folder_entries_read(const struct folder_query *query, struct folder_entries *ret_entries) MUST_CHECK;

enum folder_order { FOLDER_ORDER_NAME, FOLDER_ORDER_SIZE, FOLDER_ORDER_MODIFIED };

/* Folders before files, always; then by `order`; what is equal there, by name. Descending turns the order of
 * `order` only. Names are in natural order: case of ASCII letters does not count, digits count by value, so
 * that "file2" stands before "File10". */
void folder_entries_sort(struct folder_entries *entries, enum folder_order order, bool descending);

void folder_entries_finish(struct folder_entries *entries);

#endif
