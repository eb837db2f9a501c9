/* Durations by their size, in memory that other processes read. */
#ifndef LOG_DURATION_HISTOGRAM_H
#define LOG_DURATION_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/* A histogram of durations. The last bucket has no bound. */
#define DURATION_BOUNDS_US                                                                                   \
    100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, \
        10000000
#define DURATION_BUCKETS 17

struct duration_histogram {
    uint64_t counts[DURATION_BUCKETS]; /* by the least bound that the duration does not exceed */
    uint64_t sum_us;
};

static inline size_t duration_bucket(uint64_t duration_us)
{
    static const uint32_t bounds_us[DURATION_BUCKETS - 1] = {DURATION_BOUNDS_US};
    size_t bucket = 0;
    while (bucket < DURATION_BUCKETS - 1 && duration_us > bounds_us[bucket])
        bucket++;
    return bucket;
}

/* Returns the bucket. */
static inline size_t duration_histogram_add(struct duration_histogram *histogram, uint64_t duration_us)
{
    size_t bucket = duration_bucket(duration_us);
    histogram->counts[bucket]++;
    histogram->sum_us += duration_us;
    return bucket;
}

/* Classes of statuses: 2xx to 5xx. */
#define STATUS_CLASSES 4

#endif
