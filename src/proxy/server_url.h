/* The URL of a server that requests go to: "http://HOST[:PORT]", the same with "https://" or "h2c://"
 * (HTTP/2 in the clear), or "unix:/PATH". */
#ifndef PROXY_SERVER_URL_H
#define PROXY_SERVER_URL_H

#include "base/slice.h"
#include "settings/settings.h"

#define SERVER_HOST_BYTES_MAX 253 /* the longest name that DNS has */

struct server_url {
    struct slice host; /* a name or an address, IPv6 without brackets; empty for a Unix socket */
    struct slice
        authority;     /* host and port as in the URL, for the Host header; "localhost" for a Unix socket */
    struct slice path; /* of a Unix socket; empty otherwise */
    uint16_t port;
    bool is_secure; /* TLS */
    bool is_h2;     /* "h2c://": HTTP/2, by prior knowledge */
};

/* Returns NULL if `url` is good, otherwise what is wrong, such as "it has a path: …". The slices of `ret_url`
 * are borrowed from `url`, or constant. */
const char *server_url_parse(struct slice url, struct server_url *ret_url) MUST_CHECK;

/* What is spoken with the server, if its route wants `wanted`. PROXY_HTTP_AUTO is for TLS alone, as ALPN is.
 */
enum proxy_http server_url_http(const struct server_url *url, enum proxy_http wanted);

/* The name that the server's certificate must have: the host, or the domain of a service: "example.com" of
 * "_https._tcp.example.com" (RFC 6125). That of a record's target would be the name server's word. */
struct slice server_url_certificate_name(const struct server_url *url);

#endif
