/* Datagram sockets: what comes beside the bytes, runs, crowds of packets, a full socket; on each backend. */
#include "chosen_backend.h"

#include "loop/datagram.h"
#include "loop/wheel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE_MS 20000

struct receiver {
    struct datagram_socket socket;
    struct loop *loop;
    struct timer patience;
    struct address address;
    struct udp_run last; /* without its bytes */
    char first_byte;     /* of the last one */
    size_t bytes, packets, calls, bytes_wanted;
    unsigned writables;
    bool closes, stalls;
};

static void stop_loop(struct timer *timer)
{
    loop_stop(CONTAINER_OF(timer, struct receiver, patience)->loop);
}

static size_t packets_of(const struct udp_run *run)
{
    return run->packet_bytes ? (run->length + run->packet_bytes - 1) / run->packet_bytes : 1;
}

static void on_receive(struct datagram_socket *socket, const struct udp_run *runs, unsigned count)
{
    struct receiver *receiver = CONTAINER_OF(socket, struct receiver, socket);
    assert_in_range(count, 1, UDP_BATCH_MAX);
    receiver->calls++;
    for (unsigned i = 0; i < count; i++) {
        receiver->bytes += runs[i].length;
        receiver->packets += packets_of(&runs[i]);
        receiver->last = runs[i];
        receiver->first_byte = runs[i].length ? runs[i].bytes[0] : 0;
    }
    while (receiver->stalls && loop_has_time(receiver->loop))
        continue;
    if (receiver->closes)
        datagram_close(socket);
    if (receiver->closes || receiver->bytes >= receiver->bytes_wanted)
        loop_stop(receiver->loop);
}

static void on_writable(struct datagram_socket *socket)
{
    struct receiver *receiver = CONTAINER_OF(socket, struct receiver, socket);
    receiver->writables++;
    loop_stop(receiver->loop);
}

static const struct datagram_events receiver_events = {.on_receive = on_receive, .on_writable = on_writable};

static const struct address loopback_v4 = {.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f},
                                           .length = sizeof(struct sockaddr_in)};
static const struct address loopback_v6 = {
    .v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT},
    .length = sizeof(struct sockaddr_in6)};

static struct loop *make_loop(void)
{
    struct loop *loop = NULL;
    assert_int_equal(loop_create(&(struct loop_options){.backend = chosen_backend()}, &loop), 0);
    return loop;
}

static void receiver_begin(struct receiver *receiver, struct loop *loop, int fd)
{
    *receiver = (struct receiver){.loop = loop};
    timer_init(&receiver->patience, stop_loop);
    assert_int_equal(datagram_start(&receiver->socket, loop, fd, &receiver_events), 0);
}

/* False where the machine has no such address. */
static bool receiver_open(struct receiver *receiver, struct loop *loop, const struct address *address)
{
    int fd = sys_udp_open(address);
    if (fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT)
        return false;
    assert_true(fd >= 0);
    receiver_begin(receiver, loop, fd);
    receiver->address = *address;
    assert_int_equal(getsockname(fd, &receiver->address.any, &receiver->address.length), 0);
    return true;
}

static void receiver_run(struct receiver *receiver, size_t bytes_wanted)
{
    receiver->bytes_wanted = bytes_wanted;
    wheel_arm(loop_wheel(receiver->loop), &receiver->patience, PATIENCE_MS);
    assert_int_equal(loop_run(receiver->loop), 0);
    assert_true(timer_is_armed(&receiver->patience));
    timer_disarm(&receiver->patience);
}

static void finish(struct receiver *receiver)
{
    datagram_close(&receiver->socket);
    datagram_close(&receiver->socket); /* changes nothing */
}

static void send_one(struct receiver *from, const struct udp_run *run)
{
    unsigned sent;
    assert_int_equal(datagram_send(&from->socket, run, 1, &sent), 0);
    assert_int_equal(sent, 1);
}

static const void *ip_of(const struct address *address)
{
    return address->any.sa_family == AF_INET ? (const void *)&address->v4.sin_addr
                                             : (const void *)&address->v6.sin6_addr;
}

/* A packet brings its peer, the address that it came to and its ECN bits; an answer can be given from there.
 */
static void check_addresses(const struct address *address)
{
    struct loop *loop = make_loop();
    struct receiver server, client;
    size_t ip_bytes = address->any.sa_family == AF_INET ? 4 : 16;
    if (receiver_open(&server, loop, address)) {
        assert_true(receiver_open(&client, loop, address));
        char hello[] = "hello";
        for (uint8_t ecn = 0; ecn < 4; ecn++) {
            send_one(&client,
                     &(struct udp_run){.peer = server.address, .bytes = hello, .length = 5, .ecn = ecn});
            receiver_run(&server, server.bytes + 5);
            assert_int_equal(server.last.ecn, ecn);
            assert_int_equal(server.last.packet_bytes, 0);
            assert_int_equal(server.last.peer.length, client.address.length);
            assert_memory_equal(&server.last.peer.any, &client.address.any, client.address.length);
            assert_memory_equal(ip_of(&server.last.local), ip_of(address), ip_bytes);
            assert_true(server.last.interface > 0);
            send_one(&server, &(struct udp_run){.peer = server.last.peer,
                                                .local = server.last.local,
                                                .interface = server.last.interface,
                                                .bytes = hello,
                                                .length = 5,
                                                .ecn = 2});
            receiver_run(&client, client.bytes + 5);
            assert_int_equal(client.last.ecn, 2);
            assert_int_equal(client.first_byte, 'h');
            assert_memory_equal(&client.last.peer.any, &server.address.any, server.address.length);
        }
        finish(&client);
        finish(&server);
    }
    loop_destroy(loop);
}

static void packets_bring_their_addresses_and_ecn(void **state)
{
    (void)state;
    check_addresses(&loopback_v4);
    check_addresses(&loopback_v6);
}

/* Of a socket for all addresses: the kernel alone would answer from another one. */
static void an_answer_comes_from_where_it_was_asked(void **state)
{
    (void)state;
    const struct address everywhere = {.v4.sin_family = AF_INET, .length = sizeof(struct sockaddr_in)};
    struct loop *loop = make_loop();
    struct receiver server, client;
    char byte = 'x';
    assert_true(receiver_open(&server, loop, &everywhere));
    assert_true(receiver_open(&client, loop, &loopback_v4));
    struct address asked = server.address;
    asked.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    send_one(&client, &(struct udp_run){.peer = asked, .bytes = &byte, .length = 1});
    receiver_run(&server, 1);
    assert_int_equal(server.last.local.v4.sin_addr.s_addr, asked.v4.sin_addr.s_addr);
    send_one(&server, &(struct udp_run){.peer = server.last.peer,
                                        .local = server.last.local,
                                        .interface = server.last.interface,
                                        .bytes = &byte,
                                        .length = 1});
    receiver_run(&client, 1);
    assert_int_equal(client.last.peer.v4.sin_addr.s_addr, asked.v4.sin_addr.s_addr);
    finish(&client);
    finish(&server);
    loop_destroy(loop);
}

/* The kernel cuts a run into packets; whether it puts them together again is its own affair. */
static void a_run_arrives_as_its_packets(void **state)
{
    (void)state;
    static char bytes[20000];
    struct loop *loop = make_loop();
    struct receiver server, client;
    assert_true(receiver_open(&server, loop, &loopback_v4));
    assert_true(receiver_open(&client, loop, &loopback_v4));
    struct udp_run run = {.peer = server.address, .bytes = bytes, .length = 12100, .packet_bytes = 1200};
    send_one(&client, &run);
    receiver_run(&server, run.length);
    assert_int_equal(server.bytes, run.length);
    assert_int_equal(server.packets, 11);

    run = (struct udp_run){.peer = server.address, .bytes = bytes, .length = 1200, .packet_bytes = 1200};
    send_one(&client, &run); /* a run of one */
    receiver_run(&server, server.bytes + run.length);
    assert_int_equal(server.packets, 12);
    assert_int_equal(server.last.packet_bytes, 0);

    unsigned sent; /* the one in the middle does not fit, and those around it go */
    struct udp_run runs[3] = {run, run, run};
    runs[1].length = 70000;
    runs[1].packet_bytes = 0;
    assert_int_equal(datagram_send(&client.socket, runs, 3, &sent), -EMSGSIZE);
    assert_int_equal(sent, 1);
    assert_int_equal(datagram_send(&client.socket, runs + 2, 1, &sent), 0);
    receiver_run(&server, server.bytes + 2 * run.length);
    assert_int_equal(server.packets, 14);
    finish(&client);
    finish(&server);
    loop_destroy(loop);
}

/* More than a batch, and more than a turn has time for: all of them come, edge or no edge. */
static void a_crowd_of_packets_is_received_in_turns(void **state)
{
    (void)state;
    char byte = 'x';
    struct loop *loop = make_loop();
    struct receiver server, client;
    assert_true(receiver_open(&server, loop, &loopback_v4));
    assert_true(receiver_open(&client, loop, &loopback_v4));
    for (unsigned stalls = 0; stalls < 2; stalls++) {
        struct udp_run runs[5 * UDP_BATCH_MAX];
        unsigned sent;
        for (size_t i = 0; i < ARRAY_LENGTH(runs); i++)
            runs[i] = (struct udp_run){.peer = server.address, .bytes = &byte, .length = 1};
        assert_int_equal(datagram_send(&client.socket, runs, ARRAY_LENGTH(runs), &sent), 0);
        assert_int_equal(sent, ARRAY_LENGTH(runs));
        server.stalls = stalls;
        server.bytes = server.calls = 0;
        receiver_run(&server, ARRAY_LENGTH(runs));
        assert_int_equal(server.bytes, ARRAY_LENGTH(runs));
        assert_true(server.calls >= 5);
    }
    finish(&client);
    finish(&server);
    loop_destroy(loop);
}

/* Over Unix sockets, since UDP over loopback takes everything: what does not fit is the receiver's loss. */
static void a_full_socket_is_waited_for(void **state)
{
    (void)state;
    int fds[2];
    char byte = 'x';
    struct loop *loop = make_loop();
    struct receiver sender;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    receiver_begin(&sender, loop, fds[0]);
    for (unsigned round = 1; round <= 3; round++) {
        struct udp_run runs[UDP_BATCH_MAX];
        unsigned sent = 0, total = 0;
        int error = 0;
        for (size_t i = 0; i < ARRAY_LENGTH(runs); i++)
            runs[i] = (struct udp_run){.bytes = &byte, .length = 1};
        while (error == 0) {
            error = datagram_send(&sender.socket, runs, ARRAY_LENGTH(runs), &sent);
            total += sent;
        }
        assert_int_equal(error, -EAGAIN);
        assert_true(total > 0);
        assert_int_equal(write(fds[1], "ab", 2), 2); /* what comes meanwhile is received */
        receiver_run(&sender, sender.bytes + 2);
        assert_int_equal(sender.writables, round - 1);
        for (unsigned i = 0; i < total; i++)
            assert_int_equal(read(fds[1], &byte, 1), 1);
        receiver_run(&sender, SIZE_MAX);
        assert_int_equal(sender.writables, round);
    }
    finish(&sender);
    close(fds[1]);
    loop_destroy(loop);
}

static void a_callback_may_close(void **state)
{
    (void)state;
    char byte = 'x';
    struct loop *loop = make_loop();
    struct receiver server, client;
    assert_true(receiver_open(&server, loop, &loopback_v4));
    assert_true(receiver_open(&client, loop, &loopback_v4));
    struct udp_run run = {.peer = server.address, .bytes = &byte, .length = 1};
    for (unsigned i = 0; i < 2 * UDP_BATCH_MAX; i++)
        send_one(&client, &run);
    server.closes = true;
    receiver_run(&server, SIZE_MAX);
    assert_int_equal(server.calls, 1);
    finish(&server);
    finish(&client);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_bring_their_addresses_and_ecn),
        cmocka_unit_test(an_answer_comes_from_where_it_was_asked),
        cmocka_unit_test(a_run_arrives_as_its_packets),
        cmocka_unit_test(a_crowd_of_packets_is_received_in_turns),
        cmocka_unit_test(a_full_socket_is_waited_for),
        cmocka_unit_test(a_callback_may_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
