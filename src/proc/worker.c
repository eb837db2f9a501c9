/* What a worker builds, in order, and takes down in the opposite one. worker_end accepts a worker that was
 * built halfway. */
#include "proc/worker_internal.h"

#include "base/error.h"
#include "conf/load.h"
#include "server/certificates.h"
#include "server/server.h"
#include "sys/output.h"
#include "sys/process.h"
#include "sys/signal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static void on_stall(void *context, uint64_t duration_us, struct slice doing)
{
    struct worker *worker = context;
    worker->counters->stalls++;
    uint64_t count = line_limit_add(&worker->stall_lines, loop_clock_us(worker->loop));
    if (count == 1)
        log_warning(worker->log, "stalled for %" PRIu64 " ms while %.*s", duration_us / 1000,
                    SLICE_ARGS(doing));
    else if (count > 1)
        log_warning(worker->log,
                    "stalled for %" PRIu64 " ms while %.*s (%" PRIu64 " stalls since the last report)",
                    duration_us / 1000, SLICE_ARGS(doing), count);
}

int worker_open_access_log(const struct worker *worker, const struct config *config)
{
    return worker_open_log(worker, config->access_log.path);
}

int worker_create_access_log(struct worker *worker, const struct config *config, int fd)
{
    struct access_log_options options = {
        .loop = worker->loop,
        .fd = fd,
        .format = (enum access_log_format)config->access_log.format,
        .template = config->access_log.template,
        .counters = worker->counters,
        .errors = worker->log,
    };
    int error = access_log_create(&options, &worker->access_log);
    if (error == 0)
        access_log_set_sample(worker->access_log, config->access_log.sample);
    return error;
}

static int create_site_logs(struct worker *worker)
{
    return worker_add_site_logs(worker, worker->config->settings);
}

static int create_access_log(struct worker *worker)
{
    if (worker->config->access_log.path.length == 0)
        return 0;
    int fd = worker_open_access_log(worker, worker->config);
    return fd < 0 ? fd : worker_create_access_log(worker, worker->config, fd);
}

static void worker_reopen_logs(struct worker *worker)
{
    struct log_file *file = worker->options->log;
    int error = log_file_reopen(file);
    if (error < 0)
        log_error(worker->log, "cannot reopen the error log %s: %s", file->path, error_text(error));
    bool has_path = worker->config->access_log.path.length > 0;
    int fd = has_path ? worker_open_access_log(worker, worker->config) : -1;
    if (fd >= 0)
        access_log_set_fd(worker->access_log, fd);
    worker_reopen_site_logs(worker);
}

static void tell_leaving(struct worker *worker)
{
    worker->options->slots[worker->options->number].is_leaving = true;
    worker_call_master(worker);
}

static bool may_end_sockets(const struct worker *worker, size_t listener)
{
    uint64_t left = worker->options->slots[worker->options->number].left;
    return !worker->sockets.activated[listener] && (left >> listener & 1) == 0;
}

static void end_sockets_of(struct worker *worker, size_t number)
{
    for (size_t i = 0; i < worker->sockets.listener_count && worker->keeps[number]; i++) {
        if (may_end_sockets(worker, i))
            sys_listen_end(sockets_fd(&worker->sockets, i, number));
    }
}

static bool is_retired(const struct worker *worker)
{
    return worker->options->slots[worker->options->number].is_retired;
}

/* A worker that is not needed any more has as much time as its requests take, until the master stops and
 * tells it again. When the master itself stops (it does not only need fewer workers), nobody will ever accept
 * again from this worker's sockets: whoever connects from now on had better be refused at once than left
 * waiting, and the next vif can have the port at once. Sockets that another vif or the service manager has go
 * on. A SIGTERM from elsewhere is for this worker alone: another one accepts in its place until its successor
 * does. */
static void worker_stop(struct worker *worker, bool with_sockets)
{
    const struct sockets *sockets = &worker->sockets;
    bool has_deadline = !is_retired(worker) || worker->is_leaving;
    worker->is_leaving = true;
    if (worker->options->slots[worker->options->number].left != 0)
        server_be_patient(worker->server);
    if (has_deadline)
        server_drain(worker->server);
    else
        server_drain_without_deadline(worker->server);
    for (size_t i = 0; i < sockets->worker_count && with_sockets; i++)
        end_sockets_of(worker, i);
    tell_leaving(worker); /* last: a reload has ended then, and nobody may be answered by former settings */
}

/* Starts or stops accepting from the sockets of a slot. Sockets shared by all workers are already its own. */
int worker_keep(struct worker *worker, size_t number, bool keeps)
{
    const struct sockets *sockets = &worker->sockets;
    bool is_own = number == worker->options->number;
    int error = 0;
    for (size_t i = 0; i < sockets->listener_count && error == 0; i++) {
        int fd = sockets_fd(sockets, i, number);
        if (!is_own && sockets_is_shared(sockets, i))
            continue;
        if (keeps)
            error = server_listen(worker->server, fd, (unsigned)i, certificates_of(worker->certificates, i));
        else
            server_unlisten(worker->server, fd);
    }
    worker->keeps[number] = keeps;
    return error;
}

/* A worker never stops accepting from its own sockets: another accepts in its place only while it cannot. */
static void look_at_slots(struct worker *worker)
{
    size_t number = worker->options->number;
    struct slot *slots = worker->options->slots;
    slots[number].answered = slots[number].asked;
    for (size_t i = 0; i < worker->sockets.worker_count && !worker->is_leaving; i++) {
        bool keeps = i == number || slots[i].keeper == number;
        int error = keeps != worker->keeps[i] ? worker_keep(worker, i, keeps) : 0;
        if (error < 0)
            log_error(worker->log, "cannot accept in place of another worker: %s", error_text(error));
    }
}

static void on_signal(struct watch *watch, unsigned events)
{
    (void)events;
    struct worker *worker = CONTAINER_OF(watch, struct worker, signals);
    for (struct signal_seen seen; sys_signal_next(watch->fd, &seen);) {
        if (seen.number == SIGUSR1)
            worker_reopen_logs(worker);
        else if (seen.number == SLOT_SIGNAL)
            look_at_slots(worker);
        else
            worker_stop(worker, seen.sender == worker->options->master && !is_retired(worker));
    }
}

static const struct watch_events signal_events = {.on_ready = on_signal, .name = "handling a signal"};

/* The signals are blocked already, in the master; those that are for the master alone are ignored: a terminal
 * sends them to every process. */
static int watch_signals(struct worker *worker)
{
    sys_signal_ignore(SIGINT);
    sys_signal_ignore(SIGHUP);
    sigset_t signals = sys_signal_set(SIGTERM, SIGUSR1, SLOT_SIGNAL, 0);
    sys_signal_block(&signals, NULL);
    int fd = sys_signal_open(&signals);
    if (fd < 0)
        return fd;
    worker->signals = (struct watch){.events = &signal_events, .fd = fd};
    return watch_start(worker->loop, &worker->signals, WATCH_LEVEL);
}

static void on_drained(void *context)
{
    loop_stop(context);
}

/* The master then reads the same: a worker that is replaced begins with it, whatever becomes of the files. */
static void on_renewed(void *context)
{
    struct worker *worker = context;
    worker->options->slots[worker->options->number].renewals++;
    worker_call_master(worker);
}

static int create_certificates(struct worker *worker)
{
    struct certificates_options options = {
        .loop = worker->loop,
        .log = worker->log,
        .tickets = worker->options->tickets,
        .is_speaker = worker->options->number == 0,
        .on_renewed = on_renewed,
        .context = worker,
    };
    return certificates_create(&options, worker->options->contexts, &worker->certificates);
}

static int create_server(struct worker *worker)
{
    offences_init(&worker->offences, loop_wheel(worker->loop), worker_report_offences, worker);
    struct server_options options = {
        .loop = worker->loop,
        .settings = worker->config->settings,
        .counters = worker->counters,
        .workers = {.first = &worker->options->slots->counters,
                    .stride = sizeof(struct slot),
                    .count = worker->sockets.worker_count},
        .board = worker->options->board,
        .shield = worker->options->shield,
        .offences = &worker->offences,
        .reloads = worker->options->reloads,
        .worker = worker->options->number,
        .log = worker->log,
        .access_log = worker->access_log,
        .site_logs = &worker->site_logs,
        .certificates = worker->certificates,
        .on_drained = on_drained,
        .context = worker->loop,
    };
    return server_create(&options, &worker->server);
}

static int worker_start_listening(struct worker *worker)
{
    worker->keeps = calloc(worker->sockets.worker_count, sizeof(*worker->keeps));
    if (worker->keeps == NULL)
        return -ENOMEM;
    int error = worker_keep(worker, worker->options->number, true);
    if (error == 0)
        look_at_slots(worker); /* the one before may have accepted in others' place */
    return error;
}

static int create_loop(struct worker *worker)
{
    struct loop_options options = {
        .backend = worker->config->backend,
        .on_stall = on_stall,
        .context = worker,
    };
    int error = loop_create(&options, &worker->loop);
    if (error == 0 && worker->options->number == 0 && loop_fallback_reason(worker->loop))
        log_warning(worker->log, "%s is not available (%s): %s is used", loop_backend_names[options.backend],
                    loop_fallback_reason(worker->loop), loop_backend_name(worker->loop));
    return error;
}

static int attach_log(struct worker *worker)
{
    return log_file_attach(worker->options->log, worker->loop, worker->counters);
}

/* `says_why`: whoever failed has logged it. */
static const struct step {
    int (*build)(struct worker *worker);
    const char *what;
    bool says_why;
} steps[] = {
    {create_loop, "the event loop", false},
    {watch_signals, "the watch on signals", false},
    {create_access_log, "the access log", true},
    {create_site_logs, "the access logs of sites", true},
    {create_certificates, "TLS", false},
    {create_server, "the server", true},
    {worker_start_listening, "the listeners", false},
    {worker_watch_channel, "the channel to the master", false},
    {attach_log, "the error log", false}, /* last: the others' errors are seen where the server was started */
};

static int worker_build(struct worker *worker)
{
    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        int error = steps[i].build(worker);
        if (error < 0 && !steps[i].says_why)
            log_error(worker->log, "cannot start %s: %s", steps[i].what, error_text(error));
        if (error < 0)
            return error;
    }
    return 0;
}

static void worker_end(struct worker *worker)
{
    if (worker->signals.fd >= 0) {
        watch_stop(worker->loop, &worker->signals);
        sys_close(worker->signals.fd);
    }
    server_destroy(worker->server);
    offences_finish(&worker->offences);
    worker_close_channel(worker);
    certificates_destroy(worker->certificates);
    access_log_destroy(worker->access_log);
    access_log_set_finish(&worker->site_logs);
    log_file_detach(worker->options->log);
    loop_destroy(worker->loop);
    free(worker->keeps);
    sockets_close(&worker->sockets, false);
    config_destroy(worker->config);
}

int worker_run(const struct worker_options *options)
{
    struct worker worker = {
        .options = options,
        .config = options->config,
        .sockets = *options->sockets,
        .log = &options->log->log,
        .counters = &options->slots[options->number].counters,
        .signals.fd = -1,
        .channel.fd = options->ends.socket_fd,
    };
    int error = worker_build(&worker);
    if (error == 0 && sys_end_with_parent(options->master, SIGTERM)) {
        log_file_take_standard_error(options->log, options->standard_error);
        sys_pipe_put(options->ready_fd);
        error = loop_run(worker.loop);
        if (error < 0)
            log_error(worker.log, "the event loop failed: %s", error_text(error));
    }
    sys_close(options->ready_fd);
    worker_end(&worker);
    return error < 0 ? 1 : 0;
}
