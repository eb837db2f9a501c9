/* Loads are repeated in each round. What only holds connections is looked at in the first: memory and limits
 * do not depend on how busy the machine is. */
#include "lab/run/plan.h"

/* Every model is measured there, so that there is something to compare. */
#define COMPARED_AT 100

static void add_slot(struct plan *plan, const struct lab_settings *settings, enum lab_scenario scenario,
                     unsigned connections)
{
    if (!(settings->scenarios & scenario))
        return;
    assert(plan->slot_count < SLOTS_MAX);
    plan->slots[plan->slot_count++] = (struct slot){.scenario = scenario, .connections = connections};
}

static void add_slots(struct plan *plan, const struct lab_settings *settings)
{
    for (size_t i = 0; i < settings->connection_count; i++)
        add_slot(plan, settings, LAB_SCENARIO_THROUGHPUT, settings->connections[i]);
    add_slot(plan, settings, LAB_SCENARIO_IDLE, 0);
    for (size_t i = 0; i < settings->mostly_idle_count; i++)
        add_slot(plan, settings, LAB_SCENARIO_MOSTLY_IDLE, settings->mostly_idle_connections[i]);
    add_slot(plan, settings, LAB_SCENARIO_SLOW, 0);
    add_slot(plan, settings, LAB_SCENARIO_BLOCKING, 0);
    add_slot(plan, settings, LAB_SCENARIO_LIMIT, 0);
}

/* Beyond the connections that a model serves one point shows what the others get; more would show the same.
 */
static bool is_beyond(const struct lab_settings *settings, unsigned most, unsigned connections)
{
    for (size_t i = 0; i < settings->connection_count && settings->connections[i] < connections; i++) {
        if (settings->connections[i] > most && settings->connections[i] >= COMPARED_AT)
            return true;
    }
    return false;
}

static bool is_measured(const struct slot *slot, unsigned round, const struct lab_settings *settings,
                        const struct lab_model_result *model)
{
    unsigned most = model->model->connections_max; /* 0: as many as there are descriptors */
    if (model->unavailable)
        return false;
    switch (slot->scenario) {
    case LAB_SCENARIO_THROUGHPUT: return most == 0 || !is_beyond(settings, most, slot->connections);
    case LAB_SCENARIO_MOSTLY_IDLE: return most == 0 || slot->connections <= most; /* who holds them all */
    case LAB_SCENARIO_SLOW:
    case LAB_SCENARIO_BLOCKING: return true;
    case LAB_SCENARIO_IDLE:
    case LAB_SCENARIO_LIMIT: return round == 0;
    case LAB_SCENARIO_EVERY: break;
    }
    UNREACHABLE();
}

/* Each round begins with another model, so that none always comes behind the same one. */
static void add_turns(struct plan *plan, const struct lab_settings *settings,
                      const struct lab_model_result *models, size_t model_count, unsigned round,
                      unsigned slot)
{
    size_t first = round * model_count / settings->rounds;
    for (size_t i = 0; i < model_count; i++) {
        size_t model = (first + i) % model_count;
        if (!is_measured(&plan->slots[slot], round, settings, &models[model]))
            continue;
        assert(plan->step_count < STEPS_MAX);
        plan->steps[plan->step_count++] =
            (struct step){.round = round, .model = (unsigned)model, .slot = slot};
    }
}

void plan_init(struct plan *plan, const struct lab_settings *settings, const struct lab_model_result *models,
               size_t model_count)
{
    assert(settings->rounds > 0 && settings->rounds <= LAB_ROUNDS_MAX && model_count <= LAB_MODELS_MAX);
    plan->slot_count = plan->step_count = 0;
    add_slots(plan, settings);
    for (unsigned round = 0; round < settings->rounds; round++) {
        for (unsigned slot = 0; slot < plan->slot_count; slot++)
            add_turns(plan, settings, models, model_count, round, slot);
    }
}

/* Starting and stopping, opening connections at about 10,000 a second, the load, the look at memory. */
static uint64_t slot_ms(const struct lab_settings *settings, const struct slot *slot)
{
    uint64_t load_ms = 100 + settings->warm_up_ms + settings->duration_ms;
    switch (slot->scenario) {
    case LAB_SCENARIO_THROUGHPUT:
    case LAB_SCENARIO_MOSTLY_IDLE: return load_ms + slot->connections / 5;
    case LAB_SCENARIO_IDLE: return 400 + settings->idle_connections / 5;
    case LAB_SCENARIO_SLOW:
    case LAB_SCENARIO_BLOCKING: return 2 * load_ms + 400;
    case LAB_SCENARIO_LIMIT: return 300 + settings->limit_connections / 5;
    case LAB_SCENARIO_EVERY: break;
    }
    UNREACHABLE();
}

uint64_t plan_ms(const struct plan *plan, const struct lab_settings *settings, unsigned from)
{
    uint64_t sum = 0;
    for (unsigned i = from; i < plan->step_count; i++)
        sum += slot_ms(settings, &plan->slots[plan->steps[i].slot]);
    return sum;
}
