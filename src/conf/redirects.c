/* Every redirect leads to at most one route of its site: the one that answers the beginning of its location,
 * up to the first placeholder. Following these steps from a route, one that comes round again is a loop, for
 * all requests of the route or for those that no other route takes from it. A location on another host, or
 * over TLS, where the site may not be the same, leads nowhere from here. */
#include "conf/checks.h"
#include "conf/routes.h"
#include "conf/unknown.h"
#include "http/uri.h"
#include "sys/address.h"

#include <stdlib.h>

/* Longer locations are not followed. */
#define PATH_BYTES_MAX 4096

struct redirect_map {
    const struct loader *loader;
    const struct site *site;
    const struct route **sorted; /* by bare prefix */
    size_t count;
};

/* "/" becomes "", as if all others were below it. */
static struct slice redirects_bare(const struct route *route)
{
    struct slice prefix = route_bare_prefix(route->prefix);
    return prefix.length == 1 ? slice_take(prefix, 0) : prefix;
}

static int compare_slices(struct slice a, struct slice b)
{
    size_t shared = MIN(a.length, b.length);
    int order = shared ? memcmp(a.data, b.data, shared) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int redirects_compare(const void *left, const void *right)
{
    const struct route *const *a = left;
    const struct route *const *b = right;
    return compare_slices(redirects_bare(*a), redirects_bare(*b));
}

static const struct route *redirects_find(const struct redirect_map *map, struct slice prefix)
{
    size_t low = 0;
    size_t high = map->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_slices(redirects_bare(map->sorted[middle]), prefix);
        if (order == 0)
            return map->sorted[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The longest prefix that matches whole segments, as the server finds it. */
static const struct route *match(const struct redirect_map *map, struct slice path)
{
    size_t length = path.length;
    for (;;) {
        const struct route *route = redirects_find(map, slice_take(path, length));
        if (route || length == 0)
            return route;
        while (path.data[--length] != '/')
            continue;
    }
}

static bool listens_on(const struct config *config, uint64_t port)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        struct listen_address listen;
        struct slice text = config->listeners[i].address;
        if (text.data && address_parse(text, &listen) == ADDRESS_OK && address_port(&listen.address) == port)
            return true;
    }
    return false;
}

/* "example.com:8080" as a name of this very site, at a port that is listened on. */
static bool is_own_host(const struct redirect_map *map, struct slice authority)
{
    struct slice host = slice_take(authority, slice_find(authority, ':'));
    uint64_t port = 80;
    if (host.length < authority.length && !slice_to_u64(slice_skip(authority, host.length + 1), &port))
        return false;
    for (size_t i = 0; i < map->site->host_count; i++) {
        if (slice_equal_nocase(map->site->hosts[i], host))
            return listens_on(map->loader->objects[OBJECT_CONFIG], port);
    }
    return false;
}

static size_t find_first_of(struct slice text, const char *bytes)
{
    size_t at = 0;
    while (at < text.length && strchr(bytes, text.data[at]) == NULL)
        at++;
    return at;
}

/* The part of a location after its host, with placeholders; its data is NULL if the location is not on this
 * site. */
static struct slice own_part(const struct redirect_map *map, struct slice location)
{
    if (slice_starts_with(location, SLICE("/")))
        return location;
    bool is_same = slice_starts_with(location, SLICE("{scheme}://"));
    if (!is_same && !slice_starts_with(location, SLICE("http://")))
        return (struct slice){0};
    struct slice rest = slice_skip(location, is_same ? 11 : 7);
    if (slice_starts_with(rest, SLICE("{host}")))
        return slice_skip(rest, 6);
    size_t length = find_first_of(rest, "/?#{");
    return is_own_host(map, slice_take(rest, length)) ? slice_skip(rest, length) : (struct slice){0};
}

/* The path that a redirect leads to, as far as it is the same for all requests: "{uri}" begins with the
 * route's own path. False where it cannot be known. */
static bool write_target(const struct redirect_map *map, const struct route *route, struct buffer *out)
{
    struct slice part = own_part(map, route->redirect.location);
    if (part.data == NULL)
        return false;
    struct slice fixed = slice_take(part, find_first_of(part, "?#{"));
    struct slice rest = slice_skip(part, fixed.length);
    buffer_append(out, fixed);
    if (slice_starts_with(rest, SLICE("{uri}")))
        http_path_encode(out, redirects_bare(route));
    else if (slice_starts_with(rest, SLICE("{")) && !slice_starts_with(rest, SLICE("{path}")) &&
             !slice_starts_with(rest, SLICE("{query}")))
        return false;
    if (out->length == 0)
        buffer_append_byte(out, '/');
    return !out->failed;
}

/* The route that a redirect leads to, or NULL. */
static const struct route *redirects_follow(const struct redirect_map *map, const struct route *route)
{
    char decoded[PATH_BYTES_MAX];
    struct slice path;
    struct buffer target;
    const struct route *found = NULL;
    buffer_init(&target, PATH_BYTES_MAX);
    if (route->kind == ROUTE_REDIRECT && route->redirect.location.data && write_target(map, route, &target) &&
        http_path_normalize(buffer_slice(&target), HTTP_PATH_DECODED, decoded, sizeof(decoded), &path) ==
            HTTP_PATH_OK)
        found = match(map, path);
    buffer_finish(&target);
    return found;
}

/* --- loops --- */

/* The value that says where a route redirects to. */
static const struct node *location_node(const struct node *routes, size_t index)
{
    const struct entry *entry = routes->first;
    while (key_is_extension(entry->key) || index-- > 0)
        entry = entry->next;
    const struct node *redirect = node_get(entry->value, SLICE("redirect"));
    return redirect->kind == NODE_MAP ? node_get(redirect, SLICE("to")) : redirect;
}

static void report_loop(const struct redirect_map *map, const struct node *routes, const struct route *route)
{
    const struct node *node = location_node(routes, (size_t)(route - map->site->routes));
    const struct route *next = redirects_follow(map, route);
    char shown[OPTION_TEXT_MAX];
    if (next == route)
        diagnostics_add(map->loader->diagnostics, node->position,
                        "redirect.to: %s leads to this route again: clients would go round in a circle",
                        loader_found(node, shown));
    else
        diagnostics_add(
            map->loader->diagnostics, node->position,
            "redirect.to: %s leads to the route \"%.*s\", which leads back here: clients would go "
            "round in a circle",
            loader_found(node, shown), (int)MIN(next->prefix.length, (size_t)80), next->prefix.data);
}

/* Walks from each route on; `seen` has the number of the walk that came by. */
static void find_loops(const struct redirect_map *map, const struct node *routes, size_t *seen)
{
    const struct route *first = map->site->routes;
    for (size_t i = 0; i < map->count; i++) {
        const struct route *route = &first[i];
        while (route && seen[route - first] == 0) {
            seen[route - first] = i + 1;
            route = redirects_follow(map, route);
        }
        if (route && seen[route - first] == i + 1)
            report_loop(map, routes, route);
    }
}

void check_redirects(struct loader *loader, const struct node *routes)
{
    const struct site *site = loader->objects[OBJECT_SITE];
    struct redirect_map map = {.loader = loader, .site = site, .count = site->route_count};
    size_t *seen = calloc(map.count, sizeof(*seen));
    map.sorted = calloc(map.count, sizeof(*map.sorted));
    loader->out_of_memory |= seen == NULL || map.sorted == NULL;
    for (size_t i = 0; map.sorted && i < map.count; i++)
        map.sorted[i] = &site->routes[i];
    if (seen && map.sorted) {
        qsort(map.sorted, map.count, sizeof(*map.sorted), redirects_compare);
        find_loops(&map, routes, seen);
    }
    free(map.sorted);
    free(seen);
}
