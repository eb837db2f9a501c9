/* What a folder is said to hold, and in which order. */
#include "tests/unit/tree_builder.h"

#include "disk/folder_entries.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct folder_budget budget = {.bytes_max = SIZE_MAX};

static int read_folder(const struct tree *tree, const char *path, bool hidden, size_t count_max,
                       struct folder_entries *ret_entries)
{
    struct reach reach = {.root_fd = tree->fd, .root_path = tree->path};
    struct folder_query query = {
        .reach = &reach, .path = path, .hidden = hidden, .count_max = count_max, .budget = &budget};
    return folder_entries_read(&query, ret_entries);
}

static struct folder_entries read_entries(struct tree *tree, const char *path, bool hidden, size_t count_max)
{
    struct folder_entries entries;
    assert_int_equal(read_folder(tree, path, hidden, count_max, &entries), 0);
    return entries;
}

/* Compares the names with a list that is separated by '|', and finishes the entries. */
static void expect_names(struct folder_entries *entries, const char *expected)
{
    struct slice rest = slice_from(expected), name;
    size_t count = 0;
    for (; slice_next(&rest, '|', &name); count++) {
        assert_true(count < entries->count);
        if (!slice_equal(folder_entry_name(&entries->items[count]), name))
            fail_msg("entry %zu is \"%.*s\", expected \"%.*s\"", count,
                     SLICE_ARGS(folder_entry_name(&entries->items[count])), SLICE_ARGS(name));
    }
    assert_int_equal(entries->count, count);
    folder_entries_finish(entries);
}

static void expect_sorted(struct tree *tree, enum folder_order order, bool descending, const char *expected)
{
    struct folder_entries entries = read_entries(tree, ".", false, 100);
    folder_entries_sort(&entries, order, descending);
    expect_names(&entries, expected);
}

static void hides_names_with_a_dot(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    tree_add_folder(&tree, ".git");
    tree_add_folder(&tree, ".well-known");
    tree_add_file(&tree, ".htpasswd", 1, 0);
    tree_add_file(&tree, "seen", 1, 0);
    expect_sorted(&tree, FOLDER_ORDER_NAME, false, ".well-known|seen");
    struct folder_entries entries = read_entries(&tree, ".", true, 100);
    folder_entries_sort(&entries, FOLDER_ORDER_NAME, false);
    expect_names(&entries, ".git|.well-known|.htpasswd|seen");
    tree_finish(&tree);
}

static void shows_links_that_stay_inside(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    tree_add_folder(&tree, "folder");
    tree_add_file(&tree, "folder/file", 7, 1000);
    tree_add_link(&tree, "to-folder", "folder");
    tree_add_link(&tree, "folder/in", "../folder/file");
    tree_add_link(&tree, "folder/self", ".");
    tree_add_link(&tree, "folder/nowhere", "missing");
    tree_add_link(&tree, "folder/loop", "loop");
    tree_add_link(&tree, "folder/absolute", "/etc/passwd");
    tree_add_link(&tree, "folder/climbing", "../../../../../../etc/passwd");
    tree_add_link(&tree, "folder/magic", "/proc/self/fd/0");
    struct folder_entries entries = read_entries(&tree, "to-folder", false, 100);
    folder_entries_sort(&entries, FOLDER_ORDER_NAME, false);
    assert_int_equal(entries.count, 3);
    assert_true(entries.items[0].is_folder);
    assert_false(entries.items[2].is_folder);
    assert_int_equal(entries.items[2].size, 7); /* the target's, not the link's */
    assert_int_equal(entries.items[2].modified_seconds, 1000);
    expect_names(&entries, "self|file|in");
    tree_finish(&tree);
}

static void leaves_out_what_is_not_served(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    assert_int_equal(mkfifoat(tree.fd, "fifo", 0600), 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", tree.path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    tree_add_link(&tree, "to-fifo", "fifo");
    tree_add_file(&tree, "file", 0, 0);
    expect_sorted(&tree, FOLDER_ORDER_NAME, false, "file");
    close(fd);
    tree_finish(&tree);
}

static void names_are_in_natural_order(void **state)
{
    (void)state;
    static const char *in_order[] = {
        " ",
        "#1",
        "-",
        "0",
        "00",
        "01",
        "1",
        "1a",
        "2",
        "10",
        "a",
        "a1",
        "a1b",
        "A2",
        "A2B9x",
        "a2b10",
        "a010",
        "a10",
        "a10b",
        "a99999999999999999999",
        "a100000000000000000000",
        "aa",
        "B",
        "b",
        "c\xc3\xa4",
        "c\xff",
    };
    struct tree tree;
    tree_init(&tree);
    for (size_t i = ARRAY_LENGTH(in_order); i > 0; i--)
        tree_add_file(&tree, in_order[i - 1], 0, 0);
    struct folder_entries entries = read_entries(&tree, ".", false, 100);
    assert_int_equal(entries.count, ARRAY_LENGTH(in_order));
    folder_entries_sort(&entries, FOLDER_ORDER_NAME, false);
    for (size_t i = 0; i < entries.count; i++)
        assert_slice(folder_entry_name(&entries.items[i]), in_order[i]);
    folder_entries_sort(&entries, FOLDER_ORDER_NAME, true);
    for (size_t i = 0; i < entries.count; i++)
        assert_slice(folder_entry_name(&entries.items[i]), in_order[entries.count - 1 - i]);
    folder_entries_finish(&entries);
    tree_finish(&tree);
}

static void sorts_by_size_and_date_within_the_kinds(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    tree_add_folder(&tree, "y");
    tree_add_folder(&tree, "Z");
    tree_add_file(&tree, "a", 30, 100);
    tree_add_file(&tree, "b", 20, 300);
    tree_add_file(&tree, "c", 20, 200);
    tree_add_file(&tree, "d", 10, -200);
    expect_sorted(&tree, FOLDER_ORDER_NAME, false, "y|Z|a|b|c|d");
    expect_sorted(&tree, FOLDER_ORDER_NAME, true, "Z|y|d|c|b|a");
    expect_sorted(&tree, FOLDER_ORDER_SIZE, false, "y|Z|d|b|c|a");
    expect_sorted(&tree, FOLDER_ORDER_SIZE, true, "y|Z|a|b|c|d");
    expect_sorted(&tree, FOLDER_ORDER_MODIFIED, false, "y|Z|d|a|c|b");
    expect_sorted(&tree, FOLDER_ORDER_MODIFIED, true, "y|Z|b|c|a|d");
    tree_finish(&tree);
}

static void stops_at_the_bound_and_says_so(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    for (int i = 0; i < 20; i++) {
        char name[NAME_MAX + 1]; /* the longest there are, so that memory is at its bound too */
        snprintf(name, sizeof(name), "%0*d", NAME_MAX, i);
        tree_add_file(&tree, name, 0, 0);
    }
    static const size_t bounds[] = {1, 19, 20, 21};
    TABLE_ROWS(i, bounds, "") {
        struct folder_entries entries = read_entries(&tree, ".", false, bounds[i]);
        assert_int_equal(entries.count, MIN(bounds[i], (size_t)20));
        assert_int_equal(entries.truncated, bounds[i] < 20);
        folder_entries_finish(&entries);
    }
    tree_finish(&tree);
}

/* All readings together; what one held is there for others afterwards. */
static void memory_is_bounded(void **state)
{
    (void)state;
    struct tree tree;
    tree_init(&tree);
    for (int i = 0; i < 300; i++) {
        char name[200];
        snprintf(name, sizeof(name), "%0199d", i);
        tree_add_file(&tree, name, 0, 0);
    }
    assert_int_equal(budget.used, 0);
    struct folder_entries first = read_entries(&tree, ".", false, 1000);
    assert_in_range(budget.used, 300 * (200 + sizeof(struct folder_entry)), 300 * 500);
    budget.bytes_max = budget.used * 2 - 1;
    struct folder_entries second;
    assert_int_equal(read_folder(&tree, ".", false, 1000, &second), -ENOBUFS);
    folder_entries_finish(&first);
    assert_int_equal(budget.used, 0);
    second = read_entries(&tree, ".", false, 1000);
    folder_entries_finish(&second);
    budget.bytes_max = SIZE_MAX;
    tree_finish(&tree);
}

static void an_abandoned_reading_ends(void **state)
{
    (void)state;
    struct tree tree;
    struct folder_entries entries;
    atomic_bool is_abandoned = true;
    tree_init(&tree);
    tree_add_file(&tree, "a", 0, 0);
    struct reach reach = {.root_fd = tree.fd, .root_path = tree.path};
    struct folder_query query = {
        .reach = &reach, .path = ".", .count_max = 9, .budget = &budget, .is_abandoned = &is_abandoned};
    assert_int_equal(folder_entries_read(&query, &entries), -ECANCELED);
    assert_int_equal(budget.used, 0);
    tree_finish(&tree);
}

static void says_why_a_folder_cannot_be_read(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int result;
    } cases[] = {
        {"missing", -ENOENT}, {"file", -ENOTDIR}, {"..", -EXDEV}, {"folder/../..", -EXDEV}, {"/etc", -EXDEV},
    };
    struct tree tree;
    tree_init(&tree);
    tree_add_file(&tree, "file", 0, 0);
    tree_add_folder(&tree, "folder");
    TABLE_ROWS(i, cases, cases[i].path) {
        struct folder_entries entries;
        assert_int_equal(read_folder(&tree, cases[i].path, false, 100, &entries), cases[i].result);
    }
    tree_finish(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hides_names_with_a_dot),
        cmocka_unit_test(shows_links_that_stay_inside),
        cmocka_unit_test(leaves_out_what_is_not_served),
        cmocka_unit_test(names_are_in_natural_order),
        cmocka_unit_test(sorts_by_size_and_date_within_the_kinds),
        cmocka_unit_test(stops_at_the_bound_and_says_so),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(an_abandoned_reading_ends),
        cmocka_unit_test(says_why_a_folder_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
