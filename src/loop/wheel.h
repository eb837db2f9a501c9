/* A hierarchical timing wheel: timers armed, moved and disarmed in O(1).
 *
 * There are four levels of 64 slots; a slot of level n spans 64^n milliseconds. A timer is kept in the lowest
 * level whose range covers its delay, and moves down a level each time its slot is reached, at most three
 * times. It never fires early; it fires in the first turn at or after its time. Delays above 4.6 hours are
 * cut to that.
 *
 * Time advances in two steps: wheel_advance collects the timers that are due, wheel_fire calls them. Between
 * the two, a timer that is due may still be moved or disarmed: if bytes arrived while the loop was late, they
 * are handled first and prevent the timeout. */
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
    struct list due; /* expired according to wheel_advance, to be fired */
};

void wheel_init(struct wheel *wheel, uint64_t now_ms);

/* Initialises `timer` as disarmed, with its callback. */
void timer_init(struct timer *timer, void (*fire)(struct timer *timer));

static inline bool timer_is_armed(const struct timer *timer)
{
    return !list_is_empty(&timer->link);
}

/* Arms `timer` to fire once, `delay_ms` after the time of the last wheel_advance, also in callbacks. 0
 * counts as 1: it fires after the next wheel_advance that moves the time forward. An armed timer is moved.
 * O(1), cannot fail. The timer belongs to the caller: disarm it before its memory is freed. */
void wheel_arm(struct wheel *wheel, struct timer *timer, uint64_t delay_ms);

/* Disarms; does nothing if the timer is not armed. */
void timer_disarm(struct timer *timer);

/* Moves the time forward and collects the timers that are due; calls nothing back. Does nothing if
 * `now_ms` is not later. */
void wheel_advance(struct wheel *wheel, uint64_t now_ms);

/* Fires all timers that are due, in order of expiry by millisecond. Callbacks may arm and disarm any
 * timer. */
void wheel_fire(struct wheel *wheel);

/* How many milliseconds to sleep until the next wheel_advance is useful, at most `limit_ms`. May be too
 * short by a level's span (one early wake-up), never too long. */
uint64_t wheel_sleep_ms(const struct wheel *wheel, uint64_t limit_ms);

/* Asserts every invariant; for tests. */
void wheel_validate(const struct wheel *wheel);

#endif
