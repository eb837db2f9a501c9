/* The timetable: evenly, whatever happens, and nothing twice. */
#include "../test.h"

#include "load/schedule.h"

static const struct schedule_share whole = {.connections = 1, .threads = 1};

static void requests_are_due_evenly(void **state)
{
    (void)state;
    struct schedule schedule;
    schedule_init(&schedule, 1000, 5000000, &whole);
    for (uint64_t i = 0; i < 10000; i++) {
        assert_int_equal(schedule_next_us(&schedule), 5000000 + i * 1000);
        assert_int_equal(schedule_take(&schedule), 5000000 + i * 1000);
    }
}

static void what_nobody_took_waits(void **state)
{
    (void)state;
    struct schedule schedule;
    schedule_init(&schedule, 1000, 1000000, &whole);
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
    TABLE_ROWS(i, rates, "") {
        struct schedule schedule;
        uint64_t now = 123456789;
        schedule_init(&schedule, rates[i], now, &whole);
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
    schedule_init(&schedule, 30000, 0, &whole);
    schedule.taken = UINT64_C(30000) * 86400 * 7;
    assert_int_equal(schedule_next_us(&schedule), UINT64_C(1000000) * 86400 * 7);
}

/* Threads divide the timetable: each request is one thread's, whatever their connections come to. */
static void threads_divide_the_timetable(void **state)
{
    (void)state;
    static const unsigned shares[][2] = {{1, 1}, {2, 2}, {5, 2}, {7, 3}, {64, 64}, {100, 7}};
    TABLE_ROWS(i, shares, "") {
        unsigned connections = shares[i][0], threads = shares[i][1], sum = 0;
        struct schedule schedules[64];
        for (unsigned thread = 0; thread < threads; thread++) {
            struct schedule_share share = {connections, threads, thread};
            schedule_init(&schedules[thread], 1000, 5000000, &share);
            sum += schedule_share_size(&share);
        }
        assert_int_equal(sum, connections);
        for (uint64_t number = 0; number < 1000; number++) {
            uint64_t due = 5000000 + number * 1000, waiting = 0;
            struct schedule *owner = &schedules[number % connections % threads];
            for (unsigned thread = 0; thread < threads; thread++)
                waiting += schedule_waiting(&schedules[thread], due);
            assert_int_equal(waiting, 1);
            assert_int_equal(schedule_take(owner), due);
        }
    }
}

/* Between two moments that are a second apart there are as many as the rate says, wherever they lie. */
static void a_second_has_as_many_as_the_rate(void **state)
{
    (void)state;
    static const unsigned rates[] = {1, 3, 5, 7, 200, 999, 30000};
    TABLE_ROWS(i, rates, "") {
        struct schedule schedule;
        schedule_init(&schedule, rates[i], 1000, &whole);
        for (uint64_t from = 1000; from < 3000000; from += 1999)
            assert_int_equal(schedule_due(&schedule, from + 999999) - schedule_due(&schedule, from - 1),
                             rates[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_due_evenly),      cmocka_unit_test(what_nobody_took_waits),
        cmocka_unit_test(counting_agrees_with_times),   cmocka_unit_test(does_not_drift),
        cmocka_unit_test(threads_divide_the_timetable), cmocka_unit_test(a_second_has_as_many_as_the_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
