/* Parsing and formatting socket addresses. inet_pton(3) decides what is an IP address. */
#include "sys/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>

const char *address_fault_text(enum address_fault fault)
{
    switch (fault) {
    case ADDRESS_OK: return "it is right";
#define X(name, text) \
    case ADDRESS_FAULT_##name: return text;
        ADDRESS_FAULT_TABLE(X)
#undef X
    }
    UNREACHABLE();
}

static struct address make_v4(struct in_addr host, uint16_t port)
{
    return (struct address){
        .v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = host},
        .length = sizeof(struct sockaddr_in),
    };
}

static struct address make_v6(struct in6_addr host, uint16_t port)
{
    return (struct address){
        .v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = host},
        .length = sizeof(struct sockaddr_in6),
    };
}

static enum address_fault parse_path(struct slice path, struct listen_address *address)
{
    struct sockaddr_un *out = &address->address.unix_path;
    if (path.length == 0)
        return ADDRESS_FAULT_PATH_EMPTY;
    if (path.length >= sizeof(out->sun_path))
        return ADDRESS_FAULT_PATH_LENGTH;
    if (slice_find(path, '\0') < path.length)
        return ADDRESS_FAULT_PATH_NUL;
    out->sun_family = AF_UNIX;
    memcpy(out->sun_path, path.data, path.length); /* the rest is zero already */
    address->address.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.length + 1);
    return ADDRESS_OK;
}

/* inet_pton needs a NUL-terminated text. */
static bool address_read_number(int family, struct slice host, void *out)
{
    char text[INET6_ADDRSTRLEN];
    if (host.length >= sizeof(text) || slice_find(host, '\0') < host.length)
        return false;
    memcpy(text, host.data, host.length);
    text[host.length] = '\0';
    return inet_pton(family, text, out) == 1;
}

/* "fe80::1%eth0": a link-local address is unique only together with its interface (RFC 4007). */
static enum address_fault parse_v6(struct slice text, uint16_t port, struct address *ret_address)
{
    struct in6_addr host;
    char zone[IF_NAMESIZE];
    size_t percent = slice_find(text, '%');
    struct slice name = slice_skip(text, MIN(percent + 1, text.length));
    if (!address_read_number(AF_INET6, slice_take(text, percent), &host))
        return ADDRESS_FAULT_HOST;
    *ret_address = make_v6(host, port);
    if (percent == text.length)
        return ADDRESS_OK;
    if (!IN6_IS_ADDR_LINKLOCAL(&host))
        return ADDRESS_FAULT_HOST;
    if (name.length >= sizeof(zone))
        return ADDRESS_FAULT_ZONE;
    snprintf(zone, sizeof(zone), "%.*s", SLICE_ARGS(name));
    ret_address->v6.sin6_scope_id = if_nametoindex(zone);
    return ret_address->v6.sin6_scope_id ? ADDRESS_OK : ADDRESS_FAULT_ZONE;
}

static enum address_fault parse_host(struct slice host, uint16_t port, struct listen_address *address)
{
    struct in_addr v4 = {.s_addr = htonl(INADDR_LOOPBACK)};
    address->every_family = host.length == 0;
    if (host.length >= 2 && host.data[0] == '[' && host.data[host.length - 1] == ']')
        return parse_v6(slice_make(host.data + 1, host.length - 2), port, &address->address);
    if (host.length == 0) {
        address->address = make_v6(in6addr_any, port);
    } else if (slice_equal_nocase(host, SLICE("localhost")) || address_read_number(AF_INET, host, &v4)) {
        address->address = make_v4(v4, port);
    } else {
        return slice_find(host, ':') < host.length ? ADDRESS_FAULT_BRACKETS : ADDRESS_FAULT_HOST;
    }
    return ADDRESS_OK;
}

/* The index after the last ':' outside brackets; the length of the text if there is none. */
static size_t find_port(struct slice text)
{
    size_t at = text.length;
    while (at > 0 && text.data[at - 1] != ':' && text.data[at - 1] != ']')
        at--;
    return at > 0 && text.data[at - 1] == ':' ? at : text.length;
}

static enum address_fault parse_host_and_port(struct slice text, struct listen_address *address)
{
    size_t port_at = find_port(text);
    uint64_t port;
    if (port_at == text.length)
        return ADDRESS_FAULT_NO_PORT;
    if (!slice_to_u64(slice_skip(text, port_at), &port) || port > UINT16_MAX)
        return ADDRESS_FAULT_PORT;
    return parse_host(slice_take(text, port_at - 1), (uint16_t)port, address);
}

enum address_fault address_parse(struct slice text, struct listen_address *ret_address)
{
    struct listen_address address = {0};
    struct slice unix_prefix = SLICE("unix:");
    enum address_fault fault;
    if (text.length == 0)
        fault = ADDRESS_FAULT_EMPTY;
    else if (slice_starts_with(text, unix_prefix))
        fault = parse_path(slice_skip(text, unix_prefix.length), &address);
    else
        fault = parse_host_and_port(text, &address);
    if (fault == ADDRESS_OK)
        *ret_address = address;
    return fault;
}

static bool is_v4_inside_v6(const struct address *address)
{
    return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr);
}

/* Written by hand, because every line of the access log has an address, and inet_ntop uses printf, which
 * took a fifth of all instructions of a request. */
static size_t format_v4(const uint8_t bytes[4], char *out)
{
    char *end = out;
    for (unsigned i = 0; i < 4; i++) {
        unsigned value = bytes[i];
        if (i > 0)
            *end++ = '.';
        if (value >= 100)
            *end++ = (char)('0' + value / 100);
        if (value >= 10)
            *end++ = (char)('0' + value / 10 % 10);
        *end++ = (char)('0' + value % 10);
    }
    *end = '\0';
    return (size_t)(end - out);
}

/* A run of groups of an IPv6 address. */
struct group_run {
    unsigned begin;
    unsigned count;
};

/* The first of the longest runs of zeros, if it has at least two: "::" (RFC 5952 section 4.2). */
static struct group_run longest_zeros(const uint16_t groups[8])
{
    struct group_run longest = {.count = 1}, run = {0};
    for (unsigned i = 0; i < 8; i++) {
        run = groups[i] != 0 ? (struct group_run){.begin = i + 1}
                             : (struct group_run){.begin = run.begin, .count = run.count + 1};
        if (run.count > longest.count)
            longest = run;
    }
    return longest.count > 1 ? longest : (struct group_run){0};
}

static char *put_group(char *out, unsigned group)
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned shift = 16; shift > 0; shift -= 4) {
        if (group >> (shift - 4) != 0 || shift == 4)
            *out++ = digits[group >> (shift - 4) & 15];
    }
    return out;
}

/* As inet_ntop(3) writes it. */
static size_t format_v6(const uint8_t bytes[16], char *out)
{
    uint16_t groups[8];
    char *end = out;
    for (unsigned i = 0; i < 8; i++)
        groups[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
    struct group_run zeros = longest_zeros(groups);
    for (unsigned i = 0; i < 8; i++) {
        bool is_left_out = i - zeros.begin < zeros.count;
        if (i > 0 ? !is_left_out || i == zeros.begin : is_left_out)
            *end++ = ':';
        if (i == 6 && zeros.begin == 0 && zeros.count == 6) /* ::192.0.2.1 */
            return (size_t)(end - out) + format_v4(&bytes[12], end);
        if (!is_left_out)
            end = put_group(end, groups[i]);
    }
    if (zeros.count > 0 && zeros.begin + zeros.count == 8)
        *end++ = ':';
    *end = '\0';
    return (size_t)(end - out);
}

size_t address_format_host(const struct address *address, char out[ADDRESS_TEXT_BYTES_MAX])
{
    if (address->any.sa_family == AF_INET)
        return format_v4((const uint8_t *)&address->v4.sin_addr, out);
    if (is_v4_inside_v6(address))
        return format_v4(&address->v6.sin6_addr.s6_addr[12], out);
    if (address->any.sa_family == AF_INET6)
        return format_v6(address->v6.sin6_addr.s6_addr, out);
    memcpy(out, "unix", sizeof("unix"));
    return sizeof("unix") - 1;
}

bool address_is_loopback(const struct address *address)
{
    const struct in6_addr *v6 = &address->v6.sin6_addr;
    if (address->any.sa_family == AF_INET)
        return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return address->any.sa_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET));
}

int address_compare(const struct address *one, const struct address *other)
{
    const void *left = one, *right = other; /* the kernel's names of sockets are bytes */
    if (one->length != other->length)
        return one->length < other->length ? -1 : 1;
    return memcmp(left, right, one->length);
}

uint16_t address_port(const struct address *address)
{
    switch (address->any.sa_family) {
    case AF_INET: return ntohs(address->v4.sin_port);
    case AF_INET6: return ntohs(address->v6.sin6_port);
    default: return 0;
    }
}

/* Writes "unix:" and the path, which the kernel may return without a NUL. */
static size_t format_path(const struct address *address, char out[ADDRESS_TEXT_BYTES_MAX])
{
    size_t head = offsetof(struct sockaddr_un, sun_path);
    size_t room = address->length > head ? address->length - head : 0;
    size_t length = strnlen(address->unix_path.sun_path, room);
    memcpy(out, "unix:", 5);
    memcpy(out + 5, address->unix_path.sun_path, length);
    out[5 + length] = '\0';
    return 5 + length;
}

/* Writes "%eth0", or nothing. */
static void format_zone(const struct address *address, char out[IF_NAMESIZE + 1])
{
    out[0] = '\0';
    if (address->any.sa_family == AF_INET6 && address->v6.sin6_scope_id &&
        if_indextoname(address->v6.sin6_scope_id, out + 1))
        out[0] = '%';
}

size_t address_format(const struct address *address, char out[ADDRESS_TEXT_BYTES_MAX])
{
    if (address->any.sa_family == AF_UNIX)
        return format_path(address, out);
    char host[ADDRESS_TEXT_BYTES_MAX];
    char zone[IF_NAMESIZE + 1];
    size_t length = address_format_host(address, host);
    format_zone(address, zone);
    snprintf(host + length, sizeof(host) - length, "%s", zone);
    bool brackets = address->any.sa_family == AF_INET6 && !is_v4_inside_v6(address);
    const char *format = brackets ? "[%s]:%u" : "%s:%u";
    return (size_t)snprintf(out, ADDRESS_TEXT_BYTES_MAX, format, host, address_port(address));
}

static_assert(ADDRESS_TEXT_BYTES_MAX > sizeof("unix:") + sizeof(((struct sockaddr_un *)0)->sun_path),
              "every path fits, and so does every IP address with its port");
