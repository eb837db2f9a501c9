/* The table itself, and little more. To add an option, add its member to the settings and its row here; then
 * tools/print-documents writes the documents anew. */
#include "conf/options.h"

#include "conf/option_items.h"
#include "sys/xdp.h"

static const char *const access_log_formats[] = {
    [ACCESS_LOG_COMMON] = "common",
    [ACCESS_LOG_COMBINED] = "combined",
    [ACCESS_LOG_JSON] = "json",
    NULL,
};
static const char *const log_levels[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
    NULL,
};
static const char *const log_compressors[] = {
    [LOG_COMPRESSOR_AUTO] = "auto",
    [LOG_COMPRESSOR_ZSTD] = "zstd",
    [LOG_COMPRESSOR_NONE] = "none",
    NULL,
};
static const char *const redirect_statuses[] = {"301", "302", "303", "307", "308", NULL};

static const char *const proxy_balances[] = {
    [PROXY_ROUND_ROBIN] = "round_robin",
    [PROXY_LEAST_CONNECTIONS] = "least_connections",
    [PROXY_LEAST_TIME] = "least_time",
    [PROXY_HASH] = "hash",
    NULL,
};
static const char *const proxy_protocols[] = {
    [PROXY_HTTP_1] = "h1",
    [PROXY_HTTP_2] = "h2",
    [PROXY_HTTP_AUTO] = "auto",
    NULL,
};
static const char *const proxy_forwarded[] = {
    [PROXY_FORWARDED_X] = "x_forwarded",
    [PROXY_FORWARDED_STANDARD] = "forwarded",
    [PROXY_FORWARDED_BOTH] = "both",
    [PROXY_FORWARDED_NONE] = "none",
    NULL,
};

static const char *const trusted_headers[] = {
    [TRUSTED_X_FORWARDED] = "x_forwarded",
    [TRUSTED_FORWARDED] = "forwarded",
    NULL,
};

static const char *const shield_modes[] = {
    [XDP_AUTO] = "auto",
    [XDP_NATIVE] = "native",
    [XDP_GENERIC] = "generic",
    NULL,
};

static const char *const https_policies[] = {
    [HTTPS_POLICY_DEFAULT] = "default",
    [HTTPS_POLICY_INTERMEDIATE] = "intermediate",
    [HTTPS_POLICY_MODERN] = "modern",
    NULL,
};
static const char *const https_clients[] = {
    [HTTPS_CLIENT_DEFAULT] = "default",
    [HTTPS_CLIENT_NONE] = "none",
    [HTTPS_CLIENT_OPTIONAL] = "optional",
    [HTTPS_CLIENT_REQUIRED] = "required",
    NULL,
};

static const char *const https_early_data[] = {
    [HTTPS_EARLY_DEFAULT] = "default",
    [HTTPS_EARLY_NONE] = "none",
    [HTTPS_EARLY_SAFE] = "safe",
    NULL,
};

#define TYPE_CONFIG      struct config
#define TYPE_SETTINGS    struct settings
#define TYPE_ACCESS_LOG  struct access_log_settings
#define TYPE_LISTENER    struct listener_settings
#define TYPE_SITE        struct site
#define TYPE_ROUTE       struct route
#define TYPE_FIELD_EDITS struct field_edits
#define TYPE_HTTPS       struct https_settings
#define TYPE_CERTIFICATE struct certificate_settings
#define TYPE_SERVER      struct proxy_server

#define TARGET(target, member)                                            \
    .object = OBJECT_##target, .offset = offsetof(TYPE_##target, member), \
    .size = sizeof(((TYPE_##target *)0)->member)
#define TARGET_ARRAY(target, array, counter, putter)                                          \
    TARGET(target, array), .count_offset = offsetof(TYPE_##target, counter), .put = (putter), \
                           .item_size = sizeof(*((TYPE_##target *)0)->array)
#define RANGE(least, most) .min = (least), .max = (most)

#define SECOND_MS ((uint64_t)1000)
#define HOUR_MS   (3600 * SECOND_MS)
#define DAY_MS    (24 * HOUR_MS)
#define KIB       ((uint64_t)1 << 10)
#define MIB       ((uint64_t)1 << 20)
#define GIB       ((uint64_t)1 << 30)
#define TIB       ((uint64_t)1 << 40)

/* clang-format off */
const struct option options[] = {
    {SECTION_TOP, "listen", OPTION_SECTIONS,
     "Addresses to accept connections on: `:8080` for every address of the machine, or `unix:` with a path.",
     .fallback = ":8080", .example = "[8080, \"unix:/run/vif.sock\", {address: 8443, tls: true}]",
     TARGET_ARRAY(CONFIG, listeners, listener_count, NULL), .child = SECTION_LISTENER,
     RANGE(1, LISTENERS_MAX)},
    {SECTION_TOP, "include", OPTION_TEXTS,
     "Other files whose options belong to this configuration, as if they were written here: lists, such as "
     "`listen` and `sites`, are appended, maps become one, and anything else may be there once. `*`, `?` and "
     "`[a-z]` stand for parts of names; such a pattern may match nothing, and matches are taken in the order "
     "of their names. Included files cannot include others.",
     .example = "sites/*.yaml", TARGET_ARRAY(CONFIG, includes, include_count, option_item_text),
     .rule = &rule_include, RANGE(0, 64)},
    {SECTION_TOP, "unix_socket", OPTION_SECTION, "Mode, owner and group of the files of Unix sockets.",
     .child = SECTION_UNIX_SOCKET},
    {SECTION_TOP, "user", OPTION_TEXT,
     "The user that workers become when vif is started as root, by name or number, optionally with a group "
     "after a colon; `auto` is `vif` if there is such a user, else `nobody`. Without root it has no effect.",
     .fallback = "auto", .example = "www-data:www-data", TARGET(CONFIG, user), .rule = &rule_worker_user,
     .zero = "auto"},
    {SECTION_TOP, "sandbox", OPTION_BOOL,
     "Workers give up every right that they do not need: files outside of the served folders, most system "
     "calls, signals to other processes, new connections. `vif hardening` shows what that means on this "
     "machine.",
     .fallback = "true", .example = "false", TARGET(CONFIG, sandbox)},
    {SECTION_TOP, "workers", OPTION_NUMBER,
     "The number of worker processes; `auto` is one for each core that vif may use.",
     .fallback = "auto", .example = "4", TARGET(CONFIG, workers), RANGE(1, 1024), .zero = "auto"},
    {SECTION_TOP, "backend", OPTION_WORD,
     "The system call with which the event loop waits; `auto` means `epoll`. If the kernel does not support "
     "the chosen one, epoll is used.",
     .fallback = "auto", .example = "poll", TARGET(CONFIG, backend), .words = loop_backend_names},
    {SECTION_TOP, "log", OPTION_SECTION, "Access log and error log.", .child = SECTION_LOG},
    {SECTION_TOP, "limits", OPTION_SECTION, "Limits on sizes and numbers.", .child = SECTION_LIMITS},
    {SECTION_TOP, "timeouts", OPTION_SECTION, "Limits on waiting times.", .child = SECTION_TIMEOUTS},
    {SECTION_TOP, "http2", OPTION_SECTION, "Options of HTTP/2.", .child = SECTION_HTTP2},
    {SECTION_TOP, "tickets", OPTION_SECTION, "Resumption of TLS sessions.", .child = SECTION_TICKETS},
    {SECTION_TOP, "trusted_proxies", OPTION_SECTION,
     "Proxies in front of vif that are believed when they say who the client of a request is, by a header "
     "or by the PROXY protocol.",
     .example = "[10.0.0.0/8]", .child = SECTION_TRUSTED},
    {SECTION_TOP, "request_id", OPTION_SECTION,
     "Gives each request an id: in the access log, in messages about it in the error log, and for the "
     "servers that it is forwarded to. An id that one of `trusted_proxies` sends is kept; otherwise vif "
     "generates one.",
     .fallback = "false", .example = "true", .is_switch = true, TARGET(SETTINGS, request_id.is_on),
     .constant = true, .child = SECTION_REQUEST_ID},
    {SECTION_TOP, "shield", OPTION_SECTION,
     "Blocks clients that break limits again and again, in the kernel (XDP). It needs root, or CAP_BPF and "
     "CAP_NET_ADMIN, and Linux 5.9.",
     .example = "{interface: eth0, for: 5m}", .child = SECTION_SHIELD},
    {SECTION_TOP, "name_servers", OPTION_TEXTS,
     "The name servers (DNS) that look up the servers of `proxy`; by default those of `/etc/resolv.conf`.",
     .example = "\"10.0.0.53\"", TARGET_ARRAY(SETTINGS, name_servers, name_server_count, option_item_text),
     .rule = &rule_name_server, RANGE(0, 8)},
    {SECTION_TOP, "server_header", OPTION_BOOL, "Whether responses have a `Server` header.",
     .example = "false", .old_key = "server_field", TARGET(SETTINGS, server_field)},
    {SECTION_TOP, "sites", OPTION_SECTIONS, "What is served, for which hosts.", .is_required = true,
     TARGET_ARRAY(SETTINGS, sites, site_count, NULL), .child = SECTION_SITE},

    {SECTION_LISTENER, "address", OPTION_TEXT,
     "The address; a port alone means every address of the machine.", .example = "\"[::1]:8443\"",
     .is_required = true, TARGET(LISTENER, address), .rule = &rule_address},
    {SECTION_LISTENER, "tls", OPTION_SECTION,
     "Whether the listener speaks TLS. Options in a map here apply to all its clients, unless a site "
     "overrides them; a certificate here is for clients that send no server name, or one without a "
     "certificate.",
     .fallback = "false", .example = "true", .is_switch = true, TARGET(LISTENER, https.is_on),
     .constant = true,
     .child = SECTION_TLS},
    {SECTION_LISTENER, "redirect_to_https", OPTION_TEXT,
     "Answers every request with a redirect (308) to the same host and path over HTTPS, at this port; "
     "`true`: at the port of the first listener with TLS.",
     .fallback = "false", .example = "443", TARGET(LISTENER, https_port), .rule = &rule_https_port,
     .zero = "false"},
    {SECTION_LISTENER, "admin", OPTION_SECTION,
     "Serves metrics, health checks and the server's status here, and no sites. The address must belong to "
     "the machine itself, or clients must have certificates (`tls: {client: required}`), or a password over "
     "TLS.",
     .fallback = "false", .example = "true", .is_switch = true, TARGET(LISTENER, is_admin), .constant = true,
     .child = SECTION_ADMIN},

    {SECTION_LISTENER, "proxy_protocol", OPTION_BOOL,
     "Whether each connection begins with a header of the PROXY protocol, version 1 or 2, before any TLS. "
     "Only `trusted_proxies` may connect then.",
     .fallback = "false", .example = "true", TARGET(LISTENER, is_proxied)},

    {SECTION_ADMIN, "password_file", OPTION_TEXT,
     "A file with a line `NAME:HASH` for each user, as `vif password NAME` and htpasswd(1) make them: a "
     "client must know one of the passwords (HTTP Basic). Hashes are yescrypt, bcrypt or SHA-512 (crypt(5)). "
     "`/healthz` and `/readyz` stay open. The file is read at the start and by `vif reload`.",
     .fallback = "false", .example = "/etc/vif/admin.passwords", TARGET(LISTENER, password_file),
     .rule = &rule_password_file, .zero = "false"},

    {SECTION_UNIX_SOCKET, "mode", OPTION_TEXT,
     "The permissions in octal, as chmod(1) takes them; by default those that the umask leaves.",
     .example = "0660", TARGET(CONFIG, unix_socket.mode), .rule = &rule_mode},
    {SECTION_UNIX_SOCKET, "owner", OPTION_TEXT,
     "The user that owns the file, by name or number; only root can change it.",
     .example = "www-data", TARGET(CONFIG, unix_socket.owner), .rule = &rule_user},
    {SECTION_UNIX_SOCKET, "group", OPTION_TEXT,
     "The group of the file, by name or number; without root, one that vif is a member of.",
     .example = "www-data", TARGET(CONFIG, unix_socket.group), .rule = &rule_group},

    {SECTION_LOG, "access", OPTION_SECTION, "The access log; `false` for none.", .child = SECTION_ACCESS_LOG},
    {SECTION_LOG, "error", OPTION_SECTION, "The error log.", .child = SECTION_ERROR_LOG},
    {SECTION_LOG, "rotate", OPTION_SECTION,
     "Whether vif itself rotates log files that are large or old, in place of logrotate(8).",
     .fallback = "false", .example = "{size: 100MiB, age: 1d, keep: 14}", .is_switch = true,
     TARGET(CONFIG, rotation.is_on), .constant = true, .child = SECTION_ROTATE},
    {SECTION_LOG, "slow", OPTION_DURATION,
     "Requests that take longer are logged in the error log, with [where the time "
     "went](logs.md#slow-requests).",
     .example = "1s", TARGET(SETTINGS, slow_ms), RANGE(1, DAY_MS), .zero = "none"},

    {SECTION_ACCESS_LOG, "path", OPTION_TEXT,
     "The file that lines are appended to; `-` is standard output. A relative path begins in the unit's log "
     "folder under systemd (`LogsDirectory=`), else in the folder of the configuration file.",
     .fallback = "false", .example = "/var/log/vif/access.log",
     TARGET(ACCESS_LOG, path), .rule = &rule_log_file, .zero = "false"},
    {SECTION_ACCESS_LOG, "format", OPTION_WORD, "The format of the lines.",
     .fallback = "combined", .example = "json", TARGET(ACCESS_LOG, format),
     .words = access_log_formats},
    {SECTION_ACCESS_LOG, "template", OPTION_TEXT,
     "A format of your own, in place of `format`: text with [fields](logs.md#your-own-format) in braces, "
     "such as `{client}`, and `{header.NAME}` for a header of the request. `{{` is a brace.",
     .fallback = "false", .example = "\"{time} {client} {request_id} {method} {path} {status}\"",
     TARGET(ACCESS_LOG, template), .rule = &rule_log_template, .zero = "false"},
    {SECTION_ACCESS_LOG, "sample", OPTION_NUMBER,
     "Logs one in this number of successful requests, per worker; errors, cut responses and slow requests "
     "are always logged.",
     .fallback = "none", .example = "100", TARGET(ACCESS_LOG, sample), RANGE(2, 1000000), .zero = "none"},

    {SECTION_ERROR_LOG, "path", OPTION_TEXT,
     "The file that lines are appended to, as for the access log; `-` is standard error.",
     .fallback = "-", .example = "/var/log/vif/error.log",
     TARGET(CONFIG, error_log.path), .rule = &rule_log_file},
    {SECTION_ERROR_LOG, "level", OPTION_WORD, "The least important kind of event that is logged.",
     .fallback = "info", .example = "warning", TARGET(CONFIG, error_log.level), .words = log_levels},

    {SECTION_ROTATE, "size", OPTION_BYTES, "A file that reaches this size is rotated.",
     .fallback = "100MiB", TARGET(CONFIG, rotation.size), RANGE(4 * KIB, TIB), .zero = "none"},
    {SECTION_ROTATE, "age", OPTION_DURATION, "A file that has lines is rotated this long after it was begun.",
     .fallback = "none", .example = "1d", TARGET(CONFIG, rotation.age_ms),
     RANGE(SECOND_MS, 3650 * DAY_MS), .zero = "none"},
    {SECTION_ROTATE, "keep", OPTION_NUMBER,
     "How many rotated files of each log are kept; the oldest are removed.",
     .fallback = "14", TARGET(CONFIG, rotation.keep), RANGE(1, 100000)},
    {SECTION_ROTATE, "compress", OPTION_WORD,
     "How rotated files are compressed; `auto` is zstd, if vif was built with it.",
     .fallback = "auto", .example = "zstd", TARGET(CONFIG, rotation.compress), .words = log_compressors},

    {SECTION_LIMITS, "connections", OPTION_NUMBER,
     "Open connections per worker. At the limit a connection that is idle, or slow for more than a second, "
     "is closed for the new one; if there is none, the new one gets 503.",
     TARGET(SETTINGS, limits.connections), RANGE(1, MIB)},
    {SECTION_LIMITS, "connections_per_address", OPTION_NUMBER,
     "Open connections per worker from one address (of IPv6: from one /64); further ones get 503.",
     .example = "100", TARGET(SETTINGS, limits.connections_per_address), RANGE(1, MIB), .zero = "none"},
    {SECTION_LIMITS, "head", OPTION_BYTES, "A request's line and headers together; longer ones get 431.",
     TARGET(SETTINGS, limits.head_bytes), RANGE(256, MIB)},
    {SECTION_LIMITS, "uri", OPTION_BYTES, "A request's URI; longer ones get 414.",
     TARGET(SETTINGS, limits.uri_bytes), RANGE(64, MIB)},
    {SECTION_LIMITS, "headers", OPTION_NUMBER, "Number of headers of a request; more get 431.",
     .old_key = "fields", TARGET(SETTINGS, limits.fields), RANGE(1, HTTP_FIELDS_MAX)},
    {SECTION_LIMITS, "body", OPTION_BYTES, "Content of a request; longer ones get 413.",
     TARGET(SETTINGS, limits.body_bytes), RANGE(0, TIB)},
    {SECTION_LIMITS, "requests_per_connection", OPTION_NUMBER,
     "Requests answered on one connection; the last response announces that the connection is closed.",
     .example = "10000", TARGET(SETTINGS, limits.requests_per_connection), RANGE(1, UINT32_MAX),
     .zero = "none"},
    {SECTION_LIMITS, "cache", OPTION_BYTES, "Memory per worker for the contents of small files.",
     TARGET(SETTINGS, limits.cache_bytes), RANGE(0, TIB)},
    {SECTION_LIMITS, "cache_file", OPTION_BYTES, "The largest file that is kept in memory.",
     TARGET(SETTINGS, limits.cache_file_bytes), RANGE(0, GIB)},
    {SECTION_LIMITS, "cache_entries", OPTION_NUMBER, "Open files remembered per worker.",
     TARGET(SETTINGS, limits.cache_entries), RANGE(1, MIB)},
    {SECTION_LIMITS, "hello", OPTION_BYTES,
     "The first message of a TLS client; a longer one is rejected with an alert.",
     TARGET(SETTINGS, limits.hello_bytes), RANGE(4 * KIB, 64 * KIB)},
    {SECTION_LIMITS, "handshake", OPTION_BYTES,
     "Everything that a TLS client sends in its handshake, including its certificates.",
     TARGET(SETTINGS, limits.handshake_bytes), RANGE(4 * KIB, MIB)},

    {SECTION_TIMEOUTS, "handshake", OPTION_DURATION,
     "From a connection to the end of its TLS handshake, or of the PROXY protocol's header; then it is "
     "closed.",
     TARGET(SETTINGS, timeouts.handshake_ms), RANGE(1, DAY_MS)},
    {SECTION_TIMEOUTS, "head", OPTION_DURATION,
     "From the first byte of a request to the end of its headers; then 408.",
     TARGET(SETTINGS, timeouts.head_ms), RANGE(1, DAY_MS)},
    {SECTION_TIMEOUTS, "body", OPTION_DURATION, "For each pause in a request's content; then 408.",
     TARGET(SETTINGS, timeouts.body_ms), RANGE(1, DAY_MS)},
    {SECTION_TIMEOUTS, "idle", OPTION_DURATION,
     "Between two requests, and before the first one. Before the first it may be up to 1s longer: the "
     "kernel passes a connection on with its first bytes, or after a second without any "
     "(`TCP_DEFER_ACCEPT`).",
     TARGET(SETTINGS, timeouts.idle_ms), RANGE(1, DAY_MS)},
    {SECTION_TIMEOUTS, "write", OPTION_DURATION,
     "For each time in which the client receives nothing of a response; then the connection is closed.",
     TARGET(SETTINGS, timeouts.write_ms), RANGE(1, DAY_MS)},
    {SECTION_TIMEOUTS, "linger", OPTION_DURATION,
     "For the client to close the connection, after it has received the last byte of a last response.",
     TARGET(SETTINGS, timeouts.linger_ms), RANGE(0, DAY_MS)},
    {SECTION_TIMEOUTS, "drain", OPTION_DURATION, "For requests in progress when a worker shuts down.",
     TARGET(SETTINGS, timeouts.drain_ms), RANGE(0, 4 * HOUR_MS)},
    {SECTION_TIMEOUTS, "min_rate", OPTION_BYTES,
     "The least rate of content in bytes per second, in either direction, as an average over each period as "
     "long as `body` or `write`; a slower client is treated as one that has stopped.",
     TARGET(SETTINGS, timeouts.rate_bytes_min), RANGE(1, GIB), .zero = "none"},

    {SECTION_HTTP2, "prior_knowledge", OPTION_BOOL,
     "Speak HTTP/2 without TLS to clients that begin with it, such as `curl --http2-prior-knowledge` and "
     "proxies. Others are not affected. With TLS, client and server negotiate HTTP/2, whatever is set here.",
     TARGET(SETTINGS, http2.prior_knowledge)},
    {SECTION_HTTP2, "upgrade", OPTION_BOOL,
     "Speak HTTP/2 without TLS to clients that ask for it by `Upgrade: h2c` in their first request. RFC "
     "9113 removed this: behind a proxy that forwards `Upgrade` it is a way to smuggle requests.",
     TARGET(SETTINGS, http2.upgrade)},
    {SECTION_HTTP2, "streams", OPTION_NUMBER,
     "Concurrent requests on one connection; a client sends further ones when these are answered.",
     TARGET(SETTINGS, http2.streams), RANGE(1, 10000)},
    {SECTION_HTTP2, "window", OPTION_BYTES,
     "The first receive window of a request: how much of its content a client may send before a handler has "
     "processed it, and so how much memory it may take.",
     TARGET(SETTINGS, http2.window_bytes), RANGE(4 * KIB, 16 * MIB)},
    {SECTION_HTTP2, "window_max", OPTION_BYTES,
     "The window grows up to this size while the window itself, and not the network or the handler, limits "
     "an upload.",
     TARGET(SETTINGS, http2.window_bytes_max), RANGE(4 * KIB, GIB)},

    {SECTION_TICKETS, "lifetime", OPTION_DURATION,
     "How long a session can be resumed; `none`: not at all. Keys that vif generates are rotated three "
     "times in this period.",
     TARGET(SETTINGS, tickets.lifetime_ms), RANGE(60 * SECOND_MS, 7 * DAY_MS), .zero = "none"},
    {SECTION_TICKETS, "keys", OPTION_TEXT,
     "A file with keys, for several machines with the same names: 1 to 4 keys of 80 random bytes. The first "
     "one encrypts new tickets, and all decrypt. The file is read again when it changes. `false`: vif "
     "generates and rotates the keys.",
     .fallback = "false", .example = "/etc/vif/ticket.keys", TARGET(SETTINGS, tickets.keys),
     .rule = &rule_readable_file, .zero = "false"},

    {SECTION_TRUSTED, "from", OPTION_TEXTS,
     "Their addresses or networks; `unix` means all clients of Unix sockets.",
     .fallback = "false", .example = "[10.0.0.0/8, \"fd00::/8\", 192.0.2.7]",
     TARGET_ARRAY(SETTINGS, trusted.networks, trusted.network_count, option_item_network),
     .rule = &rule_network, RANGE(0, 1000), .zero = "false"},
    {SECTION_TRUSTED, "header", OPTION_WORD,
     "The header that they write: `x_forwarded` is `X-Forwarded-For` and `X-Forwarded-Proto`, `forwarded` "
     "is `Forwarded` (RFC 7239). The other one is ignored: a proxy that does not know it forwards it from "
     "its clients.",
     .fallback = "x_forwarded", .example = "forwarded", TARGET(SETTINGS, trusted.header),
     .words = trusted_headers},

    {SECTION_REQUEST_ID, "header", OPTION_TEXT, "The header that contains the id.",
     .fallback = "X-Request-Id", .example = "X-Correlation-Id", TARGET(SETTINGS, request_id.header),
     .rule = &rule_set_field},
    {SECTION_REQUEST_ID, "send", OPTION_BOOL,
     "Whether responses have the header, so that a visitor can quote the id.",
     .fallback = "false", .example = "true", TARGET(SETTINGS, request_id.is_sent_back)},

    {SECTION_SHIELD, "interface", OPTION_TEXT,
     "The network interface whose packets are checked; `false`: there is no shield. The loopback interface "
     "cannot be used.",
     .fallback = "false", .example = "eth0", TARGET(SETTINGS, shield.interface), .rule = &rule_interface,
     .zero = "false"},
    {SECTION_SHIELD, "mode", OPTION_WORD,
     "Where the kernel checks packets: `native` is in the driver; `generic` is after it, works with every "
     "driver and is slower; `auto` is `native` if the driver supports it.",
     .fallback = "auto", .example = "generic", TARGET(SETTINGS, shield.mode), .words = shield_modes},
    {SECTION_SHIELD, "offences", OPTION_NUMBER,
     "A client (an IPv4 address, or an IPv6 network of 64 bits) is blocked after this number of offences. "
     "An offence is a connection beyond `limits.connections_per_address`, an HTTP/2 connection closed for a "
     "flood of frames, or a TLS handshake or a request's head that did not arrive in time.",
     TARGET(SETTINGS, shield.offences), RANGE(1, 1000000)},
    {SECTION_SHIELD, "within", OPTION_DURATION,
     "The period in which offences are counted, from the first one on.", TARGET(SETTINGS, shield.within_ms),
     RANGE(SECOND_MS, HOUR_MS)},
    {SECTION_SHIELD, "for", OPTION_DURATION, "How long a client is blocked.",
     TARGET(SETTINGS, shield.for_ms), RANGE(SECOND_MS, DAY_MS)},
    {SECTION_SHIELD, "addresses", OPTION_NUMBER,
     "How many clients can be blocked at a time, also by an attacker who controls a worker.",
     TARGET(SETTINGS, shield.addresses), RANGE(1, XDP_ADDRESSES_MAX)},
    {SECTION_SHIELD, "exempt", OPTION_TEXTS,
     "Addresses and networks that are never blocked; nor are `trusted_proxies`, loopback and link-local "
     "addresses.",
     .fallback = "false", .example = "[192.0.2.0/24, \"2001:db8::/32\"]",
     TARGET_ARRAY(SETTINGS, shield.exempt, shield.exempt_count, option_item_network), .rule = &rule_network,
     RANGE(0, 1000), .zero = "false"},

    {SECTION_SITE, "listen", OPTION_TEXTS,
     "The addresses that serve the site, of those in `listen` at the top; by default all of them.",
     .example = "\":8080\"", TARGET_ARRAY(SITE, listeners, listener_count, option_item_text),
     .rule = &rule_address, RANGE(1, LISTENERS_MAX)},
    {SECTION_SITE, "hosts", OPTION_TEXTS,
     "Names that the site answers to, without port; `*.example.com` is any name below, `*` any other. A "
     "request for a name that no site answers to gets 421.",
     .fallback = "*", .example = "[example.com, \"*.example.org\"]",
     TARGET_ARRAY(SITE, hosts, host_count, option_item_text),
     .rule = &rule_host, .is_unique = true, RANGE(1, 10000)},
    {SECTION_SITE, "log", OPTION_SECTION,
     "The site's own access log, in place of `log.access`. Several sites can share one, in the same format.",
     .example = "{path: /var/log/vif/site.log, format: json}", .child = SECTION_ACCESS_LOG},
    {SECTION_SITE, "headers", OPTION_SECTION, "Headers of all responses of the site.",
     .old_key = "fields", .child = SECTION_HEADERS},
    {SECTION_SITE, "tls", OPTION_SECTION, "The site's certificates, for listeners that speak TLS.",
     .is_switch = true, .example = "{certificate: /etc/vif/site.pem, key: /etc/vif/site.key}",
     TARGET(SITE, https.is_on), .constant = true, .child = SECTION_TLS},
    {SECTION_SITE, "hsts", OPTION_SECTION, "Makes browsers use only HTTPS.", .child = SECTION_HSTS},
    {SECTION_SITE, "routes", OPTION_SECTION_MAP, "How requests are answered, by path.", .is_required = true,
     TARGET_ARRAY(SITE, routes, route_count, option_item_prefix),
     .key_rule = &rule_prefix, .is_unique = true, .child = SECTION_ROUTE},

    {SECTION_ROUTE, "files", OPTION_SECTION, "Serves a folder.", .is_alternative = true,
     TARGET(ROUTE, kind), .constant = ROUTE_FILES, .child = SECTION_FILES},
    {SECTION_ROUTE, "redirect", OPTION_SECTION, "Sends clients elsewhere.", .is_alternative = true,
     TARGET(ROUTE, kind), .constant = ROUTE_REDIRECT, .child = SECTION_REDIRECT},
    {SECTION_ROUTE, "respond", OPTION_SECTION, "Answers with a fixed text.", .is_alternative = true,
     TARGET(ROUTE, kind), .constant = ROUTE_RESPOND, .child = SECTION_RESPOND},
    {SECTION_ROUTE, "proxy", OPTION_SECTION, "Forwards requests to other servers.", .is_alternative = true,
     .example = "\"http://127.0.0.1:3000\"",
     TARGET(ROUTE, kind), .constant = ROUTE_PROXY, .child = SECTION_PROXY},
    {SECTION_ROUTE, "cors", OPTION_TEXTS,
     "Origins whose pages may read the route's responses, including errors and redirects (CORS): `*` for "
     "all, `https://example.com`, or `https://*.example.com` for all below it. A page may send any header, "
     "and any method that the route allows, but no cookies.",
     .fallback = "false", .example = "[\"https://example.com\", \"https://*.example.org\"]",
     TARGET_ARRAY(ROUTE, cors_origins, cors_origin_count, option_item_text),
     .rule = &rule_origin, RANGE(0, 100),
     .zero = "false"},
    {SECTION_ROUTE, "headers", OPTION_SECTION, "Headers of all responses of the route.",
     .old_key = "fields", .child = SECTION_HEADERS},
    {SECTION_ROUTE, "early_hints", OPTION_BOOL,
     "Whether the `Link` header that `headers` sets is also sent before the response, by `103 Early Hints`, "
     "so that a browser loads what a page needs while the page is on its way. It is sent for page "
     "navigations (GET with `Sec-Fetch-Mode: navigate`), over HTTP/2 and 1.1.",
     .fallback = "false", .example = "true", TARGET(ROUTE, early_hints)},

    {SECTION_FILES, "root", OPTION_TEXT,
     "The folder; a relative path begins at the folder of the configuration file.",
     .example = "./public", .is_required = true, TARGET(ROUTE, files.root), .rule = &rule_folder},
    {SECTION_FILES, "index", OPTION_TEXTS, "Index files: the first that exists is served for its folder.",
     .fallback = "index.html", .example = "[index.html, index.htm]",
     TARGET_ARRAY(ROUTE, files.indexes, files.index_count, option_item_text), .rule = &rule_file_name,
     RANGE(0, 16)},
    {SECTION_FILES, "listing", OPTION_BOOL,
     "Whether a folder without index file is listed: as a page, with `?sort=name`, `size` or `modified` and "
     "`order=asc` or `desc`, or as JSON for `Accept: application/json`. It is generated while it is sent, "
     "up to a million entries. All listings that a worker is sending may take 128 MiB for names; beyond "
     "that, further ones get 503.",
     .fallback = "false", .example = "true", TARGET(ROUTE, files.listing)},
    {SECTION_FILES, "archives", OPTION_BOOL,
     "Whether a listed folder can be downloaded with everything beneath it: `?archive=tar`, with a link on "
     "its page. The archive contains what listings show, also of subfolders with an index file. Symbolic "
     "links to files are stored as files; those to folders are left out. A file that grows meanwhile is cut "
     "at its former size. If one shrinks, the response is cut off, so that it cannot be taken for complete. "
     "A tree with more than 64 nested folders or more than a million entries gets 403 with a page that says "
     "so; if that is noticed later, the response is cut off. A worker sends at most 64 archives at a time; "
     "further ones get 503.",
     .fallback = "false", .example = "true", TARGET(ROUTE, files.archives)},
    {SECTION_FILES, "hidden", OPTION_BOOL,
     "Whether files and folders whose names begin with a dot are served.",
     .fallback = "false", .example = "true", TARGET(ROUTE, files.hidden)},
    {SECTION_FILES, "follow_links", OPTION_BOOL,
     "Whether symbolic links may lead out of the root. Inside it they are always followed.",
     .fallback = "false", .example = "true", TARGET(ROUTE, files.follow_links)},
    {SECTION_FILES, "precompressed", OPTION_BOOL,
     "Whether clients that accept it get `name.br`, `name.zst` or `name.gz`, if it is beside the file "
     "`name` and not older.",
     .fallback = "true", .example = "false", TARGET(ROUTE, files.precompressed)},
    {SECTION_FILES, "precompressed_alone", OPTION_BOOL,
     "Whether clients that accept it get `name.br` or `name.zst` also if there is no file `name`.",
     .fallback = "false", .example = "true", TARGET(ROUTE, files.precompressed_alone)},
    {SECTION_FILES, "clean_urls", OPTION_BOOL,
     "Whether `/about` returns `about.html` if there is no file `about`.",
     .fallback = "false", .example = "true", TARGET(ROUTE, files.clean_urls)},
    {SECTION_FILES, "only", OPTION_TEXT,
     "The only file in the root that is served: the path of the route redirects to it, all others get 404.",
     .fallback = "false", .example = "report.pdf", TARGET(ROUTE, files.only), .rule = &rule_file_name,
     .zero = "false"},
    {SECTION_FILES, "types", OPTION_PAIRS,
     "Media types by the end of a file's name, in addition to the known ones; the first match wins. A text "
     "type without parameters gets the `charset`.",
     .example = "{.md: text/plain, .tar.xz: application/x-xz, .geojson: application/geo+json}",
     TARGET_ARRAY(ROUTE, files.types, files.type_count, option_item_media_type),
     .key_rule = &rule_extension, .rule = &rule_media_type, RANGE(0, 1000)},
    {SECTION_FILES, "charset", OPTION_TEXT,
     "The character set that is sent with the type of text files; `none`: none is sent.",
     .fallback = "utf-8", .example = "iso-8859-1", TARGET(ROUTE, files.charset), .rule = &rule_charset},
    {SECTION_FILES, "fallback", OPTION_TEXT,
     "The file that is returned, with status 200, for paths that do not exist: for single-page apps. If it "
     "is a page, only requests for pages get it (by `Sec-Fetch-Dest` or `Accept`, else by the extension of "
     "the path): a missing script or picture is 404. The page itself is sent with `Cache-Control: "
     "no-cache`, unless `cache` says otherwise.",
     .fallback = "false", .example = "/index.html", TARGET(ROUTE, files.fallback),
     .rule = &rule_inner_path, .zero = "false"},
    {SECTION_FILES, "cors", OPTION_TEXTS, "Origins in addition to those of the route's `cors`.",
     .fallback = "false", .example = "\"*\"",
     TARGET_ARRAY(ROUTE, cors_origins, cors_origin_count, option_item_text),
     .rule = &rule_origin, RANGE(0, 100),
     .zero = "false"},
    {SECTION_FILES, "cache", OPTION_PAIRS,
     "`Cache-Control` by pattern; the first pattern that matches wins. Patterns are shell globs (`*`, `?`, "
     "`[a-z]`, `[!a-z]`; `*` also matches `/`; there is no `{a,b}`). A pattern with `/` in it is matched "
     "against the whole path below the root, such as `/assets/app.js`, any other against the name of the "
     "file.",
     .example = "{\"*.css\": max-age=3600, \"/assets/*\": \"public, max-age=31536000, immutable\"}",
     TARGET_ARRAY(ROUTE, files.cache_rules, files.cache_rule_count, option_item_cache_rule),
     .key_rule = &rule_pattern, .rule = &rule_field_value, RANGE(0, 256)},
    {SECTION_FILES, "error_pages", OPTION_PAIRS,
     "Files below the root that are sent with errors, by status. They are used for all errors of requests "
     "whose path belongs to the route: those of files, of redirects and fixed responses below it, and of "
     "requests that are rejected before they are parsed completely. Clients that prefer JSON get JSON "
     "instead.",
     .example = "{404: 404.html}",
     TARGET_ARRAY(ROUTE, files.error_pages, files.error_page_count, option_item_error_page),
     .key_rule = &rule_error_status, .rule = &rule_inner_path, RANGE(0, 200)},

    {SECTION_REDIRECT, "to", OPTION_TEXT,
     "The target. `{path}` is the part of the request's path after the route, without the query; `{uri}` is "
     "its whole path and query, both as the client wrote them but for `.`, `..` and double slashes; "
     "`{query}` is its query with the `?` or `&` that it needs there, or nothing; `{host}` is its host, "
     "`{scheme}` is `http` or `https`.",
     .example = "https://example.com/new{path}", .is_required = true,
     TARGET(ROUTE, redirect.location), .rule = &rule_location},
    {SECTION_REDIRECT, "status", OPTION_WORD,
     "301 and 308 are permanent, 302 and 307 temporary; 303 makes the client use GET.",
     .fallback = "308", .example = "302", TARGET(ROUTE, redirect.status), .words = redirect_statuses},

    {SECTION_RESPOND, "status", OPTION_NUMBER, "The status of the response.",
     .fallback = "200", .example = "503", TARGET(ROUTE, respond.status), RANGE(200, 599)},
    {SECTION_RESPOND, "type", OPTION_TEXT, "The media type of the body.",
     .fallback = "text/plain; charset=utf-8", .example = "application/json",
     TARGET(ROUTE, respond.type), .rule = &rule_field_value},
    {SECTION_RESPOND, "body", OPTION_TEXT,
     "The content; 204, 205 and 304 have none. An error without it gets the error page (`error_pages`).",
     .fallback = "", .example = "\"ok\\n\"", TARGET(ROUTE, respond.body), .rule = &rule_any},

    {SECTION_PROXY, "to", OPTION_SECTIONS,
     "The servers: `http://HOST:PORT`, `https://HOST:PORT`, `h2c://HOST:PORT` (HTTP/2 without TLS), `unix:` "
     "with the path of a socket, or a port of this machine. Each address of a name is a server of its own; "
     "`http://_http._tcp.example.com` stands for the servers of SRV records. [More](proxy.md#names).",
     .example = "[\"http://10.0.0.1:3000\", {server: \"http://10.0.0.2:3000\", weight: 3}]",
     .is_alternative = true, TARGET_ARRAY(ROUTE, proxy.servers, proxy.server_count, NULL),
     .child = SECTION_SERVER, RANGE(1, PROXY_SERVERS_MAX)},
    {SECTION_PROXY, "to_file", OPTION_TEXT,
     "A file with the list of `to`, in YAML or JSON. It is watched: a new list is in force within a second, "
     "without a reload. A wrong one changes nothing, and the error log says why. [More](proxy.md#a-list-in-a-"
     "file).",
     .example = "/etc/vif/servers.yaml", .is_alternative = true, TARGET(ROUTE, proxy.to_file),
     .rule = &rule_list_file},
    {SECTION_PROXY, "protocol", OPTION_WORD,
     "What is spoken with the servers: `h1` is HTTP/1.1; `h2` is HTTP/2, which an `https://` server has to "
     "choose by ALPN, and others have to understand from the start; with `auto` an `https://` server chooses "
     "one of the two by ALPN. `h2c://` is HTTP/2 in any case. [More](proxy.md#http2).",
     .fallback = "h1", .example = "h2", TARGET(ROUTE, proxy.http), .words = proxy_protocols},
    {SECTION_PROXY, "balance", OPTION_WORD,
     "Which server gets the next request: each in turn, the one with the fewest requests in progress, the "
     "faster one of two, or always the same one for the same `hash`. All take `weight` into account.",
     .fallback = "round_robin", .example = "least_connections", TARGET(ROUTE, proxy.balance),
     .words = proxy_balances},
    {SECTION_PROXY, "hash", OPTION_TEXT,
     "The key of `balance: hash`: the client's `address`, `header:NAME` or `cookie:NAME`; without that "
     "header or cookie, the address. A server that has a quarter more than its share of the requests in "
     "progress is passed over.",
     .fallback = "address", .example = "\"cookie:session\"", TARGET(ROUTE, proxy.hash),
     .rule = &rule_hash_key},
    {SECTION_PROXY, "sticky", OPTION_SECTION, "Sends a client to the same server each time, by a cookie.",
     .example = "server", .is_switch = true, TARGET(ROUTE, proxy.sticky.is_on), .constant = 1,
     .child = SECTION_STICKY},
    {SECTION_PROXY, "slow_start", OPTION_DURATION,
     "The share of a server that is up again rises from a tenth to the whole in this time.",
     .fallback = "none", .example = "30s", TARGET(ROUTE, proxy.slow_start_ms), RANGE(1, DAY_MS),
     .zero = "none"},
    {SECTION_PROXY, "panic", OPTION_NUMBER,
     "If fewer than this percentage of the servers are healthy, all get requests: too much load would bring "
     "down the rest. If none is healthy, all get requests in any case.",
     .fallback = "none", .example = "30", TARGET(ROUTE, proxy.panic), RANGE(1, 100), .zero = "none"},
    {SECTION_PROXY, "health", OPTION_SECTION, "Checks of the servers' health.",
     .example = "/healthz", .is_switch = true, TARGET(ROUTE, proxy.health.is_on), .constant = 1,
     .child = SECTION_HEALTH},
    {SECTION_PROXY, "tls", OPTION_SECTION, "TLS to servers that are `https://`.",
     .example = "{ca: /etc/vif/origin-ca.pem}", .is_switch = true, TARGET(ROUTE, proxy.tls.is_on),
     .constant = 1, .child = SECTION_PROXY_TLS},
    {SECTION_PROXY, "proxy_protocol", OPTION_NUMBER,
     "Begins connections to servers with a header of the PROXY protocol, of version 1 or 2, that says who "
     "the client is; before any TLS. Each request then has a connection of its own.",
     .fallback = "false", .example = "2", TARGET(ROUTE, proxy.proxy_protocol), RANGE(1, 2), .zero = "false"},
    {SECTION_PROXY, "prefix", OPTION_TEXT,
     "Replaces the route's path at the beginning of a request's path; `/` removes it. Otherwise the path is "
     "forwarded as the client wrote it, byte for byte.",
     .fallback = "false", .example = "/", TARGET(ROUTE, proxy.prefix), .rule = &rule_new_prefix,
     .zero = "false"},
    {SECTION_PROXY, "host", OPTION_TEXT,
     "The `Host` header: `client` is what the client sent, `server` is host and port of the URL, anything "
     "else is sent as it is.",
     .fallback = "client", .example = "server", TARGET(ROUTE, proxy.host), .rule = &rule_sent_host,
     .zero = "client"},
    {SECTION_PROXY, "forwarded", OPTION_WORD,
     "The headers that tell a server about its client: `x_forwarded` is `X-Forwarded-For`, `-Proto` and "
     "`-Host`, `forwarded` is that of RFC 7239. Those that a client sent are removed in any case.",
     .fallback = "x_forwarded", .example = "both", TARGET(ROUTE, proxy.forwarded), .words = proxy_forwarded},
    {SECTION_PROXY, "client_certificate", OPTION_BOOL,
     "Tells servers who the client is by its certificate, which vif has verified (`tls: {client: "
     "required}`): `X-Client-Subject`, `X-Client-Issuer`, and `X-Client-Fingerprint`, its SHA-256. Those "
     "that a client sent are removed in any case.",
     .fallback = "false", .example = "true", TARGET(ROUTE, proxy.client_certificate)},
    {SECTION_PROXY, "connections", OPTION_NUMBER,
     "Concurrent requests to a server, over all workers; further ones wait in a queue.",
     .fallback = "none", .example = "100", TARGET(ROUTE, proxy.connections), RANGE(1, MIB), .zero = "none"},
    {SECTION_PROXY, "queue", OPTION_NUMBER,
     "Requests of a worker that may wait for a server; further ones get 503.",
     .fallback = "1000", .example = "100", TARGET(ROUTE, proxy.waiting), RANGE(0, MIB)},
    {SECTION_PROXY, "idle_connections", OPTION_NUMBER,
     "Idle connections to a server that a worker keeps for later requests.",
     .fallback = "64", .example = "16", TARGET(ROUTE, proxy.idle_connections), RANGE(0, MIB)},
    {SECTION_PROXY, "streams", OPTION_NUMBER,
     "Requests at once on a connection of HTTP/2, if the server takes as many; more get another connection.",
     .fallback = "100", .example = "10", TARGET(ROUTE, proxy.streams), RANGE(1, 10000)},
    {SECTION_PROXY, "max_failures", OPTION_NUMBER,
     "Failures in a row after which a server gets no requests for `retry_after`, if there are others.",
     .fallback = "3", .example = "1", TARGET(ROUTE, proxy.failures), RANGE(1, MIB)},
    {SECTION_PROXY, "retry_after", OPTION_DURATION, "How long a server that failed gets no requests.",
     .fallback = "10s", .example = "30s", TARGET(ROUTE, proxy.retry_after_ms), RANGE(1, DAY_MS)},
    {SECTION_PROXY, "head", OPTION_BYTES,
     "A response's status line and headers together; longer ones become 502.",
     .fallback = "32KiB", .example = "64KiB", TARGET(ROUTE, proxy.head_bytes), RANGE(256, MIB)},
    {SECTION_PROXY, "headers", OPTION_NUMBER, "Number of headers of a response; more become 502.",
     .fallback = "200", .example = "1000", TARGET(ROUTE, proxy.headers), RANGE(1, HTTP_FIELDS_MAX)},
    {SECTION_PROXY, "connect_timeout", OPTION_DURATION, "For a connection to a server; then 504.",
     .fallback = "5s", .example = "1s", TARGET(ROUTE, proxy.connect_ms), RANGE(1, DAY_MS)},
    {SECTION_PROXY, "queue_timeout", OPTION_DURATION, "In the queue for a server; then 503.",
     .fallback = "10s", .example = "1s", TARGET(ROUTE, proxy.queue_ms), RANGE(1, DAY_MS)},
    {SECTION_PROXY, "send_timeout", OPTION_DURATION,
     "For each time in which the server takes nothing of a request; then 504.",
     .fallback = "30s", .example = "5s", TARGET(ROUTE, proxy.send_ms), RANGE(1, DAY_MS)},
    {SECTION_PROXY, "first_byte_timeout", OPTION_DURATION,
     "From the end of a request to the end of its response's headers; then 504.",
     .fallback = "60s", .example = "5m", TARGET(ROUTE, proxy.first_byte_ms), RANGE(1, DAY_MS)},
    {SECTION_PROXY, "between_bytes_timeout", OPTION_DURATION,
     "For each time in which the server sends nothing of a response's content although the client could "
     "receive it; then the response is cut.",
     .fallback = "5m", .example = "1h", TARGET(ROUTE, proxy.between_bytes_ms), RANGE(1, DAY_MS)},
    {SECTION_PROXY, "ping_after", OPTION_DURATION,
     "After so long without a byte on a connection of HTTP/2 that has requests, the server gets a PING. If "
     "nothing comes within `connect_timeout`, the connection is dead, and its requests get 504.",
     .fallback = "30s", .example = "10s", TARGET(ROUTE, proxy.ping_ms), RANGE(1, DAY_MS), .zero = "none"},
    {SECTION_PROXY, "total_timeout", OPTION_DURATION,
     "From the end of a request's headers to the end of its response, all attempts together; then 504, or "
     "the response is cut.",
     .fallback = "none", .example = "30s", TARGET(ROUTE, proxy.total_ms), RANGE(1, DAY_MS), .zero = "none"},
    {SECTION_PROXY, "idle_timeout", OPTION_DURATION,
     "How long a connection is kept for the next request. Best a little shorter than the server keeps it.",
     .fallback = "30s", .example = "4s", TARGET(ROUTE, proxy.idle_ms), RANGE(1, HOUR_MS)},
    {SECTION_PROXY, "upgrade", OPTION_TEXTS,
     "Protocols that clients may change to with `Upgrade`, or with extended CONNECT over HTTP/2; `[]`: none.",
     .fallback = "websocket", .example = "[websocket, tls-exec]",
     TARGET_ARRAY(ROUTE, proxy.upgrades, proxy.upgrade_count, option_item_text), .rule = &rule_protocol,
     RANGE(0, 16)},
    {SECTION_PROXY, "tunnel_idle_timeout", OPTION_DURATION,
     "Without a byte in either direction after such a change; then both sides are closed.",
     .fallback = "1h", .example = "5m", TARGET(ROUTE, proxy.tunnel_idle_ms), RANGE(1, DAY_MS)},

    {SECTION_SERVER, "server", OPTION_TEXT, "Its URL, or a short form of it, as in `to`.",
     .example = "\"http://10.0.0.1:3000\"", .is_required = true, TARGET(SERVER, url), .rule = &rule_server},
    {SECTION_SERVER, "weight", OPTION_NUMBER,
     "Its share of the requests, in proportion to the other servers'. With 0 it gets no new clients, only "
     "those that stick to it.",
     .fallback = "1", .example = "3", TARGET(SERVER, weight), RANGE(0, PROXY_WEIGHT_MAX)},
    {SECTION_SERVER, "backup", OPTION_BOOL, "It gets requests only while no other server is healthy.",
     .fallback = "false", .example = "true", TARGET(SERVER, is_backup)},
    {SECTION_SERVER, "connections", OPTION_NUMBER, "The same as `proxy.connections`, for this server.",
     .fallback = "default", .example = "20", TARGET(SERVER, connections), RANGE(1, MIB), .zero = "default"},

    {SECTION_STICKY, "cookie", OPTION_TEXT, "The name of the cookie.", .fallback = "server",
     TARGET(ROUTE, proxy.sticky.cookie), .rule = &rule_cookie_name},
    {SECTION_STICKY, "key", OPTION_TEXT,
     "A file with the key that signs the cookie: at least 16 random characters, such as the output of "
     "`openssl rand -hex 32`. Machines with the same file understand each other's cookies. It is read at "
     "the start and at a reload. Without it, vif generates a key when it starts.",
     .fallback = "false", .example = "/etc/vif/sticky.key", TARGET(ROUTE, proxy.sticky.key),
     .rule = &rule_key_file, .zero = "false"},

    {SECTION_HEALTH, "path", OPTION_TEXT,
     "The path of the check, requested with GET. Without it the check only opens a connection.",
     .fallback = "none", .example = "/healthz", TARGET(ROUTE, proxy.health.path), .rule = &rule_check_path,
     .zero = "none"},
    {SECTION_HEALTH, "status", OPTION_TEXT, "The statuses that count as healthy: one, or a range.",
     .fallback = "200-399", .example = "\"200\"", TARGET(ROUTE, proxy.health.status),
     .rule = &rule_status_range},
    {SECTION_HEALTH, "header", OPTION_TEXT, "A header that the response must have, `NAME` or `NAME: VALUE`.",
     .fallback = "none", .example = "\"X-Ready: yes\"", TARGET(ROUTE, proxy.health.header),
     .rule = &rule_wanted_header, .zero = "none"},
    {SECTION_HEALTH, "body", OPTION_TEXT,
     "A text that the first 64 KiB of the response's content must contain.", .fallback = "none",
     .example = "ok", TARGET(ROUTE, proxy.health.body), .rule = &rule_any, .zero = "none"},
    {SECTION_HEALTH, "interval", OPTION_DURATION, "Between two checks of a server, give or take a tenth.",
     .fallback = "2s", .example = "500ms", TARGET(ROUTE, proxy.health.interval_ms), RANGE(10, HOUR_MS)},
    {SECTION_HEALTH, "timeout", OPTION_DURATION,
     "For a check, from the connection to the end of the response.",
     .fallback = "1s", .example = "5s", TARGET(ROUTE, proxy.health.timeout_ms), RANGE(1, HOUR_MS)},
    {SECTION_HEALTH, "rise", OPTION_NUMBER,
     "Good checks in a row after which a server counts as healthy again.",
     .fallback = "2", .example = "1", TARGET(ROUTE, proxy.health.rise), RANGE(1, 1000)},
    {SECTION_HEALTH, "fall", OPTION_NUMBER,
     "Failed checks in a row after which a server is down. If its first check fails, it is down at once.",
     .fallback = "3", .example = "1", TARGET(ROUTE, proxy.health.fall), RANGE(1, 1000)},

    {SECTION_PROXY_TLS, "ca", OPTION_TEXT,
     "A PEM file with the trusted issuers of the servers' certificates, or with these certificates "
     "themselves. By default the issuers that the system trusts.",
     .fallback = "false", .example = "/etc/vif/origin-ca.pem", TARGET(ROUTE, proxy.tls.ca),
     .rule = &rule_readable_file, .zero = "false"},
    {SECTION_PROXY_TLS, "name", OPTION_TEXT,
     "The name that the servers' certificates must contain, in place of the host of the URL; it is also "
     "sent to the servers (SNI).",
     .fallback = "false", .example = "app.internal", TARGET(ROUTE, proxy.tls.name),
     .rule = &rule_server_name, .zero = "false"},
    {SECTION_PROXY_TLS, "certificate", OPTION_TEXT,
     "A PEM file with vif's own certificate, for servers that require one. Like `ca` and `key` it is loaded "
     "again within a second when it changes.",
     .fallback = "false", .example = "/etc/vif/client.pem", TARGET(ROUTE, proxy.tls.certificate),
     .rule = &rule_readable_file, .zero = "false"},
    {SECTION_PROXY_TLS, "key", OPTION_TEXT,
     "The PEM file with the key of `certificate`; by default the key is in the same file.",
     .fallback = "false", .example = "/etc/vif/client.key", TARGET(ROUTE, proxy.tls.key),
     .rule = &rule_readable_file, .zero = "false"},
    {SECTION_PROXY_TLS, "verify", OPTION_BOOL,
     "Whether the servers' certificates are verified. Without that, anybody between vif and the server can "
     "pretend to be the server, and read and change everything.",
     .fallback = "true", .example = "false", TARGET(ROUTE, proxy.tls.verify)},

    {SECTION_HEADERS, "set", OPTION_PAIRS,
     "Response headers to set. Each replaces a header of the same name; `Vary` is appended. Headers that "
     "vif computes cannot be set, such as `Content-Length`, `Content-Encoding` and `ETag`.",
     .example = "{X-Frame-Options: DENY}",
     TARGET_ARRAY(FIELD_EDITS, items, count, option_item_field),
     .key_rule = &rule_set_field, .rule = &rule_field_value, RANGE(0, 64)},
    {SECTION_HEADERS, "remove", OPTION_TEXTS,
     "Response headers to leave out, such as `ETag` or `Server`. Headers that a response needs cannot be "
     "removed, such as `Content-Length`.",
     .example = "[ETag]",
     TARGET_ARRAY(FIELD_EDITS, items, count, option_item_removed_field), .rule = &rule_removed_field,
     RANGE(0, 64)},

    {SECTION_HSTS, "max_age", OPTION_DURATION,
     "For how long after a visit a browser does so. Begin with minutes, since browsers remember it for this "
     "long.",
     .fallback = "none", .example = "365d", TARGET(SITE, hsts.max_age_ms), RANGE(SECOND_MS, 3650 * DAY_MS),
     .zero = "none"},
    {SECTION_HSTS, "subdomains", OPTION_BOOL, "Whether this also applies to all names below the site's.",
     .fallback = "false", .example = "true", TARGET(SITE, hsts.subdomains)},
    {SECTION_HSTS, "preload", OPTION_BOOL,
     "Whether browsers may add the name to their built-in list of such sites.",
     .fallback = "false", .example = "true", TARGET(SITE, hsts.preload)},

    {SECTION_TLS, "certificate", OPTION_TEXT,
     "A PEM file: the certificate first, then those of its issuers. It is loaded again within a second when "
     "it changes; one that cannot be used is logged, and the old one stays in use.",
     .example = "/etc/vif/site.pem", TARGET(HTTPS, certificate.certificate), .rule = &rule_readable_file},
    {SECTION_TLS, "key", OPTION_TEXT,
     "The PEM file with the key of `certificate`; by default the key is in the same file. Nobody but vif "
     "should be able to read it.",
     .example = "/etc/vif/site.key", TARGET(HTTPS, certificate.key), .rule = &rule_readable_file},
    {SECTION_TLS, "ocsp", OPTION_TEXT,
     "A file with an OCSP response (DER), which is sent along with `certificate` while it is valid.",
     .example = "/etc/vif/site.ocsp", TARGET(HTTPS, certificate.ocsp), .rule = &rule_readable_file},
    {SECTION_TLS, "certificates", OPTION_SECTIONS,
     "Several, in place of `certificate`: one for each kind of key. Each client gets one that it supports, "
     "ECDSA before RSA.",
     .example = "[{certificate: ecdsa.pem, key: ecdsa.key}, {certificate: rsa.pem, key: rsa.key}]",
     TARGET_ARRAY(HTTPS, certificates, certificate_count, NULL), .child = SECTION_CERTIFICATE,
     RANGE(1, HTTPS_CERTIFICATES_MAX)},
    {SECTION_TLS, "policy", OPTION_WORD,
     "`intermediate` is TLS 1.2 and 1.3, `modern` only 1.3. `default` is the listener's policy, or "
     "`intermediate`.",
     .fallback = "default", .example = "modern", TARGET(HTTPS, policy), .words = https_policies},
    {SECTION_TLS, "ciphers", OPTION_TEXT,
     "Ciphers of TLS 1.2 by their names in OpenSSL, separated by colons, in place of the policy's.",
     .example = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256", TARGET(HTTPS, ciphers),
     .rule = &rule_ciphers},
    {SECTION_TLS, "cipher_suites", OPTION_TEXT, "The same for TLS 1.3.",
     .example = "TLS_AES_128_GCM_SHA256", TARGET(HTTPS, cipher_suites), .rule = &rule_ciphers},
    {SECTION_TLS, "groups", OPTION_TEXT,
     "Groups of the key exchange, separated by colons, in place of X25519MLKEM768 (if OpenSSL has it), "
     "X25519 and P-256.",
     .example = "X25519:P-256", TARGET(HTTPS, groups), .rule = &rule_ciphers},
    {SECTION_TLS, "client", OPTION_WORD,
     "Whether clients are asked for a certificate; with `optional`, one that is sent must be valid. "
     "`default` is the listener's choice, or `none`.",
     .fallback = "default", .example = "required", TARGET(HTTPS, client), .words = https_clients},
    {SECTION_TLS, "client_ca", OPTION_TEXT,
     "A PEM file with the authorities whose client certificates are accepted.",
     .example = "/etc/vif/clients.pem", TARGET(HTTPS, client_ca), .rule = &rule_readable_file},
    {SECTION_TLS, "client_crl", OPTION_TEXT, "A PEM file with revocation lists, one for each authority.",
     .example = "/etc/vif/clients.crl", TARGET(HTTPS, client_crl), .rule = &rule_readable_file},
    {SECTION_TLS, "client_depth", OPTION_NUMBER,
     "How many certificates there may be between a client's and its authority's; by default 4.",
     .example = "1", TARGET(HTTPS, client_depth), RANGE(1, 16)},
    {SECTION_TLS, "early_data", OPTION_WORD,
     "Whether a client that resumes a session may send its request along with the handshake (0-RTT), which "
     "saves a round trip. Such a request may be a replay, so with `safe` only GET, HEAD and OPTIONS are "
     "answered; others get 425, and the client repeats them. `default` is the listener's choice, or `none`.",
     .fallback = "default", .example = "safe", TARGET(HTTPS, early_data), .words = https_early_data},

    {SECTION_CERTIFICATE, "certificate", OPTION_TEXT, "As `tls.certificate`.", .example = "/etc/vif/site.pem",
     .is_required = true, TARGET(CERTIFICATE, certificate), .rule = &rule_readable_file},
    {SECTION_CERTIFICATE, "key", OPTION_TEXT, "As `tls.key`.", .example = "/etc/vif/site.key",
     TARGET(CERTIFICATE, key), .rule = &rule_readable_file},
    {SECTION_CERTIFICATE, "ocsp", OPTION_TEXT, "As `tls.ocsp`.", .example = "/etc/vif/site.ocsp",
     TARGET(CERTIFICATE, ocsp), .rule = &rule_readable_file},
};
/* clang-format on */

const size_t option_count = ARRAY_LENGTH(options);
