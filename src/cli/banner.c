/* The URLs of a set of bound addresses; getifaddrs(3) knows the machine's own. */
#include "cli/banner.h"

#include "sys/address.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>

struct banner {
    struct buffer *out;
    bool colours;
};

static void print_url(const struct banner *banner, const char *host, uint16_t port, const char *note)
{
    buffer_printf(banner->out, "    %shttp://%s", banner->colours ? "\033[36m" : "", host);
    if (port != 80)
        buffer_printf(banner->out, ":%u", port);
    buffer_printf(banner->out, "/%s%s\n", banner->colours ? "\033[0m" : "", note);
}

/* With the brackets that a URL wants around IPv6. */
static void print_address(const struct banner *banner, const struct address *address, uint16_t port,
                          const char *note)
{
    char host[ADDRESS_TEXT_BYTES_MAX];
    char bracketed[ADDRESS_TEXT_BYTES_MAX + 2];
    size_t length = address_format_host(address, host);
    bool is_v6 = slice_find(slice_make(host, length), ':') < length;
    int written = snprintf(bracketed, sizeof(bracketed), is_v6 ? "[%s]" : "%s", host);
    assert(written > 0 && (size_t)written < sizeof(bracketed));
    print_url(banner, bracketed, port, note);
}

static bool is_wildcard(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
    return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
}

/* An address of an interface that other machines can use: no loopback, and no IPv6 that needs an interface
 * named. */
static bool is_reachable(const struct ifaddrs *interface, bool with_v6, struct address *ret_address)
{
    if (interface->ifa_addr == NULL || (interface->ifa_flags & IFF_LOOPBACK) ||
        !(interface->ifa_flags & IFF_UP))
        return false;
    sa_family_t family = interface->ifa_addr->sa_family;
    if (family == AF_INET)
        memcpy(&ret_address->v4, interface->ifa_addr, sizeof(ret_address->v4));
    else if (family == AF_INET6 && with_v6)
        memcpy(&ret_address->v6, interface->ifa_addr, sizeof(ret_address->v6));
    else
        return false;
    return family == AF_INET || !IN6_IS_ADDR_LINKLOCAL(&ret_address->v6.sin6_addr);
}

static void print_everywhere(const struct banner *banner, const struct address *bound)
{
    uint16_t port = address_port(bound);
    bool with_v6 = bound->any.sa_family == AF_INET6;
    struct ifaddrs *interfaces = NULL;
    print_url(banner, "localhost", port, "");
    if (getifaddrs(&interfaces) != 0)
        return;
    for (const struct ifaddrs *interface = interfaces; interface; interface = interface->ifa_next) {
        struct address address = {0};
        if (is_reachable(interface, with_v6, &address))
            print_address(banner, &address, port, "  from other machines");
    }
    freeifaddrs(interfaces);
}

static void print_listener(const struct banner *banner, const struct address *bound)
{
    char text[ADDRESS_TEXT_BYTES_MAX];
    if (bound->any.sa_family == AF_UNIX) {
        address_format(bound, text);
        buffer_printf(banner->out, "    %s\n", text);
    } else if (is_wildcard(bound)) {
        print_everywhere(banner, bound);
    } else {
        print_address(banner, bound, address_port(bound), "");
    }
}

void banner_print(const char *title, const struct address *addresses, size_t count, bool colours,
                  struct buffer *out)
{
    struct banner banner = {.out = out, .colours = colours};
    buffer_printf(out, "\n  %svif%s serves %s\n\n", colours ? "\033[1m" : "", colours ? "\033[0m" : "",
                  title);
    for (size_t i = 0; i < count; i++)
        print_listener(&banner, &addresses[i]);
    buffer_append(out, SLICE("\n  Ctrl+C stops it.\n\n"));
}
