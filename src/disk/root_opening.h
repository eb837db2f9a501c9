/* Opening the roots that new settings need: the only step of applying settings that may have to wait for a
 * disk.
 *
 * It is prepared on the loop, made there or on the offload pool, and its result is applied on the loop.
 * Roots that are open already are kept. If they are on a local file system, their path is looked at again,
 * so that they are served from where it leads now, and a path that leads nowhere is an error. A network
 * file system that hangs does not prevent new settings from continuing to serve a root that is already
 * open. */
#ifndef DISK_ROOT_OPENING_H
#define DISK_ROOT_OPENING_H

#include "disk/root_table.h"

#include <stdatomic.h>

struct root_opening_item {
    struct root_spec spec; /* its path is borrowed from the settings */
    struct root *root;     /* a reference; NULL: still to be opened */
    bool is_looked_at;
    struct root_look look;  /* while the opening is made, only its maker may use it, and `path` */
    struct root_path *path; /* of a root that is to be opened; NULL: it will be watched later */
};

struct root_opening {
    struct root_table *table;
    atomic_size_t made_count; /* number of items looked at, from the first on */
    size_t count;
    struct root_opening_item items[];
};

/* Collects each root of the settings once; the settings must live as long as the opening. NULL if memory
 * runs out. */
struct root_opening *root_opening_create(struct root_table *table,
                                         const struct settings *settings) MUST_CHECK;

/* Looks at all items, even if one fails. May block; touches only the opening. */
void root_opening_make(struct root_opening *opening);

/* Whether the item's path was looked at, so that `look` is valid. Thread-safe. */
static inline bool root_opening_is_made(const struct root_opening *opening, size_t index)
{
    return index < atomic_load_explicit(&opening->made_count, memory_order_acquire);
}

/* The -errno of an item, or 0; -ETIMEDOUT if a root is to be opened and was not looked at yet. A root that
 * is open already has no error while its look has no result: it continues to be served. */
int root_opening_error(const struct root_opening *opening, size_t index);

/* Call this only if no item has an error. Adds the opened roots to the table, with their paths watched, and
 * calls `on_move` for each root whose path leads elsewhere now; it must forget what is known beneath the root
 * and call root_take. Afterwards the opening holds a reference to each root, until it is destroyed. Returns 0
 * or -ENOMEM. */
int root_opening_join(struct root_opening *opening, uint64_t now_ms,
                      void (*on_move)(void *context, struct root *root, struct root_look *look),
                      void *context) MUST_CHECK;

/* Drops its references, and closes what was not joined. Nobody may be making it. NULL is ignored. */
void root_opening_destroy(struct root_opening *opening);

#endif
