/* The steps of a run: one for each model, scenario and count of connections, with an estimate of its time.
 *
 * The files that are served are made for the run, in a folder that goes with it. Signals are blocked here and
 * heard in lab/run/watch.c; children put them back. */
#include "lab/run/run.h"

#include "lab/run/crowd.h"
#include "lab/run/machine.h"
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

/* Every model is measured there, so that there is something to compare. */
#define COMPARED_AT 100

/* --- the steps --- */

struct step {
    struct lab_model_result *result;
    enum lab_scenario scenario;
    unsigned connections; /* of the throughput, and of the crowd */
};

/* Each model's scenarios, two of them several times. */
#define STEPS_MAX (LAB_MODELS_MAX * (2 * LAB_POINTS_MAX + 4))

struct run {
    const struct lab_options *options;
    struct lab_result *result;
    struct watch watch;
    struct step steps[STEPS_MAX];
    size_t step_count;
    char root[ROOT_BYTES];
};

/* Milliseconds that a step takes, from what such steps have taken: starting and stopping, opening connections
 * at about 10,000 a second, the load, the look at memory. */
static uint64_t step_ms(const struct lab_settings *settings, const struct step *step)
{
    uint64_t load_ms = 100 + settings->warm_up_ms + settings->duration_ms;
    switch (step->scenario) {
    case LAB_SCENARIO_THROUGHPUT:
    case LAB_SCENARIO_CROWD: return load_ms + step->connections / 5;
    case LAB_SCENARIO_IDLE: return 400 + settings->idle_connections / 5;
    case LAB_SCENARIO_SLOW:
    case LAB_SCENARIO_BLOCKING: return 2 * load_ms + 400;
    case LAB_SCENARIO_LIMIT: return 300 + settings->limit_connections / 5;
    case LAB_SCENARIO_EVERY: break;
    }
    UNREACHABLE();
}

static void add_step(struct run *run, struct lab_model_result *result, enum lab_scenario scenario,
                     unsigned connections)
{
    if (!(run->options->settings.scenarios & scenario))
        return;
    assert(run->step_count < STEPS_MAX);
    run->steps[run->step_count++] =
        (struct step){.result = result, .scenario = scenario, .connections = connections};
}

/* Beyond the connections that a model serves one point shows what the others get; more would show the same.
 */
static void add_points(struct run *run, struct lab_model_result *result)
{
    const struct lab_settings *settings = &run->options->settings;
    unsigned most = result->model->connections_max;
    for (size_t i = 0; i < settings->connection_count; i++) {
        add_step(run, result, LAB_SCENARIO_THROUGHPUT, settings->connections[i]);
        if (most && settings->connections[i] > most && settings->connections[i] >= COMPARED_AT)
            return;
    }
}

/* Only models that hold them all can serve some of them. */
static void add_crowds(struct run *run, struct lab_model_result *result)
{
    const struct lab_settings *settings = &run->options->settings;
    unsigned most = result->model->connections_max;
    for (size_t i = 0; i < settings->crowd_count; i++) {
        if (most == 0 || settings->crowd_connections[i] <= most)
            add_step(run, result, LAB_SCENARIO_CROWD, settings->crowd_connections[i]);
    }
}

static void plan_model(struct run *run, const struct lab_model *model)
{
    struct lab_model_result *result = &run->result->models[run->result->model_count++];
    *result = (struct lab_model_result){.model = model};
    result->unavailable = model->unavailable ? model->unavailable() : NULL;
    if (result->unavailable)
        return;
    add_points(run, result);
    add_step(run, result, LAB_SCENARIO_IDLE, 0);
    add_crowds(run, result);
    add_step(run, result, LAB_SCENARIO_SLOW, 0);
    add_step(run, result, LAB_SCENARIO_BLOCKING, 0);
    add_step(run, result, LAB_SCENARIO_LIMIT, 0);
}

static void plan(struct run *run)
{
    for (size_t i = 0; i < run->options->model_count; i++)
        plan_model(run, run->options->models[i]);
}

static uint64_t rest_ms(const struct run *run, size_t from)
{
    uint64_t sum = 0;
    for (size_t i = from; i < run->step_count; i++)
        sum += step_ms(&run->options->settings, &run->steps[i]);
    return sum;
}

unsigned lab_estimate_seconds(const struct lab_options *options)
{
    struct run *run = calloc(1, sizeof(*run));
    struct lab_result *result = calloc(1, sizeof(*result));
    uint64_t sum_ms = 0;
    if (run && result) {
        *run = (struct run){.options = options, .result = result};
        plan(run);
        sum_ms = rest_ms(run, 0);
    }
    free(result);
    free(run);
    return (unsigned)(sum_ms / 1000);
}

/* --- running --- */

static void name_step(const struct step *step, char *text, size_t size)
{
    switch (step->scenario) {
    case LAB_SCENARIO_THROUGHPUT:
        snprintf(text, size, "%u connection%s", step->connections, step->connections == 1 ? "" : "s");
        return;
    case LAB_SCENARIO_IDLE: snprintf(text, size, "idle connections"); return;
    case LAB_SCENARIO_CROWD: snprintf(text, size, "few among %u", step->connections); return;
    case LAB_SCENARIO_SLOW: snprintf(text, size, "slow clients"); return;
    case LAB_SCENARIO_BLOCKING: snprintf(text, size, "a handler that blocks"); return;
    case LAB_SCENARIO_LIMIT: snprintf(text, size, "where it breaks"); return;
    case LAB_SCENARIO_EVERY: break;
    }
    UNREACHABLE();
}

static void run_scenario(struct run *run, const struct step *step)
{
    struct scenario scenario = {
        .machine = &run->result->machine,
        .settings = &run->result->settings,
        .root = run->root,
        .watch = &run->watch,
        .result = step->result,
    };
    switch (step->scenario) {
    case LAB_SCENARIO_THROUGHPUT: scenario_throughput(&scenario, step->connections); return;
    case LAB_SCENARIO_IDLE: scenario_idle(&scenario); return;
    case LAB_SCENARIO_CROWD: scenario_crowd(&scenario, step->connections); return;
    case LAB_SCENARIO_SLOW: scenario_slow(&scenario); return;
    case LAB_SCENARIO_BLOCKING: scenario_blocking(&scenario); return;
    case LAB_SCENARIO_LIMIT: scenario_limit(&scenario); return;
    case LAB_SCENARIO_EVERY: break;
    }
    UNREACHABLE();
}

static void run_steps(struct run *run)
{
    char name[64];
    for (size_t i = 0; i < run->step_count; i++) {
        const struct step *step = &run->steps[i];
        name_step(step, name, sizeof(name));
        run->watch.progress = (struct lab_progress){
            .model = step->result->model->name,
            .scenario = name,
            .step = (unsigned)i + 1,
            .step_count = (unsigned)run->step_count,
        };
        run->watch.later_ms = rest_ms(run, i + 1);
        run->watch.step_end_ns =
            sys_monotonic_ns() + step_ms(&run->options->settings, step) * UINT64_C(1000000);
        if (!watch_wait(&run->watch, -1, 0))
            return;
        run_scenario(run, step);
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
    int error = make_file(folder, CROWD_SMALL_NAME, SMALL_BYTES);
    if (error == 0)
        error = make_file(folder, CROWD_LARGE_NAME, LARGE_BYTES);
    sys_close(folder);
    return error;
}

static void remove_root(const char *root)
{
    int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return;
    unlinkat(folder, CROWD_SMALL_NAME, 0);
    unlinkat(folder, CROWD_LARGE_NAME, 0);
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

int lab_run(const struct lab_options *options, struct lab_result *ret_result)
{
    uint64_t began_ns = sys_monotonic_ns();
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL)
        return -ENOMEM;
    ret_result->settings = options->settings;
    ret_result->started_ns = sys_realtime_ns();
    *run = (struct run){
        .options = options,
        .result = ret_result,
        .watch = {.on_progress = options->on_progress, .context = options->context},
    };
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sys_ignore_broken_pipes();
    machine_pin(&ret_result->machine.client_cores);
    plan(run);
    int error = run_watched(run);
    ret_result->was_interrupted = run->watch.was_interrupted;
    ret_result->duration_s = (double)(sys_monotonic_ns() - began_ns) / 1e9;
    free(run);
    return error;
}
