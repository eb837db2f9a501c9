/* The steps of a run, in their order: round after round, in each the scenarios one after the other, and in
 * each of those the models by turns. What disturbs the machine for a minute so disturbs all of them, in one
 * round. */
#ifndef LAB_RUN_PLAN_H
#define LAB_RUN_PLAN_H

#include "lab/run/run.h"

/* A scenario at a count of connections. */
struct slot {
    enum lab_scenario scenario;
    unsigned connections; /* of the throughput, and of the crowd */
};

/* Two scenarios have several. */
#define SLOTS_MAX (2 * LAB_POINTS_MAX + 4)
#define STEPS_MAX (LAB_ROUNDS_MAX * LAB_MODELS_MAX * SLOTS_MAX)

struct step {
    unsigned round; /* from 0 */
    unsigned model; /* index among those of the result */
    unsigned slot;
};

struct plan {
    struct slot slots[SLOTS_MAX];
    unsigned slot_count;
    struct step steps[STEPS_MAX];
    unsigned step_count;
};

/* `models` are those of the result: which are available, and how many connections each serves. */
void plan_init(struct plan *plan, const struct lab_settings *settings, const struct lab_model_result *models,
               size_t model_count);

/* Milliseconds that the steps from number `from` on take, by what such steps have taken. */
uint64_t plan_ms(const struct plan *plan, const struct lab_settings *settings, unsigned from);

#endif
