/* The histogram's promise: three significant digits from 1 us to 17 minutes. */
#include "../test.h"

#include "load/histogram.h"

#include <math.h>
#include <stdlib.h>

static struct histogram one, other;

static void setup(void)
{
    memset(&one, 0, sizeof(one));
    memset(&other, 0, sizeof(other));
}

/* A value, and those beside it. */
static void check_bucket(uint64_t value)
{
    unsigned bucket = histogram_bucket(value);
    uint64_t first = histogram_bucket_first(bucket);
    uint64_t last = histogram_bucket_last(bucket);
    assert_true(bucket < HISTOGRAM_BUCKETS);
    assert_true(first <= value && value <= last);
    /* What is told instead of the value is wrong by less than a thousandth. */
    assert_true((last - first) * 1000 < value || last == first);
}

static void buckets_hold_their_values(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 100000; value++)
        check_bucket(value);
    for (unsigned bit = 1; bit < HISTOGRAM_VALUE_BITS; bit++) {
        for (int64_t beside = -2; beside <= 2; beside++)
            check_bucket((uint64_t)((int64_t)(UINT64_C(1) << bit) + MAX(beside, -(int64_t)bit)));
    }
    check_bucket(HISTOGRAM_VALUE_MAX);
    assert_int_equal(histogram_bucket(HISTOGRAM_VALUE_MAX), HISTOGRAM_BUCKETS - 1);
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

/* Without gaps or overlaps. */
static void buckets_follow_each_other(void **state)
{
    (void)state;
    for (unsigned i = 1; i < HISTOGRAM_BUCKETS; i++)
        assert_int_equal(histogram_bucket_first(i), histogram_bucket_last(i - 1) + 1);
    assert_int_equal(histogram_bucket_first(0), 0);
    assert_int_equal(histogram_bucket_last(HISTOGRAM_BUCKETS - 1), HISTOGRAM_VALUE_MAX);
}

static void empty(void **state)
{
    (void)state;
    setup();
    int bucket = -1;
    assert_int_equal(histogram_percentile(&one, 50), 0);
    assert_int_equal(histogram_percentile(&one, 100), 0);
    assert_true(histogram_mean(&one) == 0 && histogram_deviation(&one) == 0);
    assert_int_equal(histogram_count_to(&one, 1000), 0);
    assert_false(histogram_next(&one, &bucket));
    histogram_merge(&one, &other);
    assert_int_equal(one.count, 0);
}

static void percentiles_of_a_thousand(void **state)
{
    (void)state;
    setup();
    for (uint64_t value = 1; value <= 1000; value++)
        histogram_record(&one, value);
    assert_int_equal(histogram_percentile(&one, 0), 1);
    assert_int_equal(histogram_percentile(&one, 0.1), 1);
    assert_int_equal(histogram_percentile(&one, 50), 500);
    assert_int_equal(histogram_percentile(&one, 50.01), 501);
    assert_int_equal(histogram_percentile(&one, 99), 990);
    assert_int_equal(histogram_percentile(&one, 99.9), 999);
    assert_int_equal(histogram_percentile(&one, 99.91), 1000);
    assert_int_equal(histogram_percentile(&one, 100), 1000);
    assert_int_equal(histogram_count_to(&one, 250), 250);
    assert_int_equal(one.min, 1);
    assert_int_equal(one.max, 1000);
    assert_true(histogram_mean(&one) == 500.5);
    assert_true(fabs(histogram_deviation(&one) - sqrt((1000.0 * 1000 - 1) / 12)) < 1e-6);
}

/* Against every value, sorted. */
static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void percentiles_of_many(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static uint64_t values[COUNT];
    uint64_t random = 1;
    double sum = 0;
    double squares = 0;
    setup();
    for (unsigned i = 0; i < COUNT; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        values[i] = (random >> 32) >> (random >> 40) % 28; /* of every size */
        values[i] = MIN(values[i], HISTOGRAM_VALUE_MAX);
        histogram_record(&one, values[i]);
        sum += (double)values[i];
    }
    qsort(values, COUNT, sizeof(values[0]), compare);
    for (unsigned i = 0; i < COUNT; i++)
        squares += ((double)values[i] - sum / COUNT) * ((double)values[i] - sum / COUNT);
    for (unsigned rank = 1; rank <= COUNT; rank += 7) {
        uint64_t expected = values[rank - 1];
        uint64_t got = histogram_percentile(&one, 100.0 * rank / COUNT);
        assert_true(got >= expected && (got - expected) * 1000 <= expected);
    }
    assert_int_equal(one.sum, (uint64_t)sum);
    assert_true(fabs(histogram_deviation(&one) / sqrt(squares / COUNT) - 1) < 0.001);
}

static void merging_is_recording_both(void **state)
{
    (void)state;
    static struct histogram both;
    setup();
    memset(&both, 0, sizeof(both));
    for (uint64_t i = 0; i < 1000; i++) {
        histogram_record(i % 3 ? &one : &other, i * i + 5);
        histogram_record(&both, i * i + 5);
    }
    histogram_merge(&one, &other);
    assert_memory_equal(&one, &both, sizeof(one));
    memset(&other, 0, sizeof(other));
    histogram_merge(&other, &one);
    assert_memory_equal(&other, &both, sizeof(one));
    /* One with neither the smallest nor the largest. */
    memset(&one, 0, sizeof(one));
    histogram_record(&one, 1000);
    histogram_merge(&other, &one);
    assert_int_equal(other.min, both.min);
    assert_int_equal(other.max, both.max);
}

static void what_is_too_long_is_not_lost(void **state)
{
    (void)state;
    setup();
    histogram_record(&one, HISTOGRAM_VALUE_MAX * 3);
    assert_int_equal(one.count, 1);
    assert_int_equal(one.max, HISTOGRAM_VALUE_MAX * 3);
    assert_int_equal(histogram_percentile(&one, 50), HISTOGRAM_VALUE_MAX * 3);
    assert_true(histogram_mean(&one) == (double)(HISTOGRAM_VALUE_MAX * 3));
}

static void iteration_finds_each_bucket_once(void **state)
{
    (void)state;
    setup();
    static const uint64_t values[] = {0, 1, 1, 2047, 2048, 4096, HISTOGRAM_VALUE_MAX};
    static const uint64_t counts[] = {1, 2, 1, 1, 1, 1};
    for (unsigned i = 0; i < ARRAY_LENGTH(values); i++)
        histogram_record(&one, values[i]);
    unsigned found = 0;
    for (int bucket = -1; histogram_next(&one, &bucket); found++)
        assert_int_equal(one.buckets[bucket], counts[found]);
    assert_int_equal(found, ARRAY_LENGTH(counts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_hold_their_values),
        cmocka_unit_test(buckets_follow_each_other),
        cmocka_unit_test(empty),
        cmocka_unit_test(percentiles_of_a_thousand),
        cmocka_unit_test(percentiles_of_many),
        cmocka_unit_test(merging_is_recording_both),
        cmocka_unit_test(what_is_too_long_is_not_lost),
        cmocka_unit_test(iteration_finds_each_bucket_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
