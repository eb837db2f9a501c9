/* One strong tag stands for one content, however the times are set; and an append is told from a change. */
#include "tests/unit/tree_builder.h"

#include "base/error.h"
#include "disk/file_version.h"
#include "sys/file.h"

#include <pthread.h>
#include <stdatomic.h>

#define LONG_AGO 1000000000
#define SIZE     100000

struct ground {
    struct tree tree;
    uint32_t memory_max;
    struct root root; /* last: it has room for a path behind it */
};

static void ground_init(struct ground *ground, uint32_t memory_max)
{
    tree_init(&ground->tree);
    ground->root = (struct root){.fd = ground->tree.fd, .is_local = true};
    ground->memory_max = memory_max;
}

static struct file *open_path(struct ground *ground, const char *path)
{
    struct file_request request = {
        .root = &ground->root,
        .reach = {.root_fd = ground->tree.fd, .root_path = ground->tree.path},
        .path = slice_from(path),
        .memory_max = ground->memory_max,
    };
    struct file *file;
    assert_int_equal(file_open(&request, &file), 0);
    assert_int_equal(file->kind, FILE_REGULAR);
    return file;
}

/* Changes a moment later are seen in the times: the kernel's clock moves by ticks of up to 10 ms. */
static void wait_for_the_clock(struct ground *ground, const char *path)
{
    for (;;) {
        struct file *file = open_path(ground, path);
        bool is_racy = file->is_racy;
        file_unref(file);
        if (!is_racy)
            return;
        usleep(2000);
    }
}

static void put(struct ground *ground, const char *name, char letter, size_t size)
{
    int fd = openat(ground->tree.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    char *bytes = malloc(size + 1);
    memset(bytes, letter, size);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    free(bytes);
    close(fd);
}

static void write_at(struct ground *ground, const char *name, off_t offset, const char *text)
{
    int fd = openat(ground->tree.fd, name, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, text, strlen(text), offset), (ssize_t)strlen(text));
    close(fd);
}

/* What a build does that fixes all times: the file is made beside, dated, and moved into its place. */
static void deploy(struct ground *ground, char letter, size_t size)
{
    put(ground, "new", letter, size);
    tree_date(&ground->tree, "new", 1);
    assert_int_equal(renameat(ground->tree.fd, "new", ground->tree.fd, "file"), 0);
    wait_for_the_clock(ground, "file");
}

static bool is_strong(const struct file *file)
{
    assert_true(http_etag_is_valid(file_etag(file)));
    return !slice_starts_with(file_etag(file), SLICE("W/"));
}

static bool have_one_tag(const struct file *a, const struct file *b)
{
    return http_etag_equal(file_etag(a), file_etag(b), HTTP_ETAG_WEAK);
}

static void another_content_has_another_tag(void **state)
{
    (void)state;
    for (uint32_t memory_max = 0; memory_max <= SIZE; memory_max += SIZE) {
        struct ground ground;
        ground_init(&ground, memory_max);
        deploy(&ground, 'a', SIZE);
        struct file *before = open_path(&ground, "file");
        assert_int_equal(before->in_memory, memory_max > 0);
        deploy(&ground, 'b', SIZE);
        struct file *replaced = open_path(&ground, "file");
        write_at(&ground, "file", SIZE / 3, "c");
        tree_date(&ground.tree, "file", 1);
        wait_for_the_clock(&ground, "file");
        struct file *written = open_path(&ground, "file");
        assert_true(is_strong(before) && is_strong(replaced) && is_strong(written));
        assert_int_equal(before->status.modified_ns, written->status.modified_ns);
        assert_false(have_one_tag(before, replaced));
        assert_false(have_one_tag(before, written));
        assert_false(have_one_tag(replaced, written));
        file_unref(before);
        file_unref(replaced);
        file_unref(written);
        tree_finish(&ground.tree);
    }
}

static void copies_in_memory_have_one_tag(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground, SIZE);
    put(&ground, "a", 'x', 5000);
    put(&ground, "b", 'x', 5000);
    tree_date(&ground.tree, "b", LONG_AGO);
    struct file *a = open_path(&ground, "a"), *b = open_path(&ground, "b");
    assert_true(is_strong(a) && is_strong(b) && have_one_tag(a, b));
    file_unref(a);
    file_unref(b);
    tree_finish(&ground.tree);
}

/* Its next change may leave no trace: the tag is weak, and nobody gets it a second time. */
static void a_tag_of_a_racy_file_is_for_once(void **state)
{
    (void)state;
    struct ground ground;
    struct file *racy = NULL;
    ground_init(&ground, 0);
    /* However slow the machine is: now is now. */
    for (int i = 0; i < 1000 && (racy == NULL || !racy->is_racy); i++) {
        file_unref(racy);
        put(&ground, "file", 'a', SIZE);
        tree_date(&ground.tree, "file", LONG_AGO);
        racy = open_path(&ground, "file");
    }
    assert_true(racy->is_racy);
    assert_false(is_strong(racy));
    wait_for_the_clock(&ground, "file");
    struct file *later = open_path(&ground, "file"), *again = open_path(&ground, "file");
    assert_true(is_strong(later) && have_one_tag(later, again));
    assert_false(have_one_tag(racy, later));
    file_unref(racy);
    file_unref(later);
    file_unref(again);
    tree_finish(&ground.tree);
}

/* As in an image that was made with one time for all. */
static void a_change_time_without_a_fraction_is_no_evidence(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground, 0);
    put(&ground, "file", 'a', SIZE);
    tree_date(&ground.tree, "file", 1);
    wait_for_the_clock(&ground, "file");
    struct file *one = open_path(&ground, "file"), *other = open_path(&ground, "file");
    one->status.changed_ns = other->status.changed_ns = INT64_C(1000000000);
    other->status.inode++;
    file_version_make_tag(one, 0);
    file_version_make_tag(other, 0);
    assert_false(is_strong(one));
    assert_true(have_one_tag(one, other));
    file_unref(one);
    file_unref(other);
    tree_finish(&ground.tree);
}

/* Changes to a file that is open and being sent, and whether what was promised of it still stands. */

static void append(struct ground *ground)
{
    write_at(ground, "file", SIZE, "more");
}

static void append_much(struct ground *ground)
{
    append(ground);
    write_at(ground, "file", 10 * SIZE, "and more");
}

static void change_mode(struct ground *ground)
{
    assert_int_equal(fchmodat(ground->tree.fd, "file", 0600, 0), 0);
}

static void rename_it(struct ground *ground)
{
    assert_int_equal(renameat(ground->tree.fd, "file", ground->tree.fd, "other"), 0);
}

static void give_it_a_name(struct ground *ground)
{
    assert_int_equal(linkat(ground->tree.fd, "file", ground->tree.fd, "other", 0), 0);
}

static void replace(struct ground *ground)
{
    put(ground, "new", 'b', 2 * SIZE);
    assert_int_equal(renameat(ground->tree.fd, "new", ground->tree.fd, "file"), 0);
}

static void write_into(struct ground *ground)
{
    write_at(ground, "file", 12345, "b");
}

static void cut(struct ground *ground)
{
    int fd = openat(ground->tree.fd, "file", O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, SIZE - 1), 0);
    close(fd);
}

static void rewrite(struct ground *ground)
{
    put(ground, "file", 'b', 2 * SIZE);
}

static void change_the_beginning_and_append(struct ground *ground)
{
    write_at(ground, "file", 0, "b");
    append(ground);
}

static void change_the_middle_and_append(struct ground *ground)
{
    write_at(ground, "file", SIZE / 2, "b");
    append(ground);
}

static void change_the_end_and_append(struct ground *ground)
{
    write_at(ground, "file", SIZE - 1, "b");
    append(ground);
}

static void change_and_put_the_time_back(struct ground *ground)
{
    write_at(ground, "file", SIZE / 2, "b");
    tree_date(&ground->tree, "file", LONG_AGO);
}

static void what_was_promised_stands_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        void (*change)(struct ground *ground);
        bool stands;
    } cases[] = {
        {"append", append, true},
        {"append much", append_much, true},
        {"mode", change_mode, true},
        {"rename", rename_it, true},
        {"another name", give_it_a_name, true},
        {"replaced", replace, true},
        {"written into", write_into, false},
        {"cut", cut, false},
        {"rewritten, longer", rewrite, false},
        {"beginning and append", change_the_beginning_and_append, false},
        {"middle and append", change_the_middle_and_append, false},
        {"end and append", change_the_end_and_append, false},
        {"time put back", change_and_put_the_time_back, false},
    };
    for (size_t i = 0; i < 2 * ARRAY_LENGTH(cases); i++) {
        struct ground ground;
        ground_init(&ground, 0);
        put(&ground, "file", 'a', SIZE);
        tree_date(&ground.tree, "file", LONG_AGO);
        wait_for_the_clock(&ground, "file");
        struct file *file = open_path(&ground, "file");
        assert_true(file_version_stands(file, i % 2));
        cases[i / 2].change(&ground);
        if (file_version_stands(file, i % 2) != cases[i / 2].stands)
            fail_msg("%s", cases[i / 2].what);
        file_unref(file);
        tree_finish(&ground.tree);
    }
}

/* Nothing is known of what was never looked at. */
static void without_samples_no_growth_is_trusted(void **state)
{
    (void)state;
    struct ground ground;
    ground_init(&ground, 0);
    put(&ground, "file", 'a', SIZE);
    struct file *file = open_path(&ground, "file");
    assert_int_equal(file->samples_taken, (1u << FILE_SAMPLES) - 1);
    append(&ground);
    assert_true(file_version_stands(file, true));
    file->samples_taken = 0;
    assert_false(file_version_stands(file, true));
    file_unref(file);
    tree_finish(&ground.tree);
}

struct appender {
    struct ground *ground;
    atomic_bool stops;
};

static void *append_on(void *context)
{
    struct appender *appender = context;
    int fd = openat(appender->ground->tree.fd, "file", O_WRONLY | O_APPEND | O_CLOEXEC);
    while (!appender->stops && write(fd, "line\n", 5) == 5)
        usleep(100);
    close(fd);
    return NULL;
}

/* A write moves the time before the size. */
static void an_append_is_never_taken_for_a_change(void **state)
{
    (void)state;
    static struct ground ground;
    static struct appender appender = {.ground = &ground};
    ground_init(&ground, 0);
    put(&ground, "file", 'a', SIZE);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, append_on, &appender), 0);
    for (int i = 0; i < 500; i++) {
        struct file *file = open_path(&ground, "file");
        for (int j = 0; j < 20; j++)
            assert_true(file_version_stands(file, true));
        file_unref(file);
    }
    appender.stops = true;
    pthread_join(thread, NULL);
    tree_finish(&ground.tree);
}

static void files_as_short_as_a_sample(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 4095, 4096, 4097, 8192};
    struct ground ground;
    ground_init(&ground, 0);
    TABLE_ROWS(i, sizes, "") {
        put(&ground, "file", 'a', sizes[i]);
        wait_for_the_clock(&ground, "file");
        struct file *file = open_path(&ground, "file");
        write_at(&ground, "file", (off_t)sizes[i], "more");
        assert_true(file_version_stands(file, true));
        write_at(&ground, "file", (off_t)sizes[i] - 1, "b");
        assert_false(file_version_stands(file, true));
        file_unref(file);
    }
    tree_finish(&ground.tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_content_has_another_tag),
        cmocka_unit_test(copies_in_memory_have_one_tag),
        cmocka_unit_test(a_tag_of_a_racy_file_is_for_once),
        cmocka_unit_test(a_change_time_without_a_fraction_is_no_evidence),
        cmocka_unit_test(what_was_promised_stands_or_not),
        cmocka_unit_test(without_samples_no_growth_is_trusted),
        cmocka_unit_test(an_append_is_never_taken_for_a_change),
        cmocka_unit_test(files_as_short_as_a_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
