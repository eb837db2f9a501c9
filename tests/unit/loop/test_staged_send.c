/* The pool of small sends: what is taken holds nothing of whoever had it before. */
#include "../test.h"

#include "loop/staged_send.h"

static struct staged_sends pool;
static struct stream streams[STAGED_SENDS_MAX + 1];

static int begin(void **state)
{
    (void)state;
    memset(streams, 0, sizeof(streams));
    return staged_sends_init(&pool);
}

static int end(void **state)
{
    (void)state;
    staged_sends_finish(&pool);
    return 0;
}

static void what_is_taken_is_empty(void **state)
{
    (void)state;
    struct staged_send *first = staged_sends_take(&pool, &streams[0]);
    first->length = 100;
    first->sent = 40;
    staged_sends_post(&pool, first, (struct io_uring_sqe *)(void *)first);
    staged_sends_free(&pool, first);
    assert_null(staged_sends_posted(&pool));

    struct staged_send *again = staged_sends_take(&pool, &streams[1]);
    assert_ptr_equal(again, first); /* its bytes are in the cache */
    assert_ptr_equal(again->stream, &streams[1]);
    assert_null(again->entry);
    assert_int_equal(again->length, 0);
    assert_int_equal(again->sent, 0);
    assert_ptr_equal(staged_sends_of(&pool, &streams[1]), again);
}

static void each_has_bytes_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < STAGED_SENDS_MAX; i++) {
        struct staged_send *one = staged_sends_take(&pool, &streams[i]);
        assert_non_null(one);
        memset(one->bytes, (int)i, STAGED_SEND_BYTES);
    }
    assert_null(staged_sends_take(&pool, &streams[STAGED_SENDS_MAX]));
    for (size_t i = 0; i < STAGED_SENDS_MAX; i++) {
        const struct staged_send *one = staged_sends_of(&pool, &streams[i]);
        assert_int_equal((unsigned char)one->bytes[0], i & 0xff);
        assert_int_equal((unsigned char)one->bytes[STAGED_SEND_BYTES - 1], i & 0xff);
    }
    staged_sends_free(&pool, staged_sends_of(&pool, &streams[7]));
    assert_non_null(staged_sends_take(&pool, &streams[STAGED_SENDS_MAX]));
}

static void only_what_is_posted_is_told(void **state)
{
    (void)state;
    struct io_uring_sqe *entry = (struct io_uring_sqe *)(void *)&pool;
    struct staged_send *one = staged_sends_take(&pool, &streams[0]);
    struct staged_send *other = staged_sends_take(&pool, &streams[1]);
    assert_null(staged_sends_posted(&pool));
    staged_sends_post(&pool, one, entry);
    staged_sends_post(&pool, other, entry);
    assert_ptr_equal(staged_sends_posted(&pool), one);
    staged_sends_unpost(one);
    assert_null(one->entry);
    assert_ptr_equal(staged_sends_posted(&pool), other);
    staged_sends_free(&pool, other);
    assert_null(staged_sends_posted(&pool));
}

static void each_deadline_comes_once(void **state)
{
    (void)state;
    struct staged_send *one = staged_sends_take(&pool, &streams[0]);
    struct staged_send *other = staged_sends_take(&pool, &streams[1]);
    assert_false(staged_sends_have_deadline(&pool));
    staged_sends_set_deadline(&pool, one, 100);
    staged_sends_set_deadline(&pool, other, 200);
    assert_null(staged_sends_overdue(&pool, 99));
    assert_ptr_equal(staged_sends_overdue(&pool, 100), one);
    assert_null(staged_sends_overdue(&pool, 199));
    /* It got out in time. */
    staged_sends_free(&pool, other);
    assert_false(staged_sends_have_deadline(&pool));
    assert_null(staged_sends_overdue(&pool, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_taken_is_empty, begin, end),
        cmocka_unit_test_setup_teardown(each_has_bytes_of_its_own, begin, end),
        cmocka_unit_test_setup_teardown(only_what_is_posted_is_told, begin, end),
        cmocka_unit_test_setup_teardown(each_deadline_comes_once, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
