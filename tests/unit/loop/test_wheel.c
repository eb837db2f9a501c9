/* The timing wheel: slots at every boundary, and long random histories against a plain table of expiries as
 * oracle. */
#include "../test.h"

#include "base/compiler.h"
#include "loop/wheel.h"

#include <stdlib.h>

#define TIMER_COUNT 400

/* A timer and what the oracle knows of it. */
struct probe {
    struct timer timer;
    struct world *world;
    uint64_t expiry_ms; /* 0: not armed */
    unsigned fired;
    void (*then)(struct probe *probe);
};

struct world {
    struct wheel wheel;
    uint64_t clock_ms;    /* what the last wheel_advance was given */
    uint64_t previous_ms; /* and the one before it */
    uint64_t last_fired_ms;
    uint64_t random;
    struct probe probes[TIMER_COUNT];
};

/* xorshift64*: the same sequence on every machine. */
static uint64_t next_random(struct world *world)
{
    world->random ^= world->random >> 12;
    world->random ^= world->random << 25;
    world->random ^= world->random >> 27;
    return world->random * UINT64_C(2685821657736338717);
}

static void on_fire(struct timer *timer)
{
    struct probe *probe = CONTAINER_OF(timer, struct probe, timer);
    struct world *world = probe->world;
    assert_int_not_equal(probe->expiry_ms, 0);
    assert_true(probe->expiry_ms <= world->clock_ms);      /* never early */
    assert_true(probe->expiry_ms > world->previous_ms);    /* never later than this advance */
    assert_true(probe->expiry_ms >= world->last_fired_ms); /* in order */
    assert_false(timer_is_armed(timer));
    world->last_fired_ms = probe->expiry_ms;
    probe->expiry_ms = 0;
    probe->fired++;
    if (probe->then)
        probe->then(probe);
}

static struct world *world_create(uint64_t now_ms, uint64_t seed)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    wheel_init(&world->wheel, now_ms);
    world->clock_ms = now_ms;
    world->random = seed;
    for (size_t i = 0; i < TIMER_COUNT; i++) {
        world->probes[i].world = world;
        timer_init(&world->probes[i].timer, on_fire);
    }
    return world;
}

static void arm(struct probe *probe, uint64_t delay_ms)
{
    struct world *world = probe->world;
    wheel_arm(&world->wheel, &probe->timer, delay_ms);
    probe->expiry_ms = world->clock_ms + MIN(MAX(delay_ms, UINT64_C(1)), WHEEL_DELAY_MS_MAX);
}

static void disarm(struct probe *probe)
{
    timer_disarm(&probe->timer);
    probe->expiry_ms = 0;
}

static void advance(struct world *world, uint64_t step_ms)
{
    world->previous_ms = world->clock_ms;
    world->clock_ms += step_ms;
    world->last_fired_ms = 0;
    wheel_advance(&world->wheel, world->clock_ms);
    wheel_fire(&world->wheel);
}

/* What the oracle says: nothing that is due stands armed. */
static void check_all(struct world *world)
{
    uint64_t next_ms = UINT64_MAX;
    for (size_t i = 0; i < TIMER_COUNT; i++) {
        const struct probe *probe = &world->probes[i];
        assert_int_equal(timer_is_armed(&probe->timer), probe->expiry_ms != 0);
        if (probe->expiry_ms == 0)
            continue;
        assert_true(probe->expiry_ms > world->clock_ms);
        next_ms = MIN(next_ms, probe->expiry_ms);
    }
    uint64_t sleep_ms = wheel_sleep_ms(&world->wheel, UINT64_MAX);
    assert_true(sleep_ms >= 1);
    if (next_ms != UINT64_MAX)
        assert_true(world->clock_ms + sleep_ms <= next_ms); /* never too long */
    wheel_validate(&world->wheel);
}

/* Where slots and levels end, and around it. */
static const uint64_t boundaries[] = {
    0,
    1,
    2,
    62,
    63,
    64,
    65,
    127,
    128,
    129,
    4031,
    4032,
    4033,
    4095,
    4096,
    4097,
    8191,
    8192,
    8193,
    4096 * 63,
    262143,
    262144,
    262145,
    262144 * 2 - 1,
    262144 * 2,
    262144 * 63,
    16777215,
    16777216,
    16777217,
    16777216 * 2 - 1,
    16777216 * 2,
    16777216 + 262144,
    16777216 * 3 - 63,
    UINT64_C(1) << 32,
    (UINT64_C(1) << 40) - 1,
};

/* Every delay at a boundary, from every boundary, fires in exactly its millisecond: once with time that jumps
 * from wake to wake as the loop's does, once in one jump to the millisecond before. */
static void fires_in_its_millisecond_at_every_boundary(void **state)
{
    (void)state;
    struct world *world = world_create(0, 1);
    struct probe *probe = &world->probes[0];
    TABLE_ROWS(i, boundaries, "") {
        TABLE_ROWS(j, boundaries, "") {
            uint64_t delay_ms = MIN(MAX(boundaries[j], UINT64_C(1)), WHEEL_DELAY_MS_MAX);
            wheel_init(&world->wheel, boundaries[i]);
            world->clock_ms = boundaries[i];
            probe->fired = 0;
            arm(probe, boundaries[j]);
            advance(world, delay_ms - 1);
            assert_int_equal(probe->fired, 0);
            check_all(world);
            advance(world, 1);
            assert_int_equal(probe->fired, 1);

            arm(probe, boundaries[j]);
            while (probe->fired == 1) {
                uint64_t sleep_ms = wheel_sleep_ms(&world->wheel, 60000);
                assert_true(sleep_ms >= 1 && sleep_ms <= 60000);
                advance(world, sleep_ms);
                check_all(world);
            }
        }
    }
    free(world);
}

/* Timers in every slot of every level at once, from every phase of the lower levels, then one jump over all.
 */
static void fires_everything_in_one_jump(void **state)
{
    (void)state;
    struct world *world = world_create(0, 1);
    TABLE_ROWS(i, boundaries, "") {
        for (uint64_t phase = 0; phase < 64; phase += 7) {
            wheel_init(&world->wheel, boundaries[i] + phase);
            world->clock_ms = boundaries[i] + phase;
            size_t used = 0;
            for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
                for (uint64_t slot = 1; slot <= 64; slot++)
                    arm(&world->probes[used++], slot << (level * WHEEL_SLOT_BITS));
            }
            check_all(world);
            advance(world, WHEEL_DELAY_MS_MAX + phase * 1000);
            for (size_t k = 0; k < used; k++)
                assert_int_equal(world->probes[k].expiry_ms, 0);
            check_all(world);
        }
    }
    free(world);
}

/* A timer behind the current slot of the top level comes after that level's wrap, neither at once nor a whole
 * revolution late; its neighbours ahead come first. */
static void keeps_timers_behind_the_top_slot(void **state)
{
    (void)state;
    const uint64_t span = UINT64_C(1) << (3 * WHEEL_SLOT_BITS);
    for (uint64_t current = 0; current < 64; current++) {
        for (uint64_t into = 0; into < span; into += span / 4 - 1) {
            struct world *world = world_create(current * span + into, 1);
            arm(&world->probes[0], WHEEL_DELAY_MS_MAX);
            arm(&world->probes[1], WHEEL_DELAY_MS_MAX - span);
            arm(&world->probes[2], WHEEL_DELAY_MS_MAX / 2);
            arm(&world->probes[3], span);
            while (timer_is_armed(&world->probes[0].timer)) {
                advance(world, wheel_sleep_ms(&world->wheel, UINT64_MAX));
                check_all(world);
            }
            for (size_t i = 0; i < 4; i++)
                assert_int_equal(world->probes[i].fired, 1);
            free(world);
        }
    }
}

static uint64_t random_delay(struct world *world)
{
    uint64_t random = next_random(world);
    switch (random >> 61) {
    case 0: return boundaries[random % ARRAY_LENGTH(boundaries)];
    case 1: return random % 3;
    case 2: return random % 100;
    case 3: return random % 5000;
    case 4: return random % 300000;
    case 5: return random % (WHEEL_DELAY_MS_MAX + 2);
    case 6: return WHEEL_DELAY_MS_MAX - random % 100;
    default: return UINT64_MAX - random % 2; /* cut to the most */
    }
}

static uint64_t random_step(struct world *world)
{
    uint64_t random = next_random(world);
    uint64_t chance = random >> 32 & 1023;
    if (chance < 3)
        return boundaries[random % ARRAY_LENGTH(boundaries)] & 0xffffffff;
    if (chance < 10)
        return random % 3000000;
    if (chance < 60)
        return random % 70000;
    if (chance < 300)
        return wheel_sleep_ms(&world->wheel, 60000);
    return chance < 700 ? random % 3 : random % 200;
}

/* What callbacks do: move others, disarm others (due in this very advance, perhaps), arm themselves again. */
static void meddle(struct probe *probe)
{
    struct world *world = probe->world;
    struct probe *other = &world->probes[next_random(world) % TIMER_COUNT];
    switch (next_random(world) % 8) {
    case 0: arm(probe, 0); break;
    case 1: arm(probe, random_delay(world)); break;
    case 2: arm(other, random_delay(world)); break;
    case 3: disarm(other); break;
    case 4: wheel_validate(&world->wheel); break;
    default: break;
    }
}

static void agrees_with_the_oracle(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct world *world = world_create(seed * UINT64_C(0x123456789), seed);
        for (size_t i = 0; i < TIMER_COUNT; i++)
            world->probes[i].then = meddle;
        for (unsigned step = 0; step < 400000; step++) {
            struct probe *probe = &world->probes[next_random(world) % TIMER_COUNT];
            switch (next_random(world) % 8) {
            case 0:
            case 1:
            case 2:
            case 3: arm(probe, random_delay(world)); break;
            case 4: disarm(probe); break;
            default: advance(world, random_step(world)); break;
            }
            if (step % 61 == 0)
                check_all(world);
        }
        check_all(world);
        free(world);
    }
}

static void rearm_at_once(struct probe *probe)
{
    arm(probe, 0);
}

/* A timer that always arms itself anew fires once an advance, however late that comes: after a long stall it
 * must not fire for each millisecond that was missed. */
static void a_timer_armed_while_firing_waits_for_the_next_advance(void **state)
{
    (void)state;
    struct world *world = world_create(5, 1);
    world->probes[0].then = rearm_at_once;
    arm(&world->probes[0], 0);
    for (unsigned turn = 1; turn <= 10; turn++) {
        advance(world, 1000);
        assert_int_equal(world->probes[0].fired, turn);
    }
    free(world);
}

static void arm_for_ten(struct probe *probe)
{
    arm(&probe[1], 10);
}

/* The delay counts from the time that the loop shows, not from when the firing timer should have fired. */
static void a_late_callback_arms_for_its_whole_delay(void **state)
{
    (void)state;
    struct world *world = world_create(100, 1);
    world->probes[0].then = arm_for_ten;
    arm(&world->probes[0], 5);
    advance(world, 5000);
    assert_int_equal(world->probes[0].fired, 1);
    assert_int_equal(world->probes[1].fired, 0);
    advance(world, 9);
    assert_int_equal(world->probes[1].fired, 0);
    advance(world, 1);
    assert_int_equal(world->probes[1].fired, 1);
    free(world);
}

/* Between wheel_advance and wheel_fire a due timer can still be saved: by arming or by disarming it. */
static void what_is_due_may_be_moved_before_it_fires(void **state)
{
    (void)state;
    struct world *world = world_create(0, 1);
    struct probe *probes = world->probes;
    for (size_t i = 0; i < 3; i++)
        arm(&probes[i], 10 + i);
    world->clock_ms = 20;
    wheel_advance(&world->wheel, 20);
    wheel_validate(&world->wheel);
    assert_int_equal(wheel_sleep_ms(&world->wheel, 1000), 0);
    assert_true(timer_is_armed(&probes[0].timer));
    arm(&probes[0], 30);
    disarm(&probes[1]);
    wheel_fire(&world->wheel);
    assert_int_equal(probes[0].fired, 0);
    assert_int_equal(probes[1].fired, 0);
    assert_int_equal(probes[2].fired, 1);
    advance(world, 30);
    assert_int_equal(probes[0].fired, 1);
    free(world);
}

static void time_that_stands_or_runs_back_fires_nothing(void **state)
{
    (void)state;
    struct world *world = world_create(1000, 1);
    arm(&world->probes[0], 0);
    wheel_advance(&world->wheel, 1000);
    wheel_advance(&world->wheel, 10);
    wheel_fire(&world->wheel);
    assert_int_equal(world->probes[0].fired, 0);
    advance(world, 1);
    assert_int_equal(world->probes[0].fired, 1);
    free(world);
}

static void an_empty_wheel_sleeps_to_the_limit(void **state)
{
    (void)state;
    struct world *world = world_create(77, 1);
    assert_int_equal(wheel_sleep_ms(&world->wheel, 60000), 60000);
    arm(&world->probes[0], 3);
    assert_int_equal(wheel_sleep_ms(&world->wheel, 60000), 3);
    disarm(&world->probes[0]); /* the slot's bit is stale now: one early wake, then none */
    advance(world, 3);
    assert_int_equal(wheel_sleep_ms(&world->wheel, 60000), 60000);
    disarm(&world->probes[0]);
    free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_in_its_millisecond_at_every_boundary),
        cmocka_unit_test(fires_everything_in_one_jump),
        cmocka_unit_test(keeps_timers_behind_the_top_slot),
        cmocka_unit_test(agrees_with_the_oracle),
        cmocka_unit_test(a_timer_armed_while_firing_waits_for_the_next_advance),
        cmocka_unit_test(a_late_callback_arms_for_its_whole_delay),
        cmocka_unit_test(what_is_due_may_be_moved_before_it_fires),
        cmocka_unit_test(time_that_stands_or_runs_back_fires_nothing),
        cmocka_unit_test(an_empty_wheel_sleeps_to_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
