/* Both sides of an upgrade: this master starts the program that is to take its place, and this master, in the
 * place of another, waits until it may go on. While both have the sockets, neither ends them. */
#include "proc/master_internal.h"

#include "base/error.h"
#include "proc/notify.h"
#include "sys/clock.h"

#include <inttypes.h>
#include <stdio.h>

#define TEXT_BYTES_MAX (1u << 16)

/* ---- this one starts another ---- */

static const char *why_no_upgrade(const struct master *master)
{
    if (master->state != MASTER_RUNNING)
        return "vif is starting or stopping";
    if (upgrade_is_busy(&master->upgrade))
        return "an upgrade is under way";
    if (reload_is_busy(&master->reload))
        return "a reload is under way: try again when it has ended";
    if (master->pid == 1)
        return "vif is process 1, with which its container ends: start another container instead";
    return NULL;
}

static bool choose_program(struct master *master, struct slice path, struct buffer *why)
{
    struct slice chosen = path.length > 0 ? path : slice_from(master->program);
    if (chosen.length == 0)
        buffer_printf(why, "/proc is not mounted, so vif does not know its own file: name it by --binary\n");
    else if (chosen.length >= sizeof(master->upgrade.path))
        buffer_printf(why, "the path of the program is too long\n");
    else {
        snprintf(master->upgrade.path, sizeof(master->upgrade.path), "%.*s", SLICE_ARGS(chosen));
        return true;
    }
    return false;
}

bool master_upgrade(struct master *master, struct slice path, uint64_t timeout_ms, struct buffer *why)
{
    const char *obstacle = why_no_upgrade(master);
    struct upgrade_offer offer = {
        .config = master->config,
        .sockets = &master->sockets,
        .tickets_fd = ticket_keeper_bytes(&master->tickets) > 0 ? master->tickets.memory_fd : -1,
        .tickets_bytes = ticket_keeper_bytes(&master->tickets),
        .shield = &master->shield.xdp,
        .words = master->options->words,
        .signals_before = &master->signals_before,
    };
    if (obstacle)
        buffer_printf(why, "%s\n", obstacle);
    if (obstacle || !choose_program(master, path, why))
        return false;
    log_info(&master->log.log, "upgrade: starting %s", master->upgrade.path);
    int error = upgrade_begin(&master->upgrade, &offer, timeout_ms);
    if (error < 0)
        buffer_printf(why, "cannot start another process: %s\n", error_text(error));
    return error == 0;
}

void master_on_other_child(void *context, const struct process_change *change)
{
    struct master *master = context;
    if (!file_opener_take_change(&master->opener, change) &&
        !server_keeper_take_change(&master->servers, change) &&
        !log_keeper_take_change(&master->log_keeper, change, &master->log.log))
        (void)upgrade_take_end(&master->upgrade, change);
}

static void log_upgrade(struct master *master, bool is_done, struct slice text)
{
    struct slice line;
    while (slice_next(&text, '\n', &line)) {
        if (line.length > 0 && is_done)
            log_info(&master->log.log, "upgrade: %.*s", SLICE_ARGS(line));
        else if (line.length > 0)
            log_error(&master->log.log, "upgrade: %.*s", SLICE_ARGS(line));
    }
}

/* A worker that has not taken the settings in force has other numbers of listeners: it ends none. */
static void leave_sockets(struct master *master, uint64_t taken)
{
    for (size_t i = 0; i < master->worker_count; i++) {
        bool is_current = master->reload.links.list[i].taken == master->reload.current.number;
        master->slots[i].left = is_current ? taken : UINT64_MAX;
    }
    sockets_disown(&master->sockets, taken);
}

/* The service manager hears from its main process only: this one says who that is from now on. */
static void announce_heir(const struct upgrade_heir *heir)
{
    char state[64];
    snprintf(state, sizeof(state), "MAINPID=%d", (int)heir->pid);
    notify_service_manager(state);
}

/* The heir has its control socket already, and takes commands from it when it is told to go on; so this one's
 * goes first. Commands that are waiting for a reload get no answer: they look again, and find the heir, which
 * may have read the configuration before it was changed. */
static void hand_over(struct master *master, const struct upgrade_heir *heir, struct buffer *text)
{
    buffer_printf(
        text, "process %d, vif %s, has taken over after %" PRIu64 " ms; process %d finishes its requests\n",
        (int)heir->pid, heir->version, sys_monotonic_ms() - master->upgrade.began_ms, (int)master->pid);
    log_upgrade(master, true, buffer_slice(text));
    leave_sockets(master, heir->taken);
    announce_heir(heir);
    master->has_heir = true;
    log_keeper_end(&master->log_keeper); /* the heir has its own */
    shield_hand_over(&master->shield);
    master_control_tell_upgrade(master, true, buffer_slice(text));
    control_close(&master->control);
    upgrade_confirm(&master->upgrade);
    master_begin_stop(master);
}

void master_upgrade_step(struct master *master)
{
    struct upgrade_heir heir;
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    /* Whoever said that it is ready may have died since, and this turn of the loop began before that. */
    supervisor_take_changes(&master->supervisor);
    switch (upgrade_step(&master->upgrade, &heir, &text)) {
    case UPGRADE_GOES_ON: break;
    case UPGRADE_READY: hand_over(master, &heir, &text); break;
    case UPGRADE_FAILED:
        upgrade_give_up(&master->upgrade);
        log_upgrade(master, false, buffer_slice(&text));
        master_control_tell_upgrade(master, false, buffer_slice(&text));
        break;
    }
    buffer_finish(&text);
}

/* ---- this one takes the place of another ---- */

bool master_waits_for_former(struct master *master)
{
    struct inheritance *inheritance = &master->inheritance;
    if (!inheritance_is_open(inheritance))
        return false;
    if (!master->is_announced)
        inheritance_tell_ready(inheritance);
    master->is_announced = true;
    return !inheritance_may_go_on(inheritance);
}

void master_take_over(struct master *master)
{
    struct inheritance *inheritance = &master->inheritance;
    log_file_take_standard_error(&master->log, inheritance->standard_error);
    inheritance->standard_error = -1;
    shield_go_on(&master->shield);
    inheritance_leave(inheritance);
    for (size_t i = 0; i < master->worker_count; i++)
        master->slots[i].left = 0;
    sockets_own(&master->sockets);
    master_tell_shield_ports(master);
}
