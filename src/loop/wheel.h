/* A hierarchical timing wheel: timers armed, moved and disarmed in O(1).
 *
 * Four levels of 64 slots; a slot of level n spans 64^n milliseconds. A timer stands in the lowest level
 * whose span still holds its delay, and moves down a level each time its slot comes up, at most three times
 * in its life. It never fires early; it fires in the first turn at or after its time. Delays past 4.6 hours
 * are cut to that.
 *
 * Time moves in two steps: wheel_advance finds what is due, wheel_fire calls back. What happens in between
 * may still move or disarm a timer that is due, so bytes that arrived while the loop was late win over the
 * time-out that its lateness let pass. */
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
    struct list due; /* found by wheel_advance, to be fired */
};

void wheel_init(struct wheel *wheel, uint64_t now_ms);

/* Makes `timer` disarmed and gives it its callback. */
void timer_init(struct timer *timer, void (*fire)(struct timer *timer));

static inline bool timer_is_armed(const struct timer *timer)
{
    return !list_is_empty(&timer->link);
}

/* Arms `timer` to fire once, `delay_ms` after the time of the last wheel_advance, in callbacks too; 0 counts
 * as 1: it fires after the next wheel_advance that moves the time. An armed timer is moved. O(1), cannot
 * fail. The timer stays the caller's: disarm it before its memory goes. */
void wheel_arm(struct wheel *wheel, struct timer *timer, uint64_t delay_ms);

/* Disarms; nothing happens where the timer is not armed. */
void timer_disarm(struct timer *timer);

/* Moves the time on and puts aside what is due; calls nothing back. A time that is not later changes nothing.
 */
void wheel_advance(struct wheel *wheel, uint64_t now_ms);

/* Fires everything that is due, in order of expiry by millisecond. Callbacks may arm and disarm any timer. */
void wheel_fire(struct wheel *wheel);

/* Milliseconds that may be slept before the next wheel_advance is useful, at most `limit_ms`. May be too
 * short by a level's span (one early wake), never too long. */
uint64_t wheel_sleep_ms(const struct wheel *wheel, uint64_t limit_ms);

/* Asserts every invariant; for tests. */
void wheel_validate(const struct wheel *wheel);

#endif
