/* The timetable: evenly, whatever happens, and nothing twice. */
#include "../test.h"

#include "load/schedule.h"

static void requests_are_due_evenly(void **state)
{
    (void)state;
    struct schedule schedule;
    schedule_init(&schedule, 1000, 5000000);
    for (uint64_t i = 0; i < 10000; i++) {
        assert_int_equal(schedule_next_us(&schedule), 5000000 + i * 1000);
        assert_int_equal(schedule_take(&schedule), 5000000 + i * 1000);
    }
}

static void what_nobody_took_waits(void **state)
{
    (void)state;
    struct schedule schedule;
    schedule_init(&schedule, 1000, 1000000);
    assert_int_equal(schedule_waiting(&schedule, 0), 0);
    assert_int_equal(schedule_waiting(&schedule, 999999), 0);
    assert_int_equal(schedule_waiting(&schedule, 1000000), 1);
    assert_int_equal(schedule_waiting(&schedule, 1000999), 1);
    assert_int_equal(schedule_waiting(&schedule, 1001000), 2);
    assert_int_equal(schedule_take(&schedule), 1000000);
    assert_int_equal(schedule_waiting(&schedule, 1001000), 1);
    /* A second of standstill: all of them are still due at their times. */
    assert_int_equal(schedule_waiting(&schedule, 2000000), 1000);
    assert_int_equal(schedule_take(&schedule), 1001000);
    assert_int_equal(schedule_take(&schedule), 1002000);
}

/* Whatever the rate: those that are waiting are just those whose time has come. */
static void counting_agrees_with_times(void **state)
{
    (void)state;
    static const double rates[] = {0.001, 0.3, 1, 3, 7.7, 999.9, 33333.3, 1e6, 3e6, 1e8};
    for (unsigned i = 0; i < ARRAY_LENGTH(rates); i++) {
        struct schedule schedule;
        uint64_t now = 123456789;
        schedule_init(&schedule, rates[i], now);
        for (unsigned step = 0; step < 2000; step++) {
            uint64_t waiting = schedule_waiting(&schedule, now);
            struct schedule copy = schedule;
            copy.taken += waiting;
            assert_true(schedule_next_us(&copy) > now);
            copy.taken--;
            assert_true(waiting == 0 || schedule_next_us(&copy) <= now);
            schedule.taken += waiting - waiting / 3;
            now += (uint64_t)(step * 1e6 / rates[i] / 700) + step % 3;
        }
    }
}

/* Days of it, and the rate is still kept to the microsecond. */
static void does_not_drift(void **state)
{
    (void)state;
    struct schedule schedule;
    schedule_init(&schedule, 30000, 0);
    schedule.taken = UINT64_C(30000) * 86400 * 7;
    assert_int_equal(schedule_next_us(&schedule), UINT64_C(1000000) * 86400 * 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_due_evenly),
        cmocka_unit_test(what_nobody_took_waits),
        cmocka_unit_test(counting_agrees_with_times),
        cmocka_unit_test(does_not_drift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
