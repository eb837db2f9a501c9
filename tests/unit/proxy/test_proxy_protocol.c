/* Headers of the PROXY protocol as vif writes them: they are what vif itself reads. */
#include "../test.h"

#include "front/proxy_header.h"
#include "proxy/proxy_protocol.h"

#include <arpa/inet.h>

static struct peer peer_at(int family, const char *text)
{
    struct peer peer = {.family = (uint8_t)family, .is_secure = true};
    if (text)
        assert_int_equal(inet_pton(family, text, peer.bytes), 1);
    return peer;
}

static const struct {
    int family;
    const char *address; /* of the client */
    int read_family;
    const char *read; /* what the server learns; NULL: nothing */
} rows[] = {
    {AF_INET, "192.0.2.1", AF_INET, "192.0.2.1"},
    {AF_INET6, "2001:db8::1", AF_INET6, "2001:db8::1"},
    {AF_INET6, "2001:db8:1111:2222:3333:4444:5555:6666", AF_INET6, "2001:db8:1111:2222:3333:4444:5555:6666"},
    {AF_INET6, "::ffff:192.0.2.1", AF_INET, "192.0.2.1"},
    {AF_UNIX, NULL, AF_UNSPEC, NULL},
};

static void check(unsigned version, const struct peer *client, int family, const char *address)
{
    char text[PROXY_PROTOCOL_BYTES_MAX], shown[INET6_ADDRSTRLEN];
    struct proxy_header header;
    size_t length = proxy_protocol_write(version, client, text);
    assert_int_equal(proxy_header_read(slice_make(text, length), &header), PROXY_HEADER_DONE);
    assert_int_equal(header.length, length);
    assert_int_equal(header.client.family, family);
    if (address)
        assert_string_equal(inet_ntop(family, header.client.bytes, shown, sizeof(shown)), address);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    TABLE_ROWS(i, rows, rows[i].address ? rows[i].address : "none") {
        struct peer client = peer_at(rows[i].family, rows[i].address);
        check(1, &client, rows[i].read_family, rows[i].read);
        check(2, &client, rows[i].read_family, rows[i].read);
    }
}

static void vif_itself_has_no_client(void **state)
{
    (void)state;
    char text[PROXY_PROTOCOL_BYTES_MAX];
    check(1, NULL, AF_UNSPEC, NULL);
    check(2, NULL, AF_UNSPEC, NULL);
    assert_int_equal(proxy_protocol_write(2, NULL, text), 16);
    assert_int_equal(text[12], 0x20); /* LOCAL */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(vif_itself_has_no_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
