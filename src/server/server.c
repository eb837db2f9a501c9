/* The server: what its connections share; its beginning, its settings and its end. Who gets a connection is
 * said by admission.c, who answers a request by dispatch.c. */
#include "server/server_internal.h"

#include "front/admission.h"
#include "front/h1_exchange.h"
#include "serve/error_page.h"
#include "sys/clock.h"
#include "sys/process.h"

#include <errno.h>
#include <stdlib.h>

/* Exchanges beyond one for each connection, for requests that are pipelined: see exchange_pool_is_low. */
#define EXCHANGES_PIPELINED 4096

/* Names that all listings under way hold, some forty bytes each: past it listings are answered 503. */
#define LISTINGS_BYTES_MAX (128u << 20)

/* Fewer connections than this are no crowd. */
#define CROWD_MIN 64

static void drain_is_over(struct timer *timer);

/* These limits hold for connections, whatever settings their requests are served by. */
static void take_limits(struct server *server)
{
    const struct limits *limits = &server_settings(server)->limits;
    /* A connection that was closed to make room has its memory until the end of the turn; with io_uring,
     * which hands the closing over at that end, until the next. */
    size_t closing_max = 2 * (size_t)LISTENER_BATCH * MAX(server->listener_count, 1u);
    server->connections.count_max = limits->connections + closing_max;
    server->exchanges.count_max = limits->connections + EXCHANGES_PIPELINED;
    server->h1_limits = (struct h1_limits){
        .head_bytes = limits->head_bytes,
        .uri_bytes = limits->uri_bytes,
        .fields = limits->fields,
        .body_bytes = limits->body_bytes,
    };
}

int server_create(const struct server_options *options, struct server **ret_server)
{
    struct server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return -ENOMEM;
    server->options = *options;
    server->date_seconds = INT64_MIN;
    for (size_t i = 0; i < ARRAY_LENGTH(server->by_state); i++)
        list_init(&server->by_state[i]);
    job_queue_init(&server->listings, JOB_QUEUE_LISTINGS_MAX);
    server->listing_budget.bytes_max = LISTINGS_BYTES_MAX;
    close_queue_init(&server->close_queue, options->loop);
    timer_init(&server->drain_timer, drain_is_over);
    sys_random(&server->address_key, sizeof(server->address_key));
    int error = snapshot_create(options->settings, options->log, &server->snapshot);
    if (error == 0)
        error =
            file_cache_create(options->loop, &server_settings(server)->limits, options->log, &server->files);
    if (error < 0) {
        snapshot_unref(server->snapshot);
        free(server);
        return error;
    }
    pool_init(&server->connections, sizeof(struct connection), 0);
    pool_init(&server->exchanges, sizeof(struct h1_exchange), 0);
    take_limits(server);
    *ret_server = server;
    return 0;
}

int server_listen(struct server *server, int listening_fd)
{
    int error = admission_listen(server, listening_fd);
    server->listener_count += error == 0;
    take_limits(server);
    return error;
}

const char *server_date(struct server *server)
{
    int64_t now = loop_wall_seconds(server_loop(server));
    if (now != server->date_seconds) {
        server->date_seconds = now;
        http_date_format(server->date, now);
    }
    return server->date;
}

struct slice server_error_page(struct server *server, int status, enum error_page_format format)
{
    assert(status >= 400 && status < 400 + ERROR_STATUS_COUNT);
    struct buffer *page = &server->error_pages[format][status - 400];
    if (page->length == 0) {
        buffer_init(page, ERROR_PAGE_BYTES_MAX);
        error_page_make(status, format, page);
        /* Half a page would stay half for ever. */
        if (page->failed)
            buffer_finish(page);
    }
    return buffer_slice(page);
}

void server_see_changes(struct server *server, bool is_new)
{
    const struct loop *loop = server_loop(server);
    bool is_seen = loop_is_ordered(loop) || server->changes_turn == loop_turn(loop);
    if (is_seen && !is_new)
        return;
    server->changes_turn = loop_turn(loop);
    file_cache_poll(server->files);
}

static void tell_drained(struct server *server)
{
    if (server->options.on_drained)
        server->options.on_drained(server->options.context);
}

/* A crowd has gone: what it needed at its peak is not kept. The time that this takes is paid for by those
 * that have gone since the last time. */
static void give_memory_back(struct server *server)
{
    if (server->connections_peak < CROWD_MIN || server->connections.count > server->connections_peak / 4)
        return;
    server->connections_peak = server->connections.count;
    pool_trim(&server->connections);
    pool_trim(&server->exchanges);
    sys_give_memory_back();
}

void server_connection_gone(struct server *server, struct connection *connection)
{
    if (connection->is_counted)
        admission_release(server, &connection->peer);
    pool_put(&server->connections, connection);
    give_memory_back(server);
    if (server->connections.count == 0 && server->is_draining)
        tell_drained(server);
}

static void drain_is_over(struct timer *timer)
{
    struct server *server = CONTAINER_OF(timer, struct server, drain_timer);
    if (server_counters(server)->connections_open > 0)
        log_warning(server->options.log, "%llu connections were still open at the end of the drain time",
                    (unsigned long long)server_counters(server)->connections_open);
    tell_drained(server);
}

void server_drain(struct server *server)
{
    if (server->is_draining)
        return;
    server->is_draining = true;
    admission_end(server);
    for (size_t i = 0; i < ARRAY_LENGTH(server->by_state); i++) {
        LIST_FOREACH_SAFE(link, &server->by_state[i])
            connection_drain(CONTAINER_OF(link, struct connection, link));
    }
    if (server->connections.count == 0)
        tell_drained(server);
    else
        wheel_arm(loop_wheel(server_loop(server)), &server->drain_timer,
                  server_settings(server)->timeouts.drain_ms);
}

static void retire_roots(struct server *server, struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->root_count; i++)
        file_cache_retire_root(server->files, &snapshot->roots[i]);
}

int server_set_settings(struct server *server, struct settings *settings)
{
    struct snapshot *snapshot;
    int error = snapshot_create(settings, server->options.log, &snapshot);
    if (error < 0)
        return error;
    struct snapshot *old = server->snapshot;
    retire_roots(server, old);
    snapshot_unref(old);
    server->snapshot = snapshot;
    take_limits(server);
    file_cache_set_limits(server->files, &server_settings(server)->limits);
    return 0;
}

static void abort_all(struct list *connections)
{
    while (!list_is_empty(connections))
        connection_abort(CONTAINER_OF(connections->next, struct connection, link), OUTCOME_SHUTDOWN);
}

void server_destroy(struct server *server)
{
    if (server == NULL)
        return;
    admission_finish(server);
    timer_disarm(&server->drain_timer);
    for (size_t i = 0; i < ARRAY_LENGTH(server->by_state); i++)
        abort_all(&server->by_state[i]);
    loop_settle(server_loop(server));
    if (server->spare)
        exchange_end(server->spare);
    for (size_t i = 0; i < ERROR_STATUS_COUNT; i++) {
        buffer_finish(&server->error_pages[ERROR_PAGE_HTML][i]);
        buffer_finish(&server->error_pages[ERROR_PAGE_JSON][i]);
    }
    close_queue_finish(&server->close_queue);
    retire_roots(server, server->snapshot);
    file_cache_destroy(server->files);
    snapshot_unref(server->snapshot);
    map_finish(&server->addresses);
    pool_finish(&server->connections);
    pool_finish(&server->exchanges);
    free(server);
}
