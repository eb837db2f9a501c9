/* What to serve and within which bounds: one immutable value.
 *
 * Built and checked by conf/ (or by a program that embeds the engine), then never changed: every request
 * holds a reference to the settings it began with, and a reload gives new requests a new value. All slices
 * and arrays belong to the settings' arena and live as long as it does. */
#ifndef SETTINGS_SETTINGS_H
#define SETTINGS_SETTINGS_H

#include "base/arena.h"
#include "base/slice.h"

#include <stdint.h>

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
                              stands before it, "{host}" for the host, "{scheme}" for "http" or "https" */
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
    bool early_hints; /* the Link headers in `field_edits` go ahead of responses, by 103 */
    struct field_edit *field_edits;
    size_t field_edit_count;
};

/* A certificate and its key, in PEM form. Paths are absolute. */
struct certificate_settings {
    struct slice certificate; /* the certificate, then those of its issuers */
    struct slice key;         /* empty: in the same file */
    struct slice ocsp;        /* a response that is sent along; empty: none */
};

enum https_policy { HTTPS_POLICY_DEFAULT, HTTPS_POLICY_INTERMEDIATE, HTTPS_POLICY_MODERN };

/* What is asked of clients: a certificate. */
enum https_client { HTTPS_CLIENT_DEFAULT, HTTPS_CLIENT_NONE, HTTPS_CLIENT_OPTIONAL, HTTPS_CLIENT_REQUIRED };

/* How TLS is spoken on a listener, or under the names of a site. What a site leaves open is as the listener
 * says; what both leave open is as vif would have it. */
struct https_settings {
    bool is_on;                                /* it was said at all; of a listener: it speaks TLS */
    struct certificate_settings certificate;   /* the only one, or empty; stands in `certificates` too */
    struct certificate_settings *certificates; /* one for each kind of key, HTTPS_CERTIFICATES_MAX at most */
    size_t certificate_count;
    int policy;                 /* enum https_policy */
    struct slice ciphers;       /* of TLS 1.2, as OpenSSL writes them; empty: left open, as the next two */
    struct slice cipher_suites; /* of TLS 1.3 */
    struct slice groups;        /* of the key exchange */
    int client;                 /* enum https_client; where it is left open, so is the rest: */
    struct slice client_ca;     /* PEM: who may have issued the certificates of clients */
    struct slice client_crl;    /* PEM: which of them were revoked; empty: not looked at */
    uint32_t client_depth;      /* certificates between; 0: left open */
};

#define HTTPS_CERTIFICATES_MAX 4

/* What holds for a site on a listener: all that is left open by the one is as the other says, and what both
 * leave open is filled in. The arrays are theirs. `site` may be NULL: for clients that ask for none. */
struct https_settings https_effective(const struct https_settings *site,
                                      const struct https_settings *listener);

/* A number for what is asked of clients under effective settings; equal ones are the same demands. 0: nothing
 * is asked. */
uint64_t https_client_auth(const struct https_settings *effective);

/* Where connections come from. Its number is its place among the settings' listeners. */
struct listener_settings {
    struct slice address; /* "127.0.0.1:8080", "[fe80::1%eth0]:8080", "[::]:80", ":8080" (every address, both
                             families), "unix:/run/vif.sock" */
    struct https_settings https;
    struct slice https_port; /* requests are redirected to HTTPS at this port, a number, or at that of the
                                first listener with TLS, "true"; empty: they are answered */
    struct route *redirect;  /* what redirects them, or NULL */
};

/* So that a set of listeners is a word. */
#define LISTENERS_MAX 64

/* Strict-Transport-Security (RFC 6797). */
struct hsts_settings {
    uint64_t max_age_ms; /* 0: none is sent */
    bool subdomains;
    bool preload;
};

/* A set of routes for a set of hosts: "example.com", "*.example.com" (any depth below), or "*" for all
 * others. Host names are lower case, without port. */
struct site {
    struct slice *listeners; /* the addresses of those that it is served on; none: all */
    size_t listener_count;
    uint64_t listener_set; /* the same as a set of numbers, one bit each; 0: all */
    struct slice *hosts;
    size_t host_count;
    struct https_settings https;
    struct hsts_settings hsts;
    struct slice hsts_value; /* of the header; empty: none */
    uint64_t *client_auths;  /* by listener: https_client_auth; NULL: nothing is asked of any client */
    struct route *routes;    /* longest prefix first */
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
    uint32_t hello_bytes;             /* of a ClientHello; more are refused by an alert, as below */
    uint32_t handshake_bytes;         /* of all that a client sends until its handshake is complete */
};

/* How HTTP/2 is spoken. */
struct http2_settings {
    bool prior_knowledge;      /* without TLS, to clients that begin with it */
    bool upgrade;              /* without TLS, to clients that ask for it in a request of HTTP/1.1 */
    uint32_t streams;          /* requests at once on a connection */
    uint32_t window_bytes;     /* content of a request that may come before it is taken */
    uint32_t window_bytes_max; /* that grows to this with the network */
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

/* Session tickets: with one, a client resumes its TLS session with any worker. */
struct ticket_settings {
    uint64_t lifetime_ms; /* 0: there are none */
    struct slice keys;    /* a file that several machines share; empty: keys are made, and changed, here */
};

struct settings {
    unsigned references; /* see settings_ref */
    struct arena arena;
    struct listener_settings *listeners; /* none where whoever embeds vif has sockets of its own */
    size_t listener_count;
    struct site *sites; /* at least one; the first that matches, exact names before wildcards before "*" */
    size_t site_count;
    struct limits limits;
    struct timeouts timeouts;
    struct http2_settings http2;
    struct ticket_settings tickets;
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
