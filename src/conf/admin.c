/* Listeners for administration: who can reach them, and the route that answers there. */
#include "conf/checks.h"
#include "sys/address.h"

static struct source_position admin_position_of(const struct node *listen, size_t index)
{
    const struct node *item = node_item(listen, index);
    return node_position_of(item ? item : listen, SLICE("admin"));
}

/* Only programs on this machine, or clients that have shown a certificate, get that far. */
static bool admin_is_guarded(const struct listener_settings *listener)
{
    struct listen_address listen;
    if (listener->https.is_on && listener->https.client == HTTPS_CLIENT_REQUIRED)
        return true;
    return address_parse(listener->address, &listen) == ADDRESS_OK && !listen.every_family &&
           (listen.address.any.sa_family == AF_UNIX || address_is_loopback(&listen.address));
}

static void check_admin_listener(struct loader *loader, const struct node *listen, size_t index)
{
    struct settings *settings = loader->objects[OBJECT_SETTINGS];
    struct listener_settings *listener = &settings->listeners[index];
    if (listener->address.data == NULL)
        return;
    if (!admin_is_guarded(listener))
        diagnostics_add(loader->diagnostics, admin_position_of(listen, index),
                        "listen.admin: strangers could reach \"%.*s\"; use an address such as "
                        "127.0.0.1:9180, a Unix socket, or \"tls: {client: required, client_ca: FILE}\"",
                        SLICE_ARGS(listener->address));
    if (listener->https_port.length > 0)
        diagnostics_add(loader->diagnostics, admin_position_of(listen, index),
                        "listen.admin: this listener redirects to HTTPS; use another one");
    listener->route = loader_allocate(loader, 1, sizeof(*listener->route));
    if (listener->route)
        *listener->route = (struct route){.prefix = SLICE("/"), .kind = ROUTE_ADMIN};
}

void check_admin(struct loader *loader, const struct node *listen)
{
    const struct settings *settings = loader->objects[OBJECT_SETTINGS];
    for (size_t i = 0; i < settings->listener_count; i++) {
        if (settings->listeners[i].is_admin)
            check_admin_listener(loader, listen, i);
    }
}
