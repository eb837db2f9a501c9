/* One run: a site and settings by the seed, a server on a loop, clients; the end of the clients or a polite
 * end of the server in their midst; then nothing may be left.
 *
 * What the program around a server would do (tell it to drain, give it new settings) is done here, through a
 * descriptor that the loop watches, as worker.c has one for signals. */
#include "run.h"

#include "inside.h"

#include "front/admission.h"
#include "front/tls_transport.h"
#include "http/field.h"
#include "http/request.h"
#include "loop/watch.h"
#include "server/server_internal.h"
#include "sys/event.h"
#include "sys/listen.h"
#include "sys/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define PORT     8080
#define TLS_PORT 8443

/* How often it is looked after everything. */
#define LOOK_US (50 * SIM_MS)

/* That everything the server keeps fits together is looked at so seldom: it takes long. */
#define VALIDATIONS_ONE_IN 8

/* Whoever takes longer than this is cut off by the server's end. */
#define RUN_US_MAX (300 * SIM_S)

/* What the server may take beyond its timeouts: time for a job, a crowded machine, a late timer. */
#define SLACK_US (5 * SIM_S)

/* A request may wait as long for its turn at a slow disk. */
#define DISK_US (40 * SIM_S)

/* A change of settings that the server was told of, or two at once. */
struct change {
    size_t number; /* see sim_clients_on_change */
    uint64_t faults_before;
    uint64_t refused_before;      /* descriptors */
    uint64_t jobs_refused_before; /* by the pool */
};

#define CHANGES_MAX 32

struct run {
    struct sim_chance chance;
    struct loop *loop;
    struct settings *settings; /* the first of these */
    struct settings *editions[SIM_EDITIONS_MAX];
    size_t edition_count;
    struct sim_chance change_chance;
    struct change changes[CHANGES_MAX];
    size_t change_count;
    uint64_t longest_drain_ms;
    struct server *server;
    struct counters counters;
    struct log log;
    struct access_log *access_log;
    int listening_fd;
#ifdef HAVE_TLS
    int tls_fd; /* 0: there is none */
    struct tls_listener tls;
#endif
    struct watch control;
    struct sim_event look;
    uint64_t drain_at_us;  /* in the midst of the clients */
    uint64_t change_at_us; /* the next one */
    uint64_t drained_us;   /* 0: not yet */
    bool changes_now;
    bool drains;
    bool validates;
};

static void take_line(struct log *log, enum log_level level, struct slice line)
{
    (void)log;
    sim_trace("[%s] %.*s", log_level_name(level), (int)line.length, line.data);
}

/* ---- settings ---- */

/* Small enough to be reached, or out of the way. */
static uint32_t bound(struct run *run, uint32_t least, uint32_t small, uint32_t large)
{
    return sim_one_in(&run->chance, 3) ? (uint32_t)sim_between(&run->chance, least, small) : large;
}

static void choose_limits(struct run *run)
{
    struct limits *limits = &run->settings->limits;
    limits->connections = bound(run, 1, 12, 500);
    limits->connections_per_address = bound(run, 1, 4, 0);
    limits->head_bytes = bound(run, 256, 2048, 16384);
    limits->uri_bytes = bound(run, 64, 512, 8192);
    limits->fields = bound(run, 1, 12, 100);
    limits->body_bytes = bound(run, 0, 5000, 1 << 20);
    limits->requests_per_connection = bound(run, 1, 6, 0);
    limits->cache_bytes = bound(run, 0, 60000, 64 << 20);
    limits->cache_file_bytes = bound(run, 0, 5000, 256 << 10);
    limits->cache_entries = bound(run, 1, 8, 2048);
}

static void choose_timeouts(struct run *run)
{
    struct timeouts *timeouts = &run->settings->timeouts;
    timeouts->head_ms = bound(run, 50, 2000, 10000);
    timeouts->body_ms = bound(run, 50, 2000, 20000);
    timeouts->idle_ms = bound(run, 50, 5000, 60000);
    timeouts->write_ms = bound(run, 100, 3000, 20000);
    timeouts->linger_ms = bound(run, 0, 1000, 5000);
    timeouts->handshake_ms = 10000;
    timeouts->drain_ms = bound(run, 0, 5000, 30000);
    timeouts->rate_bytes_min = bound(run, 0, 1000, 240);
}

/* Of HTTP/2 the bounds are the same in all editions: a connection has those that it began with. */
static void choose_http2(struct http2_settings *http2)
{
    struct run drawn = {.chance = sim_chance_for("http2", 0)};
    http2->streams = bound(&drawn, 1, 10, 100);
    http2->window_bytes = bound(&drawn, 4096, 20000, 65535);
    http2->window_bytes_max = bound(&drawn, 4096, 200000, 4 << 20);
}

static struct settings *make_settings(void)
{
    struct settings *settings = settings_create();
    assert(settings != NULL);
    choose_http2(&settings->http2);
    return settings;
}

/* Beside what shows in answers they differ in bounds that no request is refused for. */
static void prepare_edition(struct run *run)
{
    struct run drawn = {.chance = run->change_chance, .settings = make_settings()};
    choose_limits(&drawn);
    choose_timeouts(&drawn);
    run->change_chance = drawn.chance;
    struct limits other = drawn.settings->limits, *limits = &drawn.settings->limits;
    *limits = run->settings->limits;
    limits->connections = other.connections;
    limits->connections_per_address = other.connections_per_address;
    limits->cache_bytes = other.cache_bytes;
    limits->cache_entries = other.cache_entries;
    sim_clients_prepare_edition(drawn.settings);
    run->longest_drain_ms = MAX(run->longest_drain_ms, drawn.settings->timeouts.drain_ms);
    run->editions[run->edition_count++] = drawn.settings;
}

static void prepare(struct run *run)
{
    run->settings = run->editions[run->edition_count++] = make_settings();
    choose_limits(run);
    choose_timeouts(run);
    run->longest_drain_ms = run->settings->timeouts.drain_ms;
    run->settings->server_field = sim_one_in(&run->chance, 2);
    sim_clients_prepare(run->settings, PORT);
    run->change_chance = sim_chance_for("changes", 0);
    if (!sim_one_in(&run->change_chance, 3))
        return;
    for (uint64_t more = sim_below(&run->change_chance, SIM_EDITIONS_MAX); more > 0; more--)
        prepare_edition(run);
    run->change_at_us = sim_size(&run->change_chance, 20 * SIM_S);
}

/* ---- while it runs ---- */

static uint64_t longest_silence_us(const struct run *run)
{
    uint32_t longest = 0;
    for (size_t i = 0; i < run->edition_count; i++) {
        const struct timeouts *timeouts = &run->editions[i]->timeouts;
        longest = MAX(longest, MAX(MAX(timeouts->head_ms, timeouts->body_ms), timeouts->idle_ms));
        /* That a send does not get on is noticed when its time is up for the second time; so it is with the
         * last bytes of an answer, which an idle client may still be taking. */
        longest = MAX(MAX(longest, timeouts->linger_ms), 2 * MAX(timeouts->write_ms, timeouts->idle_ms));
    }
    return longest * SIM_MS + SLACK_US + DISK_US;
}

static void begin_drain(struct run *run)
{
    run->drains = true;
    sim_trace("the server is told to drain");
    sim_clients_on_drain();
    eventfd_raise(run->control.fd);
}

static void look(struct sim_event *event)
{
    struct run *run = CONTAINER_OF(event, struct run, look);
    uint64_t now_us = sim_now_us();
    network_check_silence(longest_silence_us(run));
    if (!run->drains && (sim_clients_are_done() || now_us >= run->drain_at_us))
        begin_drain(run);
    if (!run->drains && now_us >= run->change_at_us) {
        run->change_at_us = now_us + sim_between(&run->change_chance, 0, 5 * SIM_S);
        run->changes_now = true;
        eventfd_raise(run->control.fd);
    }
    if (run->drained_us && now_us > run->drained_us + run->longest_drain_ms * SIM_MS + SLACK_US)
        sim_fail("the server does not come to the end of its draining");
    if (sim_one_in(&run->chance, VALIDATIONS_ONE_IN)) {
        run->validates = true;
        eventfd_raise(run->control.fd);
    }
    sim_after(event, LOOK_US, look);
}

/* Between two callbacks of the loop everything fits together. */
static void validate(struct server *server)
{
    const char *fault = admission_validate(&server->front);
    if (fault == NULL)
        fault = job_queue_validate(&server->files.listings);
    if (fault == NULL)
        fault = root_table_validate(&server->roots);
    if (fault == NULL)
        fault = folder_shelf_validate(&server->files.listing_shelf);
    if (fault)
        sim_fail("%s", fault);
    file_cache_validate(server->files.cache);
}

/* Why a change may come to nothing, though its folders are there. */
static bool is_excused(const struct change *change, int error)
{
    if (faults_count() > change->faults_before)
        return true;
    switch (error) {
    case -ECANCELED: /* a later one came */
    case -EBUSY:     /* earlier ones wait for the disk, */
    case -ETIMEDOUT: /* or this one has for too long */ return true;
    case -EAGAIN: return offload_refused() > change->jobs_refused_before;
    case -EMFILE: return descriptors_refused() > change->refused_before;
    default: return false;
    }
}

static void on_changed(void *context, const struct server_verdict *verdict)
{
    const struct change *change = context;
    sim_trace("new settings: %s", verdict->error ? strerrorname_np(-verdict->error) : "taken");
    sim_clients_on_change_end(change->number, verdict->error == 0);
    if (verdict->error && !is_excused(change, verdict->error))
        sim_fail("new settings are not taken: %s", strerrorname_np(-verdict->error));
}

static void change_settings(struct run *run)
{
    if (run->change_count == CHANGES_MAX || !sim_clients_may_change())
        return;
    struct change *change = &run->changes[run->change_count++];
    size_t edition = sim_below(&run->change_chance, run->edition_count);
    *change = (struct change){.number = sim_clients_on_change(edition),
                              .faults_before = faults_count(),
                              .refused_before = descriptors_refused(),
                              .jobs_refused_before = offload_refused()};
    server_change(run->server, run->editions[edition], on_changed, change);
}

static void on_control(struct watch *watch, unsigned events)
{
    (void)events;
    struct run *run = CONTAINER_OF(watch, struct run, control);
    sys_eventfd_clear(watch->fd);
    if (run->validates) {
        run->validates = false;
        validate(run->server);
    }
    if (run->changes_now) {
        run->changes_now = false;
        change_settings(run);
        if (sim_one_in(&run->change_chance, 4))
            change_settings(run);
    }
    if (run->drains && !run->drained_us) {
        run->drained_us = sim_now_us();
        server_drain(run->server);
    }
}

static const struct watch_events control_events = {.on_ready = on_control, .name = "being told"};

/* ---- its life ---- */

static enum loop_backend choose_backend(struct run *run, enum loop_backend wanted)
{
    static const enum loop_backend simulated[] = {LOOP_BACKEND_EPOLL, LOOP_BACKEND_EPOLL,
                                                  LOOP_BACKEND_EPOLL_LT, LOOP_BACKEND_POLL,
                                                  LOOP_BACKEND_SELECT};
    enum loop_backend chosen = simulated[sim_below(&run->chance, ARRAY_LENGTH(simulated))];
    return wanted == LOOP_BACKEND_AUTO ? chosen : wanted;
}

static int listen_on_port(uint16_t port)
{
    struct listen_address wanted = {.address = {.v4 = {.sin_family = AF_INET, .sin_port = htons(port)},
                                                .length = sizeof(struct sockaddr_in)}};
    struct address bound;
    int fd = sys_listen(&wanted, &bound);
    if (fd < 0)
        sim_fail("listening: %s", strerrorname_np(-fd));
    return fd;
}

/* ---- TLS ---- */

#ifdef HAVE_TLS

static void prepare_tls(struct run *run)
{
    struct run drawn = {.chance = sim_chance_for("tls", 0)};
    if (!sim_one_in(&drawn.chance, tls_one_in))
        return;
    run->tls.limits = TLS_LIMITS_DEFAULT;
    run->tls.limits.hello_bytes = bound(&drawn, 1200, 4000, CLIENT_HELLO_BYTES_DEFAULT);
    run->tls.names = tls_begin(&run->tls.limits);
    run->tls_fd = listen_on_port(TLS_PORT);
    sim_clients_offer_tls(TLS_PORT);
}

static bool has_tls(const struct run *run)
{
    return run->tls_fd > 0;
}

static int listen_for_tls(struct run *run)
{
    return has_tls(run) ? server_listen(run->server, run->tls_fd, 0, &run->tls) : 0;
}

static void end_tls(struct run *run)
{
    if (!has_tls(run))
        return;
    sys_close(run->tls_fd);
    tls_end();
}

#else

static void prepare_tls(struct run *run)
{
    (void)run;
}

static bool has_tls(const struct run *run)
{
    (void)run;
    return false;
}

static int listen_for_tls(struct run *run)
{
    (void)run;
    return 0;
}

static void end_tls(struct run *run)
{
    (void)run;
}

#endif

/* ---- the beginning and the end ---- */

#define QUEUE_FEW  3
#define QUEUE_LONG 1024

static unsigned queue_length(void)
{
    struct sim_chance chance = sim_chance_for("queue", 0);
    return sim_one_in(&chance, 4) ? (unsigned)sim_between(&chance, 1, QUEUE_FEW) : QUEUE_LONG;
}

static int start_loop(struct run *run, enum loop_backend backend)
{
    struct loop_options options = {
        .backend = backend,
        .offload_threads = (unsigned)sim_between(&run->chance, 1, 4),
        .offload_queue = queue_length(),
    };
    int error = loop_create(&options, &run->loop);
    if (error < 0)
        return error;
    run->control = (struct watch){.events = &control_events, .fd = sys_eventfd_create()};
    error = run->control.fd < 0 ? run->control.fd : watch_start(run->loop, &run->control, WATCH_LEVEL);
    return error;
}

static void on_drained(void *context)
{
    loop_stop(context);
}

static int open_access_log(struct run *run)
{
    int fd = log_file_open();
    if (fd < 0)
        return fd;
    struct access_log_options options = {
        .loop = run->loop,
        .fd = fd,
        .format = ACCESS_LOG_JSON,
        .bytes_max = SIM_LOG_BYTES_MAX,
        .counters = &run->counters,
        .errors = &run->log,
    };
    return access_log_create(&options, &run->access_log);
}

static int start_server(struct run *run)
{
    struct server_options options = {
        .loop = run->loop,
        .settings = run->settings,
        .counters = &run->counters,
        .log = &run->log,
        .on_drained = on_drained,
        .context = run->loop,
    };
    int error = open_access_log(run);
    options.access_log = run->access_log;
    if (error == 0)
        error = server_create(&options, &run->server);
    if (error < 0)
        return error;
    inside_watch(run->server);
    error = server_listen(run->server, run->listening_fd, 0, NULL);
    return error ? error : listen_for_tls(run);
}

static int start(struct run *run, enum loop_backend backend)
{
    run->listening_fd = listen_on_port(PORT);
    prepare_tls(run);
    /* Mostly the start is not disturbed. */
    bool is_early = sim_one_in(&run->chance, 8);
    if (is_early)
        faults_begin();
    int error = start_loop(run, backend);
    if (error == 0)
        error = start_server(run);
    if (!is_early)
        faults_begin();
    return error;
}

static void serve(struct run *run)
{
    if (sim_one_in(&run->chance, 4))
        run->drain_at_us = sim_size(&run->chance, 20 * SIM_S);
    kernel_enter(SIDE_WORLD);
    sim_clients_start();
    sim_after(&run->look, 0, look);
    kernel_enter(SIDE_LOOP);
    int error = loop_run(run->loop);
    if (error < 0)
        sim_fail("loop_run: %s", strerrorname_np(-error));
    if (!run->drained_us)
        sim_fail("the loop has stopped by itself");
    sim_trace("the server has drained");
}

static void stop(struct run *run)
{
    sim_cancel(&run->look);
    server_destroy(run->server);
    inside_judge_counters(&run->counters, has_tls(run));
    uint64_t dropped = run->counters.log_lines_dropped;
    access_log_destroy(run->access_log);
    sim_clients_on_log_end(run->counters.log_lines_dropped, run->counters.log_lines_dropped - dropped);
    if (run->control.fd > 0) {
        watch_stop(run->loop, &run->control);
        sys_close(run->control.fd);
    }
    loop_destroy(run->loop);
    sys_close(run->listening_fd);
    end_tls(run);
}

/* What is still under way arrives, and the clients see that the server is gone. */
static void let_clients_end(void)
{
    uint64_t limit_us = sim_now_us() + RUN_US_MAX;
    while (!sim_clients_are_done() && time_next() <= limit_us)
        time_wait(limit_us);
}

void run(const struct run_options *options)
{
    kernel_start(&options->kernel);
    struct run run = {
        .chance = sim_chance_for("run", 0),
        .log = {.level = LOG_LEVEL_DEBUG, .write = take_line},
        .drain_at_us = RUN_US_MAX,
        .change_at_us = UINT64_MAX,
    };
    enum loop_backend backend = choose_backend(&run, options->backend);
    prepare(&run);
    sim_trace("backend %s", loop_backend_names[backend]);
    kernel_enter(SIDE_START);
    int error = start(&run, backend);
    if (error == 0)
        serve(&run);
    else if (!sim_has_faults())
        sim_fail("the server does not start: %s", strerrorname_np(-error));
    stop(&run);
    faults_end();
    kernel_enter(SIDE_WORLD);
    kernel_check_nothing_is_left();
    if (error < 0)
        sim_clients_on_no_server();
    else
        let_clients_end();
    sim_clients_end();
    for (size_t i = 0; i < run.edition_count; i++)
        settings_unref(run.editions[i]);
    kernel_finish();
}
