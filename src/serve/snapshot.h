/* A snapshot: settings prepared for serving, with opened roots and look-up tables of hosts and routes.
 *
 * Every request holds a reference to the snapshot that it began with, so new settings can take effect between
 * any two requests, and the old ones are freed with their last request. Roots are shared with other
 * snapshots; the routes' options for files are not. */
#ifndef SERVE_SNAPSHOT_H
#define SERVE_SNAPSHOT_H

#include "base/hash.h"
#include "base/map.h"
#include "disk/root_table.h"
#include "log/access_log_set.h"
#include "serve/cors.h"
#include "settings/settings.h"

/* A route with additional data for serving. */
struct route_entry {
    struct map_link link;
    const struct route *route;
    const struct site *site;       /* NULL: the route of a listener */
    struct access_log *access_log; /* the site's own; NULL: none */
    struct slice bare_prefix;      /* without the final '/': "" for "/" */
    struct root *root;             /* of a files route, a reference; else NULL */
    uint64_t head_ids[2];          /* in plain text, and over TLS: see serve/head_id.h */
    enum cors_kind cors;
    uint8_t figures;                       /* its place among those of counters: see serve/figures.h */
    const struct route_entry *files_entry; /* the innermost files route that contains its path, perhaps
                                              itself; serves its error pages; NULL: none */
};

struct host_table;

struct snapshot {
    unsigned references;
    struct settings *settings;
    struct hash_key hash_key;
    struct route_entry *route_entries; /* one per route, site after site */
    size_t route_entry_count;
    struct host_table *hosts;
    struct route_entry *listener_entries; /* by listener; NULL: no listener has a route of its own */
    bool has_admin;                       /* one of them has the admin pages */
    bool has_site_logs;                   /* a site has an access log of its own */
};

/* The table must have every root of the settings (see disk/root_opening.h). Takes references to these roots
 * and to `settings`. Returns 0 or -ENOMEM. */
int snapshot_create(struct settings *settings, const struct root_table *roots,
                    struct snapshot **ret_snapshot) MUST_CHECK;

/* Gives the routes the access logs of their sites, which must be in the set, or NULL for none; the set's logs
 * must outlive the snapshot. */
void snapshot_set_logs(struct snapshot *snapshot, const struct access_log_set *logs);

static inline struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
    snapshot->references++;
    return snapshot;
}

/* Releases a reference; the last one frees the snapshot and releases the roots. NULL is ignored. */
void snapshot_unref(struct snapshot *snapshot);

enum snapshot_match {
    SNAPSHOT_FOUND,
    SNAPSHOT_NO_HOST, /* no site answers for this host: 421 */
    SNAPSHOT_NO_PATH, /* the site has no route for this path: 404 */
};

/* Finds the route for a listener (by its number), a host (as received, in any case, without port) and a
 * normalised path. Of the sites on that listener, exact host names come first, then wildcards, the longest
 * first, then "*"; of the site's routes, the one with the longest prefix. O(labels + segments). */
enum snapshot_match snapshot_match(const struct snapshot *snapshot, unsigned listener, struct slice host,
                                   struct slice path, const struct route_entry **ret_entry) MUST_CHECK;

/* The route that answers all requests of a listener, or NULL. */
static inline const struct route_entry *snapshot_listener_entry(const struct snapshot *snapshot,
                                                                unsigned listener)
{
    bool is_among = snapshot->listener_entries && listener < snapshot->settings->listener_count;
    return is_among && snapshot->listener_entries[listener].route ? &snapshot->listener_entries[listener]
                                                                  : NULL;
}

/* The route for a request that is rejected before it could be routed, so that the response has the headers
 * and the error page of a site. If no site matches the host it uses the first one. NULL if the site has no
 * route for the path. */
const struct route_entry *snapshot_guess(const struct snapshot *snapshot, unsigned listener,
                                         struct slice host, struct slice path);

#endif
