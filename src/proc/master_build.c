/* Builds what a master has, in order, and takes it down in the opposite one. master_finish accepts a master
 * that was built halfway. */
#include "proc/master_internal.h"

#include "base/error.h"
#include "conf/load.h"
#include "log/reload_history.h"
#include "proc/keepers.h"
#include "proc/sandbox.h"
#include "proc/worker.h"
#include "sys/clock.h"
#include "sys/signal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* For as many workers as there may ever be: memory that is never written to takes no room. */
static size_t slots_count(const struct master *master)
{
    return MAX(master->worker_count, (size_t)WORKERS_MAX);
}

static size_t slots_bytes(const struct master *master)
{
    return slots_count(master) * sizeof(struct slot);
}

static void master_name_worker(size_t number)
{
    char name[32];
    snprintf(name, sizeof(name), "vif worker %zu", number);
    sys_name_process(name);
}

/* In a worker: frees the master's resources, runs the worker, and exits. */
static int master_work(void *context, size_t number, int ready_fd)
{
    struct master *master = context;
    struct slot *slot = &master->slots[number];
    struct counters *counters = &slot->counters;
    master_name_worker(number);
    counters->upstream_connections_open = 0;
    counters->connections_open = counters->connections_idle = 0; /* those of the worker before are gone */
    slot->answered = slot->asked;
    slot->is_leaving = false;
    sys_close(master->signal_fd);
    shield_leave(&master->shield);
    log_keeper_leave(&master->log_keeper);
    control_leave(&master->control);
    upgrade_leave(&master->upgrade);
    inheritance_leave(&master->inheritance);
    ticket_keeper_leave(&master->tickets);
    server_keeper_leave(&master->servers);
    struct message_ends ends = reload_become_worker(&master->reload, number, &slot->rooms);
    if (sandbox_enter(master->config, &master->user, &master->log.log) < 0)
        return 1;
    if (master->config->sandbox || master->user.is_changed)
        file_opener_use(&master->opener, number);
    else
        file_opener_leave(&master->opener);
    struct worker_options options = {
        .config = master->config,
        .generations = &master->reload.generations,
        .sockets = &master->sockets,
        .number = number,
        .slots = master->slots,
        .board = master->board,
        .shield = master->shield.figures,
        .reloads = master->reloads,
        .contexts = master->certificates.contexts,
        .tickets = master->tickets.tickets,
        .log = &master->log,
        .master = master->pid,
        .standard_error = master->inheritance.standard_error,
        .ends = ends,
        .ready_fd = ready_fd,
    };
    return worker_run(&options);
}

/* A worker may have written anything there. */
static void restore_slot(struct master *master, size_t number)
{
    struct slot *slot = &master->slots[number];
    slot->is_retired = slot->is_leaving = false;
    slot->left = inheritance_is_open(&master->inheritance) ? UINT64_MAX : 0;
}

static int master_before_start(void *context, size_t number)
{
    struct master *master = context;
    restore_slot(master, number);
    int error = file_opener_open(&master->opener, number);
    return error < 0 ? error : reload_before_start(&master->reload, number);
}

static void master_after_start(void *context, size_t number)
{
    struct master *master = context;
    file_opener_forked(&master->opener, number);
    reload_after_start(&master->reload, number);
}

static void master_on_worker_end(void *context, size_t number)
{
    board_clear_worker(((struct master *)context)->board, number);
}

/* The first fault is the one that counts. */
int master_fail(struct master *master, enum master_fault fault, int error)
{
    if (master->result->fault == MASTER_FAULT_NONE) {
        master->result->fault = fault;
        master->result->error = error;
    }
    return error;
}

/* Blocks signals except during poll, so that none is missed. The parent process may have set SIGCHLD to be
 * ignored, in which case children could not be waited for. */
static int take_signals(struct master *master)
{
    sigset_t signals = sys_signal_set(SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGUSR2, SLOT_SIGNAL,
                                      SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT, SIGXCPU, 0);
    sys_signal_ignore(SIGPIPE);
    sys_signal_ignore(SIGXFSZ); /* a log at RLIMIT_FSIZE fails with EFBIG, which is reported */
    sys_signal_set_default(SIGCHLD);
    sys_signal_block(&signals, &master->signals_before);
    master->signal_fd = sys_signal_open(&signals);
    return master->signal_fd < 0 ? master_fail(master, MASTER_FAULT_SYSTEM, master->signal_fd) : 0;
}

static int open_log(struct master *master)
{
    const struct config *config = master->config;
    int error = log_file_open(&master->log, config->error_log.path, config->error_log.level);
    return error < 0 ? master_fail(master, MASTER_FAULT_ERROR_LOG, error) : 0;
}

static int prepare_sandbox(struct master *master)
{
    master->user = config_worker_user(master->config);
    master->opener =
        (struct file_opener){.log = &master->log.log, .on_root = master_note_root, .context = master};
    int error = log_keeper_init(&master->log_keeper);
    return error < 0 ? master_fail(master, MASTER_FAULT_SYSTEM, error) : 0;
}

static int open_sockets(struct master *master)
{
    int error = sockets_open(&master->sockets, master->config, master->wanted_count, &master->inheritance,
                             &master->result->listener_index);
    if (error < 0)
        return master_fail(master, MASTER_FAULT_LISTENER, error);
    master->worker_count = master->sockets.worker_count;
    size_t unused = inheritance_drop_sockets(&master->inheritance);
    if (unused > 0)
        log_warning(
            &master->log.log,
            "%zu socket%s of the service manager: no listener has %s address, so nobody accepts there",
            unused, unused == 1 ? "" : "s", unused == 1 ? "its" : "their");
    return 0;
}

/* Sockets for more workers than there are to be came from the vif before: others accept from them. What
 * another vif may still need is not ended with a worker. */
static void init_slots(struct master *master)
{
    uint64_t left = inheritance_is_open(&master->inheritance) ? UINT64_MAX : 0;
    for (size_t i = 0; i < master->worker_count; i++) {
        master->slots[i].left = left;
        master->slots[i].is_retired = i >= master->wanted_count;
        master->supervisor.children[i].is_retired = i >= master->wanted_count;
    }
    keepers_init(master->slots, slots_count(master));
}

int master_reserve(struct master *master, size_t worker_count)
{
    int error = supervisor_reserve(&master->supervisor, worker_count);
    if (error == 0)
        error = links_reserve(&master->reload.links, worker_count);
    if (error == 0)
        error = file_opener_reserve(&master->opener, worker_count);
    size_t count = MASTER_FDS + 2 * worker_count + reload_poll_max(&master->reload) + CONTROL_FDS_MAX +
                   UPGRADE_FDS_MAX + SERVER_KEEPER_FDS_MAX + 1;
    struct pollfd *pollfds = error == 0 ? realloc(master->pollfds, count * sizeof(*pollfds)) : NULL;
    if (pollfds == NULL)
        return -ENOMEM;
    master->pollfds = pollfds;
    return 0;
}

size_t master_worker_count(const struct config *config)
{
    return config->workers > 0 ? config->workers : sys_cores();
}

static int create_supervisor(struct master *master)
{
    struct supervisor_options options = {
        .count = master->worker_count,
        .log = &master->log.log,
        .work = master_work,
        .before_start = master_before_start,
        .after_start = master_after_start,
        .on_end = master_on_worker_end,
        .on_other = master_on_other_child,
        .context = master,
    };
    master->slots = sys_shared_memory(slots_bytes(master));
    master->board = board_create(slots_count(master));
    master->reloads = sys_shared_memory(sizeof(*master->reloads));
    bool has_memory = master->slots && master->board && master->reloads;
    int error = has_memory ? supervisor_init(&master->supervisor, &options) : -ENOMEM;
    if (error == 0)
        error = server_keeper_init(&master->servers, master->board, &master->log.log, master->pid);
    if (error == 0)
        error = master_change_init(master);
    if (error == 0)
        error = master_reserve(master, master->worker_count);
    if (error < 0)
        return master_fail(master, MASTER_FAULT_SYSTEM, error);
    init_slots(master);
    master->servers.confines_readers = master->config->sandbox;
    server_keeper_take(&master->servers, master->config->settings, sys_monotonic_ms());
    master->heartbeat = (struct heartbeat){.slots = master->slots, .supervisor = &master->supervisor};
    return 0;
}

static int start_shield(struct master *master)
{
    int error = shield_init(&master->shield, &master->log.log);
    if (error < 0)
        return master_fail(master, MASTER_FAULT_SYSTEM, error);
    error = shield_begin(&master->shield, master->config->settings, &master->inheritance.shield);
    if (error < 0)
        return master_fail(master, MASTER_FAULT_SHIELD, error);
    master_tell_shield_ports(master);
    return 0;
}

static int make_ticket_keys(struct master *master)
{
    const struct settings *settings = master->config->settings;
    const struct inheritance *from = &master->inheritance;
    int error = ticket_keeper_continue(&master->tickets, settings, &master->log.log, sys_monotonic_ms(),
                                       from->tickets_fd, from->tickets_bytes);
    return error < 0
               ? master_fail(master, error == -ENOMEM ? MASTER_FAULT_SYSTEM : MASTER_FAULT_TICKETS, error)
               : 0;
}

static int load_certificates(struct master *master)
{
    int error = certificate_keeper_begin(&master->certificates, master->config->settings,
                                         master->tickets.tickets, &master->log.log);
    return error < 0 ? master_fail(master, error == -ENOMEM ? MASTER_FAULT_SYSTEM : MASTER_FAULT_CERTIFICATES,
                                   error)
                     : 0;
}

int master_start_worker(struct master *master, size_t number)
{
    int error = supervisor_start(&master->supervisor, number);
    return error < 0 ? master_fail(master, MASTER_FAULT_SYSTEM, error) : 0;
}

static int take_inheritance(struct master *master)
{
    int error = inheritance_take(&master->inheritance);
    return error < 0 ? master_fail(master, MASTER_FAULT_SYSTEM, error) : 0;
}

int master_build(struct master *master)
{
    int error = take_inheritance(master); /* first: its descriptors have the numbers that others would get */
    if (error == 0)
        error = open_log(master);
    if (error == 0)
        error = take_signals(master);
    if (error == 0)
        error = prepare_sandbox(master);
    if (error == 0)
        error = open_sockets(master);
    if (error == 0)
        error = create_supervisor(master);
    if (error == 0)
        error = start_shield(master);
    if (error == 0)
        sandbox_enter_master(
            shield_is_on(&master->shield)); /* who has a port that is taken can be found out only before */
    if (error == 0)
        error = make_ticket_keys(master);
    if (error == 0)
        error = load_certificates(master);
    if (error == 0)
        error = master_start_worker(master, 0);
    return error;
}

void master_finish(struct master *master)
{
    master_control_tell_stopped(master);
    upgrade_give_up(&master->upgrade);
    reload_finish(&master->reload);
    supervisor_finish(&master->supervisor);
    server_keeper_finish(&master->servers);
    free(master->pollfds);
    sys_shared_memory_free(master->slots, slots_bytes(master));
    board_destroy(master->board);
    shield_finish(&master->shield);
    sys_shared_memory_free(master->reloads, sizeof(*master->reloads));
    certificate_keeper_end(&master->certificates);
    ticket_keeper_end(&master->tickets);
    sockets_close(&master->sockets, true);
    sockets_close(&master->left, true);
    file_opener_end(&master->opener);
    log_keeper_finish(&master->log_keeper);
    if (master->signal_fd >= 0) {
        sys_close(master->signal_fd);
        sys_signal_restore(&master->signals_before);
    }
    inheritance_finish(&master->inheritance);
    if (master->log.fd >= 0)
        log_file_close(&master->log);
    if (master->config != master->options->config)
        config_destroy(master->config);
    reload_release(&master->reload);
}
