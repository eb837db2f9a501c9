/* The SVG document: latency by percentile. Both axes are logarithmic: nines on the x axis, decades of time
 * on the y axis. One style sheet with two colour schemes; no scripts, fonts or external resources. */
#include "load/report.h"

#include "http/escape.h"

#include <math.h>
#include <stdio.h>

/* The plot area inside the drawing of WIDTH by HEIGHT. */
#define WIDTH  760
#define HEIGHT 420
#define LEFT   76
#define RIGHT  736
#define TOP    92
#define BOTTOM 362

#define EDGE            4
#define CHARACTER_WIDTH 8.0 /* the maximum of a digit */

struct drawing {
    struct buffer *out;
    double nines_end;
    double low; /* decimal logarithms of microseconds at the bottom and the top */
    double high;
};

static const char style[] =
    "<style>\n"
    "svg { --ground: #ffffff; --ink: #1f2328; --faint: #656d76; --grid: #d8dee4;\n"
    "  --curve-0: #0969da; --curve-1: #bc4c00; --curve-2: #1a7f37; --curve-3: #8250df;\n"
    "  font: 13px system-ui, sans-serif; background: var(--ground) }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "  svg { --ground: #0d1117; --ink: #e6edf3; --faint: #8d96a0; --grid: #30363d;\n"
    "    --curve-0: #58a6ff; --curve-1: #f0883e; --curve-2: #3fb950; --curve-3: #bc8cff }\n"
    "}\n"
    ".ground { fill: var(--ground) } text { fill: var(--ink) } .faint { fill: var(--faint) }\n"
    ".title { font-size: 16px; font-weight: 600 } .end { text-anchor: end } .middle { text-anchor: middle }\n"
    ".grid { stroke: var(--grid); fill: none } .curve { fill: none; stroke-width: 2; stroke-linejoin: round "
    "}\n"
    ".c0 { stroke: var(--curve-0) } .c1 { stroke: var(--curve-1) } .c2 { stroke: var(--curve-2) }\n"
    ".c3 { stroke: var(--curve-3) } .service { stroke-dasharray: 5 4 }\n"
    "</style>\n";

static double x_of(const struct drawing *drawing, double nines)
{
    return LEFT + (RIGHT - LEFT) * nines / drawing->nines_end;
}

static double y_of(const struct drawing *drawing, double us)
{
    double log = log10(MAX(us, 1.0));
    return BOTTOM - (BOTTOM - TOP) * (log - drawing->low) / (drawing->high - drawing->low);
}

/* Formats round numbers of microseconds: "500 us", "2 ms". */
static void show_round(double us, char text[DURATION_TEXT_MAX])
{
    static const char *const units[] = {"us", "ms", "s"};
    unsigned unit = 0;
    for (; unit + 1 < ARRAY_LENGTH(units) && us > 999; unit++)
        us /= 1000;
    snprintf(text, DURATION_TEXT_MAX, "%g %s", us, units[unit]);
}

/* Grid lines at 1, 2 and 5 of each decade; all of them are labelled if there are few decades. */
static void draw_durations(const struct drawing *drawing)
{
    static const unsigned steps[] = {1, 2, 5};
    bool labels_all = drawing->high - drawing->low < 3.5;
    for (int decade = (int)floor(drawing->low); decade <= drawing->high; decade++) {
        for (unsigned i = 0; i < ARRAY_LENGTH(steps); i++) {
            char label[DURATION_TEXT_MAX];
            double us = steps[i] * pow(10, decade);
            double y = y_of(drawing, us);
            if (y > BOTTOM + 0.5 || y < TOP - 0.5 || (i > 0 && !labels_all))
                continue;
            show_round(us, label);
            buffer_printf(drawing->out,
                          "<path class=\"grid\" d=\"M%d %.1fH%d\"/>"
                          "<text class=\"faint end\" x=\"%d\" y=\"%.1f\">%s</text>\n",
                          LEFT, y, RIGHT, LEFT - 8, y + 4, label);
        }
    }
}

/* The label is below its line; if it would extend beyond the drawing, it ends at the edge. */
static void draw_percentile(const struct drawing *drawing, double percentile)
{
    char text[16];
    double x = x_of(drawing, load_nines(percentile));
    int length = snprintf(text, sizeof(text), "%g %%", percentile);
    bool has_room = x + length * CHARACTER_WIDTH / 2 <= WIDTH - EDGE;
    buffer_printf(drawing->out,
                  "<path class=\"grid\" d=\"M%.1f %dV%d\"/>"
                  "<text class=\"faint %s\" x=\"%.1f\" y=\"%d\">%s</text>\n",
                  x, TOP, BOTTOM, has_room ? "middle" : "end", has_room ? x : WIDTH - EDGE, BOTTOM + 20,
                  text);
}

static void draw_percentiles(const struct drawing *drawing)
{
    static const double marks[] = {0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999};
    for (unsigned i = 0; i < ARRAY_LENGTH(marks) && load_nines(marks[i]) <= drawing->nines_end; i++)
        draw_percentile(drawing, marks[i]);
}

/* A point for each pixel or two, omitted if it would not visibly differ from the previous one. */
static void draw_curve(const struct drawing *drawing, const struct histogram *histogram, const char *classes)
{
    double end = MIN(load_nines_end(histogram->count), drawing->nines_end);
    double x_end = x_of(drawing, end), y_before = -1;
    buffer_printf(drawing->out, "<path class=\"curve %s\" d=\"", classes);
    for (unsigned i = 0; LEFT + 1.5 * i <= x_end; i++) {
        double x = LEFT + 1.5 * i;
        double nines = (x - LEFT) / (RIGHT - LEFT) * drawing->nines_end;
        double y = y_of(drawing, (double)histogram_percentile(histogram, load_percentile_at(nines)));
        if (y_before >= 0 && fabs(y - y_before) < 0.4)
            continue;
        buffer_printf(drawing->out, y_before < 0 ? "M%.1f %.1f" : "H%.1fV%.1f", x, y);
        y_before = y;
    }
    buffer_printf(drawing->out, "H%.1fV%.1f\"/>\n", x_of(drawing, end),
                  y_of(drawing, (double)histogram->max));
}

static void draw_legend(const struct drawing *drawing, unsigned *x, const char *classes, struct slice name)
{
    buffer_printf(drawing->out, "<path class=\"curve %s\" d=\"M%u %dh22\"/><text x=\"%u\" y=\"%d\">", classes,
                  *x, HEIGHT - 18, *x + 28, HEIGHT - 14);
    http_html_escape(drawing->out, slice_take(name, MIN(name.length, (size_t)40)));
    buffer_append(drawing->out, SLICE("</text>\n"));
    *x += 48 + 7 * (unsigned)MIN(name.length, (size_t)40);
}

static void draw_curves(const struct drawing *drawing, const struct load_report *report)
{
    unsigned x = LEFT;
    const struct load_plan *plan = report->plan;
    if (plan->target_count == 1) {
        draw_curve(drawing, report->latency, "c0");
        draw_legend(drawing, &x, "c0",
                    report->service ? SLICE("latency, from when a request was due") : SLICE("latency"));
    }
    if (plan->target_count == 1 && report->service) {
        draw_curve(drawing, report->service, "c0 service");
        draw_legend(drawing, &x, "c0 service", SLICE("service time, from when it was sent"));
    }
    for (size_t i = 0; plan->target_count > 1 && i < plan->target_count; i++) {
        char classes[4];
        snprintf(classes, sizeof(classes), "c%u", (unsigned)i % 4);
        if (report->result->targets[i].latency.count == 0)
            continue;
        draw_curve(drawing, &report->result->targets[i].latency, classes);
        draw_legend(drawing, &x, classes, plan->targets[i].path);
    }
}

static void draw_too_few(const struct drawing *drawing)
{
    buffer_printf(drawing->out,
                  "<text class=\"faint middle\" x=\"%d\" y=\"%d\">No curve: there are fewer than ten "
                  "answers.</text>\n",
                  WIDTH / 2, HEIGHT / 2);
}

static void draw_title(struct buffer *out, const struct load_report *report)
{
    char p50[DURATION_TEXT_MAX], p99[DURATION_TEXT_MAX], max[DURATION_TEXT_MAX];
    const struct load_plan *plan = report->plan;
    buffer_printf(out, "<text class=\"title\" x=\"24\" y=\"32\">");
    http_html_escape(out, slice_take(report->title, MIN(report->title.length, (size_t)80)));
    buffer_printf(out, "</text>\n<text class=\"faint\" x=\"24\" y=\"55\">%u connections, ",
                  plan->connections);
    if (plan->rate > 0)
        buffer_printf(out, "%g requests a second wanted, ", plan->rate);
    buffer_printf(out, "%.0f answers a second, %llu errors</text>\n", load_result_rate(report->result),
                  (unsigned long long)load_result_errors(report->result));
    if (report->latency->count == 0)
        return;
    buffer_printf(out, "<text class=\"faint\" x=\"24\" y=\"74\">median %s, p99 %s, longest %s</text>\n",
                  load_show_us((double)histogram_percentile(report->latency, 50), p50),
                  load_show_us((double)histogram_percentile(report->latency, 99), p99),
                  load_show_us((double)report->latency->max, max));
}

void load_print_svg(const struct load_report *report, struct buffer *out)
{
    const struct histogram *latency = report->latency;
    uint64_t least = report->service && report->service->count ? report->service->min : latency->min;
    struct drawing drawing = {
        .out = out,
        .nines_end = load_nines_end(latency->count),
        .low = log10((double)MAX(MIN(least, latency->min), UINT64_C(1))) - 0.1,
        .high = log10((double)MAX(latency->max, UINT64_C(1))) + 0.1,
    };
    drawing.low = MAX(drawing.low, 0);
    drawing.high = MAX(drawing.high, drawing.low + 0.5);
    buffer_printf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
        "role=\"img\" aria-label=\"latency by percentile\">\n",
        WIDTH, HEIGHT, WIDTH, HEIGHT);
    buffer_append(out, slice_from(style));
    buffer_printf(out, "<rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n", WIDTH, HEIGHT);
    draw_title(out, report);
    if (latency->count >= LOAD_PLOTTED_MIN) {
        draw_durations(&drawing);
        draw_percentiles(&drawing);
        draw_curves(&drawing, report);
    } else {
        draw_too_few(&drawing);
    }
    buffer_append(out, SLICE("</svg>\n"));
}
