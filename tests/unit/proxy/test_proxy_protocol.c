/* Headers of the PROXY protocol as vif writes them: they are what vif itself reads. */
#include "../test.h"

#include "front/proxy_header.h"
#include "proxy/proxy_protocol.h"

#include <arpa/inet.h>

/* An end as text, "" if it is unknown. */
static struct proxy_protocol_end end_at(const char *text, uint16_t port)
{
    struct proxy_protocol_end end = {.is_known = *text != '\0', .port = port};
    if (end.is_known)
        assert_int_equal(inet_pton(AF_INET6, text, end.bytes), 1);
    return end;
}

static const struct {
    const char *client, *local;
    const char *line;
    int family; /* what the server reads of version 2 */
    const char *read;
} rows[] = {
    {"::ffff:192.0.2.1", "::ffff:10.0.0.1", "PROXY TCP4 192.0.2.1 10.0.0.1 40000 443\r\n", AF_INET,
     "192.0.2.1"},
    {"2001:db8::1", "2001:db8::2", "PROXY TCP6 2001:db8::1 2001:db8::2 40000 443\r\n", AF_INET6,
     "2001:db8::1"},
    {"2001:db8:1111:2222:3333:4444:5555:6666", "fe80:1111:2222:3333:4444:5555:6666:7777",
     "PROXY TCP6 2001:db8:1111:2222:3333:4444:5555:6666 fe80:1111:2222:3333:4444:5555:6666:7777 40000 "
     "443\r\n",
     AF_INET6, "2001:db8:1111:2222:3333:4444:5555:6666"},
    {"::ffff:192.0.2.1", "2001:db8::2", "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 40000 443\r\n", AF_INET6,
     "::ffff:192.0.2.1"},
    {"2001:db8::1", "::ffff:10.0.0.1", "PROXY TCP6 2001:db8::1 ::ffff:10.0.0.1 40000 443\r\n", AF_INET6,
     "2001:db8::1"},
    {"::ffff:192.0.2.1", "", "PROXY TCP4 192.0.2.1 0.0.0.0 40000 443\r\n", AF_INET, "192.0.2.1"},
    {"2001:db8::1", "", "PROXY TCP6 2001:db8::1 :: 40000 443\r\n", AF_INET6, "2001:db8::1"},
    {"", "::ffff:10.0.0.1", "PROXY UNKNOWN\r\n", AF_UNSPEC, NULL},
};

static struct proxy_header read_back(struct slice text)
{
    struct proxy_header header;
    assert_int_equal(proxy_header_read(text, &header), PROXY_HEADER_DONE);
    assert_int_equal(header.length, text.length);
    return header;
}

static void check(unsigned version, const struct proxy_protocol_ends *ends, int family, const char *address)
{
    char text[PROXY_PROTOCOL_BYTES_MAX], shown[INET6_ADDRSTRLEN];
    struct proxy_header header = read_back(slice_make(text, proxy_protocol_write(version, ends, text)));
    assert_int_equal(header.client.family, family);
    if (address)
        assert_string_equal(inet_ntop(family, header.client.bytes, shown, sizeof(shown)), address);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    TABLE_ROWS(i, rows, rows[i].line) {
        char text[PROXY_PROTOCOL_BYTES_MAX];
        const struct proxy_protocol_ends ends = {
            .client = end_at(rows[i].client, 40000),
            .local = end_at(rows[i].local, 443),
        };
        size_t length = proxy_protocol_write(1, &ends, text);
        assert_slice(slice_make(text, length), rows[i].line);
        (void)read_back(slice_make(text, length));
        check(2, &ends, rows[i].family, rows[i].read);
    }
}

static void the_ends_are_in_the_order_of_the_specification(void **state)
{
    (void)state;
    static const char wanted[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
                                 "\xc0\0\x02\x01\x0a\0\0\x01\x9c\x40\x01\xbb";
    const struct proxy_protocol_ends ends = {
        .client = end_at("::ffff:192.0.2.1", 40000),
        .local = end_at("::ffff:10.0.0.1", 443),
    };
    char text[PROXY_PROTOCOL_BYTES_MAX];
    assert_int_equal(proxy_protocol_write(2, &ends, text), sizeof(wanted) - 1);
    assert_memory_equal(text, wanted, sizeof(wanted) - 1);
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
        cmocka_unit_test(the_ends_are_in_the_order_of_the_specification),
        cmocka_unit_test(vif_itself_has_no_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
