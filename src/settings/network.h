/* Sets of addresses, such as 10.0.0.0/8, and addresses in them.
 *
 * An IPv4 address that came in as an IPv4-mapped IPv6 address, as on a listener for both families, is the
 * IPv4 address. */
#ifndef SETTINGS_NETWORK_H
#define SETTINGS_NETWORK_H

#include "base/compiler.h"
#include "base/slice.h"

#include <stdint.h>

/* An address without port. */
struct network_address {
    uint8_t family; /* AF_INET, AF_INET6, AF_UNIX, which has no bytes; or AF_UNSPEC: unknown */
    uint8_t bytes[16];
};

/* All addresses whose first `bits` bits are the same as here. */
struct network {
    struct network_address address;
    uint8_t bits;
};

/* Reads an IPv4 or IPv6 address without brackets and interface. Returns false if it is none. */
bool network_read_address(struct slice text, struct network_address *ret_address) MUST_CHECK;

enum network_fault {
    NETWORK_OK,
    NETWORK_NO_ADDRESS,
    NETWORK_BITS,  /* no number, or more than the address has */
    NETWORK_INNER, /* bits behind the network's are set: "10.0.0.1/8" */
};

/* Reads "10.0.0.0/8", "2001:db8::/32", a single address, or "unix" for programs that connect to a Unix
 * socket. */
enum network_fault network_read(struct slice text, struct network *ret_network) MUST_CHECK;

/* Whether one of the networks has the address. */
bool network_have(const struct network *networks, size_t count, uint8_t family, const uint8_t bytes[16]);

#endif
