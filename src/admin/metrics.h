/* The counters in the text formats that Prometheus reads. */
#ifndef ADMIN_METRICS_H
#define ADMIN_METRICS_H

#include "admin/admin.h"
#include "base/buffer.h"

enum metrics_format {
    METRICS_TEXT, /* Prometheus's text format, version 0.0.4 */
    METRICS_OPEN, /* OpenMetrics 1.0 */
};

struct metrics_writer {
    enum metrics_format format;
    struct buffer *out;
};

/* The lines before a family's samples. `name` is without "vif_". */
void metrics_put_family(const struct metrics_writer *metrics, const char *name, const char *type,
                        const char *help);
void metrics_put_unit(const struct metrics_writer *metrics, const char *name, const char *unit);

/* Appends name="value". */
void metrics_put_label(const struct metrics_writer *metrics, const char *name, struct slice value);

/* Appends the samples of a histogram; `labels` is such as class="2xx". `exemplars`, of each bucket, may be
 * NULL. */
void metrics_put_histogram(const struct metrics_writer *metrics, const char *name, const char *labels,
                           const struct duration_histogram *histogram, const struct exemplar *exemplars);

/* Appends all metrics. Counters have a label for the worker; histograms are the sums of all workers. */
void metrics_write(const struct admin *admin, enum metrics_format format, struct buffer *out);

#endif
