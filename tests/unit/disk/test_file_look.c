/* What is known of a path is compared with what it leads to: every change is noticed, whatever was done to
 * hide it, and nothing else is taken for one. */
#include "tests/unit/tree_builder.h"

#include "disk/file_look.h"

#include <errno.h>

#define LONG_AGO 1000000000

struct ground {
    struct tree tree;
    struct root root;
};

static void ground_init(struct ground *ground)
{
    tree_init(&ground->tree);
    ground->root = (struct root){.fd = ground->tree.fd, .is_local = true};
}

static struct file_request request_for(struct ground *ground, const char *path, enum http_coding coding)
{
    return (struct file_request){
        .root = &ground->root,
        .reach = {.root_fd = ground->tree.fd, .root_path = ground->tree.path},
        .path = slice_from(path),
        .coding = coding,
        .memory_max = 65536,
        .stays_on_fs = true,
    };
}

static struct file *open_coding(struct ground *ground, const char *path, enum http_coding coding)
{
    struct file_request request = request_for(ground, path, coding);
    struct file *file;
    assert_int_equal(file_open(&request, &file), 0);
    return file;
}

static int again(struct ground *ground, const struct file *file)
{
    struct file_request request = request_for(ground, file->path, (enum http_coding)file->coding);
    return file_look_again(&request, file);
}

static void write_text(struct ground *ground, const char *name, const char *text)
{
    int fd = openat(ground->tree.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* ---- what is done to a file ---- */

static void write_in_place(struct ground *ground, const char *name)
{
    write_text(ground, name, "new");
}

static void write_with_the_time_put_back(struct ground *ground, const char *name)
{
    write_text(ground, name, "new");
    tree_date(&ground->tree, name, LONG_AGO);
}

static void replace_with_the_same_time(struct ground *ground, const char *name)
{
    write_text(ground, "other", "new");
    tree_date(&ground->tree, "other", LONG_AGO);
    assert_int_equal(renameat(ground->tree.fd, "other", ground->tree.fd, name), 0);
}

static void append(struct ground *ground, const char *name)
{
    write_text(ground, name, "old, and more");
    tree_date(&ground->tree, name, LONG_AGO);
}

static void date(struct ground *ground, const char *name)
{
    tree_date(&ground->tree, name, LONG_AGO + 1);
}

static void allow(struct ground *ground, const char *name)
{
    assert_int_equal(fchmodat(ground->tree.fd, name, 0640, 0), 0);
}

static void unlink_it(struct ground *ground, const char *name)
{
    assert_int_equal(unlinkat(ground->tree.fd, name, 0), 0);
}

static void make_folder_of_it(struct ground *ground, const char *name)
{
    unlink_it(ground, name);
    tree_add_folder(&ground->tree, name);
}

static void write_by_another_name(struct ground *ground, const char *name)
{
    assert_int_equal(linkat(ground->tree.fd, name, ground->tree.fd, "other", 0), 0);
    write_with_the_time_put_back(ground, "other");
}

static void every_change_of_a_file_is_noticed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*change)(struct ground *ground, const char *name);
    } changes[] = {
        {"write in place", write_in_place},
        {"write, the time put back", write_with_the_time_put_back},
        {"replace, the same time", replace_with_the_same_time},
        {"append, the time put back", append},
        {"another time", date},
        {"other permissions", allow},
        {"gone", unlink_it},
        {"a folder now", make_folder_of_it},
        {"write by another name, the time put back", write_by_another_name},
    };
    TABLE_ROWS(i, changes, changes[i].name) {
        for (int by_link = 0; by_link < 2; by_link++) {
            struct ground ground;
            ground_init(&ground);
            write_text(&ground, "file", "old");
            tree_date(&ground.tree, "file", LONG_AGO);
            tree_add_link(&ground.tree, "link", "file");
            struct file *file = open_coding(&ground, by_link ? "link" : "file", HTTP_CODING_IDENTITY);
            assert_int_equal(again(&ground, file), 1);
            tree_wait_for_tick();
            changes[i].change(&ground, "file");
            if (again(&ground, file) != 0)
                fail_msg("not noticed: %s%s", changes[i].name, by_link ? ", by a link" : "");
            file_unref(file);
            tree_finish(&ground.tree);
        }
    }
}

static void what_is_no_change(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground);
    tree_add_folder(&ground.tree, "folder");
    write_text(&ground, "file", "x");
    write_text(&ground, "file.gz", "xx");
    struct file *folder = open_coding(&ground, "folder", HTTP_CODING_IDENTITY);
    struct file *file = open_coding(&ground, "file", HTTP_CODING_IDENTITY);
    struct file *coded = open_coding(&ground, "file", HTTP_CODING_GZIP);
    struct file *absent = open_coding(&ground, "folder/nothing", HTTP_CODING_IDENTITY);
    struct file *below = open_coding(&ground, "file/nothing", HTTP_CODING_IDENTITY);
    write_text(&ground, "folder/new", "x");
    assert_int_equal(again(&ground, folder), 1);
    assert_int_equal(again(&ground, file), 1);
    assert_int_equal(again(&ground, coded), 1);
    assert_int_equal(again(&ground, absent), 1);
    assert_int_equal(again(&ground, below), 1);
    unlink_it(&ground, "file.gz");
    assert_int_equal(again(&ground, file), 1);
    assert_int_equal(again(&ground, coded), 0);
    write_text(&ground, "folder/nothing", "");
    assert_int_equal(again(&ground, absent), 0);
    file_unref(folder);
    file_unref(file);
    file_unref(coded);
    file_unref(absent);
    file_unref(below);
    tree_finish(&ground.tree);
}

static void links_lead_elsewhere(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground);
    write_text(&ground, "one", "1");
    write_text(&ground, "two", "2");
    tree_add_link(&ground.tree, "link", "one");
    tree_add_link(&ground.tree, "dangling", "nothing");
    struct file *file = open_coding(&ground, "link", HTTP_CODING_IDENTITY);
    struct file *dangling = open_coding(&ground, "dangling", HTTP_CODING_IDENTITY);
    assert_true(file->follows_link);
    assert_int_equal(again(&ground, file), 1);
    assert_int_equal(again(&ground, dangling), 1);
    unlink_it(&ground, "link");
    tree_add_link(&ground.tree, "link", "two");
    assert_int_equal(again(&ground, file), 0);
    write_text(&ground, "nothing", "something");
    assert_int_equal(again(&ground, dangling), 0);
    /* Out of the root; whether that is another file system is not found out here. */
    unlink_it(&ground, "link");
    tree_add_link(&ground.tree, "link", "../..");
    assert_int_equal(again(&ground, file), -EREMOTE);
    file_unref(file);
    file_unref(dangling);
    tree_finish(&ground.tree);
}

/* The file system that has been mounted over it in between: it is not absent, but found out elsewhere. */
static void what_lies_beyond_a_mount_is_not_absent(void **state)
{
    (void)state;
    int fd = open("/", O_PATH | O_CLOEXEC);
    assert_true(fd >= 0);
    struct root root = {.fd = fd, .is_local = true};
    struct file_request request = {.root = &root,
                                   .reach = {.root_fd = fd, .root_path = "/"},
                                   .path = SLICE("proc/version"),
                                   .stays_on_fs = true};
    struct file_look look;
    assert_int_equal(file_look(&request, "proc/version", &look, NULL), -EREMOTE);
    assert_int_equal(file_look_open(&request, "proc/version", false), -EREMOTE);
    close(fd);
}

/* Permission to read is not asked for again: whoever changes it leaves a trace. */
static void a_file_that_must_not_be_read(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground);
    assert_int_equal(mkfifoat(ground.tree.fd, "fifo", 0644), 0);
    struct file *file = open_coding(&ground, "fifo", HTTP_CODING_IDENTITY);
    assert_int_equal(file->kind, FILE_FORBIDDEN);
    assert_int_equal(again(&ground, file), 1);
    unlink_it(&ground, "fifo");
    write_text(&ground, "fifo", "x");
    assert_int_equal(again(&ground, file), 0);
    file_unref(file);
    tree_finish(&ground.tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_of_a_file_is_noticed),
        cmocka_unit_test(what_is_no_change),
        cmocka_unit_test(links_lead_elsewhere),
        cmocka_unit_test(what_lies_beyond_a_mount_is_not_absent),
        cmocka_unit_test(a_file_that_must_not_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
