/* The table for terminals. */
#include "load/report.h"

#include "base/error.h"

#include <stdio.h>

#define STATUSES_SHOWN 4

static double seconds(const struct load_result *result)
{
    return (double)result->elapsed_us / 1e6;
}

static void print_bytes(struct buffer *out, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;
    while (bytes >= 1000 && unit + 1 < ARRAY_LENGTH(units)) {
        bytes /= 1024;
        unit++;
    }
    buffer_printf(out, "%.*f %s", unit == 0 || bytes >= 100 ? 0 : 1, bytes, units[unit]);
}

static void print_head(const struct load_report *report, struct buffer *out)
{
    const struct load_plan *plan = report->plan;
    buffer_printf(out, "\n  %.*s\n  %u connection%s", SLICE_ARGS(report->title), plan->connections,
                  plan->connections == 1 ? "" : "s");
    if (plan->closes)
        buffer_append(out, SLICE(" at most, one for each request"));
    if (plan->pipeline > 1)
        buffer_printf(out, ", %u requests at once on each", plan->pipeline);
    if (plan->rate > 0)
        buffer_printf(out, ", %g requests a second", plan->rate);
    if (plan->threads > 1)
        buffer_printf(out, ", %u threads", plan->threads);
    if (plan->target_count == 1 && plan->targets[0].body.data) {
        buffer_printf(out, ", %.*s with ", SLICE_ARGS(load_target_method(&plan->targets[0])));
        print_bytes(out, (double)plan->targets[0].body.length);
    }
    buffer_append(out, SLICE("\n\n"));
}

static void print_totals(const struct load_report *report, struct buffer *out)
{
    const struct load_result *result = report->result;
    double elapsed = seconds(result) > 0 ? seconds(result) : 1;
    buffer_printf(out, "  answers    %llu in %.2f s: %.*f a second\n", (unsigned long long)result->answers,
                  seconds(result), load_result_rate(result) < 100 ? 2 : 0, load_result_rate(result));
    buffer_append(out, SLICE("  received   "));
    print_bytes(out, (double)result->bytes_received);
    buffer_append(out, SLICE(": "));
    print_bytes(out, (double)result->bytes_received / elapsed);
    buffer_append(out, SLICE(" a second\n  statuses  "));
    bool has_any = false;
    for (unsigned i = 1; i < ARRAY_LENGTH(result->status_classes); i++) {
        if (result->status_classes[i] == 0)
            continue;
        buffer_printf(out, "%s %uxx %llu", has_any ? "," : "", i,
                      (unsigned long long)result->status_classes[i]);
        has_any = true;
    }
    buffer_printf(out, "%s\n  errors     %s", has_any ? "" : " none",
                  load_result_errors(result) == 0 ? "none\n" : "");
}

/* Lists the first few kinds only. */
static void print_wrong_statuses(const struct load_result *result, struct buffer *out)
{
    unsigned shown = 0;
    for (unsigned i = 0; i <= LOAD_STATUS_MAX && shown <= STATUSES_SHOWN; i++) {
        if (result->wrong_statuses[i] == 0)
            continue;
        if (shown == STATUSES_SHOWN)
            buffer_append(out, SLICE(", and others"));
        else
            buffer_printf(out, "%s %llu of %u", shown == 0 ? "\n              " : ",",
                          (unsigned long long)result->wrong_statuses[i], i);
        shown++;
    }
}

static void print_wanted_status(const struct load_plan *plan, struct buffer *out)
{
    if (plan->target_count != 1)
        return;
    if (plan->targets[0].status > 0)
        buffer_printf(out, " (%u)", plan->targets[0].status);
    else
        buffer_append(out, SLICE(" (200 to 399)"));
}

static void print_errors(const struct load_report *report, struct buffer *out)
{
    const struct load_result *result = report->result;
    bool is_first = true;
    for (unsigned i = 0; i < LOAD_ERROR_COUNT; i++) {
        if (result->errors[i] == 0)
            continue;
        buffer_printf(out, "%s%llu %s", is_first ? "" : "             ",
                      (unsigned long long)result->errors[i], load_error_texts[i]);
        if (i == LOAD_ERROR_STATUS) {
            print_wanted_status(report->plan, out);
            print_wrong_statuses(result, out);
        }
        if (result->system_errors[i] != 0)
            buffer_printf(out, ": %s", error_text(result->system_errors[i]));
        buffer_append_byte(out, '\n');
        is_first = false;
    }
}

static void print_row(const char *name, const struct histogram *histogram, struct buffer *out)
{
    char text[DURATION_TEXT_MAX];
    buffer_printf(out, "  %-9s", name);
    for (unsigned i = 0; i < LOAD_PERCENTILES; i++)
        buffer_printf(out, "%9s",
                      load_show_us((double)histogram_percentile(histogram, load_percentiles[i]), text));
    buffer_printf(out, "%9s", load_show_us((double)histogram->max, text));
    buffer_printf(out, "%9s", load_show_us(histogram_mean(histogram), text));
    buffer_printf(out, "%9s\n", load_show_us(histogram_deviation(histogram), text));
}

static void print_latency(const struct load_report *report, struct buffer *out)
{
    buffer_append(out, SLICE("\n           "));
    for (unsigned i = 0; i < LOAD_PERCENTILES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%g", load_percentiles[i]);
        buffer_printf(out, "%9s", name);
    }
    buffer_append(out, SLICE("      max     mean   stddev\n"));
    print_row("latency", report->latency, out);
    if (report->service)
        print_row("service", report->service, out);
    for (size_t i = 0; report->plan->target_count > 1 && i < report->plan->target_count; i++) {
        buffer_printf(out, "  %.*s\n", SLICE_ARGS(report->plan->targets[i].path));
        print_row("", &report->result->targets[i].latency, out);
    }
}

static void print_doubts(const struct load_report *report, struct buffer *out)
{
    const struct load_result *result = report->result;
    double elapsed_us = (double)MAX(result->elapsed_us, UINT64_C(1));
    if (load_result_is_client_bound(result)) {
        buffer_printf(out,
                      "\n  The client was the bottleneck: it was busy for %.0f %% of the time on %u core%s",
                      100 * (double)result->cpu_us / elapsed_us / result->threads, result->threads,
                      result->threads == 1 ? "" : "s");
        buffer_printf(out, ", and waited\n  for a core for %.0f %%. The server may be faster than this.\n",
                      100 * (double)result->waiting_us / elapsed_us / result->threads);
    }
    if (load_result_is_client_late(result))
        buffer_printf(
            out,
            "\n  The client was late: it sent %.0f %% of the requests more than 1 ms after they were due, for"
            "\n  want of a core. Their latency tells of this machine rather than of the server.\n",
            100 * (double)result->late / (double)result->sent);
    if (!load_result_kept_rate(result))
        buffer_printf(
            out,
            "\n  The rate could not be kept: of %llu requests that were due, %llu were never sent, as no"
            "\n  connection was free. %s\n",
            (unsigned long long)result->due, (unsigned long long)(result->due - result->sent),
            result->answers > 0 ? "They would have waited longer than those that are counted."
                                : "No waiting could be counted.");
    if (result->was_stopped)
        buffer_append(out, SLICE("\n  It was stopped before its end.\n"));
}

void load_print_table(const struct load_report *report, struct buffer *out)
{
    print_head(report, out);
    print_totals(report, out);
    print_errors(report, out);
    if (report->latency->count > 0)
        print_latency(report, out);
    print_doubts(report, out);
}
