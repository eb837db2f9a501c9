/* When errors have clearly become more. */
#include "../test.h"

#include "proc/error_watch.h"

static bool is_worse(uint64_t errors_before, uint64_t requests_before, uint64_t errors, uint64_t requests)
{
    struct error_figures before = {.errors = errors_before, .requests = requests_before};
    struct error_figures after = {.errors = errors, .requests = requests};
    return error_figures_are_worse(&before, &after);
}

static void a_few_errors_say_nothing(void **state)
{
    (void)state;
    assert_false(is_worse(0, 1000, 4, 4));
    assert_true(is_worse(0, 1000, 5, 5));
    assert_false(is_worse(0, 0, 0, 0));
}

static void more_than_twice_and_one_percent(void **state)
{
    (void)state;
    assert_false(is_worse(0, 1000, 10, 1000));
    assert_true(is_worse(0, 1000, 11, 1000));
    assert_false(is_worse(50, 1000, 110, 1000));
    assert_true(is_worse(50, 1000, 111, 1000));
    assert_false(is_worse(600, 1000, 1000, 1000)); /* it was bad enough before */
}

static void handshakes_that_fail_bring_no_request(void **state)
{
    (void)state;
    assert_true(is_worse(0, 1000, 20, 0));
}

static void what_came_before_is_at_most_a_minute(void **state)
{
    (void)state;
    struct error_watch watch = {0};
    for (uint64_t i = 1; i <= 3; i++)
        error_watch_look(&watch, &(struct error_figures){.requests = i * 100}, i * ERROR_WATCH_INTERVAL_MS);
    struct error_figures now = {.requests = 1000, .errors = 3};
    assert_int_equal(error_watch_before(&watch, &now).requests, 1000); /* since the start */
    for (uint64_t i = 4; i <= 14; i++)
        error_watch_look(&watch, &(struct error_figures){.requests = i * 100}, i * ERROR_WATCH_INTERVAL_MS);
    now.requests = 1500;
    assert_int_equal(error_watch_before(&watch, &now).requests, 1500 - 300);
    assert_int_equal(error_watch_before(&watch, &now).errors, 3);
}

static void a_sample_is_taken_when_it_is_due(void **state)
{
    (void)state;
    struct error_watch watch = {0};
    error_watch_look(&watch, &(struct error_figures){.requests = 1}, 1000);
    error_watch_look(&watch, &(struct error_figures){.requests = 2}, 1000 + ERROR_WATCH_INTERVAL_MS - 1);
    assert_int_equal(watch.next, 1);
    error_watch_look(&watch, &(struct error_figures){.requests = 3}, 1000 + ERROR_WATCH_INTERVAL_MS);
    assert_int_equal(watch.next, 2);
}

static void what_was_given_up_is_forgotten(void **state)
{
    (void)state;
    struct error_watch watch = {0};
    struct error_figures bad = {.requests = 1000, .errors = 900};
    error_watch_restart(&watch, &bad);
    struct error_figures now = {.requests = 1100, .errors = 900};
    assert_int_equal(error_watch_before(&watch, &now).requests, 100);
    assert_int_equal(error_watch_before(&watch, &now).errors, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_errors_say_nothing),
        cmocka_unit_test(more_than_twice_and_one_percent),
        cmocka_unit_test(handshakes_that_fail_bring_no_request),
        cmocka_unit_test(what_came_before_is_at_most_a_minute),
        cmocka_unit_test(a_sample_is_taken_when_it_is_due),
        cmocka_unit_test(what_was_given_up_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
