/* Version 1 is a line of text, version 2 binary. A client at a Unix socket has no address to tell. */
#include "proxy/proxy_protocol.h"

#include <arpa/inet.h>
#include <stdio.h>

#define SIGNATURE       "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_BYTES 12
#define HEAD_BYTES      16
#define PORTS_BYTES     4

enum command { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 };
enum transport { TRANSPORT_UNKNOWN = 0x00, TRANSPORT_TCP4 = 0x11, TRANSPORT_TCP6 = 0x21 };

/* The client's address in the form of its family; 0 bytes: it has none. */
struct client_address {
    const uint8_t *bytes;
    size_t length;
};

static struct client_address proxy_protocol_address_of(const struct peer *client)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (client && client->family == AF_INET)
        return (struct client_address){client->bytes, 4};
    if (client && client->family == AF_INET6 && memcmp(client->bytes, mapped, sizeof(mapped)) == 0)
        return (struct client_address){client->bytes + sizeof(mapped), 4};
    if (client && client->family == AF_INET6)
        return (struct client_address){client->bytes, 16};
    return (struct client_address){0};
}

static size_t proxy_protocol_write_line(struct client_address from, char out[PROXY_PROTOCOL_BYTES_MAX])
{
    char address[INET6_ADDRSTRLEN];
    bool is_v4 = from.length == 4;
    if (from.length == 0)
        return (size_t)snprintf(out, PROXY_PROTOCOL_BYTES_MAX, "PROXY UNKNOWN\r\n");
    inet_ntop(is_v4 ? AF_INET : AF_INET6, from.bytes, address, sizeof(address));
    return (size_t)snprintf(out, PROXY_PROTOCOL_BYTES_MAX, "PROXY TCP%c %s %s 0 0\r\n", is_v4 ? '4' : '6',
                            address, is_v4 ? "0.0.0.0" : "::");
}

static size_t proxy_protocol_write_binary(struct client_address from, bool is_local,
                                          char out[PROXY_PROTOCOL_BYTES_MAX])
{
    size_t length = from.length > 0 ? 2 * from.length + PORTS_BYTES : 0;
    memset(out, 0, PROXY_PROTOCOL_BYTES_MAX);
    memcpy(out, SIGNATURE, SIGNATURE_BYTES);
    out[12] = (char)(is_local ? COMMAND_LOCAL : COMMAND_PROXY);
    out[13] = (char)(from.length == 4    ? TRANSPORT_TCP4
                     : from.length == 16 ? TRANSPORT_TCP6
                                         : TRANSPORT_UNKNOWN);
    out[15] = (char)length;
    if (from.length > 0)
        memcpy(out + HEAD_BYTES, from.bytes, from.length);
    return HEAD_BYTES + length;
}

size_t proxy_protocol_write(unsigned version, const struct peer *client, char out[PROXY_PROTOCOL_BYTES_MAX])
{
    struct client_address from = proxy_protocol_address_of(client);
    return version == 1 ? proxy_protocol_write_line(from, out)
                        : proxy_protocol_write_binary(from, client == NULL, out);
}
