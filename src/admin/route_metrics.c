/* Each worker has a list of its own. Entries with the same labels are one route. What another process has
 * written is copied first, and its texts are made safe to print. */
#include "admin/route_metrics.h"

#include <inttypes.h>
#include <stdlib.h>

/* Workers that have taken new settings have other routes than those that have not yet. What does not fit is
 * counted with the others. */
#define ROUTES_MAX (2 * ROUTE_FIGURES_MAX)

#define SLOWEST_SHOWN 10

/* The label of what has no place of its own. */
#define OTHER "other"

struct route_sum {
    struct route_labels labels;
    uint64_t responses[STATUS_CLASSES];
    struct duration_histogram durations;
    struct exemplar exemplars[DURATION_BUCKETS];
};

struct route_sums {
    size_t count;
    struct route_sum list[ROUTES_MAX]; /* the first one is that of the others */
};

/* ---- sums ---- */

/* A worker that somebody has taken over may write anything. */
static void make_safe(char *text, size_t size)
{
    text[size - 1] = '\0';
    for (; *text; text++) {
        if (*text < ' ' || *text > '~')
            *text = '?';
    }
}

static struct route_sum *sum_of(struct route_sums *sums, const struct route_labels *labels)
{
    for (size_t i = 1; i < sums->count; i++) {
        if (route_labels_equal(&sums->list[i].labels, labels))
            return &sums->list[i];
    }
    if (sums->count == ROUTES_MAX)
        return &sums->list[0];
    struct route_sum *added = &sums->list[sums->count++];
    added->labels = *labels;
    return added;
}

/* Leaves it empty while there is writing, and if the worker has written nonsense. */
static void read_exemplar(const struct route_figures *figures, size_t bucket, struct exemplar *ret_exemplar)
{
    struct exemplar exemplar;
    const struct route_exemplar *from = &figures->exemplars[bucket];
    if (!shared_copy(&from->version, &from->exemplar, &exemplar, sizeof(exemplar)))
        return;
    make_safe(exemplar.id, sizeof(exemplar.id));
    if (duration_bucket(exemplar.duration_us) == bucket)
        *ret_exemplar = exemplar;
}

/* Returns false if the entry became another route's meanwhile: what was read may be of both. */
static bool read_figures(const struct route_figures *figures, struct route_sum *ret_figures)
{
    unsigned version = shared_read_begin(&figures->version);
    *ret_figures = (struct route_sum){.labels = figures->labels, .durations = figures->durations};
    memcpy(ret_figures->responses, figures->responses, sizeof(figures->responses));
    for (size_t bucket = 0; bucket < DURATION_BUCKETS; bucket++)
        read_exemplar(figures, bucket, &ret_figures->exemplars[bucket]);
    make_safe(ret_figures->labels.site, sizeof(ret_figures->labels.site));
    make_safe(ret_figures->labels.route, sizeof(ret_figures->labels.route));
    return shared_read_end(&figures->version, version);
}

static void take_exemplar(struct route_sum *sum, size_t bucket, const struct exemplar *exemplar)
{
    if (exemplar->id[0] && exemplar->when_ms > sum->exemplars[bucket].when_ms)
        sum->exemplars[bucket] = *exemplar;
}

static void route_sums_add(struct route_sums *sums, const struct route_figures *figures, size_t index)
{
    struct route_sum read;
    if (!read_figures(figures, &read) || (index != ROUTE_FIGURES_OTHER && read.labels.site[0] == '\0'))
        return;
    struct route_sum *sum = index == ROUTE_FIGURES_OTHER ? &sums->list[0] : sum_of(sums, &read.labels);
    for (size_t class = 0; class < STATUS_CLASSES; class ++)
        sum->responses[class] += read.responses[class];
    sum->durations.sum_us += read.durations.sum_us;
    for (size_t bucket = 0; bucket < DURATION_BUCKETS; bucket++) {
        sum->durations.counts[bucket] += read.durations.counts[bucket];
        take_exemplar(sum, bucket, &read.exemplars[bucket]);
    }
}

/* NULL if out of memory. */
static struct route_sums *make_sums(const struct counters_view *workers)
{
    struct route_sums *sums = calloc(1, sizeof(*sums));
    if (sums == NULL)
        return NULL;
    sums->count = 1;
    sums->list[0].labels = (struct route_labels){.site = OTHER, .route = OTHER};
    for (size_t i = 0; i < workers->count; i++) {
        for (size_t j = 0; j < ROUTE_FIGURES_MAX; j++)
            route_sums_add(sums, &counters_at(workers, i)->routes[j], j);
    }
    return sums;
}

/* ---- metrics ---- */

static void put_responses(const struct metrics_writer *metrics, const struct route_sums *sums)
{
    metrics_put_family(metrics, "route_responses", "counter", "responses by site, route and class of status");
    for (size_t i = 0; i < sums->count; i++) {
        for (size_t class = 0; class < STATUS_CLASSES; class ++) {
            buffer_printf(metrics->out, "vif_route_responses_total{");
            metrics_put_label(metrics, "site", slice_from(sums->list[i].labels.site));
            metrics_put_label(metrics, ",route", slice_from(sums->list[i].labels.route));
            buffer_printf(metrics->out, ",class=\"%zuxx\"} %" PRIu64 "\n", class + 2,
                          sums->list[i].responses[class]);
        }
    }
}

static void route_metrics_put_durations(const struct metrics_writer *metrics, const struct route_sums *sums)
{
    metrics_put_family(metrics, "route_duration_seconds", "histogram",
                       "From the end of a request's head to the end of its response, by site and route.");
    metrics_put_unit(metrics, "route_duration_seconds", "seconds");
    for (size_t i = 0; i < sums->count; i++) {
        const struct route_sum *sum = &sums->list[i];
        struct buffer label;
        struct metrics_writer of_label = {.out = &label};
        buffer_init(&label, 1024);
        metrics_put_label(&of_label, "site", slice_from(sum->labels.site));
        metrics_put_label(&of_label, ",route", slice_from(sum->labels.route));
        buffer_append_byte(&label, '\0');
        if (!label.failed)
            metrics_put_histogram(metrics, "route_duration_seconds", label.data, &sum->durations,
                                  sum->exemplars);
        buffer_finish(&label);
    }
}

void route_metrics_write(const struct counters_view *workers, enum metrics_format format, struct buffer *out)
{
    const struct metrics_writer metrics = {.format = format, .out = out};
    struct route_sums *sums = make_sums(workers);
    if (sums == NULL) {
        out->failed = true;
        return;
    }
    put_responses(&metrics, sums);
    route_metrics_put_durations(&metrics, sums);
    free(sums);
}

/* ---- JSON ---- */

static void route_metrics_put_text(struct json *json, const char *key, const char *text)
{
    json_key(json, key);
    json_string(json, slice_from(text));
}

static void put_route(struct json *json, const struct route_sum *sum)
{
    uint64_t requests = 0;
    for (size_t class = 0; class < STATUS_CLASSES; class ++)
        requests += sum->responses[class];
    json_begin_line(json, '{');
    route_metrics_put_text(json, "site", sum->labels.site);
    route_metrics_put_text(json, "route", sum->labels.route);
    json_put_number(json, "requests", requests);
    json_put_number(json, "responses_4xx", sum->responses[2]);
    json_put_number(json, "responses_5xx", sum->responses[3]);
    json_key(json, "durations");
    json_begin_line(json, '[');
    for (size_t i = 0; i < DURATION_BUCKETS; i++)
        json_number(json, sum->durations.counts[i]);
    json_end(json, ']');
    json_end(json, '}');
}

static void put_routes(const struct counters_view *workers, struct json *json)
{
    struct route_sums *sums = make_sums(workers);
    json_key(json, "routes");
    json_begin(json, '[');
    for (size_t i = 0; sums && i < sums->count; i++)
        put_route(json, &sums->list[i]);
    json_end(json, ']');
    free(sums);
}

static void put_slow_request(struct json *json, struct slow_request *slow)
{
    static const char *const names[] = {
#define X(member, name, text) name "_us",
        PHASE_TABLE(X)
#undef X
    };
    json_begin_line(json, '{');
    json_put_number(json, "time", (uint64_t)MAX(slow->when_seconds, (int64_t)0));
    json_put_number(json, "duration_us", slow->duration_us);
    route_metrics_put_text(json, "method", slow->method);
    route_metrics_put_text(json, "host", slow->host);
    route_metrics_put_text(json, "target", slow->target);
    json_put_number(json, "status", (uint64_t)MAX(slow->status, 0));
    for (size_t i = PHASE_ACCEPT; i < PHASE_COUNT; i++)
        json_put_number(json, names[i], slow->phases.us[i]);
    if (slow->request_id[0])
        route_metrics_put_text(json, "request_id", slow->request_id);
    json_end(json, '}');
}

static int compare_slow(const void *one, const void *other)
{
    uint64_t a = ((const struct slow_request *)one)->duration_us;
    uint64_t b = ((const struct slow_request *)other)->duration_us;
    return a < b ? 1 : a > b ? -1 : 0;
}

/* Keeps the slowest ones at the front of `list`, which has room for those of one worker behind them. */
static size_t take_slowest(struct slow_request *list, size_t count, const struct slowest *slowest,
                           int64_t now_seconds)
{
    struct slow_request copy[SLOWEST_MAX];
    if (!shared_copy(&slowest->version, slowest->list, copy, sizeof(copy)))
        return count;
    for (size_t i = 0; i < SLOWEST_MAX; i++) {
        if (copy[i].when_seconds > 0 && now_seconds - copy[i].when_seconds < SLOWEST_SECONDS)
            list[count++] = copy[i];
    }
    qsort(list, count, sizeof(*list), compare_slow);
    return MIN(count, (size_t)SLOWEST_SHOWN);
}

static void put_slowest(const struct counters_view *workers, int64_t now_seconds, struct json *json)
{
    struct slow_request list[SLOWEST_SHOWN + SLOWEST_MAX];
    size_t count = 0;
    for (size_t i = 0; i < workers->count; i++)
        count = take_slowest(list, count, &counters_at(workers, i)->slowest, now_seconds);
    json_key(json, "slowest");
    json_begin(json, '[');
    for (size_t i = 0; i < count; i++) {
        make_safe(list[i].method, sizeof(list[i].method));
        make_safe(list[i].host, sizeof(list[i].host));
        make_safe(list[i].target, sizeof(list[i].target));
        make_safe(list[i].request_id, sizeof(list[i].request_id));
        put_slow_request(json, &list[i]);
    }
    json_end(json, ']');
}

void route_metrics_write_json(const struct counters_view *workers, int64_t now_seconds, struct json *json)
{
    put_routes(workers, json);
    put_slowest(workers, now_seconds, json);
}
