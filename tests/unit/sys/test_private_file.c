/* Whole files read and written: who may read them, and what is left behind. */
#include "tests/unit/tree_builder.h"

#include "sys/private_file.h"

#include <errno.h>

static char path_text[128];

static const char *path_in(const struct tree *tree, const char *name)
{
    snprintf(path_text, sizeof(path_text), "%s/%s", tree->path, name);
    return path_text;
}

static void expect_file(const char *path, const char *text, unsigned mode)
{
    struct buffer out;
    struct file_status status;
    buffer_init(&out, 100);
    assert_int_equal(sys_read_private_file(path, &out, &status), 0);
    assert_slice(buffer_slice(&out), text);
    assert_int_equal(status.mode & 07777, mode);
    buffer_finish(&out);
}

static void writes_all_or_nothing_with_its_mode(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    mode_t mask = umask(0);
    const char *path = path_in(&tree, "key");
    assert_int_equal(sys_write_private_file(path, SLICE("secret"), PRIVATE_MODE_OWNER), 0);
    expect_file(path, "secret", 0600);
    umask(077);
    assert_int_equal(sys_write_private_file(path, SLICE("known"), PRIVATE_MODE_ALL), 0);
    expect_file(path, "known", 0644);
    umask(mask);
    /* A part that somebody else may read is not written into. */
    int fd = openat(tree.fd, "key.part", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    assert_true(fd >= 0);
    assert_int_equal(sys_write_private_file(path, SLICE("secret"), PRIVATE_MODE_OWNER), 0);
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, 0);
    close(fd);
    expect_file(path, "secret", 0600);
    assert_int_equal(sys_remove_file(path), 0);
    assert_int_equal(sys_remove_file(path), -ENOENT);
    tree_add_folder(&tree, "key");
    assert_int_equal(sys_write_private_file(path, SLICE("x"), PRIVATE_MODE_OWNER), -EISDIR);
    assert_int_equal(access(path_in(&tree, "key.part"), F_OK), -1);
    tree_finish(&tree);
}

static void reads_regular_files_within_a_bound(void **state)
{
    (void)state;
    struct tree tree;
    struct buffer out;
    struct file_status status;
    tree_init(&tree);
    buffer_init(&out, 100);
    assert_int_equal(sys_read_private_file(tree.path, &out, &status), -EISDIR);
    assert_int_equal(sys_read_private_file(path_in(&tree, "none"), &out, &status), -ENOENT);
    assert_int_equal(mkfifoat(tree.fd, "fifo", 0600), 0);
    assert_int_equal(sys_read_private_file(path_in(&tree, "fifo"), &out, &status), -EINVAL);
    tree_add_file(&tree, "fits", 99, 0);
    tree_add_file(&tree, "long", 101, 0);
    assert_int_equal(sys_read_private_file(path_in(&tree, "long"), &out, &status), -EFBIG);
    buffer_clear(&out);
    assert_int_equal(sys_read_private_file(path_in(&tree, "fits"), &out, &status), 0);
    assert_int_equal(out.length, 99);
    buffer_finish(&out);
    tree_finish(&tree);
}

static void makes_folders(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    assert_int_equal(sys_make_private_folder(path_in(&tree, "a/b/c")), 0);
    assert_int_equal(sys_make_private_folder(path_in(&tree, "a/b/c")), 0);
    struct file_status status;
    assert_int_equal(sys_path_status(path_in(&tree, "a/b/c"), &status), 0);
    assert_int_equal(status.mode, S_IFDIR | 0700);
    tree_add_file(&tree, "file", 0, 0);
    assert_int_equal(sys_make_private_folder(path_in(&tree, "file")), -ENOTDIR);
    assert_int_equal(sys_make_private_folder(path_in(&tree, "file/x")), -ENOTDIR);
    assert_int_equal(sys_make_private_folder(""), -ENOENT);
    tree_finish(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_all_or_nothing_with_its_mode),
        cmocka_unit_test(reads_regular_files_within_a_bound),
        cmocka_unit_test(makes_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
