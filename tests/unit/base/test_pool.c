/* Pools: objects that do not overlap, over several slabs, with a bound. */
#include "../test.h"

#include "base/pool.h"

#include <malloc.h>

#include <stdalign.h>
#include <string.h>

#define COUNT 3000

static void objects_do_not_overlap(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 8, 17, 100, 4000, 100000};
    static char *objects[COUNT];
    TABLE_ROWS(k, sizes, "") {
        struct pool pool;
        size_t size = sizes[k];
        size_t count = size > 10000 ? 10 : COUNT;
        pool_init(&pool, size, count);
        for (size_t i = 0; i < count; i++) {
            objects[i] = pool_get(&pool);
            assert_non_null(objects[i]);
            assert_int_equal((uintptr_t)objects[i] % alignof(max_align_t), 0);
            memset(objects[i], (int)i, size);
        }
        assert_null(pool_get(&pool));
        for (size_t i = 0; i < count; i++) {
            for (size_t at = 0; at < size; at++)
                assert_int_equal((unsigned char)objects[i][at], i & 0xff);
        }
        pool_finish(&pool);
        pool_finish(&pool);
    }
}

static void the_warmest_comes_back_first(void **state)
{
    (void)state;
    struct pool pool;
    pool_init(&pool, 40, 3);
    void *first = pool_get(&pool), *second = pool_get(&pool), *third = pool_get(&pool);
    assert_null(pool_get(&pool));
    pool_put(&pool, NULL);
    pool_put(&pool, first);
    pool_put(&pool, second);
    assert_int_equal(pool.count, 1);
    assert_ptr_equal(pool_get(&pool), second);
    assert_ptr_equal(pool_get(&pool), first);
    assert_null(pool_get(&pool));
    pool_put(&pool, third);
    pool_finish(&pool);
}

/* Taken and given back in a random order from a seed; each object holds its own address meanwhile. */
static void survives_a_long_random_life(void **state)
{
    (void)state;
    struct pool pool;
    static void **held[COUNT];
    pool_init(&pool, 24, COUNT / 2);
    uint32_t random = 7;
    size_t taken = 0;
    for (unsigned step = 0; step < 200000; step++) {
        random = random * 1664525u + 1013904223u;
        size_t at = (random >> 8) % COUNT;
        if (held[at]) {
            assert_ptr_equal(*held[at], held[at]);
            pool_put(&pool, held[at]);
            held[at] = NULL;
            taken--;
        } else {
            held[at] = pool_get(&pool);
            assert_int_equal(held[at] != NULL, taken < COUNT / 2);
            if (held[at]) {
                *held[at] = held[at];
                taken++;
            }
        }
        assert_int_equal(pool.count, taken);
        if (step < 2000 || step % 1000 == 0)
            pool_validate(&pool);
    }
    pool_finish(&pool);
}

/* Whatever is in use stays where it is; the rest of a crowd's memory goes. */
static void gives_back_what_a_crowd_has_left(void **state)
{
    (void)state;
    enum { CROWD = 20000, STRIDE = 3001 };
    struct pool pool;
    static void **held[CROWD];
    pool_init(&pool, 200, CROWD);
    pool_trim(&pool); /* there is nothing yet */
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < CROWD; i++) {
            held[i] = held[i] ? held[i] : pool_get(&pool);
            assert_non_null(held[i]);
            *held[i] = held[i];
        }
        size_t before = mallinfo2().uordblks;
        for (size_t i = 0; i < CROWD; i++) {
            if (i % STRIDE == 0)
                continue;
            pool_put(&pool, held[i]);
            held[i] = NULL;
        }
        pool_trim(&pool);
        pool_validate(&pool);
        size_t slabs = 0;
        for (size_t i = 0; i < CROWD; i += STRIDE, slabs++)
            assert_ptr_equal(*held[i], held[i]);
        assert_int_equal(pool.count, slabs);
        assert_true(before - mallinfo2().uordblks >= (size_t)200 * CROWD - (slabs + 1) * 65600 ||
                    mallinfo2().uordblks == 0); /* a sanitizer's malloc does not tell */
    }
    pool_finish(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_do_not_overlap),
        cmocka_unit_test(the_warmest_comes_back_first),
        cmocka_unit_test(survives_a_long_random_life),
        cmocka_unit_test(gives_back_what_a_crowd_has_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
