/* The timing wheel. Begin reading at wheel_arm: a timer's level follows from its delay, its slot within
 * the level from its expiry; everything else maintains that as time advances.
 *
 * Whenever the lower bits of the time wrap, the current slot of the level above is emptied and its timers
 * are placed anew (cascade). */
#include "loop/wheel.h"

#define SLOT_MASK (WHEEL_SLOTS - 1)

static unsigned level_shift(unsigned level)
{
    return level * WHEEL_SLOT_BITS;
}

static unsigned slot_of(uint64_t time_ms, unsigned level)
{
    return (unsigned)(time_ms >> level_shift(level)) & SLOT_MASK;
}

/* The lowest level whose slots distinguish `expiry_ms` from now: determined by the highest differing bit. */
static unsigned level_of(uint64_t now_ms, uint64_t expiry_ms)
{
    uint64_t difference = now_ms ^ expiry_ms;
    if (difference < WHEEL_SLOTS)
        return 0;
    unsigned level = (63u - (unsigned)__builtin_clzll(difference)) / WHEEL_SLOT_BITS;
    return MIN(level, WHEEL_LEVELS - 1u);
}

void wheel_init(struct wheel *wheel, uint64_t now_ms)
{
    *wheel = (struct wheel){.now_ms = now_ms};
    list_init(&wheel->due);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&wheel->slots[level][slot]);
    }
}

void timer_init(struct timer *timer, void (*fire)(struct timer *timer))
{
    assert(fire != NULL);
    *timer = (struct timer){.fire = fire};
    list_init(&timer->link);
}

static void wheel_place(struct wheel *wheel, struct timer *timer)
{
    assert(timer->expiry_ms >= wheel->now_ms);
    unsigned level = level_of(wheel->now_ms, timer->expiry_ms);
    unsigned slot = slot_of(timer->expiry_ms, level);
    wheel->occupied[level] |= UINT64_C(1) << slot;
    list_append(&wheel->slots[level][slot], &timer->link);
}

void wheel_arm(struct wheel *wheel, struct timer *timer, uint64_t delay_ms)
{
    assert(timer->fire != NULL);
    list_remove(&timer->link);
    /* The current millisecond is over: the next one is the earliest that can still fire. */
    timer->expiry_ms = wheel->now_ms + MIN(MAX(delay_ms, UINT64_C(1)), WHEEL_DELAY_MS_MAX);
    wheel_place(wheel, timer);
}

void timer_disarm(struct timer *timer)
{
    list_remove(&timer->link);
}

/* Time has reached a slot of `level`: moves its timers to lower levels. */
static void cascade(struct wheel *wheel, unsigned level)
{
    assert(level > 0 && level < WHEEL_LEVELS);
    unsigned slot = slot_of(wheel->now_ms, level);
    struct list moving;
    list_init(&moving);
    list_splice(&moving, &wheel->slots[level][slot]);
    wheel->occupied[level] &= ~(UINT64_C(1) << slot);
    LIST_FOREACH_SAFE(link, &moving) {
        list_remove(link);
        wheel_place(wheel, CONTAINER_OF(link, struct timer, link));
    }
}

static void collect_slot(struct wheel *wheel, unsigned slot)
{
    list_splice(&wheel->due, &wheel->slots[0][slot]);
    wheel->occupied[0] &= ~(UINT64_C(1) << slot);
}

/* How far time may advance without passing an occupied slot of level 0 or a non-empty cascade: at least 1. */
static uint64_t distance_to_next(const struct wheel *wheel)
{
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        unsigned current = slot_of(wheel->now_ms, level);
        uint64_t ahead = current == SLOT_MASK ? 0 : wheel->occupied[level] >> (current + 1);
        uint64_t span = UINT64_C(1) << level_shift(level);
        uint64_t into = wheel->now_ms & (span - 1);
        if (ahead)
            return (uint64_t)(__builtin_ctzll(ahead) + 1) * span - into;
        /* In the top level, timers in slots up to the current one are due after the level wraps. */
        if (level == WHEEL_LEVELS - 1 && wheel->occupied[level])
            return (uint64_t)(WHEEL_SLOTS - current) * span - into;
    }
    return UINT64_MAX;
}

void wheel_advance(struct wheel *wheel, uint64_t now_ms)
{
    while (wheel->now_ms < now_ms) {
        uint64_t distance = distance_to_next(wheel);
        if (distance > now_ms - wheel->now_ms) {
            wheel->now_ms = now_ms;
            return;
        }
        wheel->now_ms += distance;
        for (unsigned level = WHEEL_LEVELS - 1; level > 0; level--) {
            if ((wheel->now_ms & ((UINT64_C(1) << level_shift(level)) - 1)) == 0)
                cascade(wheel, level);
        }
        collect_slot(wheel, slot_of(wheel->now_ms, 0));
    }
}

void wheel_fire(struct wheel *wheel)
{
    /* Timers armed by callbacks are due later than now_ms and are never added to this list: the loop ends. */
    while (!list_is_empty(&wheel->due)) {
        struct timer *timer = CONTAINER_OF(wheel->due.next, struct timer, link);
        list_remove(&timer->link);
        assert(timer->expiry_ms <= wheel->now_ms);
        timer->fire(timer);
    }
}

uint64_t wheel_sleep_ms(const struct wheel *wheel, uint64_t limit_ms)
{
    return list_is_empty(&wheel->due) ? MIN(distance_to_next(wheel), limit_ms) : 0;
}

void wheel_validate(const struct wheel *wheel)
{
    LIST_FOREACH(link, &wheel->due)
        assert(CONTAINER_OF(link, struct timer, link)->expiry_ms <= wheel->now_ms);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++) {
            LIST_FOREACH(link, &wheel->slots[level][slot]) {
                const struct timer *timer = CONTAINER_OF(link, struct timer, link);
                assert(wheel->occupied[level] & UINT64_C(1) << slot);
                assert(timer->expiry_ms > wheel->now_ms);
                assert(slot_of(timer->expiry_ms, level) == slot);
                assert(level_of(wheel->now_ms, timer->expiry_ms) <= level);
            }
        }
    }
}
