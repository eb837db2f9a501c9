/* A run: step by step as planned, what each round says put together, and the files that are served.
 *
 * The files are made for the run, in a folder that goes with it. Signals are blocked here and heard in
 * lab/run/watch.c; children put them back. */
#include "lab/run/run.h"

#include "lab/run/background.h"
#include "lab/run/machine.h"
#include "lab/run/plan.h"
#include "lab/run/rounds.h"
#include "lab/run/scenario.h"
#include "sys/clock.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SMALL_BYTES 1024
#define LARGE_BYTES (16u << 20)
#define ROOT_BYTES  4096

/* What one model showed in one slot of the plan, each round by itself. */
struct samples {
    size_t count;
    union {
        struct lab_point points[LAB_ROUNDS_MAX];
        struct lab_pair pairs[LAB_ROUNDS_MAX];
    };
};

struct run {
    struct lab_result *result;
    struct watch watch;
    struct plan plan;
    struct samples *samples; /* of each model, of each slot */
    struct machine_work began;
    char root[ROOT_BYTES];
};

static void add_models(struct lab_result *result, const struct lab_options *options)
{
    for (size_t i = 0; i < options->model_count; i++) {
        const struct lab_model *model = options->models[i];
        result->models[result->model_count++] = (struct lab_model_result){
            .model = model,
            .unavailable = model->unavailable ? model->unavailable() : NULL,
        };
    }
}

unsigned lab_estimate_seconds(const struct lab_options *options)
{
    struct plan *plan = calloc(1, sizeof(*plan));
    struct lab_result *result = calloc(1, sizeof(*result));
    uint64_t sum_ms = 0;
    if (plan && result) {
        add_models(result, options);
        plan_init(plan, &options->settings, result->models, result->model_count);
        sum_ms = plan_ms(plan, &options->settings, 0);
    }
    free(result);
    free(plan);
    return (unsigned)(sum_ms / 1000);
}

/* --- what the rounds say --- */

/* The place of a point among those that are there, by its connections. */
static struct lab_point *place_point(struct lab_point *points, size_t *count, unsigned connections)
{
    size_t at = 0;
    while (at < *count && points[at].connections < connections)
        at++;
    if (at < *count && points[at].connections == connections)
        return &points[at];
    assert(*count < LAB_POINTS_MAX);
    memmove(&points[at + 1], &points[at], (*count - at) * sizeof(*points));
    (*count)++;
    return &points[at];
}

/* After each round, so that an interrupted run shows what there is. */
static void show_samples(const struct slot *slot, const struct samples *samples,
                         struct lab_model_result *result)
{
    switch (slot->scenario) {
    case LAB_SCENARIO_THROUGHPUT:
        rounds_combine_points(samples->points, samples->count,
                              place_point(result->points, &result->point_count, slot->connections));
        return;
    case LAB_SCENARIO_MOSTLY_IDLE:
        rounds_combine_points(
            samples->points, samples->count,
            place_point(result->mostly_idle, &result->mostly_idle_count, slot->connections));
        return;
    case LAB_SCENARIO_SLOW: rounds_combine_pairs(samples->pairs, samples->count, &result->slow); return;
    case LAB_SCENARIO_BLOCKING:
        rounds_combine_pairs(samples->pairs, samples->count, &result->blocking);
        return;
    case LAB_SCENARIO_IDLE:
    case LAB_SCENARIO_LIMIT:
    case LAB_SCENARIO_EVERY: break;
    }
    UNREACHABLE();
}

/* --- running --- */

static void name_slot(const struct slot *slot, char *text, size_t size)
{
    switch (slot->scenario) {
    case LAB_SCENARIO_THROUGHPUT:
        snprintf(text, size, "%u connection%s", slot->connections, slot->connections == 1 ? "" : "s");
        return;
    case LAB_SCENARIO_IDLE: snprintf(text, size, "idle connections"); return;
    case LAB_SCENARIO_MOSTLY_IDLE: snprintf(text, size, "few among %u", slot->connections); return;
    case LAB_SCENARIO_SLOW: snprintf(text, size, "slow clients"); return;
    case LAB_SCENARIO_BLOCKING: snprintf(text, size, "a handler that blocks"); return;
    case LAB_SCENARIO_LIMIT: snprintf(text, size, "where it breaks"); return;
    case LAB_SCENARIO_EVERY: break;
    }
    UNREACHABLE();
}

/* Returns what others took of the processors meanwhile goes to, or NULL where nothing was measured. */
static double *run_load(const struct scenario *scenario, const struct slot *slot, struct samples *samples)
{
    struct lab_point *point = &samples->points[samples->count];
    struct lab_pair *pair = &samples->pairs[samples->count];
    switch (slot->scenario) {
    case LAB_SCENARIO_THROUGHPUT:
        return scenario_throughput(scenario, slot->connections, point) ? &point->others_share : NULL;
    case LAB_SCENARIO_MOSTLY_IDLE:
        return scenario_mostly_idle(scenario, slot->connections, point) ? &point->others_share : NULL;
    case LAB_SCENARIO_SLOW: return scenario_slow(scenario, pair) ? &pair->others_share : NULL;
    case LAB_SCENARIO_BLOCKING: return scenario_blocking(scenario, pair) ? &pair->others_share : NULL;
    case LAB_SCENARIO_IDLE: scenario_idle(scenario); return NULL;
    case LAB_SCENARIO_LIMIT: scenario_limit(scenario); return NULL;
    case LAB_SCENARIO_EVERY: break;
    }
    UNREACHABLE();
}

static void run_step(struct run *run, const struct step *step)
{
    struct machine_work before, after;
    struct lab_model_result *result = &run->result->models[step->model];
    const struct slot *slot = &run->plan.slots[step->slot];
    struct samples *samples = &run->samples[step->model * run->plan.slot_count + step->slot];
    struct scenario scenario = {
        .machine = &run->result->machine,
        .settings = &run->result->settings,
        .root = run->root,
        .watch = &run->watch,
        .result = result,
    };
    machine_read_work(&run->result->machine, &before);
    double *others_share = run_load(&scenario, slot, samples);
    if (others_share == NULL)
        return;
    machine_read_work(&run->result->machine, &after);
    *others_share = machine_others_share(&run->result->machine, &before, &after);
    samples->count++;
    show_samples(slot, samples, result);
}

static void run_steps(struct run *run)
{
    char name[64];
    const struct plan *plan = &run->plan;
    const struct lab_settings *settings = &run->result->settings;
    for (unsigned i = 0; i < plan->step_count; i++) {
        const struct step *step = &plan->steps[i];
        uint64_t later_ms = plan_ms(plan, settings, i + 1);
        name_slot(&plan->slots[step->slot], name, sizeof(name));
        run->watch.progress = (struct lab_progress){
            .model = run->result->models[step->model].model->name,
            .scenario = name,
            .round = step->round + 1,
            .step = i + 1,
            .step_count = plan->step_count,
        };
        run->watch.later_ms = later_ms;
        run->watch.step_end_ns =
            sys_monotonic_ns() + (plan_ms(plan, settings, i) - later_ms) * UINT64_C(1000000);
        if (!watch_wait(&run->watch, -1, 0))
            return;
        run_step(run, step);
    }
}

/* --- the files that are served --- */

/* Text, as if it were something. */
static int make_file(int folder, const char *name, size_t size)
{
    char block[SMALL_BYTES];
    memset(block, 'v', sizeof(block));
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int error = fd < 0 ? -errno : 0;
    for (size_t written = 0; error == 0 && written < size; written += sizeof(block))
        error = write(fd, block, sizeof(block)) == (ssize_t)sizeof(block) ? 0 : -EIO;
    if (fd >= 0)
        sys_close(fd);
    return error;
}

static int make_root(char root[ROOT_BYTES])
{
    const char *folder_for_all = getenv("TMPDIR");
    bool is_given = folder_for_all && folder_for_all[0] != '\0';
    int length = snprintf(root, ROOT_BYTES, "%s/vif-lab-XXXXXX", is_given ? folder_for_all : "/tmp");
    if (length >= ROOT_BYTES)
        return -ENAMETOOLONG;
    if (mkdtemp(root) == NULL)
        return -errno;
    int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    int error = make_file(folder, BACKGROUND_SMALL_NAME, SMALL_BYTES);
    if (error == 0)
        error = make_file(folder, BACKGROUND_LARGE_NAME, LARGE_BYTES);
    sys_close(folder);
    return error;
}

static void remove_root(const char *root)
{
    int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return;
    unlinkat(folder, BACKGROUND_SMALL_NAME, 0);
    unlinkat(folder, BACKGROUND_LARGE_NAME, 0);
    sys_close(folder);
    rmdir(root);
}

/* --- the whole --- */

static int run_watched(struct run *run)
{
    sigset_t before;
    sigset_t signals = sys_signal_set(SIGINT, SIGTERM, SIGHUP, 0);
    sys_signal_block(&signals, &before);
    run->watch.signal_fd = sys_signal_open(&signals);
    int error = run->watch.signal_fd < 0 ? run->watch.signal_fd : make_root(run->root);
    if (error == 0)
        run_steps(run);
    remove_root(run->root);
    if (run->watch.signal_fd >= 0)
        sys_close(run->watch.signal_fd);
    sys_signal_restore(&before);
    return error;
}

static int run_planned(struct run *run)
{
    struct machine_work ended;
    struct lab_result *result = run->result;
    plan_init(&run->plan, &result->settings, result->models, result->model_count);
    run->samples = calloc(result->model_count * run->plan.slot_count, sizeof(*run->samples));
    if (run->samples == NULL)
        return -ENOMEM;
    machine_read_work(&result->machine, &run->began);
    int error = run_watched(run);
    machine_read_work(&result->machine, &ended);
    result->others_share = machine_others_share(&result->machine, &run->began, &ended);
    free(run->samples);
    return error;
}

int lab_run(const struct lab_options *options, struct lab_result *ret_result)
{
    uint64_t began_ns = sys_monotonic_ns();
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL)
        return -ENOMEM;
    ret_result->settings = options->settings;
    ret_result->started_ns = sys_realtime_ns();
    run->result = ret_result;
    run->watch.on_progress = options->on_progress;
    run->watch.context = options->context;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sys_ignore_broken_pipes();
    machine_pin(&ret_result->machine.client_cores);
    add_models(ret_result, options);
    int error = run_planned(run);
    ret_result->was_interrupted = run->watch.was_interrupted;
    ret_result->duration_s = (double)(sys_monotonic_ns() - began_ns) / 1e9;
    free(run);
    return error;
}
