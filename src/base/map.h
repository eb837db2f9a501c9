/* An intrusive hash map: the chain links are members of the objects; the table grows by doubling.
 *
 * The map owns only the table; objects, keys and key comparison are the caller's. It stores each object's
 * hash, so that growing and most comparisons touch no key. Not thread-safe. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/compiler.h"

#include <stdint.h>

struct map_link {
    struct map_link *next;
    uint64_t hash;
};

struct map {
    struct map_link **buckets;
    size_t bucket_count; /* a power of two, or 0 before the first insertion */
    size_t count;
};

/* Initialises an empty map; no memory is allocated yet. */
void map_init(struct map *map);

/* Frees the table; the objects are not touched. */
void map_finish(struct map *map);

/* Adds an object under `hash`. Does not check for equal keys. Returns 0, or -ENOMEM if the first table
 * cannot be allocated. (If a later table cannot grow, the map only becomes slower.) */
int map_insert(struct map *map, struct map_link *link, uint64_t hash) MUST_CHECK;

/* Removes an object, which must be in the map. */
void map_remove(struct map *map, struct map_link *link);

/* map_find returns the first object with this hash, map_find_next the next one after `link`; NULL if there
 * is none. The caller must compare the keys. */
static inline struct map_link *map_match(struct map_link *link, uint64_t hash)
{
    while (link && link->hash != hash)
        link = link->next;
    return link;
}
static inline struct map_link *map_find(const struct map *map, uint64_t hash)
{
    return map->bucket_count ? map_match(map->buckets[hash & (map->bucket_count - 1)], hash) : NULL;
}
static inline struct map_link *map_find_next(const struct map_link *link)
{
    return map_match(link->next, link->hash);
}

/* Iterates over all objects: pass NULL to start; returns NULL at the end. The map must not change
 * meanwhile. */
struct map_link *map_next(const struct map *map, const struct map_link *link);

/* Asserts that every object is in the bucket of its hash and that the count is right. For tests. */
void map_validate(const struct map *map);

#endif
