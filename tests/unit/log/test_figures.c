/* What is counted of routes, and the slowest requests: their bounds, and what a killed worker leaves. */
#include "../test.h"

#include "log/counters.h"

#include <stdio.h>

static struct route_figures list[ROUTE_FIGURES_MAX];

static size_t find(const char *route, uint64_t used)
{
    struct route_labels labels;
    route_labels_make(SLICE("example.com"), slice_from(route), &labels);
    return route_figures_find(list, &labels, used);
}

static void labels_are_printable_and_bounded(void **state)
{
    (void)state;
    char longer[200];
    struct route_labels labels;
    memset(longer, 'a', sizeof(longer));
    route_labels_make(SLICE("*"), SLICE("/\xc3\xa9 \n"), &labels);
    assert_string_equal(labels.site, "*");
    assert_string_equal(labels.route, "/%C3%A9%20%0A");
    route_labels_make(slice_make(longer, sizeof(longer)), SLICE("/"), &labels);
    assert_int_equal(strlen(labels.site), ROUTE_LABEL_BYTES - 1);
}

static void each_route_has_a_place_until_they_are_all_taken(void **state)
{
    (void)state;
    uint64_t used = 0;
    memset(list, 0, sizeof(list));
    for (unsigned i = 1; i < ROUTE_FIGURES_MAX; i++) {
        char route[16];
        snprintf(route, sizeof(route), "/%u", i);
        size_t index = find(route, used);
        assert_int_equal(index, i);
        assert_int_equal(find(route, used), i);
        used |= UINT64_C(1) << index;
    }
    assert_int_equal(find("/more", used), ROUTE_FIGURES_OTHER);
    list[7].responses[0] = 3;
    assert_int_equal(find("/more", used & ~(UINT64_C(1) << 7)), 7);
    assert_int_equal(list[7].responses[0], 0);
    assert_int_equal(find("/7", used), ROUTE_FIGURES_OTHER);
}

static void a_worker_that_was_killed_while_it_wrote_leaves_no_rubbish(void **state)
{
    (void)state;
    struct route_labels copy;
    memset(list, 0, sizeof(list));
    size_t index = find("/", 0), other = find("/other", 2);
    list[index].responses[0] = 1;
    list[other].responses[0] = 2;
    shared_write_begin(&list[index].version);
    shared_write_begin(&list[other].exemplars[3].version);
    assert_false(shared_copy(&list[index].version, &list[index].labels, &copy, sizeof(copy)));
    route_figures_begin(list);
    assert_true(shared_copy(&list[index].version, &list[index].labels, &copy, sizeof(copy)));
    assert_string_equal(copy.site, "");
    assert_int_equal(list[index].responses[0], 0);
    assert_int_equal(list[other].responses[0], 2);
    assert_int_equal(atomic_load(&list[other].exemplars[3].version) % 2, 0);
}

static void a_bucket_gets_one_exemplar_a_second(void **state)
{
    (void)state;
    struct route_figures *figures = &list[1];
    memset(list, 0, sizeof(list));
    assert_true(route_figures_wants_exemplar(figures, 2, 5000));
    route_figures_set_exemplar(figures, 2, SLICE("id"), 300, 5000);
    assert_string_equal(figures->exemplars[2].exemplar.id, "id");
    assert_false(route_figures_wants_exemplar(figures, 2, 5999));
    assert_true(route_figures_wants_exemplar(figures, 2, 6000));
    assert_true(route_figures_wants_exemplar(figures, 2, 4000)); /* the clock was set back */
    assert_true(route_figures_wants_exemplar(figures, 3, 5999));
    route_figures_set_exemplar(figures, 2, SLICE("0123456789012345678901234567890123456789"), 300, 6000);
    assert_string_equal(figures->exemplars[2].exemplar.id, "");
}

static struct slowest slowest;

static void end_request(uint64_t duration_us, int64_t now_seconds)
{
    if (slowest_wants(&slowest, duration_us, now_seconds))
        slowest_add(&slowest,
                    &(struct slow_request){.when_seconds = now_seconds, .duration_us = duration_us});
}

static bool has(uint64_t duration_us)
{
    bool has = false;
    for (size_t i = 0; i < SLOWEST_MAX; i++)
        has |= slowest.list[i].duration_us == duration_us;
    return has;
}

static void the_slowest_stay_for_ten_minutes(void **state)
{
    (void)state;
    memset(&slowest, 0, sizeof(slowest));
    for (uint64_t i = 1; i <= 100; i++)
        end_request(i * 7 % 101 * 10, 1000); /* 10 to 1000, each once */
    for (uint64_t i = 0; i < SLOWEST_MAX; i++)
        assert_true(has(1000 - i * 10));
    assert_false(slowest_wants(&slowest, 1000 - SLOWEST_MAX * 10, 1100));
    end_request(5000, 1300);
    assert_true(has(5000));
    assert_false(has(1000 - (SLOWEST_MAX - 1) * 10));
    end_request(1, 1000 + SLOWEST_SECONDS);
    assert_true(has(1)); /* in place of one that is too old */
    assert_true(has(5000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_printable_and_bounded),
        cmocka_unit_test(each_route_has_a_place_until_they_are_all_taken),
        cmocka_unit_test(a_worker_that_was_killed_while_it_wrote_leaves_no_rubbish),
        cmocka_unit_test(a_bucket_gets_one_exemplar_a_second),
        cmocka_unit_test(the_slowest_stay_for_ten_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
