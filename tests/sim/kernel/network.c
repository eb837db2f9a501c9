/* Channels: bytes cut into segments that are under way for a while, never overtake each other, and wait for
 * the receiver's window. What FIN and RST mean at the ends is said in sockets.c and peers.c. */
#include "network.h"

#include <string.h>
#include <sys/uio.h>

#define MSS 1460

/* A segment that was lost comes when it is sent again. */
#define RETRANSMISSION_US_MIN (200 * SIM_MS)
#define RETRANSMISSION_US_MAX (900 * SIM_MS)

/* An acknowledgement may wait for company. */
#define DELAYED_ACK_US (40 * SIM_MS)

/* Tiny segments are for the beginning of a connection, where the heads are. */
#define TINY_UNTIL 600

static struct list pairs;
static unsigned pair_count;

void network_start(void)
{
    list_init(&pairs);
    pair_count = 0;
    listeners_start();
    outgoing_start();
}

struct connection_pair *network_new_pair(void)
{
    struct connection_pair *pair = kernel_alloc(sizeof(*pair));
    list_init(&pair->link);
    list_append(&pairs, &pair->link);
    pair->number = ++pair_count;
    return pair;
}

void network_finish(void)
{
    while (!list_is_empty(&pairs)) {
        struct connection_pair *pair = CONTAINER_OF(pairs.next, struct connection_pair, link);
        list_remove(&pair->link);
        sim_cancel(&pair->handshake);
        channel_finish(&pair->up);
        channel_finish(&pair->down);
        kernel_free(pair);
    }
}

size_t network_server_ends(void)
{
    size_t count = 0;
    LIST_FOREACH(link, &pairs) {
        const struct server_end *end = &CONTAINER_OF(link, struct connection_pair, link)->server;
        count += end->is_known && !end->is_closed;
    }
    return count;
}

uint64_t network_bytes_handed(void)
{
    uint64_t bytes = 0;
    LIST_FOREACH(link, &pairs) {
        const struct connection_pair *pair = CONTAINER_OF(link, struct connection_pair, link);
        bytes += pair->is_outgoing || pair->server.is_turned_away ? 0 : pair->server.handed;
    }
    return bytes;
}

void network_check_silence(uint64_t silence_us)
{
    LIST_FOREACH(link, &pairs) {
        const struct connection_pair *pair = CONTAINER_OF(link, struct connection_pair, link);
        if (pair->server.is_accepted && !pair->server.is_closed && sim_now_us() > pair->moved_us + silence_us)
            sim_fail("connection %u outlives its timeouts: nothing has moved since %llu us", pair->number,
                     (unsigned long long)pair->moved_us);
    }
}

void channel_init(struct channel *channel, struct connection_pair *pair, size_t send_max, size_t receive_max)
{
    *channel = (struct channel){
        .pair = pair,
        .send_max = send_max,
        .receive_max = receive_max,
        .window_edge = receive_max,
        .capacity = send_max + receive_max,
    };
}

void channel_cut(struct channel *channel)
{
    channel->is_cut = true;
    channel->flight_count = 0;
    sim_cancel(&channel->arrival);
    sim_cancel(&channel->ack);
}

void channel_finish(struct channel *channel)
{
    channel_cut(channel);
    kernel_free(channel->bytes);
    channel->bytes = NULL;
}

size_t channel_room(const struct channel *channel)
{
    return channel->send_max - (size_t)(channel->written - channel->acked);
}

size_t channel_available(const struct channel *channel)
{
    return (size_t)(channel->arrived - channel->taken);
}

static bool is_up(const struct channel *channel)
{
    return channel == &channel->pair->up;
}

size_t channel_write(struct channel *channel, const char *bytes, size_t length)
{
    assert(!channel->fin_written);
    length = MIN(length, channel_room(channel));
    if (channel->bytes == NULL)
        channel->bytes = kernel_alloc(channel->capacity);
    for (size_t done = 0; done < length;) {
        size_t place = (size_t)((channel->written + done) % channel->capacity);
        size_t part = MIN(length - done, channel->capacity - place);
        memcpy(channel->bytes + place, bytes + done, part);
        done += part;
    }
    channel->written += length;
    channel_go_on(channel);
    return length;
}

static void acknowledge(struct sim_event *event)
{
    struct channel *channel = CONTAINER_OF(event, struct channel, ack);
    channel->acked = channel->arrived;
    channel->window_edge = MAX(channel->window_edge, channel->taken + channel->receive_max);
    channel_go_on(channel);
    if (is_up(channel))
        client_has_room(channel->pair);
    else
        server_has_room(channel->pair);
}

static void acknowledge_later(struct channel *channel)
{
    struct connection_pair *pair = channel->pair;
    if (channel->is_cut || sim_is_armed(&channel->ack))
        return;
    uint64_t delay_us = pair->latency_us + sim_below(&pair->chance, pair->jitter_us + 1);
    if (sim_one_in(&pair->chance, 16))
        delay_us += DELAYED_ACK_US;
    sim_after(&channel->ack, delay_us, acknowledge);
}

size_t channel_take(struct channel *channel, char *out, size_t size)
{
    size_t length = MIN(size, channel_available(channel));
    for (size_t done = 0; done < length;) {
        size_t place = (size_t)((channel->taken + done) % channel->capacity);
        size_t part = MIN(length - done, channel->capacity - place);
        memcpy(out + done, channel->bytes + place, part);
        done += part;
    }
    channel->taken += length;
    if (channel->window_edge < channel->taken + channel->receive_max)
        acknowledge_later(channel);
    return length;
}

static size_t segment_size(struct channel *channel)
{
    struct connection_pair *pair = channel->pair;
    enum network_temper temper = pair->temper;
    if (temper == SEGMENTS_MIXED)
        temper = (enum network_temper)sim_below(&pair->chance, SEGMENTS_MIXED);
    switch (temper) {
    case SEGMENTS_LARGE: return 65536;
    case SEGMENTS_SMALL:
        if (channel->sent < TINY_UNTIL)
            return sim_size(&pair->chance, 64);
        return sim_size(&pair->chance, MSS * 4);
    case SEGMENTS_USUAL:
    case SEGMENTS_MIXED:
    case SEGMENTS_COUNT: break;
    }
    return MSS * sim_between(&pair->chance, 1, 10);
}

static uint64_t arrival_us(struct channel *channel)
{
    struct connection_pair *pair = channel->pair;
    uint64_t at_us = sim_now_us() + pair->latency_us + sim_below(&pair->chance, pair->jitter_us + 1);
    if (pair->lost_one_in && sim_one_in(&pair->chance, pair->lost_one_in))
        at_us += sim_between(&pair->chance, RETRANSMISSION_US_MIN, RETRANSMISSION_US_MAX);
    return MAX(at_us, channel->last_arrival_us);
}

static void arrive(struct sim_event *event);

static void launch(struct channel *channel, enum flight_kind kind)
{
    unsigned place = (channel->flight_first + channel->flight_count++) % FLIGHTS_MAX;
    uint64_t at_us = arrival_us(channel);
    channel->flights[place] = (struct flight){.kind = kind, .end = channel->sent, .at_us = at_us};
    channel->last_arrival_us = at_us;
    if (!sim_is_armed(&channel->arrival))
        sim_at(&channel->arrival, at_us, arrive);
}

static void land(struct channel *channel, const struct flight *flight)
{
    switch (flight->kind) {
    case FLIGHT_DATA:
        channel->arrived = flight->end;
        acknowledge_later(channel);
        break;
    case FLIGHT_FIN: channel->fin_arrived = true; break;
    case FLIGHT_RESET: channel->reset_arrived = true; break;
    }
    if (is_up(channel))
        server_has_arrival(channel->pair, flight->kind);
    else
        client_has_arrival(channel->pair, flight->kind);
}

static void arrive(struct sim_event *event)
{
    struct channel *channel = CONTAINER_OF(event, struct channel, arrival);
    struct flight flight = channel->flights[channel->flight_first];
    channel->flight_first = (channel->flight_first + 1) % FLIGHTS_MAX;
    channel->flight_count--;
    if (channel->flight_count > 0)
        sim_at(event, channel->flights[channel->flight_first].at_us, arrive);
    land(channel, &flight);
    channel_go_on(channel);
}

/* One place is kept for an RST. */
static bool may_launch(const struct channel *channel)
{
    return channel->is_open && !channel->is_cut && channel->flight_count < FLIGHTS_MAX - 1;
}

void channel_go_on(struct channel *channel)
{
    while (may_launch(channel) && channel->sent < channel->written && channel->sent < channel->window_edge) {
        uint64_t allowed = MIN(channel->written, channel->window_edge) - channel->sent;
        size_t size = segment_size(channel);
        channel->sent += MIN(allowed, size);
        channel->sent_us = sim_now_us();
        launch(channel, FLIGHT_DATA);
    }
    if (may_launch(channel) && channel->sent == channel->written && channel->fin_written &&
        !channel->fin_sent) {
        channel->fin_sent = true;
        launch(channel, FLIGHT_FIN);
    }
}

void channel_end(struct channel *channel)
{
    channel->fin_written = true;
    channel_go_on(channel);
}

void channel_reset(struct channel *channel)
{
    if (channel->is_cut)
        return;
    channel->is_cut = true;
    channel->written = channel->sent;
    launch(channel, FLIGHT_RESET);
}
