/* Sizes, durations and truth values, read and shown. */
#include "../test.h"

#include "conf/quantity.h"

static void reads_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
        uint64_t bytes;
    } cases[] = {
        {"0", true, 0},
        {"512", true, 512},
        {"512B", true, 512},
        {"64KiB", true, 65536},
        {"64kib", true, 65536},
        {"64k", true, 65536},
        {"64 KiB", true, 65536},
        {"64kB", true, 64000},
        {"1m", true, 1048576},
        {"1MB", true, 1000000},
        {"3GiB", true, 3221225472},
        {"1TiB", true, 1099511627776},
        {"17179869184GiB", false, 0},
        {"", false, 0},
        {"KiB", false, 0},
        {"1.5MiB", false, 0},
        {"-1", false, 0},
        {"10x", false, 0},
        {"1k1k", false, 0},
    };
    TABLE_ROWS(i, cases, cases[i].text) {
        uint64_t bytes = 42;
        assert_int_equal(quantity_read_bytes(slice_from(cases[i].text), &bytes), cases[i].valid);
        assert_int_equal(bytes, cases[i].valid ? cases[i].bytes : 42);
    }
}

static void reads_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
        uint64_t ms;
    } cases[] = {
        {"0", true, 0},
        {"500ms", true, 500},
        {"10s", true, 10000},
        {"1m30s", true, 90000},
        {"2h", true, 7200000},
        {"1d", true, 86400000},
        {"10", false, 0},
        {"", false, 0},
        {"s", false, 0},
        {"1m30", false, 0},
        {"-1s", false, 0},
        {"18446744073709551615s", false, 0},
        {"18446744073709551615ms1ms", false, 0},
    };
    TABLE_ROWS(i, cases, cases[i].text) {
        uint64_t ms = 42;
        assert_int_equal(quantity_read_duration(slice_from(cases[i].text), &ms), cases[i].valid);
        assert_int_equal(ms, cases[i].valid ? cases[i].ms : 42);
    }
}

static void reads_truth_values(void **state)
{
    (void)state;
    bool value = false;
    assert_true(quantity_read_bool(SLICE("Yes"), &value) && value);
    assert_true(quantity_read_bool(SLICE("off"), &value) && !value);
    assert_false(quantity_read_bool(SLICE("1"), &value));
    assert_false(quantity_read_bool(SLICE(""), &value));
}

static void shows_what_it_would_read(void **state)
{
    (void)state;
    static const uint64_t values[] = {0,     1,     999,     1000,     1024,     1500,
                                      90000, 65536, 3600000, 1u << 20, 86400000, 1ull << 40};
    TABLE_ROWS(i, values, "") {
        char buffer[QUANTITY_TEXT_MAX];
        uint64_t again;
        assert_true(quantity_read_bytes(slice_from(quantity_show_bytes(values[i], buffer)), &again));
        assert_int_equal(again, values[i]);
        assert_true(quantity_read_duration(slice_from(quantity_show_duration(values[i], buffer)), &again));
        assert_int_equal(again, values[i]);
    }
    char buffer[QUANTITY_TEXT_MAX];
    assert_string_equal(quantity_show_bytes(65536, buffer), "64KiB");
    assert_string_equal(quantity_show_duration(60000, buffer), "60s");
    assert_string_equal(quantity_show_duration(86400000, buffer), "1d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_sizes),
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(reads_truth_values),
        cmocka_unit_test(shows_what_it_would_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
