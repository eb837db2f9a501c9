/* What a result looks like: units, doubts that must be told, and every form of it. */
#include "../test.h"

#include "load/report.h"

#include <math.h>
#include <stdlib.h>

static struct load_result result;
static struct histogram latency, service;
static struct load_plan plan;
static struct buffer text;

static struct load_report begin(double rate)
{
    memset(&result, 0, sizeof(result));
    memset(&latency, 0, sizeof(latency));
    memset(&service, 0, sizeof(service));
    plan = (struct load_plan){.targets = {{.path = SLICE("/\"a\"")}},
                              .target_count = 1,
                              .connections = 8,
                              .pipeline = 1,
                              .rate = rate};
    result.target_count = 1;
    result.threads = 1;
    result.elapsed_us = 2000000;
    result.due = result.sent = result.answers = result.status_classes[2] = 1000;
    result.bytes_received = 3 << 20;
    for (uint64_t i = 1; i <= 1000; i++) {
        histogram_record(&latency, i * 10);
        histogram_record(&service, i);
    }
    result.targets[0].latency = latency;
    buffer_init(&text, 1 << 20);
    return (struct load_report){
        .title = SLICE("http://a/<&\""),
        .plan = &plan,
        .result = &result,
        .latency = &latency,
        .service = rate > 0 ? &service : NULL,
    };
}

static bool says(const char *part)
{
    buffer_append_byte(&text, '\0');
    bool found = strstr(text.data, part) != NULL;
    text.length--;
    return found;
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        double us;
        const char *text;
    } cases[] = {
        {0, "0 us"},        {1, "1 us"},        {1.234, "1.23 us"},  {12.34, "12.3 us"},   {826, "826 us"},
        {999.4, "999 us"},  {999.5, "1.00 ms"}, {4643, "4.64 ms"},   {9996, "10.0 ms"},    {12050, "12.1 ms"},
        {123456, "123 ms"}, {999499, "999 ms"}, {1234567, "1.23 s"}, {98765432, "98.8 s"}, {4e9, "4000 s"},
    };
    TABLE_ROWS(i, cases, cases[i].text) {
        char shown[DURATION_TEXT_MAX];
        assert_string_equal(load_show_us(cases[i].us, shown), cases[i].text);
    }
}

static void nines(void **state)
{
    (void)state;
    assert_true(fabs(load_nines(90) - 1) < 1e-9 && fabs(load_nines(99.9) - 3) < 1e-9 && load_nines(0) == 0);
    assert_true(fabs(load_percentile_at(2) - 99) < 1e-9);
    assert_true(fabs(load_nines_end(1000) - 3) < 1e-9);
    assert_true(load_nines_end(0) == 1);
}

static void a_good_table(void **state)
{
    (void)state;
    struct load_report report = begin(0);
    load_print_table(&report, &text);
    assert_true(says("8 connections\n"));
    assert_true(says("answers    1000 in 2.00 s: 500 a second\n"));
    assert_true(says("received   3.0 MiB: 1.5 MiB a second\n"));
    assert_true(says("statuses   2xx 1000\n"));
    assert_true(says("errors     none\n"));
    assert_true(
        says("  latency    5.00 ms  7.50 ms  9.01 ms  9.90 ms  9.99 ms  10.0 ms  5.00 ms  2.89 ms\n"));
    assert_false(says("service"));
    assert_false(says("bottleneck"));
    assert_false(says("rate could not be kept"));
    buffer_finish(&text);
}

static void a_bad_table(void **state)
{
    (void)state;
    struct load_report report = begin(700);
    result.due = 1400;
    result.errors[LOAD_ERROR_STATUS] = 3;
    result.wrong_statuses[404] = 2;
    result.wrong_statuses[503] = 1;
    result.errors[LOAD_ERROR_CONNECT_REFUSED] = 4;
    result.system_errors[LOAD_ERROR_CONNECT_REFUSED] = -111;
    result.cpu_us = 1900000;
    result.cpu_share_most = 0.95;
    result.was_stopped = true;
    result.late = 150;
    load_print_table(&report, &text);
    assert_true(says("8 connections, 700 requests a second\n"));
    assert_true(says("errors     4 connections refused: Connection refused\n"));
    assert_true(says("             3 answers with another status than wanted (200 to 399)\n"
                     "               2 of 404, 1 of 503\n"));
    assert_true(says("  service     500 us"));
    assert_true(says("The client was the bottleneck: it was busy for 95 % of the time on 1 core"));
    assert_true(says("of 1400 requests that were due, 400 were never sent"));
    assert_true(says("They would have waited longer than those that are counted.\n"));
    assert_true(says("it sent 15 % of the requests more than 1 ms after they were due"));
    assert_true(says("It was stopped before its end."));
    buffer_finish(&text);
}

static void nothing_at_all(void **state)
{
    (void)state;
    struct load_report report = begin(0);
    memset(&result, 0, sizeof(result));
    memset(&latency, 0, sizeof(latency));
    result.threads = 1;
    load_print_table(&report, &text);
    load_print_plot(&report, &text);
    load_print_json(&report, &text);
    load_print_svg(&report, &text);
    assert_true(says("answers    0 in 0.00 s: 0.00 a second\n"));
    assert_true(says("statuses   none\n"));
    assert_true(says(
        "\"latency_us\": {\"count\": 0, \"mean\": null, \"stddev\": null, \"min\": null, \"p50\": null,"));
    assert_true(says("\"max\": null,") && says("\"percentiles\": []}"));
    assert_false(says("nan") || says("inf,") || says("p50     ") || says("median") || says("plot"));
    buffer_finish(&text);
}

static void a_plot(void **state)
{
    (void)state;
    struct load_report report = begin(100);
    load_print_plot(&report, &text);
    assert_true(says("    10.0 ms |"));
    assert_true(says(" |."));
    assert_true(says("             0 "));
    struct slice rest = buffer_slice(&text);
    while (rest.length > 0) {
        size_t end = slice_find(rest, '\n');
        assert_true(end <= 79);
        rest = slice_skip(rest, end + 1);
    }
    buffer_finish(&text);
}

static void fill(unsigned count, uint64_t us);

/* Whatever the number of answers, so wherever the last label stands: it is whole, and all fits a terminal. */
static void the_last_label_is_whole(void **state)
{
    (void)state;
    static const struct {
        unsigned count;
        const char *last;
    } cases[] = {
        {10, "50%\n"},           {11, "90%\n"},           {101, "99%\n"},        {120, "99%\n"},
        {1001, "99.9%\n"},       {1100, "99.9%\n"},       {10001, "99.99%\n"},   {11000, "99.99%\n"},
        {99999, "99.99%\n"},     {100001, "99.999%\n"},   {101000, "99.999%\n"}, {1000001, "99.9999%\n"},
        {1050000, "99.9999%\n"}, {1300000, "99.9999%\n"},
    };
    TABLE_ROWS(i, cases, cases[i].last) {
        struct load_report report = begin(0);
        fill(cases[i].count, 500);
        load_print_plot(&report, &text);
        assert_true(says(cases[i].last));
        for (struct slice rest = buffer_slice(&text); rest.length > 0;) {
            size_t end = slice_find(rest, '\n');
            assert_true(end <= 80);
            rest = slice_skip(rest, end + 1);
        }
        buffer_finish(&text);
    }
}

static void labels_stay_inside_the_drawing(void **state)
{
    (void)state;
    struct load_report report = begin(0);
    fill(1000000, 500);
    load_print_svg(&report, &text);
    assert_true(says("<text class=\"faint end\" x=\"756.0\" y=\"382\">99.9999 %</text>"));
    assert_true(says("<text class=\"faint middle\" x=\"76.0\" y=\"382\">0 %</text>"));
    buffer_finish(&text);
}

static void fill(unsigned count, uint64_t us)
{
    memset(&latency, 0, sizeof(latency));
    for (unsigned i = 0; i < count; i++)
        histogram_record(&latency, us);
}

/* A flat line tells nothing. */
static void few_answers_are_not_drawn(void **state)
{
    (void)state;
    struct load_report report = begin(0);
    fill(9, 500);
    load_print_plot(&report, &text);
    assert_true(says("No plot: there are fewer than ten answers."));
    assert_false(says("*") || says("|"));
    load_print_svg(&report, &text);
    assert_true(says("No curve: there are fewer than ten answers."));
    assert_true(says("median 500 us") && !says("<path"));
    buffer_finish(&text);
}

/* Values without any logarithm, and no two that differ. */
static void plots_of_little(void **state)
{
    (void)state;
    struct load_report report = begin(0);
    fill(10, 0);
    load_print_plot(&report, &text);
    load_print_svg(&report, &text);
    assert_true(says("*") && says("<path class=\"curve"));
    assert_false(says("nan") || says("inf"));
    buffer_finish(&text);
}

static void statuses_that_were_not_wanted(void **state)
{
    (void)state;
    struct load_report report = begin(0);
    result.errors[LOAD_ERROR_STATUS] = 6;
    for (unsigned status = 400; status < 406; status++)
        result.wrong_statuses[status] = 1;
    plan.targets[0].status = 304;
    load_print_table(&report, &text);
    assert_true(says("6 answers with another status than wanted (304)\n"
                     "               1 of 400, 1 of 401, 1 of 402, 1 of 403, and others\n"));
    load_print_json(&report, &text);
    assert_true(says("\"wrong_statuses\": {\"400\": 1, \"401\": 1,"));
    buffer_finish(&text);
}

static void json_and_svg_escape(void **state)
{
    (void)state;
    struct load_report report = begin(100);
    load_print_json(&report, &text);
    assert_true(says("\"url\": \"http://a/\\u003c&\\\"\",\n"));
    assert_true(says("\"path\": \"/\\\"a\\\"\","));
    assert_true(says("\"rate_wanted\": 100,\n"));
    assert_true(says("\"p99.9\": 9991, \"max\": 10000") || says("\"p99.9\": 9990") ||
                says("\"p99.9\": 9999"));
    buffer_clear(&text);
    load_print_svg(&report, &text);
    assert_true(says(">http://a/&lt;&amp;&quot;</text>"));
    assert_true(says("prefers-color-scheme: dark"));
    buffer_finish(&text);
}

static void merging(void **state)
{
    (void)state;
    struct load_result *other = calloc(1, sizeof(*other));
    begin(0);
    *other = result;
    result.late = 3;
    other->late = 4;
    other->elapsed_us = 1000000;
    other->errors[LOAD_ERROR_RESET] = 2;
    other->wrong_statuses[404] = 7;
    other->system_errors[LOAD_ERROR_RESET] = -104;
    load_result_merge(&result, other);
    assert_int_equal(result.elapsed_us, 2000000);
    assert_int_equal(result.answers, 2000);
    assert_int_equal(result.late, 7);
    assert_int_equal(result.threads, 2);
    assert_int_equal(result.errors[LOAD_ERROR_RESET], 2);
    assert_int_equal(result.wrong_statuses[404], 7);
    assert_int_equal(result.system_errors[LOAD_ERROR_RESET], -104);
    assert_int_equal(result.targets[0].latency.count, 2000);
    assert_int_equal(load_result_errors(&result), 2);
    assert_true(load_result_rate(&result) == 1000);
    assert_true(load_result_kept_rate(&result));
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations),
        cmocka_unit_test(nines),
        cmocka_unit_test(a_good_table),
        cmocka_unit_test(a_bad_table),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(a_plot),
        cmocka_unit_test(the_last_label_is_whole),
        cmocka_unit_test(labels_stay_inside_the_drawing),
        cmocka_unit_test(few_answers_are_not_drawn),
        cmocka_unit_test(statuses_that_were_not_wanted),
        cmocka_unit_test(plots_of_little),
        cmocka_unit_test(json_and_svg_escape),
        cmocka_unit_test(merging),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
