/* Which packets are dropped: the kernel runs the program over those of the test, without any interface. */
#include "../test.h"

#include "sys/xdp.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdlib.h>

/* As in the kernel's clock: never over, and over already. */
#define LATER UINT64_MAX
#define OVER  1

#define PACKET_BYTES_MAX 128

static struct xdp xdp = XDP_NONE;

static const struct xdp_address v4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}};
static const struct xdp_address v6 = {{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 7}};

struct packet {
    unsigned char bytes[PACKET_BYTES_MAX];
    size_t length;
};

static void append(struct packet *packet, const void *bytes, size_t length)
{
    memcpy(packet->bytes + packet->length, bytes, length);
    packet->length += length;
}

static struct packet ethernet(uint16_t protocol, bool has_tag)
{
    struct packet packet = {.length = 12};
    const unsigned char tag[] = {0x81, 0x00, 0x00, 0x05},
                        type[] = {(unsigned char)(protocol >> 8), (unsigned char)protocol};
    if (has_tag)
        append(&packet, tag, sizeof(tag));
    append(&packet, type, sizeof(type));
    return packet;
}

static void append_ports(struct packet *packet, uint16_t port)
{
    unsigned char tcp[20] = {0x30, 0x39, (unsigned char)(port >> 8), (unsigned char)port};
    append(packet, tcp, sizeof(tcp));
}

struct v4_packet {
    const char *name;
    unsigned char last;   /* of the address */
    unsigned char length; /* of the header, in words */
    unsigned char protocol;
    uint16_t fragment;
    uint16_t port;
    bool has_tag;
    bool is_dropped;
};

static struct packet make_v4(const struct v4_packet *what)
{
    struct packet packet = ethernet(0x0800, what->has_tag);
    unsigned char header[60] = {0x40 | what->length, 0, 0, 40};
    header[6] = (unsigned char)(what->fragment >> 8);
    header[7] = (unsigned char)what->fragment;
    header[9] = what->protocol;
    memcpy(header + 12, v4.bytes + 12, 4);
    header[15] = what->last;
    append(&packet, header, what->length * 4u);
    append_ports(&packet, what->port);
    return packet;
}

static struct packet make_v6(unsigned char last, unsigned char next, uint16_t port)
{
    struct packet packet = ethernet(0x86dd, false);
    unsigned char header[40] = {0x60, 0, 0, 0, 0, 20, next};
    memcpy(header + 8, v6.bytes, 8);
    header[15] = last;
    header[23] = 99; /* any host of the network */
    append(&packet, header, sizeof(header));
    append_ports(&packet, port);
    return packet;
}

static uint64_t as_listed(void *context, const struct xdp_address *address, uint64_t until_ns)
{
    (void)context, (void)address;
    return until_ns;
}

static unsigned expire(uint64_t now_ns)
{
    return sys_xdp_review(&xdp, as_listed, NULL, now_ns);
}

/* Of networks: other times. */
static uint64_t changed(void *context, const struct xdp_address *address, uint64_t until_ns)
{
    (void)context;
    return memcmp(address, &v4, sizeof(v4)) == 0 ? 0 : until_ns - 1;
}

static bool is_dropped(const struct packet *packet)
{
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet->bytes,
                .data_size_in = (uint32_t)packet->length, .repeat = 1);
    assert_int_equal(bpf_prog_test_run_opts(xdp.program_fd, &options), 0);
    assert_true(options.retval == XDP_DROP || options.retval == XDP_PASS);
    return options.retval == XDP_DROP;
}

static void packets_of_ipv4(void **state)
{
    (void)state;
    static const struct v4_packet rows[] = {
        {"of the client", 1, 5, 6, 0, 80, false, true},
        {"with a VLAN tag", 1, 5, 6, 0, 80, true, true},
        {"to another port", 1, 5, 6, 0, 22, false, false},
        {"of another client", 2, 5, 6, 0, 80, false, false},
        {"UDP", 1, 5, 17, 0, 80, false, false},
        {"not to be fragmented", 1, 5, 6, 0x4000, 80, false, true},
        {"the first fragment", 1, 5, 6, 0x2000, 22, false, false},
        {"a later fragment, without ports", 1, 5, 6, 0x2003, 22, false, true},
        {"with options", 1, 6, 6, 0, 22, false, true},
        {"of another client, with options", 2, 6, 6, 0, 80, false, false},
    };
    TABLE_ROWS(i, rows, rows[i].name) {
        struct packet packet = make_v4(&rows[i]);
        assert_int_equal(is_dropped(&packet), rows[i].is_dropped);
    }
}

static void packets_of_ipv6(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned char last;
        unsigned char next;
        uint16_t port;
        bool is_dropped;
    } rows[] = {
        {"of the client", 7, 6, 443, true},
        {"to another port", 7, 6, 22, false},
        {"of another network", 8, 6, 443, false},
        {"ICMPv6", 7, 58, 443, false},
        {"UDP", 7, 17, 443, false},
        {"hop-by-hop options", 7, 0, 22, true},
        {"a routing header", 7, 43, 22, true},
        {"a fragment", 7, 44, 22, true},
        {"destination options", 7, 60, 22, true},
        {"destination options of another network", 8, 60, 443, false},
    };
    TABLE_ROWS(i, rows, rows[i].name) {
        struct packet packet = make_v6(rows[i].last, rows[i].next, rows[i].port);
        assert_int_equal(is_dropped(&packet), rows[i].is_dropped);
    }
}

/* The kernel takes no frame below the size of an Ethernet header. */
static void packets_that_are_cut(void **state)
{
    (void)state;
    const struct v4_packet what = {.last = 1, .length = 5, .protocol = 6, .port = 80};
    struct packet of_v4 = make_v4(&what), of_v6 = make_v6(7, 6, 443);
    for (size_t length = 14; length < 14 + 20 + 4; length++) {
        of_v4.length = length;
        assert_false(is_dropped(&of_v4));
    }
    for (size_t length = 14; length < 14 + 40 + 4; length++) {
        of_v6.length = length;
        assert_false(is_dropped(&of_v6));
    }
    of_v4.length = 14 + 20 + 4;
    assert_true(is_dropped(&of_v4));
    struct packet other = ethernet(0x0806, false);
    append(&other, "ARP", 3);
    assert_false(is_dropped(&other));
}

static void time_and_totals(void **state)
{
    (void)state;
    const struct v4_packet what = {.last = 1, .length = 5, .protocol = 6, .port = 80};
    struct packet packet = make_v4(&what);
    struct xdp_totals before = sys_xdp_totals(&xdp), after;
    assert_true(is_dropped(&packet));
    after = sys_xdp_totals(&xdp);
    assert_int_equal(after.packets - before.packets, 1);
    assert_int_equal(after.bytes - before.bytes, 40);
    assert_int_equal(expire(OVER + 1), 2);
    assert_int_equal(sys_xdp_block(&xdp, &v4, OVER), 0);
    assert_false(is_dropped(&packet));
    assert_int_equal(expire(OVER), 1);
    assert_int_equal(sys_xdp_block(&xdp, &v4, LATER), 0);
}

static void ports_are_exchanged(void **state)
{
    (void)state;
    const struct v4_packet what = {.last = 1, .length = 5, .protocol = 6, .port = 80};
    struct packet packet = make_v4(&what);
    assert_int_equal(sys_xdp_set_ports(&xdp, (const uint16_t[]){81, 82, 83}, 3), 0);
    assert_false(is_dropped(&packet));
    assert_int_equal(sys_xdp_set_ports(&xdp, (const uint16_t[]){443, 80}, 2), 0);
    assert_true(is_dropped(&packet));
}

static void entries_are_changed(void **state)
{
    (void)state;
    assert_int_equal(sys_xdp_blocked_until(&xdp, &v6), LATER);
    assert_int_equal(sys_xdp_review(&xdp, changed, NULL, OVER), 1);
    assert_int_equal(sys_xdp_blocked_until(&xdp, &v4), 0);
    assert_int_equal(sys_xdp_blocked_until(&xdp, &v6), LATER - 1);
    assert_int_equal(sys_xdp_block(&xdp, &v4, LATER), 0);
}

/* More than one call reads. */
static void many_addresses(void **state)
{
    (void)state;
    struct xdp_address address = {{0x20, 0x02}};
    for (unsigned i = 0; i < 2000; i++) {
        memcpy(address.bytes + 4, &i, sizeof(i));
        assert_int_equal(sys_xdp_block(&xdp, &address, i < 500 ? OVER : LATER), 0);
    }
    assert_int_equal(expire(OVER), 2 + 1500);
    assert_int_equal(expire(OVER), 2 + 1500);
}

static int load(void **state)
{
    (void)state;
    int error = sys_xdp_load(&xdp);
    if (error < 0) {
        printf("BPF programs cannot be loaded here: %s\n", strerror(-error));
        exit(77);
    }
    assert_int_equal(sys_xdp_set_ports(&xdp, (const uint16_t[]){80, 443}, 2), 0);
    assert_int_equal(sys_xdp_block(&xdp, &v4, LATER), 0);
    assert_int_equal(sys_xdp_block(&xdp, &v6, LATER), 0);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    sys_xdp_close(&xdp);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_of_ipv4),      cmocka_unit_test(packets_of_ipv6),
        cmocka_unit_test(packets_that_are_cut), cmocka_unit_test(time_and_totals),
        cmocka_unit_test(ports_are_exchanged),  cmocka_unit_test(entries_are_changed),
        cmocka_unit_test(many_addresses),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
