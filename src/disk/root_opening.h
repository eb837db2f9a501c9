/* Opening the roots that new settings need: the one step of taking settings in that may have to wait for a
 * disk.
 *
 * It is prepared on the loop, made there or on the offload pool, and what it found is taken over on the loop.
 * Roots that are open already are kept. On a local file system their path is looked at as well, so that it is
 * served from where it leads now, and a path that leads nowhere is an error; a network that does not answer
 * any more is no reason to refuse new settings for what is served from it already. */
#ifndef DISK_ROOT_OPENING_H
#define DISK_ROOT_OPENING_H

#include "disk/root_table.h"

#include <stdatomic.h>

struct root_opening_item {
    struct root_spec spec; /* its path is the settings' */
    struct root *root;     /* a reference; NULL: it is to be opened */
    bool is_looked_at;
    struct root_look look; /* while the opening is made: of whoever makes it */
};

struct root_opening {
    struct root_table *table;
    atomic_size_t made_count; /* so many of the items, from the first on, were looked at */
    size_t count;
    struct root_opening_item items[];
};

/* Each root of the settings once; these must live as long as the opening. NULL without memory. */
struct root_opening *root_opening_create(struct root_table *table,
                                         const struct settings *settings) MUST_CHECK;

/* Looks for them all, whatever comes of one. May block; touches nothing but the opening. */
void root_opening_make(struct root_opening *opening);

/* The item's path was looked at, so that the look says what came of it. From any thread. */
static inline bool root_opening_is_made(const struct root_opening *opening, size_t index)
{
    return index < atomic_load_explicit(&opening->made_count, memory_order_acquire);
}

/* -errno of what came of an item; -ETIMEDOUT of a root that is to be opened and was not yet. One that is open
 * already is served from as it is as long as nothing is known of it. */
int root_opening_error(const struct root_opening *opening, size_t index);

/* No item has an error: puts what was opened into the table, and moves what leads elsewhere now with on_move,
 * which is to forget what is known beneath the root and to call root_take. The opening has a reference to
 * each root then, until it is destroyed. Returns 0 or -ENOMEM. */
int root_opening_join(struct root_opening *opening,
                      void (*on_move)(void *context, struct root *root, struct root_look *look),
                      void *context) MUST_CHECK;

/* Gives up its references, and closes what was not joined. Nobody is making it. NULL is ignored. */
void root_opening_destroy(struct root_opening *opening);

#endif
