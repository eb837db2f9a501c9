/* One run with datagrams: clients send numbered packets, a server sends each of them back, both by
 * loop/datagram. The kernel tells of every packet's way, so it is known what must be received:
 *
 * - each packet that the kernel has delivered reaches the owner once, whole, with the right addresses and ECN
 *   bits, and nothing else does;
 * - what datagram_send says it sent is what the kernel took;
 * - a packet does not wait in the kernel, and a socket that was full is told when it is writable again. */
#include "kernel/datagrams.h"
#include "run.h"

#include "loop/datagram.h"
#include "loop/wheel.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define PORT         4433
#define CLIENTS_MAX  4
#define PENDING_MAX  64
#define PACKETS_MAX  4000
#define SEGMENTS_MAX 64
#define HEADER_BYTES 8 /* of a packet that is not empty: its number */
#define ECHO_BIT     (UINT64_C(1) << 63)

/* When all is sent, the network needs so long to become empty. */
#define QUIET_US (5 * SIM_S)

/* So late may a socket's owner hear that it is readable, or writable. */
#define LATE_US SIM_S

/* A packet and what became of its copies. */
struct record {
    struct endpoint from, to;
    size_t length;
    unsigned told_sent; /* by datagram_send */
    unsigned sent;      /* from here on, by the kernel */
    unsigned delivered;
    unsigned received;   /* by the owner */
    unsigned ecn_sent;   /* a bit for each value that a copy was to be sent with */
    unsigned ecn_queued; /* the same for those that arrived */
};

struct party {
    struct run *run;
    struct datagram_socket socket;
    struct timer timer;
    struct endpoint address;
    bool is_open;
    bool is_server;
    bool waits; /* the socket is full */
    struct udp_run pending[PENDING_MAX];
    unsigned pending_count;
};

struct run {
    struct sim_chance chance;
    struct loop *loop;
    sa_family_t family;
    struct party server;
    struct party clients[CLIENTS_MAX];
    unsigned client_count;
    uint16_t next_port;
    uint64_t packet_count; /* of the clients */
    uint64_t packets_max;
    uint64_t work_us_max;                  /* what an owner does with a run takes so long */
    struct record records[2][PACKETS_MAX]; /* of clients, and the server's */
    unsigned empty_delivered, empty_received;
    uint64_t last_packet_us;
    struct timer look;
};

void sim_clients_on_fault(const struct sim_fault *fault)
{
    (void)fault;
}

void sim_clients_on_log(struct slice bytes)
{
    (void)bytes;
}

/* ---- packets ---- */

static char byte_at(uint64_t number, size_t at)
{
    return (char)(number * 131 + at * 7);
}

static void write_packet(char *out, uint64_t number, size_t length)
{
    for (size_t i = 0; i < length; i++)
        out[i] = byte_at(number & ~ECHO_BIT, i);
    if (length >= HEADER_BYTES)
        memcpy(out, &number, HEADER_BYTES);
}

static uint64_t number_of(const char *bytes)
{
    uint64_t number;
    memcpy(&number, bytes, HEADER_BYTES);
    return number;
}

/* The record of a packet that is not empty; fails the run if there was never such a packet. */
static struct record *record_of(struct run *run, const char *bytes, size_t length)
{
    if (length < HEADER_BYTES)
        sim_fail("a packet of %zu bytes, which nobody has sent", length);
    uint64_t number = number_of(bytes);
    uint64_t index = number & ~ECHO_BIT;
    if (index >= run->packet_count)
        sim_fail("a packet with the number %llx, which nobody has sent", (unsigned long long)number);
    struct record *record = &run->records[number != index][index];
    if (record->length != length)
        sim_fail("packet %llx has %zu bytes, not %zu", (unsigned long long)number, length, record->length);
    for (size_t i = HEADER_BYTES; i < length; i++) {
        if (bytes[i] != byte_at(index, i))
            sim_fail("packet %llx has another byte at %zu", (unsigned long long)number, i);
    }
    return record;
}

static void on_packet(void *context, const struct packet *packet, enum packet_fate fate)
{
    struct run *run = context;
    run->last_packet_us = sim_now_us();
    if (packet->length == 0) {
        run->empty_delivered += fate == PACKET_DELIVERED;
        return;
    }
    struct record *record = record_of(run, packet->bytes, packet->length);
    if (!endpoint_equal(&packet->from, &record->from) || !endpoint_equal(&packet->to, &record->to))
        sim_fail("packet %llx was sent from or to another address",
                 (unsigned long long)number_of(packet->bytes));
    if (fate == PACKET_SENT && (record->ecn_sent & 1u << packet->ecn) == 0)
        sim_fail("packet %llx was sent with ECN %u", (unsigned long long)number_of(packet->bytes),
                 packet->ecn);
    record->sent += fate == PACKET_SENT;
    record->delivered += fate == PACKET_DELIVERED;
    if (fate == PACKET_QUEUED)
        record->ecn_queued |= 1u << packet->ecn;
}

/* ---- addresses ---- */

static struct address address_of(const struct endpoint *endpoint)
{
    struct address address = {0};
    if (endpoint->family == AF_INET) {
        address.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
        memcpy(&address.v4.sin_addr, endpoint->ip, 4);
        address.length = sizeof(address.v4);
    } else {
        address.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
        memcpy(&address.v6.sin6_addr, endpoint->ip, 16);
        address.length = sizeof(address.v6);
    }
    return address;
}

/* The server is bound to any address, and has several; none is the one that the kernel would choose. */
static struct endpoint server_address(struct run *run)
{
    return (struct endpoint){.family = run->family,
                             .port = PORT,
                             .ip = {10, 0, 0, (unsigned char)sim_between(&run->chance, 1, 3)}};
}

/* ---- sending ---- */

static size_t packet_length(const struct udp_run *sent, size_t at)
{
    return MIN(sent->packet_bytes ? sent->packet_bytes : sent->length, sent->length - at);
}

static void note_told_sent(struct party *party, const struct udp_run *sent)
{
    size_t at = 0;
    do {
        size_t length = packet_length(sent, at);
        if (length > 0)
            record_of(party->run, sent->bytes + at, length)->told_sent++;
        at += length;
    } while (at < sent->length);
}

static void drop_pending(struct party *party, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        kernel_free(party->pending[i].bytes);
    party->pending_count -= count;
    memmove(party->pending, party->pending + count, party->pending_count * sizeof(struct udp_run));
}

/* The first packet of the first run becomes a run of its own. */
static void split_first(struct party *party)
{
    struct udp_run *first = &party->pending[0];
    struct udp_run single = *first;
    assert(party->pending_count < PENDING_MAX && first->packet_bytes > 0);
    single.length = first->packet_bytes;
    single.packet_bytes = 0;
    single.bytes = kernel_alloc(single.length);
    memcpy(single.bytes, first->bytes, single.length);
    first->length -= single.length;
    memmove(first->bytes, first->bytes + single.length, first->length);
    if (first->length <= first->packet_bytes)
        first->packet_bytes = 0;
    memmove(party->pending + 1, party->pending, party->pending_count * sizeof(struct udp_run));
    party->pending[0] = single;
    party->pending_count++;
}

/* As a program would: what the device cannot split is sent packet by packet, and what fails otherwise is
 * dropped. */
static void send_pending(struct party *party)
{
    while (party->is_open && party->pending_count > 0 && !party->waits) {
        unsigned sent;
        unsigned count = (unsigned)sim_between(&party->run->chance, 1, party->pending_count);
        int result = datagram_send(&party->socket, party->pending, count, &sent);
        if (sent > count || (result == 0) != (sent == count))
            sim_fail("datagram_send of %u runs: %d, and %u sent", count, result, sent);
        for (unsigned i = 0; i < sent; i++)
            note_told_sent(party, &party->pending[i]);
        drop_pending(party, sent);
        if (result == -EAGAIN)
            party->waits = true;
        else if (result == -EIO && party->pending_count < PENDING_MAX && party->pending[0].packet_bytes > 0)
            split_first(party);
        else if (result < 0)
            drop_pending(party, 1);
    }
}

static void send_run(struct party *party, const struct udp_run *wanted)
{
    if (party->pending_count + 1 >= PENDING_MAX)
        return;
    struct udp_run *pending = &party->pending[party->pending_count++];
    *pending = *wanted;
    pending->bytes = kernel_alloc(wanted->length + 1);
    memcpy(pending->bytes, wanted->bytes, wanted->length);
}

static size_t choose_length(struct run *run)
{
    if (sim_one_in(&run->chance, 20))
        return 0;
    return HEADER_BYTES +
           (sim_one_in(&run->chance, 10) ? sim_size(&run->chance, 9000) : sim_size(&run->chance, 1440));
}

/* A run of new packets to the server. */
static void client_send(struct party *client)
{
    static char bytes[UDP_RUN_BYTES_MAX];
    struct run *run = client->run;
    struct endpoint to = server_address(run);
    struct udp_run new_run = {
        .peer = address_of(&to), .bytes = bytes, .ecn = (uint8_t)sim_below(&run->chance, 4)};
    size_t length = choose_length(run);
    uint64_t left = sim_size(&run->chance, SEGMENTS_MAX);
    left = length == 0 ? 1 : MIN(left, (UDP_RUN_BYTES_MAX - 100) / length);
    left = MIN(left, run->packets_max - run->packet_count);
    new_run.packet_bytes = left > 1 ? (uint16_t)length : 0;
    for (; left > 0; left--) {
        if (left == 1 && length > HEADER_BYTES)
            length = HEADER_BYTES + sim_below(&run->chance, length - HEADER_BYTES);
        uint64_t number = run->packet_count++;
        run->records[0][number] = (struct record){
            .from = client->address, .to = to, .length = length, .ecn_sent = 1u << new_run.ecn};
        write_packet(bytes + new_run.length, number, length);
        new_run.length += length;
    }
    send_run(client, &new_run);
}

/* ---- receiving ---- */

static void judge_packet(struct party *party, const struct udp_run *received, const char *bytes,
                         size_t length)
{
    struct run *run = party->run;
    struct endpoint from = endpoint_of(&received->peer.any);
    struct endpoint to = endpoint_of(&received->local.any);
    if (length == 0) {
        run->empty_received++;
        return;
    }
    struct record *record = record_of(run, bytes, length);
    to.port = record->to.port; /* packets say only which address they came to */
    if (!endpoint_equal(&from, &record->from) || !endpoint_equal(&to, &record->to) ||
        record->to.port != party->address.port)
        sim_fail("packet %llx is said to be from or to another address",
                 (unsigned long long)number_of(bytes));
    if ((record->ecn_queued & 1u << received->ecn) == 0)
        sim_fail("packet %llx is said to have ECN %u", (unsigned long long)number_of(bytes), received->ecn);
    if (++record->received > record->delivered)
        sim_fail("packet %llx was received more often than delivered", (unsigned long long)number_of(bytes));
}

static void judge_run(struct party *party, const struct udp_run *received)
{
    size_t at = 0;
    if (received->packet_bytes >= received->length && received->packet_bytes > 0)
        sim_fail("a run of %zu bytes is said to have packets of %u", received->length,
                 received->packet_bytes);
    do {
        size_t length = packet_length(received, at);
        judge_packet(party, received, received->bytes + at, length);
        at += length;
    } while (at < received->length);
}

/* Sends the run back, from where it was sent to, with the ECN bits that it came with. */
static void echo(struct party *server, const struct udp_run *received)
{
    struct run *run = server->run;
    for (size_t at = 0; at < received->length; at += packet_length(received, at)) {
        uint64_t number = number_of(received->bytes + at);
        const struct record *asked = &run->records[0][number];
        struct record *echoed = &run->records[1][number];
        echoed->from = asked->to;
        echoed->to = asked->from;
        echoed->length = asked->length;
        echoed->ecn_sent |= 1u << received->ecn;
        write_packet(received->bytes + at, number | ECHO_BIT, asked->length);
    }
    send_run(server, received);
}

static void client_open(struct timer *timer);

static void party_close(struct party *party)
{
    datagram_close(&party->socket);
    party->is_open = party->waits = false;
    drop_pending(party, party->pending_count);
}

static void on_receive(struct datagram_socket *socket, const struct udp_run *runs, unsigned count)
{
    struct party *party = CONTAINER_OF(socket, struct party, socket);
    if (!party->is_open || count == 0 || count > UDP_BATCH_MAX)
        sim_fail("%u runs are received by a socket that is %s", count, party->is_open ? "open" : "closed");
    for (unsigned i = 0; i < count; i++) {
        time_spend(sim_below(&party->run->chance, party->run->work_us_max));
        judge_run(party, &runs[i]);
        if (party->is_server)
            echo(party, &runs[i]);
    }
    send_pending(party);
    if (!party->is_server && sim_one_in(&party->run->chance, 100)) {
        party_close(party);
        party->timer.fire = client_open;
        wheel_arm(loop_wheel(party->run->loop), &party->timer, 1);
    }
}

static void on_writable(struct datagram_socket *socket)
{
    struct party *party = CONTAINER_OF(socket, struct party, socket);
    if (!party->is_open || !party->waits)
        sim_fail("a socket is told to be writable that was not full");
    party->waits = false;
    send_pending(party);
}

static const struct datagram_events events = {.on_receive = on_receive, .on_writable = on_writable};

/* ---- the parties' lives ---- */

static bool party_open(struct party *party, const struct endpoint *endpoint)
{
    struct address address = address_of(endpoint);
    int fd = sys_udp_open(&address);
    party->address = *endpoint;
    if (fd < 0)
        return false;
    if (datagram_start(&party->socket, party->run->loop, fd, &events) < 0) {
        sys_close(fd);
        return false;
    }
    party->is_open = true;
    return true;
}

static void server_open(struct timer *timer)
{
    struct party *server = CONTAINER_OF(timer, struct party, timer);
    struct endpoint any = {.family = server->run->family, .port = PORT};
    if (!party_open(server, &any))
        wheel_arm(loop_wheel(server->run->loop), timer, 10);
}

static void client_act(struct timer *timer)
{
    struct party *client = CONTAINER_OF(timer, struct party, timer);
    struct run *run = client->run;
    for (uint64_t runs = sim_size(&run->chance, 40); runs > 0 && run->packet_count < run->packets_max; runs--)
        client_send(client);
    send_pending(client);
    if (run->packet_count < run->packets_max)
        wheel_arm(loop_wheel(run->loop), timer, sim_size(&run->chance, 200));
}

static void client_open(struct timer *timer)
{
    struct party *client = CONTAINER_OF(timer, struct party, timer);
    struct run *run = client->run;
    struct endpoint address = {.family = run->family, .port = ++run->next_port, .ip = {10, 0, 1, 1}};
    client->timer.fire = party_open(client, &address) ? client_act : client_open;
    wheel_arm(loop_wheel(run->loop), timer, 1 + sim_below(&run->chance, 50));
}

static void judge_since(uint64_t since_us, const char *what)
{
    if (since_us != UINT64_MAX && sim_now_us() > since_us + LATE_US)
        sim_fail("a socket was %s for %llu ms, and its owner was not told", what,
                 (unsigned long long)((sim_now_us() - since_us) / SIM_MS));
}

static void judge_waiting(const struct party *party)
{
    if (!party->is_open)
        return;
    judge_since(datagrams_readable_since_us(party->socket.watch.fd), "readable");
    if (party->waits)
        judge_since(datagrams_writable_since_us(party->socket.watch.fd), "writable");
}

static void look(struct timer *timer)
{
    struct run *run = CONTAINER_OF(timer, struct run, look);
    judge_waiting(&run->server);
    for (unsigned i = 0; i < run->client_count; i++)
        judge_waiting(&run->clients[i]);
    if (run->packet_count >= run->packets_max && sim_now_us() > run->last_packet_us + QUIET_US)
        loop_stop(run->loop);
    else
        wheel_arm(loop_wheel(run->loop), timer, 50);
}

/* ---- the run ---- */

static void prepare(struct run *run)
{
    run->family = sim_one_in(&run->chance, 2) ? AF_INET6 : AF_INET;
    run->client_count = (unsigned)sim_between(&run->chance, 1, CLIENTS_MAX);
    run->packets_max = sim_between(&run->chance, 1, PACKETS_MAX);
    run->work_us_max = sim_one_in(&run->chance, 2) ? 0 : sim_size(&run->chance, SIM_MS);
    run->next_port = 50000;
    datagrams_watch(&(struct datagrams_watch){.on_packet = on_packet, .context = run});
    run->server = (struct party){.run = run, .is_server = true};
    timer_init(&run->server.timer, server_open);
    timer_init(&run->look, look);
    for (unsigned i = 0; i < run->client_count; i++) {
        run->clients[i] = (struct party){.run = run};
        timer_init(&run->clients[i].timer, client_open);
    }
}

static void finish_party(struct party *party)
{
    timer_disarm(&party->timer);
    if (party->waits)
        sim_fail("a socket is still said to be full");
    if (party->is_open)
        party_close(party);
}

static void judge_records(const struct run *run)
{
    for (unsigned from = 0; from < 2; from++) {
        for (uint64_t i = 0; i < run->packet_count; i++) {
            const struct record *record = &run->records[from][i];
            if (record->told_sent != record->sent)
                sim_fail("packet %llu was sent %u times, not %u", (unsigned long long)i, record->sent,
                         record->told_sent);
            if (record->received != record->delivered)
                sim_fail("packet %llu was delivered %u times and received %u times", (unsigned long long)i,
                         record->delivered, record->received);
        }
    }
    if (run->empty_received != run->empty_delivered)
        sim_fail("%u empty packets were delivered, %u received", run->empty_delivered, run->empty_received);
}

static void run_loop(struct run *run)
{
    struct wheel *wheel = loop_wheel(run->loop);
    faults_begin();
    wheel_arm(wheel, &run->server.timer, 1);
    wheel_arm(wheel, &run->look, 1);
    for (unsigned i = 0; i < run->client_count; i++)
        wheel_arm(wheel, &run->clients[i].timer, 1 + i);
    kernel_enter(SIDE_LOOP);
    int error = loop_run(run->loop);
    if (error < 0)
        sim_fail("loop_run: %s", strerrorname_np(-error));
    faults_end();
    finish_party(&run->server);
    for (unsigned i = 0; i < run->client_count; i++)
        finish_party(&run->clients[i]);
    timer_disarm(&run->look);
    loop_finish_jobs(run->loop);
}

void run(const struct run_options *options)
{
    static const enum loop_backend backends[] = {LOOP_BACKEND_EPOLL, LOOP_BACKEND_EPOLL,
                                                 LOOP_BACKEND_EPOLL_LT, LOOP_BACKEND_POLL,
                                                 LOOP_BACKEND_SELECT};
    kernel_start(&options->kernel);
    struct run *run = kernel_alloc(sizeof(*run));
    run->chance = sim_chance_for("datagrams", 0);
    struct loop_options loop_options = {.backend = options->backend};
    if (loop_options.backend == LOOP_BACKEND_AUTO)
        loop_options.backend = backends[sim_below(&run->chance, ARRAY_LENGTH(backends))];
    prepare(run);
    kernel_enter(SIDE_START);
    if (loop_create(&loop_options, &run->loop) < 0)
        sim_fail("the loop cannot be created");
    run_loop(run);
    loop_destroy(run->loop);
    kernel_enter(SIDE_WORLD);
    kernel_check_nothing_is_left();
    judge_records(run);
    kernel_finish();
    kernel_free(run);
}
