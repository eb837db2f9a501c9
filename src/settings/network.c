/* Reading networks and comparing addresses with them, bit by bit from the front. */
#include "settings/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool is_mapped(uint8_t family, const uint8_t bytes[16])
{
    return family == AF_INET6 && memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

bool network_read_address(struct slice text, struct network_address *ret_address)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.length == 0 || text.length >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    struct network_address address = {.family = slice_find(text, ':') < text.length ? AF_INET6 : AF_INET};
    if (strlen(copy) != text.length || inet_pton(address.family, copy, address.bytes) != 1)
        return false;
    if (is_mapped(address.family, address.bytes)) {
        address.family = AF_INET;
        memmove(address.bytes, address.bytes + sizeof(mapped_prefix), 4);
        memset(address.bytes + 4, 0, sizeof(address.bytes) - 4);
    }
    *ret_address = address;
    return true;
}

/* Whether the first bits are the same. */
static bool network_is_same(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool has_inner_bits(const struct network *network)
{
    uint8_t masked[16] = {0};
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    memcpy(masked, network->address.bytes, whole);
    if (rest > 0)
        masked[whole] = (uint8_t)(network->address.bytes[whole] & 0xff00 >> rest);
    return memcmp(masked, network->address.bytes, sizeof(masked)) != 0;
}

enum network_fault network_read(struct slice text, struct network *ret_network)
{
    struct network network = {.address.family = AF_UNIX};
    size_t end = slice_find(text, '/');
    if (slice_equal(text, SLICE("unix"))) {
        *ret_network = network;
        return NETWORK_OK;
    }
    if (!network_read_address(slice_take(text, end), &network.address))
        return NETWORK_NO_ADDRESS;
    uint64_t bits_max = network.address.family == AF_INET ? 32 : 128, bits = bits_max;
    if (end < text.length && (!slice_to_u64(slice_skip(text, end + 1), &bits) || bits > bits_max))
        return NETWORK_BITS;
    network.bits = (uint8_t)bits;
    *ret_network = network;
    return has_inner_bits(&network) ? NETWORK_INNER : NETWORK_OK;
}

bool network_have(const struct network *networks, size_t count, uint8_t family, const uint8_t bytes[16])
{
    bool mapped = is_mapped(family, bytes);
    uint8_t real_family = mapped ? AF_INET : family;
    const uint8_t *real_bytes = mapped ? bytes + sizeof(mapped_prefix) : bytes;
    for (size_t i = 0; i < count; i++) {
        const struct network_address *address = &networks[i].address;
        if (address->family == real_family && network_is_same(address->bytes, real_bytes, networks[i].bits))
            return true;
    }
    return false;
}
