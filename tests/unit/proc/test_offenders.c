/* When a client has too many offences, by a clock of the test's own. */
#include "../test.h"

#include "proc/offenders.h"

static const struct hash_key key = {1, 2};
static const struct offender_rule rule = {.offences = 3, .within_ms = 1000};

static struct xdp_address client(unsigned number)
{
    struct xdp_address address = {{0x20, 0x01}};
    memcpy(address.bytes + 4, &number, sizeof(number));
    return address;
}

static bool offend_by(struct offenders *offenders, size_t reporter, unsigned number, uint32_t count,
                      uint64_t now_ms)
{
    struct offence offence = {.address = client(number), .count = count};
    return offenders_add(offenders, reporter, &offence, &rule, now_ms);
}

static bool offend(struct offenders *offenders, unsigned number, uint32_t count, uint64_t now_ms)
{
    return offend_by(offenders, 0, number, count, now_ms);
}

static void as_many_as_the_rule_says(void **state)
{
    (void)state;
    struct offenders offenders;
    offenders_init(&offenders, &key);
    assert_false(offend(&offenders, 1, 1, 10));
    assert_false(offend(&offenders, 2, 2, 11));
    assert_false(offend(&offenders, 1, 1, 12));
    assert_true(offend(&offenders, 1, 1, 13));
    assert_true(offend(&offenders, 2, 1, 13));
    assert_int_equal(offenders_count(&offenders), 0); /* they are counted anew */
    assert_false(offend(&offenders, 1, 2, 14));
    assert_true(offend(&offenders, 3, 3, 14)); /* at once */
    assert_true(offend(&offenders, 1, UINT32_MAX, 15));
    offenders_finish(&offenders);
}

static void old_ones_do_not_count(void **state)
{
    (void)state;
    struct offenders offenders;
    offenders_init(&offenders, &key);
    assert_false(offend(&offenders, 1, 2, 0));
    assert_false(offend(&offenders, 2, 2, 500));
    assert_true(offend(&offenders, 1, 1, 999));
    assert_false(offend(&offenders, 1, 2, 1400));
    assert_false(offend(&offenders, 2, 1, 1500)); /* the time of its first ones is over */
    assert_false(offend(&offenders, 3, 1, 2600));
    assert_int_equal(offenders_count(&offenders), 1); /* and all the others are forgotten */
    offenders_finish(&offenders);
}

static void those_of_all_reporters_are_one_sum(void **state)
{
    (void)state;
    struct offenders offenders;
    offenders_init(&offenders, &key);
    assert_false(offend_by(&offenders, 3, 1, 1, 0));
    assert_false(offend_by(&offenders, 0, 1, 1, 0));
    assert_true(offend_by(&offenders, OFFENDERS_REPORTERS_MAX - 1, 1, 1, 0));
    offenders_finish(&offenders);
}

static void a_reporter_pushes_out_its_own_ones_only(void **state)
{
    (void)state;
    struct offenders offenders;
    offenders_init(&offenders, &key);
    assert_false(offend_by(&offenders, 1, 1000000, 2, 0));
    for (unsigned i = 0; i < OFFENDERS_MAX + 1; i++)
        assert_false(offend_by(&offenders, 0, i, 2, 0));
    assert_int_equal(offenders_count(&offenders), OFFENDERS_MAX + 1);
    assert_true(offend_by(&offenders, 1, 1000000, 1, 0));
    assert_true(offend(&offenders, 1, 1, 0));
    assert_false(offend(&offenders, 0, 1, 0)); /* it was the first */
    offenders_finish(&offenders);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_the_rule_says),
        cmocka_unit_test(old_ones_do_not_count),
        cmocka_unit_test(those_of_all_reporters_are_one_sum),
        cmocka_unit_test(a_reporter_pushes_out_its_own_ones_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
