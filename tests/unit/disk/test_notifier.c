/* Marks, and what they are told. */
#include "tests/unit/tree_builder.h"

#include "disk/notifier.h"

#include <errno.h>

static void no_overflow(void *context)
{
    (void)context;
    fail();
}

static int set_mark(struct notifier *notifier, struct notifier_mark *mark,
                    const struct notifier_mark_events *events, int fd)
{
    int descriptor = notifier_add(notifier, fd, NOTIFIER_ENTRIES);
    return notifier_adopt(notifier, mark, events, descriptor, NOTIFIER_ENTRIES,
                          notifier_change_count(notifier));
}

/* Marks that go while an event is told are not told of it, and the others are. */
struct marked {
    struct notifier_mark mark;
    struct marked *others;
    struct notifier *notifier;
    unsigned told;
};

static void remove_all_others(struct notifier_mark *mark, enum notifier_change change, struct slice name)
{
    struct marked *self = CONTAINER_OF(mark, struct marked, mark);
    assert_int_equal(change, NOTIFIER_CHANGE_FILE);
    assert_slice(name, "file");
    self->told++;
    for (size_t i = 0; i < 3; i++) {
        if (&self->others[i] != self)
            notifier_remove(self->notifier, &self->others[i].mark);
    }
}

static void marks_that_go_while_they_are_told(void **state)
{
    (void)state;
    static const struct notifier_mark_events mark_events = {.on_change = remove_all_others};
    struct tree tree;
    struct loop *loop;
    struct notifier *notifier;
    tree_init(&tree);
    assert_int_equal(loop_create(&(struct loop_options){0}, &loop), 0);
    assert_int_equal(notifier_create(loop, no_overflow, NULL, &notifier), 0);
    struct marked marks[3] = {0};
    for (size_t i = 0; i < 3; i++) {
        marks[i].others = marks;
        marks[i].notifier = notifier;
        assert_int_equal(set_mark(notifier, &marks[i].mark, &mark_events, tree.fd), 0);
    }
    assert_int_equal(mkfifoat(tree.fd, "file", 0600), 0);
    notifier_poll(notifier);
    assert_int_equal(marks[0].told + marks[1].told + marks[2].told, 1);
    for (size_t i = 0; i < 3; i++)
        notifier_remove(notifier, &marks[i].mark);
    notifier_destroy(notifier);
    loop_destroy(loop);
    tree_finish(&tree);
}

static void count_change(struct notifier_mark *mark, enum notifier_change change, struct slice name)
{
    (void)change, (void)name;
    CONTAINER_OF(mark, struct marked, mark)->told++;
}

/* A mark is not set on a descriptor that something has happened to since it was added, except that one for
 * the folder itself does not care about its entries. */
static void what_changed_before_it_was_adopted(void **state)
{
    (void)state;
    static const struct notifier_mark_events mark_events = {.on_change = count_change};
    struct tree tree;
    struct loop *loop;
    struct notifier *notifier;
    tree_init(&tree);
    assert_int_equal(loop_create(&(struct loop_options){0}, &loop), 0);
    assert_int_equal(notifier_create(loop, no_overflow, NULL, &notifier), 0);
    struct marked marks[2] = {0};
    uint64_t since = notifier_change_count(notifier);
    int descriptor = notifier_add(notifier, tree.fd, NOTIFIER_ENTRIES);
    assert_true(descriptor >= 0);
    assert_int_equal(mkfifoat(tree.fd, "file", 0600), 0);
    notifier_poll(notifier);
    assert_true(notifier_has_changed(notifier, descriptor, NOTIFIER_ENTRIES, since));
    assert_false(notifier_has_changed(notifier, descriptor, NOTIFIER_ITSELF, since));
    assert_int_equal(
        notifier_adopt(notifier, &marks[0].mark, &mark_events, descriptor, NOTIFIER_ITSELF, since), 0);
    assert_int_equal(
        notifier_adopt(notifier, &marks[1].mark, &mark_events, descriptor, NOTIFIER_ENTRIES, since), -ESTALE);
    /* The other mark keeps the watch; when that goes, nobody may adopt the descriptor any more. */
    assert_int_equal(unlinkat(tree.fd, "file", 0), 0);
    notifier_poll(notifier);
    assert_int_equal(marks[0].told, 1);
    since = notifier_change_count(notifier);
    notifier_remove(notifier, &marks[0].mark);
    assert_int_equal(
        notifier_adopt(notifier, &marks[0].mark, &mark_events, descriptor, NOTIFIER_ITSELF, since), -ESTALE);
    /* More changes than are remembered count as changes of everything. */
    since = notifier_change_count(notifier);
    descriptor = notifier_add(notifier, tree.fd, NOTIFIER_ENTRIES);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(mkfifoat(tree.fd, "file", 0600), 0);
        assert_int_equal(unlinkat(tree.fd, "file", 0), 0);
    }
    notifier_poll(notifier);
    assert_true(notifier_has_changed(notifier, descriptor + 1, NOTIFIER_ITSELF, since));
    notifier_give_back(notifier, descriptor);
    notifier_destroy(notifier);
    loop_destroy(loop);
    tree_finish(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_that_go_while_they_are_told),
        cmocka_unit_test(what_changed_before_it_was_adopted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
