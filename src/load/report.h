/* Output of a result: a table and a plot for terminals, JSON, and SVG. */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include "base/buffer.h"
#include "load/load.h"

/* The data of a report; all of it is borrowed. */
struct load_report {
    struct slice title; /* the URL */
    const struct load_plan *plan;
    const struct load_result *result;
    const struct histogram *latency; /* of all targets together */
    const struct histogram *service; /* NULL without a rate: it would be the same */
};

/* Appends the table: counts, rates, durations; errors; and warnings, one sentence each, about why the
 * figures may be misleading. */
void load_print_table(const struct load_report *report, struct buffer *out);

/* With fewer values nothing is plotted. */
#define LOAD_PLOTTED_MIN 10

/* Appends a plot of the latency by percentile in characters, at most 80 columns wide. If there are too few
 * answers, it only says so; if there are none, it appends nothing. */
void load_print_plot(const struct load_report *report, struct buffer *out);

/* Appends one JSON object, over several lines. Its members are described in docs/load.md. */
void load_print_json(const struct load_report *report, struct buffer *out);

/* Appends a self-contained SVG document, light or dark as the reader prefers: latency by percentile, a
 * curve for each target, and with a rate also one for the service times; if there are too few answers,
 * only the figures. */
void load_print_svg(const struct load_report *report, struct buffer *out);

#define DURATION_TEXT_MAX 24

/* Microseconds with three digits and a unit: "826 us", "4.64 ms", "12.3 s". Returns `text`. */
const char *load_show_us(double us, char text[DURATION_TEXT_MAX]);

/* The percentiles that tables and JSON show. */
#define LOAD_PERCENTILES 5
extern const double load_percentiles[LOAD_PERCENTILES];

/* The scale of percentile axes: the distance from 90 to 99 equals that from 99 to 99.9. load_nines
 * converts a percentile below 100 to a position in such steps; load_percentile_at is its inverse. */
double load_nines(double percentile);
double load_percentile_at(double nines);

/* The end of such an axis for `count` values: the last percentile that a single value decides. */
double load_nines_end(uint64_t count);

#endif
