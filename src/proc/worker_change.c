/* A worker takes a new generation: it opens what it needs (folders, certificates, log files), and only if all
 * of it is there, everything changes between two callbacks of the loop. Then it answers the master. */
#include "proc/worker_internal.h"

#include "base/buffer.h"
#include "base/error.h"
#include "conf/load.h"
#include "log/log_file.h"
#include "loop/loop.h"
#include "server/server.h"
#include "sys/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the answer ---- */

/* Until a verdict is sent again for which the master's pipe had no room. */
#define VERDICT_AGAIN_MS 50

/* The master asks for nothing else before it has the answer. */
static void send_verdict(struct worker *worker)
{
    int error = channel_answer(worker->options->ends.pipe_fd, &worker->verdict);
    if (error == -EAGAIN)
        wheel_arm(loop_wheel(worker->loop), &worker->verdict_timer, VERDICT_AGAIN_MS);
    else if (error < 0)
        log_error(worker->log, "cannot answer the master process: %s", error_text(error));
}

static void on_verdict_time(struct timer *timer)
{
    send_verdict(CONTAINER_OF(timer, struct worker, verdict_timer));
}

static void answer_master(struct worker *worker, int error, const char *why)
{
    struct worker_change *change = &worker->change;
    worker->verdict = (struct channel_message){
        .kind = CHANNEL_VERDICT,
        .verdict =
            {
                .generation = change->generation,
                .error = error,
                .duration_ms = (unsigned)(loop_now_ms(worker->loop) - change->began_ms),
            },
    };
    snprintf(worker->verdict.verdict.text, sizeof(worker->verdict.verdict.text), "%s", error ? why : "");
    send_verdict(worker);
}

/* If it has much to read, it will look at them anyway. */
void worker_call_master(const struct worker *worker)
{
    struct channel_message message = {.kind = CHANNEL_LOOK};
    int error = channel_answer(worker->options->ends.pipe_fd, &message);
    (void)error;
}

bool worker_report_offences(void *context, const struct offence *list, size_t count)
{
    const struct worker *worker = context;
    struct channel_message message = {.kind = CHANNEL_OFFENCES, .offences.count = (unsigned)count};
    memcpy(message.offences.list, list, count * sizeof(*list));
    return channel_answer(worker->options->ends.pipe_fd, &message) != -EAGAIN;
}

/* ---- log files ---- */

static void worker_change_close(int *fd)
{
    if (*fd >= 0)
        sys_close(*fd);
    *fd = -1;
}

static bool is_same_access_log(const struct worker *worker, const struct config *next)
{
    return worker->access_log && slice_equal(worker->config->access_log.path, next->access_log.path);
}

static int open_logs(struct worker *worker, const struct config *next)
{
    struct worker_change *change = &worker->change;
    if (next->access_log.path.length > 0 && !is_same_access_log(worker, next)) {
        change->access_fd = worker_open_access_log(worker, next);
        if (change->access_fd < 0)
            return change->access_fd;
    }
    int error = worker_add_site_logs(worker, next->settings);
    if (error < 0)
        return error;
    if (slice_equal(worker->config->error_log.path, next->error_log.path))
        return 0;
    change->error_fd = log_file_open_path(next->error_log.path);
    if (change->error_fd >= 0)
        return 0;
    log_error(worker->log, "cannot open the error log %.*s: %s", SLICE_ARGS(next->error_log.path),
              error_text(change->error_fd));
    return change->error_fd;
}

/* A log that is turned off stays, without new lines, until it is turned on again or the worker ends. */
static void take_access_log(struct worker *worker, const struct config *next)
{
    int fd = worker->change.access_fd;
    worker->change.access_fd = -1;
    if (worker->access_log && fd >= 0)
        access_log_set_fd(worker->access_log, fd);
    else if (fd >= 0 && worker_create_access_log(worker, next, fd) < 0)
        log_error(worker->log, "requests are not logged: out of memory");
    if (worker->access_log)
        access_log_set_format(worker->access_log, (enum access_log_format)next->access_log.format,
                              next->access_log.template);
    if (worker->access_log)
        access_log_set_sample(worker->access_log, next->access_log.sample);
    worker_format_site_logs(worker, next->settings);
    server_set_access_log(worker->server, next->access_log.path.length > 0 ? worker->access_log : NULL);
}

static void take_logs(struct worker *worker, const struct config *next)
{
    int fd = worker->change.error_fd;
    worker->change.error_fd = -1;
    take_access_log(worker, next);
    int error = log_file_move(worker->options->log, next->error_log.path, next->error_log.level, fd);
    if (error < 0)
        log_error(worker->log, "the error log stays where it is: %s", error_text(error));
}

/* ---- sockets ---- */

static void drop_arrivals(struct worker *worker)
{
    for (size_t i = 0; i < worker->arrival_count; i++)
        worker_change_close(&worker->arrivals[i].fd);
    free(worker->arrivals);
    worker->arrivals = NULL;
    worker->arrival_count = 0;
}

/* Without memory the change that the sockets belong to finds that they are missing. */
static void take_arrivals(struct worker *worker, struct channel_received *received)
{
    const struct channel_sockets *message = &received->message.sockets;
    size_t count = worker->arrival_count + received->fd_count;
    struct worker_arrival *arrivals = realloc(worker->arrivals, count * sizeof(*arrivals));
    if (arrivals == NULL)
        return;
    worker->arrivals = arrivals;
    for (size_t i = 0; i < received->fd_count; i++)
        arrivals[worker->arrival_count++] = (struct worker_arrival){
            .listener = message->listener,
            .worker = message->first + (unsigned)i,
            .bound = message->bound,
            .fd = received->fds[i],
        };
    received->fd_count = 0;
}

static int prepare_sockets(struct worker *worker, size_t worker_count)
{
    struct worker_change *change = &worker->change;
    const struct settings *next = change->config->settings;
    struct listener_numbers numbers = listener_numbers_between(worker->config->settings, next);
    int error = sockets_allocate(&change->sockets, next->listener_count, worker_count);
    if (error < 0)
        return error;
    sockets_keep(&change->sockets, &worker->sockets, &numbers);
    for (size_t i = 0; i < worker->arrival_count; i++) {
        struct worker_arrival *arrival = &worker->arrivals[i];
        if (sockets_put(&change->sockets, arrival->listener, arrival->worker, &arrival->bound, arrival->fd))
            arrival->fd = -1;
    }
    drop_arrivals(worker);
    return sockets_are_complete(&change->sockets) ? 0 : -EPROTO;
}

static int make_room_for_workers(struct worker *worker, size_t worker_count)
{
    bool *keeps = realloc(worker->keeps, worker_count * sizeof(*keeps));
    if (keeps == NULL)
        return -ENOMEM;
    for (size_t i = worker->sockets.worker_count; i < worker_count; i++)
        keeps[i] = false;
    worker->keeps = keeps;
    return 0;
}

/* Those that are in the queue of a socket which is gone are served: they were connected before the change. */
static void retire_sockets(struct worker *worker, struct sockets *left)
{
    for (size_t i = 0; i < left->listener_count * left->worker_count; i++) {
        if (left->fds[i] >= 0)
            server_retire(worker->server, left->fds[i]);
    }
    sockets_close(left, false);
}

/* Every socket is listened on anew: a new one, and one that has another number or uses TLS otherwise. */
static void take_sockets(struct worker *worker)
{
    struct sockets left;
    size_t kept_count = worker->sockets.worker_count;
    sockets_replace(&worker->sockets, &worker->change.sockets, &left);
    retire_sockets(worker, &left);
    server_set_worker_count(worker->server, worker->sockets.worker_count);
    for (size_t i = 0; i < kept_count; i++) {
        int error = worker->keeps[i] ? worker_keep(worker, i, true) : 0;
        if (error < 0)
            log_error(worker->log, "cannot listen on a socket of the new settings: %s", error_text(error));
    }
}

/* ---- the change ---- */

static void worker_change_refuse(struct worker *worker, int error, const char *why)
{
    struct worker_change *change = &worker->change;
    answer_master(worker, error, why);
    worker_change_close(&change->access_fd);
    worker_change_close(&change->error_fd);
    sockets_give_up(&worker->sockets, &change->sockets);
    drop_arrivals(worker);
    config_destroy(change->config);
    change->config = NULL;
}

static void worker_change_fail(struct worker *worker, int error, const struct server_verdict *verdict)
{
    struct buffer why;
    buffer_init(&why, CHANNEL_TEXT_MAX);
    for (size_t i = 0; i < verdict->fault_count; i++)
        buffer_printf(&why, "%scannot open the folder %.*s: %s", i > 0 ? "; " : "",
                      SLICE_ARGS(verdict->faults[i].path), error_text(verdict->faults[i].error));
    if (verdict->fault_count == 0)
        buffer_printf(&why, "%s",
                      error == ERROR_REFUSED ? "a certificate cannot be used: the error log says why"
                                             : error_text(error));
    buffer_append_byte(&why, '\0');
    worker_change_refuse(worker, error, why.failed ? "several folders cannot be opened" : why.data);
    buffer_finish(&why);
}

static void on_settings_changed(void *context, const struct server_verdict *verdict)
{
    struct worker *worker = context;
    struct config *next = worker->change.config;
    if (verdict->error != 0) {
        worker_change_fail(worker, verdict->error, verdict);
        return;
    }
    take_logs(worker, next);
    take_sockets(worker);
    answer_master(worker, 0, NULL);
    worker->change.config = NULL;
    config_destroy(worker->config);
    worker->config = next;
}

static void begin_change(struct worker *worker, const struct channel_change *message, int memory_fd)
{
    struct worker_change *change = &worker->change;
    struct generations *generations = worker->options->generations;
    *change = (struct worker_change){
        .generation = message->generation,
        .began_ms = loop_now_ms(worker->loop),
        .access_fd = -1,
        .error_fd = -1,
    };
    int error = generation_ensure(generations, message->room, memory_fd);
    if (error == 0) {
        error = generation_open(generations, message->room, &change->config);
        if (error < 0 && generations->uses[message->room] == 0)
            generation_unmap(generations, message->room);
    }
    const char *why = error_text(error);
    if (error == 0) {
        error = open_logs(worker, change->config);
        why = "cannot open a log file: the error log says why";
    }
    if (error == 0) {
        error = prepare_sockets(worker, message->worker_count);
        if (error == 0)
            error = make_room_for_workers(worker, message->worker_count);
        why = error_text(error);
    }
    if (error < 0) {
        worker_change_refuse(worker, error, why);
        return;
    }
    assert(change->config != NULL);
    server_change(worker->server, change->config->settings, on_settings_changed, worker);
}

/* ---- the channel ---- */

static void worker_take_message(struct worker *worker, struct channel_received *received)
{
    const struct channel_message *message = &received->message;
    bool is_change = message->kind == CHANNEL_CHANGE && received->fd_count == 1;
    if (is_change && worker->change.config == NULL && !worker->is_leaving)
        begin_change(worker, &message->change, received->fds[0]);
    else if (message->kind == CHANNEL_SOCKETS && worker->change.config == NULL)
        take_arrivals(worker, received);
    channel_drop(received);
}

static void on_channel(struct watch *watch, unsigned events)
{
    (void)events;
    struct worker *worker = CONTAINER_OF(watch, struct worker, channel);
    struct channel_received received;
    int error;
    while ((error = channel_receive(watch->fd, &received)) == 0)
        worker_take_message(worker, &received);
    if (error != -EAGAIN)
        watch_stop(worker->loop, watch); /* the master is gone: its signal follows */
}

static const struct watch_events channel_events = {.on_ready = on_channel, .name = "taking new settings"};

int worker_watch_channel(struct worker *worker)
{
    worker->channel.events = &channel_events;
    timer_init(&worker->verdict_timer, on_verdict_time);
    return watch_start(worker->loop, &worker->channel, WATCH_LEVEL);
}

void worker_close_channel(struct worker *worker)
{
    if (worker->channel.events) {
        watch_stop(worker->loop, &worker->channel);
        timer_disarm(&worker->verdict_timer);
    }
    sys_close(worker->options->ends.socket_fd);
    sys_close(worker->options->ends.pipe_fd);
    drop_arrivals(worker);
}
