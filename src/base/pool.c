/* Pools: a free list threaded through the unused objects of malloc'ed slabs. The first word of a free object
 * is the link; under ASan the object is poisoned while it is free, and the link is read with the poison
 * lifted. */
#include "base/pool.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>

#define POOL_SLAB_BYTES 65536

struct pool_slab {
    struct pool_slab *next;
    size_t free_count; /* used while the pool is trimmed */
    alignas(max_align_t) char data[];
};

void pool_init(struct pool *pool, size_t object_size, size_t count_max)
{
    assert(object_size > 0);
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
    assert(pool->slab_used <= pool->slab_objects);
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

void *pool_get_new(struct pool *pool)
{
    if (pool->count >= pool->count_max)
        return NULL;
    void *object = take_from_slab(pool);
    if (object == NULL)
        return NULL;
    UNPOISON(object, pool->object_size);
    pool->count++;
    return object;
}

/* The slabs, sorted by address. */
struct slab_index {
    struct pool_slab **slabs;
    size_t count;
};

static int compare_slabs(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t) * (struct pool_slab *const *)left,
              b = (uintptr_t) * (struct pool_slab *const *)right;
    return a < b ? -1 : a > b;
}

static bool make_index(const struct pool *pool, struct slab_index *index)
{
    *index = (struct slab_index){0};
    for (const struct pool_slab *slab = pool->slabs; slab; slab = slab->next)
        index->count++;
    index->slabs = malloc(index->count * sizeof(struct pool_slab *));
    if (index->slabs == NULL)
        return false;
    size_t i = 0;
    for (struct pool_slab *slab = pool->slabs; slab; slab = slab->next)
        index->slabs[i++] = slab;
    qsort(index->slabs, index->count, sizeof(struct pool_slab *), compare_slabs);
    return true;
}

/* The slab that contains the object: the last one that does not begin after it. */
static struct pool_slab *slab_of(const struct slab_index *index, const void *object)
{
    assert(index->count > 0);
    size_t low = 0, high = index->count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if ((uintptr_t)index->slabs[middle] <= (uintptr_t)object)
            low = middle;
        else
            high = middle;
    }
    return index->slabs[low];
}

static void *next_free(const struct pool *pool, void *object)
{
    UNPOISON(object, pool->object_size);
    void *next = *(void **)object;
    POISON(object, pool->object_size);
    return next;
}

static void count_free(struct pool *pool, const struct slab_index *index)
{
    for (size_t i = 0; i < index->count; i++)
        index->slabs[i]->free_count = 0;
    pool->slabs->free_count = pool->slab_objects - pool->slab_used;
    for (void *object = pool->free; object; object = next_free(pool, object))
        slab_of(index, object)->free_count++;
}

/* Removes from the free list the objects of slabs that will be freed. */
static void filter_free(struct pool *pool, const struct slab_index *index)
{
    void *kept = NULL;
    for (void *object = pool->free, *next; object; object = next) {
        next = next_free(pool, object);
        if (slab_of(index, object)->free_count == pool->slab_objects)
            continue;
        UNPOISON(object, pool->object_size);
        *(void **)object = kept;
        POISON(object, pool->object_size);
        kept = object;
    }
    pool->free = kept;
}

static void free_slabs(struct pool *pool)
{
    for (struct pool_slab **link = &pool->slabs; *link;) {
        struct pool_slab *slab = *link;
        if (slab->free_count < pool->slab_objects) {
            link = &slab->next;
            continue;
        }
        if (link == &pool->slabs)
            pool->slab_used = pool->slab_objects; /* the older slabs are all used up */
        *link = slab->next;
        UNPOISON(slab->data, pool->slab_objects * pool->object_size);
        free(slab);
    }
}

void pool_trim(struct pool *pool)
{
    struct slab_index index;
    if (pool->slabs == NULL || !make_index(pool, &index))
        return;
    count_free(pool, &index);
    filter_free(pool, &index);
    free_slabs(pool);
    free(index.slabs);
}

static bool is_object(const struct pool *pool, const struct pool_slab *slab, const void *object)
{
    size_t used = slab == pool->slabs ? pool->slab_used : pool->slab_objects;
    uintptr_t offset = (uintptr_t)object - (uintptr_t)slab->data;
    return offset < used * pool->object_size && offset % pool->object_size == 0;
}

void pool_validate(const struct pool *pool)
{
    struct slab_index index;
    size_t free_count = 0;
    assert(pool->count <= pool->count_max && pool->slab_used <= pool->slab_objects);
    if (pool->slabs == NULL) {
        assert(pool->count == 0 && pool->free == NULL);
        return;
    }
    if (!make_index(pool, &index))
        return;
    size_t made = (index.count - 1) * pool->slab_objects + pool->slab_used;
    for (void *object = pool->free; object; object = next_free(pool, object)) {
        assert(is_object(pool, slab_of(&index, object), object));
        assert(free_count < made); /* otherwise an object was returned twice */
        free_count++;
    }
    assert(pool->count + free_count == made);
    free(index.slabs);
}
