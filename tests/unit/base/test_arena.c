/* Arenas: alignment, pointers that stay, and the bound. */
#include "../test.h"

#include "base/arena.h"

#include <stdalign.h>

static void everything_is_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    char *pieces[500];
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        pieces[i] = arena_alloc(&arena, i);
        assert_non_null(pieces[i]); /* of no bytes too: NULL is a failure */
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], (int)i, i);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        for (size_t k = 0; k < i; k++)
            assert_int_equal((unsigned char)pieces[i][k], i & 0xff);
    }
    arena_finish(&arena);
}

static void the_bound_is_exact(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 10000);
    assert_null(arena_alloc(&arena, 10001));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 15));
    assert_int_equal(arena.bytes, 0);
    assert_non_null(arena_alloc(&arena, 10000));
    assert_null(arena_alloc(&arena, 1));
    arena_finish(&arena);
    assert_non_null(arena_alloc(&arena, 10000)); /* as good as new */
    arena_finish(&arena);

    size_t count = 0;
    while (arena_alloc(&arena, 16) != NULL)
        count++;
    assert_int_equal(count, 10000 / 16);
    assert_true(arena.bytes <= 10000);
    arena_finish(&arena);
    arena_finish(&arena);
}

/* What is given back is there for the next piece, and what is kept stays. */
static void the_latest_piece_shrinks(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t kept = 0; kept < 100; kept++) {
        char *before = arena_alloc(&arena, 8), *room = arena_alloc(&arena, 500);
        assert_non_null(before);
        assert_non_null(room);
        memset(room, 'r', 500);
        arena_shrink(&arena, room, kept);
        char *next = arena_alloc(&arena, 8);
        assert_non_null(next);
        assert_true(next >= room + MAX(kept, (size_t)1) && next < room + kept + 2 * alignof(max_align_t));
        memset(next, 'n', 8);
        for (size_t i = 0; i < kept; i++)
            assert_int_equal(room[i], 'r');
        arena_shrink(&arena, next, 8); /* that is all of it */
        arena_finish(&arena);
    }
}

static void a_large_piece_stands_alone(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    char *small = arena_alloc(&arena, 16);
    char *large = arena_alloc(&arena, 100000);
    assert_non_null(small);
    assert_non_null(large);
    memset(large, 'x', 100000);
    char *more = arena_zalloc(&arena, 3000);
    assert_non_null(more);
    for (size_t i = 0; i < 3000; i++)
        assert_int_equal(more[i], 0);
    arena_finish(&arena);
}

static void copies_end_in_a_nul(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64);
    struct slice empty = arena_copy(&arena, (struct slice){0});
    assert_non_null(empty.data);
    assert_int_equal(empty.length, 0);
    struct slice copy = arena_copy(&arena, SLICE("a\0b"));
    assert_int_equal(copy.length, 3);
    assert_memory_equal(copy.data, "a\0b", 4);
    assert_string_equal(arena_string(&arena, SLICE("hello")), "hello");
    copy = arena_copy(&arena, SLICE("far more than there is any room for in an arena as small as this"));
    assert_null(copy.data);
    assert_int_equal(copy.length, 0);
    arena_finish(&arena);
}

static void a_zeroed_one_may_be_finished(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_null(arena_alloc(&arena, 1));
    arena_finish(&arena);
}

/* Chunks go from one arena to the next, whatever the order; large ones do not, and no more than a few. */
static void arenas_may_share_a_shelf(void **state)
{
    (void)state;
    static struct arena arenas[ARENA_SHELF_MAX + 10];
    struct arena_shelf shelf = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(arenas); i++) {
        arena_init(&arenas[i], 1 << 20);
        arenas[i].shelf = &shelf;
        assert_non_null(arena_alloc(&arenas[i], 100));
    }
    assert_non_null(arena_alloc(&arenas[4], 5000));
    for (size_t i = ARRAY_LENGTH(arenas); i-- > 0;)
        arena_finish(&arenas[i]);
    assert_int_equal(shelf.count, ARENA_SHELF_MAX);
    arena_shelf_finish(&shelf);
    assert_int_equal(shelf.count, 0);

    assert_non_null(arena_alloc(&arenas[0], 100));
    const char *piece = arena_alloc(&arenas[0], 10);
    arena_finish(&arenas[0]);
    assert_int_equal(shelf.count, 1);
    assert_non_null(arena_alloc(&arenas[1], 100));
    assert_ptr_equal(arena_alloc(&arenas[1], 10), piece);
    arena_finish(&arenas[1]);
    arena_shelf_finish(&shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_aligned_and_apart),
        cmocka_unit_test(the_bound_is_exact),
        cmocka_unit_test(the_latest_piece_shrinks),
        cmocka_unit_test(a_large_piece_stands_alone),
        cmocka_unit_test(copies_end_in_a_nul),
        cmocka_unit_test(a_zeroed_one_may_be_finished),
        cmocka_unit_test(arenas_may_share_a_shelf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
