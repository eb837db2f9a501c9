/* What is written of counters: both formats of metrics, and the status. Two workers. */
#include "../test.h"

#include "admin/metrics.h"
#include "admin/status.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct counters counters[2];
static bool is_draining;
static struct buffer out;

static bool tells_draining(const void *context)
{
    return *(const bool *)context;
}

static const struct admin admin = {
    .workers = {.first = counters, .stride = sizeof(counters[0]), .count = 2},
    .began_seconds = 1000,
    .is_draining = tells_draining,
    .context = &is_draining,
};

static int set_up(void **state)
{
    (void)state;
    memset(counters, 0, sizeof(counters));
    is_draining = false;
    buffer_init(&out, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buffer_finish(&out);
    return 0;
}

static bool has(const char *text)
{
    return memmem(out.data, out.length, text, strlen(text)) != NULL;
}

#define assert_has(text)                                                     \
    do {                                                                     \
        if (!has(text))                                                      \
            fail_msg("no \"%s\" in\n%.*s", text, (int)out.length, out.data); \
    } while (0)

static void counters_are_by_worker(void **state)
{
    (void)state;
    counters[0].requests = 3;
    counters[1].requests = 4;
    counters[1].connections_open = 5;
    metrics_write(&admin, METRICS_TEXT, &out);
    assert_has("\n# TYPE vif_requests_total counter\nvif_requests_total{worker=\"0\"} 3\n"
               "vif_requests_total{worker=\"1\"} 4\n");
    assert_has("# TYPE vif_connections_open gauge\nvif_connections_open{worker=\"0\"} 0\n"
               "vif_connections_open{worker=\"1\"} 5\n");
    assert_has("# TYPE vif_connections_idle gauge\n");
    assert_has("# TYPE vif_upstream_connections_open gauge\n");
    assert_has("\nvif_workers 2\n");
    assert_false(has("# EOF"));
    assert_false(has("# UNIT"));
}

static void open_metrics_name_families_without_total(void **state)
{
    (void)state;
    metrics_write(&admin, METRICS_OPEN, &out);
    assert_has("# TYPE vif_requests counter\nvif_requests_total{worker=\"0\"} 0\n");
    assert_has(
        "# TYPE vif_request_duration_seconds histogram\n# UNIT vif_request_duration_seconds seconds\n");
    assert_slice(slice_skip(buffer_slice(&out), out.length - 7), "\n# EOF\n");
}

/* A duration that is a bound belongs to its bucket ("le" is "less or equal"). */
static void a_duration_is_counted_where_it_fits(void **state)
{
    (void)state;
    static const struct {
        uint64_t duration_us;
        size_t bucket;
    } rows[] = {
        {0, 0},         {100, 0},       {101, 1},     {250, 1},      {1000, 3},        {1001, 4},
        {10000000, 15}, {10000001, 16}, {999999, 12}, {1000000, 12}, {UINT64_MAX, 16},
    };
    char name[32];
    TABLE_ROWS(i, rows,
               (snprintf(name, sizeof(name), "%llu us", (unsigned long long)rows[i].duration_us), name)) {
        struct duration_histogram histogram = {0};
        duration_histogram_add(&histogram, rows[i].duration_us);
        assert_int_equal(histogram.counts[rows[i].bucket], 1);
        assert_int_equal(histogram.sum_us, rows[i].duration_us);
    }
}

static void histograms_are_sums_and_cumulative(void **state)
{
    (void)state;
    duration_histogram_add(&counters[0].durations[0], 50);
    duration_histogram_add(&counters[1].durations[0], 200);
    duration_histogram_add(&counters[1].durations[0], 20000000);
    duration_histogram_add(&counters[1].durations[2], 700);
    metrics_write(&admin, METRICS_TEXT, &out);
    assert_has("bucket{class=\"2xx\",le=\"0.0001\"} 1\n");
    assert_has("bucket{class=\"2xx\",le=\"0.00025\"} 2\n");
    assert_has("bucket{class=\"2xx\",le=\"10\"} 2\n");
    assert_has("bucket{class=\"2xx\",le=\"+Inf\"} 3\n");
    assert_has("sum{class=\"2xx\"} 20.000250\n");
    assert_has("count{class=\"2xx\"} 3\n");
    assert_has("bucket{class=\"4xx\",le=\"0.0005\"} 0\n");
    assert_has("bucket{class=\"4xx\",le=\"0.001\"} 1\n");
    assert_has("count{class=\"5xx\"} 0\n");
}

static void status_has_sums_and_each_worker(void **state)
{
    (void)state;
    counters[0].requests = 3;
    counters[1].requests = 4;
    duration_histogram_add(&counters[0].durations[1], 50);
    duration_histogram_add(&counters[1].durations[1], 60);
    status_write(&admin, 1042, STATUS_ON_ONE_LINE, &out);
    assert_has("\"ready\": true, \"uptime_seconds\": 42, \"total\": {");
    assert_has("\"requests\": 7,");
    assert_has("\"requests\": 3,");
    assert_has("\"requests\": 4,");
    assert_has("\"3xx\": [2, 0,");
    assert_int_equal(slice_find(buffer_slice(&out), '\n'), out.length - 1);
    buffer_clear(&out);
    status_write(&admin, 999, STATUS_INDENTED, &out); /* the clock was set back */
    assert_has("\n \"uptime_seconds\": 0,\n");
    assert_has("\n  \"requests\": 7,\n");
}

static void a_server_that_shuts_down_is_not_ready(void **state)
{
    (void)state;
    is_draining = true;
    metrics_write(&admin, METRICS_TEXT, &out);
    assert_has("\nvif_ready 0\n");
    buffer_clear(&out);
    status_write(&admin, 1000, STATUS_INDENTED, &out);
    assert_has("\"ready\": false");
}

static void phases_have_histograms(void **state)
{
    (void)state;
    duration_histogram_add(&counters[0].phases[PHASE_QUEUE], 200);
    duration_histogram_add(&counters[1].phases[PHASE_QUEUE], 2000000);
    metrics_write(&admin, METRICS_OPEN, &out);
    assert_has("# TYPE vif_phase_duration_seconds histogram\n# UNIT vif_phase_duration_seconds seconds\n");
    assert_has("vif_phase_duration_seconds_bucket{phase=\"queue\",le=\"0.00025\"} 1\n");
    assert_has("vif_phase_duration_seconds_sum{phase=\"queue\"} 2.000200\n"
               "vif_phase_duration_seconds_count{phase=\"queue\"} 2\n");
    assert_has("vif_phase_duration_seconds_count{phase=\"send\"} 0\n");
}

/* ---- a route whose place becomes another one's while it is read ---- */

static struct {
    size_t page_bytes;
    char *page; /* out of reach until somebody reads it */
    struct route_figures *figures;
} moment;

static void give_to(const char *site, uint64_t responses)
{
    struct route_figures *figures = moment.figures;
    shared_write_begin(&figures->version);
    snprintf(figures->labels.site, sizeof(figures->labels.site), "%s", site);
    snprintf(figures->labels.route, sizeof(figures->labels.route), "/");
    shared_write_end(&figures->version);
    figures->responses[0] = responses;
    figures->durations.counts[0] = figures->durations.sum_us = responses;
}

static void on_touch(int number)
{
    (void)number;
    if (mprotect(moment.page, moment.page_bytes, PROT_READ | PROT_WRITE) != 0)
        abort();
    give_to("latter", 777);
}

/* Its labels are on one page, and at least its last counts on the next one. */
static struct counters *place_counters(char *memory)
{
    size_t start = 0;
    for (;; start += 64) {
        struct counters *placed = (struct counters *)(memory + start);
        struct route_figures *figures = &placed->routes[1];
        size_t labels_end = (size_t)((char *)(figures->responses) - memory);
        size_t counts_end = (size_t)((char *)(&figures->durations + 1) - memory);
        moment.page = memory + counts_end / moment.page_bytes * moment.page_bytes;
        moment.figures = figures;
        if (labels_end <= counts_end / moment.page_bytes * moment.page_bytes)
            return placed;
    }
}

static void counts_belong_to_the_labels_that_they_are_under(void **state)
{
    (void)state;
    moment.page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = sizeof(struct counters) + 2 * moment.page_bytes;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    struct admin placed = admin;
    placed.workers.first = place_counters(memory);
    placed.workers.count = 1;
    give_to("former", 5);
    struct sigaction before, touched = {.sa_handler = on_touch};
    sigaction(SIGSEGV, &touched, &before);
    assert_int_equal(mprotect(moment.page, moment.page_bytes, PROT_NONE), 0);
    metrics_write(&placed, METRICS_TEXT, &out);
    sigaction(SIGSEGV, &before, NULL);
    assert_string_equal(moment.figures->labels.site, "latter"); /* it was touched */
    assert_false(has("former"));
    assert_false(has("777"));
    metrics_write(&placed, METRICS_TEXT, &out);
    assert_has("vif_route_responses_total{site=\"latter\",route=\"/\",class=\"2xx\"} 777\n");
    assert_int_equal(munmap(memory, size), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counters_are_by_worker, set_up, tear_down),
        cmocka_unit_test_setup_teardown(open_metrics_name_families_without_total, set_up, tear_down),
        cmocka_unit_test(a_duration_is_counted_where_it_fits),
        cmocka_unit_test_setup_teardown(histograms_are_sums_and_cumulative, set_up, tear_down),
        cmocka_unit_test_setup_teardown(phases_have_histograms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(status_has_sums_and_each_worker, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_belong_to_the_labels_that_they_are_under, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_server_that_shuts_down_is_not_ready, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
