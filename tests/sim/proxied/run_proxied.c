/* One run with vif as a proxy: servers that misbehave (origin.c), clients (asker.c), and what both saw
 * (ledger.c):
 *
 * - each client gets the whole answer that a server gave to its request, or an error of vif's with a reason,
 * or an answer that it can see to be cut; never a byte of another one;
 * - a server gets exactly the bytes that the client sent, framed clearly, and a request that may not be
 *   repeated once at most;
 * - no server has more requests or connections than the settings allow;
 * - when a client leaves, the server of its request is let go;
 * - in the end no descriptor, connection or block of memory is left. */
#include "../run.h"

#include "asker.h"
#include "origin.h"

#include "front/admission.h"
#include "loop/watch.h"
#include "server/server_internal.h"
#include "sys/event.h"
#include "sys/listen.h"
#include "sys/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PORT     8080
#define LOOK_US  (50 * SIM_MS)
#define SLACK_US (10 * SIM_S)

/* Whoever takes longer than this is cut off by the server's end. */
#define RUN_US_MAX (300 * SIM_S)

struct run {
    struct sim_chance chance;
    struct loop *loop;
    struct settings *settings;
    struct server *server;
    struct counters counters;
    struct log log;
    int listening_fd;
    struct watch control;
    struct sim_event look;
    uint64_t drain_at_us;
    uint64_t drained_us; /* 0: not yet */
    bool drains;
    struct slice any_host;
    struct site site;
    struct route route;
    struct proxy_server servers[ORIGINS_MAX];
    char urls[ORIGINS_MAX][40];
};

static void take_line(struct log *log, enum log_level level, struct slice line)
{
    (void)log;
    sim_trace("[%s] %.*s", log_level_name(level), (int)line.length, line.data);
}

static bool note_hit(const struct sim_socket *socket)
{
    return socket && (askers_note_fault(socket) || origins_note_fault(socket) || ledger_note_fault(socket));
}

/* A request that ends may let another one have its place, so that what is done for the one is done for the
 * other. */
static bool is_for_one(const struct sim_fault *fault)
{
    return fault->is_for_one && ledger.proxy->connections == 0;
}

void sim_clients_on_fault(const struct sim_fault *fault)
{
    if (ledger_is_harmless(fault))
        return;
    if (fault->error == EMFILE || fault->error == ENFILE)
        ledger.room_us = sim_now_us() + 1;
    if (fault->number == 0)
        return;
    bool is_known = note_hit(fault->socket);
    if (is_for_one(fault))
        is_known |= note_hit(fault->served);
    if (!is_known)
        ledger.faults_us = sim_now_us() + 1;
}

void sim_clients_on_log(struct slice bytes)
{
    (void)bytes;
}

/* ---- settings ---- */

/* Small enough to be reached, or out of the way. */
static uint32_t bound(struct run *run, uint32_t least, uint32_t small, uint32_t large)
{
    return sim_one_in(&run->chance, 3) ? (uint32_t)sim_between(&run->chance, least, small) : large;
}

static void choose_waits(struct run *run, struct proxy_settings *proxy)
{
    proxy->connect_ms = bound(run, 200, 2000, 10000);
    proxy->queue_ms = bound(run, 50, 2000, 10000);
    proxy->send_ms = bound(run, 300, 3000, 20000);
    proxy->first_byte_ms = bound(run, 300, 3000, 20000);
    proxy->between_bytes_ms = bound(run, 300, 3000, 20000);
    proxy->total_ms = bound(run, 500, 10000, 0);
    proxy->idle_ms = bound(run, 50, 2000, 30000);
}

static void choose_proxy(struct run *run, struct proxy_settings *proxy, unsigned server_count)
{
    static const int balances[] = {PROXY_ROUND_ROBIN, PROXY_LEAST_CONNECTIONS, PROXY_LEAST_TIME};
    *proxy = (struct proxy_settings){
        .servers = run->servers,
        .server_count = server_count,
        .balance = balances[sim_below(&run->chance, ARRAY_LENGTH(balances))],
        .connections = bound(run, 1, 3, 0),
        .waiting = bound(run, 0, 3, 100),
        .idle_connections = bound(run, 0, 3, 32),
        .headers = 100,
        .head_bytes = 8192,
        .failures = bound(run, 1, 3, 5),
        .retry_after_ms = bound(run, 50, 2000, 10000),
        .panic = bound(run, 0, 100, 50),
    };
    choose_waits(run, proxy);
}

static void prepare(struct run *run)
{
    unsigned server_count = (unsigned)sim_between(&run->chance, 1, ORIGINS_MAX);
    for (unsigned i = 0; i < server_count; i++) {
        snprintf(run->urls[i], sizeof(run->urls[i]), "http://10.1.0.%u:%u", i + 1, ORIGIN_PORT_FIRST + i);
        run->servers[i] = (struct proxy_server){.url = slice_from(run->urls[i]), .weight = 1};
    }
    run->any_host = SLICE("*");
    run->site =
        (struct site){.hosts = &run->any_host, .host_count = 1, .routes = &run->route, .route_count = 1};
    run->route = (struct route){.prefix = SLICE("/"), .kind = ROUTE_PROXY};
    choose_proxy(run, &run->route.proxy, server_count);
    run->settings = settings_create();
    assert(run->settings != NULL);
    run->settings->sites = &run->site;
    run->settings->site_count = 1;
    run->settings->limits.body_bytes = UINT64_MAX;
    ledger_start(&run->route.proxy);
    ledger.drain_us = run->settings->timeouts.drain_ms * SIM_MS;
    origins_start(server_count);
}

/* ---- while it runs ---- */

static uint64_t longest_silence_us(const struct run *run)
{
    const struct proxy_settings *proxy = &run->route.proxy;
    const struct timeouts *timeouts = &run->settings->timeouts;
    uint32_t upstream =
        MAX(MAX(proxy->send_ms, proxy->first_byte_ms), MAX(proxy->between_bytes_ms, proxy->idle_ms));
    uint32_t front =
        MAX(MAX(timeouts->head_ms, timeouts->body_ms), MAX(timeouts->idle_ms, timeouts->write_ms));
    /* All attempts of a request, one after the other, while its client waits. */
    return (2 * MAX(front, timeouts->linger_ms) + 3 * (uint64_t)(upstream + proxy->connect_ms) +
            proxy->queue_ms) *
               SIM_MS +
           SLACK_US;
}

static void look(struct sim_event *event)
{
    struct run *run = CONTAINER_OF(event, struct run, look);
    uint64_t now_us = sim_now_us();
    network_check_silence(longest_silence_us(run));
    if (!run->drains && (askers_are_done() || now_us >= run->drain_at_us)) {
        run->drains = true;
        ledger.drained_us = now_us + 1;
        sim_trace("the server is told to drain");
        eventfd_raise(run->control.fd);
    }
    if (run->drained_us && now_us > run->drained_us + run->settings->timeouts.drain_ms * SIM_MS + SLACK_US)
        sim_fail("the server does not come to the end of its draining");
    sim_after(event, LOOK_US, look);
}

static void on_control(struct watch *watch, unsigned events)
{
    (void)events;
    struct run *run = CONTAINER_OF(watch, struct run, control);
    sys_eventfd_clear(watch->fd);
    const char *fault = admission_validate(&run->server->front);
    if (fault == NULL)
        fault = place_queue_validate(&run->server->proxy.queue);
    if (fault)
        sim_fail("%s", fault);
    if (run->drains && !run->drained_us) {
        run->drained_us = sim_now_us();
        server_drain(run->server);
    }
}

static const struct watch_events control_events = {.on_ready = on_control, .name = "being told"};

/* ---- the beginning and the end ---- */

static int listen_on_port(uint16_t port)
{
    struct listen_address wanted = {.address = {.v4 = {.sin_family = AF_INET, .sin_port = htons(port)},
                                                .length = sizeof(struct sockaddr_in)}};
    struct address bound_to;
    int fd = sys_listen(&wanted, &bound_to);
    if (fd < 0)
        sim_fail("listening: %s", strerrorname_np(-fd));
    return fd;
}

static void on_drained(void *context)
{
    loop_stop(context);
}

static void start(struct run *run, enum loop_backend backend)
{
    struct loop_options loop_options = {.backend = backend};
    run->listening_fd = listen_on_port(PORT);
    if (loop_create(&loop_options, &run->loop) < 0)
        sim_fail("the loop cannot be created");
    run->control = (struct watch){.events = &control_events, .fd = sys_eventfd_create()};
    struct server_options options = {
        .loop = run->loop,
        .settings = run->settings,
        .counters = &run->counters,
        .log = &run->log,
        .on_drained = on_drained,
        .context = run->loop,
    };
    if (watch_start(run->loop, &run->control, WATCH_LEVEL) < 0 || server_create(&options, &run->server) < 0 ||
        server_listen(run->server, run->listening_fd, 0, NULL) < 0)
        sim_fail("the server does not start");
}

static void serve(struct run *run)
{
    faults_begin();
    kernel_enter(SIDE_WORLD);
    askers_start(PORT);
    sim_after(&run->look, 0, look);
    kernel_enter(SIDE_LOOP);
    int error = loop_run(run->loop);
    if (error < 0)
        sim_fail("loop_run: %s", strerrorname_np(-error));
    if (!run->drained_us)
        sim_fail("the loop has stopped by itself");
}

static void judge_counters(const struct counters *counters)
{
    if (counters->connections_open > 0 || counters->upstream_connections_open > 0)
        sim_fail("%llu connections of clients and %llu to servers are counted as open, and there are none",
                 (unsigned long long)counters->connections_open,
                 (unsigned long long)counters->upstream_connections_open);
    /* What is said to those that are turned away is not counted. */
    uint64_t handed = network_bytes_handed();
    bool is_exact = counters->connections_refused == 0;
    if (is_exact ? counters->bytes_sent != handed : counters->bytes_sent > handed)
        sim_fail("%llu bytes are counted as sent, and %llu were", (unsigned long long)counters->bytes_sent,
                 (unsigned long long)handed);
}

static void stop(struct run *run)
{
    sim_cancel(&run->look);
    server_destroy(run->server);
    judge_counters(&run->counters);
    watch_stop(run->loop, &run->control);
    sys_close(run->control.fd);
    loop_destroy(run->loop);
    sys_close(run->listening_fd);
    faults_end();
}

/* What is still under way arrives. */
static void let_world_end(void)
{
    uint64_t limit_us = sim_now_us() + RUN_US_MAX;
    while (!askers_are_done() && time_next() <= limit_us)
        time_wait(limit_us);
    askers_end();
    limit_us = sim_now_us() + SLACK_US; /* and those that left are seen to be let go */
    while (time_next() <= limit_us)
        time_wait(limit_us);
    origins_end();
}

void run(const struct run_options *options)
{
    static const enum loop_backend backends[] = {LOOP_BACKEND_EPOLL, LOOP_BACKEND_EPOLL,
                                                 LOOP_BACKEND_EPOLL_LT, LOOP_BACKEND_POLL,
                                                 LOOP_BACKEND_SELECT};
    struct kernel_options kernel = options->kernel;
    kernel.connects = true;
    kernel_start(&kernel);
    struct run run = {
        .chance = sim_chance_for("proxied", 0),
        .log = {.level = LOG_LEVEL_DEBUG, .write = take_line},
        .drain_at_us = RUN_US_MAX,
    };
    enum loop_backend chosen = backends[sim_below(&run.chance, ARRAY_LENGTH(backends))];
    if (options->backend != LOOP_BACKEND_AUTO)
        chosen = options->backend;
    prepare(&run);
    if (sim_one_in(&run.chance, 8))
        run.drain_at_us = sim_size(&run.chance, 20 * SIM_S);
    ledger.is_select = chosen == LOOP_BACKEND_SELECT;
    sim_trace("backend %s", loop_backend_names[chosen]);
    kernel_enter(SIDE_START);
    start(&run, chosen);
    serve(&run);
    stop(&run);
    kernel_enter(SIDE_WORLD);
    kernel_check_nothing_is_left();
    let_world_end();
    settings_unref(run.settings);
    kernel_finish();
}
