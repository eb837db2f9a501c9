/* Whom the shield never blocks, and how many it does; the kernel is the test's own. */
#include "../test.h"

#include "proc/shield.h"

#include <arpa/inet.h>

static unsigned blocks;
static uint64_t until_ns, listed_until_ns, clock_ns;

uint64_t __wrap_sys_monotonic_ns(void);
uint64_t __wrap_sys_monotonic_ns(void)
{
    return clock_ns;
}

int __wrap_sys_xdp_block(const struct xdp *xdp, const struct xdp_address *address, uint64_t until);
int __wrap_sys_xdp_block(const struct xdp *xdp, const struct xdp_address *address, uint64_t until)
{
    (void)xdp, (void)address;
    blocks++;
    until_ns = until;
    return 0;
}

uint64_t __wrap_sys_xdp_blocked_until(const struct xdp *xdp, const struct xdp_address *address);
uint64_t __wrap_sys_xdp_blocked_until(const struct xdp *xdp, const struct xdp_address *address)
{
    (void)xdp, (void)address;
    return listed_until_ns;
}

static void write_line(struct log *log, enum log_level level, struct slice line)
{
    (void)log, (void)level, (void)line;
}

static struct log quiet = {.write = write_line};

static struct xdp_address address_of(const char *text)
{
    struct xdp_address address = {{0}};
    assert_int_equal(inet_pton(AF_INET6, text, address.bytes), 1);
    return address;
}

static struct network network_of(const char *text)
{
    struct network network;
    assert_int_equal(network_read(slice_from(text), &network), NETWORK_OK);
    return network;
}

static void exempt_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool is_exempt;
    } rows[] = {
        {"::ffff:192.0.2.9", true}, /* in `exempt` */
        {"::ffff:192.0.3.9", false},
        {"2001:db8:1::", true},
        {"2001:db8:2::", false},
        {"2001:db8:3::", true},    /* one address in it is */
        {"::ffff:10.1.2.3", true}, /* a trusted proxy */
        {"::ffff:127.0.0.1", true},
        {"::", true}, /* ::1 is in it */
        {"fe80::", true},
        {"::ffff:169.254.1.1", true},
        {"::ffff:203.0.113.1", false},
    };
    struct network exempt[] = {network_of("192.0.2.0/24"), network_of("2001:db8:1::/48"),
                               network_of("2001:db8:3::7")};
    struct network trusted[] = {network_of("10.0.0.0/8"), network_of("unix")};
    struct settings settings = {
        .shield = {.exempt = exempt, .exempt_count = ARRAY_LENGTH(exempt)},
        .trusted = {.networks = trusted, .network_count = ARRAY_LENGTH(trusted)},
    };
    TABLE_ROWS(i, rows, rows[i].address) {
        struct xdp_address address = address_of(rows[i].address);
        assert_int_equal(shield_exempts(&settings, &address), rows[i].is_exempt);
    }
}

struct fixture {
    struct settings settings;
    struct shield shield;
};

static void set_up(struct fixture *fixture, uint32_t addresses)
{
    fixture->settings = (struct settings){
        .shield = {.offences = 2, .within_ms = 10000, .for_ms = 3000, .addresses = addresses}};
    assert_int_equal(shield_init(&fixture->shield, &quiet), 0);
    fixture->shield.settings = &fixture->settings;
    fixture->shield.xdp.program_fd = 1000; /* it is on */
    blocks = 0;
}

static void tear_down(struct fixture *fixture)
{
    fixture->shield.xdp = XDP_NONE;
    shield_finish(&fixture->shield);
}

/* So many clients, with as many offences as it takes. */
static void report(struct fixture *fixture, unsigned first, unsigned count, uint64_t now_ms)
{
    for (unsigned i = first; i < first + count; i++) {
        struct offence offence = {.count = 2};
        offence.address = address_of("2001:db8::");
        memcpy(offence.address.bytes + 4, &i, sizeof(i));
        shield_take_report(&fixture->shield, 0, &offence, 1, now_ms);
    }
}

static void an_offender_is_blocked_for_its_time(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, 10);
    clock_ns = UINT64_C(5000000000);
    report(&fixture, 0, 1, 5000);
    assert_int_equal(blocks, 1);
    assert_int_equal(until_ns, UINT64_C(8000000000));
    assert_int_equal(fixture.shield.offences, 2);
    struct offence exempt = {.address = address_of("::ffff:127.0.0.1"), .count = 100};
    shield_take_report(&fixture.shield, 0, &exempt, 1, 5000);
    assert_int_equal(blocks, 1);
    tear_down(&fixture);
}

/* Connections that it has when it is blocked may be offences of their own, later. */
static void who_is_blocked_is_not_blocked_again(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, 10);
    clock_ns = UINT64_C(5000000000);
    listed_until_ns = clock_ns + 1;
    report(&fixture, 0, 1, 5000);
    assert_int_equal(blocks, 0);
    listed_until_ns = clock_ns;
    report(&fixture, 0, 1, 5000);
    assert_int_equal(blocks, 1);
    listed_until_ns = 0;
    tear_down(&fixture);
}

/* Whatever workers report. */
static void so_many_in_a_second_and_at_a_time(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, 150);
    report(&fixture, 0, 1000, 5000);
    assert_int_equal(blocks, SHIELD_BLOCKS_PER_SECOND);
    report(&fixture, 1000, 1000, 5999);
    assert_int_equal(blocks, SHIELD_BLOCKS_PER_SECOND);
    report(&fixture, 2000, 1000, 6000);
    assert_int_equal(blocks, 150);
    report(&fixture, 3000, 1000, 9000);
    assert_int_equal(blocks, 150);
    assert_int_equal(fixture.shield.left_out, 4000 - 150);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exempt_addresses),
        cmocka_unit_test(an_offender_is_blocked_for_its_time),
        cmocka_unit_test(who_is_blocked_is_not_blocked_again),
        cmocka_unit_test(so_many_in_a_second_and_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
