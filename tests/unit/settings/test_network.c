/* Which texts are networks, and which addresses are in them. */
#include "../test.h"

#include "settings/network.h"

#include <arpa/inet.h>

static void texts_of_networks(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum network_fault fault;
    } rows[] = {
        {"10.0.0.0/8", NETWORK_OK},
        {"0.0.0.0/0", NETWORK_OK},
        {"192.0.2.1", NETWORK_OK},
        {"192.0.2.1/32", NETWORK_OK},
        {"::/0", NETWORK_OK},
        {"2001:db8::/32", NETWORK_OK},
        {"fd00::1", NETWORK_OK},
        {"unix", NETWORK_OK},
        {"::ffff:192.0.2.0/24", NETWORK_OK},
        {"", NETWORK_NO_ADDRESS},
        {"10", NETWORK_NO_ADDRESS},
        {"10.0.0/8", NETWORK_NO_ADDRESS},
        {"10.0.0.256", NETWORK_NO_ADDRESS},
        {"[::1]", NETWORK_NO_ADDRESS},
        {"localhost", NETWORK_NO_ADDRESS},
        {"fe80::1%eth0", NETWORK_NO_ADDRESS},
        {"10.0.0.0/33", NETWORK_BITS},
        {"10.0.0.0/", NETWORK_BITS},
        {"10.0.0.0/-1", NETWORK_BITS},
        {"10.0.0.0/8/8", NETWORK_BITS},
        {"::/129", NETWORK_BITS},
        {"10.0.0.1/8", NETWORK_INNER},
        {"10.128.0.0/8", NETWORK_INNER},
        {"192.0.2.1/31", NETWORK_INNER},
        {"2001:db8::1/64", NETWORK_INNER},
        {"unix/1", NETWORK_NO_ADDRESS},
    };
    TABLE_ROWS(i, rows, rows[i].text) {
        struct network network;
        assert_int_equal(network_read(slice_from(rows[i].text), &network), rows[i].fault);
    }
}

static void text_with_a_nul_is_no_address(void **state)
{
    (void)state;
    struct network_address address;
    assert_false(network_read_address(SLICE("10.0.0.1\0"), &address));
    assert_false(network_read_address(SLICE("10.0\0.0.1"), &address));
}

static void addresses_in_networks(void **state)
{
    (void)state;
    static const struct {
        const char *network, *address;
        bool is_in;
    } rows[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "9.255.255.255", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.4/31", "192.0.2.5", true},
        {"192.0.2.4/31", "192.0.2.6", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.0", false},
        {"0.0.0.0/0", "255.1.2.3", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "192.0.2.1", false},
        {"::/0", "2001:db8::1", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"fd00::1", "fd00::1", true},
        {"fd00::1", "fd00::2", false},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true},
        {"10.0.0.0/8", "::ffff:11.1.2.3", false},
        {"::/0", "::ffff:10.1.2.3", false},
        {"::ffff:10.0.0.0/8", "10.0.0.1", true},
    };
    TABLE_ROWS(i, rows, rows[i].address) {
        struct network network;
        uint8_t bytes[16] = {0};
        int family = strchr(rows[i].address, ':') ? AF_INET6 : AF_INET;
        assert_int_equal(network_read(slice_from(rows[i].network), &network), NETWORK_OK);
        assert_int_equal(inet_pton(family, rows[i].address, bytes), 1);
        assert_int_equal(network_have(&network, 1, (uint8_t)family, bytes), rows[i].is_in);
    }
}

static void one_of_several_is_enough(void **state)
{
    (void)state;
    struct network networks[3];
    static const uint8_t bytes[16] = {192, 0, 2, 1};
    assert_int_equal(network_read(SLICE("10.0.0.0/8"), &networks[0]), NETWORK_OK);
    assert_int_equal(network_read(SLICE("unix"), &networks[1]), NETWORK_OK);
    assert_int_equal(network_read(SLICE("192.0.2.0/24"), &networks[2]), NETWORK_OK);
    assert_true(network_have(networks, 3, AF_INET, bytes));
    assert_false(network_have(networks, 2, AF_INET, bytes));
    assert_true(network_have(networks, 3, AF_UNIX, bytes));
    assert_false(network_have(networks, 1, AF_UNIX, bytes));
    assert_false(network_have(NULL, 0, AF_INET, bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_networks),
        cmocka_unit_test(text_with_a_nul_is_no_address),
        cmocka_unit_test(addresses_in_networks),
        cmocka_unit_test(one_of_several_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
