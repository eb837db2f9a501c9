/* All clients of a run, and what run.c asks of them: see tests/sim/sim.h, the last part. */
#include "client.h"
#ifdef HAVE_HTTP2
#include "h2_client.h"
#endif
#include "hello_client.h"
#include "journal.h"
#include "storm.h"

#include <stdlib.h>

#define CLIENTS_MAX 12

static struct {
    struct website website;
    struct limits least; /* of all editions, as far as they differ */
    struct timeouts shortest, longest;
    struct scene scene;
    struct storm storm;
    struct journal journal;
    struct list clients;
    struct list h2_clients;
    struct list hello_clients;
    unsigned count;
    uint16_t port;
} crowd;

/* Limits that requests which mean well stay within, and time for what a network loses. */
static void widen(struct limits *limits, struct timeouts *timeouts)
{
    timeouts->write_ms = MAX(timeouts->write_ms, 4000u);
    limits->head_bytes = MAX(limits->head_bytes, 4096u);
    limits->uri_bytes = MAX(limits->uri_bytes, 512u);
    limits->fields = MAX(limits->fields, 32u);
    limits->body_bytes = MAX(limits->body_bytes, (uint64_t)64);
}

static void trace_bounds(const struct limits *limits, const struct timeouts *timeouts)
{
    sim_trace(
        "limits: %u connections, %u an address, %u requests each, head %u, uri %u, fields %u, body %llu, "
        "cache %llu, cached files %u",
        limits->connections, limits->connections_per_address, limits->requests_per_connection,
        limits->head_bytes, limits->uri_bytes, limits->fields, (unsigned long long)limits->body_bytes,
        (unsigned long long)limits->cache_bytes, limits->cache_file_bytes);
    sim_trace("timeouts in ms: head %u, body %u, idle %u, write %u, linger %u; %u bytes/s at least",
              timeouts->head_ms, timeouts->body_ms, timeouts->idle_ms, timeouts->write_ms,
              timeouts->linger_ms, timeouts->rate_bytes_min);
}

/* ---- editions ---- */

static uint32_t least_limit(uint32_t a, uint32_t b)
{
    return a == 0 || b == 0 ? MAX(a, b) : MIN(a, b);
}

static void note_bounds(const struct settings *settings)
{
    const struct limits *limits = &settings->limits;
    const struct timeouts *timeouts = &settings->timeouts;
    crowd.least.connections = MIN(crowd.least.connections, limits->connections);
    crowd.least.connections_per_address =
        least_limit(crowd.least.connections_per_address, limits->connections_per_address);
    for (size_t i = 0; i < sizeof(*timeouts) / sizeof(uint32_t); i++) {
        uint32_t ms = ((const uint32_t *)timeouts)[i];
        uint32_t *shortest = (uint32_t *)&crowd.shortest + i, *longest = (uint32_t *)&crowd.longest + i;
        *shortest = MIN(*shortest, ms);
        *longest = MAX(*longest, ms);
    }
    crowd.longest.rate_bytes_min = crowd.shortest.rate_bytes_min;
}

void sim_clients_prepare_edition(struct settings *settings)
{
    static size_t count;
    struct editions *editions = &crowd.website.editions;
    struct sim_chance chance = sim_chance_for("edition", ++count);
    assert(count < SIM_EDITIONS_MAX);
    edition_choose(&editions->all[count], count, &chance);
    widen(&settings->limits, &settings->timeouts);
    note_bounds(settings);
    website_prepare_edition(&crowd.website, count, settings);
    trace_bounds(&settings->limits, &settings->timeouts);
}

bool sim_clients_may_change(void)
{
    return crowd.website.editions.reign_count < REIGNS_MAX;
}

size_t sim_clients_on_change(size_t edition)
{
    sim_trace("site: the server is given edition %zu", edition);
    return editions_begin_reign(&crowd.website.editions, edition);
}

void sim_clients_on_change_end(size_t change, bool is_taken)
{
    editions_decide_reign(&crowd.website.editions, change, is_taken);
}

/* ---- the crowd ---- */

void sim_clients_prepare(struct settings *settings, uint16_t port)
{
    widen(&settings->limits, &settings->timeouts);
    storm_prepare(&crowd.storm, &settings->limits, &settings->timeouts);
    crowd.port = port;
    crowd.count = 0;
    list_init(&crowd.clients);
    list_init(&crowd.h2_clients);
    list_init(&crowd.hello_clients);
    crowd.least = settings->limits;
    crowd.shortest = crowd.longest = settings->timeouts;
    website_prepare(&crowd.website, settings);
    crowd.website.limits = &crowd.least;
    crowd.website.timeouts = &crowd.shortest;
    crowd.website.longest = &crowd.longest;
    journal_init(&crowd.journal);
    crowd.scene = (struct scene){.website = &crowd.website, .journal = &crowd.journal};
    trace_bounds(&settings->limits, &settings->timeouts);
}

void sim_clients_offer_tls(uint16_t port)
{
    crowd.scene.tls_port = port;
}

static struct client *add_client(void)
{
    struct client *client = malloc(sizeof(*client));
    assert(client);
    crowd.count++;
    return client;
}

static void start_flood(const struct client *first)
{
    for (unsigned i = 1; i < first->manner.connections; i++) {
        struct client *client = add_client();
        client_start_in_flood(client, &crowd.scene, crowd.count, crowd.port, first);
        list_append(&crowd.clients, &client->link);
    }
}

static void start_storm(void)
{
    struct manner manner;
    uint64_t at_us;
    while (storm_next(&crowd.storm, &crowd.website, &manner, &at_us)) {
        struct client *client = add_client();
        client_start_with(client, &crowd.scene, crowd.count, crowd.port, &manner, at_us);
        list_append(&crowd.clients, &client->link);
    }
}

/* ---- those that speak HTTP/2 ---- */

#ifdef HAVE_HTTP2

/* One run in so many has some. */
#define H2_ONE_IN      3
#define H2_CLIENTS_MAX 4

static void start_h2_clients(void)
{
    struct sim_chance chance = sim_chance_for("h2", 0);
    if (!sim_one_in(&chance, H2_ONE_IN))
        return;
    for (uint64_t i = sim_between(&chance, 1, H2_CLIENTS_MAX); i > 0; i--) {
        struct h2_client *client = malloc(sizeof(*client));
        assert(client);
        h2_client_start(client, &crowd.scene, ++crowd.count, crowd.port);
        list_append(&crowd.h2_clients, &client->link);
    }
}

static bool are_h2_clients_done(void)
{
    LIST_FOREACH(link, &crowd.h2_clients) {
        if (!CONTAINER_OF(link, struct h2_client, link)->is_done)
            return false;
    }
    return true;
}

static void note_h2_fault(const struct sim_fault *fault)
{
    LIST_FOREACH(link, &crowd.h2_clients)
        h2_client_note_fault(CONTAINER_OF(link, struct h2_client, link), fault);
}

static void finish_h2_clients(void)
{
    LIST_FOREACH_SAFE(link, &crowd.h2_clients) {
        struct h2_client *client = CONTAINER_OF(link, struct h2_client, link);
        h2_client_finish(client);
        list_remove(link);
        free(client);
    }
}

#else

static void start_h2_clients(void)
{
}

static bool are_h2_clients_done(void)
{
    return true;
}

static void note_h2_fault(const struct sim_fault *fault)
{
    (void)fault;
}

static void finish_h2_clients(void)
{
}

#endif

/* ---- those that cannot say hello ---- */

/* One run with TLS in so many has some. */
#define HELLO_ONE_IN      3
#define HELLO_CLIENTS_MAX 3

static void start_hello_clients(void)
{
    struct sim_chance chance = sim_chance_for("hellos", 0);
    if (crowd.scene.tls_port == 0 || !sim_one_in(&chance, HELLO_ONE_IN))
        return;
    for (uint64_t i = sim_between(&chance, 1, HELLO_CLIENTS_MAX); i > 0; i--) {
        struct hello_client *client = malloc(sizeof(*client));
        assert(client);
        hello_client_start(client, &crowd.scene, ++crowd.count);
        list_append(&crowd.hello_clients, &client->link);
    }
}

static bool are_hello_clients_done(void)
{
    LIST_FOREACH(link, &crowd.hello_clients) {
        if (!CONTAINER_OF(link, struct hello_client, link)->is_done)
            return false;
    }
    return true;
}

static void finish_hello_clients(void)
{
    LIST_FOREACH_SAFE(link, &crowd.hello_clients) {
        struct hello_client *client = CONTAINER_OF(link, struct hello_client, link);
        hello_client_finish(client);
        list_remove(link);
        free(client);
    }
}

/* ---- all together ---- */

void sim_clients_start(void)
{
    struct sim_chance chance = sim_chance_for("crowd", 0);
    website_start(&crowd.website);
    for (uint64_t i = sim_between(&chance, 1, CLIENTS_MAX); i > 0; i--) {
        struct client *client = add_client();
        client_start(client, &crowd.scene, crowd.count, crowd.port);
        list_append(&crowd.clients, &client->link);
        if (client->manner.kind == MANNER_FLOOD)
            start_flood(client);
    }
    start_storm();
    start_h2_clients();
    start_hello_clients();
}

bool sim_clients_are_done(void)
{
    LIST_FOREACH(link, &crowd.clients) {
        if (!CONTAINER_OF(link, struct client, link)->is_done)
            return false;
    }
    if (!are_h2_clients_done() || !are_hello_clients_done())
        return false;
    website_stop(&crowd.website);
    return true;
}

void sim_clients_on_drain(void)
{
    crowd.scene.is_draining = true;
    crowd.scene.drained_us = sim_now_us();
}

void sim_clients_on_fault(const struct sim_fault *fault)
{
    harms_note(&crowd.scene.harms, &crowd.website, fault);
    LIST_FOREACH(link, &crowd.clients)
        client_note_fault(CONTAINER_OF(link, struct client, link), fault);
    note_h2_fault(fault);
    LIST_FOREACH(link, &crowd.hello_clients)
        hello_client_note_fault(CONTAINER_OF(link, struct hello_client, link), fault);
}

void sim_clients_on_no_server(void)
{
    crowd.scene.is_draining = true;
}

static void fail_by_log(const struct verdict *verdict)
{
    if (verdict->is_bad)
        sim_fail("%s", verdict->text);
}

void sim_clients_on_log(struct slice bytes)
{
    struct verdict verdict = {0};
    journal_read(&crowd.journal, bytes, &verdict);
    fail_by_log(&verdict);
}

void sim_clients_on_log_end(uint64_t dropped, uint64_t dropped_at_end)
{
    crowd.journal.dropped = dropped;
    crowd.journal.may_lose_any = sim_has_faults() || dropped_at_end > 0;
}

static void judge_log(void)
{
    struct verdict verdict = {0};
    journal_judge(&crowd.journal, sim_socket_bytes_handed, &verdict);
    fail_by_log(&verdict);
    journal_finish(&crowd.journal);
}

void sim_clients_end(void)
{
    website_stop(&crowd.website);
    LIST_FOREACH_SAFE(link, &crowd.clients) {
        struct client *client = CONTAINER_OF(link, struct client, link);
        client_finish(client);
        list_remove(link);
        free(client);
    }
    finish_h2_clients();
    finish_hello_clients();
    judge_log();
}
