/* Metrics: a family for each row of COUNTER_TABLE, with a sample for each worker, and the histograms.
 *
 * The two formats differ in little: OpenMetrics names a family of counters without the "_total" of its
 * samples, knows units, and ends with a line of its own. */
#include "admin/metrics.h"

#include "admin/route_metrics.h"
#include "admin/server_metrics.h"
#include "admin/shield_metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct metrics {
    struct metrics_writer writer;
    const struct admin *admin;
};

void metrics_put_family(const struct metrics_writer *metrics, const char *name, const char *type,
                        const char *help)
{
    bool is_old = metrics->format == METRICS_TEXT;
    const char *ending = is_old && strcmp(type, "counter") == 0 ? "_total" : "";
    buffer_printf(metrics->out, "# HELP vif_%s%s %s\n# TYPE vif_%s%s %s\n", name, ending, help, name, ending,
                  type);
}

void metrics_put_unit(const struct metrics_writer *metrics, const char *name, const char *unit)
{
    if (metrics->format == METRICS_OPEN)
        buffer_printf(metrics->out, "# UNIT vif_%s %s\n", name, unit);
}

void metrics_put_label(const struct metrics_writer *metrics, const char *name, struct slice value)
{
    buffer_printf(metrics->out, "%s=\"", name);
    for (size_t i = 0; i < value.length; i++) {
        bool is_line_end = value.data[i] == '\n';
        if (is_line_end || value.data[i] == '"' || value.data[i] == '\\')
            buffer_append_byte(metrics->out, '\\');
        buffer_append_byte(metrics->out, is_line_end ? 'n' : value.data[i]);
    }
    buffer_append_byte(metrics->out, '"');
}

/* ---- counters ---- */

/* What is open now, and what of it is idle; everything else is counted since the start. */
static bool rises_and_falls(const char *name)
{
    struct slice text = slice_from(name);
    return slice_ends_with(text, SLICE("_open")) || slice_ends_with(text, SLICE("_idle"));
}

/* One row of COUNTER_TABLE: the member at `offset` of each worker's counters. */
static void put_counter(struct metrics *metrics, const char *name, size_t offset, const char *help)
{
    const struct counters_view *workers = &metrics->admin->workers;
    bool is_gauge = rises_and_falls(name);
    metrics_put_family(&metrics->writer, name, is_gauge ? "gauge" : "counter", help);
    for (size_t i = 0; i < workers->count; i++) {
        uint64_t value;
        memcpy(&value, (const char *)counters_at(workers, i) + offset, sizeof(value));
        buffer_printf(metrics->writer.out, "vif_%s%s{worker=\"%zu\"} %" PRIu64 "\n", name,
                      is_gauge ? "" : "_total", i, value);
    }
}

static void put_counters(struct metrics *metrics)
{
#define X(name, text) put_counter(metrics, #name, offsetof(struct counters, name), text);
    COUNTER_TABLE(X)
#undef X
}

/* ---- certificates ---- */

/* Several sites may use one file. */
static bool is_told_already(const struct admin *admin, size_t number, const char *file)
{
    struct admin_certificate other;
    for (size_t i = 0; i < number && admin_certificate(admin, i, &other); i++) {
        if (other.file && strcmp(other.file, file) == 0)
            return true;
    }
    return false;
}

static void metrics_put_certificates(const struct metrics *metrics)
{
    static const char name[] = "certificate_expiry_timestamp_seconds";
    struct admin_certificate one;
    if (!admin_certificate(metrics->admin, 0, &one))
        return;
    metrics_put_family(&metrics->writer, name, "gauge", "when a certificate or one of its issuers expires");
    metrics_put_unit(&metrics->writer, name, "seconds");
    for (size_t i = 0; admin_certificate(metrics->admin, i, &one); i++) {
        if (one.file == NULL || is_told_already(metrics->admin, i, one.file))
            continue;
        buffer_printf(metrics->writer.out, "vif_%s{", name);
        metrics_put_label(&metrics->writer, "file", slice_from(one.file));
        buffer_printf(metrics->writer.out, "} %" PRId64 "\n", one.expires);
    }
}

/* ---- histograms ---- */

static void put_exemplar(const struct metrics_writer *metrics, const struct exemplar *exemplar)
{
    if (metrics->format == METRICS_TEXT || exemplar->id[0] == '\0')
        return;
    buffer_printf(metrics->out, " # {");
    metrics_put_label(metrics, "request_id", slice_from(exemplar->id));
    buffer_printf(metrics->out, "} %.6f %.3f", (double)exemplar->duration_us / 1e6,
                  (double)exemplar->when_ms / 1e3);
}

void metrics_put_histogram(const struct metrics_writer *metrics, const char *name, const char *labels,
                           const struct duration_histogram *histogram, const struct exemplar *exemplars)
{
    static const uint32_t bounds_us[] = {DURATION_BOUNDS_US};
    uint64_t count = 0;
    for (size_t i = 0; i < DURATION_BUCKETS; i++) {
        char bound[24] = "+Inf";
        if (i < DURATION_BUCKETS - 1)
            snprintf(bound, sizeof(bound), "%g", bounds_us[i] / 1e6);
        count += histogram->counts[i];
        buffer_printf(metrics->out, "vif_%s_bucket{%s,le=\"%s\"} %" PRIu64, name, labels, bound, count);
        if (exemplars)
            put_exemplar(metrics, &exemplars[i]);
        buffer_append_byte(metrics->out, '\n');
    }
    buffer_printf(metrics->out, "vif_%s_sum{%s} %.6f\nvif_%s_count{%s} %" PRIu64 "\n", name, labels,
                  (double)histogram->sum_us / 1e6, name, labels, count);
}

static void put_histograms(struct metrics *metrics)
{
    static const char name[] = "request_duration_seconds";
    metrics_put_family(&metrics->writer, name, "histogram",
                       "From the end of a request's head to the end of its response, by the status's class.");
    metrics_put_unit(&metrics->writer, name, "seconds");
    for (size_t class = 0; class < STATUS_CLASSES; class ++) {
        char label[24];
        snprintf(label, sizeof(label), "class=\"%zuxx\"", class + 2);
        struct duration_histogram sum = counters_durations(&metrics->admin->workers, class);
        metrics_put_histogram(&metrics->writer, name, label, &sum, NULL);
    }
}

static void put_phases(struct metrics *metrics)
{
    static const char name[] = "phase_duration_seconds";
    static const char *const labels[] = {
#define X(member, name, text) "phase=\"" name "\"",
        PHASE_TABLE(X)
#undef X
    };
    metrics_put_family(
        &metrics->writer, name, "histogram",
        "Phases of the requests that were not answered at once, or that a new connection waited "
        "for, and TLS handshakes.");
    metrics_put_unit(&metrics->writer, name, "seconds");
    for (size_t phase = 0; phase < PHASE_COUNT; phase++) {
        struct duration_histogram sum = counters_phases(&metrics->admin->workers, phase);
        metrics_put_histogram(&metrics->writer, name, labels[phase], &sum, NULL);
    }
}

/* ---- the server ---- */

static void put_server(struct metrics *metrics)
{
    const struct admin *admin = metrics->admin;
    metrics_put_family(&metrics->writer, "build_info", "gauge", "The version, in a label; the value is 1.");
    buffer_printf(metrics->writer.out, "vif_build_info{version=\"" VIF_VERSION "\"} 1\n");
    metrics_put_family(&metrics->writer, "workers", "gauge", "Worker processes.");
    buffer_printf(metrics->writer.out, "vif_workers %zu\n", admin->workers.count);
    metrics_put_family(&metrics->writer, "ready", "gauge", "1; 0 while the server shuts down.");
    buffer_printf(metrics->writer.out, "vif_ready %d\n", !admin->is_draining(admin->context));
}

void metrics_write(const struct admin *admin, enum metrics_format format, struct buffer *out)
{
    struct metrics metrics = {.writer = {.format = format, .out = out}, .admin = admin};
    put_server(&metrics);
    put_counters(&metrics);
    put_histograms(&metrics);
    put_phases(&metrics);
    metrics_put_certificates(&metrics);
    route_metrics_write(&admin->workers, format, out);
    server_metrics_write(admin->board, format, out);
    shield_metrics_write(admin->shield, format, out);
    if (format == METRICS_OPEN)
        buffer_append(out, SLICE("# EOF\n"));
}
