/* Streams of numbers: splitmix64, which is small, quick, and good enough to choose by. */
#include "internal.h"

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

struct sim_chance sim_chance_for(const char *name, uint64_t index)
{
    uint64_t state = mix(sim_seed() + 1);
    for (; *name; name++)
        state = mix(state ^ (unsigned char)*name) + UINT64_C(0x9e3779b97f4a7c15);
    return (struct sim_chance){.state = mix(state ^ mix(index))};
}

uint64_t sim_draw(struct sim_chance *chance)
{
    chance->state += UINT64_C(0x9e3779b97f4a7c15);
    return mix(chance->state);
}

uint64_t sim_below(struct sim_chance *chance, uint64_t end)
{
    uint64_t number = sim_draw(chance);
    return end == 0 ? 0 : number % end;
}

uint64_t sim_between(struct sim_chance *chance, uint64_t least, uint64_t most)
{
    assert(least <= most);
    return least + sim_below(chance, most - least + 1);
}

bool sim_one_in(struct sim_chance *chance, uint64_t count)
{
    return sim_below(chance, count) == 0;
}

uint64_t sim_size(struct sim_chance *chance, uint64_t most)
{
    assert(most > 0);
    unsigned bits = 64 - (unsigned)__builtin_clzll(most);
    uint64_t least = UINT64_C(1) << sim_below(chance, bits);
    return sim_between(chance, least, MIN(most, least * 2 - 1));
}
