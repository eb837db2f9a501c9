/* Pools: a free list threaded through the unused objects of malloc'ed slabs. The first word of a free object
 * is the link; under ASan the object is poisoned while it is free, and the link is read with the poison
 * lifted. */
#include "base/pool.h"

#include <stdalign.h>
#include <stdlib.h>

#define POOL_SLAB_BYTES 65536

struct pool_slab {
    struct pool_slab *next;
    alignas(max_align_t) char data[];
};

void pool_init(struct pool *pool, size_t object_size, size_t count_max)
{
    size_t size = MAX(object_size, sizeof(void *));
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    *pool = (struct pool){
        .object_size = size,
        .slab_objects = MAX(POOL_SLAB_BYTES / size, (size_t)1),
        .count_max = count_max,
    };
}

void pool_finish(struct pool *pool)
{
    struct pool_slab *slab = pool->slabs;
    while (slab) {
        struct pool_slab *next = slab->next;
        UNPOISON(slab->data, pool->slab_objects * pool->object_size);
        free(slab);
        slab = next;
    }
    *pool = (struct pool){0};
}

static void *take_from_slab(struct pool *pool)
{
    if (pool->slabs == NULL || pool->slab_used == pool->slab_objects) {
        struct pool_slab *slab = malloc(sizeof(*slab) + pool->slab_objects * pool->object_size);
        if (slab == NULL)
            return NULL;
        POISON(slab->data, pool->slab_objects * pool->object_size);
        slab->next = pool->slabs;
        pool->slabs = slab;
        pool->slab_used = 0;
    }
    return pool->slabs->data + pool->object_size * pool->slab_used++;
}

void *pool_get(struct pool *pool)
{
    if (pool->count >= pool->count_max)
        return NULL;
    void *object = pool->free;
    if (LIKELY(object != NULL)) {
        UNPOISON(object, pool->object_size);
        pool->free = *(void **)object;
    } else {
        object = take_from_slab(pool);
        if (object == NULL)
            return NULL;
        UNPOISON(object, pool->object_size);
    }
    pool->count++;
    return object;
}

void pool_put(struct pool *pool, void *object)
{
    if (object == NULL)
        return;
    assert(pool->count > 0);
    *(void **)object = pool->free;
    pool->free = object;
    pool->count--;
    POISON(object, pool->object_size);
}
