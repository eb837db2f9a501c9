/* What a new generation of the configuration means for the master: the error log, the certificates that new
 * workers inherit, the ticket keys. Everything that may fail is done first. */
#include "proc/master_internal.h"

#include "base/error.h"
#include "conf/load.h"
#include "log/reload_history.h"
#include "proc/notify.h"
#include "proc/sandbox_scope.h"
#include "serve/board.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* ---- sockets and workers ---- */

static uint16_t port_of(struct slice text)
{
    struct listen_address address;
    return address_parse(text, &address) == ADDRESS_OK ? address_port(&address.address) : 0;
}

static void tell_listener_fault(const struct master *master, const struct config *next, size_t failed,
                                int error, struct buffer *why)
{
    struct slice address = next->listeners[failed].address;
    buffer_printf(why, "cannot listen on %.*s: %s", SLICE_ARGS(address), error_text(error));
    for (size_t i = 0; i < master->config->listener_count && error == -EADDRINUSE; i++) {
        struct slice own = master->config->listeners[i].address;
        if (port_of(own) != 0 && port_of(own) == port_of(address))
            buffer_printf(why, "; vif itself listens on %.*s, which only a restart can exchange for it",
                          SLICE_ARGS(own));
    }
    buffer_printf(why, "\n");
}

/* Workers cannot get back the rights that they gave up: if they need more, others are started, and those that
 * run finish their requests. */
static int choose_workers(struct master *master, const struct config *next, struct buffer *why)
{
    struct master_change *change = &master->change;
    struct sandbox_scope former = sandbox_scope_of(master->config), now = sandbox_scope_of(next);
    bool is_covered = sandbox_scope_covers(&former, &now);
    change->worker_count = MIN(master_worker_count(next), (size_t)WORKERS_MAX);
    change->replaces_workers = master->is_replacing || !is_covered;
    change->first_worker =
        is_covered ? master->first_worker : supervisor_find_free(&master->supervisor, change->worker_count);
    if (change->first_worker + change->worker_count <= WORKERS_MAX)
        return 0;
    buffer_printf(why, "too many worker processes have requests of earlier settings to finish\n");
    return -EAGAIN;
}

/* New sockets are opened before anything changes. */
static int prepare_sockets_of_master(struct master *master, const struct config *next, struct buffer *why)
{
    struct master_change *change = &master->change;
    size_t failed = 0, end = change->first_worker + change->worker_count;
    int error = master_reserve(master, MAX(end, master->worker_count));
    if (error == 0)
        error = sockets_change(&master->sockets, master->config->settings, next, end,
                               master->reload.next.number, &change->sockets, &failed);
    if (error == -ENOMEM)
        buffer_printf(why, "out of memory\n");
    else if (error < 0)
        tell_listener_fault(master, next, failed, error, why);
    return error;
}

static int send_sockets(const struct sockets *sockets, int channel_fd, size_t listener, unsigned taken)
{
    struct channel_message message = {
        .kind = CHANNEL_SOCKETS,
        .sockets = {.listener = (unsigned)listener, .bound = sockets->bound[listener]},
    };
    size_t end = sockets_is_shared(sockets, listener) ? 1 : sockets->worker_count;
    int error = 0;
    for (size_t i = sockets_first_since(sockets, listener, taken); i < end && error == 0;) {
        int fds[SYS_MESSAGE_FDS_MAX];
        size_t count = 0;
        message.sockets.first = (unsigned)i;
        while (i < end && count < SYS_MESSAGE_FDS_MAX)
            fds[count++] = sockets_fd(sockets, listener, i++);
        error = channel_send(channel_fd, &message, fds, count);
    }
    return error;
}

/* Sends the sockets that the worker, which has taken a generation, does not have. */
static int equip_worker(void *context, size_t worker, unsigned taken, struct channel_change *change)
{
    struct master *master = context;
    bool is_current = change->generation == master->reload.current.number;
    const struct sockets *sockets = is_current ? &master->sockets : &master->change.sockets;
    int error = 0;
    change->worker_count = (unsigned)sockets->worker_count;
    for (size_t i = 0; i < sockets->listener_count && error == 0; i++)
        error = send_sockets(sockets, master->reload.links.list[worker].ends.socket_fd, i, taken);
    return error;
}

static bool is_wanted(const struct master *master, size_t number)
{
    return number >= master->first_worker && number - master->first_worker < master->wanted_count;
}

static void retire_others(struct master *master)
{
    master->is_replacing = false;
    for (size_t i = 0; i < master->worker_count; i++)
        master->slots[i].is_retired = !is_wanted(master, i);
    supervisor_want(&master->supervisor, master->first_worker, master->wanted_count);
}

static void set_workers(struct master *master, const struct master_change *change)
{
    size_t end = change->first_worker + change->worker_count;
    master->first_worker = change->first_worker;
    master->wanted_count = change->worker_count;
    master->worker_count = MAX(end, master->worker_count);
    master->is_replacing = change->replaces_workers;
    for (size_t i = change->first_worker; i < end; i++)
        master->slots[i].is_retired = false;
    if (change->replaces_workers)
        supervisor_succeed(&master->supervisor, change->first_worker, change->worker_count);
    else
        retire_others(master);
}

void master_note_root(void *context, size_t worker)
{
    struct master *master = context;
    master->has_lost_root |= is_wanted(master, worker);
}

/* The settings stay. The sockets of further workers go to those that run together with the next generation.
 */
static int prepare_successors(struct master *master, struct master_change *change)
{
    size_t failed;
    *change = (struct master_change){
        .replaces_workers = true,
        .first_worker = supervisor_find_free(&master->supervisor, master->wanted_count),
        .worker_count = master->wanted_count,
        .error_fd = -1,
    };
    size_t end = change->first_worker + change->worker_count;
    if (end > WORKERS_MAX)
        return -EAGAIN;
    int error = master_reserve(master, MAX(end, master->worker_count));
    return error < 0 ? error
                     : sockets_change(&master->sockets, master->config->settings, master->config, end,
                                      master->reload.newest + 1, &change->sockets, &failed);
}

/* If that is impossible, the workers ask again for as long as the root is not the former one. */
static void succeed_workers(struct master *master)
{
    struct master_change change;
    struct sockets left;
    master->has_lost_root = false;
    int error = prepare_successors(master, &change);
    if (error < 0) {
        log_error(&master->log.log,
                  "a folder was replaced, and no worker processes can be started that may read it: %s",
                  error_text(error));
        return;
    }
    log_info(&master->log.log, "a folder was replaced: worker processes that may read it take over");
    sockets_replace(&master->sockets, &change.sockets, &left);
    sockets_close(&left, false);
    set_workers(master, &change);
}

void master_look_at_successors(struct master *master)
{
    if (master->has_lost_root && !master->is_replacing && !reload_is_busy(&master->reload))
        succeed_workers(master);
    if (master->is_replacing &&
        supervisor_are_ready(&master->supervisor, master->first_worker, master->wanted_count))
        retire_others(master);
}

/* ---- logs and certificates ---- */

static int prepare_log(struct master *master, const struct config *next, struct buffer *why)
{
    struct slice path = next->error_log.path;
    if (slice_equal(path, master->config->error_log.path))
        return 0;
    master->change.error_fd = log_file_open_path(path);
    if (master->change.error_fd >= 0)
        return 0;
    buffer_printf(why, "cannot open the error log %.*s: %s\n", SLICE_ARGS(path),
                  error_text(master->change.error_fd));
    return master->change.error_fd;
}

static int prepare_certificates(struct master *master, const struct config *next, struct buffer *why)
{
    int error = certificate_keeper_begin(&master->change.certificates, next->settings,
                                         master->tickets.tickets, &master->log.log);
    if (error < 0)
        buffer_printf(why, "a certificate cannot be used: the error log says why\n");
    return error;
}

/* ---- the change ---- */

static void master_change_abandon(void *context)
{
    struct master *master = context;
    struct master_change *change = &master->change;
    if (change->error_fd >= 0)
        sys_close(change->error_fd);
    certificate_keeper_end(&change->certificates);
    shield_abandon(&master->shield);
    sockets_give_up(&master->sockets, &change->sockets);
    *change = (struct master_change){.error_fd = -1};
}

static int master_change_prepare(void *context, struct config *next, struct buffer *why)
{
    struct master *master = context;
    master->change = (struct master_change){.error_fd = -1};
    int error = choose_workers(master, next, why);
    if (error == 0)
        error = prepare_sockets_of_master(master, next, why);
    if (error == 0)
        error = prepare_log(master, next, why);
    if (error == 0)
        error = prepare_certificates(master, next, why);
    if (error == 0)
        error = shield_prepare(&master->shield, next->settings, why);
    if (error < 0)
        master_change_abandon(master);
    return error;
}

static void move_log(struct master *master, const struct config *next)
{
    int error =
        log_file_move(&master->log, next->error_log.path, next->error_log.level, master->change.error_fd);
    if (error < 0)
        log_error(&master->log.log, "the error log stays where it is: %s", error_text(error));
    master->change.error_fd = -1;
}

static void master_change_commit(void *context, struct config *next)
{
    struct master *master = context;
    struct config *former = master->config;
    if (board_forget_changes(master->board))
        log_info(&master->log.log, "the servers that were changed at run time are those of the file again");
    if (former->backend != next->backend)
        log_warning(&master->log.log, "another backend is used from the next start on");
    move_log(master, next);
    sockets_replace(&master->sockets, &master->change.sockets, &master->left);
    certificate_keeper_end(&master->certificates);
    master->certificates = master->change.certificates;
    ticket_keeper_take(&master->tickets, next->settings, sys_monotonic_ms());
    master->user = config_worker_user(next);
    master->config = next;
    master->servers.confines_readers = next->sandbox;
    server_keeper_take(&master->servers, next->settings, sys_monotonic_ms());
    shield_commit(&master->shield, next->settings);
    master_tell_shield_ports(master);
    log_keeper_change(&master->log_keeper, former, next, &master->log);
    set_workers(master, &master->change);
    master->change = (struct master_change){.error_fd = -1};
    if (former != master->options->config)
        config_destroy(former);
}

void master_tell_shield_ports(struct master *master)
{
    uint16_t ports[LISTENERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < master->sockets.listener_count; i++) {
        uint16_t port = address_port(&master->sockets.bound[i]);
        if (port != 0)
            ports[count++] = port;
    }
    shield_set_ports(&master->shield, ports, count);
}

static bool master_change_replaces(void *context)
{
    return ((struct master *)context)->change.replaces_workers;
}

/* A retired worker accepts connections until it has heard of it, and answers them by the former settings. */
static bool master_is_replacing(void *context)
{
    const struct master *master = context;
    bool is_replacing = master->is_replacing;
    for (size_t i = 0; i < master->worker_count; i++)
        is_replacing |= master->supervisor.children[i].is_retired &&
                        supervisor_is_able(&master->supervisor, i) && !master->slots[i].is_leaving;
    return is_replacing;
}

static void log_outcome_line(struct master *master, enum reload_result result, struct slice line)
{
    if (result == RELOAD_DONE)
        log_info(&master->log.log, "reload: %.*s", SLICE_ARGS(line));
    else
        log_error(&master->log.log, "reload: %.*s", SLICE_ARGS(line));
}

static void log_outcome(struct master *master, const struct reload_outcome *outcome)
{
    struct slice text = outcome->text;
    if (outcome->result == RELOAD_REFUSED)
        log_error(&master->log.log, "reload: the settings stay as they are");
    while (text.length > 0) {
        size_t length = slice_find(text, '\n');
        log_outcome_line(master, outcome->result, slice_take(text, length));
        text = slice_skip(text, MIN(length + 1, text.length));
    }
}

/* For the page of a listener for metrics. */
static const char *const outcome_words[] = {
    [RELOAD_DONE] = "in force",
    [RELOAD_PARTLY] = "in force partly",
    [RELOAD_REFUSED] = "refused",
    [RELOAD_REVERTED] = "taken back",
};

static void on_reload_end(void *context, const struct reload_outcome *outcome)
{
    struct master *master = context;
    sockets_end(&master->left);
    log_outcome(master, outcome);
    reload_history_add(master->reloads, sys_realtime_ns() / 1000000000, outcome->generation,
                       outcome_words[outcome->result], outcome->text);
    master_control_tell_reload(master, outcome);
    notify_service_manager("READY=1");
}

/* What was not answered as it should be: 5xx, responses that were cut off by this side, failed handshakes. */
static struct error_figures master_figures(void *context)
{
    const struct master *master = context;
    struct error_figures figures = {0};
    for (size_t i = 0; i < master->worker_count; i++) {
        const struct counters *counters = &master->slots[i].counters;
        figures.requests += counters->requests;
        figures.errors += counters->responses_5xx + counters->responses_cut + counters->tls_failures;
    }
    return figures;
}

unsigned master_reload(struct master *master, uint64_t watch_ms)
{
    char state[80];
    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, sys_monotonic_ns() / 1000);
    notify_service_manager(state);
    return reload_request(&master->reload, watch_ms);
}

/* Otherwise going back would find the addresses of removed listeners in use. */
static void master_on_watch(void *context)
{
    sockets_end(&((struct master *)context)->left);
}

static_assert(OFFENDERS_REPORTERS_MAX >= WORKERS_MAX, "each worker is one");

static void master_take_offences(void *context, size_t number, const struct offence *list, size_t count)
{
    shield_take_report(&((struct master *)context)->shield, number, list, count, sys_monotonic_ms());
}

int master_change_init(struct master *master)
{
    struct reload_options options = {
        .supervisor = &master->supervisor,
        .slots = master->slots,
        .log = &master->log.log,
        .master = master->pid,
        .read = master->options->read,
        .read_context = master->options->context,
        .prepare = master_change_prepare,
        .replaces = master_change_replaces,
        .is_replacing = master_is_replacing,
        .commit = master_change_commit,
        .abandon = master_change_abandon,
        .equip = equip_worker,
        .on_watch = master_on_watch,
        .figures = master_figures,
        .on_end = on_reload_end,
        .context = master,
    };
    master->change.error_fd = -1;
    int error = reload_init(&master->reload, &options);
    master->reload.links.on_offences = master_take_offences;
    master->reload.links.context = master;
    return error;
}
