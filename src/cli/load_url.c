/* Which address of a name is taken: the first that takes a connection. "localhost" is two addresses on most
 * machines, and a server often listens on one of them. */
#include "cli/load_url.h"

#include "http/uri.h"
#include "sys/address.h"
#include "sys/process.h"
#include "sys/resolve.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define HOST_BYTES_MAX 256
#define KNOCK_MS       2000

struct url {
    struct slice text; /* as it was written */
    struct source_position position;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct load_plan *plan;
};

static bool load_url_refuse(const struct url *url, const char *text)
{
    diagnostics_add(url->diagnostics, url->position, "%s", text);
    return false;
}

/* Characters. */
static unsigned load_url_width(struct slice text)
{
    unsigned count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

/* Points at a part of what was written; at an empty one, at where it should be. */
static PRINTF_LIKE(3, 4) bool refuse_part(const struct url *url, struct slice part, const char *format, ...)
{
    char text[160];
    va_list arguments;
    struct source_position position = url->position;
    position.column += load_url_width(slice_make(url->text.data, (size_t)(part.data - url->text.data)));
    position.length = load_url_width(part);
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    diagnostics_add(url->diagnostics, position, "%s", text);
    return false;
}

/* --- addresses --- */

/* Whether somebody takes a connection there. */
static bool is_open(const struct address *address)
{
    int fd = sys_connect(address);
    int error = fd < 0 ? fd : sys_connected(fd, address);
    struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
    if (error == -EALREADY && sys_poll(&pollfd, 1, KNOCK_MS) > 0)
        error = sys_connected(fd, address);
    if (fd >= 0)
        sys_close(fd);
    return error == 0;
}

/* RFC 6761 section 6.3: "localhost" is resolved without a name server. */
static size_t loopback(uint16_t port, struct address *ret_addresses)
{
    ret_addresses[0] = (struct address){
        .v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
        .length = sizeof(struct sockaddr_in),
    };
    ret_addresses[1] = (struct address){
        .v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback},
        .length = sizeof(struct sockaddr_in6),
    };
    return 2;
}

static bool set_host(const struct url *url, struct slice host, uint16_t port)
{
    char name[HOST_BYTES_MAX];
    struct address found[LOAD_ADDRESSES_MAX];
    const char *why;
    bool has_brackets = host.length > 2 && host.data[0] == '[';
    if (has_brackets)
        host = slice_make(host.data + 1, host.length - 2);
    if (host.length >= sizeof(name))
        return load_url_refuse(url, "the name of the host is longer than 255 bytes");
    snprintf(name, sizeof(name), "%.*s", SLICE_ARGS(host));
    size_t count = slice_equal_nocase(host, SLICE("localhost"))
                       ? loopback(port, found)
                       : sys_resolve(name, port, found, ARRAY_LENGTH(found), &why);
    if (count == 0) {
        diagnostics_add(url->diagnostics, url->position, "the host \"%s\" has no address: %s", name, why);
        return false;
    }
    size_t chosen = 0;
    while (count > 1 && chosen < count && !is_open(&found[chosen]))
        chosen++;
    url->plan->addresses[0] = found[chosen < count ? chosen : 0];
    url->plan->address_count = 1;
    return true;
}

/* --- unix:SOCKET[:/PATH] --- */

static bool read_unix(const struct url *url, struct slice text)
{
    struct listen_address address;
    size_t colon = slice_find(slice_skip(text, sizeof("unix:") - 1), ':') + sizeof("unix:") - 1;
    enum address_fault fault = address_parse(slice_take(text, colon), &address);
    if (fault != ADDRESS_OK)
        return load_url_refuse(url, address_fault_text(fault));
    struct slice path = colon < text.length ? slice_skip(text, colon + 1) : SLICE("/");
    struct http_uri uri;
    if (path.length == 0 || path.data[0] != '/' || http_uri_parse(path, HTTP_METHOD_GET, &uri) != HTTP_URI_OK)
        return load_url_refuse(
            url, "the path behind the socket must begin with '/': unix:/run/vif.sock:/index.html");
    url->plan->addresses[0] = address.address;
    url->plan->address_count = 1;
    url->plan->host = SLICE("localhost");
    url->plan->targets[0].path = path;
    return true;
}

/* --- what is wrong with http://HOST[:PORT][/PATH] --- */

/* What stands before "://"; empty where there is none. "a/?u=http://b" has none. */
static struct slice scheme_of(struct slice text)
{
    struct slice scheme = slice_take(text, slice_find(text, ':'));
    bool has_slashes = text.length >= scheme.length + 3 && memcmp(scheme.data + scheme.length, "://", 3) == 0;
    return has_slashes && memchr(scheme.data, '/', scheme.length) == NULL ? scheme : slice_take(text, 0);
}

/* Up to the path, the query or the fragment. */
static size_t load_url_authority_length(struct slice text)
{
    return MIN(MIN(slice_find(text, '/'), slice_find(text, '?')), slice_find(text, '#'));
}

/* An empty port is the default one: RFC 3986 section 3.2.3. */
static bool load_url_check_port(const struct url *url, struct slice port)
{
    uint64_t number = 80;
    for (size_t i = 0; i < port.length; i++) {
        if (port.data[i] < '0' || port.data[i] > '9')
            return refuse_part(url, port, "the port must be a number, such as 8080");
    }
    if (port.length > 0 && (!slice_to_u64(port, &number) || number == 0 || number > UINT16_MAX))
        return refuse_part(url, port, "the port must be a number from 1 to 65535");
    return true;
}

/* RFC 9110 section 4.2.4: a reader of such a URL may mistake the user name for the host. */
static bool check_no_user(const struct url *url, struct slice authority)
{
    size_t at = slice_find(authority, '@');
    return at == authority.length ||
           refuse_part(url, slice_take(authority, at + 1),
                       "user names do not belong in a URL: -H 'Authorization: ...' sends one");
}

/* "::1", "fe80::1:8080"; not "localhost:80:80". */
static bool is_bare_ipv6(struct slice authority)
{
    unsigned colons = 0;
    for (size_t i = 0; i < authority.length; i++) {
        char byte = authority.data[i];
        if (memchr("0123456789abcdefABCDEF.:", byte, 24) == NULL)
            return false;
        colons += byte == ':';
    }
    return colons > 1;
}

/* The whole of it consists of such characters. */
static bool consists_of(struct slice text, const char *characters)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '\0' || strchr(characters, text.data[i]) == NULL)
            return false;
    }
    return text.length > 0;
}

/* dec-octet of RFC 3986: no zeros in front. */
static bool is_octet(struct slice text)
{
    uint64_t number;
    return text.length <= 3 && consists_of(text, "0123456789") && slice_to_u64(text, &number) &&
           number <= 255 && (text.length == 1 || text.data[0] != '0');
}

static bool is_ipv4(struct slice host)
{
    struct slice part;
    unsigned count = 0;
    while (slice_next(&host, '.', &part)) {
        if (!is_octet(part))
            return false;
        count++;
    }
    return count == 4;
}

/* The C library takes more for an address than RFC 3986 does: 21200 for 0.0.82.208, 127.1, 0x7f.1, and 010
 * for eight. No name ends in a number, so whoever wrote one meant something else. */
static bool check_number(const struct url *url, struct slice host, bool has_port)
{
    size_t dot = host.length;
    while (dot > 0 && host.data[dot - 1] != '.')
        dot--;
    struct slice last = slice_skip(host, dot);
    bool is_hexadecimal = last.length > 2 && last.data[0] == '0' && ascii_lower(last.data[1]) == 'x' &&
                          consists_of(slice_skip(last, 2), "0123456789abcdefABCDEF");
    uint64_t port;
    if ((!consists_of(last, "0123456789") && !is_hexadecimal) || is_ipv4(host))
        return true;
    if (dot == 0 && !has_port && slice_to_u64(host, &port) && port > 0 && port <= UINT16_MAX)
        return refuse_part(url, host, "a port stands behind a host: http://localhost:%u/", (unsigned)port);
    return refuse_part(url, host, "an IPv4 address is four numbers from 0 to 255: http://127.0.0.1:8080/");
}

static bool check_authority(const struct url *url, struct slice authority)
{
    bool has_brackets = authority.length > 0 && authority.data[0] == '[';
    size_t bracket = slice_find(authority, ']');
    if (!check_no_user(url, authority))
        return false;
    if (has_brackets && bracket == authority.length)
        return refuse_part(url, authority, "the ']' behind the IPv6 address is missing");
    struct slice host = slice_take(authority, has_brackets ? bracket + 1 : slice_find(authority, ':'));
    struct slice rest = slice_skip(authority, host.length);
    if (is_bare_ipv6(authority))
        return refuse_part(url, authority, "an IPv6 address stands in brackets: http://[::1]:8080/");
    if (host.length == 0)
        return refuse_part(url, host, "the host is missing: http://localhost:8080/");
    if (!check_number(url, host, rest.length > 0))
        return false;
    if (rest.length > 0 && rest.data[0] != ':')
        return refuse_part(url, rest, "behind ']' only a port can follow: http://[::1]:8080/");
    return load_url_check_port(url, slice_skip(rest, rest.length > 0));
}

/* Before anything is cut from it: the shell's quotes let them in. */
static bool check_bytes(const struct url *url)
{
    for (size_t i = 0; i < url->text.length; i++) {
        unsigned char byte = (unsigned char)url->text.data[i];
        if (byte == ' ')
            return refuse_part(url, slice_make(url->text.data + i, 1),
                               "a URL has no blanks: %%20 stands for one");
        if (byte < ' ' || byte == 0x7f)
            return refuse_part(url, slice_make(url->text.data + i, 1), "a URL has no control characters");
    }
    return true;
}

/* The mistakes that people make, each by its name. What is left to http_uri_parse is rare. */
static bool check_http(const struct url *url)
{
    struct slice scheme = scheme_of(url->text);
    struct slice rest = slice_skip(url->text, scheme.length > 0 ? scheme.length + 3 : 0);
    if (!check_bytes(url))
        return false;
    if (scheme.length > 0 && !slice_equal_nocase(scheme, SLICE("http")))
        return refuse_part(url, scheme, "only http:// and unix: can be measured");
    return check_authority(url, slice_take(rest, load_url_authority_length(rest)));
}

/* --- http://HOST[:PORT][/PATH] --- */

/* With its port, where one is written; without what stands in front of it and behind it. */
static struct slice authority_of(const struct http_uri *uri)
{
    size_t length = uri->host.length + (uri->port.length > 0 ? 1 + uri->port.length : 0);
    return slice_make(uri->host.data, length);
}

static struct slice load_url_path_of(struct slice text, struct slice authority)
{
    struct slice path = slice_skip(text, (size_t)(authority.data + authority.length - text.data));
    return path.length > 0 && path.data[0] == ':' ? slice_skip(path, 1) : path;
}

static bool read_http(const struct url *url, struct slice text)
{
    struct http_uri uri;
    uint64_t port = 80;
    text = slice_take(text, slice_find(text, '#')); /* for the client alone: RFC 9110 section 4.2.5 */
    if (http_uri_parse(text, HTTP_METHOD_GET, &uri) != HTTP_URI_OK || uri.host.length == 0)
        return load_url_refuse(
            url, "expected a URL such as http://localhost:8080/index.html: other characters than "
                 "letters, digits and -._~ are written as %20 is for a blank");
    if (uri.port.length > 0 && !slice_to_u64(uri.port, &port))
        UNREACHABLE(); /* load_url_check_port let it pass */
    struct slice authority = authority_of(&uri);
    struct slice path = load_url_path_of(text, authority);
    char *whole = arena_alloc(url->arena, path.length + 2);
    if (whole == NULL)
        return load_url_refuse(url, "out of memory");
    /* "http://a?b" has no path; the request has one. */
    bool lacks_slash = path.length == 0 || path.data[0] != '/';
    int length = snprintf(whole, path.length + 2, "%s%.*s", lacks_slash ? "/" : "", SLICE_ARGS(path));
    url->plan->targets[0].path = slice_make(whole, (size_t)length);
    url->plan->host = authority;
    return set_host(url, uri.host, (uint16_t)port);
}

static bool has_prefix(struct slice text, struct slice prefix)
{
    return text.length >= prefix.length && slice_equal_nocase(slice_take(text, prefix.length), prefix);
}

bool load_url_read(struct slice text, struct source_position position, struct arena *arena,
                   struct diagnostics *diagnostics, struct load_plan *plan)
{
    struct url url = {
        .text = text, .position = position, .arena = arena, .diagnostics = diagnostics, .plan = plan};
    struct slice scheme = SLICE("http://");
    plan->target_count = 1;
    if (has_prefix(text, SLICE("https://")))
        return refuse_part(&url, slice_take(text, sizeof("https") - 1),
                           "https needs TLS, which vif does not speak yet: measure http:// behind it");
    if (has_prefix(text, SLICE("unix:")))
        return read_unix(&url, text);
    if (!check_http(&url))
        return false;
    if (has_prefix(text, scheme))
        return read_http(&url, text);
    char *whole = arena_alloc(arena, scheme.length + text.length);
    if (whole == NULL)
        return load_url_refuse(&url, "out of memory");
    memcpy(whole, scheme.data, scheme.length);
    memcpy(whole + scheme.length, text.data, text.length);
    return read_http(&url, slice_make(whole, scheme.length + text.length));
}
