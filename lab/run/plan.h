/* The steps of a run: for each round, for each scenario, for each model. So a disturbance of a minute affects
 * all models, in one round only. */
#ifndef LAB_RUN_PLAN_H
#define LAB_RUN_PLAN_H

#include "lab/run/run.h"

/* A scenario with a number of connections. */
struct slot {
    enum lab_scenario scenario;
    unsigned connections; /* for throughput and mostly-idle only */
};

/* Two scenarios have several slots. */
#define SLOTS_MAX (2 * LAB_POINTS_MAX + 4)
#define STEPS_MAX (LAB_ROUNDS_MAX * LAB_MODELS_MAX * SLOTS_MAX)

struct step {
    unsigned round; /* from 0 */
    unsigned model; /* index in lab_result.models */
    unsigned slot;
};

struct plan {
    struct slot slots[SLOTS_MAX];
    unsigned slot_count;
    struct step steps[STEPS_MAX];
    unsigned step_count;
};

/* Plans the steps. `models` are those of the result: they say which are available and how many connections
 * each serves. */
void plan_init(struct plan *plan, const struct lab_settings *settings, const struct lab_model_result *models,
               size_t model_count);

/* Estimates the milliseconds that the steps from number `from` on take, from the usual duration of such
 * steps. */
uint64_t plan_ms(const struct plan *plan, const struct lab_settings *settings, unsigned from);

#endif
