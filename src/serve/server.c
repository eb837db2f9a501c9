/* The server: what its connections share, and the way of a request to its handler. */
#include "serve/server_internal.h"

#include "http/uri.h"
#include "serve/handlers.h"
#include "sys/address.h"
#include "sys/clock.h"

#include <errno.h>
#include <stdlib.h>

/* Requests that are handled or answered at once, in all connections of the worker: each connection has one,
 * or a batch of pipelined ones. */
#define EXCHANGES_PER_CONNECTION 4

/* A connection that was closed to make room has its memory until the end of the turn. */
#define CONNECTIONS_CLOSING 64

struct address_count {
    struct map_link link;
    struct peer peer;
    uint32_t count;
};

static const struct listener_events server_listener_events;
static void drain_is_over(struct timer *timer);

/* The engine's limits hold for a connection, whatever settings its requests are served by. */
static void take_limits(struct server *server)
{
    const struct limits *limits = &server_settings(server)->limits;
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
    list_init(&server->idle);
    list_init(&server->busy);
    timer_init(&server->drain_timer, drain_is_over);
    sys_random(&server->address_key, sizeof(server->address_key));
    int error = snapshot_create(options->settings, options->log, &server->snapshot);
    if (error == 0)
        error = file_cache_create(options->loop, &server_settings(server)->limits, &server->files);
    if (error < 0) {
        snapshot_unref(server->snapshot);
        free(server);
        return error;
    }
    size_t connections_max = server_settings(server)->limits.connections;
    pool_init(&server->connections, sizeof(struct connection), connections_max + CONNECTIONS_CLOSING);
    pool_init(&server->exchanges, sizeof(struct exchange), connections_max * EXCHANGES_PER_CONNECTION);
    take_limits(server);
    *ret_server = server;
    return 0;
}

int server_listen(struct server *server, int listening_fd)
{
    struct server_listener *listener = calloc(1, sizeof(*listener));
    if (listener == NULL)
        return -ENOMEM;
    listener->server = server;
    int error =
        listener_start(&listener->listener, server_loop(server), listening_fd, &server_listener_events);
    if (error < 0) {
        free(listener);
        return error;
    }
    listener->next = server->listeners;
    server->listeners = listener;
    return 0;
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

/* ---- accepting ---- */

bool server_shed_idle(struct server *server)
{
    if (list_is_empty(&server->idle))
        return false;
    struct connection *oldest = CONTAINER_OF(server->idle.next, struct connection, link);
    server_counters(server)->connections_shed++;
    connection_abort(oldest);
    return true;
}

static const char refusal_text[] =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    "Content-Type: text/plain\r\nContent-Length: 32\r\n\r\n"
    "Too many connections, try again\n";

/* Says no in one write, without a connection to say it with. */
static void turn_away(struct server *server, int fd)
{
    struct iovec piece = {.iov_base = (char *)refusal_text, .iov_len = sizeof(refusal_text) - 1};
    char request[2048];
    server_counters(server)->connections_refused++;
    /* What the client sent already is taken out of the socket: closing over it would send RST, and RST would
     * take the answer out of the client's hands. */
    ssize_t received = sys_recv(fd, request, sizeof(request));
    ssize_t sent = sys_send(fd, &piece, 1, false);
    (void)received, (void)sent;
    sys_shutdown_send(fd);
}

static void on_accept(struct listener *listener, int fd, const struct address *address)
{
    struct server *server = CONTAINER_OF(listener, struct server_listener, listener)->server;
    const struct limits *limits = &server_settings(server)->limits;
    struct counters *counters = server_counters(server);
    counters->connections_accepted++;
    bool has_room = counters->connections_open < limits->connections || server_shed_idle(server);
    if (has_room && connection_open(server, fd, address))
        return;
    turn_away(server, fd);
    sys_close(fd);
}

static bool on_exhausted(struct listener *listener, int error)
{
    struct server *server = CONTAINER_OF(listener, struct server_listener, listener)->server;
    if (server_counters(server)->accept_failures++ == 0)
        log_warning(server->options.log, "accept: %s; idle connections are closed to make room",
                    strerror(-error));
    return file_cache_shrink(server->files) || server_shed_idle(server);
}

static void on_turned_away(struct listener *listener, int fd)
{
    turn_away(CONTAINER_OF(listener, struct server_listener, listener)->server, fd);
}

static const struct listener_events server_listener_events = {
    .on_accept = on_accept,
    .on_exhausted = on_exhausted,
    .on_turned_away = on_turned_away,
};

/* ---- connections per address ---- */

/* One household has an IPv6 /64: its addresses count as one. */
static struct peer counted_part(const struct peer *peer)
{
    struct peer part = *peer;
    bool is_mapped_v4 = memcmp(part.bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
    if (part.family == AF_INET6 && !is_mapped_v4)
        memset(part.bytes + 8, 0, 8);
    return part;
}

static struct address_count *find_address(const struct server *server, const struct peer *part, uint64_t hash)
{
    for (struct map_link *link = map_find(&server->addresses, hash); link; link = map_find_next(link)) {
        struct address_count *entry = CONTAINER_OF(link, struct address_count, link);
        if (memcmp(&entry->peer, part, sizeof(*part)) == 0)
            return entry;
    }
    return NULL;
}

static uint64_t address_hash(const struct server *server, const struct peer *part)
{
    return hash_bytes(&server->address_key, slice_make((const char *)part, sizeof(*part)));
}

bool server_admit_address(struct server *server, const struct peer *peer)
{
    uint32_t count_max = server_settings(server)->limits.connections_per_address;
    if (count_max == 0 || peer->family == AF_UNIX)
        return true;
    struct peer part = counted_part(peer);
    uint64_t hash = address_hash(server, &part);
    struct address_count *entry = find_address(server, &part, hash);
    if (entry == NULL) {
        entry = calloc(1, sizeof(*entry));
        if (entry == NULL || map_insert(&server->addresses, &entry->link, hash) < 0) {
            free(entry);
            return false;
        }
        entry->peer = part;
    }
    if (entry->count >= count_max)
        return false;
    entry->count++;
    return true;
}

void server_release_address(struct server *server, const struct peer *peer)
{
    struct peer part = counted_part(peer);
    struct address_count *entry = find_address(server, &part, address_hash(server, &part));
    /* None where the limit was off when the connection came. */
    if (entry == NULL || --entry->count > 0)
        return;
    map_remove(&server->addresses, &entry->link);
    free(entry);
}

/* ---- requests ---- */

/* What a stall report says was done last. */
static void note_activity(struct server *server, const struct http_request *request)
{
    struct slice method = slice_take(request->method_text, MIN(request->method_text.length, (size_t)16));
    struct slice target =
        slice_take(request->target, MIN(request->target.length, ACTIVITY_BYTES_MAX - method.length - 1));
    memcpy(server->activity, method.data, method.length);
    server->activity[method.length] = ' ';
    memcpy(server->activity + method.length + 1, target.data, target.length);
    server->activity_length = (uint8_t)(method.length + 1 + target.length);
}

/* The path decoded and in order. Most are already, and are used where they stand. */
static int normalize(struct exchange *exchange)
{
    struct slice encoded = exchange->request.path;
    struct slice path;
    char *out = NULL;
    size_t size = 0;
    enum http_path_result result = http_path_normalize(encoded, out, size, &path);
    if (result == HTTP_PATH_TOO_LONG) {
        size = encoded.length;
        out = arena_alloc(&exchange->arena, size);
        if (out == NULL)
            return 503;
        result = http_path_normalize(encoded, out, size, &path);
    }
    if (result != HTTP_PATH_OK)
        return 400;
    exchange->path = path;
    return 0;
}

static int route(struct exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    /* Nobody asks for https without TLS but by mistake, or to have a cache believe something (RFC 9110
     * section 7.4). */
    if (request->is_https)
        return 421;
    if (request->method == HTTP_METHOD_UNKNOWN || request->method == HTTP_METHOD_CONNECT)
        return 501;
    if (slice_equal(request->path, SLICE("*")))
        return 0;
    int refusal = normalize(exchange);
    if (refusal)
        return refusal;
    const struct place *place;
    switch (snapshot_match(exchange->snapshot, request->host, exchange->path, &place)) {
    case SNAPSHOT_NO_HOST: return 421;
    case SNAPSHOT_NO_PATH: return 404;
    case SNAPSHOT_FOUND: break;
    }
    exchange->place = place;
    /* Only a route of files reads; the others answer alike whatever is asked. */
    bool is_readable = request->method == HTTP_METHOD_GET || request->method == HTTP_METHOD_HEAD ||
                       request->method == HTTP_METHOD_OPTIONS;
    return place->route->kind == ROUTE_FILES && !is_readable ? 405 : 0;
}

void server_route(struct exchange *exchange)
{
    note_activity(exchange->server, &exchange->request);
    exchange->refusal = (uint16_t)route(exchange);
}

/* "OPTIONS *": the server as a whole (RFC 9110 section 9.3.7). */
static void answer_options_of_server(struct exchange *exchange)
{
    exchange_begin_response(exchange, 204);
    exchange_add_field(exchange, HTTP_FIELD_ALLOW, SLICE("GET, HEAD, OPTIONS"));
    exchange_respond(exchange, NULL, 0);
}

/* The bare form of a prefix that ends in '/', or of a folder. */
static bool lacks_slash(const struct exchange *exchange)
{
    const struct route *route = exchange->place->route;
    return exchange->path.length == exchange->place->bare_prefix.length &&
           (route->kind == ROUTE_FILES || slice_ends_with(route->prefix, SLICE("/")));
}

void server_answer(struct exchange *exchange)
{
    if (exchange->refusal == 405)
        files_refuse_method(exchange);
    else if (exchange->refusal)
        exchange_fail(exchange, exchange->refusal);
    else if (exchange->place == NULL)
        answer_options_of_server(exchange);
    else if (lacks_slash(exchange))
        redirect_to_folder(exchange);
    else
        switch (exchange->place->route->kind) {
        case ROUTE_FILES: files_handle(exchange); break;
        case ROUTE_REDIRECT: redirect_handle(exchange); break;
        case ROUTE_RESPOND: fixed_handle(exchange); break;
        }
}

static void count_response(struct counters *counters, int status)
{
    counters->requests++;
    switch (status / 100) {
    case 2: counters->responses_2xx++; break;
    case 3: counters->responses_3xx++; break;
    case 4: counters->responses_4xx++; break;
    case 5: counters->responses_5xx++; break;
    default: break;
    }
}

static struct address peer_address(const struct peer *peer)
{
    struct address address = {.any.sa_family = peer->family};
    if (peer->family == AF_INET)
        memcpy(&address.v4.sin_addr, peer->bytes, 4);
    else if (peer->family == AF_INET6)
        memcpy(&address.v6.sin6_addr, peer->bytes, 16);
    return address;
}

static void log_exchange(struct exchange *exchange, struct access_log *log)
{
    struct server *server = exchange->server;
    char client[ADDRESS_TEXT_BYTES_MAX];
    struct address address = peer_address(&exchange->connection->peer);
    struct access_log_entry entry = {
        .client = slice_make(client, address_format_host(&address, client)),
        .request = exchange->request.method_text.data ? &exchange->request : NULL,
        .body_bytes = exchange_content_bytes(exchange),
        .duration_us = exchange->began_us ? loop_clock_us(server_loop(server)) - exchange->began_us : 0,
        .status = exchange->response.status,
    };
    access_log_add(log, &entry);
}

void server_exchange_done(struct exchange *exchange)
{
    struct server *server = exchange->server;
    /* A client that went away before it got an answer has none to be counted. */
    if (exchange->is_responded) {
        count_response(server_counters(server), exchange->response.status);
        if (server->options.access_log)
            log_exchange(exchange, server->options.access_log);
    }
    exchange_end(exchange);
}

/* ---- the end ---- */

void server_connection_gone(struct server *server, struct connection *connection)
{
    server_release_address(server, &connection->peer);
    pool_put(&server->connections, connection);
    if (server->connections.count == 0 && server->is_draining)
        loop_stop(server_loop(server));
}

static void stop_listening(struct server *server)
{
    while (server->listeners) {
        struct server_listener *listener = server->listeners;
        server->listeners = listener->next;
        listener_stop(&listener->listener);
        free(listener);
    }
}

static void drain_is_over(struct timer *timer)
{
    struct server *server = CONTAINER_OF(timer, struct server, drain_timer);
    if (server_counters(server)->connections_open > 0)
        log_warning(server->options.log, "%llu connections were still open at the end of the drain time",
                    (unsigned long long)server_counters(server)->connections_open);
    loop_stop(server_loop(server));
}

void server_drain(struct server *server)
{
    if (server->is_draining)
        return;
    server->is_draining = true;
    /* Who is in the queue already had the right to come. */
    for (struct server_listener *listener = server->listeners; listener; listener = listener->next)
        listener_accept(&listener->listener);
    stop_listening(server);
    LIST_FOREACH_SAFE(link, &server->idle) {
        connection_drain(CONTAINER_OF(link, struct connection, link));
    }
    if (server->connections.count == 0)
        loop_stop(server_loop(server));
    else
        wheel_arm(loop_wheel(server_loop(server)), &server->drain_timer,
                  server_settings(server)->timeouts.drain_ms);
}

int server_set_settings(struct server *server, struct settings *settings)
{
    struct snapshot *snapshot;
    int error = snapshot_create(settings, server->options.log, &snapshot);
    if (error < 0)
        return error;
    snapshot_unref(server->snapshot);
    server->snapshot = snapshot;
    take_limits(server);
    return 0;
}

static void abort_all(struct list *connections)
{
    while (!list_is_empty(connections))
        connection_abort(CONTAINER_OF(connections->next, struct connection, link));
}

void server_destroy(struct server *server)
{
    if (server == NULL)
        return;
    stop_listening(server);
    timer_disarm(&server->drain_timer);
    abort_all(&server->idle);
    abort_all(&server->busy);
    loop_settle(server_loop(server));
    if (server->spare)
        exchange_end(server->spare);
    file_cache_destroy(server->files);
    snapshot_unref(server->snapshot);
    map_finish(&server->addresses);
    pool_finish(&server->connections);
    pool_finish(&server->exchanges);
    free(server);
}
