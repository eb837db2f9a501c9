/* A pool: objects of one size, taken and given back in any order, from slabs.
 *
 * Giving back and taking again is a few instructions and returns the object that is warm in the cache. A
 * slab's memory goes back when the pool is trimmed or finished: the peak is bounded by `count_max`. Not for
 * threads. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/compiler.h"

#include <stdint.h>

struct pool_slab;

struct pool {
    void *free;              /* objects given back, most recent first */
    struct pool_slab *slabs; /* newest first */
    size_t object_size;      /* rounded up to the alignment */
    size_t slab_objects;     /* how many objects a slab holds */
    size_t slab_used;        /* of the newest slab */
    size_t count;            /* objects in use */
    size_t count_max;
};

/* Objects of `object_size` bytes, aligned for any type; at most `count_max` in use at once. */
void pool_init(struct pool *pool, size_t object_size, size_t count_max);

/* Gives every slab back. Objects still in use become invalid. */
void pool_finish(struct pool *pool);

/* The same as pool_get, where no object was given back. */
void *pool_get_new(struct pool *pool) MUST_CHECK;

/* An object, not cleared; NULL where the bound or memory says no. */
MUST_CHECK static inline void *pool_get(struct pool *pool)
{
    void *object = pool->free;
    if (UNLIKELY(object == NULL || pool->count >= pool->count_max))
        return pool_get_new(pool);
    UNPOISON(object, pool->object_size);
    pool->free = *(void **)object;
    pool->count++;
    return object;
}

/* Gives back what pool_get gave; NULL is ignored. */
static inline void pool_put(struct pool *pool, void *object)
{
    if (object == NULL)
        return;
    assert(pool->count > 0);
    *(void **)object = pool->free;
    pool->free = object;
    pool->count--;
    POISON(object, pool->object_size);
}

/* Frees slabs of which no object is in use: for after a crowd has gone, as it takes time for each free
 * object.
 */
void pool_trim(struct pool *pool);

/* Checks that each free object is one of a slab, and the counts; an assert fails where not. Takes long: for
 * tests. */
void pool_validate(const struct pool *pool);

#endif
