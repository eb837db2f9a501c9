/* A thin wrapper of getaddrinfo(3). */
#include "sys/resolve.h"

#include <netdb.h>

static bool copy(const struct addrinfo *info, uint16_t port, struct address *ret_address)
{
    if (info->ai_addrlen > sizeof(struct sockaddr_in6))
        return false;
    memset(ret_address, 0, sizeof(*ret_address));
    memcpy(&ret_address->any, info->ai_addr, info->ai_addrlen);
    ret_address->length = info->ai_addrlen;
    if (info->ai_family == AF_INET)
        ret_address->v4.sin_port = htons(port);
    else if (info->ai_family == AF_INET6)
        ret_address->v6.sin6_port = htons(port);
    else
        return false;
    return true;
}

size_t sys_resolve(const char *host, uint16_t port, struct address *ret_addresses, size_t max,
                   const char **ret_why)
{
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    size_t count = 0;
    int error = getaddrinfo(host, NULL, &wanted, &found);
    if (error != 0) {
        *ret_why = gai_strerror(error);
        return 0;
    }
    for (const struct addrinfo *info = found; info && count < max; info = info->ai_next)
        count += copy(info, port, &ret_addresses[count]);
    freeaddrinfo(found);
    *ret_why = "it has no address";
    return count;
}
