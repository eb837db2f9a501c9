/* Lines at the end of a file that several processes write, on a disk without room for all of them: the limit
 * on the size of files stands in for it. */
#include "../test.h"

#include "sys/append.h"
#include "sys/clock.h"
#include "sys/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRITERS    4
#define LINES_EACH 100

static char path[32];

static int begin(void **state)
{
    (void)state;
    strcpy(path, "/tmp/vif-test-XXXXXX");
    close(mkstemp(path));
    return 0;
}

static void set_size_max(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int end(void **state)
{
    (void)state;
    set_size_max(RLIM_INFINITY);
    return unlink(path);
}

static int open_log(void)
{
    int fd = sys_open_for_append(path);
    assert_true(fd >= 0);
    return fd;
}

static ssize_t append_lines(int fd, struct slice lines)
{
    return sys_append_lines(fd, lines, 1000);
}

static const char *content(void)
{
    static char text[1 << 20];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, text, sizeof(text) - 1);
    assert_in_range(length, 0, sizeof(text) - 2);
    text[length] = '\0';
    close(fd);
    return text;
}

static void what_does_not_fit_is_not_begun(void **state)
{
    (void)state;
    int fd = open_log();
    set_size_max(10);
    assert_int_equal(append_lines(fd, SLICE("one\ntwo\nthree\n")), 8);
    assert_string_equal(content(), "one\ntwo\n");
    assert_int_equal(append_lines(fd, SLICE("three\n")), -EFBIG);
    assert_string_equal(content(), "one\ntwo\n");
    /* There is room again. */
    set_size_max(RLIM_INFINITY);
    assert_int_equal(append_lines(fd, SLICE("three\n")), 6);
    assert_string_equal(content(), "one\ntwo\nthree\n");
    close(fd);
}

/* A shorter line of another one fits, and follows a complete line. */
static void the_room_is_for_whoever_fits(void **state)
{
    (void)state;
    int first = open_log(), second = open_log();
    set_size_max(10);
    assert_int_equal(append_lines(first, SLICE("a long line\n")), -EFBIG);
    assert_int_equal(append_lines(second, SLICE("short\n")), 6);
    assert_string_equal(content(), "short\n");
    close(first);
    close(second);
}

/* The lock of a process that does not go on: its lines are not the only ones that count. */
static void a_lock_that_stays_is_not_waited_for(void **state)
{
    (void)state;
    int holder = open_log(), fd = open_log();
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    assert_int_equal(fcntl(holder, F_OFD_SETLK, &lock), 0);
    assert_int_equal(append_lines(fd, SLICE("one\n")), 4);
    /* What it is about to remove may be another one's, so a part of a line stays. */
    set_size_max(10);
    assert_int_equal(append_lines(fd, SLICE("a long line\n")), 6);
    assert_string_equal(content(), "one\na long");
    close(holder);
    set_size_max(RLIM_INFINITY);
    assert_int_equal(append_lines(fd, SLICE("\n")),
                     1); /* it is free again: the next one would be waited for */
    close(fd);
}

/* Even a reader can lock the file. */
static void a_lock_that_stays_is_waited_for_once(void **state)
{
    enum { LINES = 20, WAIT_MS = 500 };
    (void)state;
    int holder = open(path, O_RDONLY | O_CLOEXEC), fd = open_log();
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    assert_int_equal(fcntl(holder, F_OFD_SETLK, &lock), 0);
    uint64_t began_ms = sys_monotonic_ms();
    for (int i = 0; i < LINES; i++)
        assert_int_equal(sys_append_lines(fd, SLICE("one\n"), WAIT_MS), 4);
    assert_in_range(sys_monotonic_ms() - began_ms, WAIT_MS, LINES * WAIT_MS / 2);
    close(holder);
    assert_int_equal(append_lines(fd, SLICE("two\n")), 4);
    close(fd);
}

/* Others who write there know of no lock. */
static void what_is_standard_error_is_not_shortened(void **state)
{
    (void)state;
    int before = dup(STDERR_FILENO), fd = open_log();
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    set_size_max(10);
    ssize_t written = append_lines(fd, SLICE("one\na long line\n"));
    dup2(before, STDERR_FILENO);
    close(before);
    close(fd);
    assert_int_equal(written, 10);
    assert_string_equal(content(), "one\na long");
}

/* Lines of different lengths, one or several at a time, also when there is no more room. */
static void write_lines(int number)
{
    int fd = open_log();
    unsigned seed = (unsigned)number;
    for (int i = 0; i < LINES_EACH; i++) {
        char lines[1024];
        size_t length = 0;
        for (int more = rand_r(&seed) % 3; more >= 0; more--)
            length += (size_t)sprintf(
                lines + length, "<%d %.*s>\n", number, rand_r(&seed) % 200,
                "................................................................................"
                "................................................................................"
                "........................................");
        ssize_t written = append_lines(fd, slice_make(lines, length));
        if (written < 0 && written != -EFBIG)
            _exit(1);
    }
    _exit(0);
}

static void assert_all_complete(void)
{
    for (const char *line = content(); *line;) {
        const char *line_end = strchr(line, '\n');
        assert_non_null(line_end);
        assert_true(line[0] == '<' && line_end[-1] == '>');
        assert_null(memchr(line + 1, '<', (size_t)(line_end - line - 1)));
        line = line_end + 1;
    }
}

static void many_write_and_no_line_is_torn(void **state)
{
    (void)state;
    for (rlim_t size_max = 5000; size_max < 5006; size_max++) {
        pid_t writers[WRITERS];
        assert_int_equal(truncate(path, 0), 0);
        set_size_max(size_max);
        for (int i = 0; i < WRITERS; i++) {
            writers[i] = fork();
            if (writers[i] == 0)
                write_lines(i);
        }
        for (int i = 0; i < WRITERS; i++) {
            int status;
            assert_int_equal(waitpid(writers[i], &status, 0), writers[i]);
            assert_int_equal(status, 0);
        }
        assert_all_complete();
        assert_true(strlen(content()) > 4000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_not_begun, begin, end),
        cmocka_unit_test_setup_teardown(the_room_is_for_whoever_fits, begin, end),
        cmocka_unit_test_setup_teardown(a_lock_that_stays_is_not_waited_for, begin, end),
        cmocka_unit_test_setup_teardown(a_lock_that_stays_is_waited_for_once, begin, end),
        cmocka_unit_test_setup_teardown(what_is_standard_error_is_not_shortened, begin, end),
        cmocka_unit_test_setup_teardown(many_write_and_no_line_is_torn, begin, end),
    };
    signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
