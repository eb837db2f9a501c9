/* A result for people and programs: a table with a plot for terminals, JSON, and a drawing. */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include "base/buffer.h"
#include "load/load.h"

/* What is reported; all of it is borrowed. */
struct load_report {
    struct slice title; /* what was asked: the URL */
    const struct load_plan *plan;
    const struct load_result *result;
    const struct histogram *latency; /* of all targets together */
    const struct histogram *service; /* NULL where there was no rate: it would be the same */
};

/* Appends the table: how many, how fast, how long; what went wrong; and, a sentence each, why the figures may
 * not mean what they seem to. */
void load_print_table(const struct load_report *report, struct buffer *out);

/* Fewer values than this have no shape that is worth drawing. */
#define LOAD_PLOTTED_MIN 10

/* Appends the latency by percentile, drawn with characters: at most 80 columns. Of a few answers it only says
 * that they are too few; nothing where nothing was answered. */
void load_print_plot(const struct load_report *report, struct buffer *out);

/* Appends one JSON object, over several lines. Its members are described in docs/load.md. */
void load_print_json(const struct load_report *report, struct buffer *out);

/* Appends a whole SVG document that needs nothing else, light or dark as its reader prefers: latency by
 * percentile, a curve for each target, and at a constant rate one for the service times; of a few answers
 * only the figures. */
void load_print_svg(const struct load_report *report, struct buffer *out);

#define DURATION_TEXT_MAX 24

/* Microseconds with three digits and a unit: "826 us", "4.64 ms", "12.3 s". Returns `text`. */
const char *load_show_us(double us, char text[DURATION_TEXT_MAX]);

/* The percentiles that tables and JSON show. */
#define LOAD_PERCENTILES 5
extern const double load_percentiles[LOAD_PERCENTILES];

/* Axes of percentiles stretch towards 100: as far from 90 to 99 as from 99 to 99.9. How far from the left a
 * percentile below 100 stands, in such steps; and what stands there. */
double load_nines(double percentile);
double load_percentile_at(double nines);

/* Where such an axis ends for so many values: at the last percentile that one of them alone decides. */
double load_nines_end(uint64_t count);

#endif
