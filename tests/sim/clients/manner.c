/* See manner.h. */
#include "manner.h"

const char *const manner_names[MANNER_NAMES] = {
    [MANNER_BEHAVE] = "behaves",
    [MANNER_PIPELINE] = "pipelines",
    [MANNER_DRIP] = "drips",
    [MANNER_STALL] = "stalls",
    [MANNER_READ_SLOWLY] = "reads slowly",
    [MANNER_STOP_READING] = "stops reading",
    [MANNER_RESET] = "resets",
    [MANNER_LEAVE] = "leaves",
    [MANNER_BAD] = "sends what is bad",
    [MANNER_IDLE] = "idles",
    [MANNER_FLOOD] = "floods",
    [MANNER_STORM] = "storms",
};

static enum manner_end choose_end(struct sim_chance *chance)
{
    switch (sim_below(chance, 8)) {
    case 0:
    case 1: return END_FINISH;
    case 2: return END_WAIT;
    case 3: return END_LINGER;
    default: return END_CLOSE;
    }
}

static uint64_t around(uint32_t timeout_ms, struct sim_chance *chance)
{
    return sim_between(chance, timeout_ms / 2, timeout_ms * 3 / 2 + 1) * SIM_MS;
}

/* A write timeout has to run out twice at most: progress may have been made just before. */
static uint64_t long_pause(const struct timeouts *timeouts, struct sim_chance *chance)
{
    return sim_between(chance, timeouts->write_ms / 2, timeouts->write_ms * 3 + 1) * SIM_MS;
}

static void make_drip(struct manner *manner, const struct website *website, struct sim_chance *chance)
{
    manner->piece_bytes = sim_size(chance, 40);
    manner->piece_us = sim_one_in(chance, 3) ? around(website->timeouts->head_ms, chance) / 40
                                             : sim_size(chance, 20 * SIM_MS);
}

static void make_kind(struct manner *manner, const struct website *website, struct sim_chance *chance)
{
    const struct timeouts *timeouts = website->timeouts;
    switch (manner->kind) {
    case MANNER_BEHAVE: return;
    case MANNER_PIPELINE: manner->depth = (unsigned)sim_between(chance, 2, 40); return;
    case MANNER_DRIP: make_drip(manner, website, chance); return;
    case MANNER_STALL: manner->ends_endless = true; return;
    case MANNER_READ_SLOWLY:
        manner->receive_bytes = 512 + sim_size(chance, 30000);
        manner->take_bytes = sim_size(chance, 20000);
        manner->take_us = sim_size(chance, 300 * SIM_MS);
        return;
    case MANNER_STOP_READING: manner->pause_us = long_pause(timeouts, chance); return;
    case MANNER_RESET: manner->reset_after = sim_size(chance, 200000); return;
    case MANNER_LEAVE: manner->leave_after = sim_size(chance, 50000); return;
    case MANNER_BAD: manner->bad_in = (unsigned)sim_between(chance, 1, 4); return;
    case MANNER_IDLE: manner->think_us = around(timeouts->idle_ms, chance); return;
    case MANNER_FLOOD:
        manner->connections = (unsigned)sim_between(chance, 5, 40);
        manner->requests = (unsigned)sim_between(chance, 1, 2);
        return;
    case MANNER_COUNT:
    case MANNER_NAMES: break;
    }
    UNREACHABLE();
}

struct manner manner_make(const struct website *website, struct sim_chance *chance)
{
    struct manner manner = {
        .kind = sim_one_in(chance, 3) ? MANNER_BEHAVE : (enum manner_kind)sim_below(chance, MANNER_COUNT),
        .end = choose_end(chance),
        .requests = (unsigned)sim_size(chance, 30),
        .connections = (unsigned)sim_size(chance, 4),
        .depth = sim_one_in(chance, 4) ? (unsigned)sim_between(chance, 2, 12) : 1,
        .think_us = sim_one_in(chance, 2) ? 0 : sim_size(chance, 100 * SIM_MS),
        .receive_bytes = 16384 + sim_size(chance, 300000),
        .waits_for_continue = sim_one_in(chance, 2),
        .bad_in = sim_one_in(chance, 4) ? (unsigned)sim_between(chance, 3, 30) : 0,
        .goes_on_behind_the_end = sim_one_in(chance, 6),
    };
    if (sim_one_in(chance, 4)) {
        manner.piece_bytes = sim_size(chance, 5000);
        manner.piece_us = sim_size(chance, 5 * SIM_MS);
    }
    make_kind(&manner, website, chance);
    return manner;
}
