/* Parsing; the grammar of host and port is that of the Host header. */
#include "proxy/server_url.h"

#include "http/uri.h"

#define HTTP_PORT  80
#define HTTPS_PORT 443

static struct slice without_brackets(struct slice host)
{
    return slice_starts_with(host, SLICE("[")) ? slice_make(host.data + 1, host.length - 2) : host;
}

static const char *server_url_parse_authority(struct slice authority, struct server_url *ret_url)
{
    struct slice host, port;
    uint64_t number = ret_url->is_secure ? HTTPS_PORT : HTTP_PORT;
    if (authority.length == 0)
        return "it names no host";
    if (slice_find(authority, '@') < authority.length)
        return "it has a user name, which is not sent to servers";
    if (!http_host_parse(authority, &host, &port) || host.length == 0)
        return "it has no valid host and port";
    if (without_brackets(host).length > SERVER_HOST_BYTES_MAX)
        return "its host has more than 253 bytes: no name is that long";
    if (port.length > 0 && (!slice_to_u64(port, &number) || number == 0 || number > UINT16_MAX))
        return "its port is not a number from 1 to 65535";
    ret_url->host = without_brackets(host);
    ret_url->authority = authority;
    ret_url->port = (uint16_t)number;
    return NULL;
}

/* Returns what is behind the scheme; without data if there is none that vif knows. */
static struct slice server_url_take_scheme(struct slice url, struct server_url *ret_url)
{
    static const struct scheme {
        struct slice text;
        bool is_secure, is_h2;
    } schemes[] = {
        {SLICE("http://"), false, false}, {SLICE("https://"), true, false}, {SLICE("h2c://"), false, true}};
    for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++) {
        if (!slice_starts_with(url, schemes[i].text))
            continue;
        *ret_url = (struct server_url){.is_secure = schemes[i].is_secure, .is_h2 = schemes[i].is_h2};
        return slice_skip(url, schemes[i].text.length);
    }
    return (struct slice){0};
}

const char *server_url_parse(struct slice url, struct server_url *ret_url)
{
    struct slice unix_scheme = SLICE("unix:");
    if (slice_starts_with(url, unix_scheme)) {
        *ret_url =
            (struct server_url){.path = slice_skip(url, unix_scheme.length), .authority = SLICE("localhost")};
        return ret_url->path.length > 0 ? NULL : "the path behind \"unix:\" is empty";
    }
    struct slice rest = server_url_take_scheme(url, ret_url);
    if (rest.data == NULL)
        return "it does not begin with \"http://\", \"https://\", \"h2c://\" or \"unix:\"";
#ifndef HAVE_HTTP2
    if (ret_url->is_h2)
        return "this vif was built without HTTP/2";
#endif
    size_t end = slice_find(rest, '/');
    if (slice_skip(rest, end).length > 1 || slice_find(rest, '?') < rest.length ||
        slice_find(rest, '#') < rest.length)
        return "it has a path: requests keep their own; to change it, use \"prefix\"";
    return server_url_parse_authority(slice_take(rest, end), ret_url);
}

enum proxy_http server_url_http(const struct server_url *url, enum proxy_http wanted)
{
    if (url->is_h2)
        return PROXY_HTTP_2;
    return wanted == PROXY_HTTP_AUTO && !url->is_secure ? PROXY_HTTP_1 : wanted;
}

struct slice server_url_certificate_name(const struct server_url *url)
{
    struct slice name = url->host;
    while (slice_starts_with(name, SLICE("_")) && slice_find(name, '.') + 1 < name.length)
        name = slice_skip(name, slice_find(name, '.') + 1);
    return name;
}
