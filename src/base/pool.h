/* A pool: objects of one size, allocated from slabs and freed in any order.
 *
 * Allocating and freeing take a few instructions; the object freed last, which is still in the CPU cache,
 * is reused first. The memory of slabs is freed by pool_trim and pool_finish only; `count_max` bounds it.
 * Not thread-safe. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/compiler.h"

#include <stdint.h>

struct pool_slab;

struct pool {
    void *free;              /* freed objects, most recent first */
    struct pool_slab *slabs; /* newest first */
    size_t object_size;      /* rounded up to the alignment */
    size_t slab_objects;     /* how many objects a slab holds */
    size_t slab_used;        /* of the newest slab */
    size_t count;            /* objects in use */
    size_t count_max;
};

/* Objects of `object_size` bytes, aligned for any type; at most `count_max` in use at once. */
void pool_init(struct pool *pool, size_t object_size, size_t count_max);

/* Frees every slab. Objects still in use become invalid. */
void pool_finish(struct pool *pool);

/* The slow path of pool_get: takes an object from a slab. */
void *pool_get_new(struct pool *pool) MUST_CHECK;

/* Returns an object, not cleared; NULL if `count_max` objects are in use or memory runs out. */
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

/* Returns an object to the pool; NULL is ignored. */
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

/* Frees slabs without objects in use. Takes time for each free object: call it after a peak of load. */
void pool_trim(struct pool *pool);

/* Asserts that each free object belongs to a slab, and that the counts are right. Slow: for tests. */
void pool_validate(const struct pool *pool);

#endif
