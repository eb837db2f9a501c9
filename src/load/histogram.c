/* Reading a histogram. Recording is in the header. */
#include "load/histogram.h"

#include <math.h>

static_assert(HISTOGRAM_BUCKETS == 21504, "the last doubling ends where HISTOGRAM_VALUE_MAX does");

/* The right shift of values in a bucket: its width is 1 << shift. */
static unsigned shift_of(unsigned bucket)
{
    return bucket < 2 * HISTOGRAM_HALF ? 0 : (bucket >> HISTOGRAM_HALF_BITS) - 1;
}

uint64_t histogram_bucket_first(unsigned bucket)
{
    unsigned shift = shift_of(bucket);
    return (uint64_t)(bucket - (shift << HISTOGRAM_HALF_BITS)) << shift;
}

uint64_t histogram_bucket_last(unsigned bucket)
{
    return histogram_bucket_first(bucket) + (UINT64_C(1) << shift_of(bucket)) - 1;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
    if (from->count == 0)
        return;
    to->min = to->count == 0 ? from->min : MIN(to->min, from->min);
    to->max = MAX(to->max, from->max);
    to->sum += from->sum;
    to->count += from->count;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        to->buckets[i] += from->buckets[i];
}

uint64_t histogram_percentile(const struct histogram *histogram, double percentile)
{
    if (histogram->count == 0)
        return 0;
    /* Slightly less, so that 99.9 percent of 1000 is 999 despite floating point. */
    double wanted = ceil((double)histogram->count * percentile / 100 - 1e-6);
    uint64_t rank = wanted < 1 ? 1 : (uint64_t)wanted;
    if (rank >= histogram->count)
        return histogram->max;
    uint64_t seen = 0;
    unsigned bucket = histogram_bucket(histogram->min);
    for (; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen >= rank)
            break;
    }
    return MIN(histogram_bucket_last(bucket), histogram->max);
}

uint64_t histogram_count_to(const struct histogram *histogram, uint64_t value)
{
    uint64_t count = 0;
    for (unsigned i = 0; i <= histogram_bucket(value); i++)
        count += histogram->buckets[i];
    return count;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count == 0 ? 0 : (double)histogram->sum / (double)histogram->count;
}

double histogram_deviation(const struct histogram *histogram)
{
    double mean = histogram_mean(histogram);
    double squares = 0;
    for (int bucket = -1; histogram_next(histogram, &bucket);) {
        uint64_t first = histogram_bucket_first((unsigned)bucket);
        uint64_t last = histogram_bucket_last((unsigned)bucket);
        double middle = (double)first + (double)(last - first) / 2;
        squares += (middle - mean) * (middle - mean) * (double)histogram->buckets[bucket];
    }
    return histogram->count == 0 ? 0 : sqrt(squares / (double)histogram->count);
}

bool histogram_next(const struct histogram *histogram, int *bucket)
{
    for (unsigned i = (unsigned)(*bucket + 1); i < HISTOGRAM_BUCKETS; i++) {
        if (histogram->buckets[i] > 0) {
            *bucket = (int)i;
            return true;
        }
    }
    return false;
}
