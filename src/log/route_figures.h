/* What a worker counts of each route: in memory that all processes share, written by that worker only. The
 * number of routes is bounded: further ones are counted together, as the first entry, and so are requests
 * without a route. */
#ifndef LOG_ROUTE_FIGURES_H
#define LOG_ROUTE_FIGURES_H

#include "base/slice.h"
#include "log/duration_histogram.h"
#include "log/shared_copy.h"

#define ROUTE_FIGURES_MAX   64
#define ROUTE_FIGURES_OTHER 0

/* Of a label, with its NUL; longer ones are cut, so that routes may have the same. */
#define ROUTE_LABEL_BYTES 64

/* Of a request id that is kept as an exemplar; there is none with a longer id. */
#define EXEMPLAR_ID_BYTES 40

/* A request that is in a bucket, for whoever asks why it is not empty. */
struct exemplar {
    uint64_t duration_us;
    int64_t when_ms; /* since 1970 */
    char id[EXEMPLAR_ID_BYTES];
};

struct route_exemplar {
    atomic_uint version;
    struct exemplar exemplar; /* id[0] is NUL: none */
};

struct route_labels {
    char site[ROUTE_LABEL_BYTES];
    char route[ROUTE_LABEL_BYTES];
};

struct route_figures {
    atomic_uint version; /* of the labels */
    struct route_labels labels;
    uint64_t responses[STATUS_CLASSES];
    struct duration_histogram durations;
    struct route_exemplar exemplars[DURATION_BUCKETS];
};

/* Names of a route: the first host of its site and its path. Bytes that are not printable ASCII are encoded.
 */
void route_labels_make(struct slice site, struct slice route, struct route_labels *ret_labels);

bool route_labels_equal(const struct route_labels *one, const struct route_labels *other);

/* A new worker begins with what the one before it in this place has counted. */
void route_figures_begin(struct route_figures list[ROUTE_FIGURES_MAX]);

/* The index of the entry with these labels, or of a free one that gets them. If there is none, one whose
 * index is not set in `used` gets them, and counts from 0; else ROUTE_FIGURES_OTHER. */
size_t route_figures_find(struct route_figures list[ROUTE_FIGURES_MAX], const struct route_labels *labels,
                          uint64_t used) MUST_CHECK;

/* Whether the exemplar of a bucket is old enough to be replaced. */
bool route_figures_wants_exemplar(const struct route_figures *figures, size_t bucket, int64_t now_ms);
void route_figures_set_exemplar(struct route_figures *figures, size_t bucket, struct slice id,
                                uint64_t duration_us, int64_t now_ms);

#endif
