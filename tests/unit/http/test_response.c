/* The list of a response's fields. */
#include "../test.h"

#include "http/response.h"

#include <stdio.h>

static struct arena arena;

/* A response whose fields may take so many bytes. */
static void begin(struct http_response *response, int status, size_t bytes_max)
{
    arena_init(&arena, bytes_max);
    http_response_init(response, &arena);
    http_response_begin(response, status);
}

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
    begin(&response, 404, 0);
    assert_int_equal(response.status, 404);
    assert_int_equal(response.content_length, 0);
    assert_false(response.no_length);
    assert_int_equal(response.field_count, 0);
    http_response_begin(&response, 304);
    assert_true(response.no_length);
    http_response_begin(&response, 204);
    assert_true(response.no_length);
    assert_int_equal(arena.bytes, 0);
}

static void adds_behind_and_removes_whatever_the_case(void **state)
{
    (void)state;
    struct http_response response;
    begin(&response, 200, SIZE_MAX);
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
    arena_finish(&arena);
}

/* With a proxy, the one that is lost would be a Set-Cookie. */
static void there_is_room_for_any_number_of_fields(void **state)
{
    (void)state;
    struct http_response response;
    char numbers[1000][4];
    begin(&response, 200, SIZE_MAX);
    for (unsigned i = 0; i < ARRAY_LENGTH(numbers); i++) {
        int length = snprintf(numbers[i], sizeof(numbers[i]), "%u", i);
        http_response_add(&response, i % 2 ? SLICE("Set-Cookie") : SLICE("Other"),
                          slice_make(numbers[i], (size_t)length));
    }
    assert_false(response.lacks_fields);
    assert_int_equal(response.field_count, ARRAY_LENGTH(numbers));
    for (unsigned i = 0; i < ARRAY_LENGTH(numbers); i++)
        assert_ptr_equal(response.fields[i].value.data, numbers[i]);
    http_response_remove(&response, SLICE("set-cookie"));
    assert_int_equal(response.field_count, ARRAY_LENGTH(numbers) / 2);
    assert_ptr_equal(response.fields[499].value.data, numbers[998]);

    /* The next response has the same room. */
    size_t bytes = arena.bytes;
    http_response_begin(&response, 404);
    for (unsigned i = 0; i < ARRAY_LENGTH(numbers); i++)
        http_response_add(&response, SLICE("A"), SLICE("1"));
    assert_int_equal(response.field_count, ARRAY_LENGTH(numbers));
    assert_int_equal(arena.bytes, bytes);
    arena_finish(&arena);
}

static void without_memory_it_is_marked(void **state)
{
    (void)state;
    struct http_response response;
    begin(&response, 200, 100 * sizeof(struct http_response_field));
    unsigned count = 0;
    for (; !response.lacks_fields; count++) {
        assert_int_equal(response.field_count, count);
        http_response_add(&response, SLICE("A"), SLICE("1"));
        assert_true(count < 100);
    }
    assert_int_equal(response.field_count, count - 1);
    http_response_remove(&response, SLICE("A"));
    assert_true(response.lacks_fields);
    http_response_begin(&response, 503);
    assert_false(response.lacks_fields);
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_empty),
        cmocka_unit_test(adds_behind_and_removes_whatever_the_case),
        cmocka_unit_test(there_is_room_for_any_number_of_fields),
        cmocka_unit_test(without_memory_it_is_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
