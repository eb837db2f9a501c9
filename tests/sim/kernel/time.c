/* The clock, and a binary heap of what will happen. */
#include "internal.h"

#include <errno.h>

/* More than this at once is a run that went astray. */
#define EVENTS_MAX 100000

static uint64_t now_us;
static int64_t wall_began_ns;
static uint64_t armed_count;
static struct sim_event **heap; /* from 1 */
static size_t heap_count;
static size_t heap_capacity;

void time_start(void)
{
    struct sim_chance chance = sim_chance_for("clock", 0);
    now_us = 0;
    armed_count = 0;
    heap_count = 0;
    /* Any time of the year 2026, to the nanosecond. */
    wall_began_ns = (INT64_C(1767225600) + (int64_t)sim_below(&chance, 31536000)) * 1000000000 +
                    (int64_t)sim_below(&chance, 1000000000);
}

void time_finish(void)
{
    for (size_t i = 1; i <= heap_count; i++)
        heap[i]->place = 0;
    kernel_free(heap);
    heap = NULL;
    heap_count = heap_capacity = 0;
}

uint64_t sim_now_us(void)
{
    return now_us;
}

int64_t sim_wall_ns(void)
{
    return wall_began_ns + (int64_t)now_us * 1000;
}

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void put(size_t place, struct sim_event *event)
{
    heap[place] = event;
    event->place = place;
}

static void sift_up(size_t place, struct sim_event *event)
{
    for (; place > 1 && is_before(event, heap[place / 2]); place /= 2)
        put(place, heap[place / 2]);
    put(place, event);
}

static void sift_down(size_t place, struct sim_event *event)
{
    for (size_t child; (child = place * 2) <= heap_count; place = child) {
        if (child < heap_count && is_before(heap[child + 1], heap[child]))
            child++;
        if (!is_before(heap[child], event))
            break;
        put(place, heap[child]);
    }
    put(place, event);
}

void sim_cancel(struct sim_event *event)
{
    size_t place = event->place;
    if (place == 0)
        return;
    event->place = 0;
    struct sim_event *last = heap[heap_count--];
    if (last == event)
        return;
    if (place > 1 && is_before(last, heap[place / 2]))
        sift_up(place, last);
    else
        sift_down(place, last);
}

void sim_at(struct sim_event *event, uint64_t at_us, void (*fire)(struct sim_event *event))
{
    sim_cancel(event);
    if (heap_count + 1 >= heap_capacity) {
        if (heap_count > EVENTS_MAX)
            sim_fail("there are more than %d events", EVENTS_MAX);
        heap_capacity = heap_capacity ? heap_capacity * 2 : 64;
        heap = kernel_realloc(heap, heap_capacity * sizeof(struct sim_event *));
    }
    event->fire = fire;
    event->at_us = MAX(at_us, now_us);
    event->order = armed_count++;
    sift_up(++heap_count, event);
}

void sim_after(struct sim_event *event, uint64_t delay_us, void (*fire)(struct sim_event *event))
{
    sim_at(event, now_us + delay_us, fire);
}

/* Others have an errno of their own. */
static void fire_first(void)
{
    struct sim_event *event = heap[1];
    int error = errno;
    now_us = MAX(now_us, event->at_us);
    sim_cancel(event);
    enum kernel_side before = kernel_enter(SIDE_WORLD);
    event->fire(event);
    kernel_enter(before);
    errno = error;
}

void time_spend(uint64_t us)
{
    now_us += us;
}

void time_catch_up(void)
{
    while (heap_count > 0 && heap[1]->at_us <= now_us)
        fire_first();
}

bool time_wait(uint64_t limit_us)
{
    if (heap_count > 0 && heap[1]->at_us <= limit_us) {
        fire_first();
        return true;
    }
    now_us = MAX(now_us, limit_us);
    return false;
}

uint64_t time_next(void)
{
    return heap_count > 0 ? heap[1]->at_us : UINT64_MAX;
}
