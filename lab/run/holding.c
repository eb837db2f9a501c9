/* The scenarios that open connections and ask little of them: what one weighs, and how many there can be. */
#include "base/error.h"
#include "lab/run/background.h"
#include "lab/run/scenario.h"
#include "lab/run/tree.h"

#include <stdio.h>
#include <sys/wait.h>

/* One client that comes, is answered and goes: then the server is there, and has what it will always need. */
static void visit(const struct scenario *scenario, const struct server *server)
{
    struct background *background = background_create(&server->address, BACKGROUND_IDLE, 1);
    if (background)
        background_grow(background, 1, 5000, scenario->watch);
    background_destroy(background);
}

/* --- idle --- */

static double share(uint64_t before, uint64_t after, unsigned count)
{
    return after > before ? (double)(after - before) / count : 0;
}

/* The model without connections, with some, and with all of them. */
struct idle_look {
    struct tree_memory alone;
    struct tree_memory some;
    struct tree_memory all;
};

/* What came with the connections from `some` to all. */
static void divide(const struct idle_look *look, unsigned some, unsigned wanted,
                   struct lab_idle_figures *idle)
{
    const struct tree_memory *before = &look->some;
    const struct tree_memory *after = &look->all;
    unsigned count = wanted - some;
    *idle = (struct lab_idle_figures){
        .connections = wanted,
        .memory_bytes_per_connection = share(before->memory_bytes, after->memory_bytes, count),
        .page_table_bytes_per_connection = share(before->page_table_bytes, after->page_table_bytes, count),
        .threads_per_connection = share(before->threads, after->threads, count),
        .processes_per_connection = share(before->processes, after->processes, count),
        .descriptors_per_connection = share(before->descriptors, after->descriptors, count),
        .memory_bytes_before = (double)look->alone.memory_bytes,
    };
    /* Others on the machine start threads too: without own ones this would be theirs. */
    if (after->threads > before->threads)
        idle->kernel_stack_bytes_per_connection =
            share(before->kernel_stack_bytes, after->kernel_stack_bytes, count);
}

/* Gathers `wanted` clients, lets the server settle, and reads. False where not all were answered. */
static bool look_at(const struct scenario *scenario, const struct server *server,
                    struct background *background, unsigned wanted, struct tree_memory *ret_memory)
{
    if (!background_gather(background, wanted, scenario->settings->answer_timeout_ms, scenario->watch) ||
        !watch_wait(scenario->watch, -1, 100))
        return false;
    tree_read_memory(server->pid, ret_memory);
    return true;
}

/* The first tenth fills what the model had allocated in advance, and does not count. */
void scenario_idle(const struct scenario *scenario)
{
    struct server server;
    struct idle_look look;
    unsigned wanted = scenario->settings->idle_connections;
    unsigned some = wanted / 10;
    if (!scenario_start_server(scenario, &server))
        return;
    visit(scenario, &server);
    struct background *background = background_create(&server.address, BACKGROUND_IDLE, wanted);
    if (background && look_at(scenario, &server, background, 0, &look.alone) &&
        look_at(scenario, &server, background, some, &look.some) &&
        look_at(scenario, &server, background, wanted, &look.all))
        divide(&look, some, wanted, &scenario->result->idle);
    server_stop(&server); /* first: it need not close each connection by itself */
    background_destroy(background);
}

/* --- limit --- */

static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

static void tell(const struct scenario *scenario, const struct server *server,
                 const struct background_outcome *outcome, unsigned tried)
{
    struct lab_limit_figures *limit = &scenario->result->limit;
    if (has_ended(server->pid))
        snprintf(limit->how, LAB_TEXT_MAX, "the server ended");
    else if (outcome->local_error)
        snprintf(limit->how, LAB_TEXT_MAX, "no more clients on this machine: %s",
                 error_text(outcome->local_error));
    else
        background_tell(outcome, tried, scenario->settings->answer_timeout_ms, limit->how, LAB_TEXT_MAX);
}

/* Fills the figures; not measured after an interruption. */
static void grow_until_it_breaks(const struct scenario *scenario, const struct server *server,
                                 struct background *background)
{
    struct lab_limit_figures *limit = &scenario->result->limit;
    unsigned most = scenario->settings->limit_connections;
    struct background_outcome outcome = {0};
    while (background_held(background) < most) {
        unsigned batch = background_next_batch(background_held(background), most);
        outcome = background_grow(background, batch, scenario->settings->answer_timeout_ms, scenario->watch);
        if (scenario->watch->was_interrupted)
            return;
        limit->connections = MAX(limit->connections, background_held(background));
        if (outcome.answered < batch || outcome.lost > 0) {
            tell(scenario, server, &outcome, batch);
            break;
        }
    }
    limit->is_measured = true;
    /* Where the clients run out of descriptors, the server has not broken. */
    limit->has_held_all = background_held(background) == most || outcome.local_error != 0;
    if (background_held(background) == most)
        snprintf(limit->how, LAB_TEXT_MAX, "it did not: no more were tried");
}

void scenario_limit(const struct scenario *scenario)
{
    struct server server;
    if (!scenario_start_server(scenario, &server))
        return;
    visit(scenario, &server);
    struct background *background =
        background_create(&server.address, BACKGROUND_IDLE, scenario->settings->limit_connections + 1);
    if (background)
        grow_until_it_breaks(scenario, &server, background);
    server_stop(&server); /* first: it need not close each connection by itself */
    background_destroy(background);
}
