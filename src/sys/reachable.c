/* The addresses of this machine's interfaces, by getifaddrs(3). */
#include "sys/reachable.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

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

void sys_reachable_addresses(bool with_v6, void (*visit)(void *context, const struct address *address),
                             void *context)
{
    struct ifaddrs *interfaces = NULL;
    if (getifaddrs(&interfaces) != 0)
        return;
    for (const struct ifaddrs *interface = interfaces; interface; interface = interface->ifa_next) {
        struct address address = {0};
        if (is_reachable(interface, with_v6, &address))
            visit(context, &address);
    }
    freeifaddrs(interfaces);
}
