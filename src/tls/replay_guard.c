/* A table of sets of 64-bit entries: 48 bits of a ticket's digest and 16 bits of the second when it came. An
 * entry that is too old counts as free, so nothing has to clear the table.
 *
 * Two processes may insert one ticket at the same time, in two places of its set. Each looks at the whole set
 * again after it has inserted, so at least one of them finds the other's entry, and refuses. */
#include "tls/replay_guard.h"

#include "sys/clock.h"

#define TIME_MASK ((uint64_t)0xffff)
#define NOWHERE   TLS_REPLAY_WAYS

static_assert(TLS_REPLAY_SETS <= TIME_MASK + 1, "a set is chosen by bits of the digest that no entry has");

void tls_replay_guard_begin(struct tls_replay_guard *guard, int64_t now)
{
    sys_random(&guard->key, sizeof(guard->key));
    guard->began = now;
    __atomic_store_n(&guard->latest, now, __ATOMIC_SEQ_CST);
}

/* If the clock was set back, a ClientHello that is forgotten here could be recent again by its age. Clocks of
 * processes that read it at the same time may differ by one second. */
static bool clock_went_back(struct tls_replay_guard *guard, int64_t now)
{
    int64_t latest = __atomic_load_n(&guard->latest, __ATOMIC_SEQ_CST);
    while (now > latest && !__atomic_compare_exchange_n(&guard->latest, &latest, now, false, __ATOMIC_SEQ_CST,
                                                        __ATOMIC_SEQ_CST))
        continue;
    return now < latest - 1;
}

/* Never 0, which is a free place. */
static uint64_t entry_of(uint64_t digest, int64_t now)
{
    uint64_t part = digest & ~TIME_MASK;
    return (part ? part : TIME_MASK + 1) | ((uint64_t)now & TIME_MASK);
}

/* The time of an entry may be a second ahead, see clock_went_back. */
static bool is_remembered(uint64_t entry, int64_t now)
{
    uint16_t age = (uint16_t)((uint64_t)now + 1 - entry);
    return entry != 0 && age <= TLS_REPLAY_SECONDS + 1;
}

/* Whether the ticket of `entry` is in the set, except at `own`. */
static bool has_ticket(const uint64_t *set, uint64_t entry, int64_t now, unsigned own)
{
    bool is_there = false;
    for (unsigned i = 0; i < TLS_REPLAY_WAYS; i++) {
        uint64_t other = __atomic_load_n(&set[i], __ATOMIC_SEQ_CST);
        is_there |= i != own && (other ^ entry) <= TIME_MASK && is_remembered(other, now);
    }
    return is_there;
}

/* Returns its place, or NOWHERE if the set is full. */
static unsigned insert_ticket(uint64_t *set, uint64_t entry, int64_t now)
{
    for (unsigned i = 0; i < TLS_REPLAY_WAYS; i++) {
        uint64_t other = __atomic_load_n(&set[i], __ATOMIC_SEQ_CST);
        if (!is_remembered(other, now) &&
            __atomic_compare_exchange_n(&set[i], &other, entry, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return i;
    }
    return NOWHERE;
}

bool tls_replay_guard_admit(struct tls_replay_guard *guard, struct slice ticket, int64_t issued, int64_t now)
{
    uint64_t digest = hash_bytes(&guard->key, ticket);
    uint64_t entry = entry_of(digest, now);
    uint64_t *set = guard->entries[digest % TLS_REPLAY_SETS];
    bool is_known = guard->began != 0 && issued >= guard->began && !clock_went_back(guard, now);
    if (!is_known || has_ticket(set, entry, now, NOWHERE))
        return false;
    unsigned own = insert_ticket(set, entry, now);
    return own != NOWHERE && !has_ticket(set, entry, now, own);
}
