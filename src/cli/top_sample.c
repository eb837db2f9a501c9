/* Reading of lines, and the difference of two histograms. */
#include "cli/top_sample.h"

#include <stdio.h>

static const struct {
    const char *name;
    size_t offset;
} numbers[] = {{"pid", offsetof(struct top_sample, pid)},
               {"now_ms", offsetof(struct top_sample, now_ms)},
               {"up_ms", offsetof(struct top_sample, up_ms)},
               {"generation", offsetof(struct top_sample, generation)},
#define X(name, text) {#name, offsetof(struct top_sample, sums) + offsetof(struct counters, name)},
               COUNTER_TABLE(X)
#undef X
};

static uint64_t next_number(struct slice *rest)
{
    struct slice word;
    uint64_t number = 0;
    if (slice_next(rest, ' ', &word) && !slice_to_u64(word, &number))
        return 0;
    return number;
}

static void top_read_worker(struct top_sample *sample, struct slice rest)
{
    struct slice state = {0};
    if (sample->worker_count == TOP_WORKERS_MAX)
        return;
    struct top_worker *worker = &sample->workers[sample->worker_count++];
    *worker = (struct top_worker){.pid = (unsigned)next_number(&rest)};
    if (slice_next(&rest, ' ', &state))
        snprintf(worker->state, sizeof(worker->state), "%.*s", SLICE_ARGS(state));
    worker->generation = (unsigned)next_number(&rest);
    worker->requests = next_number(&rest);
    worker->bytes = next_number(&rest);
    worker->open = next_number(&rest);
    worker->idle = next_number(&rest);
}

static void top_read_number(struct top_sample *sample, struct slice word, struct slice rest)
{
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
        if (slice_equal(word, slice_from(numbers[i].name)))
            *(uint64_t *)(void *)((char *)sample + numbers[i].offset) = next_number(&rest);
    }
}

static void top_read_line(struct top_sample *sample, struct slice word, struct slice rest)
{
    if (slice_equal(word, SLICE("worker")))
        top_read_worker(sample, rest);
    else if (slice_equal(word, SLICE("version")))
        snprintf(sample->version, sizeof(sample->version), "%.*s", SLICE_ARGS(rest));
    else if (slice_equal(word, SLICE("serves")))
        snprintf(sample->serves, sizeof(sample->serves), "%.*s", SLICE_ARGS(rest));
    else if (slice_equal(word, SLICE("durations")))
        for (size_t i = 0; i < DURATION_BUCKETS; i++)
            sample->sums.durations[0].counts[i] = next_number(&rest);
    else
        top_read_number(sample, word, rest);
}

bool top_sample_read(struct top_sample *sample, struct slice answer)
{
    struct slice line;
    memset(sample, 0, sizeof(*sample));
    while (slice_next(&answer, '\n', &line)) {
        size_t space = slice_find(line, ' ');
        top_read_line(sample, slice_take(line, space), slice_skip(line, MIN(space + 1, line.length)));
    }
    return sample->now_ms > 0;
}

const struct top_worker *top_sample_worker(const struct top_sample *sample, unsigned pid)
{
    for (size_t i = 0; i < sample->worker_count; i++) {
        if (sample->workers[i].pid == pid)
            return &sample->workers[i];
    }
    return NULL;
}

uint64_t top_percentile_us(const struct top_sample *before, const struct top_sample *now, double share)
{
    static const uint64_t bounds_us[DURATION_BUCKETS - 1] = {DURATION_BOUNDS_US};
    const uint64_t *then = before->sums.durations[0].counts, *counts = now->sums.durations[0].counts;
    uint64_t all = 0, seen = 0;
    for (size_t i = 0; i < DURATION_BUCKETS; i++)
        all += counts[i] - then[i];
    for (size_t i = 0; all > 0 && i < DURATION_BUCKETS - 1; i++) {
        seen += counts[i] - then[i];
        if ((double)seen >= share * (double)all)
            return bounds_us[i];
    }
    return all > 0 ? UINT64_MAX : 0;
}
