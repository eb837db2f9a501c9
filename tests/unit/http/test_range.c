/* Byte ranges: the RFC's examples, the edges of the size and of the numbers, and the attacks. */
#include "../test.h"

#include "http/range.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const result_names[] = {"ignore", "satisfiable", "unsatisfiable"};

/* "0-4,9-9", "ignore" or "unsatisfiable", from an allocation of exactly the value's size. */
static void expect(const char *value, uint64_t size, size_t room, const char *expected)
{
    struct http_range ranges[HTTP_RANGES_MAX];
    char text[1024] = "";
    size_t length = strlen(value), count = room;
    char *copy = malloc(length);
    memcpy(copy, value, length);
    enum http_range_result result = http_range_parse(slice_make(copy, length), size, ranges, &count);
    free(copy);
    if (result != HTTP_RANGE_SATISFIABLE) {
        assert_int_equal(count, room);
        snprintf(text, sizeof(text), "%s", result_names[result]);
    }
    for (size_t i = 0; result == HTTP_RANGE_SATISFIABLE && i < count; i++) {
        size_t end = strlen(text);
        snprintf(text + end, sizeof(text) - end, "%s%llu-%llu", i ? "," : "",
                 (unsigned long long)ranges[i].first, (unsigned long long)ranges[i].last);
    }
    if (strcmp(text, expected) != 0)
        fail_msg("%s of %llu gave %s, expected %s", value, (unsigned long long)size, text, expected);
}

static void reads_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        uint64_t size;
        const char *expected;
    } cases[] = {
        /* RFC 9110 section 14.1.2 */
        {"bytes=0-499", 10000, "0-499"},
        {"bytes=500-999", 10000, "500-999"},
        {"bytes=-500", 10000, "9500-9999"},
        {"bytes=9500-", 10000, "9500-9999"},
        {"bytes=0-0,-1", 10000, "0-0,9999-9999"},
        {"bytes= 0-999, 4500-5499, -1000", 10000, "0-999,4500-5499,9000-9999"},
        {"bytes=500-600,601-999", 10000, "500-999"},
        {"bytes=500-700,601-999", 10000, "500-999"},

        {"BYTES=0-0", 10, "0-0"},
        {"bytes=0-", 10, "0-9"},
        {"bytes=0-9", 10, "0-9"},
        {"bytes=0-10", 10, "0-9"},
        {"bytes=9-", 10, "9-9"},
        {"bytes=10-", 10, "unsatisfiable"},
        {"bytes=10-20", 10, "unsatisfiable"},
        {"bytes=-10", 10, "0-9"},
        {"bytes=-11", 10, "0-9"},
        {"bytes=-0", 10, "unsatisfiable"},
        {"bytes=-0,0-0", 10, "0-0"},
        {"bytes=20-,3-4", 10, "3-4"},
        {"bytes=20-,-0", 10, "unsatisfiable"},
        {"bytes=00-0009", 10, "0-9"},
        {"bytes=,,0-1,,", 10, "0-1"},
        {"bytes=0-1\t,\t4-5 ", 10, "0-1,4-5"},
        {"bytes=7-8,0-1", 10, "7-8,0-1"},
        {"bytes=8-9,0-1,6-7", 10, "6-9,0-1"},
        {"bytes=0-1,4-5,2-3", 10, "0-5"},
        {"bytes=4-5,0-1,8-9,2-3,6-7", 10, "0-9"},
        {"bytes=0-2,2-4", 10, "0-4"},

        {"bytes=0-18446744073709551615", 10, "0-9"},
        {"bytes=0-18446744073709551616", 10, "0-9"},
        {"bytes=0-99999999999999999999999999", 10, "0-9"},
        {"bytes=18446744073709551615-", 10, "unsatisfiable"},
        {"bytes=18446744073709551616-18446744073709551617", 10, "unsatisfiable"},
        {"bytes=-18446744073709551616", 10, "0-9"},
        {"bytes=0-", UINT64_MAX, "0-18446744073709551614"},
        {"bytes=18446744073709551614-", UINT64_MAX, "18446744073709551614-18446744073709551614"},

        {"bytes=0-", 0, "unsatisfiable"},
        {"bytes=-0", 0, "unsatisfiable"},
        {"bytes=-1", 0, "ignore"},
        {"bytes=-1", 1, "0-0"},

        {"", 10, "ignore"},
        {"bytes", 10, "ignore"},
        {"bytes=", 10, "ignore"},
        {"bytes=,", 10, "ignore"},
        {"bytes=-", 10, "ignore"},
        {"bytes=--1", 10, "ignore"},
        {"bytes=1", 10, "ignore"},
        {"bytes=2-1", 10, "ignore"},
        {"bytes=0-1,2-1", 10, "ignore"},
        {"bytes=0-1,x", 10, "ignore"},
        {"bytes=0-1;2-3", 10, "ignore"},
        {"bytes=+0-1", 10, "ignore"},
        {"bytes=0 -1", 10, "ignore"},
        {"bytes=0- 1", 10, "ignore"},
        {"bytes=0-1-2", 10, "ignore"},
        {"bytes=0x0-1", 10, "ignore"},
        {"bytes =0-1", 10, "ignore"},
        {"bytes:0-1", 10, "ignore"},
        {"=0-1", 10, "ignore"},
        {"lines=0-1", 10, "ignore"},
        {"bytes=0-1, bytes=2-3", 10, "ignore"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        expect(cases[i].value, cases[i].size, HTTP_RANGES_MAX, cases[i].expected);
}

static void ignores_requests_made_to_be_costly(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *expected;
    } cases[] = {
        {"bytes=0-,0-", "ignore"},           /* more than there is */
        {"bytes=0-5,4-9", "ignore"},         /* one byte more than there is */
        {"bytes=0-9,20-,30-", "0-9"},        /* what is not there asks for nothing */
        {"bytes=0-1,1-2,2-3", "ignore"},     /* three that overlap */
        {"bytes=0-1,0-1,5-6,5-6", "ignore"}, /* two pairs */
        {"bytes=0-1,0-1", "0-1"},
        {"bytes=0-0,2-2,4-4,6-6,8-8", "0-0,2-2,4-4,6-6,8-8"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        expect(cases[i].value, 10, HTTP_RANGES_MAX, cases[i].expected);
    expect("bytes=0-0,2-2,4-4", 10, 3, "0-0,2-2,4-4");
    expect("bytes=0-0,2-2,4-4,6-6", 10, 3, "ignore");
    expect("bytes=0-0,20-,20-,20-", 10, 3, "ignore");
    expect("bytes=0-0", 10, 0, "ignore");
    expect("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,28-28,30-30", 100,
           HTTP_RANGES_MAX,
           "0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,28-28,30-30");
    expect(
        "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,28-28,30-30,32-32",
        100, HTTP_RANGES_MAX, "ignore");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_ranges),
        cmocka_unit_test(ignores_requests_made_to_be_costly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
