/* Building and searching the tables. A host is looked up whole, then as "*.rest" for each of its dots, then
 * as "*"; a path is looked up whole, then cut at each '/' from the end. The common case of one site with one
 * route at "/" does none of that. */
#include "serve/snapshot.h"

#include "serve/head_id.h"
#include "sys/clock.h"

#include <errno.h>
#include <stdlib.h>

#define HOST_BYTES_MAX 255

struct site_table {
    uint64_t listener_set;          /* of listeners, by number, that the site is served on; 0: all */
    struct map route_entries;       /* by bare prefix */
    const struct route_entry *only; /* the site's one route, if it is "/" */
};

struct host_entry {
    struct map_link link;
    struct slice name;
    struct site_table *site;
};

struct host_table {
    struct map entries;
    struct host_entry *entry_array;
    struct site_table *sites;
    size_t site_count;
    struct site_table *only; /* the one site, if it answers for "*" */
};

static bool snapshot_is_served_on(const struct site_table *site, unsigned listener)
{
    return LIKELY(site->listener_set == 0) ||
           (listener < LISTENERS_MAX && (site->listener_set >> listener & 1) != 0);
}

static const struct host_entry *find_host(const struct snapshot *snapshot, unsigned listener,
                                          struct slice name)
{
    uint64_t hash = hash_bytes(&snapshot->hash_key, name);
    const struct map *map = &snapshot->hosts->entries;
    for (struct map_link *link = map_find(map, hash); link; link = map_find_next(link)) {
        struct host_entry *entry = CONTAINER_OF(link, struct host_entry, link);
        if (slice_equal(entry->name, name) && snapshot_is_served_on(entry->site, listener))
            return entry;
    }
    return NULL;
}

/* "a.b.c" → "*.b.c" → "*.c": the star is written over the byte before the dot. */
static const struct host_entry *snapshot_find_wildcard(const struct snapshot *snapshot, unsigned listener,
                                                       char *name, size_t length)
{
    for (size_t i = 1; i < length; i++) {
        if (name[i] != '.')
            continue;
        char before = name[i - 1];
        name[i - 1] = '*';
        struct slice wildcard = slice_make(name + i - 1, length - i + 1);
        const struct host_entry *entry = find_host(snapshot, listener, wildcard);
        name[i - 1] = before;
        if (entry)
            return entry;
    }
    return find_host(snapshot, listener, SLICE("*"));
}

static const struct site_table *snapshot_find_site(const struct snapshot *snapshot, unsigned listener,
                                                   struct slice host)
{
    char name[HOST_BYTES_MAX];
    size_t length = host.length;
    /* "example.com." is the same name, fully qualified. */
    if (length > 0 && host.data[length - 1] == '.')
        length--;
    /* No name is longer (RFC 1035 section 2.3.4): only "*" can mean it. */
    if (length > sizeof(name))
        length = 0;
    for (size_t i = 0; i < length; i++)
        name[i] = ascii_lower(host.data[i]);
    const struct host_entry *entry = find_host(snapshot, listener, slice_make(name, length));
    if (entry == NULL)
        entry = snapshot_find_wildcard(snapshot, listener, name, length);
    return entry ? entry->site : NULL;
}

static const struct site_table *match_site(const struct snapshot *snapshot, unsigned listener,
                                           struct slice host)
{
    const struct site_table *only = snapshot->hosts->only;
    return LIKELY(only != NULL) ? only : snapshot_find_site(snapshot, listener, host);
}

static const struct route_entry *find_entry(const struct snapshot *snapshot, const struct site_table *site,
                                            struct slice bare_prefix)
{
    uint64_t hash = hash_bytes(&snapshot->hash_key, bare_prefix);
    for (struct map_link *link = map_find(&site->route_entries, hash); link; link = map_find_next(link)) {
        struct route_entry *route_entry = CONTAINER_OF(link, struct route_entry, link);
        if (slice_equal(route_entry->bare_prefix, bare_prefix))
            return route_entry;
    }
    return NULL;
}

/* The entry with the longest prefix of `path`, of any kind of route or only of files. */
static const struct route_entry *find_covering(const struct snapshot *snapshot, const struct site_table *site,
                                               struct slice path, bool of_files)
{
    size_t length = path.length;
    for (;;) {
        const struct route_entry *route_entry = find_entry(snapshot, site, slice_take(path, length));
        if (route_entry && (!of_files || route_entry->root))
            return route_entry;
        if (length == 0)
            return NULL;
        while (path.data[--length] != '/')
            continue;
    }
}

static const struct route_entry *match_entry(const struct snapshot *snapshot, const struct site_table *site,
                                             struct slice path)
{
    return LIKELY(site->only != NULL) ? site->only : find_covering(snapshot, site, path, false);
}

enum snapshot_match snapshot_match(const struct snapshot *snapshot, unsigned listener, struct slice host,
                                   struct slice path, const struct route_entry **ret_entry)
{
    const struct site_table *site = match_site(snapshot, listener, host);
    if (site == NULL)
        return SNAPSHOT_NO_HOST;
    const struct route_entry *route_entry = match_entry(snapshot, site, path);
    if (route_entry == NULL)
        return SNAPSHOT_NO_PATH;
    *ret_entry = route_entry;
    return SNAPSHOT_FOUND;
}

const struct route_entry *snapshot_guess(const struct snapshot *snapshot, unsigned listener,
                                         struct slice host, struct slice path)
{
    const struct site_table *site = match_site(snapshot, listener, host);
    return match_entry(snapshot, site ? site : &snapshot->hosts->sites[0], path);
}

static struct slice snapshot_bare(struct slice prefix)
{
    return slice_ends_with(prefix, SLICE("/")) ? slice_take(prefix, prefix.length - 1) : prefix;
}

static void take_root(struct route_entry *route_entry, const struct root_table *roots)
{
    struct root_spec spec = root_spec_of(&route_entry->route->files);
    struct root *root = root_table_find(roots, &spec);
    assert(root != NULL);
    route_entry->root = root_ref(root);
}

static int add_routes(struct snapshot *snapshot, const struct site *site, struct site_table *table,
                      struct route_entry *route_entries, const struct root_table *roots)
{
    for (size_t i = 0; i < site->route_count; i++) {
        struct route_entry *route_entry = &route_entries[i];
        route_entry->route = &site->routes[i];
        route_entry->site = site;
        route_entry->bare_prefix = snapshot_bare(route_entry->route->prefix);
        route_entry->cors = cors_kind_of(route_entry->route);
        if (route_entry->route->kind == ROUTE_FILES) {
            head_ids_of(snapshot->settings, site, route_entry->route, route_entry->head_ids);
            take_root(route_entry, roots);
        }
        int error = map_insert(&table->route_entries, &route_entry->link,
                               hash_bytes(&snapshot->hash_key, route_entry->bare_prefix));
        if (error < 0)
            return error;
    }
    for (size_t i = 0; i < site->route_count; i++)
        route_entries[i].files_entry = find_covering(snapshot, table, route_entries[i].bare_prefix, true);
    if (site->route_count == 1 && route_entries[0].bare_prefix.length == 0)
        table->only = &route_entries[0];
    return 0;
}

static int snapshot_add_hosts(struct snapshot *snapshot, const struct site *site, struct site_table *table,
                              struct host_entry *entries)
{
    for (size_t i = 0; i < site->host_count; i++) {
        entries[i] = (struct host_entry){.name = site->hosts[i], .site = table};
        int error = map_insert(&snapshot->hosts->entries, &entries[i].link,
                               hash_bytes(&snapshot->hash_key, entries[i].name));
        if (error < 0)
            return error;
    }
    return 0;
}

static int add_listener_entries(struct snapshot *snapshot)
{
    const struct settings *settings = snapshot->settings;
    size_t count = 0;
    for (size_t i = 0; i < settings->listener_count; i++)
        count += settings->listeners[i].route != NULL;
    if (count == 0)
        return 0;
    snapshot->listener_entries = calloc(settings->listener_count, sizeof(*snapshot->listener_entries));
    for (size_t i = 0; snapshot->listener_entries && i < settings->listener_count; i++) {
        snapshot->listener_entries[i].route = settings->listeners[i].route;
        snapshot->has_admin |= settings->listeners[i].is_admin;
    }
    return snapshot->listener_entries ? 0 : -ENOMEM;
}

static int fill(struct snapshot *snapshot, const struct root_table *roots)
{
    const struct settings *settings = snapshot->settings;
    struct route_entry *route_entries = snapshot->route_entries;
    struct host_entry *entries = snapshot->hosts->entry_array;
    for (size_t i = 0; i < settings->site_count; i++) {
        const struct site *site = &settings->sites[i];
        struct site_table *table = &snapshot->hosts->sites[i];
        table->listener_set = site->listener_set;
        int error = add_routes(snapshot, site, table, route_entries, roots);
        if (error == 0)
            error = snapshot_add_hosts(snapshot, site, table, entries);
        if (error < 0)
            return error;
        route_entries += site->route_count;
        entries += site->host_count;
    }
    const struct site *first = &settings->sites[0];
    if (settings->site_count == 1 && first->listener_set == 0 && first->host_count == 1 &&
        slice_equal(first->hosts[0], SLICE("*")))
        snapshot->hosts->only = &snapshot->hosts->sites[0];
    return add_listener_entries(snapshot);
}

static int snapshot_allocate(struct snapshot *snapshot)
{
    const struct settings *settings = snapshot->settings;
    size_t routes = 0, hosts = 0;
    for (size_t i = 0; i < settings->site_count; i++) {
        routes += settings->sites[i].route_count;
        hosts += settings->sites[i].host_count;
    }
    snapshot->route_entries = calloc(routes + 1, sizeof(struct route_entry));
    snapshot->route_entry_count = snapshot->route_entries ? routes : 0;
    snapshot->hosts = calloc(1, sizeof(struct host_table));
    if (snapshot->hosts) {
        snapshot->hosts->entry_array = calloc(hosts + 1, sizeof(struct host_entry));
        snapshot->hosts->sites = calloc(settings->site_count + 1, sizeof(struct site_table));
        snapshot->hosts->site_count = settings->site_count;
    }
    bool complete =
        snapshot->route_entries && snapshot->hosts && snapshot->hosts->entry_array && snapshot->hosts->sites;
    return complete ? 0 : -ENOMEM;
}

int snapshot_create(struct settings *settings, const struct root_table *roots, struct snapshot **ret_snapshot)
{
    assert(settings->site_count > 0);
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (snapshot == NULL)
        return -ENOMEM;
    snapshot->references = 1;
    snapshot->settings = settings_ref(settings);
    sys_random(&snapshot->hash_key, sizeof(snapshot->hash_key));
    int error = snapshot_allocate(snapshot);
    if (error == 0)
        error = fill(snapshot, roots);
    if (error < 0) {
        snapshot_unref(snapshot);
        return error;
    }
    *ret_snapshot = snapshot;
    return 0;
}

void snapshot_set_logs(struct snapshot *snapshot, const struct access_log_set *logs)
{
    for (size_t i = 0; i < snapshot->route_entry_count && logs; i++) {
        struct route_entry *entry = &snapshot->route_entries[i];
        if (entry->site->log.path.length > 0)
            entry->access_log = access_log_set_find(logs, entry->site->log.path);
        snapshot->has_site_logs |= entry->access_log != NULL;
    }
}

static void free_hosts(struct host_table *hosts)
{
    if (hosts == NULL)
        return;
    for (size_t i = 0; hosts->sites && i < hosts->site_count; i++)
        map_finish(&hosts->sites[i].route_entries);
    map_finish(&hosts->entries);
    free(hosts->entry_array);
    free(hosts->sites);
    free(hosts);
}

void snapshot_unref(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    assert(snapshot->references > 0);
    if (--snapshot->references > 0)
        return;
    for (size_t i = 0; i < snapshot->route_entry_count; i++)
        root_unref(snapshot->route_entries[i].root);
    free_hosts(snapshot->hosts);
    free(snapshot->route_entries);
    free(snapshot->listener_entries);
    settings_unref(snapshot->settings);
    free(snapshot);
}
