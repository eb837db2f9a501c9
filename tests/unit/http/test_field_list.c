/* List headers: lines, empty elements, quoted strings with and without an end. */
#include "../test.h"

#include "base/buffer.h"
#include "http/field_list.h"
#include "request_builder.h"

/* The elements of all Accept lines, each in brackets. */
static void show(const struct http_request *request, struct buffer *out)
{
    struct http_field_list list = http_request_list(request, HTTP_FIELD_ACCEPT);
    struct slice element;
    while (http_field_list_next(&list, &element))
        buffer_printf(out, "[%.*s]", SLICE_ARGS(element));
    /* It stays at its end. */
    assert_false(http_field_list_next(&list, &element));
}

static void elements(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *expected;
    } cases[] = {
        {"", ""},
        {"Accept:", ""},
        {"Accept: , ,\t,", ""},
        {"Accept: a", "[a]"},
        {"Accept: ,a,, b\t,", "[a][b]"},
        {"Accept: a\nAccept: b, c\nAccept:\nAccept: d", "[a][b][c][d]"},
        {"Range: x\nAccept: a\nRange: y\nX: z\nAccept: b\nRange: z", "[a][b]"},
        {"Accept: a b;c, d", "[a b;c][d]"},
        {"Accept: a=\"b,c\", d", "[a=\"b,c\"][d]"},
        {"Accept: \"\",\",\"", "[\"\"][\",\"]"},
        {"Accept: \"a\\\",b\",c", "[\"a\\\",b\"][c]"},
        {"Accept: \"a\\\\\",b", "[\"a\\\\\"][b]"},
        {"Accept: a\\,b", "[a\\][b]"}, /* a backslash means something in quotes only */
        {"Accept: a,\"b, c\nAccept: d", "[a][\"b, c][d]"},
        {"Accept: \"a,\\\nAccept: b", "[\"a,\\][b]"},
    };
    TABLE_ROWS(i, cases, cases[i].lines) {
        struct http_request request = {0};
        struct buffer shown;
        buffer_init(&shown, 1000);
        request_add_lines(&request, slice_from(cases[i].lines));
        show(&request, &shown);
        if (!slice_equal(buffer_slice(&shown), slice_from(cases[i].expected)))
            fail_msg("%s gave %.*s", cases[i].lines, SLICE_ARGS(buffer_slice(&shown)));
        buffer_finish(&shown);
        request_free(&request);
    }
}

static void membership(void **state)
{
    (void)state;
    struct http_request request = {0};
    request_add_lines(&request, SLICE("Connection: a, B\nExpect: d\nConnection: \"c\""));
    struct http_field_list list = http_request_list(&request, HTTP_FIELD_CONNECTION);
    assert_true(http_field_list_has(list, SLICE("a")));
    assert_true(http_field_list_has(list, SLICE("b")));
    assert_true(http_field_list_has(list, SLICE("\"c\"")));
    assert_false(http_field_list_has(list, SLICE("c")));
    assert_false(http_field_list_has(list, SLICE("d")));
    assert_false(http_field_list_has(list, SLICE("")));
    assert_false(http_field_list_has(http_request_list(&request, HTTP_FIELD_ACCEPT), SLICE("a")));
    request_free(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements),
        cmocka_unit_test(membership),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
