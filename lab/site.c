/* A server of production with nobody at its doors: the models bring the requests.
 *
 * The lock is one for the whole handler. It could be cut finer, around the cache of files, its counts of
 * references, the pool of exchanges; production needs none of that, for it runs a process for each core. What
 * the lock costs shows in the figures of the models with threads: the part of a request between two system
 * calls, about a microsecond, is done by one thread at a time. It spins a moment before it sleeps, as the one
 * who has it is about to let go. */
#include "lab/site.h"

#include "handlers/handlers.h"
#include "lab/site_internal.h"
#include "sys/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TICK_NS 1000000

/* The models' clients are limited by their descriptors; this limits concurrent responses. */
#define CONNECTIONS_MAX 65536

static void write_line(struct log *log, enum log_level level, struct slice line)
{
    (void)log;
    fprintf(stderr, "vif lab: %s: %.*s\n", log_level_name(level), SLICE_ARGS(line));
}

static void set_trial(struct route *route, const char *prefix)
{
    *route = (struct route){
        .prefix = slice_from(prefix),
        .kind = ROUTE_RESPOND,
        .respond = {.status = 200, .type = SLICE("text/plain"), .body = SLICE("Hello, world!\n")},
    };
}

/* The longest prefix first. */
static void set_routes(struct lab_site *site, struct slice folder, bool has_trials)
{
    struct route *route = site->routes;
    if (has_trials) {
        set_trial(route++, LAB_HELLO_PATH);
        set_trial(route++, LAB_BLOCK_PATH);
    }
    *route++ = (struct route){
        .prefix = SLICE("/"),
        .kind = ROUTE_FILES,
        .files = {.root = folder, .indexes = &site->index, .index_count = 1, .listing = true},
    };
    site->index = SLICE("index.html");
    site->any_host = SLICE("*");
    site->site = (struct site){
        .hosts = &site->any_host,
        .host_count = 1,
        .routes = site->routes,
        .route_count = (size_t)(route - site->routes),
    };
    site->settings->sites = &site->site;
    site->settings->site_count = 1;
}

static int make_settings(struct lab_site *site, const struct lab_site_options *options)
{
    char *folder = realpath(options->folder, NULL);
    if (folder == NULL)
        return -errno;
    site->settings = settings_create();
    struct slice root = {0};
    if (site->settings)
        root = arena_copy(&site->settings->arena, slice_from(folder));
    free(folder);
    if (root.data == NULL)
        return -ENOMEM;
    site->settings->limits.connections = CONNECTIONS_MAX;
    set_routes(site, root, options->has_trials);
    return 0;
}

int lab_site_create(const struct lab_site_options *options, struct lab_site **ret_site)
{
    struct lab_site *site = calloc(1, sizeof(*site));
    if (site == NULL)
        return -ENOMEM;
    site->counts = options->counts ? options->counts : &site->own_counts;
    site->log = (struct log){.level = LOG_LEVEL_WARNING, .write = write_line};
    int error = make_settings(site, options);
    if (error < 0) {
        lab_site_destroy(site);
        return error;
    }
    *ret_site = site;
    return 0;
}

static void block(void *context)
{
    (void)context;
    struct timespec duration = {.tv_nsec = LAB_BLOCK_MS * 1000000L};
    while (nanosleep(&duration, &duration) < 0) {
    }
}

static void answer_after_block(void *context)
{
    fixed_handler.handle(context);
}

/* Fixed responses; those of LAB_BLOCK_PATH take a while. */
static void answer_trial(struct exchange *exchange)
{
    bool blocks = slice_equal(exchange->route_entry->route->prefix, SLICE(LAB_BLOCK_PATH));
    struct job_queue *queue = &files_of(exchange)->listings;
    if (!blocks)
        fixed_handler.handle(exchange);
    else if (exchange_offload(exchange, queue, block, answer_after_block, exchange) < 0)
        exchange_fail(exchange, 503);
}

static const struct handler_type trial_handler = {.handle = answer_trial};

static void prepare_sessions(struct lab_site *site)
{
    struct server *server = site->server;
    server->service.handlers[ROUTE_RESPOND] = (struct handler){.type = &trial_handler};
    site->sessions = (struct h1_sessions){
        .service = &server->service,
        .events = &lab_exchange_events,
        .limits = server->front.h1_sessions.limits,
        .batch_max = LAB_BATCH_MAX,
        .peer = lab_session_peer,
    };
}

int lab_site_open(struct lab_site *site)
{
    int error = loop_create(&(struct loop_options){.backend = LOOP_BACKEND_EPOLL}, &site->loop);
    if (error < 0)
        return error;
    struct server_options options = {
        .loop = site->loop,
        .settings = site->settings,
        .counters = &site->counters,
        .log = &site->log,
    };
    error = server_create(&options, &site->server);
    if (error == 0)
        prepare_sessions(site);
    return error;
}

void lab_site_share(struct lab_site *site)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&site->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    site->is_shared = true;
}

void lab_site_destroy(struct lab_site *site)
{
    if (site == NULL)
        return;
    server_destroy(site->server);
    loop_destroy(site->loop);
    settings_unref(site->settings);
    free(site);
}

void lab_site_enter(struct lab_site *site)
{
    if (site->is_shared)
        pthread_mutex_lock(&site->lock);
}

void lab_site_leave(struct lab_site *site)
{
    if (site->is_shared)
        pthread_mutex_unlock(&site->lock);
}

void lab_site_tick(struct lab_site *site)
{
    uint64_t now_ns = sys_monotonic_ns();
    if (now_ns - site->turned_ns < TICK_NS)
        return;
    site->turned_ns = now_ns;
    int error = loop_run_once(site->loop, 0);
    assert(error == 0);
    (void)error;
}
