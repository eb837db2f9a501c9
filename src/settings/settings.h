/* What to serve and within which limits: one immutable value.
 *
 * Built and checked by conf/ (or by a program that embeds the engine) and never changed afterwards: every
 * request holds a reference to the settings it began with; a reload gives new requests a new value. All
 * slices and arrays are allocated in the settings' arena and live as long as it. */
#ifndef SETTINGS_SETTINGS_H
#define SETTINGS_SETTINGS_H

#include "base/arena.h"
#include "base/slice.h"

#include <stdint.h>

/* A response header to set (replacing the handler's) or to remove (`value.data` is NULL). */
struct field_edit {
    struct slice name;
    struct slice value;
};

/* Which Cache-Control value a path gets. The first matching rule wins. `pattern` is a shell pattern
 * (fnmatch(3) without FNM_PATHNAME). A pattern with '/' is matched against the whole decoded path, otherwise
 * against the last segment. */
struct cache_rule {
    struct slice pattern;
    struct slice value;
};

/* The file, relative to the route's root, that is the content of error responses with this status. */
struct error_page {
    int status; /* 400..599 */
    struct slice path;
};

/* The media type of file names with this extension (".md"), in any case. */
struct media_type_rule {
    struct slice extension;
    struct slice type;
};

/* Options of a route that serves a folder. */
struct files_settings {
    struct slice
        root; /* path of the folder as the process may open it (absolute, NUL-terminated behind its end) */
    struct slice *indexes; /* index file names, tried in order */
    size_t index_count;
    bool listing;             /* a folder without index file gets a listing instead of 404 */
    bool archives;            /* a folder with listing can be downloaded as a tar archive */
    bool follow_links;        /* symbolic links may lead out of the root */
    bool hidden;              /* names that begin with '.' are served */
    bool precompressed;       /* .br .zst .gz siblings are offered */
    bool precompressed_alone; /* a .br or .zst file is served even if the uncompressed file is missing */
    bool clean_urls;          /* "/about" is answered with "about.html" if there is no file "about" */
    struct slice only;        /* the one name in the root that is served; empty: all */
    struct slice
        fallback; /* path relative to the root, answered with 200 for what does not exist; empty: none */
    struct media_type_rule *types; /* the first that matches */
    size_t type_count;
    struct slice charset; /* charset of text files: a name, or "none"; empty: utf-8 */
    struct cache_rule *cache_rules;
    size_t cache_rule_count;
    struct error_page *error_pages;
    size_t error_page_count;
};

struct redirect_settings {
    int status;            /* 301, 302, 303, 307 or 308 */
    struct slice location; /* "{path}" is replaced by the path as received after the route's prefix, "{uri}"
                              by path and query as received, "{query}" by the query with its separator,
                              "{host}" by the host, "{scheme}" by "http" or "https" */
};

struct respond_settings {
    int status; /* 200..599 */
    struct slice type;
    struct slice body;
};

enum route_kind { ROUTE_FILES, ROUTE_REDIRECT, ROUTE_RESPOND, ROUTE_KIND_COUNT };

/* What answers requests below a path. A prefix matches whole segments: "/a" matches "/a" and "/a/b", not
 * "/ab". A prefix that ends in '/' matches the same paths, and a request for it without the '/' is redirected
 * to it. */
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
    bool early_hints; /* send the Link headers in `field_edits` ahead of responses, by 103 */
    struct field_edit *field_edits;
    size_t field_edit_count;
};

/* A certificate and its key, in PEM form. Paths are absolute. */
struct certificate_settings {
    struct slice certificate; /* the certificate, then those of its issuers */
    struct slice key;         /* empty: in the same file */
    struct slice ocsp;        /* OCSP response to staple; empty: none */
};

enum https_policy { HTTPS_POLICY_DEFAULT, HTTPS_POLICY_INTERMEDIATE, HTTPS_POLICY_MODERN };

/* Whether client certificates are requested. */
enum https_client { HTTPS_CLIENT_DEFAULT, HTTPS_CLIENT_NONE, HTTPS_CLIENT_OPTIONAL, HTTPS_CLIENT_REQUIRED };

/* TLS settings of a listener or of a site's names. What a site leaves unset comes from the listener; what
 * both leave unset gets vif's default. */
struct https_settings {
    bool is_on;                                /* there are TLS settings; for a listener: it uses TLS */
    struct certificate_settings certificate;   /* the only one, or empty; also in `certificates` */
    struct certificate_settings *certificates; /* one for each kind of key, HTTPS_CERTIFICATES_MAX at most */
    size_t certificate_count;
    int policy;                 /* enum https_policy */
    struct slice ciphers;       /* of TLS 1.2, in OpenSSL's notation; empty: unset, like the next two */
    struct slice cipher_suites; /* of TLS 1.3 */
    struct slice groups;        /* of the key exchange */
    int client;                 /* enum https_client; if it is unset, so are the next three */
    struct slice client_ca;     /* PEM: accepted issuers of client certificates */
    struct slice client_crl;    /* PEM: revocation lists; empty: not checked */
    uint32_t client_depth;      /* most intermediate certificates; 0: unset */
};

#define HTTPS_CERTIFICATES_MAX 4

/* The effective TLS settings of a site on a listener: the site's, then the listener's, then the defaults.
 * Arrays are borrowed from them. `site` may be NULL, for clients that send no server name. */
struct https_settings https_effective(const struct https_settings *site,
                                      const struct https_settings *listener);

/* A number that identifies the demands on client certificates in effective settings: equal numbers mean equal
 * demands. 0: no certificate is requested. */
uint64_t https_client_auth(const struct https_settings *effective);

/* A listener. Its number is its index in the settings' listeners. */
struct listener_settings {
    struct slice address; /* "127.0.0.1:8080", "[fe80::1%eth0]:8080", "[::]:80", ":8080" (every address, both
                             families), "unix:/run/vif.sock" */
    struct https_settings https;
    struct slice https_port; /* redirect all requests to HTTPS at this port: a number, or "true" for the port
                                of the first listener with TLS; empty: no redirect */
    struct route *redirect;  /* the route that redirects them, or NULL */
};

/* A set of listeners fits into 64 bits. */
#define LISTENERS_MAX 64

/* Strict-Transport-Security (RFC 6797). */
struct hsts_settings {
    uint64_t max_age_ms; /* 0: none is sent */
    bool subdomains;
    bool preload;
};

/* A set of routes for a set of hosts: "example.com", "*.example.com" (subdomains of any depth), or "*" for
 * all others. Host names are in lower case, without port. */
struct site {
    struct slice *listeners; /* addresses of the listeners that serve it; none: all */
    size_t listener_count;
    uint64_t listener_set; /* the same as a bit set of listener numbers; 0: all */
    struct slice *hosts;
    size_t host_count;
    struct https_settings https;
    struct hsts_settings hsts;
    struct slice hsts_value; /* value of the header; empty: no header */
    uint64_t *client_auths;  /* https_client_auth by listener; NULL: 0 for all */
    struct route *routes;    /* longest prefix first */
    size_t route_count;
};

/* Limits. Exceeding one has a defined result: 414, 431, 413, 503 with Retry-After, or closing the
 * longest-idle connection. */
struct limits {
    uint32_t connections;             /* per worker */
    uint32_t connections_per_address; /* per worker and client address (IPv6: per /64); 0: no limit */
    uint32_t head_bytes;              /* request line and headers together */
    uint32_t uri_bytes;
    uint32_t fields; /* at most HTTP_FIELDS_MAX */
    uint64_t body_bytes;
    uint32_t requests_per_connection; /* 0: no limit */
    uint64_t cache_bytes;             /* memory of the file cache per worker */
    uint32_t cache_file_bytes;        /* files up to this size are kept in memory */
    uint32_t cache_entries;           /* open files remembered per worker */
    uint32_t hello_bytes;             /* of a ClientHello; more get an alert, as below */
    uint32_t handshake_bytes;         /* of everything a client sends until its handshake is complete */
};

/* Settings of HTTP/2. */
struct http2_settings {
    bool prior_knowledge;      /* without TLS: accept clients that begin with HTTP/2 */
    bool upgrade;              /* without TLS: accept "Upgrade: h2c" in an HTTP/1.1 request */
    uint32_t streams;          /* concurrent requests per connection */
    uint32_t window_bytes;     /* initial receive window of a stream */
    uint32_t window_bytes_max; /* it grows up to this if the network can use it */
};

/* Milliseconds. */
struct timeouts {
    uint32_t handshake_ms;   /* from the beginning of the connection to the end of the TLS handshake */
    uint32_t head_ms;        /* from the first byte of a request to the end of its head */
    uint32_t body_ms;        /* without any byte of a body */
    uint32_t idle_ms;        /* between requests, and before the first */
    uint32_t write_ms;       /* without any progress of a response */
    uint32_t linger_ms;      /* after our last byte, for the peer to close */
    uint32_t drain_ms;       /* for requests in progress at a graceful shutdown */
    uint32_t rate_bytes_min; /* least average bytes per second of a body or response after body_ms/write_ms;
                                0: no minimum */
};

/* Session tickets, with which a client can resume its TLS session at any worker. */
struct ticket_settings {
    uint64_t lifetime_ms; /* 0: no tickets */
    struct slice keys;    /* path of a key file shared by several machines; empty: keys are generated and
                             rotated */
};

struct settings {
    unsigned references; /* see settings_ref */
    struct arena arena;
    struct listener_settings *listeners; /* none if a program that embeds vif opens sockets itself */
    size_t listener_count;
    struct site *sites; /* at least one; the first that matches, exact names before wildcards before "*" */
    size_t site_count;
    struct limits limits;
    struct timeouts timeouts;
    struct http2_settings http2;
    struct ticket_settings tickets;
    bool server_field; /* send "Server: vif" */
};

/* Sets the default limits and timeouts; the option table shows them, too. */
void settings_set_defaults(struct settings *settings);

/* Takes a reference. Not thread-safe: each worker process has its own copy. */
static inline struct settings *settings_ref(struct settings *settings)
{
    settings->references++;
    return settings;
}

/* Releases a reference; the last one frees everything. NULL is ignored. */
void settings_unref(struct settings *settings);

/* Creates settings with defaults, no sites and one reference; NULL if out of memory. */
struct settings *settings_create(void) MUST_CHECK;

#endif
