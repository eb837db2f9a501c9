/* One poll(2) over the signals and the workers' pipes. Starting, running and stopping are states; master_run
 * reads as the story of a server's life. */
#include "proc/master_internal.h"

#include "base/error.h"
#include "conf/load.h"
#include "proc/keepers.h"
#include "proc/notify.h"
#include "proc/sandbox.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/event.h"
#include "sys/process.h"
#include "sys/program.h"
#include "sys/signal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Time that workers get after timeouts.drain_ms to exit. */
#define GRACE_MS 1000

/* Addresses in the log line that says what is served where. */
#define ADDRESSES_SHOWN 8

/* Only forward transitions: a stopping master does not run again, and an immediate end does not become a
 * graceful one. */
static void master_set_state(struct master *master, enum master_state state)
{
    assert(state > master->state || (state == MASTER_ENDING && master->state == MASTER_ENDING));
    master->state = state;
}

/* Stopping. */

void master_begin_stop(struct master *master)
{
    uint32_t drain_ms = master->config->settings->timeouts.drain_ms;
    master_set_state(master, MASTER_STOPPING);
    master->deadline_ms = sys_monotonic_ms() + drain_ms + GRACE_MS;
    master->failed_before = master->supervisor.failed;
    if (!master->has_heir)
        notify_service_manager("STOPPING=1");
    if (upgrade_is_busy(&master->upgrade))
        upgrade_give_up(&master->upgrade);
    reload_give_up(&master->reload);
    log_keeper_end(&master->log_keeper);
    master_control_tell_stopping(master);
    supervisor_leave(&master->supervisor);
    supervisor_signal(&master->supervisor, SIGTERM);
}

static void end_at_once(struct master *master, const char *why)
{
    log_warning(&master->log.log, "%s: ending %zu worker processes at once", why, master->supervisor.running);
    master_fail(master, MASTER_FAULT_CUT_SHORT, 0);
    master_set_state(master, MASTER_ENDING);
    supervisor_leave(&master->supervisor);
    supervisor_signal(&master->supervisor, SIGKILL);
}

/* timeout(1) and its kind signal the process and then its whole group: that is one request to stop, not two.
 */
#define SAME_STOP_MS 200

static void master_stop(struct master *master)
{
    switch (master->state) {
    case MASTER_TRYING:
    case MASTER_STARTING:
    case MASTER_RUNNING:
        master->told_to_stop_ms = sys_monotonic_ms();
        log_info(&master->log.log, "stopping: requests under way may take %g s",
                 master->config->settings->timeouts.drain_ms / 1000.0);
        master_begin_stop(master);
        break;
    case MASTER_STOPPING:
        if (master->has_heir && master->told_to_stop_ms == 0)
            master->told_to_stop_ms = sys_monotonic_ms(); /* it stops already */
        else if (sys_monotonic_ms() - master->told_to_stop_ms >= SAME_STOP_MS)
            end_at_once(master, "told to stop again");
        break;
    case MASTER_ENDING: break;
    }
}

void master_stop_by_command(struct master *master, bool now)
{
    if (master->state < MASTER_STOPPING)
        master_stop(master);
    if (now && master->state == MASTER_STOPPING)
        end_at_once(master, "told to stop at once");
}

/* ---- signals and commands ---- */

int master_reopen_logs(struct master *master)
{
    int error = log_file_reopen(&master->log);
    if (error < 0)
        log_error(&master->log.log, "cannot reopen the error log %s: %s", master->log.path,
                  error_text(error));
    supervisor_signal(&master->supervisor, SIGUSR1);
    return error;
}

static void handle_hangup(struct master *master, bool from_kernel)
{
    if (from_kernel)
        master_stop(master);
    else if (master->options->read)
        (void)master_reload(master, 0);
    else
        log_warning(&master->log.log, "SIGHUP: vif was started without a configuration file, so there is "
                                      "nothing to read again");
}

static void handle_upgrade_signal(struct master *master)
{
    struct buffer why;
    buffer_init(&why, 1024);
    if (!master_upgrade(master, (struct slice){0}, UPGRADE_MS, &why))
        log_error(&master->log.log, "SIGUSR2: %.*s", SLICE_ARGS(buffer_slice(&why)));
    buffer_finish(&why);
}

/* By default the signal would silently end the process. The workers inherit that it is blocked. */
static void ignore_signal(struct master *master, int number)
{
    log_warning(&master->log.log, "signal %d (%s) has no meaning here and is ignored", number,
                strsignal(number));
}

static void handle_signal(struct master *master, const struct signal_seen *seen)
{
    switch (seen->number) {
    case SIGTERM:
    case SIGINT: master_stop(master); break;
    case SIGHUP: handle_hangup(master, seen->from_kernel); break;
    case SIGUSR1: (void)master_reopen_logs(master); break;
    case SIGUSR2: handle_upgrade_signal(master); break;
    case SIGALRM:
    case SIGVTALRM:
    case SIGPROF:
    case SIGIO:
    case SIGPWR:
    case SIGSTKFLT:
    case SIGXCPU: ignore_signal(master, seen->number); break;
    case SIGCHLD: supervisor_take_changes(&master->supervisor); break;
    }
}

static void handle_signals_seen(struct master *master)
{
    for (struct signal_seen seen; sys_signal_next(master->signal_fd, &seen);)
        handle_signal(master, &seen);
}

/* Of two times, of which a negative one is none. */
static int sooner(int one_ms, int other_ms)
{
    return one_ms < 0 ? other_ms : other_ms < 0 ? one_ms : MIN(one_ms, other_ms);
}

static int events_timeout_ms(const struct master *master)
{
    uint64_t now = sys_monotonic_ms();
    if (master->state == MASTER_STOPPING)
        return master->deadline_ms > now ? (int)(master->deadline_ms - now) : 0;
    int due_ms = sooner(supervisor_wait_ms(&master->supervisor), file_opener_wait_ms(&master->opener, now));
    if (master->state != MASTER_RUNNING)
        return due_ms;
    due_ms = sooner(due_ms, upgrade_wait_ms(&master->upgrade));
    if (!upgrade_is_busy(&master->upgrade))
        due_ms = sooner(due_ms, reload_wait_ms(&master->reload));
    due_ms = sooner(due_ms, control_wait_ms(&master->control, now));
    due_ms = sooner(due_ms, log_keeper_wait_ms(&master->log_keeper));
    due_ms = sooner(due_ms, server_keeper_wait_ms(&master->servers, now));
    due_ms = sooner(due_ms, shield_wait_ms(&master->shield, now));
    return sooner(due_ms, heartbeat_wait_ms(&master->heartbeat, now));
}

static int poll_timeout_ms(const struct master *master)
{
    uint64_t now = sys_monotonic_ms(), next_ms = master->watchdog_next_ms;
    if (master->watchdog_ms == 0)
        return events_timeout_ms(master);
    return sooner(events_timeout_ms(master), next_ms > now ? (int)(next_ms - now) : 0);
}

static void handle_rotation(struct master *master)
{
    sys_eventfd_clear(master->log_keeper.reopen_fd);
    (void)master_reopen_logs(master); /* it says what failed */
}

static int wait_for_events(struct master *master)
{
    struct pollfd *pollfds = master->pollfds;
    pollfds[0] = (struct pollfd){.fd = master->signal_fd, .events = POLLIN};
    pollfds[1] = (struct pollfd){.fd = master->log_keeper.reopen_fd, .events = POLLIN};
    struct pollfd *of_workers = pollfds + MASTER_FDS;
    size_t worker_count = supervisor_poll_set(&master->supervisor, of_workers);
    struct pollfd *of_opener = of_workers + worker_count;
    size_t opener_count = file_opener_poll_set(&master->opener, of_opener, sys_monotonic_ms());
    struct pollfd *of_reload = of_opener + opener_count;
    size_t reload_count = reload_poll_set(&master->reload, of_reload);
    struct pollfd *of_control = of_reload + reload_count;
    bool takes_commands = master->state >= MASTER_RUNNING; /* before, they wait in the socket's queue */
    size_t control_count = takes_commands ? control_poll_set(&master->control, of_control) : 0;
    struct pollfd *of_upgrade = of_control + control_count;
    size_t upgrade_count = upgrade_poll_set(&master->upgrade, of_upgrade);
    struct pollfd *of_servers = of_upgrade + upgrade_count;
    size_t servers_count = server_keeper_poll_set(&master->servers, of_servers);
    size_t count = MASTER_FDS + worker_count + opener_count + reload_count + control_count + upgrade_count +
                   servers_count;
    if (inheritance_is_open(&master->inheritance))
        pollfds[count++] = (struct pollfd){.fd = master->inheritance.channel_fd, .events = POLLIN};
    int ready = sys_poll(pollfds, count, poll_timeout_ms(master));
    if (ready < 0)
        return ready;
    supervisor_take_ready(&master->supervisor, of_workers, worker_count);
    upgrade_take_ready(&master->upgrade, of_upgrade, upgrade_count);
    server_keeper_take_ready(&master->servers, of_servers, servers_count, sys_monotonic_ms());
    control_take_ready(&master->control, of_control, control_count, sys_monotonic_ms());
    reload_take_ready(&master->reload, of_reload, reload_count);
    file_opener_take_ready(&master->opener, of_opener, opener_count, master->config, master->reload.config,
                           sys_monotonic_ms());
    if (pollfds[1].revents)
        handle_rotation(master);
    if (pollfds[0].revents)
        handle_signals_seen(master);
    return 0;
}

/* The states. */

/* A worker that ended before all of them accepted: the server does not start. */
static bool has_failed_to_start(struct master *master)
{
    if (master->supervisor.ended == 0)
        return false;
    master_fail(master, MASTER_FAULT_WORKER, 0);
    master_begin_stop(master);
    return true;
}

static void log_start(struct master *master)
{
    char addresses[ADDRESSES_SHOWN * (ADDRESS_TEXT_BYTES_MAX + 2)];
    size_t length = 0;
    size_t count = master->sockets.listener_count;
    for (size_t i = 0; i < MIN(count, (size_t)ADDRESSES_SHOWN); i++) {
        length += i > 0 ? (size_t)snprintf(addresses + length, 3, ", ") : 0;
        length += address_format(&master->sockets.bound[i], addresses + length);
    }
    log_info(&master->log.log, "vif " VIF_VERSION " runs with %zu worker processes; it serves %s on %s%s",
             master->wanted_count, master->options->title, addresses, count > ADDRESSES_SHOWN ? ", ..." : "");
}

static void watch_over(struct master *master)
{
    certificate_keeper_look(&master->certificates, master->slots, master->worker_count, sys_monotonic_ms());
    supervisor_start_due(&master->supervisor);
    heartbeat_look(&master->heartbeat, sys_monotonic_ms());
    log_keeper_look(&master->log_keeper, master->config, &master->log);
    ticket_keeper_look(&master->tickets, sys_monotonic_ms());
    server_keeper_look(&master->servers, sys_monotonic_ms());
    shield_look(&master->shield, sys_monotonic_ms());
    master_look_at_successors(master);
    keepers_update(master->slots, &master->supervisor);
    if (upgrade_is_busy(&master->upgrade))
        master_upgrade_step(master); /* a reload waits: the new vif reads the configuration itself */
    else
        reload_step(&master->reload);
    control_expire(&master->control, sys_monotonic_ms());
}

static void try_to_run(struct master *master)
{
    if (has_failed_to_start(master) || master->supervisor.ready < master->wanted_count)
        return;
    if (!control_is_opened(&master->control))
        master_control_init(master); /* before the former one closes its own: one of them is always found */
    if (master_waits_for_former(master))
        return;
    master_set_state(master, MASTER_RUNNING);
    master_take_over(master);
    supervisor_keep(&master->supervisor);
    master->log.echoes = false;
    log_keeper_begin(&master->log_keeper, master->config, &master->log);
    sandbox_log(master->config, &master->user, &master->log.log);
    if (!master->log.is_terminal) /* there, the caller has more to say */
        log_start(master);
    if (master->options->on_ready)
        master->options->on_ready(master->options->context, master->sockets.bound,
                                  master->sockets.listener_count);
    notify_service_manager("READY=1");
    watch_over(master); /* at once, for sockets that came from more workers than there are now */
}

static void try_to_start(struct master *master)
{
    if (has_failed_to_start(master) || master->supervisor.ready == 0)
        return;
    master_set_state(master, MASTER_STARTING);
    for (size_t i = 1; i < master->wanted_count; i++) {
        if (master_start_worker(master, i) < 0) {
            master_begin_stop(master);
            return;
        }
    }
    try_to_run(master); /* there may be only one worker */
}

/* A worker that has ended accepts nothing either. */
static bool has_closed(const struct master *master)
{
    for (size_t i = 0; i < master->supervisor.options.count; i++) {
        if (master->supervisor.children[i].pid > 0 && !master->slots[i].is_leaving)
            return false;
    }
    return true;
}

static void leave_workers(struct master *master)
{
    if (!master->leaves_workers || !has_closed(master))
        return;
    log_info(&master->log.log, "%zu worker processes finish their requests without this one",
             master->supervisor.running);
    sockets_close(&master->sockets, true);
    master_control_tell_closed(master);
    supervisor_abandon(&master->supervisor);
}

/* This process lives; what its workers do is the business of heartbeat.h. */
static void answer_watchdog(struct master *master)
{
    uint64_t now = sys_monotonic_ms();
    if (master->watchdog_ms == 0 || now < master->watchdog_next_ms)
        return;
    master->watchdog_next_ms = now + master->watchdog_ms;
    notify_service_manager("WATCHDOG=1");
}

static void master_step(struct master *master)
{
    answer_watchdog(master);
    switch (master->state) {
    case MASTER_TRYING: try_to_start(master); break;
    case MASTER_STARTING: try_to_run(master); break;
    case MASTER_RUNNING: watch_over(master); break;
    case MASTER_STOPPING:
        if (master->supervisor.running > 0 && sys_monotonic_ms() >= master->deadline_ms)
            end_at_once(master, "requests did not end in time");
        else
            leave_workers(master);
        break;
    case MASTER_ENDING: break;
    }
}

static bool is_over(const struct master *master)
{
    return master->state >= MASTER_STOPPING && master->supervisor.running == 0;
}

static void master_run_until_over(struct master *master)
{
    while (!is_over(master)) {
        int error = wait_for_events(master);
        if (error < 0 && master->state < MASTER_ENDING) {
            master_fail(master, MASTER_FAULT_SYSTEM, error);
            end_at_once(master, error_text(error));
        }
        master_step(master);
    }
    if (master->supervisor.failed > master->failed_before)
        master_fail(master, MASTER_FAULT_CUT_SHORT, 0); /* instead of ending politely, a worker crashed */
}

int master_run(const struct master_options *options, struct master_result *ret_result)
{
    struct master master = {
        .options = options,
        .config = options->config,
        .result = ret_result,
        .worker_count = master_worker_count(options->config),
        .wanted_count = master_worker_count(options->config),
        .log.fd = -1,
        .signal_fd = -1,
        .pid = sys_process_id(),
        .control.fd = -1,
        .log_keeper.reopen_fd = -1,
        .shield = {.xdp = XDP_NONE, .next = XDP_NONE},
        .began_ms = sys_monotonic_ms(),
        .watchdog_ms = notify_watchdog_ms(),
    };
    *ret_result = (struct master_result){0};
    upgrade_init(&master.upgrade);
    if (sys_program_find(master.program, sizeof(master.program)) < 0)
        master.program[0] = '\0';
    sys_raise_descriptor_limit();
    if (master_build(&master) == 0)
        master_run_until_over(&master);
    master_finish(&master);
    return ret_result->fault == MASTER_FAULT_NONE ? 0 : 1;
}
