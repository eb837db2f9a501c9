/* One poll(2) over the signals and the workers' pipes. Starting, running and stopping are states; master_run
 * reads as the story of a server's life. */
#include "proc/master.h"

#include "base/error.h"
#include "proc/certificate_keeper.h"
#include "proc/heartbeat.h"
#include "proc/keepers.h"
#include "proc/notify.h"
#include "proc/sockets.h"
#include "proc/supervisor.h"
#include "proc/ticket_keeper.h"
#include "proc/worker.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/signal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Time that workers get after timeouts.drain_ms to exit. */
#define GRACE_MS 1000

/* In the line of the log that says what is served where. */
#define ADDRESSES_SHOWN 8

enum master_state {
    MASTER_TRYING,   /* the first worker starts alone: what fails there would fail in all */
    MASTER_STARTING, /* the others start */
    MASTER_RUNNING,
    MASTER_STOPPING, /* workers finish what they have */
    MASTER_ENDING,   /* workers have been killed */
};

struct master {
    const struct master_options *options;
    struct master_result *result;
    enum master_state state;
    size_t worker_count;
    struct log_file log;
    struct sockets sockets;
    struct slot *slots; /* of each worker, shared */
    struct supervisor supervisor;
    struct heartbeat heartbeat;
    struct ticket_keeper tickets;
    struct certificate_keeper certificates;
    struct pollfd *pollfds; /* the signals, then the supervisor's */
    sigset_t signals_before;
    int signal_fd;
    pid_t pid;
    uint64_t told_to_stop_ms; /* when it was first */
    uint64_t deadline_ms;     /* while stopping */
    size_t failed_before;     /* of supervisor.failed, when the stop began */
};

static uint64_t master_now_ms(void)
{
    return sys_monotonic_ns() / 1000000;
}

static size_t slots_bytes(const struct master *master)
{
    return master->worker_count * sizeof(struct slot);
}

/* In a worker: frees the master's resources, runs the worker, and exits. */
static int master_work(void *context, size_t number, int ready_fd)
{
    struct master *master = context;
    struct slot *slot = &master->slots[number];
    struct counters *counters = &slot->counters;
    counters->connections_open = counters->connections_idle = 0; /* those of the worker before are gone */
    slot->answered = slot->asked;
    slot->is_leaving = false;
    sys_close(master->signal_fd);
    struct worker_options options = {
        .config = master->options->config,
        .sockets = &master->sockets,
        .number = number,
        .slots = master->slots,
        .contexts = master->certificates.contexts,
        .ticket_keys = master->tickets.keys,
        .log = &master->log,
        .master = master->pid,
        .ready_fd = ready_fd,
    };
    return worker_run(&options);
}

/* Building and taking down. */

/* The first fault is the one that counts. */
static int master_fail(struct master *master, enum master_fault fault, int error)
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
    sigset_t signals = sys_signal_set(SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGUSR2, SIGALRM, SIGVTALRM,
                                      SIGPROF, SIGIO, SIGPWR, SIGSTKFLT, SIGXCPU, 0);
    sys_signal_ignore(SIGPIPE);
    sys_signal_ignore(SIGXFSZ); /* a log at RLIMIT_FSIZE fails with EFBIG, which is reported */
    sys_signal_set_default(SIGCHLD);
    sys_signal_block(&signals, &master->signals_before);
    master->signal_fd = sys_signal_open(&signals);
    return master->signal_fd < 0 ? master_fail(master, MASTER_FAULT_SYSTEM, master->signal_fd) : 0;
}

static int open_log(struct master *master)
{
    const struct config *config = master->options->config;
    int error = log_file_open(&master->log, config->error_log.path, config->error_log.level);
    return error < 0 ? master_fail(master, MASTER_FAULT_ERROR_LOG, error) : 0;
}

static int open_sockets(struct master *master)
{
    int error = sockets_open(&master->sockets, master->options->config, master->worker_count,
                             &master->result->listener_index);
    return error < 0 ? master_fail(master, MASTER_FAULT_LISTENER, error) : 0;
}

static int create_supervisor(struct master *master)
{
    struct supervisor_options options = {
        .count = master->worker_count,
        .log = &master->log.log,
        .work = master_work,
        .context = master,
    };
    master->slots = sys_shared_memory(slots_bytes(master));
    master->pollfds = calloc(master->worker_count + 1, sizeof(*master->pollfds));
    int error = master->slots && master->pollfds ? supervisor_init(&master->supervisor, &options) : -ENOMEM;
    if (error < 0)
        return master_fail(master, MASTER_FAULT_SYSTEM, error);
    keepers_init(master->slots, master->worker_count);
    master->heartbeat = (struct heartbeat){.slots = master->slots, .supervisor = &master->supervisor};
    return 0;
}

static int make_ticket_keys(struct master *master)
{
    const struct settings *settings = master->options->config->settings;
    int error = ticket_keeper_begin(&master->tickets, settings, &master->log.log, master_now_ms());
    return error < 0
               ? master_fail(master, error == -ENOMEM ? MASTER_FAULT_SYSTEM : MASTER_FAULT_TICKETS, error)
               : 0;
}

static int load_certificates(struct master *master)
{
    int error = certificate_keeper_begin(&master->certificates, master->options->config->settings,
                                         master->tickets.keys, &master->log.log);
    return error < 0 ? master_fail(master, error == -ENOMEM ? MASTER_FAULT_SYSTEM : MASTER_FAULT_CERTIFICATES,
                                   error)
                     : 0;
}

static int start_worker(struct master *master, size_t number)
{
    int error = supervisor_start(&master->supervisor, number);
    return error < 0 ? master_fail(master, MASTER_FAULT_SYSTEM, error) : 0;
}

static int master_build(struct master *master)
{
    int error = open_log(master);
    if (error == 0)
        error = take_signals(master);
    if (error == 0)
        error = open_sockets(master);
    if (error == 0)
        error = create_supervisor(master);
    if (error == 0)
        error = make_ticket_keys(master);
    if (error == 0)
        error = load_certificates(master);
    if (error == 0)
        error = start_worker(master, 0);
    return error;
}

static void master_finish(struct master *master)
{
    supervisor_finish(&master->supervisor);
    free(master->pollfds);
    sys_shared_memory_free(master->slots, slots_bytes(master));
    certificate_keeper_end(&master->certificates);
    ticket_keeper_end(&master->tickets);
    sockets_close(&master->sockets, true);
    if (master->signal_fd >= 0) {
        sys_close(master->signal_fd);
        sys_signal_restore(&master->signals_before);
    }
    if (master->log.fd >= 0)
        log_file_close(&master->log);
}

/* Only forward transitions: a stopping master does not run again, and an immediate end does not become a
 * graceful one. */
static void master_set_state(struct master *master, enum master_state state)
{
    assert(state > master->state || (state == MASTER_ENDING && master->state == MASTER_ENDING));
    master->state = state;
}

/* Stopping. */

static void begin_stop(struct master *master)
{
    uint32_t drain_ms = master->options->config->settings->timeouts.drain_ms;
    master_set_state(master, MASTER_STOPPING);
    master->deadline_ms = master_now_ms() + drain_ms + GRACE_MS;
    master->failed_before = master->supervisor.failed;
    notify_service_manager("STOPPING=1");
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
        log_info(&master->log.log, "stopping: requests under way may take %g s",
                 master->options->config->settings->timeouts.drain_ms / 1000.0);
        master->told_to_stop_ms = master_now_ms();
        begin_stop(master);
        break;
    case MASTER_STOPPING:
        if (master_now_ms() - master->told_to_stop_ms >= SAME_STOP_MS)
            end_at_once(master, "told to stop again");
        break;
    case MASTER_ENDING: break;
    }
}

/* What happens from outside. */

static void master_reopen_logs(struct master *master)
{
    int error = log_file_reopen(&master->log);
    if (error < 0)
        log_error(&master->log.log, "cannot reopen the error log %s: %s", master->log.path,
                  error_text(error));
    supervisor_signal(&master->supervisor, SIGUSR1);
}

static void take_hangup(struct master *master, bool from_kernel)
{
    if (from_kernel)
        master_stop(master);
    else
        log_warning(&master->log.log, "SIGHUP: a changed configuration is taken in by a restart");
}

/* By default the signal would silently end the process. The workers inherit that it is blocked. */
static void ignore_signal(struct master *master, int number)
{
    log_warning(&master->log.log, "signal %d (%s) has no meaning here and is ignored", number,
                strsignal(number));
}

static void take_signal(struct master *master, const struct signal_seen *seen)
{
    switch (seen->number) {
    case SIGTERM:
    case SIGINT: master_stop(master); break;
    case SIGHUP: take_hangup(master, seen->from_kernel); break;
    case SIGUSR1: master_reopen_logs(master); break;
    case SLOT_SIGNAL: /* from a worker: keepers_update follows */
        if (!supervisor_has(&master->supervisor, seen->sender))
            ignore_signal(master, seen->number);
        break;
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

static void take_signals_seen(struct master *master)
{
    for (struct signal_seen seen; sys_signal_next(master->signal_fd, &seen);)
        take_signal(master, &seen);
}

static int poll_timeout_ms(const struct master *master)
{
    uint64_t now = master_now_ms();
    if (master->state == MASTER_STOPPING)
        return master->deadline_ms > now ? (int)(master->deadline_ms - now) : 0;
    int due_ms = supervisor_wait_ms(&master->supervisor);
    if (master->state != MASTER_RUNNING)
        return due_ms;
    int look_ms = heartbeat_wait_ms(&master->heartbeat, now);
    return due_ms < 0 ? look_ms : MIN(due_ms, look_ms);
}

static int wait_for_events(struct master *master)
{
    struct pollfd *pollfds = master->pollfds;
    pollfds[0] = (struct pollfd){.fd = master->signal_fd, .events = POLLIN};
    size_t count = supervisor_poll_set(&master->supervisor, pollfds + 1);
    int ready = sys_poll(pollfds, count + 1, poll_timeout_ms(master));
    if (ready < 0)
        return ready;
    supervisor_take_ready(&master->supervisor, pollfds + 1, count);
    if (pollfds[0].revents)
        take_signals_seen(master);
    return 0;
}

/* The states. */

/* A worker that ended before all of them accepted: the server does not start. */
static bool has_failed_to_start(struct master *master)
{
    if (master->supervisor.ended == 0)
        return false;
    master_fail(master, MASTER_FAULT_WORKER, 0);
    begin_stop(master);
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
             master->worker_count, master->options->title, addresses, count > ADDRESSES_SHOWN ? ", ..." : "");
}

static void try_to_run(struct master *master)
{
    if (has_failed_to_start(master) || master->supervisor.ready < master->worker_count)
        return;
    master_set_state(master, MASTER_RUNNING);
    supervisor_keep(&master->supervisor);
    master->log.echoes = false;
    if (!master->log.is_terminal) /* there, the caller has more to say */
        log_start(master);
    if (master->options->on_ready)
        master->options->on_ready(master->options->context, master->sockets.bound,
                                  master->sockets.listener_count);
    notify_service_manager("READY=1");
}

static void try_to_start(struct master *master)
{
    if (has_failed_to_start(master) || master->supervisor.ready == 0)
        return;
    master_set_state(master, MASTER_STARTING);
    for (size_t i = 1; i < master->worker_count; i++) {
        if (start_worker(master, i) < 0) {
            begin_stop(master);
            return;
        }
    }
    try_to_run(master); /* one worker is all there are */
}

static void watch_over(struct master *master)
{
    certificate_keeper_look(&master->certificates, master->slots, master->worker_count);
    supervisor_start_due(&master->supervisor);
    heartbeat_look(&master->heartbeat, master_now_ms());
    ticket_keeper_look(&master->tickets, master_now_ms());
    keepers_update(master->slots, &master->supervisor);
}

static void master_step(struct master *master)
{
    switch (master->state) {
    case MASTER_TRYING: try_to_start(master); break;
    case MASTER_STARTING: try_to_run(master); break;
    case MASTER_RUNNING: watch_over(master); break;
    case MASTER_STOPPING:
        if (master->supervisor.running > 0 && master_now_ms() >= master->deadline_ms)
            end_at_once(master, "requests did not end in time");
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
    unsigned workers = options->config->workers;
    struct master master = {
        .options = options,
        .result = ret_result,
        .worker_count = workers > 0 ? workers : sys_cores(),
        .log.fd = -1,
        .signal_fd = -1,
        .pid = getpid(),
    };
    *ret_result = (struct master_result){0};
    sys_raise_descriptor_limit();
    if (master_build(&master) == 0)
        master_run_until_over(&master);
    master_finish(&master);
    return ret_result->fault == MASTER_FAULT_NONE ? 0 : 1;
}
