/* When events are told, and how many a line is about. */
#include "../test.h"

#include "proc/line_limit.h"

static void tells_the_first_at_once_and_the_others_each_second(void **state)
{
    (void)state;
    struct line_limit limit = {0};
    assert_int_equal(line_limit_add(&limit, 5), 1);
    assert_int_equal(line_limit_add(&limit, 6), 0);
    assert_int_equal(line_limit_add(&limit, 1000004), 0);
    assert_int_equal(line_limit_add(&limit, 1000005), 3);
    assert_int_equal(line_limit_add(&limit, 9000000), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_first_at_once_and_the_others_each_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
