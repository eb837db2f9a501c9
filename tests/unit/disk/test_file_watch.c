/* What is told of changes beneath a root. */
#include "tests/unit/tree_builder.h"
#include "tests/unit/watch_builder.h"

#include "disk/file_watch.h"
#include "loop/loop.h"
#include "sys/file.h"

#define TOLD_MAX  40000
#define ITEMS_MAX 40

struct told {
    const struct root *root;
    char path[100];
};

/* Something that stands in a folder. */
struct thing {
    struct watch_item item;
    bool is_gone;
    bool is_unwatched;
};

struct observer {
    struct tree tree;
    struct loop *loop;
    struct log log;
    unsigned lines;
    struct notifier *notifier;
    struct file_watch *watch;
    struct told *told;
    size_t count;
    unsigned overflows;
    struct thing things[ITEMS_MAX];
    struct root root; /* last: it has room for a path behind it */
};

static void on_path(void *context, struct root *root, struct slice path)
{
    struct observer *observer = context;
    assert_true(observer->count < TOLD_MAX && path.length < 100);
    struct told *told = &observer->told[observer->count++];
    *told = (struct told){.root = root};
    memcpy(told->path, path.data, path.length);
}

static void on_gone(void *context, struct watch_item *item)
{
    (void)context;
    assert_null(item->folder);
    CONTAINER_OF(item, struct thing, item)->is_gone = true;
}

static void on_unwatched(void *context, struct watch_item *item)
{
    (void)context;
    assert_null(item->folder);
    CONTAINER_OF(item, struct thing, item)->is_unwatched = true;
}

static void on_overflow(void *context)
{
    struct observer *observer = context;
    observer->overflows++;
    file_watch_forget_all(observer->watch);
}

static const struct file_watch_events events = {
    .on_path = on_path, .on_gone = on_gone, .on_unwatched = on_unwatched};

static void take_line(struct log *log, enum log_level level, struct slice line)
{
    (void)level, (void)line;
    CONTAINER_OF(log, struct observer, log)->lines++;
}

static void observer_init(struct observer *observer, size_t folders_max)
{
    static const struct hash_key key = {1, 2};
    *observer = (struct observer){.told = calloc(TOLD_MAX, sizeof(struct told)),
                                  .log = {.level = LOG_LEVEL_DEBUG, .write = take_line}};
    assert_non_null(observer->told);
    tree_init(&observer->tree);
    observer->root = (struct root){.fd = observer->tree.fd, .is_local = true};
    assert_int_equal(loop_create(&(struct loop_options){0}, &observer->loop), 0);
    assert_int_equal(notifier_create(observer->loop, on_overflow, observer, &observer->notifier), 0);
    assert_int_equal(file_watch_create(observer->loop, observer->notifier, &events, observer, folders_max,
                                       &key, &observer->log, &observer->watch),
                     0);
}

static void observer_finish(struct observer *observer)
{
    file_watch_destroy(observer->watch);
    notifier_destroy(observer->notifier);
    loop_destroy(observer->loop);
    free(observer->told);
    tree_finish(&observer->tree);
}

static bool cover_beneath(struct observer *observer, struct root *root, const char *path)
{
    return watch_folders(observer->watch, root, slice_from(path)).folder != 0;
}

static bool cover(struct observer *observer, const char *path)
{
    return cover_beneath(observer, &observer->root, path);
}

/* Covers the path and puts a thing into its folder. */
static struct thing *attach(struct observer *observer, size_t number, const char *path)
{
    struct thing *thing = &observer->things[number];
    *thing = (struct thing){0};
    struct slice slice = slice_from(path);
    struct watch_ticket ticket = watch_folders(observer->watch, &observer->root, slice);
    assert_true(ticket.folder != 0);
    assert_true(file_watch_attach(observer->watch, &observer->root, slice, ticket, &thing->item));
    return thing;
}

/* In turns of the loop, each of which does a part of it only. */
static void poll_all(struct observer *observer)
{
    do {
        assert_int_equal(loop_run_once(observer->loop, 0), 0);
        notifier_poll(observer->notifier);
        file_watch_validate(observer->watch);
    } while (file_watch_is_behind(observer->watch));
}

static bool concerns(const struct told *told, const struct root *root, const char *path)
{
    return told->root == root && strcmp(told->path, path) == 0;
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
    poll_all(observer);
    observer->count = 0;
}

#define expect_told(observer, path)                                 \
    do {                                                            \
        poll_all(observer);                                         \
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
    TABLE_ROWS(i, names, names[i]) {
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

/* Whatever happens to a folder on the way takes the things in it along. */
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
    TABLE_ROWS(i, folders, folders[i]) {
        struct thing *thing = attach(&observer, 0, leaf);
        struct thing *above = attach(&observer, 1, "file");
        poll_all(&observer);
        assert_int_equal(renameat(fd, folders[i], fd, "elsewhere"), 0);
        poll_all(&observer);
        assert_true(thing->is_gone);
        assert_false(above->is_gone);
        file_watch_detach(&above->item);
        assert_false(cover(&observer, leaf));
        assert_int_equal(renameat(fd, "elsewhere", fd, folders[i]), 0);
        forget_told(&observer);
        assert_true(cover(&observer, leaf));
        write_to(&observer, leaf);
        expect_told(&observer, leaf); /* the watch is on the folder that is there now */
    }
    assert_int_equal(unlinkat(fd, leaf, 0), 0);
    forget_told(&observer);
    struct thing *thing = attach(&observer, 0, leaf);
    assert_int_equal(unlinkat(fd, "a/b/c", AT_REMOVEDIR), 0);
    poll_all(&observer);
    assert_true(thing->is_gone);
    tree_add_folder(&observer.tree, "a/b/c");
    thing = attach(&observer, 0, leaf);
    assert_int_equal(fchmodat(fd, "a/b", 0755, 0), 0);
    poll_all(&observer);
    assert_true(thing->is_gone);
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
    struct thing *thing = attach(&observer, 0, "a/file");
    forget_told(&observer);
    assert_int_equal(renameat(fd, "a", fd, "old"), 0);
    assert_int_equal(renameat(fd, "new", fd, "a"), 0);
    poll_all(&observer);
    assert_true(thing->is_gone);
    assert_true(cover(&observer, "a/file"));
    forget_told(&observer);
    write_to(&observer, "a/file");
    expect_told(&observer, "a/file");
    write_to(&observer, "old/file");
    poll_all(&observer);
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
    struct thing *before = attach(&observer, 0, "a/file");
    forget_told(&observer);
    assert_int_equal(renameat(fd, "a", fd, "b"), 0);
    struct thing *after = attach(&observer, 1, "b/file"); /* before what happened was told */
    poll_all(&observer);
    assert_true(before->is_gone);
    assert_true(after->is_gone);
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
        assert_true(cover_beneath(&observer, &below, "b/file"));
        assert_true(cover_beneath(&observer, &same, "a/b/file"));
        assert_true(cover(&observer, "a/b/file"));
        forget_told(&observer);
        write_to(&observer, "a/b/file");
        poll_all(&observer);
        assert_true(was_told(&observer, &below, "b/file"));
        assert_true(was_told(&observer, &same, "a/b/file"));
        assert_true(was_told(&observer, &observer.root, "a/b/file"));
        /* One of them goes; the others are told as before. */
        file_watch_forget(observer.watch, round == 0 ? &below : round == 1 ? &same : &observer.root);
        forget_told(&observer);
        write_to(&observer, "a/b/file");
        poll_all(&observer);
        assert_int_equal(was_told(&observer, &below, "b/file"), round != 0);
        assert_int_equal(was_told(&observer, &same, "a/b/file"), round != 1);
        assert_int_equal(was_told(&observer, &observer.root, "a/b/file"), round != 2);
    }
    assert_true(cover_beneath(&observer, &below, "b/file"));
    struct thing *thing = attach(&observer, 0, "a/b/file");
    forget_told(&observer);
    assert_int_equal(renameat(observer.tree.fd, "a/b", observer.tree.fd, "b"), 0);
    poll_all(&observer);
    assert_true(thing->is_gone);
    assert_false(cover_beneath(&observer, &below, "b/file"));
    file_watch_forget(observer.watch, &below);
    file_watch_forget(observer.watch, &same);
    file_watch_finish_forgetting(observer.watch);
    close(below_fd);
    close(same_fd);
    observer_finish(&observer);
}

static void what_cannot_be_covered(void **state)
{
    (void)state;
    struct observer observer;
    observer_init(&observer, 100);
    tree_add_folder(&observer.tree, "a");
    tree_add_link(&observer.tree, "link", "a");
    assert_false(cover(&observer, "missing/file"));
    assert_false(cover(&observer, "link/file"));
    assert_true(cover(&observer, "a/file"));
    observer.root.is_local = false;
    assert_false(cover(&observer, "a/file"));
    observer.root.is_local = true;
    observer.root.is_retired = true;
    assert_false(cover(&observer, "a/file"));
    observer_finish(&observer);
}

static void deep_paths_are_not_covered(void **state)
{
    (void)state;
    struct observer observer;
    char path[512] = "";
    observer_init(&observer, 1000);
    for (int depth = 1; depth < 100; depth++) {
        strcat(path, depth > 1 ? "/d" : "d");
        tree_add_folder(&observer.tree, path);
        char file[520];
        snprintf(file, sizeof(file), "%s/file", path);
        assert_int_equal(cover(&observer, file), depth <= 64);
    }
    observer_finish(&observer);
}

/* What was used least recently makes room; its things are not gone, only nobody watches them. */
static void folders_are_bounded(void **state)
{
    (void)state;
    struct observer observer;
    static const char *const folders[] = {"a", "b", "b/c", "d"};
    observer_init(&observer, 3);
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++)
        tree_add_folder(&observer.tree, folders[i]);
    struct thing *a = attach(&observer, 0, "a/file");
    struct thing *c = attach(&observer, 1, "b/c/file");
    assert_true(file_watch_touch(observer.watch, &a->item));
    struct thing *d = attach(&observer, 2, "d/file");
    assert_true(c->is_unwatched);
    assert_false(a->is_unwatched || a->is_gone || c->is_gone);
    poll_all(&observer);
    forget_told(&observer);
    write_to(&observer, "a/file");
    write_to(&observer, "d/file");
    write_to(&observer, "b/c/file");
    poll_all(&observer);
    assert_true(was_told(&observer, &observer.root, "a/file"));
    assert_true(was_told(&observer, &observer.root, "d/file"));
    assert_false(was_told(&observer, &observer.root, "b/c/file"));
    /* The parent that the fourth is to hang on is no candidate. */
    assert_true(cover(&observer, "b/c/file"));
    assert_false(d->is_gone || d->is_unwatched);
    /* With a smaller bound what is past it goes at once. */
    file_watch_set_bound(observer.watch, 2);
    assert_true(d->is_unwatched);
    file_watch_validate(observer.watch);
    file_watch_forget(observer.watch, &observer.root);
    poll_all(&observer);
    file_watch_set_bound(observer.watch, 1);
    assert_false(cover(&observer, "b/c/file"));
    assert_true(cover(&observer, "a/file"));
    assert_true(cover(&observer, "d/file"));
    observer_finish(&observer);
}

/* A ticket is good as long as nothing happened in the folder, wherever else. */
static void tickets(void **state)
{
    (void)state;
    struct observer observer;
    observer_init(&observer, 100);
    tree_add_folder(&observer.tree, "a");
    tree_add_folder(&observer.tree, "b");
    struct watch_ticket ticket = watch_folders(observer.watch, &observer.root, SLICE("a/file"));
    struct watch_item *item = &observer.things[0].item;
    assert_true(cover(&observer, "b/file"));
    write_to(&observer, "b/file");
    write_to(&observer, "file");
    poll_all(&observer);
    assert_true(file_watch_attach(observer.watch, &observer.root, SLICE("a/file"), ticket, item));
    file_watch_detach(item);
    write_to(&observer, "a/other");
    poll_all(&observer);
    assert_false(file_watch_attach(observer.watch, &observer.root, SLICE("a/file"), ticket, item));
    ticket = watch_folders(observer.watch, &observer.root, SLICE("a/file"));
    assert_int_equal(renameat(observer.tree.fd, "a", observer.tree.fd, "c"), 0);
    assert_int_equal(renameat(observer.tree.fd, "c", observer.tree.fd, "a"), 0);
    poll_all(&observer);
    assert_true(cover(&observer, "a/file"));
    assert_false(file_watch_attach(observer.watch, &observer.root, SLICE("a/file"), ticket, item));
    observer_finish(&observer);
}

/* More hangs on a folder than a turn of the loop takes: until all of it is gone, nothing is believed. */
static void a_large_folder_goes_bit_by_bit(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    struct observer observer;
    struct thing *things = calloc(COUNT, sizeof(*things));
    assert_non_null(things);
    observer_init(&observer, 100);
    tree_add_folder(&observer.tree, "a");
    struct slice path = SLICE("a/file");
    for (int i = 0; i < COUNT; i++) {
        struct watch_ticket ticket = watch_folders(observer.watch, &observer.root, path);
        assert_true(file_watch_attach(observer.watch, &observer.root, path, ticket, &things[i].item));
    }
    poll_all(&observer);
    assert_int_equal(renameat(observer.tree.fd, "a", observer.tree.fd, "b"), 0);
    int turns = 0, gone = 0;
    do {
        int before = gone;
        notifier_poll(observer.notifier);
        gone = 0;
        for (int i = 0; i < COUNT; i++) {
            gone += things[i].is_gone;
            assert_true(things[i].is_gone || !file_watch_touch(observer.watch, &things[i].item));
        }
        assert_in_range(gone - before, 1, 2048);
        assert_int_equal(file_watch_is_behind(observer.watch), gone < COUNT);
        file_watch_validate(observer.watch);
        /* Meanwhile the name can be covered as if it had never been. */
        if (turns == 0) {
            tree_add_folder(&observer.tree, "a");
            assert_true(cover(&observer, "a/file"));
        }
        turns++;
        assert_int_equal(loop_run_once(observer.loop, 0), 0);
    } while (file_watch_is_behind(observer.watch));
    assert_in_range(turns, 2, COUNT / 500);
    observer_finish(&observer);
    free(things);
}

/* Folders that nobody watches come and go: it is read of in turns, and nothing has to be looked through. */
static void a_storm_is_read_in_turns(void **state)
{
    (void)state;
    struct observer observer;
    observer_init(&observer, 100);
    struct thing *thing = attach(&observer, 0, "file");
    poll_all(&observer);
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(mkdirat(observer.tree.fd, "passing", 0700), 0);
        assert_int_equal(unlinkat(observer.tree.fd, "passing", AT_REMOVEDIR), 0);
    }
    assert_int_equal(loop_run_once(observer.loop, 0), 0);
    notifier_poll(observer.notifier);
    size_t told = observer.count;
    assert_in_range(told, 1, 4096);
    assert_true(file_watch_is_behind(observer.watch));
    notifier_poll(observer.notifier); /* in the same turn: no more */
    assert_int_equal(observer.count, told);
    /* The loop itself goes on with it. */
    for (int turns = 0; file_watch_is_behind(observer.watch); turns++) {
        assert_int_equal(loop_run_once(observer.loop, 0), 0);
        assert_in_range(turns, 0, 20);
    }
    assert_int_equal(observer.count, 10000);
    assert_false(thing->is_gone);
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
    struct thing *one = attach(&observer, 0, "a/one");
    struct thing *quiet = attach(&observer, 1, "quiet/file");
    forget_told(&observer);
    /* Two names in turn: equal events one after the other would be one. */
    write_to(&observer, "a/one");
    write_to(&observer, "a/two");
    for (size_t i = 0; i <= count / 2; i++) {
        write_to(&observer, "a/one");
        write_to(&observer, "a/two");
    }
    poll_all(&observer);
    assert_int_equal(observer.overflows, 1);
    assert_true(one->is_unwatched && quiet->is_unwatched);
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
    struct watch_ticket ticket = watch_folders(observer.watch, &root, SLICE("file"));
    struct thing *thing = &observer.things[0];
    assert_true(file_watch_attach(observer.watch, &root, SLICE("file"), ticket, &thing->item));
    assert_true(file_watch_attach_unwatched(observer.watch, &root, &observer.things[1].item));
    assert_int_equal(renameat(observer.tree.fd, "site", observer.tree.fd, "old"), 0);
    poll_all(&observer);
    assert_true(thing->is_gone);
    assert_false(observer.things[1].is_gone);
    assert_true(cover_beneath(&observer, &root, "file"));
    assert_int_equal(unlinkat(observer.tree.fd, "old", AT_REMOVEDIR), 0);
    poll_all(&observer);
    /* The descriptor keeps the inode, so the kernel may tell late; nothing can appear in it anyway. */
    bool is_covered = cover_beneath(&observer, &root, "file");
    (void)is_covered;
    file_watch_forget(observer.watch, &root);
    file_watch_finish_forgetting(observer.watch);
    assert_true(observer.things[1].is_gone);
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
        cmocka_unit_test(deep_paths_are_not_covered),
        cmocka_unit_test(folders_are_bounded),
        cmocka_unit_test(tickets),
        cmocka_unit_test(a_large_folder_goes_bit_by_bit),
        cmocka_unit_test(a_storm_is_read_in_turns),
        cmocka_unit_test(too_many_changes),
        cmocka_unit_test(the_root_itself_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
