/* The URLs of a set of bound addresses. */
#include "cli/banner.h"

#include "sys/address.h"
#include "sys/reachable.h"

#include <stdio.h>

struct banner {
    struct buffer *out;
    bool colours;
    bool is_secure; /* the listener speaks TLS */
};

static void print_url(const struct banner *banner, const char *host, uint16_t port, const char *note)
{
    buffer_printf(banner->out, "    %shttp%s://%s", banner->colours ? "\033[36m" : "",
                  banner->is_secure ? "s" : "", host);
    if (port != (banner->is_secure ? 443 : 80))
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

static bool banner_is_wildcard(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
    return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
}

struct everywhere {
    const struct banner *banner;
    uint16_t port;
};

static void print_reachable(void *context, const struct address *address)
{
    const struct everywhere *everywhere = context;
    print_address(everywhere->banner, address, everywhere->port, "  from other machines");
}

static void print_everywhere(const struct banner *banner, const struct address *bound)
{
    struct everywhere everywhere = {.banner = banner, .port = address_port(bound)};
    print_url(banner, "localhost", everywhere.port, "");
    sys_reachable_addresses(bound->any.sa_family == AF_INET6, print_reachable, &everywhere);
}

static void print_listener(const struct banner *banner, const struct address *bound)
{
    char text[ADDRESS_TEXT_BYTES_MAX];
    if (bound->any.sa_family == AF_UNIX) {
        address_format(bound, text);
        buffer_printf(banner->out, "    %s\n", text);
    } else if (banner_is_wildcard(bound)) {
        print_everywhere(banner, bound);
    } else {
        print_address(banner, bound, address_port(bound), "");
    }
}

void banner_print(const char *title, const struct address *addresses,
                  const struct listener_settings *listeners, size_t count, bool colours, struct buffer *out)
{
    struct banner banner = {.out = out, .colours = colours};
    buffer_printf(out, "\n  %svif%s serves %s\n\n", colours ? "\033[1m" : "", colours ? "\033[0m" : "",
                  title);
    for (size_t i = 0; i < count; i++) {
        banner.is_secure = listeners[i].https.is_on;
        print_listener(&banner, &addresses[i]);
    }
    buffer_append(out, SLICE("\n  Ctrl+C stops it.\n\n"));
}
