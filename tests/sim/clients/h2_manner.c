/* See h2_manner.h. */
#include "h2_manner.h"

#include "frames.h"

const char *const h2_manner_names[H2_MANNER_COUNT] = {
    [H2_BEHAVE] = "behaves",
    [H2_TINY_WINDOWS] = "opens tiny windows",
    [H2_LATE_WINDOWS] = "opens windows late",
    [H2_NO_WINDOWS] = "opens no windows",
    [H2_READ_SLOWLY] = "reads slowly",
    [H2_STOP_READING] = "stops reading",
    [H2_DRIP] = "drips",
    [H2_HALF_SENT] = "stops in a frame",
    [H2_HALF_CONTENT] = "stops in content",
    [H2_CANCEL] = "cancels",
    [H2_RESET] = "resets the connection",
    [H2_BAD] = "sends what is bad",
    [H2_BROKEN] = "breaks the protocol",
};

uint32_t h2_manner_window(struct sim_chance *chance)
{
    switch (sim_below(chance, 4)) {
    case 0: return (uint32_t)sim_size(chance, 2000);
    case 1: return FRAME_WINDOW;
    default: return (uint32_t)sim_size(chance, 4u << 20);
    }
}

static void h2_manner_make_kind(struct h2_manner *manner, const struct website *website,
                                struct sim_chance *chance)
{
    const struct timeouts *timeouts = website->timeouts;
    switch (manner->kind) {
    case H2_BEHAVE: return;
    case H2_TINY_WINDOWS:
        manner->window = (uint32_t)sim_size(chance, 300);
        manner->grant_bytes = 1;
        manner->grant_times = 2;
        return;
    case H2_LATE_WINDOWS:
        manner->window = (uint32_t)sim_below(chance, 2) * 100;
        manner->opens_us = sim_size(chance, timeouts->write_ms * 2 * SIM_MS);
        return;
    case H2_NO_WINDOWS:
        manner->grant_bytes = 0;
        manner->extra_window = (uint32_t)sim_below(chance, 2) << 22;
        return;
    case H2_READ_SLOWLY:
        manner->receive_bytes = 512 + sim_size(chance, 30000);
        manner->take_bytes = sim_size(chance, 20000);
        manner->take_us = sim_size(chance, 300 * SIM_MS);
        return;
    case H2_STOP_READING:
        manner->pause_us = sim_between(chance, timeouts->write_ms / 2, timeouts->write_ms * 3 + 1) * SIM_MS;
        return;
    case H2_DRIP:
        manner->piece_bytes = sim_size(chance, 60);
        manner->piece_us = sim_size(chance, 20 * SIM_MS);
        return;
    case H2_HALF_SENT: manner->half_after = 1 + sim_size(chance, 3000); return;
    case H2_HALF_CONTENT: manner->stops_in_content = true; return;
    case H2_CANCEL: manner->cancels_in = (unsigned)sim_between(chance, 1, 3); return;
    case H2_RESET: manner->reset_after = sim_size(chance, 200000); return;
    case H2_BAD: manner->bad_in = (unsigned)sim_between(chance, 1, 4); return;
    case H2_BROKEN: manner->breaks_after = sim_size(chance, 4000); return;
    case H2_MANNER_COUNT: break;
    }
    UNREACHABLE();
}

static enum manner_end choose_h2_end(struct sim_chance *chance)
{
    switch (sim_below(chance, 6)) {
    case 0: return END_FINISH;
    case 1: return END_WAIT;
    case 2: return END_LINGER;
    default: return END_CLOSE;
    }
}

struct h2_manner h2_manner_make(const struct website *website, struct sim_chance *chance)
{
    struct h2_manner manner = {
        .kind = sim_one_in(chance, 4) ? H2_BEHAVE : (enum h2_manner_kind)sim_below(chance, H2_MANNER_COUNT),
        .end = choose_h2_end(chance),
        .requests = (unsigned)sim_size(chance, 24),
        .connections = (unsigned)sim_size(chance, 3),
        .depth = (unsigned)sim_size(chance, 16),
        .extras = sim_one_in(chance, 2) ? (unsigned)sim_size(chance, 12) : 0,
        .window = sim_one_in(chance, 2) ? FRAME_WINDOW : h2_manner_window(chance),
        .extra_window = sim_one_in(chance, 2) ? (uint32_t)sim_size(chance, 1u << 24) : 0,
        .grant_bytes = (uint32_t)sim_size(chance, 20000),
        .grant_times = (unsigned)sim_between(chance, 1, 2),
        .head_bytes = sim_one_in(chance, 3) ? (size_t)sim_between(chance, 600, 3000) : FRAME_BYTES_MAX,
        .content_bytes = sim_one_in(chance, 3) ? 100 + (size_t)sim_size(chance, 8000) : FRAME_BYTES_MAX,
        .act_us = sim_one_in(chance, 3) ? sim_size(chance, 30 * SIM_MS) : 1,
        .receive_bytes = 16384 + sim_size(chance, 300000),
        .cancels_in = sim_one_in(chance, 4) ? (unsigned)sim_between(chance, 3, 20) : 0,
        .bad_in = sim_one_in(chance, 4) ? (unsigned)sim_between(chance, 3, 20) : 0,
        .says_goaway = sim_one_in(chance, 3),
    };
    /* A window that is never reached again would not be opened. */
    manner.grant_bytes = MIN(manner.grant_bytes, MAX(manner.window / 2, 1u));
    if (sim_one_in(chance, 4)) {
        manner.piece_bytes = sim_size(chance, 5000);
        manner.piece_us = sim_size(chance, 5 * SIM_MS);
    }
    h2_manner_make_kind(&manner, website, chance);
    return manner;
}
