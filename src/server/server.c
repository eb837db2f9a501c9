/* The server combines the otherwise independent parts: the handlers, the service that calls them, and the
 * front that talks to clients. */
#include "server/certificates.h"
#include "server/server_internal.h"
#include "server/settings_change.h"

#include "handlers/handlers.h"

#include <errno.h>
#include <stdlib.h>

static struct server *server_of_front(struct front *front)
{
    return CONTAINER_OF(front, struct server, front);
}

static void tell_drained(struct server *server)
{
    timer_disarm(&server->drain_timer);
    if (server->options.on_drained && !server->has_told_drained)
        server->options.on_drained(server->options.context);
    server->has_told_drained = true;
}

static void on_front_drained(struct front *front)
{
    tell_drained(server_of_front(front));
}

static void drain_is_over(struct timer *timer)
{
    struct server *server = CONTAINER_OF(timer, struct server, drain_timer);
    uint64_t open = server->service.counters->connections_open;
    if (open > 0)
        log_warning(server->options.log, "%llu connections were still open at the end of the drain time",
                    (unsigned long long)open);
    tell_drained(server);
}

/* What answers each kind of route, except the proxy, which needs the settings in force. */
static int register_handlers(struct server *server)
{
    struct service *service = &server->service;
    service->handlers[ROUTE_REDIRECT] = (struct handler){.type = &redirect_handler};
    service->handlers[ROUTE_RESPOND] = (struct handler){.type = &fixed_handler};
    service->handlers[ROUTE_ADMIN] = (struct handler){.type = &admin_handler, .state = &server->admin};
    return files_handler_init(&server->files, service, &server->options.settings->limits);
}

static bool has_begun_draining(const void *context)
{
    const struct server *server = context;
    return server->front.is_draining;
}

static bool server_certificate(const void *context, size_t number, struct admin_certificate *ret_certificate)
{
    const struct server *server = context;
    struct certificate_in_use used;
    if (!certificates_next(server->options.certificates, number, &used))
        return false;
    *ret_certificate = (struct admin_certificate){.file = used.file, .expires = used.expires};
    return true;
}

static void init_admin(struct server *server)
{
    struct counters_view own = {.first = server->options.counters, .count = 1};
    guard_init(&server->guard);
    server->admin = (struct admin){
        .guard = &server->guard,
        .workers = server->options.workers.count > 0 ? server->options.workers : own,
        .board = server->options.board,
        .shield = server->options.shield,
        .reloads = server->options.reloads,
        .certificate = server_certificate,
        .began_seconds = loop_wall_seconds(server->options.loop),
        .is_draining = has_begun_draining,
        .context = server,
    };
}

int server_create(const struct server_options *options, struct server **ret_server)
{
    assert(options->loop != NULL && options->settings != NULL && options->counters != NULL);
    struct server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return -ENOMEM;
    server->options = *options;
    timer_init(&server->drain_timer, drain_is_over);
    struct service *service = &server->service;
    service_init(service, options->loop, options->log, options->counters, FRONT_EXCHANGE_BYTES);
    service->access_log = options->access_log;
    service->site_logs = options->site_logs;
    service->remotes = certificates_remotes(options->certificates);
    service->offences = options->offences;
    init_admin(server);
    int error = register_handlers(server);
    root_table_init(&server->roots, &server->files.close_queue,
                    error < 0 ? NULL : file_cache_notifier(server->files.cache));
    if (error == 0)
        error = settings_change_begin(server);
    if (error < 0) {
        loop_finish_jobs(options->loop);
        files_handler_finish(&server->files, NULL);
        guard_finish(&server->guard);
        root_table_finish(&server->roots);
        free(server);
        return error;
    }
    proxy_handler_init(&server->proxy, service, options->board, options->worker);
    front_init(&server->front, service, on_front_drained);
    *ret_server = server;
    return 0;
}

int server_listen(struct server *server, int listening_fd, unsigned number, const struct tls_listener *tls)
{
    return front_listen(&server->front, listening_fd, number, tls);
}

void server_unlisten(struct server *server, int listening_fd)
{
    front_unlisten(&server->front, listening_fd, false);
}

void server_retire(struct server *server, int listening_fd)
{
    front_unlisten(&server->front, listening_fd, true);
}

void server_set_access_log(struct server *server, struct access_log *access_log)
{
    server->service.access_log = access_log;
}

void server_set_worker_count(struct server *server, size_t count)
{
    server->admin.workers.count = count;
}

void server_drain(struct server *server)
{
    if (!timer_is_armed(&server->drain_timer) && !server->has_told_drained)
        wheel_arm(loop_wheel(server->options.loop), &server->drain_timer,
                  service_settings(&server->service)->timeouts.drain_ms);
    server_drain_without_deadline(server);
}

void server_drain_without_deadline(struct server *server)
{
    if (!server->front.is_draining)
        front_drain(&server->front);
}

void server_be_patient(struct server *server)
{
    server->front.drain_idle_ms = FRONT_DRAIN_IDLE_MS_PATIENT;
}

void server_destroy(struct server *server)
{
    if (server == NULL)
        return;
    timer_disarm(&server->drain_timer);
    settings_change_give_up(server);
    front_abort(&server->front);
    proxy_handler_close(&server->proxy);
    loop_finish_jobs(server->options.loop);
    proxy_handler_finish(&server->proxy);
    files_handler_finish(&server->files, server->service.snapshot);
    guard_finish(&server->guard);
    service_finish(&server->service);
    snapshot_unref(server->service.snapshot);
    root_table_finish(&server->roots);
    front_finish(&server->front);
    free(server);
}
