/* A histogram of durations like HdrHistogram: log-linear buckets, so that every value from 1 us
 * to 17 minutes is kept with three significant digits, in memory that never grows.
 *
 *   values      0 ... 2047      2048 ... 4095     4096 ... 8191      ...     2^29 ... 2^30 - 1
 *   buckets     2048 of 1       1024 of 2         1024 of 4          ...     1024 of 2^19
 *
 * A struct without pointers: it may be copied, sent through a pipe, and kept in shared memory. All zero is an
 * empty histogram. Recording takes a few instructions and changes one bucket. Not thread-safe: each thread
 * has its own, and they are merged. */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* Buckets per doubling: half of the range that is recorded exactly. */
#define HISTOGRAM_HALF_BITS 10
#define HISTOGRAM_HALF      (1u << HISTOGRAM_HALF_BITS)
/* Larger values are recorded as this one; only `max` and `sum` remain exact. */
#define HISTOGRAM_VALUE_BITS 30
#define HISTOGRAM_VALUE_MAX  ((UINT64_C(1) << HISTOGRAM_VALUE_BITS) - 1)
#define HISTOGRAM_BUCKETS    ((HISTOGRAM_VALUE_BITS - HISTOGRAM_HALF_BITS + 1) * HISTOGRAM_HALF)

struct histogram {
    uint64_t count;
    uint64_t sum;
    uint64_t min; /* 0 while the histogram is empty; so is max */
    uint64_t max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* The bucket of a value. */
static inline unsigned histogram_bucket(uint64_t value)
{
    if (value > HISTOGRAM_VALUE_MAX)
        value = HISTOGRAM_VALUE_MAX;
    if (value < 2 * HISTOGRAM_HALF)
        return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_HALF_BITS;
    return (shift << HISTOGRAM_HALF_BITS) + (unsigned)(value >> shift);
}

/* The smallest and the largest value of a bucket. */
uint64_t histogram_bucket_first(unsigned bucket);
uint64_t histogram_bucket_last(unsigned bucket);

static inline void histogram_record(struct histogram *histogram, uint64_t value)
{
    histogram->buckets[histogram_bucket(value)]++;
    if (value < histogram->min || histogram->count == 0)
        histogram->min = value;
    if (value > histogram->max)
        histogram->max = value;
    histogram->sum += value;
    histogram->count++;
}

/* Adds the values of `from` to `to`. */
void histogram_merge(struct histogram *to, const struct histogram *from);

/* The value that `percentile` (0 to 100) per cent of all values do not exceed: the upper end of its
 * bucket, but never above the maximum; 0 for an empty histogram. 100 gives the maximum itself. */
uint64_t histogram_percentile(const struct histogram *histogram, double percentile);

/* The number of values up to `value`, counting its whole bucket. */
uint64_t histogram_count_to(const struct histogram *histogram, uint64_t value);

/* Mean and standard deviation; 0 for an empty histogram. The mean is exact; the deviation takes the middle
 * of each value's bucket. */
double histogram_mean(const struct histogram *histogram);
double histogram_deviation(const struct histogram *histogram);

/* Advances `*bucket` to the next bucket that has values; begin with -1. False at the end. */
bool histogram_next(const struct histogram *histogram, int *bucket);

#endif
