/* Any bytes as a configuration file. A file that is taken gives settings that hold together; one that is not
 * is told at least one mistake, and every mistake can be printed. */
#include "fuzz.h"

#include "conf/load.h"

static void check_route(const struct route *route)
{
    assert(route->prefix.length > 0 && route->prefix.data[0] == '/');
    switch (route->kind) {
    case ROUTE_FILES: assert(route->files.root.data[0] == '/'); return;
    case ROUTE_REDIRECT: assert(route->redirect.status >= 301 && route->redirect.status <= 308); return;
    case ROUTE_RESPOND: assert(route->respond.status >= 200 && route->respond.status <= 599); return;
    case ROUTE_PROXY:
        assert(route->proxy.to_file.length > 0 ||
               (route->proxy.server_count > 0 && route->proxy.servers[0].url.length > 0));
        return;
    case ROUTE_ADMIN: /* of listeners only */
    case ROUTE_KIND_COUNT: break;
    }
    assert(!"a route of no kind that a site can have");
}

static void check_site(const struct site *site)
{
    assert(site->host_count > 0 && site->route_count > 0);
    for (size_t i = 0; i < site->route_count; i++) {
        check_route(&site->routes[i]);
        assert(i == 0 || site->routes[i].prefix.length <= site->routes[i - 1].prefix.length);
    }
}

static void check_config(const struct config *config)
{
    assert(config->listener_count > 0);
    assert(config->settings->site_count > 0);
    for (size_t i = 0; i < config->settings->site_count; i++)
        check_site(&config->settings->sites[i]);
    for (size_t i = 0; i < config->listener_count; i++)
        assert(!config->listeners[i].is_admin || config->listeners[i].route->kind == ROUTE_ADMIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diagnostics diagnostics;
    struct config *config = NULL;
    struct buffer printed;
    diagnostics_init(&diagnostics);
    buffer_init(&printed, 1u << 20);
    int error =
        config_load(SLICE("fuzz"), slice_make((const char *)data, size), SLICE("/"), &diagnostics, &config);
    assert((error == 0) == (config != NULL));
    assert((error == 0) == (diagnostics.errors == 0));
    if (config)
        check_config(config);
    diagnostics_print(&diagnostics, true, &printed);
    assert(!printed.failed);
    buffer_finish(&printed);
    config_destroy(config);
    diagnostics_finish(&diagnostics);
    return 0;
}
