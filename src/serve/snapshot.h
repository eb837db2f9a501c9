/* A snapshot: settings made ready to be served from: with their roots, and hosts and routes in tables.
 *
 * Every request holds a reference to the snapshot that it began with, so that new settings can take over
 * between any two requests and the old ones go when their last request does. Roots are shared with other
 * snapshots; what routes say of files belongs to the snapshot alone. */
#ifndef SERVE_SNAPSHOT_H
#define SERVE_SNAPSHOT_H

#include "base/hash.h"
#include "base/map.h"
#include "disk/root_table.h"
#include "serve/cors.h"
#include "settings/settings.h"

/* A route with what serving needs beside it. */
struct route_entry {
    struct map_link link;
    const struct route *route;
    const struct site *site;  /* NULL: a listener's, which redirects */
    struct slice bare_prefix; /* without the final '/': "" for "/" */
    struct root *root;        /* of a files route, with a reference; else NULL */
    uint64_t head_ids[2];     /* in the clear, and over TLS: see serve/head_id.h */
    enum cors_kind cors;
    const struct route_entry *files_entry; /* the nearest route of files that its path lies in, itself too,
                                              for its error pages; NULL: none */
};

struct host_table;

struct snapshot {
    unsigned references;
    struct settings *settings;
    struct hash_key hash_key;
    struct route_entry *route_entries; /* one a route, site after site */
    size_t route_entry_count;
    struct host_table *hosts;
    struct route_entry *redirects; /* to HTTPS, of each listener; NULL where none redirects */
};

/* Every root of the settings is in the table (see disk/root_opening.h). Takes a reference to these roots and
 * to `settings`. Returns 0 or -ENOMEM. */
int snapshot_create(struct settings *settings, const struct root_table *roots,
                    struct snapshot **ret_snapshot) MUST_CHECK;

static inline struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
    snapshot->references++;
    return snapshot;
}

/* One holder less; the last one lets go of the roots. NULL is ignored. */
void snapshot_unref(struct snapshot *snapshot);

enum snapshot_match {
    SNAPSHOT_FOUND,
    SNAPSHOT_NO_HOST, /* no site answers for this host: 421 */
    SNAPSHOT_NO_PATH, /* the site has no route for this path: 404 */
};

/* What answers on a listener (by its number) for a host (as received, any case, without port) and a
 * normalised path: of the sites that are served there exact host names before wildcards, the longest first,
 * before "*"; in the site the route with the longest prefix. O(labels + segments). */
enum snapshot_match snapshot_match(const struct snapshot *snapshot, unsigned listener, struct slice host,
                                   struct slice path, const struct route_entry **ret_entry) MUST_CHECK;

/* What redirects all requests of a listener to HTTPS, or NULL. */
static inline const struct route_entry *snapshot_redirect(const struct snapshot *snapshot, unsigned listener)
{
    bool is_among = snapshot->redirects && listener < snapshot->settings->listener_count;
    return is_among && snapshot->redirects[listener].route ? &snapshot->redirects[listener] : NULL;
}

/* The same for a request that is refused before it could be routed, so that its response has the headers and
 * the error page of a site: of the first one where none answers for the host. NULL where that has no route
 * for the path. */
const struct route_entry *snapshot_guess(const struct snapshot *snapshot, unsigned listener,
                                         struct slice host, struct slice path);

#endif
