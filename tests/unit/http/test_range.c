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

        /* Nothing has no part: whoever slices or resumes gets the whole of it. */
        {"bytes=0-", 0, "ignore"},
        {"bytes=0-0", 0, "ignore"},
        {"bytes=7-9,2-", 0, "ignore"},
        {"bytes=-0", 0, "ignore"},
        {"bytes=-1", 0, "ignore"},
        {"bytes=1-0", 0, "unsatisfiable"},
        {"bytes=-1", 1, "0-0"},

        {"", 10, "ignore"},
        {"bytes", 10, "ignore"},
        /* Of bytes, but no ranges: 416, as everybody has it. */
        {"bytes=", 10, "unsatisfiable"},
        {"bytes=,", 10, "unsatisfiable"},
        {"bytes=-", 10, "unsatisfiable"},
        {"bytes=--1", 10, "unsatisfiable"},
        {"bytes=1", 10, "unsatisfiable"},
        {"bytes=2-1", 10, "unsatisfiable"},
        {"bytes=20-10", 10, "unsatisfiable"},
        {"bytes=20-10", 100, "unsatisfiable"},
        {"bytes=a-f", 10, "unsatisfiable"},
        {"bytes=0-1,2-1", 10, "unsatisfiable"},
        {"bytes=0-1,x", 10, "unsatisfiable"},
        {"bytes=0-1;2-3", 10, "unsatisfiable"},
        {"bytes=+0-1", 10, "unsatisfiable"},
        {"bytes=0 -1", 10, "unsatisfiable"},
        {"bytes=0- 1", 10, "unsatisfiable"},
        {"bytes=0-1-2", 10, "unsatisfiable"},
        {"bytes=0x0-1", 10, "unsatisfiable"},
        {"bytes =0-1", 10, "ignore"},
        {"bytes:0-1", 10, "ignore"},
        {"=0-1", 10, "ignore"},
        {"lines=0-1", 10, "ignore"},
        {"lines=2-1", 10, "ignore"},
        {"bytes=0-1, bytes=2-3", 10, "unsatisfiable"},
    };
    TABLE_ROWS(i, cases, cases[i].value)
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
    TABLE_ROWS(i, cases, cases[i].value)
        expect(cases[i].value, 10, HTTP_RANGES_MAX, cases[i].expected);
    expect("bytes=0-0,2-2,4-4", 10, 3, "0-0,2-2,4-4");
    expect("bytes=0-0,2-2,4-4,6-6", 10, 3, "ignore");
    expect("bytes=0-0,20-,20-,20-", 10, 3, "ignore");
    expect("bytes=0-0", 10, 0, "ignore");
    expect("bytes=0-0,2-2,4-4,6-6,x", 10, 3, "unsatisfiable");
}

/* "bytes=" and `count` ranges of a byte each, `step` from one to the next; from `first` on. */
static char *many(unsigned count, unsigned first, int step)
{
    static char text[4 * HTTP_RANGES_MAX * 10];
    size_t length = (size_t)snprintf(text, sizeof(text), "bytes=");
    for (unsigned i = 0, at = first; i < count; i++, at += (unsigned)step)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%u-%u", i ? "," : "", at, at);
    return text;
}

static size_t count_of(const char *value, enum http_range_result expected)
{
    static struct http_range ranges[HTTP_RANGES_MAX];
    size_t count = HTTP_RANGES_MAX;
    enum http_range_result result = http_range_parse(slice_from(value), 10000, ranges, &count);
    if (result != expected)
        fail_msg("%s gave %s", value, result_names[result]);
    return count;
}

/* zsync asks for 20 ranges at a time, zchunk for up to 256. */
static void takes_many_that_ascend(void **state)
{
    (void)state;
    char value[sizeof("bytes=") + 4 * HTTP_RANGES_MAX * 10];
    static const unsigned counts[] = {15, 16, 17, 20, 100, 255, 256};
    TABLE_ROWS(i, counts, "")
        assert_int_equal(count_of(many(counts[i], 0, 2), HTTP_RANGE_SATISFIABLE), counts[i]);
    count_of(many(257, 0, 2), HTTP_RANGE_IGNORE);
    /* What touches has become one. */
    assert_int_equal(count_of(many(256, 5, 1), HTTP_RANGE_SATISFIABLE), 1);
    expect(
        "bytes=0-0,1-1,2-2,4-4,6-6,8-8,10-10,11-11,14-14,16-16,18-18,20-20,22-22,24-24,26-26,28-28,30-30,31-",
        100, HTTP_RANGES_MAX, "0-2,4-4,6-6,8-8,10-11,14-14,16-16,18-18,20-20,22-22,24-24,26-26,28-28,30-99");
    /* The last one that descends, or is there twice, ends it. */
    count_of(many(17, 32, -2), HTTP_RANGE_IGNORE);
    assert_int_equal(count_of(many(16, 32, -2), HTTP_RANGE_SATISFIABLE), 16);
    count_of(many(17, 0, 0), HTTP_RANGE_IGNORE);
    snprintf(value, sizeof(value), "%s,3-3", many(20, 4, 2));
    count_of(value, HTTP_RANGE_IGNORE);
    snprintf(value, sizeof(value), "%s,42-42", many(20, 4, 2));
    count_of(value, HTTP_RANGE_IGNORE);
    /* What is not there asks for nothing, but is counted. */
    snprintf(value, sizeof(value), "%s,20000-", many(255, 0, 2));
    assert_int_equal(count_of(value, HTTP_RANGE_SATISFIABLE), 255);
    snprintf(value, sizeof(value), "%s,20000-", many(256, 0, 2));
    count_of(value, HTTP_RANGE_IGNORE);
    snprintf(value, sizeof(value), "%s,2-1", many(256, 0, 2));
    count_of(value, HTTP_RANGE_UNSATISFIABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_ranges),
        cmocka_unit_test(ignores_requests_made_to_be_costly),
        cmocka_unit_test(takes_many_that_ascend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
