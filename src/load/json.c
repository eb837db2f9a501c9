/* The result as JSON. Durations are microseconds, as they were measured. */
#include "load/report.h"

#include <stdio.h>

static void load_json_append_text(struct buffer *out, struct slice text)
{
    buffer_append_byte(out, '"');
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte == '"' || byte == '\\')
            buffer_printf(out, "\\%c", byte);
        else if (byte < 0x20)
            buffer_printf(out, "\\u%04x", byte);
        else
            buffer_append_byte(out, (char)byte);
    }
    buffer_append_byte(out, '"');
}

static void append_number(struct buffer *out, const char *name, uint64_t value)
{
    buffer_printf(out, "  \"%s\": %llu,\n", name, (unsigned long long)value);
}

/* Nothing was measured: 0 would be a duration, and a good one. */
static void append_us(struct buffer *out, const char *name, const struct histogram *histogram, uint64_t us)
{
    if (histogram->count > 0)
        buffer_printf(out, ", \"%s\": %llu", name, (unsigned long long)us);
    else
        buffer_printf(out, ", \"%s\": null", name);
}

static void append_moments(struct buffer *out, const struct histogram *histogram)
{
    if (histogram->count > 0)
        buffer_printf(out, ", \"mean\": %.3f, \"stddev\": %.3f", histogram_mean(histogram),
                      histogram_deviation(histogram));
    else
        buffer_append(out, SLICE(", \"mean\": null, \"stddev\": null"));
}

/* One more digit behind "p99.9" needs no new name: percentiles are also told as pairs. */
static void append_histogram(struct buffer *out, const char *indent, const char *name,
                             const struct histogram *histogram)
{
    buffer_printf(out, "%s\"%s\": {\"count\": %llu", indent, name, (unsigned long long)histogram->count);
    append_moments(out, histogram);
    append_us(out, "min", histogram, histogram->min);
    for (unsigned i = 0; i < LOAD_PERCENTILES; i++) {
        char percentile[16];
        snprintf(percentile, sizeof(percentile), "p%g", load_percentiles[i]);
        append_us(out, percentile, histogram, histogram_percentile(histogram, load_percentiles[i]));
    }
    append_us(out, "max", histogram, histogram->max);
    buffer_printf(out, ",\n%s  \"percentiles\": [", indent);
    /* Ten steps for each further nine: a curve that can be drawn. */
    double end = load_nines_end(histogram->count);
    for (unsigned step = 0; histogram->count > 0 && step / 10.0 <= end; step++) {
        double percentile = load_percentile_at(step / 10.0);
        buffer_printf(out, "%s[%.7g, %llu]", step == 0 ? "" : ", ", percentile,
                      (unsigned long long)histogram_percentile(histogram, percentile));
    }
    buffer_append(out, SLICE("]}"));
}

static void append_plan(struct buffer *out, const struct load_plan *plan)
{
    append_number(out, "connections", plan->connections);
    append_number(out, "pipeline", plan->pipeline);
    append_number(out, "threads", plan->threads);
    if (plan->rate > 0)
        buffer_printf(out, "  \"rate_wanted\": %.6g,\n", plan->rate);
    buffer_printf(out, "  \"closes\": %s,\n", plan->closes ? "true" : "false");
}

static void append_counts(struct buffer *out, const struct load_result *result)
{
    buffer_printf(out, "  \"elapsed_s\": %.6f,\n", (double)result->elapsed_us / 1e6);
    append_number(out, "due", result->due);
    append_number(out, "sent", result->sent);
    append_number(out, "answers", result->answers);
    buffer_printf(out, "  \"answers_per_second\": %.3f,\n", load_result_rate(result));
    append_number(out, "bytes_received", result->bytes_received);
    append_number(out, "bytes_sent", result->bytes_sent);
    append_number(out, "connects", result->connects);
    append_number(out, "connections_open_most", result->open_most);
    buffer_append(out, SLICE("  \"statuses\": {"));
    for (unsigned i = 1; i < ARRAY_LENGTH(result->status_classes); i++)
        buffer_printf(out, "%s\"%uxx\": %llu", i == 1 ? "" : ", ", i,
                      (unsigned long long)result->status_classes[i]);
    buffer_append(out, SLICE("},\n  \"wrong_statuses\": {"));
    bool is_first = true;
    for (unsigned i = 0; i <= LOAD_STATUS_MAX; i++) {
        if (result->wrong_statuses[i] == 0)
            continue;
        buffer_printf(out, "%s\"%u\": %llu", is_first ? "" : ", ", i,
                      (unsigned long long)result->wrong_statuses[i]);
        is_first = false;
    }
    buffer_append(out, SLICE("},\n  \"errors\": {"));
    for (unsigned i = 0; i < LOAD_ERROR_COUNT; i++)
        buffer_printf(out, "%s\"%s\": %llu", i == 0 ? "" : ", ", load_error_names[i],
                      (unsigned long long)result->errors[i]);
    buffer_append(out, SLICE("},\n"));
}

static void append_client(struct buffer *out, const struct load_result *result)
{
    append_number(out, "client_cpu_us", result->cpu_us);
    append_number(out, "client_waiting_us", result->waiting_us);
    append_number(out, "client_late", result->late);
    buffer_printf(out, "  \"client_was_bottleneck\": %s,\n",
                  load_result_is_client_bound(result) ? "true" : "false");
    buffer_printf(out, "  \"rate_was_kept\": %s,\n", load_result_kept_rate(result) ? "true" : "false");
    buffer_printf(out, "  \"was_stopped\": %s,\n", result->was_stopped ? "true" : "false");
}

static void append_targets(struct buffer *out, const struct load_report *report)
{
    buffer_append(out, SLICE("  \"targets\": ["));
    for (size_t i = 0; i < report->plan->target_count; i++) {
        const struct load_target *asked = &report->plan->targets[i];
        const struct load_target_result *target = &report->result->targets[i];
        buffer_printf(out, "%s\n    {\"method\": ", i == 0 ? "" : ",");
        load_json_append_text(out, load_target_method(asked));
        buffer_append(out, SLICE(", \"path\": "));
        load_json_append_text(out, asked->path);
        buffer_printf(out, ", \"body_bytes\": %zu, \"sent\": %llu, \"answers\": %llu,\n", asked->body.length,
                      (unsigned long long)target->sent, (unsigned long long)target->answers);
        append_histogram(out, "     ", "latency_us", &target->latency);
        buffer_append_byte(out, '}');
    }
    buffer_append(out, SLICE("\n  ]\n"));
}

void load_print_json(const struct load_report *report, struct buffer *out)
{
    buffer_append(out, SLICE("{\n  \"url\": "));
    load_json_append_text(out, report->title);
    buffer_append(out, SLICE(",\n"));
    append_plan(out, report->plan);
    append_counts(out, report->result);
    append_client(out, report->result);
    append_histogram(out, "  ", "latency_us", report->latency);
    buffer_append(out, SLICE(",\n"));
    if (report->service) {
        append_histogram(out, "  ", "service_us", report->service);
        buffer_append(out, SLICE(",\n"));
    }
    append_targets(out, report);
    buffer_append(out, SLICE("}\n"));
}
