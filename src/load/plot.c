/* The plot for terminals: a grid of characters with percentiles on the x axis and durations on the
 * logarithmic y axis. */
#include "load/report.h"

#include <math.h>
#include <stdlib.h>

#define COLUMNS 60
#define ROWS    12

struct plot {
    double nines_end;
    double low; /* decimal logarithms of microseconds of the lowest and the highest row */
    double high;
    char cells[ROWS][COLUMNS];
};

static double nines_of_column(const struct plot *plot, unsigned column)
{
    return plot->nines_end * (column + 0.5) / COLUMNS;
}

static double log_us(uint64_t us)
{
    return log10((double)MAX(us, UINT64_C(1)));
}

/* Row 0 is the lowest. */
static unsigned row_of(const struct plot *plot, double log)
{
    double row = (log - plot->low) / (plot->high - plot->low) * (ROWS - 1) + 0.5;
    return row < 0 ? 0 : MIN((unsigned)row, (unsigned)ROWS - 1);
}

static double log_of_row(const struct plot *plot, unsigned row)
{
    return plot->low + (plot->high - plot->low) * row / (ROWS - 1);
}

/* A mark in each column, and more if the curve climbs by more than a row. */
static void draw(struct plot *plot, const struct histogram *histogram, char mark)
{
    unsigned row_before = 0;
    for (unsigned column = 0; column < COLUMNS; column++) {
        double percentile = load_percentile_at(nines_of_column(plot, column));
        unsigned row = row_of(plot, log_us(histogram_percentile(histogram, percentile)));
        unsigned from = column > 0 && row > row_before + 1 ? row_before + 1 : row;
        for (unsigned i = from; i <= row; i++)
            plot->cells[i][column] = mark;
        row_before = row;
    }
}

static void append_rows(const struct plot *plot, struct buffer *out)
{
    for (unsigned i = ROWS; i-- > 0;) {
        char label[DURATION_TEXT_MAX] = "";
        if (i % 4 == 3 || i == 0)
            load_show_us(round(pow(10, log_of_row(plot, i))), label);
        unsigned used = COLUMNS;
        while (used > 0 && plot->cells[i][used - 1] == ' ')
            used--;
        buffer_printf(out, "  %9s |%.*s\n", label, (int)used, plot->cells[i]);
    }
}

/* Writes "0", "50", "90", "99", …, each at the position of its percentile; the last one may extend beyond
 * the plot. */
static void append_axis(const struct plot *plot, struct buffer *out)
{
    static const char *const marks[] = {"0", "50", "90", "99", "99.9", "99.99", "99.999", "99.9999"};
    char line[COLUMNS + sizeof("99.9999")];
    size_t end = 0;
    memset(line, '-', COLUMNS);
    buffer_printf(out, "            +%.*s\n", COLUMNS, line);
    memset(line, ' ', sizeof(line));
    for (unsigned i = 0; i < ARRAY_LENGTH(marks); i++) {
        double nines = load_nines(strtod(marks[i], NULL));
        if (nines >= plot->nines_end)
            break;
        size_t column = (size_t)(nines / plot->nines_end * COLUMNS);
        end = column + strlen(marks[i]);
        memcpy(line + column, marks[i], end - column);
    }
    buffer_printf(out, "             %.*s%%\n", (int)end, line);
}

void load_print_plot(const struct load_report *report, struct buffer *out)
{
    const struct histogram *latency = report->latency;
    const struct histogram *lower = report->service ? report->service : latency;
    if (latency->count == 0)
        return;
    if (latency->count < LOAD_PLOTTED_MIN) {
        buffer_append(out, SLICE("\n  No plot: there are fewer than ten answers.\n"));
        return;
    }
    struct plot plot = {.nines_end = load_nines_end(latency->count), .high = log_us(latency->max)};
    plot.low = log_us(histogram_percentile(lower, load_percentile_at(nines_of_column(&plot, 0))));
    plot.high = MAX(plot.high, plot.low + 0.3); /* a factor of two: smaller differences should look flat */
    memset(plot.cells, ' ', sizeof(plot.cells));
    if (report->service)
        draw(&plot, report->service, '.');
    draw(&plot, latency, '*');
    buffer_append_byte(out, '\n');
    append_rows(&plot, out);
    append_axis(&plot, out);
    if (report->service)
        buffer_append(out,
                      SLICE("             * latency, since it was due   . service, since it was sent\n"));
}
