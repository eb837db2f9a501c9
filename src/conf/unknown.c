/* The hints, best first: an option of another server, an option of another section, a similar spelling. */
#include "conf/unknown.h"

#include "conf/nearest.h"

#include <stdio.h>

#define HINT_BYTES_MAX 200
#define SHOWN_MAX      80 /* of a key */

static const char *const for_proxy =
    "a route forwards requests: \"routes: {/api: {proxy: 'http://127.0.0.1:3000'}}\"";
static const char *const no_acme =
    "vif takes certificates from files, that a program such as certbot keeps up to date";
static const char *const for_tls = "a listener speaks TLS: \"listen: [{address: 443, tls: true}]\"";
static const char *const for_certificate = "a site has \"tls: {certificate: FILE, key: FILE}\"";
static const char *const for_client = "a listener or a site has \"tls: {client: required, client_ca: FILE}\"";
static const char *const for_policy = "a listener or a site has \"tls: {policy: modern}\", or intermediate";
static const char *const for_ciphers =
    "a listener or a site has \"tls: {ciphers: LIST, cipher_suites: LIST}\"";
static const char *const for_staple = "a certificate has \"ocsp: FILE\" beside it";
static const char *const for_tickets = "it is \"tickets: {lifetime: TIME, keys: FILE}\"";
static const char *const for_https = "a listener has \"redirect_to_https: true\"";
static const char *const for_hsts = "a site has \"hsts: 365d\"";
static const char *const for_hosts = "the names of a site are its \"hosts\"";
static const char *const for_sites = "each server, or virtual host, is an entry of \"sites\"";
static const char *const for_routes =
    "paths are the keys of a site's \"routes\": \"routes: {/images: {files: DIR}}\"";
static const char *const for_root = "a route serves a folder: \"routes: {/: {files: DIR}}\"";
static const char *const for_listen = "addresses and ports are listed in \"listen\"";
static const char *const for_admin =
    "a listener has them: \"listen: [{address: 127.0.0.1:9180, admin: true}]\"";
static const char *const for_trusted =
    "proxies that are believed about their clients are listed in \"trusted_proxies\"";
static const char *const for_proxy_protocol =
    "a listener has it: \"listen: [{address: ..., proxy_protocol: true}]\"";
static const char *const for_headers = "a site or a route has \"headers: {set: {NAME: VALUE}}\"";
static const char *const for_redirect = "a route redirects: \"routes: {/old: {redirect: /new}}\"";
static const char *const for_fallback = "\"files.fallback\" is served for what does not exist";
static const char *const for_include = "it is \"include: FILE\", at the top";
static const char *const for_coding =
    "files beside others are sent (\"files.precompressed\"), but none are made";

/* In the order of the alphabet. */
static const struct {
    const char *word;
    const char *hint;
} foreign[] = {
    {"accept_proxy", for_proxy_protocol},
    {"access_log", "it is \"log: {access: FILE}\""},
    {"acme", no_acme},
    {"add_header", for_headers},
    {"address", for_listen},
    {"addresses", for_listen},
    {"admin", for_admin},
    {"alias", for_root},
    {"auth", "vif does not ask for passwords"},
    {"auth_basic", "vif does not ask for passwords"},
    {"autoindex", "it is \"files: {listing: true}\""},
    {"basic_auth", "vif does not ask for passwords"},
    {"bind", for_listen},
    {"brotli", for_coding},
    {"browse", "it is \"files: {listing: true}\""},
    {"cache_control", "\"files.cache\" sets Cache-Control by pattern"},
    {"cert", for_certificate},
    {"cert_file", for_certificate},
    {"certfile", for_certificate},
    {"certificate", for_certificate},
    {"certificates", for_certificate},
    {"cipher_list", for_ciphers},
    {"ciphers", for_ciphers},
    {"client_auth", for_client},
    {"client_ca_file", for_client},
    {"client_max_body_size", "it is \"limits: {body: SIZE}\""},
    {"compress", for_coding},
    {"compression", for_coding},
    {"dir", for_root},
    {"directory", for_root},
    {"document_root", for_root},
    {"domain", for_hosts},
    {"domains", for_hosts},
    {"encode", for_coding},
    {"error_log", "it is \"log: {error: FILE}\""},
    {"error_page", "it is \"files: {error_pages: {404: FILE}}\""},
    {"expires", "\"files.cache\" sets Cache-Control by pattern"},
    {"file_server", for_root},
    {"folder", for_root},
    {"group", "vif keeps the user and group that it is started with (in a systemd unit, User=)"},
    {"gzip", for_coding},
    {"handle", for_routes},
    {"header", for_headers},
    {"headers", for_headers},
    {"host", for_hosts},
    {"hostname", for_hosts},
    {"http", for_sites},
    {"https", for_tls},
    {"https_redirect", for_https},
    {"import", for_include},
    {"imports", for_include},
    {"includes", for_include},
    {"keepalive_timeout", "it is \"timeouts: {idle: TIME}\""},
    {"key_file", for_certificate},
    {"keyfile", for_certificate},
    {"listeners", for_listen},
    {"location", for_routes},
    {"locations", for_routes},
    {"logging", "it is \"log\""},
    {"logs", "it is \"log\""},
    {"max_connections", "it is \"limits: {connections: N}\""},
    {"metrics", for_admin},
    {"ocsp", for_staple},
    {"paths", for_routes},
    {"port", for_listen},
    {"ports", for_listen},
    {"private_key", for_certificate},
    {"prometheus", for_admin},
    {"proxies", for_proxy},
    {"proxy", for_proxy},
    {"proxy_pass", for_proxy},
    {"real_ip", for_trusted},
    {"real_ip_from", for_trusted},
    {"real_ip_header", for_trusted},
    {"redir", for_redirect},
    {"redirect_https", for_https},
    {"redirects", for_redirect},
    {"resolver", "name servers are listed in \"name_servers\""},
    {"response_headers", for_headers},
    {"return", "a route has \"redirect\" or \"respond\""},
    {"reverse_proxy", for_proxy},
    {"rewrite", for_redirect},
    {"root", for_root},
    {"server", for_sites},
    {"server_name", for_hosts},
    {"server_names", for_hosts},
    {"server_tokens", "it is \"server_header: false\""},
    {"servers", for_sites},
    {"set_real_ip_from", for_trusted},
    {"spa", for_fallback},
    {"ssl", for_tls},
    {"ssl_certificate", for_certificate},
    {"ssl_certificate_key", for_certificate},
    {"ssl_ciphers", for_ciphers},
    {"ssl_client_certificate", for_client},
    {"ssl_crl", for_client},
    {"ssl_ecdh_curve", "a listener or a site has \"tls: {groups: LIST}\""},
    {"ssl_protocols", for_policy},
    {"ssl_session_cache", for_tickets},
    {"ssl_session_ticket_key", for_tickets},
    {"ssl_session_tickets", for_tickets},
    {"ssl_session_timeout", for_tickets},
    {"ssl_stapling", for_staple},
    {"ssl_stapling_file", for_staple},
    {"ssl_verify_client", for_client},
    {"sslcertificatefile", for_certificate},
    {"sslcertificatekeyfile", for_certificate},
    {"stats", for_admin},
    {"strict_transport_security", for_hsts},
    {"stub_status", for_admin},
    {"tls", for_tls},
    {"trusted", for_trusted},
    {"trusted_ips", for_trusted},
    {"try_files", for_fallback},
    {"upstream", for_proxy},
    {"upstreams", for_proxy},
    {"user", "vif keeps the user and group that it is started with (in a systemd unit, User=)"},
    {"vhosts", for_sites},
    {"virtual_hosts", for_sites},
    {"webroot", for_root},
    {"worker_connections", "it is \"limits: {connections: N}\""},
    {"worker_processes", "it is \"workers\""},
};

bool key_is_extension(const struct node *key)
{
    return slice_starts_with(key->text, SLICE("x-"));
}

const char *section_name(enum option_section section)
{
    return section == SECTION_TOP ? "the top of the file" : sections[section].path;
}

static const char *foreign_hint(struct slice word)
{
    for (size_t i = 0; i < ARRAY_LENGTH(foreign); i++) {
        if (slice_equal_nocase(word, slice_from(foreign[i].word)))
            return foreign[i].hint;
    }
    return NULL;
}

/* "log.access or log.error": the sections that have such an option; false where none has. */
static bool list_sections(struct slice word, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < option_count && length < size; i++) {
        if (slice_equal(word, slice_from(options[i].key)))
            length += (size_t)snprintf(text + length, size - length, "%s%s", length ? " or " : "",
                                       section_name(options[i].section));
    }
    return length > 0;
}

static struct nearest find_nearest(enum option_section section, struct slice word)
{
    struct nearest nearest = nearest_begin(word);
    for (const struct option *known = NULL; (known = option_next(section, known)) != NULL;)
        nearest_offer(&nearest, slice_from(known->key));
    return nearest;
}

static void write_hint(enum option_section section, struct slice word, char hint[HINT_BYTES_MAX])
{
    char places[HINT_BYTES_MAX / 2];
    char neighbour[NEAREST_HINT_MAX];
    struct nearest nearest = find_nearest(section, word);
    if (foreign_hint(word))
        snprintf(hint, HINT_BYTES_MAX, "; %s", foreign_hint(word));
    else if (list_sections(word, places, sizeof(places)))
        snprintf(hint, HINT_BYTES_MAX, "; it is an option of %s", places);
    else
        snprintf(hint, HINT_BYTES_MAX, "%s", nearest_hint(&nearest, neighbour));
}

void unknown_report(struct diagnostics *diagnostics, enum option_section section, const struct node *key)
{
    char hint[HINT_BYTES_MAX];
    write_hint(section, key->text, hint);
    diagnostics_add(diagnostics, key->position, "unknown option \"%.*s\" %s %s%s",
                    (int)MIN(key->text.length, (size_t)SHOWN_MAX), key->text.data,
                    section == SECTION_TOP ? "at" : "in", section_name(section), hint);
}

bool unknown_explains(enum option_section section, const struct node *map, const struct option *option)
{
    char places[HINT_BYTES_MAX / 2];
    NODE_FOREACH(entry, map)
    {
        struct slice word = entry->key->text;
        if (option_find(section, word) || key_is_extension(entry->key))
            continue;
        struct slice best = find_nearest(section, word).best;
        if (foreign_hint(word) || list_sections(word, places, sizeof(places)) ||
            slice_equal(best, slice_from(option->key)))
            return true;
    }
    return false;
}
