/* The error log's sink: what lines look like, with and without a loop, and where they go. */
#include "../test.h"

#include "log/counters.h"
#include "log/log_file.h"
#include "loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char *read_from(int fd)
{
    static char text[8192];
    ssize_t length = read(fd, text, sizeof(text) - 1);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

static const char *read_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    const char *text = read_from(fd);
    close(fd);
    return text;
}

static void assert_timed_line(const char *line, const char *expected)
{
    struct tm tm;
    const char *rest = strptime(line, "%Y-%m-%dT%H:%M:%SZ ", &tm);
    assert_non_null(rest);
    assert_true(labs((long)(timegm(&tm) - time(NULL))) < 5);
    assert_string_equal(rest, expected);
}

static void make_path(char path[static 32])
{
    strcpy(path, "/tmp/vif-test-XXXXXX");
    close(mkstemp(path));
}

static void writes_directly_without_a_loop(void **state)
{
    (void)state;
    char path[32];
    struct log_file file;
    make_path(path);
    assert_int_equal(log_file_open(&file, slice_from(path), LOG_LEVEL_WARNING), 0);
    file.echoes = false;
    log_info(&file.log, "not this");
    log_warning(&file.log, "this %d", 17);
    log_file_close(&file);
    assert_timed_line(read_file(path), "warning this 17\n");
    unlink(path);
}

static void writes_through_a_loop(void **state)
{
    (void)state;
    char path[32];
    struct log_file file;
    struct loop *loop;
    struct counters counters = {0};
    make_path(path);
    assert_int_equal(log_file_open(&file, slice_from(path), LOG_LEVEL_DEBUG), 0);
    assert_int_equal(loop_create(&(struct loop_options){0}, &loop), 0);
    assert_int_equal(log_file_attach(&file, loop, &counters), 0);
    log_debug(&file.log, "one");
    assert_string_equal(read_file(path), "");
    log_file_detach(&file);
    assert_timed_line(read_file(path), "debug one\n");
    loop_destroy(loop);
    log_file_close(&file);
    unlink(path);
}

static void opens_anew(void **state)
{
    (void)state;
    char path[32], moved[40];
    struct log_file file;
    struct loop *loop;
    struct counters counters = {0};
    make_path(path);
    snprintf(moved, sizeof(moved), "%s.1", path);
    assert_int_equal(log_file_open(&file, slice_from(path), LOG_LEVEL_INFO), 0);
    file.echoes = false;
    log_info(&file.log, "one");
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(log_file_reopen(&file), 0);
    log_info(&file.log, "two");
    assert_timed_line(read_file(moved), "info one\n");
    assert_timed_line(read_file(path), "info two\n");

    /* And so while a loop has it. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(loop_create(&(struct loop_options){0}, &loop), 0);
    assert_int_equal(log_file_attach(&file, loop, &counters), 0);
    assert_int_equal(log_file_reopen(&file), 0);
    log_info(&file.log, "three");
    log_file_detach(&file);
    assert_timed_line(read_file(path), "info three\n");
    loop_destroy(loop);
    log_file_close(&file);
    unlink(path);
    unlink(moved);
}

static void reports_what_cannot_be_opened(void **state)
{
    (void)state;
    struct log_file file;
    assert_int_equal(log_file_open(&file, SLICE("/nonexistent/log"), LOG_LEVEL_INFO), -ENOENT);
    assert_int_equal(log_file_open(&file, SLICE("/tmp"), LOG_LEVEL_INFO), -EISDIR);
}

/* All that was written to a terminal whose other end is closed: it may come in pieces. */
static const char *read_terminal(int master)
{
    static char text[8192];
    size_t length = 0;
    for (ssize_t got; (got = read(master, text + length, sizeof(text) - 1 - length)) > 0;)
        length += (size_t)got;
    assert_int_equal(errno, EIO); /* how a terminal says that its end is reached */
    text[length] = '\0';
    return text;
}

/* Lines of `log_file` on a terminal that stands in for standard error. */
static const char *lines_on_terminal(const char *no_color)
{
    int master, terminal, before = dup(STDERR_FILENO);
    struct log_file file;
    if (no_color)
        setenv("NO_COLOR", no_color, 1);
    else
        unsetenv("NO_COLOR");
    assert_int_equal(openpty(&master, &terminal, NULL, NULL, NULL), 0);
    dup2(terminal, STDERR_FILENO);
    assert_int_equal(log_file_open(&file, SLICE("-"), LOG_LEVEL_INFO), 0);
    dup2(before, STDERR_FILENO);
    log_error(&file.log, "bad \033[2J");
    log_info(&file.log, "good");
    log_file_close(&file);
    close(terminal);
    const char *text = read_terminal(master);
    close(master);
    close(before);
    return text;
}

static void is_friendly_on_a_terminal(void **state)
{
    (void)state;
    assert_string_equal(lines_on_terminal(NULL), "\033[1;31merror:\033[0m bad ?[2J\r\ngood\r\n");
    assert_string_equal(lines_on_terminal(""), "\033[1;31merror:\033[0m bad ?[2J\r\ngood\r\n");
    assert_string_equal(lines_on_terminal("1"), "error: bad ?[2J\r\ngood\r\n");
}

/* A pipe that nobody reads, as standard error: direct lines are lost then, not waited for. */
static void does_not_wait_for_a_full_pipe(void **state)
{
    (void)state;
    int fds[2], before = dup(STDERR_FILENO);
    struct log_file file;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    dup2(fds[1], STDERR_FILENO);
    assert_int_equal(log_file_open(&file, SLICE("-"), LOG_LEVEL_INFO), 0);
    dup2(before, STDERR_FILENO);
    for (int i = 0; i < 10000; i++)
        log_info(&file.log, "a line that is not very long");
    log_file_close(&file);
    close(fds[0]);
    close(fds[1]);
    close(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_directly_without_a_loop),
        cmocka_unit_test(writes_through_a_loop),
        cmocka_unit_test(opens_anew),
        cmocka_unit_test(reports_what_cannot_be_opened),
        cmocka_unit_test(is_friendly_on_a_terminal),
        cmocka_unit_test(does_not_wait_for_a_full_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
