/* Lists: order, removal in any state, splicing. */
#include "../test.h"

#include "base/list.h"

struct item {
    struct list link;
    int number;
};

/* The numbers in order, as decimal digits of one number. */
static long read_list(const struct list *head)
{
    long digits = 0;
    const struct list *previous = head;
    LIST_FOREACH(link, head) {
        assert_ptr_equal(link->previous, previous);
        digits = digits * 10 + CONTAINER_OF(link, struct item, link)->number;
        previous = link;
    }
    assert_ptr_equal(head->previous, previous);
    return digits;
}

static void make(struct list *head, struct item *items, int first, int count)
{
    list_init(head);
    for (int i = 0; i < count; i++) {
        items[i].number = first + i;
        list_append(head, &items[i].link);
    }
}

static void keeps_order_and_forgets_what_is_removed(void **state)
{
    (void)state;
    struct list head;
    struct item items[4];
    make(&head, items, 1, 4);
    assert_int_equal(read_list(&head), 1234);
    list_remove(&items[1].link);
    assert_true(list_is_empty(&items[1].link));
    list_remove(&items[1].link); /* changes nothing */
    assert_int_equal(read_list(&head), 134);
    list_remove(&items[0].link);
    list_remove(&items[3].link);
    assert_int_equal(read_list(&head), 3);
    list_append(&head, &items[0].link);
    assert_int_equal(read_list(&head), 31);
    list_remove(&items[2].link);
    list_remove(&items[0].link);
    assert_true(list_is_empty(&head));
    assert_int_equal(read_list(&head), 0);
}

static void splices(void **state)
{
    (void)state;
    struct list to, from;
    struct item first[3], second[3];
    make(&to, first, 1, 3);
    make(&from, second, 4, 3);
    list_splice(&to, &from);
    assert_int_equal(read_list(&to), 123456);
    assert_true(list_is_empty(&from));
    list_splice(&to, &from); /* of nothing */
    assert_int_equal(read_list(&to), 123456);
    list_splice(&from, &to); /* to nothing */
    assert_int_equal(read_list(&from), 123456);
    assert_int_equal(read_list(&to), 0);
    list_remove(&second[0].link);
    assert_int_equal(read_list(&from), 12356);
}

static void a_safe_walk_may_remove(void **state)
{
    (void)state;
    struct list head;
    struct item items[6];
    make(&head, items, 1, 6);
    LIST_FOREACH_SAFE(link, &head) {
        if (CONTAINER_OF(link, struct item, link)->number % 2 == 0)
            list_remove(link);
    }
    assert_int_equal(read_list(&head), 135);
    LIST_FOREACH_SAFE(link, &head)
        list_remove(link);
    assert_true(list_is_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_forgets_what_is_removed),
        cmocka_unit_test(splices),
        cmocka_unit_test(a_safe_walk_may_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
