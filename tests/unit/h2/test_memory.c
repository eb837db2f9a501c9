/* The memory that nghttp2 gets: what is freed comes back by its size, cleared where that was asked for, and
 * what grows keeps what it had. */
#include "tests/unit/test.h"

#include "h2/memory.h"

#include <string.h>

static void what_is_freed_comes_back(void **state)
{
    (void)state;
    struct h2_memory memory;
    h2_memory_init(&memory);
    const nghttp2_mem *calls = &memory.calls;
    void *small = calls->malloc(20, calls->mem_user_data);
    void *other = calls->malloc(200, calls->mem_user_data);
    calls->free(small, calls->mem_user_data);
    assert_true(memory.kept_bytes >= 20);
    assert_ptr_equal(calls->malloc(17, calls->mem_user_data), small);
    assert_int_equal(memory.kept_bytes, 0);
    calls->free(small, calls->mem_user_data);
    calls->free(other, calls->mem_user_data);
    calls->free(NULL, calls->mem_user_data);
    h2_memory_finish(&memory);
}

static void large_blocks_are_not_kept(void **state)
{
    (void)state;
    struct h2_memory memory;
    h2_memory_init(&memory);
    const nghttp2_mem *calls = &memory.calls;
    char *large = calls->malloc(100000, calls->mem_user_data);
    memset(large, 'x', 100000);
    calls->free(large, calls->mem_user_data);
    assert_int_equal(memory.kept_bytes, 0);
    assert_null(calls->malloc(SIZE_MAX - 4, calls->mem_user_data));
    assert_null(calls->calloc(SIZE_MAX / 2, 3, calls->mem_user_data));
    h2_memory_finish(&memory);
}

static void what_is_cleared_is(void **state)
{
    (void)state;
    struct h2_memory memory;
    h2_memory_init(&memory);
    const nghttp2_mem *calls = &memory.calls;
    char *used = calls->malloc(64, calls->mem_user_data);
    memset(used, 'x', 64);
    calls->free(used, calls->mem_user_data);
    char *clear = calls->calloc(8, 8, calls->mem_user_data);
    assert_ptr_equal(clear, used);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(clear[i], 0);
    calls->free(clear, calls->mem_user_data);
    h2_memory_finish(&memory);
}

static void what_grows_keeps_its_bytes(void **state)
{
    (void)state;
    struct h2_memory memory;
    h2_memory_init(&memory);
    const nghttp2_mem *calls = &memory.calls;
    char *grown = calls->realloc(NULL, 5, calls->mem_user_data);
    memcpy(grown, "hello", 5);
    for (size_t size = 5; size < 5000; size *= 3) {
        grown = calls->realloc(grown, size, calls->mem_user_data);
        assert_memory_equal(grown, "hello", 5);
    }
    calls->free(grown, calls->mem_user_data);
    h2_memory_finish(&memory);
}

/* However many streams there were, no more than a bounded amount is kept behind them. */
static void what_is_kept_is_bounded(void **state)
{
    (void)state;
    static void *blocks[8000];
    struct h2_memory memory;
    h2_memory_init(&memory);
    const nghttp2_mem *calls = &memory.calls;
    for (size_t i = 0; i < ARRAY_LENGTH(blocks); i++) {
        blocks[i] = calls->malloc(H2_BLOCK_BYTES_MAX, calls->mem_user_data);
        assert_non_null(blocks[i]);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(blocks); i++)
        calls->free(blocks[i], calls->mem_user_data);
    assert_in_range(memory.kept_bytes, 1, (1 << 20) + H2_BLOCK_BYTES_MAX);
    h2_memory_finish(&memory);
}

/* The buffer for a frame that a session is created with; any other of that size is not shared. */
static void sessions_share_the_buffer_for_a_frame(void **state)
{
    (void)state;
    struct h2_memory memory;
    void *frames[2];
    h2_memory_init(&memory);
    const nghttp2_mem *calls = &memory.calls;
    for (size_t i = 0; i < ARRAY_LENGTH(frames); i++) {
        memory.is_creating = true;
        frames[i] = calls->malloc(16394, calls->mem_user_data);
    }
    void *other = calls->malloc(16394, calls->mem_user_data);
    assert_non_null(frames[0]);
    assert_ptr_equal(frames[0], frames[1]);
    assert_ptr_not_equal(frames[0], other);
    for (size_t i = 0; i < ARRAY_LENGTH(frames); i++)
        calls->free(frames[i], calls->mem_user_data);
    memset(frames[0], 'x', H2_FRAME_ROOM_BYTES);
    calls->free(other, calls->mem_user_data);
    h2_memory_finish(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_freed_comes_back), cmocka_unit_test(large_blocks_are_not_kept),
        cmocka_unit_test(what_is_cleared_is),       cmocka_unit_test(what_grows_keeps_its_bytes),
        cmocka_unit_test(what_is_kept_is_bounded),  cmocka_unit_test(sessions_share_the_buffer_for_a_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
