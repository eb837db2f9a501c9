/* What a folder holds, as far as vif would serve it: folders, regular files, and symbolic links that lead to
 * one of these in reach. Asks the file system for every entry's status: may block. */
#ifndef DISK_FOLDER_ENTRIES_H
#define DISK_FOLDER_ENTRIES_H

#include "base/arena.h"
#include "base/slice.h"
#include "disk/reach.h"

struct folder_entry {
    struct slice name; /* as the file system has it, which need not be UTF-8; NUL-terminated */
    uint64_t size;     /* 0 for a folder */
    int64_t modified_seconds;
    bool is_folder;
};

struct folder_entries {
    struct arena arena; /* owns what follows */
    struct folder_entry *items;
    size_t count;
    bool truncated; /* the folder has, or may have, more */
};

/* At most `count_max` (not 0) entries of the folder at `path` (NUL-terminated, "." for the root) in
 * `reach`, in no order. Names that begin with '.' only if `hidden`; ".well-known" is for everybody (RFC
 * 8615). Entries that vanish meanwhile, or that cannot be looked at, are left out; not so where it is memory
 * or descriptors that lack. Returns 0, to be followed by folder_entries_finish, or -errno. */
int folder_entries_read(const struct reach *reach, const char *path, bool hidden, size_t count_max,
                        struct folder_entries *ret_entries) MUST_CHECK;

enum folder_order { FOLDER_ORDER_NAME, FOLDER_ORDER_SIZE, FOLDER_ORDER_MODIFIED };

/* Folders before files, always; then by `order`; what is equal there, by name. Descending turns the order of
 * `order` only. Names are in natural order: case of ASCII letters does not count, digits count by value, so
 * that "file2" stands before "File10". */
void folder_entries_sort(struct folder_entries *entries, enum folder_order order, bool descending);

void folder_entries_finish(struct folder_entries *entries);

#endif
