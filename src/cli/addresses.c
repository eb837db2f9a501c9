/* Only combines the texts; the option's rule checks whether they are addresses. */
#include "cli/addresses.h"

#include "conf/options.h"

#include <errno.h>
#include <stdio.h>

/* Longer than any address with a port; what is cut was none. */
#define ADDRESS_BYTES_MAX 256

/* The last value of --port, or one without text. */
static struct argument given_port(const struct arguments *arguments)
{
    struct argument port = {0};
    for (size_t i = 0; i < arguments->given_count; i++) {
        if (arguments->given[i].flag->own == OWN_PORT)
            port = arguments->given[i].value;
    }
    return port;
}

/* A port, or a path, is there already. Nothing at all is complete too: it is a mistake to be told (an unset
 * variable of a script), not every address. */
static bool is_complete(struct slice address)
{
    if (address.length == 0)
        return true;
    size_t colon = slice_find(address, ':');
    if (slice_starts_with(address, SLICE("unix:")) || colon == address.length)
        return colon < address.length;
    if (address.data[0] == '[')
        return !slice_ends_with(address, SLICE("]"));
    struct slice behind = slice_skip(address, colon + 1);
    return slice_find(behind, ':') == behind.length;
}

/* Writes an address with its port into `text`; `port` begins with ':'. */
static struct slice with_port(struct slice address, const char *port, char text[ADDRESS_BYTES_MAX])
{
    if (is_complete(address))
        return address;
    bool is_bare_v6 = slice_find(address, ':') < address.length && address.data[0] != '[';
    int length =
        snprintf(text, ADDRESS_BYTES_MAX, is_bare_v6 ? "[%.*s]%s" : "%.*s%s", SLICE_ARGS(address), port);
    return slice_make(text, MIN((size_t)length, (size_t)ADDRESS_BYTES_MAX - 1));
}

static int add_addresses(const struct arguments *arguments, const char *port, struct document *document,
                         struct node *list)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < arguments->given_count; i++) {
        struct argument address = arguments->given[i].value;
        char text[ADDRESS_BYTES_MAX];
        if (arguments->given[i].flag->own != OWN_ADDRESS)
            continue;
        address.text = with_port(address.text, port, text);
        error = document_append(document, list, address);
    }
    return error;
}

/* Checks the port itself: as part of an address it would be reported as one, once for each address. */
static bool addresses_check_port(const struct arguments *arguments, struct argument port)
{
    uint64_t number;
    if (port.text.data == NULL || (slice_to_u64(port.text, &number) && number <= UINT16_MAX))
        return true;
    diagnostics_add(arguments->diagnostics, port.position, "expected a port from 0 to 65535, not \"%.*s\"",
                    (int)MIN(port.text.length, (size_t)40), port.text.data);
    return false;
}

/* {address: ADDRESS, tls: true} in place of each. */
static int make_secure(struct document *document, struct node *list)
{
    NODE_FOREACH(entry, list)
    {
        struct node *map = node_collection(document, NODE_MAP, entry->value->position);
        struct node *address = node_text(document, SLICE("address"), entry->value->position);
        struct node *tls = node_text(document, SLICE("tls"), entry->value->position);
        struct node *truth = node_text(document, SLICE("true"), entry->value->position);
        int error = map && address && tls && truth ? node_add(document, map, address, entry->value) : -ENOMEM;
        if (error == 0)
            error = node_add(document, map, tls, truth);
        if (error)
            return error;
        truth->is_plain = true;
        entry->value = map;
    }
    return 0;
}

/* What a listener says of HTTPS; NULL: nothing. */
static const struct node *find_https(const struct node *listener)
{
    if (listener->kind != NODE_MAP)
        return NULL;
    const struct node *tls = node_get(listener, SLICE("tls"));
    return tls ? tls : node_get(listener, SLICE("redirect_to_https"));
}

/* -p and -a cannot say of an address that it speaks TLS, or where it redirects. Without that, what a file has
 * for HTTPS would be served in the clear. */
static void check_replaced(const struct arguments *arguments, const struct document *document)
{
    const struct node *listen = node_get(document->root, SLICE("listen"));
    const struct node *https = listen ? find_https(listen) : NULL;
    for (const struct entry *entry = listen && listen->kind == NODE_LIST ? listen->first : NULL;
         entry && https == NULL; entry = entry->next)
        https = find_https(entry->value);
    if (https)
        diagnostics_add(
            arguments->diagnostics, https->position,
            "listen: -p and -a replace all listeners, and would take this option from them: change "
            "the address here, and run without -p and -a");
}

/* A port that a browser shows for HTTPS in a test. */
#define HTTPS_PORT_TEXT ":8443"

int addresses_apply(const struct arguments *arguments, struct document *document)
{
    char fallback[OPTION_TEXT_MAX];
    char port_text[ADDRESS_BYTES_MAX];
    struct slice listen = SLICE("listen");
    struct argument port = given_port(arguments);
    bool is_secure = arguments_want_tls(arguments);
    if (!addresses_check_port(arguments, port))
        return 0;
    if (port.text.data)
        snprintf(port_text, sizeof(port_text), ":%.*s", SLICE_ARGS(port.text));
    else
        snprintf(port_text, sizeof(port_text), "%s",
                 is_secure ? HTTPS_PORT_TEXT : option_default(option_at(listen), fallback));

    struct node *list = node_collection(document, NODE_LIST, port.position);
    struct node *key = node_text(document, listen, port.position);
    int error = list && key ? add_addresses(arguments, port_text, document, list) : -ENOMEM;
    if (error == 0 && list->entry_count == 0 && (port.text.data || is_secure)) {
        port.text = slice_from(port_text);
        error = document_append(document, list, port);
    }
    if (error == 0 && is_secure)
        error = make_secure(document, list);
    if (list && list->entry_count > 0)
        check_replaced(arguments, document);
    return error || list->entry_count == 0 ? error : node_put(document, document->root, key, list);
}
