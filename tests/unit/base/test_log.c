/* Log lines: which are made, how long they get, and what bytes from outside turn into. */
#include "../test.h"

#include "base/log.h"

#include <stdlib.h>

static char last[4096];
static unsigned written;
static enum log_level last_level;

static void write_line(struct log *log, enum log_level level, struct slice line)
{
    assert_non_null(log);
    assert_true(line.length < sizeof(last));
    memcpy(last, line.data, line.length);
    last[line.length] = '\0';
    last_level = level;
    written++;
}

static void lines_above_the_level_are_not_made(void **state)
{
    (void)state;
    for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
        struct log log = {.level = (enum log_level)level, .write = write_line};
        written = 0;
        log_error(&log, "%s %d", "line", 1);
        assert_int_equal(last_level, LOG_LEVEL_ERROR);
        assert_string_equal(last, "line 1");
        log_warning(&log, "x");
        log_info(&log, "x");
        log_debug(&log, "x");
        assert_int_equal(written, level + 1);
    }
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(log_level_name(LOG_LEVEL_ERROR), "error");
    assert_string_equal(log_level_name(LOG_LEVEL_WARNING), "warning");
    assert_string_equal(log_level_name(LOG_LEVEL_INFO), "info");
    assert_string_equal(log_level_name(LOG_LEVEL_DEBUG), "debug");
}

static void nothing_drives_a_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line;
    } cases[] = {
        {"", ""},
        {"plain ~", "plain ~"},
        {"a\nb\r\n", "a?b??"},
        {"\x1b[31m", "?[31m"},
        {"\x01\x1f\x7f\t", "????"},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xc2\x9b"
         "31m",
         "??31m"}, /* U+009B, CSI: an escape sequence's beginning in UTF-8 */
        {"\xc2\x80\xc2\x9f\xc2\xa0", "????\xc2\xa0"},
        {"\xc2", "\xc2"},
    };
    struct log log = {.level = LOG_LEVEL_INFO, .write = write_line};
    TABLE_ROWS(i, cases, cases[i].text) {
        log_info(&log, "%s", cases[i].text);
        assert_string_equal(last, cases[i].line);
    }
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    struct log log = {.level = LOG_LEVEL_INFO, .write = write_line};
    for (size_t length = 2040; length < 2060; length++) {
        char *text = malloc(length + 1);
        memset(text, 'x', length);
        text[length] = '\0';
        log_info(&log, "%s", text);
        assert_int_equal(strlen(last), MIN(length, (size_t)LOG_LINE_BYTES_MAX));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_above_the_level_are_not_made),
        cmocka_unit_test(names),
        cmocka_unit_test(nothing_drives_a_terminal),
        cmocka_unit_test(long_lines_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
