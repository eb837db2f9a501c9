/* The server combines the otherwise independent parts: the handlers, the service that calls them, and the
 * front that talks to clients. */
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

/* What answers each kind of route. */
static int register_handlers(struct server *server)
{
    struct service *service = &server->service;
    service->handlers[ROUTE_REDIRECT] = (struct handler){.type = &redirect_handler};
    service->handlers[ROUTE_RESPOND] = (struct handler){.type = &fixed_handler};
    return files_handler_init(&server->files, service, &service_settings(service)->limits);
}

int server_create(const struct server_options *options, struct server **ret_server)
{
    struct server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return -ENOMEM;
    server->options = *options;
    timer_init(&server->drain_timer, drain_is_over);
    struct service *service = &server->service;
    service_init(service, options->loop, options->log, options->counters, FRONT_EXCHANGE_BYTES);
    service->access_log = options->access_log;
    root_table_init(&server->roots, &server->files.close_queue);
    int error = settings_change_begin(server);
    if (error == 0)
        error = register_handlers(server);
    if (error < 0) {
        close_queue_finish(&server->files.close_queue);
        snapshot_unref(service->snapshot);
        root_table_finish(&server->roots);
        free(server);
        return error;
    }
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
    front_unlisten(&server->front, listening_fd);
}

void server_drain(struct server *server)
{
    if (server->front.is_draining)
        return;
    wheel_arm(loop_wheel(server->options.loop), &server->drain_timer,
              service_settings(&server->service)->timeouts.drain_ms);
    front_drain(&server->front);
}

void server_destroy(struct server *server)
{
    if (server == NULL)
        return;
    timer_disarm(&server->drain_timer);
    settings_change_give_up(server);
    front_abort(&server->front);
    loop_settle(server->options.loop);
    files_handler_finish(&server->files, server->service.snapshot);
    service_finish(&server->service);
    snapshot_unref(server->service.snapshot);
    root_table_finish(&server->roots);
    front_finish(&server->front);
    free(server);
}
