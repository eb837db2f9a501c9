/* Which call fails, with what: planned when the run begins, by the how-manieth call of its name.
 *
 * Three kinds of plan: a few faults, each at a call of its own; a call that fails again and again for a
 * while; a bad day, on which anything may fail now and then. */
#include "internal.h"

#include <errno.h>
#include <string.h>

#define ERRORS_MAX  12
#define PLANNED_MAX 6

static const struct {
    const char *name;
    int errors[ERRORS_MAX]; /* up to the first 0 */
} table[CALL_COUNT] = {
#define X(name, ...) [CALL_##name] = {#name, {__VA_ARGS__}},
    CALL_TABLE(X)
#undef X
};

struct planned {
    enum call call;
    uint64_t first; /* the how-manieth call, counted from faults_begin */
    uint64_t count; /* so many calls in a row */
    int error;
};

static bool is_on;
static bool has_plan;
static enum call calls_end; /* those before it may fail */
static struct sim_chance chance;
static struct planned plan[PLANNED_MAX];
static size_t plan_count;
static uint64_t bad_day_one_in; /* 0: none */
static uint64_t numbers[CALL_COUNT];
static uint64_t told;
static uint64_t failed[CALL_COUNT];

static int any_error(enum call call)
{
    size_t count = 0;
    while (count < ERRORS_MAX && table[call].errors[count])
        count++;
    return table[call].errors[sim_below(&chance, count)];
}

static void plan_one(uint64_t count)
{
    enum call call = (enum call)sim_below(&chance, calls_end);
    plan[plan_count++] = (struct planned){
        .call = call,
        .first = sim_size(&chance, 1000),
        .count = count,
        .error = any_error(call),
    };
}

bool sim_has_faults(void)
{
    return has_plan;
}

void faults_start(const struct kernel_options *options)
{
    chance = sim_chance_for("faults", 0);
    is_on = false;
    plan_count = 0;
    bad_day_one_in = 0;
    told = 0;
    memset(failed, 0, sizeof(failed));
    memset(numbers, 0, sizeof(numbers));
    calls_end = options->connects ? CALL_COUNT : CALL_OUTGOING;
    has_plan = options->has_faults && !sim_one_in(&chance, 3);
    if (!has_plan)
        return;
    switch (sim_below(&chance, 4)) {
    case 0: bad_day_one_in = sim_between(&chance, 30, 1000); break;
    case 1: plan_one(sim_size(&chance, 30)); break;
    default:
        for (uint64_t left = sim_between(&chance, 1, PLANNED_MAX); left > 0; left--)
            plan_one(1);
    }
}

uint64_t faults_count(void)
{
    return told;
}

uint64_t faults_of(enum call call)
{
    return failed[call];
}

void faults_begin(void)
{
    is_on = has_plan;
}

void faults_end(void)
{
    is_on = false;
}

static int planned_error(enum call call)
{
    if (bad_day_one_in && sim_one_in(&chance, bad_day_one_in))
        return any_error(call);
    for (size_t i = 0; i < plan_count; i++) {
        if (plan[i].call == call && numbers[call] >= plan[i].first &&
            numbers[call] - plan[i].first < plan[i].count)
            return plan[i].error;
    }
    return 0;
}

/* That the file system, or the cache, cannot say it without waiting. */
static bool is_about_haste(int error)
{
    return error == EAGAIN || error == EOPNOTSUPP;
}

/* Where a connection cannot be accepted for want of something, another one may have to make room. */
static bool hits_anybody(enum call call, int error)
{
    return call == CALL_accept4 &&
           (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM);
}

static void tell_fault(const struct sim_fault *fault)
{
    struct sim_fault told_fault = *fault;
    struct serving whom = serving_now();
    told_fault.is_for_one = whom.is_known;
    told_fault.served = serving_client(&whom);
    enum kernel_side before = kernel_enter(SIDE_WORLD);
    sim_clients_on_fault(&told_fault);
    kernel_enter(before);
}

void shortage_of_descriptors(const char *call, const char *path)
{
    tell_fault(&(struct sim_fault){.call = call, .error = EMFILE, .path = path});
}

void shortage_of_jobs(void)
{
    tell_fault(&(struct sim_fault){.call = table[CALL_offload].name, .error = EAGAIN});
}

int fault_for(enum call call, struct call_target target)
{
    if (!is_on)
        return 0;
    numbers[call]++;
    int error = planned_error(call);
    /* Nothing but a flag can be what is not supported. */
    if (error == 0 || (error == EOPNOTSUPP && !target.is_hasty))
        return 0;
    sim_trace("%s is made to fail: %s", table[call].name, strerrorname_np(error));
    failed[call]++;
    /* One that is always interrupted would be called for ever, and the plan would be to blame. */
    if (error == EINTR || (target.is_hasty && is_about_haste(error)))
        return error;
    struct sim_fault fault = {.call = table[call].name,
                              .error = error,
                              .number = numbers[call],
                              .socket = hits_anybody(call, error) ? NULL : target.socket,
                              .path = target.path};
    told++;
    tell_fault(&fault);
    return error;
}
