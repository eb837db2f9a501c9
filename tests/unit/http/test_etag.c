/* Entity tags: what is one, which are the same, which list has which, and that made ones differ. */
#include "../test.h"

#include "http/etag.h"

#include <stdlib.h>

static void knows_a_tag(void **state)
{
    (void)state;
    static const struct {
        struct slice text;
        bool valid;
    } cases[] = {
        {SLICE("\"\""), true},        {SLICE("\"xyzzy\""), true},
        {SLICE("W/\"xyzzy\""), true}, {SLICE("W/\"\""), true},
        {SLICE("\"a,b\""), true},     {SLICE("\"a\\\""), true},
        {SLICE("\"\xff!#\""), true},  {SLICE(""), false},
        {SLICE("\""), false},         {SLICE("xyzzy"), false},
        {SLICE("W"), false},          {SLICE("W/"), false},
        {SLICE("W/\""), false},       {SLICE("W\"a\""), false},
        {SLICE("w/\"a\""), false},    {SLICE("W/W/\"a\""), false},
        {SLICE("\"a"), false},        {SLICE("\"a\" "), false},
        {SLICE(" \"a\""), false},     {SLICE("\"a\"b\""), false},
        {SLICE("\"a b\""), false},    {SLICE("\"a\x7f\""), false},
        {SLICE("\"a\0b\""), false},   {SLICE("\"a\tb\""), false},
        {SLICE("*"), false},          {SLICE("\"a\",\"b\""), false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char *copy = malloc(cases[i].text.length);
        memcpy(copy, cases[i].text.data, cases[i].text.length);
        if (http_etag_is_valid(slice_make(copy, cases[i].text.length)) != cases[i].valid)
            fail_msg("%.*s", SLICE_ARGS(cases[i].text));
        free(copy);
    }
}

static void compares_as_the_table_says(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool strong, weak;
    } cases[] = {
        /* RFC 9110 section 8.8.3.2 */
        {"W/\"1\"", "W/\"1\"", false, true}, {"W/\"1\"", "W/\"2\"", false, false},
        {"W/\"1\"", "\"1\"", false, true},   {"\"1\"", "\"1\"", true, true},
        {"\"a\"", "\"A\"", false, false},    {"\"\"", "\"\"", true, true},
    };
    TABLE_ROWS(i, cases, cases[i].a) {
        struct slice a = slice_from(cases[i].a), b = slice_from(cases[i].b);
        assert_int_equal(http_etag_equal(a, b, HTTP_ETAG_STRONG), cases[i].strong);
        assert_int_equal(http_etag_equal(b, a, HTTP_ETAG_STRONG), cases[i].strong);
        assert_int_equal(http_etag_equal(a, b, HTTP_ETAG_WEAK), cases[i].weak);
        assert_int_equal(http_etag_equal(b, a, HTTP_ETAG_WEAK), cases[i].weak);
    }
}

static void finds_a_tag_in_a_list(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        bool strong, weak;
    } cases[] = {
        {"\"1\"", true, true},
        {"W/\"1\"", false, true},
        {"\"0\", \"1\"", true, true},
        {"\"0\",\"1\"", true, true},
        {"\"0\"\t ,\t\"1\" ", true, true},
        {", ,\"1\",", true, true},
        {"\"0\", W/\"1\", \"2\"", false, true},
        {"W/\"1\", \"1\"", true, true},
        {"\"0,\", \"1\"", true, true},
        {"\"0,1\"", false, false},
        {"\",\"1\",\"", false, false}, /* two tags of a comma, and 1 between them, unquoted */
        {"\"1\" junk", false, false},
        {"\"1\", junk", true, true},
        {"junk, \"1\"", false, false},
        {"\"0\" \"1\"", false, false},
        {"\"0, \"1\"", false, false},
        {"\"1", false, false},
        {"1", false, false},
        {"*", false, false},
        {"", false, false},
        {",,, ,", false, false},
        {"\"0\\\", \"1\"", true, true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        size_t length = strlen(cases[i].list);
        char *copy = malloc(length);
        memcpy(copy, cases[i].list, length);
        struct slice list = slice_make(copy, length);
        if (http_etag_list_has(list, SLICE("\"1\""), HTTP_ETAG_STRONG) != cases[i].strong ||
            http_etag_list_has(list, SLICE("\"1\""), HTTP_ETAG_WEAK) != cases[i].weak)
            fail_msg("%s", cases[i].list);
        free(copy);
    }
}

static void makes_tags_that_differ(void **state)
{
    (void)state;
    static const struct {
        struct http_etag_source source;
        const char *text;
    } cases[] = {
        {{{0}, {0}, false}, "\"00000000000000000000000000000000\""},
        {{{1, 255}, {0}, false}, "\"000000000000000100000000000000ff\""},
        {{{UINT64_MAX, 0}, {0}, true}, "W/\"ffffffffffffffff0000000000000000\""},
        {{{1, 255}, SLICE("gzip"), false}, "\"000000000000000100000000000000ff-gzip\""},
        {{{0, UINT64_MAX}, SLICE("0123456789abcdef"), true},
         "W/\"0000000000000000ffffffffffffffff-0123456789abcdef\""},
    };
    TABLE_ROWS(i, cases, cases[i].text) {
        char out[HTTP_ETAG_MAX];
        struct slice etag = slice_make(out, http_etag_format(out, &cases[i].source));
        assert_slice(etag, cases[i].text);
        assert_true(http_etag_is_valid(etag));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_a_tag),
        cmocka_unit_test(compares_as_the_table_says),
        cmocka_unit_test(finds_a_tag_in_a_list),
        cmocka_unit_test(makes_tags_that_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
