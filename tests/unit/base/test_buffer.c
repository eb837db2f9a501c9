/* Buffers: growing, the bound, failures that stay, and numbers. */
#include "../test.h"

#include "base/buffer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void grows_and_keeps_its_bytes(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_true(buffer_append_byte(&buffer, (char)(i * 7)));
    assert_int_equal(buffer.length, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(buffer.data[i], (char)(i * 7));
    assert_false(buffer_append_byte(&buffer, 'x'));
    assert_true(buffer.failed);
    assert_int_equal(buffer.length, 100000);
    buffer_finish(&buffer);
}

/* Whatever way bytes are appended, `length_max` of them fit, and not one more. */
static void the_bound_is_exact(void **state)
{
    (void)state;
    struct buffer buffer;
    for (size_t over = 0; over < 2; over++) {
        buffer_init(&buffer, 10 - over);
        assert_int_equal(buffer_append(&buffer, SLICE("0123456789")), over == 0);
        assert_int_equal(buffer.failed, over == 1);
        assert_int_equal(buffer.length, over ? 0 : 10);
        buffer_finish(&buffer);

        buffer_init(&buffer, 10 - over);
        assert_true(buffer_append(&buffer, SLICE("abcde")));
        assert_int_equal(buffer_printf(&buffer, "%05d", 42), over == 0);
        assert_int_equal(buffer.failed, over == 1);
        assert_slice(buffer_slice(&buffer), over ? "abcde" : "abcde00042");
        buffer_finish(&buffer);

        buffer_init(&buffer, 20 - over);
        assert_int_equal(buffer_append_u64(&buffer, UINT64_MAX), over == 0);
        assert_slice(buffer_slice(&buffer), over ? "" : "18446744073709551615");
        buffer_finish(&buffer);

        buffer_init(&buffer, 300 - over); /* past the first capacity */
        assert_true(buffer_reserve(&buffer, 100));
        assert_int_equal(buffer_reserve(&buffer, 300), over == 0);
        assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), false);
        buffer_finish(&buffer);
    }
    buffer_init(&buffer, 0);
    assert_true(buffer_append(&buffer, (struct slice){0}));
    assert_true(buffer_printf(&buffer, "%s", ""));
    assert_false(buffer_append_byte(&buffer, 'x'));
    buffer_finish(&buffer);
}

static void a_failure_stays_until_cleared(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 4);
    assert_false(buffer_append(&buffer, SLICE("12345")));
    assert_true(buffer_append(&buffer, SLICE("1")));
    assert_true(buffer.failed);
    buffer_clear(&buffer);
    assert_false(buffer.failed);
    assert_int_equal(buffer.length, 0);
    assert_true(buffer_append(&buffer, SLICE("1234")));
    buffer_finish(&buffer);
    assert_null(buffer.data);
    assert_true(buffer_append(&buffer, SLICE("1234"))); /* as good as new */
    buffer_finish(&buffer);
}

static void consumes_from_the_front(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 100);
    buffer_consume(&buffer, 0);
    assert_true(buffer_append(&buffer, SLICE("abcdef")));
    buffer_consume(&buffer, 2);
    assert_slice(buffer_slice(&buffer), "cdef");
    buffer_consume(&buffer, 0);
    buffer_consume(&buffer, 4);
    assert_int_equal(buffer.length, 0);
    buffer_finish(&buffer);
}

static void writes_every_number(void **state)
{
    (void)state;
    uint64_t value = 1;
    for (unsigned i = 0; i < 200; i++) {
        char *out = malloc(U64_DIGITS_MAX);
        char expected[32];
        size_t length = format_u64(out, value);
        int expected_length = snprintf(expected, sizeof(expected), "%" PRIu64, value);
        assert_int_equal(length, expected_length);
        assert_memory_equal(out, expected, length);
        free(out);
        value = i % 3 == 0 ? value * 10 : i % 3 == 1 ? value - 1 : value * 3 + 1;
    }
    char zero[U64_DIGITS_MAX];
    assert_int_equal(format_u64(zero, 0), 1);
    assert_int_equal(zero[0], '0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_keeps_its_bytes),     cmocka_unit_test(the_bound_is_exact),
        cmocka_unit_test(a_failure_stays_until_cleared), cmocka_unit_test(consumes_from_the_front),
        cmocka_unit_test(writes_every_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
