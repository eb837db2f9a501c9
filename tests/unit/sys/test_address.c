/* Addresses as people write them, and back. */
#include "../test.h"

#include "sys/address.h"

#include <arpa/inet.h>

static void reads_and_writes_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *again, *host;
        sa_family_t family;
        bool every_family;
    } cases[] = {
        {"127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1", AF_INET, false},
        {"0.0.0.0:0", "0.0.0.0:0", "0.0.0.0", AF_INET, false},
        {"localhost:80", "127.0.0.1:80", "127.0.0.1", AF_INET, false},
        {"LocalHost:65535", "127.0.0.1:65535", "127.0.0.1", AF_INET, false},
        {"[::1]:80", "[::1]:80", "::1", AF_INET6, false},
        {"[::]:80", "[::]:80", "::", AF_INET6, false},
        {"[2001:db8::17]:443", "[2001:db8::17]:443", "2001:db8::17", AF_INET6, false},
        {"[fe80::17%lo]:80", "[fe80::17%lo]:80", "fe80::17", AF_INET6, false},
        {"[::ffff:192.0.2.7]:1", "192.0.2.7:1", "192.0.2.7", AF_INET6, false},
        {":8080", "[::]:8080", "::", AF_INET6, true},
        {"unix:/run/vif.sock", "unix:/run/vif.sock", "unix", AF_UNIX, false},
        {"unix:vif.sock", "unix:vif.sock", "unix", AF_UNIX, false},
    };
    TABLE_ROWS(i, cases, cases[i].text) {
        struct listen_address got;
        char text[ADDRESS_TEXT_BYTES_MAX];
        assert_int_equal(address_parse(slice_from(cases[i].text), &got), ADDRESS_OK);
        assert_int_equal(got.address.any.sa_family, cases[i].family);
        assert_int_equal(got.every_family, cases[i].every_family);
        assert_int_equal(address_format(&got.address, text), strlen(cases[i].again));
        assert_string_equal(text, cases[i].again);
        assert_int_equal(address_format_host(&got.address, text), strlen(cases[i].host));
        assert_string_equal(text, cases[i].host);
    }
}

static void writes_every_number_of_v4(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1024; i++) {
        struct address address = {.v4 = {.sin_family = AF_INET}};
        char text[ADDRESS_TEXT_BYTES_MAX], expected[INET_ADDRSTRLEN];
        address.v4.sin_addr.s_addr = htonl(UINT32_C(0x0a640907) ^ (i % 256) << (i / 256 * 8));
        assert_non_null(inet_ntop(AF_INET, &address.v4.sin_addr, expected, sizeof(expected)));
        assert_int_equal(address_format_host(&address, text), strlen(expected));
        assert_string_equal(text, expected);
    }
}

/* All that eight groups of four kinds can be, but for what is IPv4 in IPv6 and written so. */
static void writes_v6_as_inet_ntop_does(void **state)
{
    (void)state;
    static const uint16_t kinds[] = {0, 0xa, 0xffff, 0x0b0c};
    for (unsigned choice = 0; choice < 1u << 16; choice++) {
        struct address address = {.v6 = {.sin6_family = AF_INET6}};
        char text[ADDRESS_TEXT_BYTES_MAX], expected[INET6_ADDRSTRLEN];
        for (unsigned i = 0; i < 8; i++)
            address.v6.sin6_addr.s6_addr16[i] = htons(kinds[choice >> 2 * i & 3]);
        if (IN6_IS_ADDR_V4MAPPED(&address.v6.sin6_addr))
            continue;
        assert_non_null(inet_ntop(AF_INET6, &address.v6.sin6_addr, expected, sizeof(expected)));
        assert_int_equal(address_format_host(&address, text), strlen(expected));
        assert_string_equal(text, expected);
    }
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum address_fault fault;
    } cases[] = {
        {"", ADDRESS_FAULT_EMPTY},
        {"8080", ADDRESS_FAULT_NO_PORT},
        {"127.0.0.1", ADDRESS_FAULT_NO_PORT},
        {"[::1]", ADDRESS_FAULT_NO_PORT},
        {"127.0.0.1:", ADDRESS_FAULT_NO_PORT},
        {":", ADDRESS_FAULT_NO_PORT},
        {"127.0.0.1:65536", ADDRESS_FAULT_PORT},
        {"127.0.0.1:-1", ADDRESS_FAULT_PORT},
        {"127.0.0.1:http", ADDRESS_FAULT_PORT},
        {"127.0.0.1: 80", ADDRESS_FAULT_PORT},
        {":99999999999999999999", ADDRESS_FAULT_PORT},
        {"example.com:80", ADDRESS_FAULT_HOST},
        {"[fe80::1%]:80", ADDRESS_FAULT_ZONE},
        {"[fe80::1%no-such-one]:80", ADDRESS_FAULT_ZONE},
        {"[fe80::1%longer-than-any-interface]:80", ADDRESS_FAULT_ZONE},
        {"[fe80%lo]:80", ADDRESS_FAULT_HOST},
        {"127.0.0.1%lo:80", ADDRESS_FAULT_HOST},
        {"127.1:80", ADDRESS_FAULT_HOST},
        {"256.0.0.1:80", ADDRESS_FAULT_HOST},
        {"*:80", ADDRESS_FAULT_HOST},
        {"[]:80", ADDRESS_FAULT_HOST},
        {"[127.0.0.1]:80", ADDRESS_FAULT_HOST},
        {"[::1%lo]:80", ADDRESS_FAULT_HOST},
        {"[1234:1234:1234:1234:1234:1234:1234:1234:1234:1234]:80", ADDRESS_FAULT_HOST},
        {"::1:80", ADDRESS_FAULT_BRACKETS},
        {"http://127.0.0.1:80", ADDRESS_FAULT_BRACKETS},
        {"unix:", ADDRESS_FAULT_PATH_EMPTY},
    };
    TABLE_ROWS(i, cases, cases[i].text) {
        struct listen_address untouched = {.address.length = 77};
        assert_int_equal(address_parse(slice_from(cases[i].text), &untouched), cases[i].fault);
        assert_int_equal(untouched.address.length, 77);
        assert_true(strlen(address_fault_text(cases[i].fault)) > 10);
    }
}

static void bounds_the_path(void **state)
{
    (void)state;
    char text[5 + 108];
    struct listen_address got;
    memset(text, 'x', sizeof(text));
    memcpy(text, "unix:", 5);
    assert_int_equal(address_parse(slice_make(text, 5 + 108), &got), ADDRESS_FAULT_PATH_LENGTH);
    assert_int_equal(address_parse(slice_make(text, 5 + 107), &got), ADDRESS_OK);
    char again[ADDRESS_TEXT_BYTES_MAX];
    assert_int_equal(address_format(&got.address, again), 5 + 107);
    assert_memory_equal(again, text, 5 + 107);
    text[20] = '\0';
    assert_int_equal(address_parse(slice_make(text, 40), &got), ADDRESS_FAULT_PATH_NUL);
    assert_int_equal(address_parse(slice_make("127.0.0.1\0:80", 13), &got), ADDRESS_FAULT_HOST);
}

static void tells_ports(void **state)
{
    (void)state;
    struct listen_address got;
    assert_int_equal(address_parse(SLICE("[::1]:443"), &got), ADDRESS_OK);
    assert_int_equal(address_port(&got.address), 443);
    assert_int_equal(address_parse(SLICE("127.0.0.1:80"), &got), ADDRESS_OK);
    assert_int_equal(address_port(&got.address), 80);
    assert_int_equal(address_parse(SLICE("unix:/x"), &got), ADDRESS_OK);
    assert_int_equal(address_port(&got.address), 0);
}

/* A client of a Unix socket has mostly no name: accept(2) gives the family alone. */
static void writes_unix_sockets_without_a_name(void **state)
{
    (void)state;
    struct address peer = {.unix_path.sun_family = AF_UNIX, .length = sizeof(sa_family_t)};
    char text[ADDRESS_TEXT_BYTES_MAX];
    assert_int_equal(address_format(&peer, text), 5);
    assert_string_equal(text, "unix:");
}

static struct address read_address(const char *text)
{
    struct listen_address parsed;
    assert_int_equal(address_parse(slice_from(text), &parsed), ADDRESS_OK);
    return parsed.address;
}

static void they_have_an_order(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1:80",      "127.0.0.1:81", "127.0.0.2:80",
                                        "[::1]:80",          "[::2]:80",     "unix:/run/one.socket",
                                        "unix:/run/two.sock"};
    TABLE_ROWS(i, texts, texts[i]) {
        for (size_t j = 0; j < ARRAY_LENGTH(texts); j++) {
            struct address one = read_address(texts[i]), other = read_address(texts[j]);
            int order = address_compare(&one, &other), opposite = address_compare(&other, &one);
            assert_int_equal(order == 0, i == j);
            assert_int_equal(order<0, opposite> 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_every_form),
        cmocka_unit_test(writes_every_number_of_v4),
        cmocka_unit_test(writes_v6_as_inet_ntop_does),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(bounds_the_path),
        cmocka_unit_test(tells_ports),
        cmocka_unit_test(writes_unix_sockets_without_a_name),
        cmocka_unit_test(they_have_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
