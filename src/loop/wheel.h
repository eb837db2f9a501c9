/* A hierarchical timing wheel: timers armed, moved and disarmed in O(1).
 *
 * Four levels of 64 slots; a slot of level n spans 64^n milliseconds. A timer stands in the lowest level
 * whose span still holds its delay, and moves down a level each time its slot comes up, at most three times
 * in its life. It never fires early; it fires in the first turn at or after its time. Delays past 4.6 hours
 * are cut to that. */
#ifndef LOOP_WHEEL_H
#define LOOP_WHEEL_H

#include "base/list.h"

#include <stdint.h>

#define WHEEL_LEVELS       4
#define WHEEL_SLOT_BITS    6
#define WHEEL_SLOTS        (1u << WHEEL_SLOT_BITS)
#define WHEEL_DELAY_MS_MAX ((UINT64_C(1) << (WHEEL_LEVELS * WHEEL_SLOT_BITS)) - WHEEL_SLOTS)

struct timer {
    struct list link;
    uint64_t expiry_ms;
    void (*fire)(struct timer *timer);
};

struct wheel {
    uint64_t now_ms;
    uint64_t
        occupied[WHEEL_LEVELS]; /* bit s: slot s of the level holds a timer (may be stale, never missing) */
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, uint64_t now_ms);

/* Makes `timer` disarmed and gives it its callback. */
void timer_init(struct timer *timer, void (*fire)(struct timer *timer));

static inline bool timer_is_armed(const struct timer *timer)
{
    return !list_is_empty(&timer->link);
}

/* Arms `timer` to fire once, `delay_ms` after the wheel's current time; 0 means the next wheel_advance, never
 * inside this call. An armed timer is moved. O(1), cannot fail. The timer stays the caller's: disarm it
 * before its memory goes. */
void wheel_arm(struct wheel *wheel, struct timer *timer, uint64_t delay_ms);

/* Disarms; nothing happens where the timer is not armed. */
void timer_disarm(struct timer *timer);

/* Moves the time on and fires everything due, in order of expiry by millisecond. Callbacks may arm and disarm
 * any timer. */
void wheel_advance(struct wheel *wheel, uint64_t now_ms);

/* Milliseconds that may be slept before the next wheel_advance is useful, at most `limit_ms`. May be too
 * short by a level's span (one early wake), never too long. */
uint64_t wheel_sleep_ms(const struct wheel *wheel, uint64_t limit_ms);

/* Asserts every invariant; for tests. */
void wheel_validate(const struct wheel *wheel);

#endif
