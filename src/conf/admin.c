/* Listeners for administration: who can reach them, with which passwords, and the route that answers there.
 */
#include "conf/checks.h"
#include "conf/passwords.h"
#include "sys/address.h"

static struct source_position admin_position_of(const struct node *listen, size_t index)
{
    const struct node *item = node_item(listen, index);
    return node_position_of(item ? item : listen, SLICE("admin"));
}

/* The value of the option `password_file`; NULL: it is not there. */
static const struct node *password_node(const struct node *listen, size_t index)
{
    const struct node *item = node_item(listen, index);
    const struct node *map = item ? item : listen;
    const struct node *admin = map->kind == NODE_MAP ? node_get(map, SLICE("admin")) : NULL;
    return admin && admin->kind == NODE_MAP ? node_get(admin, SLICE("password_file")) : NULL;
}

static bool is_within_machine(const struct listener_settings *listener)
{
    struct listen_address listen;
    return address_parse(listener->address, &listen) == ADDRESS_OK && !listen.every_family &&
           (listen.address.any.sa_family == AF_UNIX || address_is_loopback(&listen.address));
}

/* Only programs on this machine, or clients that have shown a certificate or know a password, get that far.
 * The password is sent with each request, so that whoever reads the packets has it: not without TLS. There is
 * no option for that. A proxy that speaks TLS in place of vif can stand on the same machine, and `vif cert`
 * makes a certificate for a private network in a second. */
static void check_who_comes(struct loader *loader, const struct node *listen, size_t index)
{
    struct settings *settings = loader->objects[OBJECT_SETTINGS];
    const struct listener_settings *listener = &settings->listeners[index];
    const struct node *password = password_node(listen, index);
    bool has_tls = listener->https.is_on;
    bool has_password = password && (listener->password_file.length > 0 || loader->diagnostics->errors > 0);
    if (is_within_machine(listener) || (has_tls && listener->https.client == HTTPS_CLIENT_REQUIRED) ||
        (has_tls && has_password))
        return;
    if (has_password)
        diagnostics_add(
            loader->diagnostics, password->position,
            "listen.admin.password_file: without TLS everybody between a client and \"%.*s\" could "
            "read the password; add \"tls: true\" (vif cert makes a certificate), or use an address "
            "such as 127.0.0.1:9180",
            SLICE_ARGS(listener->address));
    else
        diagnostics_add(loader->diagnostics, admin_position_of(listen, index),
                        "listen.admin: strangers could reach \"%.*s\"; use an address such as "
                        "127.0.0.1:9180, a Unix socket, \"tls: {client: required, client_ca: FILE}\", or "
                        "\"tls: true\" with \"admin: {password_file: FILE}\"",
                        SLICE_ARGS(listener->address));
}

static void check_admin_listener(struct loader *loader, const struct node *listen, size_t index)
{
    struct settings *settings = loader->objects[OBJECT_SETTINGS];
    struct listener_settings *listener = &settings->listeners[index];
    if (listener->address.data == NULL)
        return;
    check_who_comes(loader, listen, index);
    if (listener->https_port.length > 0)
        diagnostics_add(loader->diagnostics, admin_position_of(listen, index),
                        "listen.admin: this listener redirects to HTTPS; use another one");
    listener->route = loader_allocate(loader, 1, sizeof(*listener->route));
    if (listener->route == NULL)
        return;
    *listener->route = (struct route){.prefix = SLICE("/"), .kind = ROUTE_ADMIN};
    if (listener->password_file.length > 0)
        passwords_read(loader, listener->password_file, password_node(listen, index)->position,
                       &listener->route->admin);
}

void check_admin(struct loader *loader, const struct node *listen)
{
    const struct settings *settings = loader->objects[OBJECT_SETTINGS];
    for (size_t i = 0; i < settings->listener_count; i++) {
        if (settings->listeners[i].is_admin)
            check_admin_listener(loader, listen, i);
    }
}
