/* Version 1 is a line of text, version 2 binary. A client at a Unix socket has no address to tell: then the
 * header says that the connection is vif's own, which servers take for what it is. */
#include "proxy/proxy_protocol.h"

#include <arpa/inet.h>
#include <stdio.h>

#define SIGNATURE       "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_BYTES 12
#define HEAD_BYTES      16
#define MAPPED_BYTES    12
#define PORTS_BYTES     4

enum command { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 };
enum transport { TRANSPORT_UNKNOWN = 0x00, TRANSPORT_TCP4 = 0x11, TRANSPORT_TCP6 = 0x21 };

static const uint8_t mapped[MAPPED_BYTES] = {[10] = 0xff, [11] = 0xff};

/* ---- the ends ---- */

/* `bytes` and `port` are in the order of the network. */
static struct proxy_protocol_end proxy_protocol_end_of(int family, const void *bytes, in_port_t port)
{
    struct proxy_protocol_end end = {.is_known = family == AF_INET || family == AF_INET6,
                                     .port = ntohs(port)};
    if (family == AF_INET) {
        memcpy(end.bytes, mapped, MAPPED_BYTES);
        memcpy(end.bytes + MAPPED_BYTES, bytes, sizeof(struct in_addr));
    } else if (family == AF_INET6) {
        memcpy(end.bytes, bytes, sizeof(end.bytes));
    }
    return end;
}

static struct proxy_protocol_end proxy_protocol_end_at(const struct address *address)
{
    if (address->any.sa_family == AF_INET)
        return proxy_protocol_end_of(AF_INET, &address->v4.sin_addr, address->v4.sin_port);
    if (address->any.sa_family == AF_INET6)
        return proxy_protocol_end_of(AF_INET6, &address->v6.sin6_addr, address->v6.sin6_port);
    return (struct proxy_protocol_end){0};
}

/* Whether the client is whoever has connected. */
static bool is_at_its_socket(const struct exchange *exchange)
{
    return exchange->client == exchange->peer && !exchange->peer->is_proxied;
}

void proxy_protocol_find_ends(const struct exchange *exchange, struct proxy_protocol_ends *ret_ends)
{
    const struct peer *client = exchange->client;
    struct address peer = {0}, local = {0};
    if (exchange->events->tell_ends)
        exchange->events->tell_ends(exchange->owner, &peer, &local);
    ret_ends->client = is_at_its_socket(exchange) ? proxy_protocol_end_at(&peer)
                                                  : proxy_protocol_end_of(client->family, client->bytes, 0);
    ret_ends->local = proxy_protocol_end_at(&local);
}

/* ---- the header ---- */

/* Both ends in the form of their family: IPv4 only if both are. */
struct proxy_protocol_pair {
    size_t length; /* of an address; 0: there is none */
    const uint8_t *client, *local;
    uint16_t client_port, local_port;
};

static bool is_v4(const struct proxy_protocol_end *end)
{
    return memcmp(end->bytes, mapped, MAPPED_BYTES) == 0;
}

/* What is unknown of the local end is zero, in the client's family. */
static struct proxy_protocol_pair proxy_protocol_pair_of(const struct proxy_protocol_ends *ends)
{
    static const uint8_t zeros[16];
    if (ends == NULL || !ends->client.is_known)
        return (struct proxy_protocol_pair){0};
    bool has_local = ends->local.is_known;
    bool is_narrow = is_v4(&ends->client) && (!has_local || is_v4(&ends->local));
    size_t skipped = is_narrow ? MAPPED_BYTES : 0;
    return (struct proxy_protocol_pair){
        .length = sizeof(zeros) - skipped,
        .client = ends->client.bytes + skipped,
        .local = has_local ? ends->local.bytes + skipped : zeros,
        .client_port = ends->client.port,
        .local_port = ends->local.port,
    };
}

static size_t proxy_protocol_write_line(const struct proxy_protocol_pair *pair,
                                        char out[PROXY_PROTOCOL_BYTES_MAX])
{
    char client[INET6_ADDRSTRLEN], local[INET6_ADDRSTRLEN];
    int family = pair->length == 4 ? AF_INET : AF_INET6;
    if (pair->length == 0)
        return (size_t)snprintf(out, PROXY_PROTOCOL_BYTES_MAX, "PROXY UNKNOWN\r\n");
    inet_ntop(family, pair->client, client, sizeof(client));
    inet_ntop(family, pair->local, local, sizeof(local));
    return (size_t)snprintf(out, PROXY_PROTOCOL_BYTES_MAX, "PROXY TCP%c %s %s %u %u\r\n",
                            family == AF_INET ? '4' : '6', client, local, pair->client_port,
                            pair->local_port);
}

static size_t proxy_protocol_write_binary(const struct proxy_protocol_pair *pair,
                                          char out[PROXY_PROTOCOL_BYTES_MAX])
{
    size_t length = pair->length > 0 ? 2 * pair->length + PORTS_BYTES : 0;
    const uint16_t ports[] = {htons(pair->client_port), htons(pair->local_port)};
    memset(out, 0, PROXY_PROTOCOL_BYTES_MAX);
    memcpy(out, SIGNATURE, SIGNATURE_BYTES);
    out[12] = (char)(length > 0 ? COMMAND_PROXY : COMMAND_LOCAL);
    out[13] = (char)(pair->length == 4    ? TRANSPORT_TCP4
                     : pair->length == 16 ? TRANSPORT_TCP6
                                          : TRANSPORT_UNKNOWN);
    out[15] = (char)length;
    if (length > 0) {
        memcpy(out + HEAD_BYTES, pair->client, pair->length);
        memcpy(out + HEAD_BYTES + pair->length, pair->local, pair->length);
        memcpy(out + HEAD_BYTES + 2 * pair->length, ports, sizeof(ports));
    }
    return HEAD_BYTES + length;
}

size_t proxy_protocol_write(unsigned version, const struct proxy_protocol_ends *ends,
                            char out[PROXY_PROTOCOL_BYTES_MAX])
{
    struct proxy_protocol_pair pair = proxy_protocol_pair_of(ends);
    return version == 1 ? proxy_protocol_write_line(&pair, out) : proxy_protocol_write_binary(&pair, out);
}
