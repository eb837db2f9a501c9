/* See storm.h. */
#include "storm.h"

#include "conversation.h"

#define LEAVING_MAX 60
#define HOLDING_MAX 8
#define FRESH_COUNT 3

/* Their lines are more than may wait for the disk. */
#define LOGGING_COUNT       40
#define LOGGING_CONNECTIONS 8
#define LOGGING_ADDRESS     0x0a000009u /* nobody else's */
#define LOGGING_DEPTH       CONVERSATION_ASKS_MAX

/* Those who come later find that nothing has moved for long enough. */
#define FRESH_AFTER_US (4 * SIM_S)
#define PATIENT_MS     15000u

static void be_patient(struct timeouts *timeouts)
{
    timeouts->head_ms = MAX(timeouts->head_ms, PATIENT_MS);
    timeouts->body_ms = MAX(timeouts->body_ms, PATIENT_MS);
    timeouts->write_ms = MAX(timeouts->write_ms, PATIENT_MS);
    timeouts->linger_ms = MAX(timeouts->linger_ms, PATIENT_MS);
}

void storm_prepare(struct storm *storm, struct limits *limits, struct timeouts *timeouts)
{
    *storm = (struct storm){.chance = sim_chance_for("storm", 0)};
    if (!sim_one_in(&storm->chance, 8))
        return;
    storm->kind = (enum storm_kind)sim_between(&storm->chance, STORM_LEAVE, STORM_COUNT - 1);
    storm->at_us = sim_size(&storm->chance, 2 * SIM_S);
    limits->connections_per_address = 0;
    if (storm->kind == STORM_LOG) {
        storm->count = LOGGING_COUNT + FRESH_COUNT;
        limits->connections = MAX(limits->connections, 2u * LOGGING_COUNT);
        limits->requests_per_connection = 0;
        sim_log_fill(storm->at_us + 3 * FRESH_AFTER_US);
    } else if (storm->kind == STORM_LEAVE) {
        storm->count = (unsigned)sim_between(&storm->chance, 8, LEAVING_MAX);
        limits->connections = MAX(limits->connections, (uint32_t)LEAVING_MAX);
    } else {
        storm->count = (unsigned)sim_between(&storm->chance, 2, HOLDING_MAX) + FRESH_COUNT;
        limits->connections = storm->count - FRESH_COUNT;
        be_patient(timeouts);
    }
    sim_trace("a storm of %u at %llu us, kind %d", storm->count, (unsigned long long)storm->at_us,
              storm->kind);
}

static const struct target *any_target(const struct website *website, enum target_kind kind,
                                       struct sim_chance *chance)
{
    const struct target *target;
    do
        target = &website->targets[sim_below(chance, website->target_count)];
    while (target->kind != kind);
    return target;
}

static const struct target *largest_file(const struct website *website)
{
    const struct target *largest = NULL;
    uint64_t most = 0;
    for (size_t i = 0; i < website->target_count; i++) {
        const struct target *target = &website->targets[i];
        struct version *now =
            target->kind == TARGET_FILE && target->file ? form_now(&target->file->forms[FORM_PLAIN]) : NULL;
        if (now && now->size >= most) {
            largest = target;
            most = now->size;
        }
    }
    return largest;
}

static struct manner leaving(const struct website *website, struct sim_chance *chance)
{
    return (struct manner){
        .kind = MANNER_STORM,
        .requests = (unsigned)sim_between(chance, 1, 3),
        .depth = 3,
        .receive_bytes = 16384,
        .target = any_target(website, TARGET_LISTING, chance),
        .reset_us = sim_size(chance, 300 * SIM_MS),
    };
}

static struct manner logging(const struct website *website, struct sim_chance *chance)
{
    return (struct manner){
        .kind = MANNER_STORM,
        .requests = LOGGING_DEPTH,
        .connections = LOGGING_CONNECTIONS,
        .depth = LOGGING_DEPTH,
        .receive_bytes = 1u << 20,
        .target = any_target(website, TARGET_FIXED, chance),
        .address = LOGGING_ADDRESS,
    };
}

static struct manner holding(enum storm_kind kind, const struct website *website, struct sim_chance *chance)
{
    struct manner manner = {
        .kind = MANNER_STORM, .end = END_LINGER, .requests = 1, .depth = 1, .receive_bytes = 16384};
    switch (kind) {
    case STORM_HALF_SENT:
        manner.stops_in_content = true;
        manner.target = any_target(website, TARGET_FIXED, chance);
        break;
    case STORM_UNREAD:
        manner.target = largest_file(website);
        manner.pause_us = 20 * SIM_S;
        break;
    default: manner.bad_in = 1;
    }
    return manner;
}

bool storm_next(struct storm *storm, const struct website *website, struct manner *ret_manner,
                uint64_t *ret_at_us)
{
    struct sim_chance *chance = &storm->chance;
    if (storm->count == 0)
        return false;
    storm->count--;
    *ret_at_us = storm->at_us + sim_below(chance, 50 * SIM_MS);
    if (storm->kind == STORM_LEAVE) {
        *ret_manner = leaving(website, chance);
        return true;
    }
    enum storm_kind kind = storm->kind == STORM_MIXED
                               ? (enum storm_kind)sim_between(chance, STORM_HALF_SENT, STORM_LINGER)
                               : storm->kind;
    *ret_manner = kind == STORM_LOG ? logging(website, chance) : holding(kind, website, chance);
    if (storm->count < FRESH_COUNT) {
        *ret_manner =
            (struct manner){.kind = MANNER_BEHAVE, .requests = 1, .depth = 1, .receive_bytes = 300000};
        *ret_at_us = storm->at_us + FRESH_AFTER_US + sim_below(chance, FRESH_AFTER_US);
    }
    return true;
}
