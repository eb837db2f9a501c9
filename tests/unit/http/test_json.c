/* The writer of JSON: where commas and lines come, and what it writes instead of what JSON cannot hold. */
#include "../test.h"

#include "http/json.h"

#include <math.h>

static struct buffer out;

static struct json begin(void)
{
    buffer_init(&out, 4096);
    return (struct json){.out = &out};
}

static void wrote(const char *text)
{
    assert_slice(buffer_slice(&out), text);
    buffer_finish(&out);
}

static void items_stand_on_lines_of_their_own(void **state)
{
    (void)state;
    struct json json = begin();
    json_begin(&json, '{');
    json_put_number(&json, "a", 1);
    json_put_bool(&json, "b", false);
    json_key(&json, "c");
    json_begin(&json, '[');
    json_string(&json, SLICE("\"<"));
    json_end(&json, ']');
    json_key(&json, "d");
    json_begin(&json, '{');
    json_end(&json, '}');
    json_end(&json, '}');
    wrote("{\n \"a\": 1,\n \"b\": false,\n \"c\": [\n  \"\\\"\\u003c\"\n ],\n \"d\": {}\n}");
}

static void one_line_holds_all_that_is_inside(void **state)
{
    (void)state;
    struct json json = begin();
    json_begin(&json, '{');
    json_key(&json, "a");
    json_begin_line(&json, '{');
    json_put_number(&json, "b", 1);
    json_key(&json, "c");
    json_begin_line(&json, '[');
    json_number(&json, 2);
    json_number(&json, 3);
    json_end(&json, ']');
    json_put_bool(&json, "d", true);
    json_end(&json, '}');
    json_put_number(&json, "e", 4);
    json_end(&json, '}');
    wrote("{\n \"a\": {\"b\": 1, \"c\": [2, 3], \"d\": true},\n \"e\": 4\n}");
}

static void numbers_that_are_none_are_null(void **state)
{
    (void)state;
    struct json json = begin();
    json_begin_line(&json, '[');
    json_double(&json, "%.3f", 1.5);
    json_double(&json, "%.3f", NAN);
    json_double(&json, "%g", INFINITY);
    json_double(&json, "%.0f", 1e300); /* longer than there is room for */
    json_end(&json, ']');
    wrote("[1.500, null, null, null]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_stand_on_lines_of_their_own),
        cmocka_unit_test(one_line_holds_all_that_is_inside),
        cmocka_unit_test(numbers_that_are_none_are_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
