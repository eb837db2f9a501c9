/* The table for the terminal: the figures that a comparison begins with. Everything else is in the JSON and
 * the page. */
#include "lab/report/report.h"

#include <math.h>
#include <stdio.h>

#define CELL_BYTES 16

struct cell {
    char text[CELL_BYTES];
};

/* --- figures in seven columns --- */

struct unit {
    double least;
    double divisor;
    const char *name;
};

static const struct unit counts[] = {{999.5e3, 1e6, "M"}, {9.9995e3, 1e3, "k"}, {0, 1, ""}};
static const struct unit times[] = {{999.5e3, 1e6, " s"}, {999.5, 1e3, " ms"}, {0, 1, " us"}};
static const struct unit sizes[] = {{999.5 * 1024, 1 << 20, " MiB"}, {999.5, 1024, " KiB"}, {0, 1, " B"}};

/* Three digits; "-" for what was not measured. */
static struct cell scaled(double value, const struct unit *unit)
{
    struct cell cell = {"-"};
    if (!isfinite(value))
        return cell;
    while (value < unit->least)
        unit++;
    double shown = value / unit->divisor;
    int decimals = shown >= 99.95 || (unit->name[0] == '\0' && shown == floor(shown)) ? 0
                   : shown >= 9.995                                                   ? 1
                                                                                      : 2;
    snprintf(cell.text, sizeof(cell.text), "%.*f%s", decimals, shown, unit->name);
    return cell;
}

/* --- columns --- */

/* Of the processors, taken by others: from here on it is told. */
#define BUSY_SHARE 0.05

/* What the columns of a table are about: throughput at up to three counts of connections, the rest at one of
 * these. */
struct shape {
    unsigned counts[3]; /* ascending */
    unsigned count;
    unsigned usual;
    double timeout_us;
};

static const struct lab_point *find_point(const struct lab_model_result *result, unsigned connections)
{
    for (size_t i = 0; i < result->point_count; i++) {
        if (result->points[i].connections == connections)
            return &result->points[i];
    }
    return NULL;
}

/* More connections than the model serves: the others only wait. */
static bool is_overloaded(const struct lab_model_result *result, const struct lab_point *point)
{
    unsigned most = result->model->connections_max;
    return point->load.requests_unanswered > 0 || (most && point->connections > most);
}

/* "!" behind it: some clients had no answer. */
static struct cell rate_cell(const struct lab_model_result *result, unsigned connections)
{
    const struct lab_point *point = find_point(result, connections);
    struct cell cell = scaled(point ? point->load.requests_per_s : NAN, counts);
    size_t length = strlen(cell.text);
    if (point && is_overloaded(result, point))
        snprintf(cell.text + length, sizeof(cell.text) - length, "!");
    return cell;
}

/* How far the rounds lie apart, in per cent of what is told. */
static struct cell spread_cell(const struct lab_point *point)
{
    struct cell cell = {"-"};
    double spread = point ? (point->load.requests_per_s_most - point->load.requests_per_s_least) * 100 /
                                point->load.requests_per_s
                          : NAN;
    if (isfinite(spread))
        snprintf(cell.text, sizeof(cell.text), "%.0f %%", fmin(spread, 99999));
    return cell;
}

/* Where one request in a hundred had no answer at all, the time is more than the clients' timeout. */
static struct cell wait_cell(const struct lab_pair *pair, double timeout_us)
{
    const struct lab_load_figures *load = &pair->with;
    if (!pair->is_measured || load->requests_unanswered * 99 <= load->requests)
        return scaled(pair->is_measured ? load->latency_p99_us : NAN, times);
    struct cell cell = scaled(timeout_us, times);
    struct cell more = {">"};
    memcpy(more.text + 1, cell.text, sizeof(more.text) - 2);
    return more;
}

static double idle_bytes(const struct lab_idle_figures *idle)
{
    return idle->connections ? idle->memory_bytes_per_connection : NAN;
}

static struct cell limit_cell(const struct lab_limit_figures *limit)
{
    struct cell cell = {"-"};
    if (limit->is_measured)
        snprintf(cell.text, sizeof(cell.text), "%s%u", limit->has_held_all ? ">=" : "", limit->connections);
    return cell;
}

static void append_cell(struct buffer *out, struct cell cell, int width)
{
    buffer_printf(out, " %*s", width, cell.text);
}

/* One column is as wide as its heading. */
static int rate_width(const struct shape *shape)
{
    return shape->count == 1 ? 15 : 7;
}

static void append_row(const struct lab_model_result *result, const struct shape *shape, struct buffer *out)
{
    const struct lab_point *usual = find_point(result, shape->usual);
    const struct lab_usage_figures *usage = usual ? &usual->usage : NULL;
    buffer_printf(out, "%-11s", result->model->name);
    for (unsigned i = 0; i < shape->count; i++)
        append_cell(out, rate_cell(result, shape->counts[i]), rate_width(shape));
    append_cell(out, spread_cell(usual), 6);
    append_cell(out, scaled(usage ? usage->cpu_us_per_request : NAN, times), 7);
    append_cell(out, scaled(usual ? usual->load.latency_p99_us : NAN, times), 7);
    append_cell(
        out,
        scaled(usage ? usage->voluntary_switches_per_request + usage->involuntary_switches_per_request : NAN,
               counts),
        7);
    append_cell(out, scaled(idle_bytes(&result->idle), sizes), 8);
    append_cell(out, wait_cell(&result->slow, shape->timeout_us), 7);
    append_cell(out, wait_cell(&result->blocking, shape->timeout_us), 8);
    append_cell(out, limit_cell(&result->limit), 7);
    buffer_append_byte(out, '\n');
}

/* --- the whole --- */

static void add_count(struct shape *shape, unsigned connections)
{
    if (shape->count == 0 || shape->counts[shape->count - 1] < connections)
        shape->counts[shape->count++] = connections;
}

/* The least, the most, and 100 or what comes nearest to it from below. */
static struct shape shape_of(const struct lab_settings *settings)
{
    struct shape shape = {.timeout_us = settings->answer_timeout_ms * 1000.0};
    if (settings->connection_count == 0)
        return shape;
    shape.usual = settings->connections[0];
    for (size_t i = 0; i < settings->connection_count; i++) {
        if (settings->connections[i] <= 100)
            shape.usual = settings->connections[i];
    }
    add_count(&shape, settings->connections[0]);
    add_count(&shape, shape.usual);
    add_count(&shape, settings->connections[settings->connection_count - 1]);
    return shape;
}

static void append_head(const struct lab_settings *settings, const struct shape *shape, struct buffer *out)
{
    char slow[32];
    char blocking[32];
    snprintf(slow, sizeof(slow), "p99, %u", settings->slow_drip_clients + settings->slow_read_clients);
    snprintf(blocking, sizeof(blocking), "p99, %g %%", 100.0 / settings->blocking_one_in);
    int width = (rate_width(shape) + 1) * (int)shape->count;
    buffer_printf(out, "%-11s%*s %6s %7s %7s %7s %8s %7s %8s %7s\n", "", width,
                  shape->count ? "requests/s with" : "", "", "CPU per", "", "switch", "memory", slow,
                  blocking, "connec-");
    buffer_printf(out, "%-11s", "model");
    for (unsigned i = 0; i < shape->count; i++)
        buffer_printf(out, " %*u", rate_width(shape), shape->counts[i]);
    buffer_printf(out, " %6s %7s %7s %7s %8s %7s %8s %7s\n", "spread", "request", "p99", "per req",
                  "per idle", "slow", "blocking", "tions");
}

/* The model that others disturbed most, and how much, in the measurement that the table is mostly about. */
static const struct lab_model_result *most_disturbed(const struct lab_result *result,
                                                     const struct shape *shape, double *ret_share)
{
    const struct lab_model_result *most = NULL;
    *ret_share = BUSY_SHARE;
    for (size_t i = 0; i < result->model_count; i++) {
        const struct lab_point *point = find_point(&result->models[i], shape->usual);
        if (point == NULL || !(point->others_share > *ret_share))
            continue;
        most = &result->models[i];
        *ret_share = point->others_share;
    }
    return most;
}

static void append_doubts(const struct lab_result *result, const struct shape *shape, struct buffer *out)
{
    double share;
    const struct lab_model_result *most = most_disturbed(result, shape, &share);
    if (result->others_share > BUSY_SHARE)
        buffer_printf(out,
                      "The machine was busy: other work took %.0f %% of its processors during the run.\n",
                      100 * result->others_share);
    if (most)
        buffer_printf(out, "With %u connection%s %s was disturbed most: others took up to %.0f %%.\n",
                      shape->usual, shape->usual == 1 ? "" : "s", most->model->name, 100 * share);
}

static void append_notes(const struct lab_result *result, const struct shape *shape, struct buffer *out)
{
    unsigned rounds = result->settings.rounds;
    buffer_append_byte(out, '\n');
    if (shape->count)
        buffer_printf(
            out, "Spread, CPU, p99, context switches: with %u connection%s. !: some clients had no answer.\n",
            shape->usual, shape->usual == 1 ? "" : "s");
    if (rounds > 1)
        buffer_printf(out, "Medians of %u rounds; the spread is from the least requests/s to the most.\n",
                      rounds);
    append_doubts(result, shape, out);
    for (size_t i = 0; i < result->model_count; i++) {
        const struct lab_model_result *model = &result->models[i];
        if (model->unavailable)
            buffer_printf(out, "%s is not available here: %s.\n", model->model->name, model->unavailable);
        if (model->fault[0])
            buffer_printf(out, "%s %s.\n", model->model->name, model->fault);
    }
    if (result->was_interrupted)
        buffer_append(out, SLICE("The run was interrupted.\n"));
}

void report_table(const struct lab_result *result, struct buffer *out)
{
    struct shape shape = shape_of(&result->settings);
    append_head(&result->settings, &shape, out);
    for (size_t i = 0; i < result->model_count; i++) {
        if (!result->models[i].unavailable)
            append_row(&result->models[i], &shape, out);
    }
    append_notes(result, &shape, out);
}
