/* Renaming without replacing anything, on file systems that do not know how. */
#include "../test.h"

#include "sys/old_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* What a file system answers; 0: what this one does. */
static int error_of_link, error_of_unlink;

int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_link(const char *from, const char *to);
int __real_link(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __real_unlink(const char *path);

int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    (void)from_fd, (void)from, (void)to_fd, (void)to, (void)flags;
    errno = EINVAL;
    return -1;
}

int __wrap_link(const char *from, const char *to)
{
    errno = error_of_link;
    return error_of_link ? -1 : __real_link(from, to);
}

/* Only once. */
int __wrap_unlink(const char *path)
{
    errno = error_of_unlink;
    error_of_unlink = 0;
    return errno ? -1 : __real_unlink(path);
}

static void enter_a_folder(char folder[static 32])
{
    strcpy(folder, "/tmp/vif-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    close(open("one", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void leave(const char *folder)
{
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void renames_by_a_hard_link(void **state)
{
    (void)state;
    char folder[32];
    enter_a_folder(folder);
    error_of_link = 0;
    assert_int_equal(sys_rename_new("one", "two"), 0);
    assert_int_equal(access("one", F_OK), -1);
    close(open("one", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_int_equal(sys_rename_new("one", "two"), -EEXIST);
    assert_int_equal(unlink("one"), 0);
    assert_int_equal(unlink("two"), 0);
    leave(folder);
}

static void renames_without_hard_links(void **state)
{
    (void)state;
    char folder[32];
    const int errors[] = {EPERM, EOPNOTSUPP, ENOSYS};
    enter_a_folder(folder);
    TABLE_ROWS(i, errors, strerror(errors[i])) {
        error_of_link = errors[i];
        assert_int_equal(sys_rename_new("one", "two"), 0);
        assert_int_equal(symlink("nowhere", "one"), 0);
        assert_int_equal(sys_rename_new("two", "one"), -EEXIST);
        assert_int_equal(unlink("one"), 0);
        assert_int_equal(sys_rename_new("two", "one"), 0);
    }
    error_of_link = EACCES;
    assert_int_equal(sys_rename_new("one", "two"), -EACCES);
    assert_int_equal(unlink("one"), 0);
    leave(folder);
}

static void has_one_name_if_the_former_one_cannot_be_removed(void **state)
{
    (void)state;
    char folder[32];
    enter_a_folder(folder);
    error_of_link = 0;
    error_of_unlink = EACCES;
    assert_int_equal(sys_rename_new("one", "two"), -EACCES);
    assert_int_equal(access("two", F_OK), -1);
    assert_int_equal(unlink("one"), 0);
    leave(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renames_by_a_hard_link),
        cmocka_unit_test(renames_without_hard_links),
        cmocka_unit_test(has_one_name_if_the_former_one_cannot_be_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
