/* The table of the intrusive map. Doubles at one object per bucket, so chains stay short; never shrinks. */
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>

#define MAP_BUCKETS_FIRST 16

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_finish(struct map *map)
{
    free(map->buckets);
    map_init(map);
}

static struct map_link **map_bucket_of(const struct map *map, uint64_t hash)
{
    return &map->buckets[hash & (map->bucket_count - 1)];
}

static int map_grow(struct map *map)
{
    struct map larger = {.bucket_count = map->bucket_count ? map->bucket_count * 2 : MAP_BUCKETS_FIRST};
    larger.buckets = calloc(larger.bucket_count, sizeof(struct map_link *));
    if (larger.buckets == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < map->bucket_count; i++) {
        struct map_link *link = map->buckets[i];
        while (link) {
            struct map_link *next = link->next;
            struct map_link **bucket = map_bucket_of(&larger, link->hash);
            link->next = *bucket;
            *bucket = link;
            link = next;
        }
    }
    larger.count = map->count;
    free(map->buckets);
    *map = larger;
    return 0;
}

int map_insert(struct map *map, struct map_link *link, uint64_t hash)
{
    if (map->count >= map->bucket_count && map_grow(map) < 0 && map->bucket_count == 0)
        return -ENOMEM;
    struct map_link **bucket = map_bucket_of(map, hash);
    link->hash = hash;
    link->next = *bucket;
    *bucket = link;
    map->count++;
    return 0;
}

void map_remove(struct map *map, struct map_link *link)
{
    struct map_link **place = map_bucket_of(map, link->hash);
    while (*place != link) {
        assert(*place != NULL);
        place = &(*place)->next;
    }
    *place = link->next;
    link->next = NULL;
    map->count--;
}

struct map_link *map_next(const struct map *map, const struct map_link *link)
{
    if (link && link->next)
        return link->next;
    size_t bucket = link ? (link->hash & (map->bucket_count - 1)) + 1 : 0;
    while (bucket < map->bucket_count && map->buckets[bucket] == NULL)
        bucket++;
    return bucket < map->bucket_count ? map->buckets[bucket] : NULL;
}

void map_validate(const struct map *map)
{
    size_t count = 0;
    assert((map->bucket_count & (map->bucket_count - 1)) == 0);
    assert((map->buckets == NULL) == (map->bucket_count == 0));
    for (size_t i = 0; i < map->bucket_count; i++) {
        for (const struct map_link *link = map->buckets[i]; link; link = link->next) {
            assert((link->hash & (map->bucket_count - 1)) == i);
            assert(count < map->count); /* otherwise a chain is circular */
            count++;
        }
    }
    assert(count == map->count);
}
