/* What every system call begins with, and the watch over loops that get nowhere.
 *
 * A server that is told that something is ready, does nothing about it, and asks again, spins; one that wakes
 * without anything to do, again and again, does so more slowly. Both are counted in waits between two times
 * that anything got on. */
#include "internal.h"

#include <errno.h>

/* Waits in a row that returned at once, and of any kind, with nothing done in between. Faults cost a few. */
#define IDLE_WAITS_MAX 100
#define IDLE_WAKES_MAX 20000 /* a hundred lingering clients are looked at four hundred times a second */
#define CALLS_MAX      5000000

/* A thread is not on its core all the time: once in so many calls it has to wait for it. */
#define PREEMPTED_ONE_IN 400

static enum kernel_side side;
static struct sim_chance chance;
static uint64_t preempted_one_in;
static uint64_t preempted_us_max;
static uint64_t call_count;
static uint64_t turn_count;
static unsigned idle_waits; /* since the last time that anything got on or slept */
static unsigned idle_wakes; /* since the last time that anything got on */

void calls_start(void)
{
    chance = sim_chance_for("calls", 0);
    side = SIDE_WORLD;
    call_count = turn_count = 0;
    idle_waits = idle_wakes = 0;
    /* Mostly a quiet machine, sometimes a crowded one. */
    preempted_one_in = sim_one_in(&chance, 4) ? 40 : PREEMPTED_ONE_IN;
    preempted_us_max = sim_one_in(&chance, 4) ? 60 * SIM_MS : 3 * SIM_MS;
}

enum kernel_side kernel_enter(enum kernel_side new_side)
{
    enum kernel_side before = side;
    side = new_side;
    return before;
}

enum kernel_side kernel_side(void)
{
    return side;
}

void call_begin(void)
{
    if (side == SIDE_WORLD)
        sim_fail("a system call was made that is the server's alone");
    if (++call_count > CALLS_MAX)
        sim_fail("the server made %d system calls", CALLS_MAX);
    time_spend(sim_one_in(&chance, preempted_one_in) ? sim_below(&chance, preempted_us_max) : 1);
    /* A job of the pool may run meanwhile, as a thread with an errno of its own. */
    int before = errno;
    time_catch_up();
    errno = before;
}

void call_got_on(void)
{
    idle_waits = idle_wakes = 0;
}

void call_had_reason(void)
{
    idle_waits = idle_wakes = 0;
}

void call_slept(void)
{
    idle_waits = 0;
}

void call_woke(void)
{
    if (++idle_waits > IDLE_WAITS_MAX)
        sim_fail("busy loop: %d waits in a row returned at once and nothing was done", IDLE_WAITS_MAX);
    if (++idle_wakes > IDLE_WAKES_MAX)
        sim_fail("the loop woke %d times and nothing was done", IDLE_WAKES_MAX);
}

void call_began_turn(void)
{
    turn_count++;
}

uint64_t calls_made(void)
{
    return call_count;
}

uint64_t calls_turns(void)
{
    return turn_count;
}
