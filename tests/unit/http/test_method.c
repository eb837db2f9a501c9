/* Methods by name, in their case only. */
#include "../test.h"

#include "http/method.h"

static const struct {
    const char *text;
    enum http_method method;
} cases[] = {
#define X(name) {#name, HTTP_METHOD_##name},
    HTTP_METHOD_TABLE(X)
#undef X
        {"get", HTTP_METHOD_UNKNOWN},
    {"Get", HTTP_METHOD_UNKNOWN},
    {"GE", HTTP_METHOD_UNKNOWN},
    {"GETX", HTTP_METHOD_UNKNOWN},
    {"HEADER", HTTP_METHOD_UNKNOWN},
    {"UNKNOWN", HTTP_METHOD_UNKNOWN},
    {"PROPFIND", HTTP_METHOD_UNKNOWN},
    {"", HTTP_METHOD_UNKNOWN},
};

static void are_found_by_name(void **state)
{
    (void)state;
    TABLE_ROWS(i, cases, cases[i].text) {
        assert_int_equal(http_method_parse(slice_from(cases[i].text)), cases[i].method);
        if (cases[i].method != HTTP_METHOD_UNKNOWN)
            assert_slice(http_method_name(cases[i].method), cases[i].text);
    }
    assert_int_equal(http_method_parse((struct slice){0}), HTTP_METHOD_UNKNOWN);
    assert_int_equal(http_method_parse(SLICE("GET\0")), HTTP_METHOD_UNKNOWN);
    assert_int_equal(http_method_name(HTTP_METHOD_UNKNOWN).length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
