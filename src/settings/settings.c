/* Life cycle of the settings: created with defaults, filled in by a builder, then shared by reference. */
#include "settings/settings.h"

#include "base/hash.h"

#include <stdlib.h>

#define SETTINGS_BYTES_MAX (64u << 20)

void settings_set_defaults(struct settings *settings)
{
    settings->request_id.header = SLICE("X-Request-Id");
    settings->limits = (struct limits){
        .connections = 16384,
        .connections_per_address = 0,
        .head_bytes = 16384,
        .uri_bytes = 8192,
        .fields = 100,
        .body_bytes = 1u << 20,
        .requests_per_connection = 0,
        .cache_bytes = 64u << 20,
        .cache_file_bytes = 256u << 10,
        .cache_entries = 2048,
        .hello_bytes = 16u << 10,
        .handshake_bytes = 64u << 10,
    };
    settings->http2 = (struct http2_settings){
        .prior_knowledge = true,
        .streams = 100,
        .window_bytes = 64u << 10,
        .window_bytes_max = 4u << 20,
    };
    settings->timeouts = (struct timeouts){
        .handshake_ms = 10000,
        .head_ms = 10000,
        .body_ms = 20000,
        .idle_ms = 60000,
        .write_ms = 20000,
        .linger_ms = 5000,
        .drain_ms = 30000,
        .rate_bytes_min = 240,
    };
    settings->tickets.lifetime_ms = 86400000;
    settings->shield = (struct shield_settings){
        .offences = 20,
        .within_ms = 10000,
        .for_ms = 60000,
        .addresses = 1024,
    };
    settings->server_field = true;
}

bool settings_have_upgrades(const struct settings *settings)
{
    for (size_t i = 0; i < settings->site_count; i++) {
        const struct site *site = &settings->sites[i];
        for (size_t j = 0; j < site->route_count; j++) {
            if (site->routes[j].kind == ROUTE_PROXY && site->routes[j].proxy.upgrade_count > 0)
                return true;
        }
    }
    return false;
}

static struct slice address_of_listener(const struct settings *settings, size_t number)
{
    return settings->listeners[number].address;
}

/* An address may be there more than once, if its port is 0: then the first is the first again, and so on. */
static uint8_t find_listener(const struct settings *settings, struct slice address, size_t before)
{
    for (size_t i = 0; i < settings->listener_count; i++) {
        if (slice_equal(address_of_listener(settings, i), address) && before-- == 0)
            return (uint8_t)i;
    }
    return LISTENER_GONE;
}

static uint8_t number_now(const struct settings *former, const struct settings *now, size_t number)
{
    struct slice address = address_of_listener(former, number);
    size_t before = 0;
    for (size_t i = 0; i < number; i++)
        before += slice_equal(address_of_listener(former, i), address);
    return find_listener(now, address, before);
}

/* A program that embeds vif opens its sockets itself, and its settings have no listeners: numbers stay. */
struct listener_numbers listener_numbers_between(const struct settings *former, const struct settings *now)
{
    struct listener_numbers numbers;
    for (size_t i = 0; i < LISTENERS_MAX; i++)
        numbers.now[i] = now->listener_count == 0 || former->listener_count == 0 ? (uint8_t)i
                         : i < former->listener_count                            ? number_now(former, now, i)
                                                                                 : LISTENER_GONE;
    return numbers;
}

struct settings *settings_create(void)
{
    struct settings *settings = calloc(1, sizeof(*settings));
    if (settings == NULL)
        return NULL;
    settings->references = 1;
    arena_init(&settings->arena, SETTINGS_BYTES_MAX);
    settings_set_defaults(settings);
    return settings;
}

void settings_unref(struct settings *settings)
{
    if (settings == NULL)
        return;
    assert(settings->references > 0);
    if (--settings->references > 0)
        return;
    arena_finish(&settings->arena);
    if (settings->release)
        settings->release(settings);
    else
        free(settings);
}

static struct slice first_said(struct slice one, struct slice other)
{
    return one.length > 0 ? one : other;
}

/* The demands on client certificates are taken as a whole: an authority without `client` has no effect. */
static void fill_client(struct https_settings *settings, const struct https_settings *listener)
{
    if (settings->client == HTTPS_CLIENT_DEFAULT) {
        settings->client = listener->client ? listener->client : HTTPS_CLIENT_NONE;
        settings->client_ca = first_said(settings->client_ca, listener->client_ca);
        settings->client_crl = first_said(settings->client_crl, listener->client_crl);
        settings->client_depth = settings->client_depth ? settings->client_depth : listener->client_depth;
    }
    if (settings->client == HTTPS_CLIENT_NONE) {
        settings->client_ca = settings->client_crl = (struct slice){0};
        settings->client_depth = 0;
    }
}

struct https_settings https_effective(const struct https_settings *site,
                                      const struct https_settings *listener)
{
    struct https_settings settings = site ? *site : *listener;
    settings.is_on = listener->is_on;
    if (settings.certificate_count == 0) {
        settings.certificates = listener->certificates;
        settings.certificate_count = listener->certificate_count;
    }
    if (settings.policy == HTTPS_POLICY_DEFAULT)
        settings.policy = listener->policy ? listener->policy : HTTPS_POLICY_INTERMEDIATE;
    settings.ciphers = first_said(settings.ciphers, listener->ciphers);
    settings.cipher_suites = first_said(settings.cipher_suites, listener->cipher_suites);
    settings.groups = first_said(settings.groups, listener->groups);
    fill_client(&settings, listener);
    if (settings.early_data == HTTPS_EARLY_DEFAULT)
        settings.early_data = listener->early_data ? listener->early_data : HTTPS_EARLY_NONE;
    return settings;
}

/* The hash need not resist attacks: only the author of the configuration could cause collisions. */
static uint64_t add_hash(uint64_t hash, struct slice text)
{
    struct hash_key key = {hash, text.length};
    return hash_bytes(&key, text);
}

uint64_t https_client_auth(const struct https_settings *effective)
{
    if (effective->client == HTTPS_CLIENT_NONE)
        return 0;
    uint64_t hash = add_hash((uint64_t)effective->client, effective->client_ca);
    hash = add_hash(hash + effective->client_depth, effective->client_crl);
    return hash | 1;
}

bool proxy_speaks_tls(const struct proxy_settings *settings)
{
    bool speaks = settings->tls.is_on;
    for (size_t i = 0; i < settings->server_count && !speaks; i++)
        speaks = slice_starts_with(settings->servers[i].url, SLICE("https://"));
    return speaks;
}

uint64_t proxy_tls_identity(const struct proxy_tls_settings *tls)
{
    const struct slice texts[] = {tls->ca, tls->name, tls->certificate, tls->key};
    uint64_t hash = proxy_tls_verifies(tls);
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
        hash = add_hash(hash, texts[i]);
    return hash | 1;
}
