/* Which addresses the kernel lets nobody bind beside others: all of them are bound without SO_REUSEPORT
 * first, see sys/listen.c. */
#include "conf/checks.h"
#include "sys/address.h"

static bool listeners_is_wildcard(const struct listen_address *listen)
{
    const struct address *address = &listen->address;
    return address->any.sa_family == AF_INET ? address->v4.sin_addr.s_addr == htonl(INADDR_ANY)
                                             : IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
}

static bool is_same_host(const struct address *a, const struct address *b)
{
    if (a->any.sa_family == AF_INET)
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    return IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr) &&
           a->v6.sin6_scope_id == b->v6.sin6_scope_id;
}

/* "[::]:80" is for IPv6 alone, ":80" for both families. */
static bool do_overlap(const struct listen_address *a, const struct listen_address *b)
{
    sa_family_t family = a->address.any.sa_family;
    bool is_one_family = family == b->address.any.sa_family;
    if (family == AF_UNIX || b->address.any.sa_family == AF_UNIX)
        return is_one_family && strcmp(a->address.unix_path.sun_path, b->address.unix_path.sun_path) == 0;
    uint16_t port = address_port(&a->address);
    if (port == 0 || port != address_port(&b->address))
        return false;
    if (a->every_family || b->every_family)
        return true;
    return is_one_family &&
           (listeners_is_wildcard(a) || listeners_is_wildcard(b) || is_same_host(&a->address, &b->address));
}

static void listeners_report(struct loader *loader, struct slice first, const struct node *first_node,
                             struct slice second, const struct node *second_node)
{
    char where[POSITION_TEXT_MAX];
    position_show(first_node->position, second_node->position.source, where);
    if (slice_equal(first, second))
        diagnostics_add(loader->diagnostics, second_node->position, "listen: duplicate \"%.*s\"%s",
                        SLICE_ARGS(second), where);
    else
        diagnostics_add(loader->diagnostics, second_node->position,
                        "listen: \"%.*s\" shares addresses with \"%.*s\"%s: keep one of them",
                        SLICE_ARGS(second), SLICE_ARGS(first), where);
}

void check_listeners(struct loader *loader, const struct node *listen)
{
    const struct config *config = loader->objects[OBJECT_CONFIG];
    if (listen->kind != NODE_LIST || listen->entry_count != config->listener_count)
        return;
    for (size_t i = 1; i < config->listener_count; i++) {
        struct listen_address second;
        struct slice second_text = config->listeners[i].address;
        if (second_text.data == NULL || address_parse(second_text, &second) != ADDRESS_OK)
            continue;
        for (size_t j = 0; j < i; j++) {
            struct listen_address first;
            struct slice first_text = config->listeners[j].address;
            if (first_text.data == NULL || address_parse(first_text, &first) != ADDRESS_OK ||
                !do_overlap(&first, &second))
                continue;
            listeners_report(loader, first_text, node_item(listen, j), second_text, node_item(listen, i));
            break;
        }
    }
}

void check_proxied(struct loader *loader, const struct node *listen)
{
    const struct settings *settings = loader->objects[OBJECT_SETTINGS];
    for (size_t i = 0; i < settings->listener_count && settings->trusted.network_count == 0; i++) {
        const struct node *item = node_item(listen, i);
        if (settings->listeners[i].is_proxied && item)
            diagnostics_add(loader->diagnostics, node_position_of(item, SLICE("proxy_protocol")),
                            "listen.proxy_protocol: nobody may connect; name the load balancer at the top: "
                            "\"trusted_proxies: [10.0.0.0/8]\"");
    }
}
