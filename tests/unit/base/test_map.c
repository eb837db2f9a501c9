/* The intrusive hash map against a plain table as oracle, with hashes that collide. */
#include "../test.h"

#include "base/map.h"

#define KEYS 2000

struct item {
    struct map_link link;
    unsigned key;
    bool is_in;
    unsigned seen;
};

static struct item items[KEYS];

/* Few different values, so that chains hold many keys of one hash. */
static uint64_t weak_hash(unsigned key)
{
    return key % 300 * UINT64_C(0x9e3779b97f4a7c15);
}

static struct item *find(const struct map *map, unsigned key)
{
    for (struct map_link *link = map_find(map, weak_hash(key)); link; link = map_find_next(link)) {
        assert_int_equal(link->hash, weak_hash(key));
        struct item *item = CONTAINER_OF(link, struct item, link);
        if (item->key == key)
            return item;
    }
    return NULL;
}

static void check(const struct map *map, size_t expected_count)
{
    assert_int_equal(map->count, expected_count);
    for (unsigned key = 0; key < KEYS; key++)
        items[key].seen = 0;
    for (struct map_link *link = map_next(map, NULL); link; link = map_next(map, link))
        CONTAINER_OF(link, struct item, link)->seen++;
    for (unsigned key = 0; key < KEYS; key++) {
        assert_int_equal(items[key].seen, items[key].is_in);
        assert_ptr_equal(find(map, key), items[key].is_in ? &items[key] : NULL);
    }
}

static void agrees_with_the_oracle(void **state)
{
    (void)state;
    struct map map;
    map_init(&map);
    check(&map, 0);
    uint32_t random = 99;
    size_t count = 0;
    for (unsigned step = 0; step < 20000; step++) {
        random = random * 1664525u + 1013904223u;
        struct item *item = &items[(random >> 8) % KEYS];
        item->key = (unsigned)(item - items);
        if (item->is_in) {
            map_remove(&map, &item->link);
            count--;
        } else {
            assert_int_equal(map_insert(&map, &item->link, weak_hash(item->key)), 0);
            count++;
        }
        item->is_in = !item->is_in;
        if (step < 2000 || step % 50 == 0)
            map_validate(&map);
        if (step % 500 == 0)
            check(&map, count);
    }
    check(&map, count);
    assert_int_equal(map.bucket_count & (map.bucket_count - 1), 0);
    map_finish(&map);
    map_finish(&map);
    map_validate(&map);
    assert_null(map_find(&map, 1));
    assert_null(map_next(&map, NULL));
}

static void equal_keys_stand_beside_each_other(void **state)
{
    (void)state;
    struct map map;
    struct map_link links[3];
    map_init(&map);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(map_insert(&map, &links[i], 5), 0);
    unsigned count = 0;
    for (struct map_link *link = map_find(&map, 5); link; link = map_find_next(link))
        count++;
    assert_int_equal(count, 3);
    map_remove(&map, &links[1]);
    map_remove(&map, &links[0]);
    assert_ptr_equal(map_find(&map, 5), &links[2]);
    assert_null(map_find_next(&links[2]));
    map_finish(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_oracle),
        cmocka_unit_test(equal_keys_stand_beside_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
