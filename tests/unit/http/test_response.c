/* The list of a response's fields. */
#include "../test.h"

#include "http/response.h"

#include <stdio.h>

/* The names as they stand, each with a blank behind it. */
static void expect_names(const struct http_response *response, const char *expected)
{
    char names[1024] = "";
    size_t length = 0;
    for (unsigned i = 0; i < response->field_count; i++)
        length += (size_t)snprintf(names + length, sizeof(names) - length, "%.*s ",
                                   SLICE_ARGS(response->fields[i].name));
    assert_string_equal(names, expected);
}

static void begins_empty(void **state)
{
    (void)state;
    struct http_response response;
    memset(&response, 0xff, sizeof(response));
    http_response_init(&response, 404);
    assert_int_equal(response.status, 404);
    assert_int_equal(response.content_length, 0);
    assert_false(response.no_length);
    assert_int_equal(response.field_count, 0);
    http_response_init(&response, 304);
    assert_true(response.no_length);
    http_response_init(&response, 204);
    assert_true(response.no_length);
}

static void adds_behind_and_removes_whatever_the_case(void **state)
{
    (void)state;
    struct http_response response;
    http_response_init(&response, 200);
    http_response_add(&response, SLICE("A"), SLICE("1"));
    http_response_add(&response, SLICE("Set-Cookie"), SLICE("2"));
    http_response_add(&response, SLICE("B"), SLICE("3"));
    http_response_add(&response, SLICE("set-cookie"), SLICE("4"));
    expect_names(&response, "A Set-Cookie B set-cookie ");
    http_response_remove(&response, SLICE("SET-COOKIE"));
    expect_names(&response, "A B ");
    assert_slice(response.fields[1].value, "3");
    http_response_remove(&response, SLICE("missing"));
    http_response_remove(&response, SLICE(""));
    expect_names(&response, "A B ");
    http_response_remove(&response, SLICE("a"));
    http_response_remove(&response, SLICE("b"));
    expect_names(&response, "");
}

static void a_full_one_stays_as_it_is(void **state)
{
    (void)state;
    struct http_response response;
    http_response_init(&response, 200);
    for (unsigned i = 0; i < HTTP_RESPONSE_FIELDS_MAX; i++)
        http_response_add(&response, SLICE("A"), SLICE("1"));
    http_response_add(&response, SLICE("B"), SLICE("2"));
    assert_int_equal(response.field_count, HTTP_RESPONSE_FIELDS_MAX);
    http_response_remove(&response, SLICE("B"));
    assert_int_equal(response.field_count, HTTP_RESPONSE_FIELDS_MAX);
    http_response_remove(&response, SLICE("a"));
    assert_int_equal(response.field_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_empty),
        cmocka_unit_test(adds_behind_and_removes_whatever_the_case),
        cmocka_unit_test(a_full_one_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
