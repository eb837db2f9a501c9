/* The items of the file are read by the row of `to`: what is right or wrong there is right or wrong here, and
 * is told with the file's own lines. */
#include "conf/server_file.h"

#include "base/error.h"
#include "conf/file.h"
#include "sys/clock.h"

#include <errno.h>

/* Somebody writes to the file at this very moment. */
#define TRIES_MAX 100

static struct proxy_settings *proxy_being_loaded(const struct loader *loader)
{
    return &((struct route *)loader->objects[OBJECT_ROUTE])->proxy;
}

static bool is_there_twice(const struct proxy_settings *proxy, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (slice_equal(proxy->servers[i].url, proxy->servers[index].url))
            return true;
    }
    return false;
}

/* A server is what a list before has of the same URL; and what TLS needs is made ready with the settings,
 * before it is known which lists will come. */
static void check_listed(struct loader *loader, size_t index, const struct node *item)
{
    const struct proxy_settings *proxy = proxy_being_loaded(loader);
    struct slice url = proxy->servers[index].url;
    struct source_position position = node_position_of(item, SLICE("server"));
    if (is_there_twice(proxy, index))
        diagnostics_add(loader->diagnostics, position, "proxy.to_file: \"%.*s\" is there twice",
                        SLICE_ARGS(url));
    if (slice_starts_with(url, SLICE("https://")) && !proxy->tls.is_on)
        diagnostics_add(loader->diagnostics, position,
                        "proxy.to_file: a list may have https:// servers if the route that names it says so: "
                        "write \"tls: true\" beside `to_file`, or what TLS needs");
}

static void load_list(struct loader *loader, const struct node *top, struct source_position position)
{
    const struct option *option = option_find(SECTION_PROXY, SLICE("to"));
    size_t errors = loader->diagnostics->errors;
    if (top == NULL || (top->kind == NODE_TEXT && top->text.length == 0)) {
        diagnostics_add(loader->diagnostics, position, "%s: it has no servers; the least is [\"HOST:PORT\"]",
                        proxy_being_loaded(loader)->to_file.data);
        return;
    }
    loader_read_sections(loader, option, top);
    if (loader->diagnostics->errors > errors) /* then it is not known which server is whose item */
        return;
    for (size_t i = 0; i < proxy_being_loaded(loader)->server_count; i++)
        check_listed(loader, i, top->kind == NODE_LIST ? node_item(top, i) : top);
}

/* Returns as server_file_read. Mistakes that have no place in the file are reported at `position`. */
static int load_from_file(struct loader *loader, struct source_position position)
{
    struct proxy_settings *proxy = proxy_being_loaded(loader);
    struct document document = {0};
    struct node *top;
    size_t errors = loader->diagnostics->errors;
    uint64_t began_ns = sys_monotonic_ns();
    int error = document_init(&document);
    if (error == 0)
        error = file_load_list(proxy->to_file.data, position, loader->diagnostics, &document, &top);
    if (error == 0) {
        proxy->to_file_read_ns = began_ns;
        load_list(loader, top, position);
    }
    document_finish(&document);
    if (error == 0 && loader->out_of_memory)
        error = -ENOMEM;
    return error == 0 && loader->diagnostics->errors > errors ? ERROR_SYNTAX : error;
}

/* ---- while a configuration is loaded ---- */

static bool names_file(const struct route *route, struct slice path)
{
    return route->kind == ROUTE_PROXY && slice_equal(route->proxy.to_file, path);
}

/* Whether it is the first route so far that names its file. */
static bool is_first_to_name(const struct settings *settings, const struct route *own)
{
    for (size_t i = 0; i < settings->site_count; i++) {
        for (size_t j = 0; j < settings->sites[i].route_count; j++) {
            const struct route *route = &settings->sites[i].routes[j];
            if (route == own)
                return true;
            if (names_file(route, own->proxy.to_file))
                return false;
        }
    }
    return true;
}

static bool has_too_many_files(const struct settings *settings)
{
    size_t count = 0;
    for (size_t i = 0; i < settings->site_count; i++) {
        for (size_t j = 0; j < settings->sites[i].route_count && count <= PROXY_FILES_MAX; j++) {
            const struct route *route = &settings->sites[i].routes[j];
            count += route->kind == ROUTE_PROXY && route->proxy.to_file.length > 0 &&
                     is_first_to_name(settings, route);
        }
    }
    return count > PROXY_FILES_MAX;
}

void server_file_load(struct loader *loader, const struct node *map)
{
    const struct proxy_settings *proxy = proxy_being_loaded(loader);
    const struct settings *settings = loader->objects[OBJECT_SETTINGS];
    struct source_position position = node_position_of(map, SLICE("to_file"));
    if (proxy->to_file.length == 0 || node_get(map, SLICE("to"))) /* both together are reported */
        return;
    int error = load_from_file(loader, position);
    for (int i = 0; i < TRIES_MAX && error == -EAGAIN; i++)
        error = load_from_file(loader, position);
    if (error == -EAGAIN)
        diagnostics_add(loader->diagnostics, position, "%s: it is written to again and again",
                        proxy->to_file.data);
    if (error == -ENOENT)
        diagnostics_warn(loader->diagnostics, position,
                         "proxy.to_file: %s does not exist: until it does, requests get 503; in a vif that "
                         "has read it before, its last list stays in force",
                         proxy->to_file.data);
    loader->out_of_memory |= error == -ENOMEM;
    if (is_first_to_name(settings, loader->objects[OBJECT_ROUTE]) && has_too_many_files(settings))
        diagnostics_add(loader->diagnostics, position,
                        "proxy.to_file: more than %d files with servers in one configuration",
                        PROXY_FILES_MAX);
}

/* ---- while vif runs ---- */

int server_file_read(struct slice path, bool speaks_tls, struct arena *arena, struct diagnostics *diagnostics,
                     struct proxy_settings *ret_proxy)
{
    struct route route = {.kind = ROUTE_PROXY, .proxy = {.to_file = path, .tls.is_on = speaks_tls}};
    struct slice folder = SLICE("/"); /* paths in the file begin at its own */
    struct loader loader = {
        .diagnostics = diagnostics,
        .arena = arena,
        .rules = {.arena = arena, .base_folder = folder, .log_folder = folder},
        .objects = {[OBJECT_ROUTE] = &route},
    };
    int error = load_from_file(&loader, (struct source_position){0});
    claims_finish(&loader.claims);
    *ret_proxy = route.proxy;
    return error;
}
