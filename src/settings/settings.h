/* What to serve and within which limits: one immutable value.
 *
 * Built and checked by conf/ (or by a program that embeds the engine) and never changed afterwards: every
 * request holds a reference to the settings it began with; a reload gives new requests a new value. All
 * slices and arrays are allocated in the settings' arena and live as long as it. */
#ifndef SETTINGS_SETTINGS_H
#define SETTINGS_SETTINGS_H

#include "base/arena.h"
#include "base/slice.h"
#include "settings/network.h"

#include <stdint.h>

struct settings;

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

/* Which server gets the next request. */
enum proxy_balance { PROXY_ROUND_ROBIN, PROXY_LEAST_CONNECTIONS, PROXY_LEAST_TIME, PROXY_HASH };

/* Which HTTP is spoken with the servers of a route. One that is "h2c://" is spoken to in HTTP/2 in any case.
 */
enum proxy_http {
    PROXY_HTTP_1,    /* HTTP/1.1 */
    PROXY_HTTP_2,    /* HTTP/2: with TLS by ALPN, without it by prior knowledge */
    PROXY_HTTP_AUTO, /* with TLS what the server chooses by ALPN, without it HTTP/1.1 */
};

/* A server that requests are forwarded to. */
struct proxy_server {
    struct slice url;     /* "http://HOST:PORT", "https:", "h2c:", or "unix:/PATH" */
    uint32_t weight;      /* 0: it gets no new clients */
    uint32_t connections; /* requests at once, over all workers; 0: as the route says */
    bool is_backup;       /* gets requests only while all others are down */
};

#define PROXY_WEIGHT_MAX 1000

/* Checks of servers' health. */
struct proxy_health {
    bool is_on;
    struct slice path;    /* of the request; empty: only a connection is opened */
    struct slice status;  /* the good ones: "200", "200-399" */
    struct slice header;  /* "NAME" or "NAME: VALUE", which the response must have; empty: any */
    struct slice body;    /* bytes that its content must have; empty: any */
    uint32_t interval_ms; /* between the beginnings of two checks of a server */
    uint32_t timeout_ms;  /* for a whole check */
    uint32_t rise;        /* good checks in a row, after which a server that is down is up again */
    uint32_t fall;        /* bad ones, after which it is down */
};

/* TLS to the servers of a route whose URL is "https://". */
struct proxy_tls_settings {
    bool is_on;               /* there is a section for it */
    struct slice ca;          /* PEM: accepted issuers of their certificates; empty: those of the system */
    struct slice name;        /* that their certificates must have; empty: the URL's host */
    struct slice certificate; /* PEM: vif's own, as their client; empty: none */
    struct slice key;         /* empty: in the same file */
    bool verify;              /* only with is_on: see proxy_tls_verifies */
};

/* Whether servers' certificates are verified: unless the section says otherwise. */
static inline bool proxy_tls_verifies(const struct proxy_tls_settings *tls)
{
    return !tls->is_on || tls->verify;
}

/* Which headers tell a server who its client is. */
enum proxy_forwarded {
    PROXY_FORWARDED_X,
    PROXY_FORWARDED_STANDARD,
    PROXY_FORWARDED_BOTH,
    PROXY_FORWARDED_NONE
};

/* The servers of a route are bits of a 64-bit word. */
#define PROXY_SERVERS_MAX 64

/* Different files with servers that a configuration may name. */
#define PROXY_FILES_MAX 16

/* The cookie that keeps a client at its server. */
struct proxy_sticky {
    bool is_on;
    struct slice cookie; /* its name */
    struct slice key;    /* a struct hash_key, from a file; empty: the one of the board */
};

/* How requests are forwarded to other servers. */
struct proxy_settings {
    struct proxy_server *servers;
    size_t server_count;
    struct slice to_file;     /* that they are from, which is watched; empty: they are in the configuration */
    uint64_t to_file_read_ns; /* when it was read (sys_monotonic_ns); 0: there was no such file */
    int http;                 /* enum proxy_http */
    int balance;              /* enum proxy_balance */
    struct slice hash;        /* of what, for PROXY_HASH: "address", "header:NAME" or "cookie:NAME" */
    struct proxy_sticky sticky;
    uint32_t slow_start_ms; /* in which the share of a server that is back rises to the whole */
    uint32_t panic;         /* below this percentage of healthy servers all get requests */
    struct proxy_health health;
    struct proxy_tls_settings tls;
    uint32_t proxy_protocol; /* version of the header that connections to a server begin with; 0: none */
    int forwarded;           /* enum proxy_forwarded */
    bool client_certificate; /* servers are told whose certificate the client has */
    struct slice host;       /* the Host header: empty: the client's; "server": that of the URL; or a value */
    struct slice prefix;     /* replaces the route's in paths; empty: paths stay as they are */
    uint32_t connections;    /* requests at once to a server, over all workers; 0: no limit */
    uint32_t waiting;        /* requests of a worker that wait for a server */
    uint32_t idle_connections; /* kept open to a server, by each worker */
    uint32_t streams;          /* requests at once on a connection of HTTP/2 */
    uint32_t ping_ms;          /* without a byte on one that has requests, until a PING; 0: never */
    uint32_t headers;          /* of a response; at most HTTP_FIELDS_MAX */
    uint32_t head_bytes;       /* of a response */
    uint32_t failures;         /* in a row, after which a server is left out */
    uint32_t retry_after_ms;   /* for so long */
    uint32_t connect_ms;       /* for the connection to a server */
    uint32_t queue_ms;         /* in the queue for a connection */
    uint32_t send_ms;          /* without the server taking any byte of a request */
    uint32_t first_byte_ms;    /* from the end of the request to the end of the response's head */
    uint32_t between_bytes_ms; /* without any byte of a response's content */
    uint32_t total_ms;         /* from the beginning of a request to the end of its response; 0: no limit */
    uint32_t idle_ms;          /* of a kept connection */
    struct slice *upgrades;    /* protocols that requests may change to, as in Upgrade */
    size_t upgrade_count;
    uint32_t tunnel_idle_ms; /* without a byte in either direction, after that change */
};

/* Whether TLS may be spoken with servers of the route: one is "https://", or could be added. A list in a file
 * has such servers only if the route's `tls` is on. */
bool proxy_speaks_tls(const struct proxy_settings *settings);

/* A number that identifies all that TLS to servers depends on: equal numbers mean equal settings. */
uint64_t proxy_tls_identity(const struct proxy_tls_settings *tls);

/* Who may see the pages of a listener for administration. */
struct admin_user {
    struct slice name;
    struct slice hash; /* of the password (sys/password.h); a NUL follows */
};

/* Options of the route of such a listener: see admin/admin.h. */
struct admin_settings {
    struct admin_user *users; /* none: there is no password */
    size_t user_count;
};

enum route_kind { ROUTE_FILES, ROUTE_REDIRECT, ROUTE_RESPOND, ROUTE_PROXY, ROUTE_ADMIN, ROUTE_KIND_COUNT };

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
        struct proxy_settings proxy;
        struct admin_settings admin;
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

/* Whether early data (0-RTT) is accepted, which may be replayed: for safe methods only. */
enum https_early { HTTPS_EARLY_DEFAULT, HTTPS_EARLY_NONE, HTTPS_EARLY_SAFE };

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
    int early_data;             /* enum https_early */
};

#define HTTPS_CERTIFICATES_MAX 4

/* The effective TLS settings of a site on a listener: the site's, then the listener's, then the defaults.
 * Arrays are borrowed from them. `site` may be NULL, for clients that send no server name. */
struct https_settings https_effective(const struct https_settings *site,
                                      const struct https_settings *listener);

/* A number that identifies the demands on client certificates in effective settings: equal numbers mean equal
 * demands. 0: no certificate is requested. */
uint64_t https_client_auth(const struct https_settings *effective);

/* Whether early data is accepted by effective settings: not from clients with certificates, in whose name a
 * replay would act. */
static inline bool https_takes_early_data(const struct https_settings *effective)
{
    return effective->early_data == HTTPS_EARLY_SAFE && effective->client == HTTPS_CLIENT_NONE;
}

/* A listener. Its number is its index in the settings' listeners. */
struct listener_settings {
    struct slice address; /* "127.0.0.1:8080", "[fe80::1%eth0]:8080", "[::]:80", ":8080" (every address, both
                             families), "unix:/run/vif.sock" */
    struct https_settings https;
    bool is_proxied;         /* connections begin with a header of the PROXY protocol */
    struct slice https_port; /* redirect all requests to HTTPS at this port: a number, or "true" for the port
                                of the first listener with TLS; empty: no redirect */
    bool is_admin;           /* has metrics and the like instead of sites */
    struct slice password_file; /* of who may see them; empty: everybody who gets there */
    struct route *route; /* answers all its requests, for one of these two reasons; NULL: the sites do */
};

/* A set of listeners fits into 64 bits. */
#define LISTENERS_MAX 64

/* The number of a listener that the settings do not have any more, for its connections that are left. They
 * reach the sites that are served on every listener. */
#define LISTENER_GONE 127

/* Whether some route forwards upgrades, such as WebSocket. */
bool settings_have_upgrades(const struct settings *settings);

/* The numbers that listeners have in other settings: by their former number. */
struct listener_numbers {
    uint8_t now[LISTENERS_MAX];
};

/* Listeners are the same if their addresses are written in the same way. */
struct listener_numbers listener_numbers_between(const struct settings *former, const struct settings *now);

/* An access log. */
struct access_log_settings {
    struct slice path;     /* empty: none; "-": standard output */
    int format;            /* enum access_log_format */
    struct slice template; /* not empty: a format of the operator, in place of `format` */
    uint32_t sample;       /* one of so many successful requests is logged; 0: all */
};

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
    struct access_log_settings log; /* in place of the common access log; without a path: that one */
    struct https_settings https;
    struct hsts_settings hsts;
    struct slice hsts_value; /* value of the header; empty: no header */
    uint64_t *client_auths;  /* https_client_auth by listener; NULL: 0 for all */
    uint64_t early_set;      /* bit set of listeners at which it accepts early data */
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

/* In which header trusted proxies say who their client is. */
enum trusted_header { TRUSTED_X_FORWARDED, TRUSTED_FORWARDED };

/* Proxies that are believed when they say who their client is. */
struct trusted_settings {
    struct network *networks; /* their addresses */
    size_t network_count;
    int header; /* enum trusted_header */
};

/* Ids by which a request is found again in logs. */
struct request_id_settings {
    bool is_on;
    struct slice header; /* that other servers write and get */
    bool is_sent_back;   /* clients get it, too */
};

/* The shield: the kernel drops packets of clients that break limits again and again. */
struct shield_settings {
    struct slice interface; /* whose packets are looked at; empty: there is no shield */
    int mode;               /* enum xdp_mode */
    uint32_t offences;      /* after so many */
    uint32_t within_ms;     /* in this time */
    uint32_t for_ms;        /* a client is blocked for so long */
    uint32_t addresses;     /* blocked at a time */
    struct network *exempt; /* these are never blocked, nor are trusted proxies */
    size_t exempt_count;
};

/* Session tickets, with which a client can resume its TLS session at any worker. */
struct ticket_settings {
    uint64_t lifetime_ms; /* 0: no tickets */
    struct slice keys;    /* path of a key file shared by several machines; empty: keys are generated and
                             rotated */
};

struct settings {
    unsigned references;                        /* see settings_ref */
    void (*release)(struct settings *settings); /* frees settings that are part of something else; NULL: they
                                                   are from settings_create */
    struct arena arena;
    struct listener_settings *listeners; /* none if a program that embeds vif opens sockets itself */
    size_t listener_count;
    struct site *sites; /* at least one; the first that matches, exact names before wildcards before "*" */
    size_t site_count;
    struct limits limits;
    struct timeouts timeouts;
    struct http2_settings http2;
    struct ticket_settings tickets;
    struct trusted_settings trusted;
    struct request_id_settings request_id;
    struct shield_settings shield;
    struct slice *name_servers; /* that are asked for the addresses of servers: "10.0.0.1:53"; none: those of
                                   the system */
    size_t name_server_count;
    uint32_t slow_ms;  /* requests that take longer are logged with their phases; 0: none */
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
