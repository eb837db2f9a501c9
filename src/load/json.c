/* The result as JSON. Durations are microseconds, as measured. An object of a few numbers is written on
 * one line, so that a run fits on one page. */
#include "load/report.h"

#include "http/json.h"

#include <math.h>
#include <stdio.h>

/* Null if nothing was measured: 0 would look like a very good duration. */
static void put_us(struct json *json, const char *key, const struct histogram *histogram, uint64_t us)
{
    json_key(json, key);
    if (histogram->count > 0)
        json_number(json, us);
    else
        json_raw(json, SLICE("null"));
}

static void put_moments(struct json *json, const struct histogram *histogram)
{
    bool is_empty = histogram->count == 0;
    json_put_double(json, "mean", "%.3f", is_empty ? NAN : histogram_mean(histogram));
    json_put_double(json, "stddev", "%.3f", is_empty ? NAN : histogram_deviation(histogram));
}

/* Ten points for each further nine: enough for plotting a curve. */
static void put_curve(struct json *json, const struct histogram *histogram)
{
    double end = load_nines_end(histogram->count);
    json_key(json, "percentiles");
    json_begin(json, '[');
    for (unsigned step = 0; histogram->count > 0 && step / 10.0 <= end; step++) {
        double percentile = load_percentile_at(step / 10.0);
        json_begin(json, '[');
        json_double(json, "%.7g", percentile);
        json_number(json, histogram_percentile(histogram, percentile));
        json_end(json, ']');
    }
    json_end(json, ']');
}

static void put_histogram(struct json *json, const char *key, const struct histogram *histogram)
{
    json_key(json, key);
    json_begin_line(json, '{');
    json_put_number(json, "count", histogram->count);
    put_moments(json, histogram);
    put_us(json, "min", histogram, histogram->min);
    for (unsigned i = 0; i < LOAD_PERCENTILES; i++) {
        char percentile[16];
        snprintf(percentile, sizeof(percentile), "p%g", load_percentiles[i]);
        put_us(json, percentile, histogram, histogram_percentile(histogram, load_percentiles[i]));
    }
    put_us(json, "max", histogram, histogram->max);
    put_curve(json, histogram);
    json_end(json, '}');
}

static void put_plan(struct json *json, const struct load_plan *plan)
{
    json_put_number(json, "connections", plan->connections);
    json_put_number(json, "pipeline", plan->pipeline);
    json_put_number(json, "threads", plan->threads);
    if (plan->rate > 0)
        json_put_double(json, "rate_wanted", "%.6g", plan->rate);
    json_put_bool(json, "closes", plan->closes);
}

static void put_statuses(struct json *json, const struct load_result *result)
{
    char status[12];
    json_key(json, "statuses");
    json_begin_line(json, '{');
    for (unsigned i = 1; i < ARRAY_LENGTH(result->status_classes); i++) {
        snprintf(status, sizeof(status), "%uxx", i);
        json_put_number(json, status, result->status_classes[i]);
    }
    json_end(json, '}');
    json_key(json, "wrong_statuses");
    json_begin_line(json, '{');
    for (unsigned i = 0; i <= LOAD_STATUS_MAX; i++) {
        snprintf(status, sizeof(status), "%u", i);
        if (result->wrong_statuses[i] > 0)
            json_put_number(json, status, result->wrong_statuses[i]);
    }
    json_end(json, '}');
}

static void put_counts(struct json *json, const struct load_result *result)
{
    json_put_double(json, "elapsed_s", "%.6f", (double)result->elapsed_us / 1e6);
    json_put_number(json, "due", result->due);
    json_put_number(json, "sent", result->sent);
    json_put_number(json, "answers", result->answers);
    json_put_double(json, "answers_per_second", "%.3f", load_result_rate(result));
    json_put_number(json, "bytes_received", result->bytes_received);
    json_put_number(json, "bytes_sent", result->bytes_sent);
    json_put_number(json, "connects", result->connects);
    json_put_number(json, "connections_open_most", result->open_most);
    put_statuses(json, result);
    json_key(json, "errors");
    json_begin_line(json, '{');
    for (unsigned i = 0; i < LOAD_ERROR_COUNT; i++)
        json_put_number(json, load_error_names[i], result->errors[i]);
    json_end(json, '}');
}

static void put_client(struct json *json, const struct load_result *result)
{
    json_put_number(json, "client_cpu_us", result->cpu_us);
    json_put_number(json, "client_waiting_us", result->waiting_us);
    json_put_number(json, "client_late", result->late);
    json_put_bool(json, "client_was_bottleneck", load_result_is_client_bound(result));
    json_put_bool(json, "rate_was_kept", load_result_kept_rate(result));
    json_put_bool(json, "was_stopped", result->was_stopped);
}

static void put_load_target(struct json *json, const struct load_target *asked,
                            const struct load_target_result *target)
{
    json_begin(json, '{');
    json_key(json, "method");
    json_string(json, load_target_method(asked));
    json_key(json, "path");
    json_string(json, asked->path);
    json_put_number(json, "body_bytes", asked->body.length);
    json_put_number(json, "sent", target->sent);
    json_put_number(json, "answers", target->answers);
    put_histogram(json, "latency_us", &target->latency);
    json_end(json, '}');
}

void load_print_json(const struct load_report *report, struct buffer *out)
{
    struct json json = {.out = out};
    json_begin(&json, '{');
    json_key(&json, "url");
    json_string(&json, report->title);
    put_plan(&json, report->plan);
    put_counts(&json, report->result);
    put_client(&json, report->result);
    put_histogram(&json, "latency_us", report->latency);
    if (report->service)
        put_histogram(&json, "service_us", report->service);
    json_key(&json, "targets");
    json_begin(&json, '[');
    for (size_t i = 0; i < report->plan->target_count; i++)
        put_load_target(&json, &report->plan->targets[i], &report->result->targets[i]);
    json_end(&json, ']');
    json_end(&json, '}');
    buffer_append_byte(out, '\n');
}
