/* Whole files written anew: all of it or none, and nothing left beside. */
#include "tests/unit/test.h"
#include "tests/unit/tree_builder.h"

#include "sys/replace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void expect_content(const char *path, const char *wanted)
{
    char text[64] = "";
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    assert_string_equal(text, wanted);
}

static void replaces_all_or_nothing(void **state)
{
    (void)state;
    char folder[] = "/tmp/vif-replace-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64], part[80];
    snprintf(path, sizeof(path), "%s/file", folder);
    snprintf(part, sizeof(part), "%s.part", path);
    assert_int_equal(sys_can_replace_file(path), 0);
    assert_int_not_equal(access(path, F_OK), 0); /* asking leaves nothing */
    assert_int_not_equal(access(part, F_OK), 0);
    assert_int_equal(sys_replace_file(path, SLICE("one")), 0);
    expect_content(path, "one");
    assert_int_equal(sys_replace_file(path, SLICE("two")), 0);
    expect_content(path, "two");
    assert_int_not_equal(access(part, F_OK), 0);
    unlink(path);
    mkdir(path, 0700);
    assert_int_equal(sys_can_replace_file(path), -EISDIR);
    assert_int_equal(sys_replace_file(path, SLICE("three")), -EISDIR);
    assert_int_not_equal(access(part, F_OK), 0);
    rmdir(path);
    rmdir(folder);
    assert_int_equal(sys_can_replace_file(path), -ENOENT);
    assert_int_equal(sys_replace_file(path, SLICE("four")), -ENOENT);
}

static void a_path_may_be_too_long(void **state)
{
    (void)state;
    char path[5000];
    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(sys_can_replace_file(path), -ENAMETOOLONG);
    assert_int_equal(sys_replace_file(path, SLICE("x")), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces_all_or_nothing),
        cmocka_unit_test(a_path_may_be_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
