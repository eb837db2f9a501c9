/* What is told of changes beneath a root. */
#include "tests/unit/tree_builder.h"

#include "disk/file_watch.h"
#include "loop/loop.h"
#include "sys/file.h"

#define TOLD_MAX 40000

struct told {
    const struct root *root;
    bool is_folder;
    char path[100];
};

struct observer {
    struct tree tree;
    struct loop *loop;
    struct file_watch *watch;
    struct root root;
    struct told *told;
    size_t count;
    size_t folder_count;
};

static void tell(struct observer *observer, const struct root *root, struct slice path, bool is_folder)
{
    assert_true(observer->count < TOLD_MAX && path.length < 100);
    struct told *told = &observer->told[observer->count++];
    *told = (struct told){.root = root, .is_folder = is_folder};
    memcpy(told->path, path.data, path.length);
    observer->folder_count += is_folder;
}

static void on_path(void *context, struct root *root, struct slice path)
{
    tell(context, root, path, false);
}

static void on_folder(void *context, struct root *root, struct slice path)
{
    tell(context, root, path, true);
}

static const struct file_watch_events events = {.on_path = on_path, .on_folder = on_folder};

static void observer_init(struct observer *observer, size_t folders_max)
{
    static const struct hash_key key = {1, 2};
    *observer = (struct observer){.told = calloc(TOLD_MAX, sizeof(struct told))};
    assert_non_null(observer->told);
    tree_init(&observer->tree);
    observer->root = (struct root){.fd = observer->tree.fd, .is_local = true};
    assert_int_equal(loop_create(&(struct loop_options){0}, &observer->loop), 0);
    assert_int_equal(
        file_watch_create(observer->loop, &events, observer, folders_max, &key, &observer->watch), 0);
}

static void observer_finish(struct observer *observer)
{
    file_watch_destroy(observer->watch);
    loop_destroy(observer->loop);
    free(observer->told);
    tree_finish(&observer->tree);
}

static bool cover(struct observer *observer, const char *path)
{
    return file_watch_cover(observer->watch, &observer->root, slice_from(path));
}

static bool concerns(const struct told *told, const struct root *root, const char *path)
{
    size_t length = strlen(told->path);
    if (told->root != root)
        return false;
    if (strcmp(told->path, path) == 0)
        return true;
    return told->is_folder &&
           (length == 0 || (strncmp(told->path, path, length) == 0 && path[length] == '/'));
}

/* Something was told, since the last time, that concerns the path. */
static bool was_told(struct observer *observer, const struct root *root, const char *path)
{
    for (size_t i = 0; i < observer->count; i++) {
        if (concerns(&observer->told[i], root, path))
            return true;
    }
    return false;
}

static void forget_told(struct observer *observer)
{
    file_watch_poll(observer->watch);
    observer->count = observer->folder_count = 0;
}

#define expect_told(observer, path)                                 \
    do {                                                            \
        file_watch_poll((observer)->watch);                         \
        assert_true(was_told((observer), &(observer)->root, path)); \
        (observer)->count = 0;                                      \
    } while (0)

static void write_to(struct observer *observer, const char *name)
{
    int fd = openat(observer->tree.fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static void changes_of_files(void **state)
{
    (void)state;
    struct observer observer;
    observer_init(&observer, 100);
    int fd = observer.tree.fd;
    tree_add_folder(&observer.tree, "a");
    tree_add_folder(&observer.tree, "a/b");
    static const char *const names[] = {"file", "a/file", "a/b/file"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        const char *name = names[i];
        assert_true(cover(&observer, name));
        assert_true(cover(&observer, name));
        forget_told(&observer);
        write_to(&observer, name);
        expect_told(&observer, name); /* created */
        write_to(&observer, name);
        expect_told(&observer, name); /* changed in place */
        tree_date(&observer.tree, name, 1000);
        expect_told(&observer, name);
        assert_int_equal(fchmodat(fd, name, 0600, 0), 0);
        expect_told(&observer, name);
        write_to(&observer, "other");
        assert_int_equal(renameat(fd, "other", fd, name), 0);
        expect_told(&observer, name); /* replaced */
        assert_int_equal(unlinkat(fd, name, 0), 0);
        expect_told(&observer, name);
        tree_add_link(&observer.tree, name, "nowhere");
        expect_told(&observer, name);
    }
    observer_finish(&observer);
}

static void changes_of_folders(void **state)
{
    (void)state;
    struct observer observer;
    observer_init(&observer, 100);
    int fd = observer.tree.fd;
    static const char *const folders[] = {"a", "a/b", "a/b/c"};
    static const char leaf[] = "a/b/c/file";
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++)
        tree_add_folder(&observer.tree, folders[i]);
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
        assert_true(cover(&observer, leaf));
        forget_told(&observer);
        assert_int_equal(renameat(fd, folders[i], fd, "elsewhere"), 0);
        expect_told(&observer, leaf);
        assert_false(cover(&observer, leaf));
        assert_int_equal(renameat(fd, "elsewhere", fd, folders[i]), 0);
        expect_told(&observer, leaf);
        assert_true(cover(&observer, leaf));
        write_to(&observer, leaf);
        expect_told(&observer, leaf); /* the watch is on the folder that is there now */
    }
    assert_true(cover(&observer, leaf));
    assert_int_equal(unlinkat(fd, leaf, 0), 0);
    forget_told(&observer);
    assert_int_equal(unlinkat(fd, "a/b/c", AT_REMOVEDIR), 0);
    expect_told(&observer, leaf);
    tree_add_folder(&observer.tree, "a/b/c");
    expect_told(&observer, leaf);
    observer_finish(&observer);
}

/* A new folder takes the place of the one that was watched, before anybody looks. */
static void a_folder_that_was_swapped(void **state)
{
    (void)state;
    struct observer observer;
    observer_init(&observer, 100);
    int fd = observer.tree.fd;
    tree_add_folder(&observer.tree, "a");
    tree_add_folder(&observer.tree, "new");
    assert_true(cover(&observer, "a/file"));
    forget_told(&observer);
    assert_int_equal(renameat(fd, "a", fd, "old"), 0);
    assert_int_equal(renameat(fd, "new", fd, "a"), 0);
    expect_told(&observer, "a/file");
    assert_true(cover(&observer, "a/file"));
    forget_told(&observer);
    write_to(&observer, "a/file");
    expect_told(&observer, "a/file");
    write_to(&observer, "old/file");
    file_watch_poll(observer.watch);
    assert_false(was_told(&observer, &observer.root, "a/file"));
    observer_finish(&observer);
}

/* A covered folder moves to a place that is covered too: it has one descriptor and for a while two paths. */
static void a_folder_that_moved_and_was_covered_again(void **state)
{
    (void)state;
    struct observer observer;
    observer_init(&observer, 100);
    int fd = observer.tree.fd;
    tree_add_folder(&observer.tree, "a");
    assert_true(cover(&observer, "a/file"));
    forget_told(&observer);
    assert_int_equal(renameat(fd, "a", fd, "b"), 0);
    assert_true(cover(&observer, "b/file")); /* before what happened was told */
    expect_told(&observer, "b/file");
    assert_true(cover(&observer, "b/file"));
    forget_told(&observer);
    write_to(&observer, "b/file");
    expect_told(&observer, "b/file");
    observer_finish(&observer);
}

static void two_roots_onto_the_same_folder(void **state)
{
    (void)state;
    struct observer observer;
    observer_init(&observer, 100);
    tree_add_folder(&observer.tree, "a");
    tree_add_folder(&observer.tree, "a/b");
    int below_fd = openat(observer.tree.fd, "a", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int same_fd = openat(observer.tree.fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct root below = {.fd = below_fd, .is_local = true};
    struct root same = {.fd = same_fd, .is_local = true};
    for (int round = 0; round < 3; round++) {
        assert_true(file_watch_cover(observer.watch, &below, SLICE("b/file")));
        assert_true(file_watch_cover(observer.watch, &same, SLICE("a/b/file")));
        assert_true(cover(&observer, "a/b/file"));
        forget_told(&observer);
        write_to(&observer, "a/b/file");
        file_watch_poll(observer.watch);
        assert_true(was_told(&observer, &below, "b/file"));
        assert_true(was_told(&observer, &same, "a/b/file"));
        assert_true(was_told(&observer, &observer.root, "a/b/file"));
        /* One of them goes; the others are told as before. */
        file_watch_forget(observer.watch, round == 0 ? &below : round == 1 ? &same : &observer.root);
        forget_told(&observer);
        write_to(&observer, "a/b/file");
        file_watch_poll(observer.watch);
        assert_int_equal(was_told(&observer, &below, "b/file"), round != 0);
        assert_int_equal(was_told(&observer, &same, "a/b/file"), round != 1);
        assert_int_equal(was_told(&observer, &observer.root, "a/b/file"), round != 2);
    }
    assert_true(file_watch_cover(observer.watch, &below, SLICE("b/file")));
    assert_true(cover(&observer, "a/b/file"));
    forget_told(&observer);
    assert_int_equal(renameat(observer.tree.fd, "a/b", observer.tree.fd, "b"), 0);
    file_watch_poll(observer.watch);
    assert_true(was_told(&observer, &below, "b/file"));
    assert_true(was_told(&observer, &observer.root, "a/b/file"));
    close(below_fd);
    close(same_fd);
    observer_finish(&observer);
}

static void what_cannot_be_covered(void **state)
{
    (void)state;
    struct observer observer;
    observer_init(&observer, 3);
    tree_add_folder(&observer.tree, "a");
    tree_add_folder(&observer.tree, "b");
    tree_add_folder(&observer.tree, "c");
    tree_add_link(&observer.tree, "link", "a");
    assert_false(cover(&observer, "missing/file"));
    assert_false(cover(&observer, "link/file"));
    assert_true(cover(&observer, "a/file"));
    assert_true(cover(&observer, "b/file"));
    assert_false(cover(&observer, "c/file")); /* the bound: the root, a and b */
    assert_true(cover(&observer, "a/other"));
    file_watch_set_bound(observer.watch, 4);
    assert_true(cover(&observer, "c/file"));
    observer.root.is_local = false;
    assert_false(cover(&observer, "a/file"));
    observer.root.is_local = true;
    observer.root.is_retired = true;
    assert_false(cover(&observer, "a/file"));
    observer_finish(&observer);
}

static size_t queue_events_max(void)
{
    unsigned long count = 16384;
    FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
    if (file) {
        if (fscanf(file, "%lu", &count) != 1)
            count = 16384;
        fclose(file);
    }
    return count;
}

/* The kernel gave up telling: then everything may have changed. */
static void too_many_changes(void **state)
{
    (void)state;
    struct observer observer;
    size_t count = queue_events_max();
    if (count > 20000)
        skip();
    observer_init(&observer, 100);
    tree_add_folder(&observer.tree, "a");
    tree_add_folder(&observer.tree, "quiet");
    assert_true(cover(&observer, "a/one"));
    assert_true(cover(&observer, "quiet/file"));
    forget_told(&observer);
    /* Two names in turn: equal events one after the other would be one. */
    write_to(&observer, "a/one");
    write_to(&observer, "a/two");
    for (size_t i = 0; i <= count / 2; i++) {
        write_to(&observer, "a/one");
        write_to(&observer, "a/two");
    }
    file_watch_poll(observer.watch);
    assert_true(was_told(&observer, &observer.root, "quiet/file"));
    assert_true(observer.folder_count >= 1);
    /* And from then on it works as before. */
    assert_true(cover(&observer, "quiet/file"));
    forget_told(&observer);
    write_to(&observer, "quiet/file");
    expect_told(&observer, "quiet/file");
    observer_finish(&observer);
}

static void the_root_itself_goes(void **state)
{
    (void)state;
    struct observer observer;
    observer_init(&observer, 100);
    tree_add_folder(&observer.tree, "site");
    int fd = openat(observer.tree.fd, "site", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct root root = {.fd = fd, .is_local = true};
    assert_true(file_watch_cover(observer.watch, &root, SLICE("file")));
    forget_told(&observer);
    assert_int_equal(renameat(observer.tree.fd, "site", observer.tree.fd, "old"), 0);
    file_watch_poll(observer.watch);
    assert_true(was_told(&observer, &root, "file"));
    assert_true(file_watch_cover(observer.watch, &root, SLICE("file")));
    forget_told(&observer);
    assert_int_equal(unlinkat(observer.tree.fd, "old", AT_REMOVEDIR), 0);
    file_watch_poll(observer.watch);
    /* The descriptor keeps the inode, so the kernel may tell late; nothing can appear in it anyway. */
    bool is_covered = file_watch_cover(observer.watch, &root, SLICE("file"));
    (void)is_covered;
    close(fd);
    observer_finish(&observer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_of_files),
        cmocka_unit_test(changes_of_folders),
        cmocka_unit_test(a_folder_that_was_swapped),
        cmocka_unit_test(a_folder_that_moved_and_was_covered_again),
        cmocka_unit_test(two_roots_onto_the_same_folder),
        cmocka_unit_test(what_cannot_be_covered),
        cmocka_unit_test(too_many_changes),
        cmocka_unit_test(the_root_itself_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
