/* The rules for networks, name servers and interfaces. */
#include "conf/rules.h"

#include "settings/network.h"
#include "sys/address.h"
#include "sys/lookup.h"
#include "sys/xdp.h"

#include <net/if.h>

static const char *check_network(const struct rule_context *context, struct slice *text)
{
    struct network network;
    (void)context;
    switch (network_read(*text, &network)) {
    case NETWORK_OK: return NULL;
    case NETWORK_NO_ADDRESS: return "it is not an address";
    case NETWORK_BITS:
        return "behind the \"/\" stands the number of bits, up to 32 for IPv4 and 128 for IPv6";
    case NETWORK_INNER: return "bits are set behind those of the network: is it one address, without \"/\"?";
    }
    UNREACHABLE();
}

const struct text_rule rule_network = {
    "network",
    "\"10.0.0.0/8\", \"2001:db8::/32\", an address, or \"unix\"",
    "^(unix|[0-9a-fA-F:.]+(/[0-9]{1,3})?)$",
    check_network,
};

/* "10.0.0.1", "10.0.0.1:53", "::1" or "[::1]:53". */
static const char *check_name_server(const struct rule_context *context, struct slice *text)
{
    struct listen_address address;
    struct network network;
    (void)context;
    if (!sys_lookup_has_dns())
        return "vif was built without c-ares; without this option the name servers of the system are asked";
    bool is_plain = network_read(*text, &network) == NETWORK_OK && slice_find(*text, '/') == text->length &&
                    !slice_equal(*text, SLICE("unix"));
    bool has_port = slice_ends_with(*text, SLICE("]")) == false && !slice_starts_with(*text, SLICE(":")) &&
                    !slice_starts_with(*text, SLICE("unix:")) && address_parse(*text, &address) == ADDRESS_OK;
    return is_plain || has_port ? NULL : "it is not an address, perhaps with a port";
}

const struct text_rule rule_name_server = {
    "name server",
    "\"10.0.0.53\", \"127.0.0.1:5353\" or \"[2001:db8::53]:53\"",
    "^[0-9a-fA-F:.\\[\\]]+$",
    check_name_server,
};

static const char *check_interface(const struct rule_context *context, struct slice *text)
{
    (void)context;
    if (!sys_has_xdp())
        return "vif was built without libbpf, which the shield needs (see \"vif version\")";
    return text->length < IFNAMSIZ ? NULL : "no interface has so long a name";
}

const struct text_rule rule_interface = {
    "interface",
    "the name of a network interface, such as \"eth0\"",
    "^[^/ ]{1,15}$",
    check_interface,
};
