/* Of the tests themselves: a row of a table that fails is named. */
#include "../test.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const names[] = {"one", "two", "three"};

static void the_second_fails(void **state)
{
    (void)state;
    TABLE_ROWS(i, names, names[i])
        assert_int_not_equal(i, 1);
}

static void all_pass(void **state)
{
    (void)state;
    size_t count = 0;
    TABLE_ROWS(i, names, names[i])
        count++;
    assert_int_equal(count, ARRAY_LENGTH(names));
}

static void fails_outside(void **state)
{
    all_pass(state);
    assert_true(false);
}

/* What a run of that test alone prints. */
static void run_and_read(const struct CMUnitTest *test, char *out, size_t size)
{
    int ends[2];
    size_t length = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        const struct CMUnitTest tests[] = {*test};
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        _exit(cmocka_run_group_tests(tests, NULL, NULL));
    }
    close(ends[1]);
    for (ssize_t count; (count = read(ends[0], out + length, size - 1 - length)) > 0;)
        length += (size_t)count;
    out[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_failing_row_names_itself(void **state)
{
    (void)state;
    static char text[8192];
    run_and_read(&(struct CMUnitTest)cmocka_unit_test(the_second_fails), text, sizeof(text));
    assert_non_null(strstr(text, "[  ROW     ] 1, two\n"));
    run_and_read(&(struct CMUnitTest)cmocka_unit_test(all_pass), text, sizeof(text));
    assert_null(strstr(text, "ROW"));
    run_and_read(&(struct CMUnitTest)cmocka_unit_test(fails_outside), text, sizeof(text));
    assert_null(strstr(text, "ROW"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failing_row_names_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
