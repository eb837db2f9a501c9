/* The clients' ends: sim_connect and what follows. */
#include "network.h"

#include <netinet/in.h>
#include <string.h>

#define ADDRESS_DEFAULT UINT32_C(0x0a000001)
#define PORT_FIRST      20000

/* Connecting is tried so often, so long apart. */
#define SYN_ATTEMPTS 5
#define SYN_AGAIN_US SIM_S

/* With TCP_DEFER_ACCEPT the server's program sees a connection that sends nothing after this. */
#define DEFERRED_US SIM_S

static void choose_way(struct connection_pair *pair)
{
    struct sim_chance *chance = &pair->chance;
    pair->temper = (enum network_temper)sim_below(chance, SEGMENTS_COUNT);
    /* Half of the clients are near, the others anywhere on Earth. */
    pair->latency_us = sim_one_in(chance, 2) ? sim_between(chance, 10, 200) : sim_size(chance, 150 * SIM_MS);
    pair->jitter_us = sim_one_in(chance, 2) ? pair->latency_us / 8 : sim_size(chance, 20 * SIM_MS);
    pair->lost_one_in = sim_one_in(chance, 4) ? sim_between(chance, 5, 100) : 0;
    pair->drops_on_reset = sim_one_in(chance, 2);
}

/* Half as Linux has them, the others so small that they fill. */
static size_t buffer_bytes(struct sim_chance *chance, size_t wanted, size_t least)
{
    size_t chosen = sim_one_in(chance, 2) ? 262144 : least + sim_size(chance, 131072);
    return wanted ? wanted : chosen;
}

static void refuse(struct sim_event *event)
{
    struct connection_pair *pair = CONTAINER_OF(event, struct connection_pair, handshake);
    pair->client.is_refused = true;
    sim_trace("connection %u is refused", pair->number);
    if (!pair->client.is_closed && pair->client.events->on_refused)
        pair->client.events->on_refused(&pair->client, pair->client.context);
}

/* The last word of the handshake arrives, or what came with it was waited for long enough. */
static void wait_is_over(struct sim_event *event)
{
    server_queue(CONTAINER_OF(event, struct connection_pair, handshake));
}

static void establish(struct sim_event *event)
{
    struct connection_pair *pair = CONTAINER_OF(event, struct connection_pair, handshake);
    bool defers;
    /* Whoever listened may have gone since. */
    if (server_syn(pair, &defers) == SYN_REFUSED) {
        refuse(event);
        return;
    }
    pair->client.is_connected = true;
    pair->up.is_open = pair->down.is_open = true;
    sim_after(event, pair->latency_us + (defers ? DEFERRED_US : 0), wait_is_over);
    sim_trace("connection %u is established", pair->number);
    if (!pair->client.is_closed && pair->client.events->on_connected)
        pair->client.events->on_connected(&pair->client, pair->client.context);
    channel_go_on(&pair->up);
}

static void syn_arrives(struct sim_event *event)
{
    struct connection_pair *pair = CONTAINER_OF(event, struct connection_pair, handshake);
    bool defers;
    switch (server_syn(pair, &defers)) {
    case SYN_ACCEPTED: sim_after(event, pair->latency_us, establish); return;
    case SYN_IGNORED:
        if (++pair->attempts < SYN_ATTEMPTS) {
            sim_after(event, SYN_AGAIN_US, syn_arrives);
            return;
        }
        break;
    case SYN_REFUSED: break;
    }
    sim_after(event, pair->latency_us, refuse);
}

struct connection_pair *peers_new_pair(uint16_t port, size_t send_bytes, size_t receive_bytes)
{
    struct connection_pair *pair = network_new_pair();
    pair->chance = sim_chance_for("way", pair->number);
    choose_way(pair);
    pair->port = port;
    pair->ended_us = UINT64_MAX;
    struct sim_chance *chance = &pair->chance;
    channel_init(&pair->up, pair, buffer_bytes(chance, send_bytes, 512), buffer_bytes(chance, 0, 4096));
    channel_init(&pair->down, pair, buffer_bytes(chance, 0, 512), buffer_bytes(chance, receive_bytes, 512));
    sim_trace("connection %u: latency %llu us, segments %d, buffers up %zu + %zu, down %zu + %zu",
              pair->number, (unsigned long long)pair->latency_us, pair->temper, pair->up.send_max,
              pair->up.receive_max, pair->down.send_max, pair->down.receive_max);
    return pair;
}

struct sim_socket *sim_connect(const struct sim_connect *connect)
{
    struct connection_pair *pair = peers_new_pair(connect->port, connect->send_bytes, connect->receive_bytes);
    pair->client = (struct sim_socket){
        .events = connect->events,
        .context = connect->context,
        .address = connect->address ? connect->address : ADDRESS_DEFAULT,
        .port = (uint16_t)(PORT_FIRST + pair->number),
    };
    sim_after(&pair->handshake, pair->latency_us, syn_arrives);
    return &pair->client;
}

static bool is_over(const struct sim_socket *socket)
{
    return socket->is_closed || socket->is_refused || pair_of(socket)->up.is_cut;
}

size_t sim_socket_send(struct sim_socket *socket, struct slice bytes)
{
    assert(!socket->is_closed);
    if (is_over(socket) || socket->is_finished)
        return 0;
    size_t sent = channel_write(&pair_of(socket)->up, bytes.data, bytes.length);
    socket->wants_to_write = sent < bytes.length;
    return sent;
}

size_t sim_socket_available(const struct sim_socket *socket)
{
    return channel_available(&pair_of(socket)->down);
}

size_t sim_socket_receive(struct sim_socket *socket, char *out, size_t size)
{
    assert(!socket->is_closed);
    return channel_take(&pair_of(socket)->down, out, size);
}

void sim_socket_finish(struct sim_socket *socket)
{
    assert(!socket->is_closed);
    if (is_over(socket) || socket->is_finished)
        return;
    socket->is_finished = true;
    channel_end(&pair_of(socket)->up);
}

/* Not connected yet: there is nobody to tell. */
void peers_give_up(struct connection_pair *pair)
{
    sim_cancel(&pair->handshake);
    channel_cut(&pair->up);
    channel_cut(&pair->down);
}

void sim_socket_reset(struct sim_socket *socket)
{
    struct connection_pair *pair = pair_of(socket);
    if (is_over(socket))
        return;
    sim_trace("client %u resets", pair->number);
    if (socket->is_connected)
        channel_reset(&pair->up);
    else
        peers_give_up(pair);
    pair->down.taken = pair->down.arrived;
}

void sim_socket_close(struct sim_socket *socket)
{
    struct connection_pair *pair = pair_of(socket);
    if (socket->is_closed)
        return;
    sim_trace("client %u closes", pair->number);
    if (!is_over(socket) && !socket->is_connected && pair->up.written == 0)
        peers_give_up(pair);
    else if (!is_over(socket) && channel_available(&pair->down) > 0)
        sim_socket_reset(socket);
    else
        sim_socket_finish(socket);
    socket->is_closed = true;
}

uint32_t sim_socket_address(const struct sim_socket *socket)
{
    return socket->address;
}

unsigned sim_socket_number(const struct sim_socket *socket)
{
    return pair_of(socket)->number;
}

uint64_t sim_socket_bytes_arrived(const struct sim_socket *socket)
{
    return pair_of(socket)->up.arrived;
}

uint64_t sim_socket_bytes_waiting(const struct sim_socket *socket)
{
    const struct channel *up = &pair_of(socket)->up;
    return up->written - up->arrived;
}

uint64_t sim_socket_bytes_read(const struct sim_socket *socket)
{
    return pair_of(socket)->up.taken;
}

uint64_t sim_socket_arrived_us(const struct sim_socket *socket)
{
    const struct connection_pair *pair = pair_of(socket);
    return pair->up.arrived == pair->up.written ? pair->arrived_us : UINT64_MAX;
}

uint64_t sim_socket_ended_by_server_us(const struct sim_socket *socket)
{
    return pair_of(socket)->ended_us;
}

uint64_t sim_socket_bytes_handed(const struct sim_socket *socket)
{
    return pair_of(socket)->server.handed;
}

bool sim_socket_is_accepted(const struct sim_socket *socket)
{
    return pair_of(socket)->server.is_accepted;
}

bool sim_socket_is_closed_by_server(const struct sim_socket *socket)
{
    return pair_of(socket)->server.is_closed;
}

static void tell_end(struct connection_pair *pair, enum sim_end end)
{
    sim_trace("client %u sees %s", pair->number, end == SIM_END_FIN ? "FIN" : "RST");
    if (pair->client.events->on_ended)
        pair->client.events->on_ended(&pair->client, end, pair->client.context);
}

/* The connection is over for both: what the client sent and has not arrived never will. */
static void take_reset(struct connection_pair *pair)
{
    channel_cut(&pair->up);
    if (pair->drops_on_reset)
        pair->down.taken = pair->down.arrived;
    if (!pair->client.is_closed)
        tell_end(pair, SIM_END_RESET);
}

void client_has_arrival(struct connection_pair *pair, enum flight_kind kind)
{
    struct sim_socket *client = &pair->client;
    if (kind == FLIGHT_RESET) {
        take_reset(pair);
        return;
    }
    /* The client reset the connection, its word is still under way. */
    if (pair->up.is_cut) {
        pair->down.taken = pair->down.arrived;
        return;
    }
    if (client->is_closed) {
        if (kind == FLIGHT_DATA) {
            pair->down.taken = pair->down.arrived;
            channel_reset(&pair->up);
        }
        return;
    }
    if (kind == FLIGHT_FIN)
        tell_end(pair, SIM_END_FIN);
    else if (client->events->on_readable)
        client->events->on_readable(client, client->context);
}

void client_has_room(struct connection_pair *pair)
{
    struct sim_socket *client = &pair->client;
    if (!client->wants_to_write || is_over(client) || channel_room(&pair->up) == 0)
        return;
    client->wants_to_write = false;
    if (client->events->on_writable)
        client->events->on_writable(client, client->context);
}
