/* Read proxied_run first. */
#include "proxied.h"

#include "front/admission.h"
#include "loop/loop.h"
#include "server/server_internal.h"
#include "sys/socket.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What has not come after so many turns will not come. */
#define TURNS_MAX 2000

static struct {
    struct loop *loop;
    struct server *server;
    struct counters counters;
    struct log log;
    int client_listener, server_listener;
    struct sockaddr_un client_address;
    socklen_t client_address_length;
    char server_path[64];
} bench;

static void ignore_line(struct log *log, enum log_level level, struct slice line)
{
    (void)log, (void)level, (void)line;
}

/* ---- building ---- */

static struct settings *make_settings(void)
{
    static struct slice any_host = SLICE("*"), websocket = SLICE("websocket");
    static char url[80];
    static struct proxy_server server = {.weight = 1};
    static struct route route = {.prefix = SLICE("/"), .kind = ROUTE_PROXY};
    static struct site site = {.hosts = &any_host, .host_count = 1, .routes = &route, .route_count = 1};
    snprintf(url, sizeof(url), "unix:%s", bench.server_path);
    server.url = slice_from(url);
    route.proxy = (struct proxy_settings){
        .servers = &server,
        .server_count = 1,
        .waiting = 16,
        .idle_connections = 4,
        .head_bytes = PROXIED_HEAD_BYTES_MAX,
        .headers = PROXIED_FIELDS_MAX,
        .failures = UINT32_MAX, /* it is never left out */
        .retry_after_ms = 1000,
        .connect_ms = 60000,
        .queue_ms = 60000,
        .send_ms = 60000,
        .first_byte_ms = 60000,
        .between_bytes_ms = 60000,
        .idle_ms = 60000,
        .upgrades = &websocket,
        .upgrade_count = 1,
        .tunnel_idle_ms = 60000,
    };
    struct settings *settings = settings_create();
    assert(settings != NULL);
    settings->sites = &site;
    settings->site_count = 1;
    return settings;
}

static int listen_on(const struct sockaddr_un *address, socklen_t length)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert(fd >= 0);
    int error = bind(fd, (const struct sockaddr *)address, length);
    assert(error == 0);
    error = listen(fd, 16);
    assert(error == 0);
    return fd;
}

/* The server has a path, the clients' socket a name that the kernel chooses. The path leads to the socket by
 * a descriptor, as its own name is removed at once: nothing is left behind, however the program ends. */
static void open_listeners(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/fuzz-proxy-%ld.sock", (long)getpid());
    unlink(address.sun_path);
    bench.server_listener = listen_on(&address, sizeof(address));
    int named = open(address.sun_path, O_PATH | O_CLOEXEC);
    assert(named >= 0);
    unlink(address.sun_path);
    snprintf(bench.server_path, sizeof(bench.server_path), "/proc/self/fd/%d", named);
    bench.client_listener = listen_on(&(struct sockaddr_un){.sun_family = AF_UNIX}, sizeof(sa_family_t));
    bench.client_address_length = sizeof(bench.client_address);
    int error = getsockname(bench.client_listener, (struct sockaddr *)&bench.client_address,
                            &bench.client_address_length);
    assert(error == 0);
}

static void build(void)
{
    sys_ignore_broken_pipes();
    bench.log = (struct log){.level = LOG_LEVEL_ERROR, .write = ignore_line};
    open_listeners();
    int error = loop_create(&(struct loop_options){.backend = LOOP_BACKEND_EPOLL}, &bench.loop);
    assert(error == 0);
    struct settings *settings = make_settings();
    struct server_options options = {
        .loop = bench.loop, .settings = settings, .counters = &bench.counters, .log = &bench.log};
    error = server_create(&options, &bench.server);
    assert(error == 0);
    settings_unref(settings);
    error = server_listen(bench.server, bench.client_listener, 0, NULL);
    assert(error == 0);
}

/* ---- one request ---- */

static void turn(void)
{
    int error = loop_run_once(bench.loop, 0);
    assert(error >= 0);
}

static int connect_client(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert(fd >= 0);
    int error = connect(fd, (struct sockaddr *)&bench.client_address, bench.client_address_length);
    assert(error == 0);
    return fd;
}

static int accept_server(void)
{
    return accept4(bench.server_listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static int await_server(void)
{
    int fd = -1;
    for (unsigned turns = 0; fd < 0; turns++) {
        assert(turns < TURNS_MAX && "the request does not come to the server");
        turn();
        fd = accept_server();
    }
    return fd;
}

/* Returns whether the connection has ended. */
static bool receive(struct proxied *proxied, int fd)
{
    char bytes[4096];
    ssize_t count;
    while ((count = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        buffer_append(&proxied->received, slice_make(bytes, (size_t)count));
    return count == 0 || errno != EAGAIN;
}

/* Closing with bytes unread would be a reset. */
static void close_server(int fd)
{
    char bytes[4096];
    while (recv(fd, bytes, sizeof(bytes), 0) > 0)
        continue;
    close(fd);
}

/* It ends early if nobody listens. */
static void send_response(struct proxied *proxied, int fd)
{
    struct slice rest = proxied->response;
    while (rest.length > 0) {
        size_t length = proxied->next_piece(proxied, rest.length);
        assert(length > 0 && length <= rest.length);
        proxied->pieces++;
        if (send(fd, rest.data, length, MSG_NOSIGNAL) != (ssize_t)length)
            return;
        rest = slice_skip(rest, length);
        turn();
    }
}

/* Attempts after the first get no answer at all. */
static void await_end(struct proxied *proxied, int fd)
{
    for (unsigned turns = 0; !receive(proxied, fd); turns++) {
        assert(turns < TURNS_MAX && "the response does not end");
        turn();
        int again = accept_server();
        if (again >= 0)
            close_server(again);
    }
}

/* A descriptor that stays open makes connecting fail, some hundred requests later. */
static void check_nothing_is_left(void)
{
    for (unsigned turns = 0;
         bench.counters.connections_open > 0 || bench.counters.upstream_connections_open > 0; turns++) {
        assert(turns < TURNS_MAX && "a connection stays open");
        turn();
    }
    turn(); /* closed ones are let go of */
    assert(admission_validate(&bench.server->front) == NULL);
    assert(place_queue_validate(&bench.server->proxy.queue) == NULL);
}

void proxied_run(struct proxied *proxied)
{
    if (bench.loop == NULL)
        build();
    buffer_init(&proxied->received, (size_t)1 << 24);
    int client = connect_client();
    ssize_t sent = send(client, proxied->request.data, proxied->request.length, MSG_NOSIGNAL);
    assert(sent == (ssize_t)proxied->request.length);
    int server = await_server();
    turn();
    send_response(proxied, server);
    close_server(server);
    await_end(proxied, client);
    close(client);
    check_nothing_is_left();
    assert(!proxied->received.failed);
}
