/* What to serve and within which bounds: one immutable value.
 *
 * Built and checked by conf/ (or by a program that embeds the engine), then never changed: every request
 * holds a reference to the settings it began with, and a reload gives new requests a new value. All slices
 * and arrays belong to the settings' arena and live as long as it does. */
#ifndef SETTINGS_SETTINGS_H
#define SETTINGS_SETTINGS_H

#include "base/arena.h"
#include "base/slice.h"

/* A response field to set (replacing what the handler set) or to remove (`value.data` is NULL). */
struct field_edit {
    struct slice name;
    struct slice value;
};

/* Which Cache-Control value a path gets. The first rule that matches wins. `pattern` is a shell pattern
 * (fnmatch(3) without FNM_PATHNAME): with a '/' in it, it is held against the whole decoded path, else
 * against the last segment. */
struct cache_rule {
    struct slice pattern;
    struct slice value;
};

/* The file, relative to the route's root, whose bytes are the content of error replies with this status. */
struct error_page {
    int status; /* 400..599 */
    struct slice path;
};

/* The media type of names with this ending (".md"), any case. */
struct media_type_rule {
    struct slice extension;
    struct slice type;
};

/* A folder. */
struct files_settings {
    struct slice
        root; /* path of the folder as the process may open it (absolute, NUL-terminated behind its end) */
    struct slice *indexes; /* names tried in a folder, in order */
    size_t index_count;
    bool listing;             /* a folder without index is listed rather than 404 */
    bool archives;            /* a folder that is listed can be had as a tar archive */
    bool follow_links;        /* symbolic links may lead out of the root */
    bool hidden;              /* names that begin with '.' are served */
    bool precompressed;       /* .br .zst .gz siblings are offered */
    bool precompressed_alone; /* a .br or .zst stands for the file that it is a sibling of where that is
                                 missing */
    bool clean_urls;          /* "about.html" answers for "about" where there is no file of that name */
    struct slice only;        /* the one name in the root that is served; empty: all */
    struct slice
        fallback; /* path relative to the root, answered with 200 for what does not exist; empty: none */
    struct media_type_rule *types; /* the first that matches */
    size_t type_count;
    struct slice charset; /* of text: a name, or "none"; empty: utf-8 */
    struct cache_rule *cache_rules;
    size_t cache_rule_count;
    struct error_page *error_pages;
    size_t error_page_count;
};

struct redirect_settings {
    int status;            /* 301, 302, 303, 307 or 308 */
    struct slice location; /* "{path}" stands for the path as received behind the route's prefix, "{uri}" for
                              path and query as received, "{query}" for the query and what joins it to what
                              stands before it, "{host}" for the host */
};

struct respond_settings {
    int status; /* 200..599 */
    struct slice type;
    struct slice body;
};

enum route_kind { ROUTE_FILES, ROUTE_REDIRECT, ROUTE_RESPOND, ROUTE_KIND_COUNT };

/* What answers below a path. A prefix matches whole segments: "/a" matches "/a" and "/a/b", not "/ab". A
 * prefix that ends in '/' is the same route, its bare form being redirected to it. */
struct route {
    struct slice prefix; /* normalised, begins with '/' */
    enum route_kind kind;
    union {
        struct files_settings files;
        struct redirect_settings redirect;
        struct respond_settings respond;
    };
    struct slice
        *cors_origins; /* whose pages may read the responses: "*" for all, a serialised origin, one with
                          "*." before its host for all below that, or "null" */
    size_t cors_origin_count;
    struct field_edit *field_edits;
    size_t field_edit_count;
};

/* A set of routes for a set of hosts: "example.com", "*.example.com" (any depth below), or "*" for all
 * others. Host names are lower case, without port. */
struct site {
    struct slice *hosts;
    size_t host_count;
    struct route *routes; /* longest prefix first */
    size_t route_count;
};

/* Each bound has an answer: 414, 431, 413, 503 with Retry-After, or the close of the longest-idle connection.
 */
struct limits {
    uint32_t connections;             /* per worker */
    uint32_t connections_per_address; /* per worker and client address (IPv6: per /64); 0: no limit */
    uint32_t head_bytes;              /* request line and fields together */
    uint32_t uri_bytes;
    uint32_t fields; /* at most HTTP_FIELDS_MAX */
    uint64_t body_bytes;
    uint32_t requests_per_connection; /* 0: no limit */
    uint64_t cache_bytes;             /* memory of the file cache per worker */
    uint32_t cache_file_bytes;        /* files up to this size are kept in memory */
    uint32_t cache_entries;           /* open files remembered per worker */
};

/* Milliseconds. */
struct timeouts {
    uint32_t handshake_ms;   /* of TLS, from the beginning of the connection on */
    uint32_t head_ms;        /* from the first byte of a request to the end of its head */
    uint32_t body_ms;        /* without any byte of a body */
    uint32_t idle_ms;        /* between requests, and before the first */
    uint32_t write_ms;       /* without any progress of a response */
    uint32_t linger_ms;      /* after our last byte, for the peer to close */
    uint32_t drain_ms;       /* for requests in flight when the worker is told to go */
    uint32_t rate_bytes_min; /* bytes per second that a body or a response must make on average after
                                write_ms/body_ms; 0: no minimum */
};

struct settings {
    unsigned references; /* see settings_ref */
    struct arena arena;
    struct site *sites; /* at least one; the first that matches, exact names before wildcards before "*" */
    size_t site_count;
    struct limits limits;
    struct timeouts timeouts;
    bool server_field; /* send "Server: vif" */
};

/* Limits and timeouts as a careful operator would set them; also what the option table shows as defaults. */
void settings_set_defaults(struct settings *settings);

/* One more holder. Not for threads: each worker process has its own copy. */
static inline struct settings *settings_ref(struct settings *settings)
{
    settings->references++;
    return settings;
}

/* One holder less; the last one frees everything. NULL is ignored. */
void settings_unref(struct settings *settings);

/* New settings with defaults, no sites, one reference; NULL without memory. */
struct settings *settings_create(void) MUST_CHECK;

#endif
