/* The alarm is raised by every way in which tools replace a file, and by nothing else. */
#include "tests/unit/tree_builder.h"

#include "loop/wheel.h"
#include "server/file_alarm.h"

#include <stdio.h>

static struct {
    struct tree tree;
    struct loop *loop;
    struct file_alarm alarm;
    struct timer timer;
    unsigned raised;
} fixture;

static void on_change(struct file_alarm *alarm)
{
    assert_ptr_equal(alarm, &fixture.alarm);
    fixture.raised++;
}

static void on_time(struct timer *timer)
{
    (void)timer;
    loop_stop(fixture.loop);
}

static int prepare(void **state)
{
    (void)state;
    tree_init(&fixture.tree);
    assert_int_equal(loop_create(&(struct loop_options){0}, &fixture.loop), 0);
    file_alarm_begin(&fixture.alarm, fixture.loop, on_change);
    fixture.raised = 0;
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    file_alarm_stop(&fixture.alarm);
    file_alarm_finish(&fixture.alarm);
    loop_destroy(fixture.loop);
    tree_finish(&fixture.tree);
    return 0;
}

static const char *path_of(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", fixture.tree.path, name);
    return path;
}

static bool add(const char *name)
{
    return file_alarm_add(&fixture.alarm, path_of(name));
}

/* How often it was raised since the last call, by what has happened until now. */
static unsigned count_raised(void)
{
    unsigned before = fixture.raised;
    timer_init(&fixture.timer, on_time);
    wheel_arm(loop_wheel(fixture.loop), &fixture.timer, 10);
    assert_int_equal(loop_run(fixture.loop), 0);
    return fixture.raised - before;
}

static void rename_to(const char *from, const char *to)
{
    assert_int_equal(renameat(fixture.tree.fd, from, fixture.tree.fd, to), 0);
}

static void write_in_place(const char *name)
{
    int fd = openat(fixture.tree.fd, name, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static void raised_by_each_way_of_replacing(void **state)
{
    (void)state;
    tree_add_file(&fixture.tree, "site.pem", 10, 1000);
    assert_true(add("site.pem"));
    assert_int_equal(count_raised(), 0);
    write_in_place("site.pem");
    assert_true(count_raised() > 0);
    tree_add_file(&fixture.tree, "site.new", 10, 2000);
    assert_int_equal(count_raised(), 0);
    rename_to("site.new", "site.pem");
    assert_true(count_raised() > 0);
    assert_true(add("site.pem"));
    write_in_place("site.pem"); /* the new one is watched now */
    assert_true(count_raised() > 0);
    assert_int_equal(unlinkat(fixture.tree.fd, "site.pem", 0), 0);
    assert_true(count_raised() > 0);
    assert_false(add("site.pem"));
}

/* certbot: live/site.pem is a link to a file of the archive. */
static void raised_by_a_link_to_the_file(void **state)
{
    (void)state;
    tree_add_folder(&fixture.tree, "live");
    tree_add_folder(&fixture.tree, "archive");
    tree_add_file(&fixture.tree, "archive/site1.pem", 10, 1000);
    tree_add_file(&fixture.tree, "archive/site2.pem", 10, 1000);
    tree_add_link(&fixture.tree, "live/site.pem", "../archive/site1.pem");
    assert_true(add("live/site.pem"));
    assert_int_equal(count_raised(), 0);
    tree_add_link(&fixture.tree, "live/new", "../archive/site2.pem");
    rename_to("live/new", "live/site.pem");
    assert_true(count_raised() > 0);
    assert_true(add("live/site.pem"));
    assert_int_equal(unlinkat(fixture.tree.fd, "live/site.pem", 0), 0);
    assert_true(count_raised() > 0);
    tree_add_link(&fixture.tree, "live/site.pem", "../archive/site1.pem");
    assert_true(add("live/site.pem"));
    write_in_place("archive/site1.pem");
    assert_true(count_raised() > 0);
}

/* Kubernetes: site.pem is a link to ..data/site.pem, and ..data to the folder of a version. */
static void raised_by_a_link_on_the_way(void **state)
{
    (void)state;
    tree_add_folder(&fixture.tree, "..1");
    tree_add_folder(&fixture.tree, "..2");
    tree_add_file(&fixture.tree, "..1/site.pem", 10, 1000);
    tree_add_file(&fixture.tree, "..2/site.pem", 10, 1000);
    tree_add_link(&fixture.tree, "..data", "..1");
    tree_add_link(&fixture.tree, "site.pem", "..data/site.pem");
    assert_true(add("site.pem"));
    assert_int_equal(count_raised(), 0);
    tree_add_link(&fixture.tree, "..data_tmp", "..2");
    rename_to("..data_tmp", "..data");
    assert_true(count_raised() > 0);
    assert_true(add("site.pem"));
    assert_int_equal(count_raised(), 0);
    write_in_place("..2/site.pem");
    assert_true(count_raised() > 0);
}

static void raised_by_a_folder_that_is_moved(void **state)
{
    (void)state;
    tree_add_folder(&fixture.tree, "pki");
    tree_add_file(&fixture.tree, "pki/site.pem", 10, 1000);
    assert_true(add("pki/site.pem"));
    rename_to("pki", "old");
    assert_true(count_raised() > 0);
    assert_false(add("pki/site.pem"));
}

static void not_raised_by_others(void **state)
{
    (void)state;
    tree_add_folder(&fixture.tree, "pki");
    tree_add_file(&fixture.tree, "pki/site.pem", 10, 1000);
    tree_add_file(&fixture.tree, "pki/other.pem", 10, 1000);
    assert_true(add("pki/site.pem"));
    for (int i = 0; i < 3; i++)
        assert_true(add("pki/site.pem")); /* as often as one likes */
    write_in_place("pki/other.pem");
    tree_add_file(&fixture.tree, "pki/another.pem", 10, 1000);
    rename_to("pki/another.pem", "pki/other.pem");
    tree_add_folder(&fixture.tree, "pki/folder");
    int fd = openat(fixture.tree.fd, "pki/site.pem", O_RDONLY);
    close(fd); /* reading is no change */
    assert_int_equal(count_raised(), 0);
}

static void what_cannot_be_watched(void **state)
{
    (void)state;
    assert_false(add("missing.pem"));
    tree_add_link(&fixture.tree, "loop", "loop");
    assert_false(add("loop"));
    assert_false(file_alarm_add(&fixture.alarm, "/proc/self/status")); /* no local file system */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(raised_by_each_way_of_replacing, prepare, clean_up),
        cmocka_unit_test_setup_teardown(raised_by_a_link_to_the_file, prepare, clean_up),
        cmocka_unit_test_setup_teardown(raised_by_a_link_on_the_way, prepare, clean_up),
        cmocka_unit_test_setup_teardown(raised_by_a_folder_that_is_moved, prepare, clean_up),
        cmocka_unit_test_setup_teardown(not_raised_by_others, prepare, clean_up),
        cmocka_unit_test_setup_teardown(what_cannot_be_watched, prepare, clean_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
