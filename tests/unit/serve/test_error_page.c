/* Error pages: each says what happened, and all fit. */
#include "../test.h"

#include "serve/error_page.h"

#include <stdio.h>

static void expect_part(struct slice text, const char *part)
{
    if (memmem(text.data, text.length, part, strlen(part)) == NULL)
        fail_msg("no %s\nin %.*s", part, SLICE_ARGS(text));
}

static void every_status_has_a_page_that_fits(void **state)
{
    (void)state;
    for (int status = 400; status <= 599; status++) {
        struct buffer buffer;
        buffer_init(&buffer, ERROR_PAGE_BYTES_MAX);
        error_page_make(status, NULL, ERROR_PAGE_HTML, &buffer);
        assert_false(buffer.failed);
        char title[32];
        snprintf(title, sizeof(title), "<title>%d ", status);
        expect_part(buffer_slice(&buffer), title);
        assert_null(memmem(buffer.data, buffer.length, "{{", 2));
        buffer_finish(&buffer);
    }
}

static void usual_ones_say_what_they_mean(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *parts[3];
    } cases[] = {
        {404, {"<title>404 Not Found</title>", "<h1>Not Found</h1>", "There is nothing at this address."}},
        {503, {"<title>503 Service Unavailable</title>", "<p class=\"status\">503</p>", "try again"}},
        {418, {"<title>418 Error</title>", "<h1>Error</h1>", "cannot answer this request"}},
        {599, {"<title>599 Error</title>", "<h1>Error</h1>", "not your fault"}},
    };
    TABLE_ROWS(i, cases, cases[i].parts[0]) {
        struct buffer buffer;
        buffer_init(&buffer, ERROR_PAGE_BYTES_MAX);
        error_page_make(cases[i].status, NULL, ERROR_PAGE_HTML, &buffer);
        for (size_t part = 0; part < ARRAY_LENGTH(cases[i].parts); part++)
            expect_part(buffer_slice(&buffer), cases[i].parts[part]);
        buffer_finish(&buffer);
    }
    expect_part(error_page_security_policy(), "default-src 'none'; style-src 'sha256-");
}

static void json_says_the_same(void **state)
{
    (void)state;
    for (int status = 400; status <= 599; status++) {
        struct buffer buffer;
        char begin[32];
        buffer_init(&buffer, ERROR_PAGE_BYTES_MAX);
        error_page_make(status, NULL, ERROR_PAGE_JSON, &buffer);
        assert_false(buffer.failed);
        snprintf(begin, sizeof(begin), "{\"status\":%d,\"title\":\"", status);
        assert_true(slice_starts_with(buffer_slice(&buffer), slice_from(begin)));
        assert_true(slice_ends_with(buffer_slice(&buffer), SLICE("\"}\n")));
        buffer_finish(&buffer);
    }
    struct buffer buffer;
    buffer_init(&buffer, ERROR_PAGE_BYTES_MAX);
    error_page_make(404, NULL, ERROR_PAGE_JSON, &buffer);
    assert_slice(
        buffer_slice(&buffer),
        "{\"status\":404,\"title\":\"Not Found\",\"detail\":\"There is nothing at this address. It may have "
        "been moved, or mistyped.\"}\n");
    buffer_finish(&buffer);
}

static void a_reason_stands_for_the_general_sentence(void **state)
{
    (void)state;
    for (enum error_page_format format = 0; format < ERROR_PAGE_FORMAT_COUNT; format++) {
        struct buffer buffer;
        buffer_init(&buffer, ERROR_PAGE_BYTES_MAX);
        error_page_make(403, "Try the \"other\" door.", format, &buffer);
        expect_part(buffer_slice(&buffer),
                    format == ERROR_PAGE_JSON ? "\"detail\":\"Try the \\\"other\\\" door.\"" : "other");
        assert_null(memmem(buffer.data, buffer.length, "not for you", strlen("not for you")));
        buffer_finish(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_page_that_fits),
        cmocka_unit_test(usual_ones_say_what_they_mean),
        cmocka_unit_test(json_says_the_same),
        cmocka_unit_test(a_reason_stands_for_the_general_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
