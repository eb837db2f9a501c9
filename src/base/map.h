/* An intrusive hash map: chains of links that stand inside the objects, in a table that grows by doubling.
 *
 * The map owns the table only; objects, keys and their comparison are the caller's. It stores each object's
 * hash so that growing and most comparisons touch no key. Not for threads. */
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

/* Empty, without memory. */
void map_init(struct map *map);

/* Gives the table back; the objects are untouched. */
void map_finish(struct map *map);

/* Adds an object under `hash`. Equal keys are not looked for. Returns 0, or -ENOMEM where not even the first
 * table could be had (a table that cannot grow only gets slower). */
int map_insert(struct map *map, struct map_link *link, uint64_t hash) MUST_CHECK;

/* Takes an object out; it must be in. */
void map_remove(struct map *map, struct map_link *link);

/* The first object with this hash, or NULL; then the next one behind `link`. Compare the keys. */
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

/* Visits every object; NULL starts, NULL ends. The map must not change meanwhile. */
struct map_link *map_next(const struct map *map, const struct map_link *link);

/* Checks that every object is where its hash says, and the count; an assert fails where not. For tests. */
void map_validate(const struct map *map);

#endif
