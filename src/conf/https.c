/* HTTPS as a whole: which site is served on which listener and by which certificate, what is asked of clients
 * there, and where plain listeners redirect to. Much of it is the settings' own work, done here once so that
 * requests find it done. */
#include "conf/checks.h"
#include "sys/address.h"

#include <stdio.h>

#define YEAR_MS (365 * (uint64_t)86400000)

/* ---- the section of a listener or a site ---- */

static void need_certificate(struct loader *loader, const struct node *map, const char *key)
{
    if (node_get(map, slice_from(key)))
        diagnostics_add(loader->diagnostics, node_position_of(map, slice_from(key)),
                        "tls.%s: there is no `certificate` beside it", key);
}

static void take_certificate(struct loader *loader, const struct node *map, struct https_settings *https)
{
    if (node_get(map, SLICE("certificate")) == NULL) {
        need_certificate(loader, map, "key");
        need_certificate(loader, map, "ocsp");
        return;
    }
    if (https->certificate_count > 0) {
        diagnostics_add(loader->diagnostics, node_position_of(map, SLICE("certificates")),
                        "tls.certificates: there is a `certificate` beside it; put that into the list");
        return;
    }
    https->certificates = loader_allocate(loader, 1, sizeof(*https->certificates));
    https->certificate_count = https->certificates != NULL;
    if (https->certificates)
        https->certificates[0] = https->certificate;
}

static void need_client(struct loader *loader, const struct node *map, const char *key)
{
    if (node_get(map, slice_from(key)))
        diagnostics_add(loader->diagnostics, node_position_of(map, slice_from(key)),
                        "tls.%s: clients are not asked for a certificate; add `client: required` or `client: "
                        "optional`",
                        key);
}

void check_tls(struct loader *loader, const struct node *map)
{
    struct https_settings *https = loader->objects[OBJECT_HTTPS];
    bool asks = https->client == HTTPS_CLIENT_OPTIONAL || https->client == HTTPS_CLIENT_REQUIRED;
    take_certificate(loader, map, https);
    if (asks && node_get(map, SLICE("client_ca")) == NULL)
        diagnostics_add(
            loader->diagnostics, node_position_of(map, SLICE("client")),
            "tls.client: `client_ca` is missing: who may have issued the certificates of clients");
    if (!asks) {
        need_client(loader, map, "client_ca");
        need_client(loader, map, "client_crl");
        need_client(loader, map, "client_depth");
    }
    if (https->early_data == HTTPS_EARLY_SAFE && asks)
        diagnostics_warn(loader->diagnostics, node_position_of(map, SLICE("early_data")),
                         "tls.early_data: it has no effect, as clients are asked for certificates: whoever "
                         "replays their requests would act in their name");
    if (https->policy == HTTPS_POLICY_MODERN && https->ciphers.length > 0)
        diagnostics_warn(loader->diagnostics, node_position_of(map, SLICE("ciphers")),
                         "tls.ciphers: they are those of TLS 1.2, which the policy `modern` refuses");
}

/* What the section says that has no effect, or too much. */
static void check_proxy_tls_section(struct loader *loader, const struct node *tls,
                                    const struct proxy_tls_settings *settings)
{
    bool has_key = node_get(tls, SLICE("key")) != NULL;
    if (has_key && settings->certificate.length == 0)
        diagnostics_add(loader->diagnostics, node_position_of(tls, SLICE("key")),
                        "proxy.tls.key: there is no `certificate` beside it");
    if (!settings->verify)
        diagnostics_warn(
            loader->diagnostics, node_position_of(tls, SLICE("verify")),
            "proxy.tls.verify: the servers' certificates are not verified: anyone on the way can "
            "pretend to be the server; better name its issuer, or its certificate, with `ca`");
    if (!settings->verify && settings->ca.length > 0)
        diagnostics_warn(loader->diagnostics, node_position_of(tls, SLICE("ca")),
                         "proxy.tls.ca: it has no effect with `verify: false`");
}

void check_proxy_tls(struct loader *loader, const struct node *map)
{
    const struct proxy_settings *proxy = &((struct route *)loader->objects[OBJECT_ROUTE])->proxy;
    const struct node *tls = node_get(map, SLICE("tls"));
    if (tls && tls->kind == NODE_MAP)
        check_proxy_tls_section(loader, tls, &proxy->tls);
#ifndef HAVE_TLS
    if (proxy_speaks_tls(proxy))
        diagnostics_add(loader->diagnostics, tls ? tls->position : node_position_of(map, SLICE("to")),
                        "proxy: this vif was built without TLS (OpenSSL)");
#endif
}

void check_hsts(struct loader *loader, const struct node *map)
{
    struct site *site = loader->objects[OBJECT_SITE];
    const struct hsts_settings *hsts = &site->hsts;
    char text[96];
    if (hsts->max_age_ms == 0 && (hsts->subdomains || hsts->preload))
        diagnostics_add(loader->diagnostics, map->position, "hsts.max_age is missing");
    if (hsts->preload && (!hsts->subdomains || hsts->max_age_ms < YEAR_MS))
        diagnostics_warn(loader->diagnostics, node_position_of(map, SLICE("preload")),
                         "hsts.preload: browsers take only names with `subdomains: true` and a max_age of "
                         "365d or more");
    if (hsts->max_age_ms == 0)
        return;
    int length =
        snprintf(text, sizeof(text), "max-age=%llu%s%s", (unsigned long long)(hsts->max_age_ms / 1000),
                 hsts->subdomains ? "; includeSubDomains" : "", hsts->preload ? "; preload" : "");
    site->hsts_value = arena_copy(loader->arena, slice_make(text, (size_t)length));
    loader->out_of_memory |= site->hsts_value.data == NULL;
}

/* ---- listeners and sites together ---- */

struct https_check {
    struct loader *loader;
    struct settings *settings;
    const struct node *listen;
    const struct node *sites;
};

/* The item, or the whole where there are no items. */
static const struct node *https_item_at(const struct node *list, size_t index)
{
    const struct node *item = node_item(list, index);
    return item ? item : list;
}

static struct source_position position_in_listener(const struct https_check *check, size_t index,
                                                   const char *key)
{
    return node_position_of(https_item_at(check->listen, index), slice_from(key));
}

static struct source_position position_in_site(const struct https_check *check, size_t index, const char *key)
{
    return node_position_of(https_item_at(check->sites, index), slice_from(key));
}

/* The number of the listener with that address, or the count of all. */
static size_t https_find_listener(const struct settings *settings, struct slice address)
{
    size_t i = 0;
    while (i < settings->listener_count && (settings->listeners[i].address.data == NULL ||
                                            !slice_equal(settings->listeners[i].address, address)))
        i++;
    return i;
}

static void resolve_listeners(const struct https_check *check, size_t site_index)
{
    struct site *site = &check->settings->sites[site_index];
    const struct node *map = https_item_at(check->sites, site_index);
    const struct node *names = map->kind == NODE_MAP ? node_get(map, SLICE("listen")) : NULL;
    for (size_t i = 0; names && i < site->listener_count; i++) {
        struct slice address = site->listeners[i];
        size_t number =
            address.data ? https_find_listener(check->settings, address) : check->settings->listener_count;
        if (number < check->settings->listener_count)
            site->listener_set |= (uint64_t)1 << number;
        else if (address.data)
            diagnostics_add(check->loader->diagnostics, https_item_at(names, i)->position,
                            "sites[].listen: \"%.*s\" is not among the addresses of `listen` at the top",
                            SLICE_ARGS(address));
    }
}

static bool https_is_served_on(const struct site *site, size_t listener)
{
    return site->listener_set == 0 || (site->listener_set >> listener & 1) != 0;
}

static bool has_certificate(const struct settings *settings, size_t site, size_t listener)
{
    return settings->sites[site].https.certificate_count > 0 ||
           settings->listeners[listener].https.certificate_count > 0;
}

static const char *first_host(const struct site *site)
{
    return site->host_count > 0 && site->hosts[0].data ? site->hosts[0].data : "*";
}

static void check_secure_listener(const struct https_check *check, size_t listener)
{
    const struct settings *settings = check->settings;
    struct diagnostics *diagnostics = check->loader->diagnostics;
    size_t served = 0, certified = 0;
    for (size_t i = 0; i < settings->site_count; i++) {
        if (!https_is_served_on(&settings->sites[i], listener))
            continue;
        served++;
        certified += has_certificate(settings, i, listener);
    }
    if (certified == 0)
        diagnostics_add(
            diagnostics, position_in_listener(check, listener, "tls"),
            "listen.tls: there is no certificate, neither here nor in a site that is served here; "
            "a site, or this, has \"tls: {certificate: FILE, key: FILE}\"");
    bool is_partly = certified > 0 && certified < served && !settings->listeners[listener].is_admin;
    for (size_t i = 0; i < settings->site_count && is_partly; i++) {
        if (https_is_served_on(&settings->sites[i], listener) && !has_certificate(settings, i, listener))
            diagnostics_warn(diagnostics, position_in_site(check, i, "hosts"),
                             "sites[].tls: \"%s\" has no certificate for the listener \"%.*s\", which speaks "
                             "TLS: add one, or name other listeners in the site's `listen`",
                             first_host(&settings->sites[i]),
                             SLICE_ARGS(settings->listeners[listener].address));
    }
}

static bool serves_sites_by_tls(const struct listener_settings *listener)
{
    return listener->https.is_on && !listener->is_admin;
}

static bool speaks_tls(const struct settings *settings, const struct site *site)
{
    for (size_t i = 0; i < settings->listener_count; i++) {
        if (serves_sites_by_tls(&settings->listeners[i]) && https_is_served_on(site, i))
            return true;
    }
    return false;
}

static void check_site(const struct https_check *check, size_t index)
{
    const struct site *site = &check->settings->sites[index];
    if (speaks_tls(check->settings, site))
        return;
    if (site->https.is_on)
        diagnostics_warn(
            check->loader->diagnostics, position_in_site(check, index, "tls"),
            "sites[].tls: no listener of this site speaks TLS; one that does is written \"listen: "
            "[{address: 8443, tls: true}]\"");
    if (site->hsts_value.length > 0)
        diagnostics_warn(check->loader->diagnostics, position_in_site(check, index, "hsts"),
                         "sites[].hsts: it is sent over TLS only, which no listener of this site speaks");
}

/* Another machine with the same keys does not know which requests came here. */
static void check_early_data(const struct https_check *check, const struct site *site, size_t index)
{
    if (site->early_set != 0 && check->settings->tickets.keys.length > 0)
        diagnostics_add(
            check->loader->diagnostics, position_in_site(check, index, "tls"),
            "tls.early_data: \"safe\" needs ticket keys that no other machine has: a request that "
            "was answered here could be replayed there; remove `tickets.keys` or `early_data`");
}

static void note_early_data(const struct https_check *check, struct site *site)
{
    const struct settings *settings = check->settings;
    for (size_t i = 0; i < settings->listener_count; i++) {
        struct https_settings effective = https_effective(&site->https, &settings->listeners[i].https);
        if (effective.is_on && https_is_served_on(site, i) && https_takes_early_data(&effective))
            site->early_set |= (uint64_t)1 << i;
    }
}

static void note_client_auths(const struct https_check *check, struct site *site)
{
    const struct settings *settings = check->settings;
    uint64_t auths[LISTENERS_MAX] = {0}, any = 0;
    for (size_t i = 0; i < settings->listener_count; i++) {
        struct https_settings effective = https_effective(&site->https, &settings->listeners[i].https);
        auths[i] = settings->listeners[i].https.is_on ? https_client_auth(&effective) : 0;
        any |= auths[i];
    }
    if (any == 0)
        return;
    site->client_auths = loader_allocate(check->loader, settings->listener_count, sizeof(auths[0]));
    if (site->client_auths)
        memcpy(site->client_auths, auths, settings->listener_count * sizeof(auths[0]));
}

/* ---- redirects to HTTPS ---- */

/* The port of the first listener with TLS; 0: there is none. */
static uint64_t secure_port(const struct settings *settings)
{
    for (size_t i = 0; i < settings->listener_count; i++) {
        struct listen_address listen;
        const struct listener_settings *listener = &settings->listeners[i];
        if (serves_sites_by_tls(listener) && listener->address.data &&
            address_parse(listener->address, &listen) == ADDRESS_OK &&
            listen.address.any.sa_family != AF_UNIX)
            return address_port(&listen.address);
    }
    return 0;
}

static struct slice https_location(struct loader *loader, uint64_t port)
{
    char text[64];
    int length = port == 443 ? snprintf(text, sizeof(text), "https://{host}{uri}")
                             : snprintf(text, sizeof(text), "https://{host}:%u{uri}", (unsigned)port);
    return arena_copy(loader->arena, slice_make(text, (size_t)length));
}

static void make_redirect(const struct https_check *check, struct listener_settings *listener, uint64_t port)
{
    struct route *route = loader_allocate(check->loader, 1, sizeof(*route));
    if (route == NULL)
        return;
    route->prefix = SLICE("/");
    route->kind = ROUTE_REDIRECT;
    route->redirect.status = 308;
    route->redirect.location = https_location(check->loader, port);
    check->loader->out_of_memory |= route->redirect.location.data == NULL;
    listener->route = route;
}

static void check_redirecting_listener(const struct https_check *check, size_t index)
{
    struct listener_settings *listener = &check->settings->listeners[index];
    struct source_position position = position_in_listener(check, index, "redirect_to_https");
    uint64_t port = 0;
    if (listener->https.is_on)
        diagnostics_add(check->loader->diagnostics, position,
                        "listen.redirect_to_https: this listener speaks TLS itself");
    else if (slice_to_u64(listener->https_port, &port) || (port = secure_port(check->settings)) > 0)
        make_redirect(check, listener, port);
    else
        diagnostics_add(check->loader->diagnostics, position,
                        "listen.redirect_to_https: no listener with a port speaks TLS; name the port, or add "
                        "{address: 443, tls: true} to `listen`");
}

void check_https(struct loader *loader, const struct node *listen, const struct node *sites)
{
    struct config *config = loader->objects[OBJECT_CONFIG];
    struct settings *settings = loader->objects[OBJECT_SETTINGS];
    struct https_check check = {.loader = loader, .settings = settings, .listen = listen, .sites = sites};
    settings->listeners = config->listeners;
    settings->listener_count = MIN(config->listener_count, (size_t)LISTENERS_MAX);
    for (size_t i = 0; i < settings->site_count; i++) {
        resolve_listeners(&check, i);
        note_client_auths(&check, &settings->sites[i]);
        note_early_data(&check, &settings->sites[i]);
        check_early_data(&check, &settings->sites[i], i);
        check_site(&check, i);
    }
    for (size_t i = 0; i < settings->listener_count; i++) {
        if (settings->listeners[i].https.is_on)
            check_secure_listener(&check, i);
        if (settings->listeners[i].https_port.length > 0)
            check_redirecting_listener(&check, i);
#ifndef HAVE_TLS
        if (settings->listeners[i].https.is_on)
            diagnostics_add(loader->diagnostics, position_in_listener(&check, i, "tls"),
                            "listen.tls: this vif was built without TLS (OpenSSL)");
#endif
    }
}
