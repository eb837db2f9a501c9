/* The scenarios that are loads; those that only hold connections are in lab/run/holding.c.
 *
 * Every one ends the server, whatever happened before; an interruption only cuts short what lies between. */
#include "lab/run/scenario.h"

#include "base/error.h"
#include "lab/run/drive.h"

#include <stdio.h>

/* A load of the small file. */
static struct load_plan plan_of(const struct scenario *scenario, const struct server *server,
                                unsigned connections, unsigned requests_per_s)
{
    const struct lab_settings *settings = scenario->settings;
    struct load_plan plan = {
        .targets = {{.path = SLICE(BACKGROUND_SMALL_PATH), .weight = 1}},
        .target_count = 1,
        .addresses = {server->address},
        .address_count = 1,
        .host = SLICE("lab"),
        .connections = connections,
        .rate = requests_per_s,
        .warm_up_ms = settings->warm_up_ms,
        .duration_ms = settings->duration_ms,
        .timeout_ms = settings->answer_timeout_ms,
        .threads = (unsigned)CPU_COUNT(&scenario->machine->client_cores),
    };
    plan.progress_ms = drive_note_ms(&plan);
    return plan;
}

bool scenario_start_server(const struct scenario *scenario, struct server *server)
{
    char *fault = scenario->result->fault;
    int error = server_start(server, scenario->result->model, scenario->root, scenario->machine, fault);
    if (error)
        snprintf(fault, LAB_TEXT_MAX, "did not start: %s", error_text(error));
    return error == 0;
}

/* Runs the plan; what came out is a point. */
static bool drive_to_point(const struct scenario *scenario, const struct server *server,
                           const struct load_plan *plan, unsigned connections, struct lab_point *ret_point)
{
    struct drive_result measured;
    struct drive drive = {
        .plan = plan, .machine = scenario->machine, .server = server->pid, .watch = scenario->watch};
    bool is_over = drive_run(&drive, &measured);
    if (is_over) {
        *ret_point = (struct lab_point){.connections = connections};
        drive_load_figures(&measured, -1, &ret_point->load);
        drive_usage_figures(&measured, &ret_point->usage);
    }
    drive_result_finish(&measured);
    return is_over;
}

/* --- throughput --- */

bool scenario_throughput(const struct scenario *scenario, unsigned connections, struct lab_point *ret_point)
{
    struct server server;
    if (!scenario_start_server(scenario, &server))
        return false;
    struct load_plan plan = plan_of(scenario, &server, connections, 0);
    plan.threads = MIN(plan.threads, connections);
    plan.timeout_ms = scenario->settings->throughput_timeout_ms;
    bool is_over = drive_to_point(scenario, &server, &plan, connections, ret_point);
    server_stop(&server);
    return is_over;
}

/* --- few among many --- */

/* The busy ones' load, while the background clients stay as they are. */
static bool drive_busy_ones(const struct scenario *scenario, const struct server *server,
                            unsigned connections, struct lab_point *ret_point)
{
    struct load_plan plan = plan_of(scenario, server, scenario->settings->busy_connections, 0);
    plan.threads = 1;
    return drive_to_point(scenario, server, &plan, connections, ret_point);
}

bool scenario_mostly_idle(const struct scenario *scenario, unsigned connections, struct lab_point *ret_point)
{
    struct server server;
    unsigned busy = scenario->settings->busy_connections;
    unsigned idle = connections > busy ? connections - busy : 0;
    if (!scenario_start_server(scenario, &server))
        return false;
    struct background *background = background_create(&server.address, BACKGROUND_IDLE, idle);
    bool is_over =
        background &&
        background_gather(background, idle, scenario->settings->answer_timeout_ms, scenario->watch) &&
        drive_busy_ones(scenario, &server, connections, ret_point);
    server_stop(&server);
    background_destroy(background);
    return is_over;
}

/* --- slow clients --- */

struct slow_clients {
    struct background *clients[2];
};

/* Time for the server to fill their sockets, megabytes each: afterwards they only drip. */
#define SETTLE_MS 200

/* They are all there before the quick ones come: the worst order for who serves one after the other. */
static bool gather_slow(const struct scenario *scenario, const struct server *server,
                        struct slow_clients *slow)
{
    const struct lab_settings *settings = scenario->settings;
    const unsigned counts[] = {settings->slow_drip_clients, settings->slow_read_clients};
    const enum background_kind kinds[] = {BACKGROUND_SLOW_HEAD, BACKGROUND_SLOW_READ};
    for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
        slow->clients[i] = background_create(&server->address, kinds[i], counts[i]);
        if (slow->clients[i] == NULL)
            return false;
        background_grow(slow->clients[i], counts[i], settings->answer_timeout_ms, scenario->watch);
    }
    return watch_wait(scenario->watch, -1, SETTLE_MS);
}

/* The quick clients' load, with or without slow ones. False after an interruption. */
static bool drive_quick_clients(const struct scenario *scenario, bool with_slow,
                                struct lab_load_figures *figures)
{
    struct server server;
    struct slow_clients slow = {0};
    struct drive_result measured = {0};
    const struct lab_settings *settings = scenario->settings;
    if (!scenario_start_server(scenario, &server))
        return false;
    struct load_plan plan =
        plan_of(scenario, &server, settings->slow_fast_connections, settings->slow_requests_per_s);
    bool is_over = !with_slow || gather_slow(scenario, &server, &slow);
    struct drive drive = {
        .plan = &plan,
        .machine = scenario->machine,
        .server = server.pid,
        .watch = scenario->watch,
        .slow = {slow.clients[0], slow.clients[1]},
    };
    is_over = is_over && drive_run(&drive, &measured);
    if (is_over)
        drive_load_figures(&measured, -1, figures);
    drive_result_finish(&measured);
    server_stop(&server);
    background_destroy(slow.clients[0]);
    background_destroy(slow.clients[1]);
    return is_over;
}

bool scenario_slow(const struct scenario *scenario, struct lab_pair *ret_pair)
{
    *ret_pair = (struct lab_pair){0};
    ret_pair->is_measured = drive_quick_clients(scenario, false, &ret_pair->without) &&
                            drive_quick_clients(scenario, true, &ret_pair->with);
    return ret_pair->is_measured;
}

/* --- a handler that blocks --- */

/* `blocked` is NULL where nothing is to block. False after an interruption. */
static bool drive_mixed(const struct scenario *scenario, struct lab_load_figures *quick,
                        struct lab_load_figures *blocked)
{
    struct server server;
    struct drive_result measured;
    const struct lab_settings *settings = scenario->settings;
    if (!scenario_start_server(scenario, &server))
        return false;
    struct load_plan plan =
        plan_of(scenario, &server, settings->blocking_connections, settings->blocking_requests_per_s);
    plan.targets[0] =
        (struct load_target){.path = SLICE(LAB_HELLO_PATH), .weight = settings->blocking_one_in - 1};
    plan.targets[1] = (struct load_target){.path = SLICE(LAB_BLOCK_PATH), .weight = 1};
    plan.target_count = blocked ? 2 : 1;
    struct drive drive = {
        .plan = &plan, .machine = scenario->machine, .server = server.pid, .watch = scenario->watch};
    bool is_over = drive_run(&drive, &measured);
    if (is_over) {
        drive_load_figures(&measured, 0, quick);
        if (blocked)
            drive_load_figures(&measured, 1, blocked);
    }
    drive_result_finish(&measured);
    server_stop(&server);
    return is_over;
}

bool scenario_blocking(const struct scenario *scenario, struct lab_pair *ret_pair)
{
    *ret_pair = (struct lab_pair){0};
    ret_pair->is_measured = drive_mixed(scenario, &ret_pair->without, NULL) &&
                            drive_mixed(scenario, &ret_pair->with, &ret_pair->blocked);
    return ret_pair->is_measured;
}
