/* What several rounds say together, and in which order they are run. */
#include "../test.h"

#include "lab/models.h"
#include "lab/run/plan.h"
#include "lab/run/rounds.h"

#include <math.h>
#include <stdlib.h>

static struct lab_point point_of(double requests_per_s, double cpu_us, uint64_t requests)
{
    return (struct lab_point){
        .connections = 100,
        .load = {.requests_per_s = requests_per_s,
                 .latency_p99_us = 1e6 / requests_per_s,
                 .latency_max_us = requests_per_s,
                 .requests = requests,
                 .requests_unanswered = 2,
                 .errors = 1},
        .usage = {.cpu_us_per_request = cpu_us, .processes = 1, .threads = (unsigned)requests},
        .others_share = cpu_us / 100,
    };
}

/* A round that was disturbed moves none of the figures. */
static void the_median_counts(void **state)
{
    (void)state;
    struct lab_point together;
    struct lab_point rounds[] = {point_of(100, 7, 10), point_of(10, 90, 1), point_of(110, 8, 11)};
    rounds_combine_points(rounds, 3, &together);
    assert_int_equal(together.connections, 100);
    assert_true(together.load.requests_per_s == 100);
    assert_true(together.load.requests_per_s_least == 10 && together.load.requests_per_s_most == 110);
    assert_true(together.load.latency_p99_us == 10000);
    assert_true(together.load.latency_max_us == 110);
    assert_true(together.usage.cpu_us_per_request == 8);
    assert_true(together.usage.cpu_us_least == 7 && together.usage.cpu_us_most == 90);
    assert_true(together.others_share == 0.9);
    assert_int_equal(together.load.requests, 22);
    assert_int_equal(together.load.requests_unanswered, 6);
    assert_int_equal(together.load.errors, 3);
    assert_int_equal(together.usage.threads, 11);
}

static void an_even_number_has_a_middle_too(void **state)
{
    (void)state;
    struct lab_point together;
    struct lab_point rounds[] = {point_of(300, 1, 1), point_of(100, 2, 1), point_of(120, 3, 1),
                                 point_of(10, 4, 1)};
    rounds_combine_points(rounds, 4, &together);
    assert_true(together.load.requests_per_s == 110);
    rounds_combine_points(rounds, 1, &together);
    assert_true(together.load.requests_per_s == 300 && together.load.requests_per_s_least == 300);
}

static void what_a_round_lacks_is_left_out(void **state)
{
    (void)state;
    struct lab_point together;
    struct lab_point rounds[] = {point_of(100, NAN, 1), point_of(100, 5, 1), point_of(100, NAN, 1)};
    rounds[2].others_share = NAN;
    rounds_combine_points(rounds, 3, &together);
    assert_true(together.usage.cpu_us_per_request == 5);
    rounds[1].usage.cpu_us_per_request = NAN;
    rounds_combine_points(rounds, 3, &together);
    assert_true(isnan(together.usage.cpu_us_per_request) && isnan(together.usage.cpu_us_most));
}

static void doubts_need_more_than_half_of_the_rounds(void **state)
{
    (void)state;
    struct lab_pair together;
    struct lab_pair rounds[3] = {0};
    rounds[1].with.is_client_late = true;
    rounds[1].blocked.is_client_bound = rounds[2].blocked.is_client_bound = true;
    strcpy(rounds[1].with.error_text, "reset");
    rounds_combine_pairs(rounds, 3, &together);
    assert_true(together.is_measured && !together.with.is_client_late && together.blocked.is_client_bound);
    assert_string_equal(together.with.error_text, "reset");
    assert_string_equal(together.without.error_text, "");
}

/* --- the order --- */

static const struct lab_settings settings = {
    .scenarios = LAB_SCENARIO_EVERY,
    .connections = {1, 10, 100, 1000},
    .connection_count = 4,
    .mostly_idle_connections = {50, 900},
    .mostly_idle_count = 2,
    .rounds = 3,
    .duration_ms = 100,
};

static const struct lab_model unbounded = {.name = "unbounded"};
static const struct lab_model bounded = {.name = "bounded", .connections_max = 64};

static struct plan *plan_of(const struct lab_model_result *models, size_t count)
{
    struct plan *plan = calloc(1, sizeof(*plan));
    assert_non_null(plan);
    plan_init(plan, &settings, models, count);
    return plan;
}

static unsigned count_steps(const struct plan *plan, unsigned model, enum lab_scenario scenario,
                            unsigned connections)
{
    unsigned count = 0;
    for (unsigned i = 0; i < plan->step_count; i++) {
        const struct slot *slot = &plan->slots[plan->steps[i].slot];
        count +=
            plan->steps[i].model == model && slot->scenario == scenario && slot->connections == connections;
    }
    return count;
}

static void each_is_measured_as_often_as_there_are_rounds(void **state)
{
    (void)state;
    const struct lab_model_result models[] = {{.model = &unbounded}, {.model = &bounded}};
    struct plan *plan = plan_of(models, 2);
    for (unsigned i = 0; i < settings.connection_count; i++)
        assert_int_equal(count_steps(plan, 0, LAB_SCENARIO_THROUGHPUT, settings.connections[i]), 3);
    for (unsigned model = 0; model < 2; model++) {
        assert_int_equal(count_steps(plan, model, LAB_SCENARIO_SLOW, 0), 3);
        assert_int_equal(count_steps(plan, model, LAB_SCENARIO_BLOCKING, 0), 3);
        assert_int_equal(count_steps(plan, model, LAB_SCENARIO_IDLE, 0), 1);
        assert_int_equal(count_steps(plan, model, LAB_SCENARIO_LIMIT, 0), 1);
        assert_int_equal(count_steps(plan, model, LAB_SCENARIO_MOSTLY_IDLE, 50), 3);
    }
    /* One point beyond what it serves, so that there is something to compare; and no number of idle ones that
     * it cannot hold. */
    assert_int_equal(count_steps(plan, 1, LAB_SCENARIO_THROUGHPUT, 100), 3);
    assert_int_equal(count_steps(plan, 1, LAB_SCENARIO_THROUGHPUT, 1000), 0);
    assert_int_equal(count_steps(plan, 1, LAB_SCENARIO_MOSTLY_IDLE, 900), 0);
    assert_int_equal(count_steps(plan, 0, LAB_SCENARIO_MOSTLY_IDLE, 900), 3);
    free(plan);
}

/* In a slot of a round every model follows the one before at once; and each round begins with another one. */
static void models_take_turns(void **state)
{
    (void)state;
    const struct lab_model_result models[] = {{.model = &unbounded},
                                              {.model = &unbounded, .unavailable = "not here"},
                                              {.model = &unbounded},
                                              {.model = &unbounded}};
    const unsigned orders[3][3] = {{0, 2, 3}, {2, 3, 0}, {2, 3, 0}};
    struct plan *plan = plan_of(models, 4);
    unsigned step = 0;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned slot = 0; slot < plan->slot_count; slot++) {
            enum lab_scenario scenario = plan->slots[slot].scenario;
            if (round > 0 && (scenario == LAB_SCENARIO_IDLE || scenario == LAB_SCENARIO_LIMIT))
                continue;
            for (unsigned turn = 0; turn < 3; turn++, step++) {
                assert_int_equal(plan->steps[step].round, round);
                assert_int_equal(plan->steps[step].slot, slot);
                assert_int_equal(plan->steps[step].model, orders[round][turn]);
            }
        }
    }
    assert_int_equal(plan->step_count, step);
    assert_int_equal(plan_ms(plan, &settings, step), 0);
    assert_true(plan_ms(plan, &settings, 1) < plan_ms(plan, &settings, 0));
    free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_median_counts),
        cmocka_unit_test(an_even_number_has_a_middle_too),
        cmocka_unit_test(what_a_round_lacks_is_left_out),
        cmocka_unit_test(doubts_need_more_than_half_of_the_rounds),
        cmocka_unit_test(each_is_measured_as_often_as_there_are_rounds),
        cmocka_unit_test(models_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
