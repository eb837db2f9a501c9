/* Allowances: a leaky bucket for each kind. They are far above what any browser, proxy or benchmark needs,
 * and low enough that using them up costs little: 100 PING frames take 10 us. */
#include "h2/floods.h"

static const struct allowance {
    const char *text;
    uint32_t at_once;
    uint32_t a_second;
} allowances[H2_FLOOD_COUNT] = {
    /* Leaving a page with many images resets as many streams as may be open. */
    [H2_FLOOD_RESETS] = {"requests that are reset (rapid reset)", 500, 50},
    [H2_FLOOD_CONTINUATIONS] = {"CONTINUATION frames in one head", 0, 0},
    [H2_FLOOD_HEADERS] = {"headers that are much larger than on the wire (HPACK bomb)", 0, 0},
    [H2_FLOOD_SETTINGS] = {"SETTINGS frames", 32, 1},
    [H2_FLOOD_PINGS] = {"PING frames", 100, 10},
    [H2_FLOOD_PRIORITIES] = {"PRIORITY and PRIORITY_UPDATE frames", 1000, 100},
    [H2_FLOOD_EMPTY_FRAMES] = {"DATA frames without content", 100, 10},
    [H2_FLOOD_WINDOWS] = {"WINDOW_UPDATE frames for less than was sent", 4000, 400},
    [H2_FLOOD_QUEUE] = {"frames that need replies, which the client does not read", 0, 0},
    [H2_FLOOD_FAULTS] = {"streams with something wrong in them", 100, 10},
};

bool h2_floods_spend(struct h2_floods *floods, enum h2_flood kind)
{
    assert(kind < H2_FLOOD_COUNT);
    return ++floods->spent[kind] <= allowances[kind].at_once;
}

void h2_floods_earn(struct h2_floods *floods, enum h2_flood kind, uint32_t count)
{
    assert(kind < H2_FLOOD_COUNT);
    floods->spent[kind] -= MIN(floods->spent[kind], count);
}

void h2_floods_pass(struct h2_floods *floods, uint64_t now_ms)
{
    assert(now_ms >= floods->counted_ms);
    uint64_t seconds = (now_ms - floods->counted_ms) / 1000;
    if (LIKELY(seconds == 0))
        return;
    floods->counted_ms += seconds * 1000;
    for (unsigned kind = 0; kind < H2_FLOOD_COUNT; kind++) {
        uint64_t back = seconds * allowances[kind].a_second;
        floods->spent[kind] -= (uint32_t)MIN((uint64_t)floods->spent[kind], back);
    }
}

const char *h2_floods_text(enum h2_flood kind)
{
    assert(kind < H2_FLOOD_COUNT);
    return allowances[kind].text;
}
