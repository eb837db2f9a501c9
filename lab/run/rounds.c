/* Which figures there are is told by tables of their offsets. */
#include "lab/run/rounds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Of one figure. */
struct spread {
    double least;
    double median;
    double most;
};

/* `offset` is that of the figure in each of the rounds, which are `size` bytes apart. */
static struct spread spread_of(const void *rounds, size_t count, size_t size, size_t offset)
{
    double values[LAB_ROUNDS_MAX];
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        double value;
        memcpy(&value, (const char *)rounds + i * size + offset, sizeof(value));
        if (isfinite(value))
            values[known++] = value;
    }
    if (known == 0)
        return (struct spread){NAN, NAN, NAN};
    qsort(values, known, sizeof(*values), compare);
    double median = (values[(known - 1) / 2] + values[known / 2]) / 2;
    return (struct spread){values[0], median, values[known - 1]};
}

static void set_medians(void *out, const void *rounds, size_t count, size_t size, const size_t *offsets,
                        size_t offset_count)
{
    for (size_t i = 0; i < offset_count; i++) {
        double median = spread_of(rounds, count, size, offsets[i]).median;
        memcpy((char *)out + offsets[i], &median, sizeof(median));
    }
}

#define LOAD(member)  offsetof(struct lab_load_figures, member)
#define USAGE(member) offsetof(struct lab_usage_figures, member)

static void combine_loads(const struct lab_load_figures *rounds, size_t count, size_t size,
                          struct lab_load_figures *out)
{
    static const size_t medians[] = {LOAD(requests_per_s), LOAD(latency_p50_us), LOAD(latency_p99_us),
                                     LOAD(latency_p999_us)};
    unsigned bound = 0, late = 0;
    struct spread rates = spread_of(rounds, count, size, LOAD(requests_per_s));
    *out = (struct lab_load_figures){
        .requests_per_s_least = rates.least,
        .requests_per_s_most = rates.most,
        .latency_max_us = spread_of(rounds, count, size, LOAD(latency_max_us)).most,
    };
    set_medians(out, rounds, count, size, medians, ARRAY_LENGTH(medians));
    for (size_t i = 0; i < count; i++) {
        const struct lab_load_figures *round = (const void *)((const char *)rounds + i * size);
        out->requests += round->requests;
        out->requests_unanswered += round->requests_unanswered;
        out->errors += round->errors;
        bound += round->is_client_bound;
        late += round->is_client_late;
        if (out->error_text[0] == '\0')
            memcpy(out->error_text, round->error_text, sizeof(out->error_text));
    }
    out->is_client_bound = bound * 2 > count;
    out->is_client_late = late * 2 > count;
}

static void combine_usage(const struct lab_usage_figures *rounds, size_t count, size_t size,
                          struct lab_usage_figures *out)
{
    static const size_t medians[] = {USAGE(cpu_us_per_request), USAGE(system_cpu_share), USAGE(cores_used),
                                     USAGE(voluntary_switches_per_request),
                                     USAGE(involuntary_switches_per_request)};
    struct spread cpu = spread_of(rounds, count, size, USAGE(cpu_us_per_request));
    *out = (struct lab_usage_figures){.cpu_us_least = cpu.least, .cpu_us_most = cpu.most};
    set_medians(out, rounds, count, size, medians, ARRAY_LENGTH(medians));
    for (size_t i = 0; i < count; i++) {
        const struct lab_usage_figures *round = (const void *)((const char *)rounds + i * size);
        out->processes = MAX(out->processes, round->processes);
        out->threads = MAX(out->threads, round->threads);
    }
}

void rounds_combine_points(const struct lab_point *rounds, size_t count, struct lab_point *ret_point)
{
    assert(count > 0 && count <= LAB_ROUNDS_MAX);
    *ret_point = (struct lab_point){
        .connections = rounds[0].connections,
        .others_share =
            spread_of(rounds, count, sizeof(*rounds), offsetof(struct lab_point, others_share)).most,
    };
    combine_loads(&rounds->load, count, sizeof(*rounds), &ret_point->load);
    combine_usage(&rounds->usage, count, sizeof(*rounds), &ret_point->usage);
}

void rounds_combine_pairs(const struct lab_pair *rounds, size_t count, struct lab_pair *ret_pair)
{
    assert(count > 0 && count <= LAB_ROUNDS_MAX);
    *ret_pair = (struct lab_pair){
        .is_measured = true,
        .others_share =
            spread_of(rounds, count, sizeof(*rounds), offsetof(struct lab_pair, others_share)).most,
    };
    combine_loads(&rounds->without, count, sizeof(*rounds), &ret_pair->without);
    combine_loads(&rounds->with, count, sizeof(*rounds), &ret_pair->with);
    combine_loads(&rounds->blocked, count, sizeof(*rounds), &ret_pair->blocked);
}
