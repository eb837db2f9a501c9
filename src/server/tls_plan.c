/* One pass over sites and listeners; then the contexts for clients that send no server name. */
#include "server/tls_plan.h"

#include "sys/address.h"

#include <errno.h>
#include <stdlib.h>

#define MS_PER_SECOND 1000

static bool says_nothing(const struct https_settings *https)
{
    return https->certificate_count == 0 && https->policy == HTTPS_POLICY_DEFAULT &&
           https->client == HTTPS_CLIENT_DEFAULT && https->early_data == HTTPS_EARLY_DEFAULT &&
           https->ciphers.length == 0 && https->cipher_suites.length == 0 && https->groups.length == 0;
}

/* ---- one context ---- */

static const char *tls_plan_path_of(struct slice path)
{
    return path.length > 0 ? path.data : NULL;
}

static enum tls_client_mode client_mode_of(const struct https_settings *https)
{
    return https->client == HTTPS_CLIENT_REQUIRED   ? TLS_CLIENT_REQUIRED
           : https->client == HTTPS_CLIENT_OPTIONAL ? TLS_CLIENT_OPTIONAL
                                                    : TLS_CLIENT_NONE;
}

static void set_pairs(struct planned_context *context, const struct https_settings *https)
{
    for (size_t i = 0; i < https->certificate_count; i++) {
        const struct certificate_settings *certificate = &https->certificates[i];
        context->pairs[i] = (struct tls_pair_files){
            .certificate = certificate->certificate.data,
            .key = tls_plan_path_of(certificate->key),
            .ocsp = tls_plan_path_of(certificate->ocsp),
        };
    }
}

/* What clients are offered by ALPN. */
#ifdef HAVE_HTTP2
#define PROTOCOLS (TLS_PROTOCOL_H2 | TLS_PROTOCOL_HTTP1)
#else
#define PROTOCOLS TLS_PROTOCOL_HTTP1
#endif

static void set_settings(const struct tls_plan *plan, struct planned_context *context,
                         const struct https_settings *https, struct tls_tickets *tickets)
{
    const struct ticket_settings *ticket_settings = &plan->settings->tickets;
    bool has_tickets = tickets && ticket_settings->lifetime_ms > 0;
    set_pairs(context, https);
    context->settings = (struct tls_settings){
        .pairs = context->pairs,
        .pair_count = https->certificate_count,
        .policy = https->policy == HTTPS_POLICY_MODERN ? TLS_POLICY_MODERN : TLS_POLICY_INTERMEDIATE,
        .ciphers = tls_plan_path_of(https->ciphers),
        .cipher_suites = tls_plan_path_of(https->cipher_suites),
        .groups = tls_plan_path_of(https->groups),
        .protocols = PROTOCOLS,
        .client_mode = client_mode_of(https),
        .client_ca = tls_plan_path_of(https->client_ca),
        .client_crl = tls_plan_path_of(https->client_crl),
        .client_depth = https->client_depth,
        .client_auth = https_client_auth(https),
        .ticket_keys = has_tickets ? &tickets->keys : NULL,
        .ticket_seconds = (uint32_t)(ticket_settings->lifetime_ms / MS_PER_SECOND),
        .replay_guard = has_tickets && https_takes_early_data(https) ? &tickets->guard : NULL,
    };
}

static uint32_t add_context(struct tls_plan *plan, const struct site *site, size_t listener,
                            struct tls_tickets *tickets)
{
    struct planned_context *context = &plan->contexts[plan->context_count];
    struct https_settings https =
        https_effective(site ? &site->https : NULL, &plan->settings->listeners[listener].https);
    context->site = site;
    context->listener = listener;
    set_settings(plan, context, &https, tickets);
    return (uint32_t)plan->context_count++;
}

/* ---- which is for whom ---- */

static bool tls_plan_is_served_on(const struct site *site, size_t listener)
{
    return site->listener_set == 0 || (site->listener_set >> listener & 1) != 0;
}

/* That of an earlier listener, where neither says anything. */
static uint32_t find_shared(const struct tls_plan *plan, size_t site, size_t listener)
{
    const struct settings *settings = plan->settings;
    for (size_t i = 0; i < listener && says_nothing(&settings->listeners[listener].https); i++) {
        uint32_t number = tls_plan_of_site(plan, site, i);
        if (number != TLS_PLAN_NONE && says_nothing(&settings->listeners[i].https))
            return number;
    }
    return TLS_PLAN_NONE;
}

static uint32_t choose_for_site(struct tls_plan *plan, size_t number, size_t listener,
                                struct tls_tickets *tickets)
{
    const struct site *site = &plan->settings->sites[number];
    const struct https_settings *own = &plan->settings->listeners[listener].https;
    if (!tls_plan_is_served_on(site, listener))
        return TLS_PLAN_NONE;
    if (!site->https.is_on)
        return plan->of_defaults[listener]; /* the listener's own, if it has one */
    if (site->https.certificate_count + own->certificate_count == 0)
        return TLS_PLAN_NONE;
    uint32_t shared = find_shared(plan, number, listener);
    return shared != TLS_PLAN_NONE ? shared : add_context(plan, site, listener, tickets);
}

static bool is_address(struct slice host)
{
    struct listen_address address;
    char text[64];
    if (host.length + 3 > sizeof(text))
        return false;
    memcpy(text, host.data, host.length);
    memcpy(text + host.length, ":0", 3);
    bool is_name = slice_equal(host, SLICE("localhost"));
    return !is_name && address_parse(slice_make(text, host.length + 2), &address) == ADDRESS_OK;
}

static bool is_any(struct slice host)
{
    return slice_equal(host, SLICE("*"));
}

/* Of the first site with such a host. */
static uint32_t find_default(const struct tls_plan *plan, size_t listener, bool (*is_such)(struct slice host))
{
    for (size_t i = 0; i < plan->settings->site_count; i++) {
        const struct site *site = &plan->settings->sites[i];
        uint32_t number = tls_plan_of_site(plan, i, listener);
        for (size_t j = 0; number != TLS_PLAN_NONE && j < site->host_count; j++) {
            if (is_such(site->hosts[j]))
                return number;
        }
    }
    return TLS_PLAN_NONE;
}

static void plan_listener(struct tls_plan *plan, size_t listener, struct tls_tickets *tickets)
{
    const struct settings *settings = plan->settings;
    if (settings->listeners[listener].https.certificate_count > 0)
        plan->of_defaults[listener] = add_context(plan, NULL, listener, tickets);
    for (size_t i = 0; i < settings->site_count; i++)
        plan->of_sites[i * settings->listener_count + listener] = choose_for_site(plan, i, listener, tickets);
    if (plan->of_defaults[listener] == TLS_PLAN_NONE)
        plan->of_defaults[listener] = find_default(plan, listener, is_any);
    if (plan->of_defaults[listener] == TLS_PLAN_NONE)
        plan->of_defaults[listener] = find_default(plan, listener, is_address);
}

/* ---- connections to other servers ---- */

static bool is_planned(const struct tls_plan *plan, uint64_t identity)
{
    for (size_t i = 0; i < plan->context_count; i++) {
        if (plan->contexts[i].route && plan->contexts[i].identity == identity)
            return true;
    }
    return false;
}

static void plan_route(struct tls_plan *plan, const struct site *site, const struct route *route)
{
    struct planned_context *context = &plan->contexts[plan->context_count];
    const struct proxy_tls_settings *tls = &route->proxy.tls;
    uint64_t identity = proxy_tls_identity(tls);
    if (is_planned(plan, identity))
        return;
    context->site = site;
    context->route = route;
    context->identity = identity;
    context->pairs[0] = (struct tls_pair_files){
        .certificate = tls_plan_path_of(tls->certificate),
        .key = tls_plan_path_of(tls->key),
    };
    context->settings = (struct tls_settings){
        .pairs = context->pairs,
        .pair_count = tls->certificate.length > 0,
        .is_client = true,
        .accepts_any = !proxy_tls_verifies(tls),
        .server_ca = tls_plan_path_of(tls->ca),
    };
    plan->context_count++;
}

static void plan_routes(struct tls_plan *plan)
{
    for (size_t i = 0; i < plan->settings->site_count; i++) {
        const struct site *site = &plan->settings->sites[i];
        for (size_t j = 0; j < site->route_count; j++) {
            if (site->routes[j].kind == ROUTE_PROXY && proxy_speaks_tls(&site->routes[j].proxy))
                plan_route(plan, site, &site->routes[j]);
        }
    }
}

/* ---- hosts that certificates should cover ---- */

static bool is_for_site(const struct tls_plan *plan, size_t context, size_t site)
{
    for (size_t i = 0; i < plan->settings->listener_count; i++) {
        if (tls_plan_of_site(plan, site, i) == context)
            return true;
    }
    return false;
}

static struct slice bare_host(struct slice host)
{
    bool has_brackets = slice_starts_with(host, SLICE("["));
    return has_brackets ? slice_make(host.data + 1, host.length - 2) : host;
}

static void append_hosts(struct tls_plan *plan, struct planned_context *context, const struct site *site)
{
    for (size_t i = 0; i < site->host_count; i++) {
        if (is_any(site->hosts[i]))
            continue;
        plan->hosts[plan->host_count++] = bare_host(site->hosts[i]);
        context->settings.host_count++;
    }
}

static size_t count_hosts(const struct settings *settings)
{
    size_t count = 0;
    for (size_t i = 0; i < settings->site_count; i++)
        count += settings->sites[i].host_count;
    return count;
}

static int tls_plan_collect_hosts(struct tls_plan *plan)
{
    const struct settings *settings = plan->settings;
    size_t room = count_hosts(settings) * (settings->listener_count + 1);
    plan->hosts = calloc(room + 1, sizeof(*plan->hosts));
    if (plan->hosts == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < plan->context_count; i++) {
        plan->contexts[i].settings.hosts = plan->hosts + plan->host_count;
        for (size_t j = 0; j < settings->site_count; j++) {
            if (is_for_site(plan, i, j))
                append_hosts(plan, &plan->contexts[i], &settings->sites[j]);
        }
    }
    return 0;
}

/* ---- the plan ---- */

static size_t tls_plan_count_routes(const struct settings *settings)
{
    size_t count = 0;
    for (size_t i = 0; i < settings->site_count; i++)
        count += settings->sites[i].route_count;
    return count;
}

static int tls_plan_allocate(struct tls_plan *plan)
{
    size_t listeners = plan->settings->listener_count, cells = plan->settings->site_count * listeners;
    size_t contexts = cells + listeners + tls_plan_count_routes(plan->settings);
    plan->contexts = calloc(contexts + 1, sizeof(*plan->contexts));
    plan->of_sites = malloc((cells + 1) * sizeof(*plan->of_sites));
    plan->of_defaults = malloc((listeners + 1) * sizeof(*plan->of_defaults));
    if (plan->contexts == NULL || plan->of_sites == NULL || plan->of_defaults == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < cells; i++)
        plan->of_sites[i] = TLS_PLAN_NONE;
    for (size_t i = 0; i < listeners; i++)
        plan->of_defaults[i] = TLS_PLAN_NONE;
    return 0;
}

int tls_plan_make(struct tls_plan *plan, const struct settings *settings, struct tls_tickets *tickets)
{
    *plan = (struct tls_plan){.settings = settings};
    int error = tls_plan_allocate(plan);
    for (size_t i = 0; error == 0 && i < settings->listener_count; i++) {
        if (settings->listeners[i].https.is_on)
            plan_listener(plan, i, tickets);
    }
    if (error == 0) {
        plan_routes(plan);
        error = tls_plan_collect_hosts(plan);
    }
    if (error < 0)
        tls_plan_finish(plan);
    return error;
}

void tls_plan_finish(struct tls_plan *plan)
{
    free(plan->contexts);
    free(plan->of_sites);
    free(plan->of_defaults);
    free(plan->hosts);
    *plan = (struct tls_plan){0};
}
