/* Marks, and what they are told. */
#include "tests/unit/tree_builder.h"

#include "disk/notifier.h"

static void no_overflow(void *context)
{
    (void)context;
    fail();
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
        assert_int_equal(notifier_set(notifier, &marks[i].mark, &mark_events, tree.fd, NOTIFIER_ENTRIES), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_that_go_while_they_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
