/* HTTP dates: the three forms, the calendar's corners, and what is not a date. */
#include "../test.h"

#include "http/date.h"

#include <stdlib.h>
#include <time.h>

#define NOW INT64_C(1767225600) /* 2026-01-01 00:00:00 */

/* Parses from an allocation of exactly the text's size, so that a read past its end is seen. */
static bool parse(const char *text, int64_t now, int64_t *ret_seconds)
{
    size_t length = strlen(text);
    char *copy = malloc(length);
    memcpy(copy, text, length);
    bool valid = http_date_parse(slice_make(copy, length), now, ret_seconds);
    free(copy);
    return valid;
}

static void formats_the_nearest_date_it_can(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},    {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},           {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {951868800, "Wed, 01 Mar 2000 00:00:00 GMT"},    {4107542399, "Sun, 28 Feb 2100 23:59:59 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},   {2147483648, "Tue, 19 Jan 2038 03:14:08 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"}, {253402300800, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"},    {-62167219200, "Sat, 01 Jan 0000 00:00:00 GMT"},
        {INT64_MIN, "Sat, 01 Jan 0000 00:00:00 GMT"},
    };
    TABLE_ROWS(i, cases, cases[i].text) {
        char *out = malloc(HTTP_DATE_LENGTH);
        http_date_format(out, cases[i].seconds);
        assert_slice(slice_make(out, HTTP_DATE_LENGTH), cases[i].text);
        free(out);
    }
}

static void formats_iso_dates(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {784111777, "1994-11-06T08:49:37Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {INT64_MAX, "9999-12-31T23:59:59Z"},
        {INT64_MIN, "0000-01-01T00:00:00Z"},
    };
    TABLE_ROWS(i, cases, cases[i].text) {
        char out[HTTP_DATE_ISO_LENGTH];
        http_date_format_iso(out, cases[i].seconds);
        assert_slice(slice_make(out, sizeof(out)), cases[i].text);
    }
}

static void agrees_with_the_library_and_reads_what_it_wrote(void **state)
{
    (void)state;
    /* A prime step, so that all times of the day and days of the year come by. */
    for (int64_t seconds = -62167219200; seconds <= 253402300799; seconds += 15485863) {
        char out[HTTP_DATE_LENGTH];
        char expected[HTTP_DATE_LENGTH + 8];
        time_t time = seconds;
        struct tm tm;
        gmtime_r(&time, &tm);
        strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        http_date_format(out, seconds);
        if (tm.tm_year + 1900 >= 1000) /* strftime does not pad the year */
            assert_slice(slice_make(out, sizeof(out)), expected);
        int64_t again = 0;
        assert_true(http_date_parse(slice_make(out, sizeof(out)), NOW, &again));
        assert_int_equal(again, seconds);
    }
}

static void reads_the_three_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},     {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},          {"Wed Nov 16 08:49:37 1994", 784975777},
        {"Monday, 06-Nov-94 08:49:37 GMT", 784111777},    {"Tuesday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Wednesday, 06-Nov-94 08:49:37 GMT", 784111777}, {"Thursday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Friday, 06-Nov-94 08:49:37 GMT", 784111777},    {"Saturday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},    {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        int64_t seconds = 0;
        if (!parse(cases[i].text, NOW, &seconds) || seconds != cases[i].seconds)
            fail_msg("%s gave %lld", cases[i].text, (long long)seconds);
    }
}

static void chooses_the_century_by_the_clock(void **state)
{
    (void)state;
    static const struct {
        const char *now, *text, *same_as;
    } cases[] = {
        {"Thu, 01 Jan 2026 00:00:00 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"},
        {"Thu, 01 Jan 2026 00:00:00 GMT", "Sunday, 06-Nov-75 08:49:37 GMT", "Sun, 06 Nov 2075 08:49:37 GMT"},
        {"Thu, 01 Jan 2026 00:00:00 GMT", "Sunday, 01-Jan-76 00:00:00 GMT", "Sun, 01 Jan 2076 00:00:00 GMT"},
        {"Thu, 01 Jan 2026 00:00:00 GMT", "Sunday, 01-Jan-76 00:00:01 GMT", "Sun, 01 Jan 1976 00:00:01 GMT"},
        {"Sun, 31 Jan 2026 00:00:00 GMT", "Sunday, 01-Feb-76 00:00:00 GMT", "Sun, 01 Feb 1976 00:00:00 GMT"},
        {"Fri, 01 Jan 2099 00:00:00 GMT", "Sunday, 01-Jan-05 00:00:00 GMT", "Sun, 01 Jan 2105 00:00:00 GMT"},
        {"Thu, 01 Jan 2026 00:00:00 GMT", "Sunday, 29-Feb-00 00:00:00 GMT", "Sun, 29 Feb 2000 00:00:00 GMT"},
    };
    TABLE_ROWS(i, cases, cases[i].now) {
        int64_t now = 0, seconds = 0, expected = 1;
        assert_true(parse(cases[i].now, 0, &now));
        assert_true(parse(cases[i].text, now, &seconds));
        assert_true(parse(cases[i].same_as, 0, &expected));
        assert_int_equal(seconds, expected);
    }
}

static void refuses_what_is_not_a_date(void **state)
{
    (void)state;
    static const char *cases[] = {
        "",
        "S",
        "Sun",
        "Sunday",
        "Sun,",
        "Sun, 06 Nov 1994 08:49:37 GM",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 gmt",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 29 Feb 2023 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 23:60:00 GMT",
        "Sun, 06 Nov 1994 23:59:61 GMT",
        "Sun, 06 Nov -994 08:49:37 GMT",
        "Sun, 06 Nov 19940 08:49:37 GMT",
        "Sun, 06 Nov 1994  8:49:37 GMT",
        "Sun,  6 Nov 1994 08:49:37 GMT",
        "Xun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Tueday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov   6 08:49:37 1994",
        "Sun Nov 06 08:49:37 1994 GMT",
        "Sun Nov  0 08:49:37 1994",
        "784111777",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        int64_t seconds = 42;
        if (parse(cases[i], NOW, &seconds) || seconds != 42)
            fail_msg("\"%s\" was taken", cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_the_nearest_date_it_can),
        cmocka_unit_test(formats_iso_dates),
        cmocka_unit_test(agrees_with_the_library_and_reads_what_it_wrote),
        cmocka_unit_test(reads_the_three_forms),
        cmocka_unit_test(chooses_the_century_by_the_clock),
        cmocka_unit_test(refuses_what_is_not_a_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
