/* Slices: searching, splitting, comparing, numbers. */
#include "../test.h"

static void splits_a_list_and_keeps_empty_elements(void **state)
{
    (void)state;
    struct slice rest = SLICE("a, b ,,c,");
    struct slice element;
    const char *expected[] = {"a", "b", "", "c", ""};
    TABLE_ROWS(i, expected, expected[i]) {
        assert_true(slice_next(&rest, ',', &element));
        assert_slice(element, expected[i]);
    }
    assert_false(slice_next(&rest, ',', &element));
}

static void reads_numbers_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
        uint64_t value;
    } cases[] = {
        {"0", true, 0},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"+1", false, 0},
        {"-1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x1", false, 0},
        {"007", true, 7},
    };
    TABLE_ROWS(i, cases, cases[i].text) {
        uint64_t value = 42;
        assert_int_equal(slice_to_u64(slice_from(cases[i].text), &value), cases[i].valid);
        assert_int_equal(value, cases[i].valid ? cases[i].value : 42);
    }
}

static void compares_without_case(void **state)
{
    (void)state;
    assert_true(slice_equal_nocase(SLICE("Content-Length"), SLICE("content-LENGTH")));
    assert_false(slice_equal_nocase(SLICE("Content-Length"), SLICE("content-lengti")));
    assert_false(slice_equal_nocase(SLICE("["), SLICE("{")));
    assert_true(slice_equal_nocase(SLICE(""), (struct slice){0}));
}

/* What it points to is nowhere, so no place in it may be computed: the sanitizer notices. */
static void an_empty_one_may_have_no_address(void **state)
{
    (void)state;
    struct slice rest = slice_skip(slice_from(NULL), 0);
    assert_null(rest.data);
    assert_int_equal(rest.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_a_list_and_keeps_empty_elements),
        cmocka_unit_test(reads_numbers_exactly),
        cmocka_unit_test(compares_without_case),
        cmocka_unit_test(an_empty_one_may_have_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
