/* All choices look at each server of the set: there are 64 at most, mostly a few. */
#include "proxy/balance.h"

#define AGE_MS      1000 /* in which an average halves */
#define AVERAGE_OF  8
#define START_PARTS 10

static unsigned first_of(uint64_t set)
{
    assert(set != 0);
    return (unsigned)__builtin_ctzll(set);
}

#define FOREACH_OF(index, set)                                   \
    for (uint64_t left_ = (set); left_ != 0; left_ &= left_ - 1) \
        for (unsigned index = first_of(left_), once_ = 1; once_; once_ = 0)

/* ---- who may be chosen ---- */

struct balance_sets {
    uint64_t main;
    uint64_t backup;
    uint64_t healthy;
};

static struct balance_sets sort_servers(const struct balance_server *servers, unsigned count)
{
    assert(count <= 64);
    struct balance_sets sets = {0};
    for (unsigned i = 0; i < count; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if (servers[i].weight == 0)
            continue;
        *(servers[i].is_backup ? &sets.backup : &sets.main) |= bit;
        sets.healthy |= servers[i].is_out ? 0 : bit;
    }
    return sets;
}

static bool is_panic(const struct balance_sets *sets, unsigned panic_percent)
{
    unsigned all = (unsigned)__builtin_popcountll(sets->main);
    unsigned healthy = (unsigned)__builtin_popcountll(sets->main & sets->healthy);
    return healthy * 100 < all * panic_percent;
}

uint64_t balance_candidates(const struct balance_server *servers, unsigned count, uint64_t tried,
                            unsigned panic_percent)
{
    struct balance_sets sets = sort_servers(servers, count);
    uint64_t main = sets.main & ~tried, backup = sets.backup & ~tried;
    const uint64_t preferred[] = {main & sets.healthy, backup & sets.healthy, main, backup};
    if (main != 0 && is_panic(&sets, panic_percent))
        return main;
    for (unsigned i = 0; i < ARRAY_LENGTH(preferred); i++) {
        if (preferred[i] != 0)
            return preferred[i];
    }
    return 0;
}

uint64_t balance_with_room(const struct balance_server *servers, uint64_t set)
{
    uint64_t room = 0;
    FOREACH_OF(i, set)
    room |= servers[i].limit == 0 || servers[i].in_use < servers[i].limit ? UINT64_C(1) << i : 0;
    return room;
}

/* ---- in turn ---- */

/* Everyone gains its weight, and who has most pays for all. */
unsigned balance_in_turn(const struct balance_server *servers, uint64_t set, int64_t *turns)
{
    unsigned best = first_of(set);
    int64_t total = 0;
    FOREACH_OF(i, set)
    {
        turns[i] += servers[i].weight;
        total += servers[i].weight;
        if (turns[i] > turns[best])
            best = i;
    }
    turns[best] -= total;
    return best;
}

/* ---- by load ---- */

/* Whether `one` has less to do for its weight, with the request that it would get. */
static bool has_less(const struct balance_server *one, const struct balance_server *other)
{
    return ((uint64_t)one->in_use + 1) * other->weight < ((uint64_t)other->in_use + 1) * one->weight;
}

/* The set in order, from `start` on: what is behind it, then what is before. */
static uint64_t from_start(uint64_t set, unsigned start)
{
    uint64_t behind = set & ~UINT64_C(0) << start % 64;
    return behind != 0 ? behind : set;
}

unsigned balance_least_connections(const struct balance_server *servers, uint64_t set, unsigned start)
{
    unsigned best = first_of(from_start(set, start));
    FOREACH_OF(i, from_start(set, start))
    best = has_less(&servers[i], &servers[best]) ? i : best;
    FOREACH_OF(i, set)
    best = has_less(&servers[i], &servers[best]) ? i : best;
    return best;
}

/* The `number`th member. */
static unsigned member_of(uint64_t set, unsigned number)
{
    assert(number < (unsigned)__builtin_popcountll(set));
    while (number-- > 0)
        set &= set - 1;
    return first_of(set);
}

/* A server that nobody has measured counts as the average of the others. */
static uint32_t usual_time_us(const struct balance_server *servers, uint64_t set)
{
    uint64_t sum = 0;
    unsigned known = 0;
    FOREACH_OF(i, set)
    {
        sum += servers[i].time_us;
        known += servers[i].time_us > 0;
    }
    return known > 0 ? (uint32_t)MAX(sum / known, (uint64_t)1) : 1;
}

static double likely_time(const struct balance_server *server, uint32_t usual_us)
{
    assert(server->weight > 0);
    double time = server->time_us > 0 ? server->time_us : usual_us;
    return time * (server->in_use + 1.0) / server->weight;
}

unsigned balance_least_time(const struct balance_server *servers, uint64_t set, uint64_t random)
{
    unsigned count = (unsigned)__builtin_popcountll(set);
    unsigned number = (unsigned)(random & UINT32_MAX) % count;
    unsigned one = member_of(set, number);
    if (count == 1)
        return one;
    unsigned other = member_of(set, (number + 1 + (unsigned)(random >> 32) % (count - 1)) % count);
    uint32_t usual_us = usual_time_us(servers, set);
    return likely_time(&servers[other], usual_us) < likely_time(&servers[one], usual_us) ? other : one;
}

/* ---- by hash ---- */

/* Stafford's mix 13 of the finaliser of MurmurHash3. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

#define LOG_BITS 16

/* -log2(value / 2^64), with LOG_BITS binary places: integers give the same everywhere. */
static uint64_t minus_log2(uint64_t value)
{
    unsigned zeros = (unsigned)__builtin_clzll(value | 1);
    uint64_t rest = (value | 1) << zeros >> 32; /* from 1 to 2, in units of 2^-31 */
    uint64_t log = 0;
    for (unsigned i = 0; i < LOG_BITS; i++) {
        rest = rest * rest >> 31;
        bool is_two = rest >> 32 != 0;
        log = log << 1 | is_two;
        rest >>= is_two;
    }
    return (((uint64_t)zeros + 1) << LOG_BITS) - log;
}

/* Whether `one` comes before `other` for that key. With these values each server wins as many keys as its
 * weight says. */
static bool ranks_before(const struct balance_server *one, const struct balance_server *other, uint64_t key)
{
    uint64_t distance = minus_log2(mix(one->hash ^ key)), other_distance = minus_log2(mix(other->hash ^ key));
    return distance * other->weight < other_distance * one->weight;
}

/* Whether it has less than BALANCE_BOUND_PERCENT of its share, rounded up. */
static bool is_within_bound(const struct balance_server *server, uint64_t in_use, uint64_t weight)
{
    return (uint64_t)server->in_use * weight * 100 < (in_use + 1) * server->weight * BALANCE_BOUND_PERCENT;
}

static uint64_t within_bound(const struct balance_server *servers, uint64_t set)
{
    uint64_t in_use = 0, weight = 0, within = 0;
    FOREACH_OF(i, set)
    {
        in_use += servers[i].in_use;
        weight += servers[i].weight;
    }
    FOREACH_OF(i, set)
    within |= is_within_bound(&servers[i], in_use, weight) ? UINT64_C(1) << i : 0;
    return within;
}

/* Somebody is always within its bound: not all can have more than their share. But a server without weight
 * has no share, and may be alone: the one at which a client stays while it is drained. */
unsigned balance_by_hash(const struct balance_server *servers, uint64_t set, uint64_t key)
{
    uint64_t within = within_bound(servers, set);
    set = within ? within : set;
    unsigned best = first_of(set);
    FOREACH_OF(i, set)
    best = i != best && ranks_before(&servers[i], &servers[best], key) ? i : best;
    return best;
}

/* ---- numbers ---- */

uint32_t balance_starting_weight(uint32_t weight, uint64_t age_ms, uint32_t slow_start_ms)
{
    uint64_t whole = (uint64_t)weight * BALANCE_WEIGHT_UNIT;
    if (age_ms >= slow_start_ms)
        return (uint32_t)whole;
    uint64_t least = (whole + START_PARTS - 1) / START_PARTS;
    return (uint32_t)MAX(whole * age_ms / slow_start_ms, least);
}

uint32_t balance_average_us(uint32_t average_us, uint64_t time_us)
{
    uint32_t time = (uint32_t)MIN(MAX(time_us, (uint64_t)1), (uint64_t)UINT32_MAX);
    if (average_us == 0)
        return time;
    return (uint32_t)MAX(((uint64_t)average_us * (AVERAGE_OF - 1) + time) / AVERAGE_OF, (uint64_t)1);
}

uint32_t balance_aged_us(uint32_t average_us, uint64_t age_ms)
{
    uint64_t halvings = age_ms / AGE_MS;
    return halvings >= 32 ? 0 : average_us >> halvings;
}
