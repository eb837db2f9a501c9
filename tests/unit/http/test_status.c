/* Status lines of every code there is and of those there are not. */
#include "../test.h"

#include "http/status.h"

#include <stdio.h>
#include <stdlib.h>

static void every_code_has_its_line(void **state)
{
    (void)state;
    unsigned registered = 0;
    for (int status = 100; status <= 999; status++) {
        struct slice reason = http_status_reason(status);
        char expected[128];
        snprintf(expected, sizeof(expected), "HTTP/1.1 %d %.*s\r\n", status, SLICE_ARGS(reason));
        char *line = malloc(HTTP_STATUS_LINE_MAX);
        size_t length = http_status_line(line, status);
        assert_slice(slice_make(line, length), expected);
        free(line);
        registered += reason.length > 0;
    }
    assert_true(registered > 40);
    assert_slice(http_status_reason(200), "OK");
    assert_slice(http_status_reason(431), "Request Header Fields Too Large");
    assert_int_equal(http_status_reason(299).length, 0);
    assert_int_equal(http_status_reason(0).length, 0);
    assert_int_equal(http_status_reason(-1).length, 0);
}

static void who_has_no_content(void **state)
{
    (void)state;
    for (int status = 100; status <= 599; status++) {
        bool expected = status < 200 || status == 204 || status == 304;
        assert_int_equal(http_status_has_no_content(status), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_line),
        cmocka_unit_test(who_has_no_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
