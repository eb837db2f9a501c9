/* Headers of the PROXY protocol: good ones, bad ones, and each of them cut at every place. */
#include "../test.h"

#include "front/proxy_header.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define V2     "\r\n\r\n\0\r\nQUIT\n"
#define V4     "\300\000\002\001\012\000\000\001\004\000\000\120" /* 192.0.2.1 to 10.0.0.1 */
#define V6_ONE "\040\001\015\270\000\000\000\000\000\000\000\000\000\000\000\001"
#define V6     V6_ONE V6_ONE "\004\000\000\120"

/* The result for exactly these bytes, which nothing follows in memory. */
static enum proxy_header_result read_copy(struct slice text, struct proxy_header *header)
{
    char *copy = malloc(text.length + 1);
    memcpy(copy, text.data, text.length);
    char *exact = realloc(copy, MAX(text.length, (size_t)1));
    enum proxy_header_result result = proxy_header_read(slice_make(exact, text.length), header);
    free(exact);
    return result;
}

/* Whatever has arrived before, it is not complete. */
static void check_beginnings(struct slice text, size_t length)
{
    struct proxy_header header;
    for (size_t i = 0; i < length; i++)
        assert_int_equal(read_copy(slice_take(text, i), &header), PROXY_HEADER_MORE);
}

static const struct {
    struct slice text;  /* with "GET" behind it */
    const char *client; /* NULL: none is given */
} good[] = {
    {SLICE("PROXY TCP4 192.0.2.1 10.0.0.1 1024 80\r\nGET"), "192.0.2.1"},
    {SLICE("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\nGET"), "255.255.255.255"},
    {SLICE("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\nGET"), "0.0.0.0"},
    {SLICE("PROXY TCP6 2001:db8::1 ::1 1024 80\r\nGET"), "2001:db8::1"},
    {SLICE("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
           "65535\r\nGET"),
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {SLICE("PROXY UNKNOWN\r\nGET"), NULL},
    {SLICE("PROXY UNKNOWN anything at all\r\nGET"), NULL},
    {SLICE(V2 "\x21\x11\0\014" V4 "GET"), "192.0.2.1"},
    {SLICE(V2 "\x21\x11\0\017" V4 "\x01\0\0GET"), "192.0.2.1"},
    {SLICE(V2 "\x21\x11\0\026" V4 "\x04\0\002hi\x20\0\002hoGET"), "192.0.2.1"},
    {SLICE(V2 "\x21\x21\0\044" V6 "GET"), "2001:db8::1"},
    {SLICE(V2 "\x20\0\0\0GET"), NULL},
    {SLICE(V2 "\x20\x11\0\014" V4 "GET"), NULL},
    {SLICE(V2 "\x20\xff\0\003xyzGET"), NULL},
    {SLICE(V2 "\x21\0\0\0GET"), NULL},
    {SLICE(V2 "\x21\0\0\004\x01\0\001xGET"), NULL},
};

static void good_headers(void **state)
{
    (void)state;
    TABLE_ROWS_OF_SLICES(i, good, good[i].text) {
        struct proxy_header header;
        char shown[INET6_ADDRSTRLEN];
        size_t length = good[i].text.length - 3;
        check_beginnings(good[i].text, length);
        assert_int_equal(read_copy(slice_take(good[i].text, length), &header), PROXY_HEADER_DONE);
        assert_int_equal(header.length, length);
        assert_int_equal(read_copy(good[i].text, &header), PROXY_HEADER_DONE);
        assert_int_equal(header.length, length);
        assert_int_equal(header.client.family != AF_UNSPEC, good[i].client != NULL);
        if (good[i].client == NULL)
            continue;
        assert_non_null(inet_ntop(header.client.family, header.client.bytes, shown, sizeof(shown)));
        assert_string_equal(shown, good[i].client);
    }
}

static void unix_sockets_have_no_address(void **state)
{
    (void)state;
    char text[16 + 216] = V2 "\x21\x31\0\330";
    struct proxy_header header;
    memset(text + 16, '/', 216);
    assert_int_equal(read_copy(slice_make(text, sizeof(text)), &header), PROXY_HEADER_DONE);
    assert_int_equal(header.client.family, AF_UNIX);
    assert_int_equal(header.length, sizeof(text));
    text[15]--;
    assert_int_equal(read_copy(slice_make(text, sizeof(text)), &header), PROXY_HEADER_BAD);
}

static const struct slice bad[] = {
    SLICE("GET / HTTP/1.1\r\n"),
    SLICE("G"),
    SLICE("PROXZ"),
    SLICE("proxy TCP4 192.0.2.1 10.0.0.1 1024 80\r\n"),
    SLICE("PROXY  TCP4 192.0.2.1 10.0.0.1 1024 80\r\n"),
    SLICE("PROXY TCP4  192.0.2.1 10.0.0.1 1024 80\r\n"),
    SLICE("PROXY TCP4 192.0.2.1 10.0.0.1 1024 80\n"),
    SLICE("PROXY TCP4 192.0.2.1 10.0.0.1 1024 80 \r\n"),
    SLICE("PROXY TCP4 192.0.2.1 10.0.0.1 1024 80 1\r\n"),
    SLICE("PROXY TCP4 192.0.2.1 10.0.0.1 1024\r\n"),
    SLICE("PROXY TCP4 192.0.2.1\r\n"),
    SLICE("PROXY TCP4\r\n"),
    SLICE("PROXY \r\n"),
    SLICE("PROXY TCP5 192.0.2.1 10.0.0.1 1024 80\r\n"),
    SLICE("PROXY UDP4 192.0.2.1 10.0.0.1 1024 80\r\n"),
    SLICE("PROXY TCP4 192.0.2.256 10.0.0.1 1024 80\r\n"),
    SLICE("PROXY TCP4 192.0.2.1 10.0.0 1024 80\r\n"),
    SLICE("PROXY TCP4 192.0.02.1 10.0.0.1 1024 80\r\n"),
    SLICE("PROXY TCP4 ::1 ::1 1024 80\r\n"),
    SLICE("PROXY TCP6 192.0.2.1 10.0.0.1 1024 80\r\n"),
    SLICE("PROXY TCP6 ::1 10.0.0.1 1024 80\r\n"),
    SLICE("PROXY TCP6 [::1] ::1 1024 80\r\n"),
    SLICE("PROXY TCP4 192.0.2.1 10.0.0.1 65536 80\r\n"),
    SLICE("PROXY TCP4 192.0.2.1 10.0.0.1 1024 080\r\n"),
    SLICE("PROXY TCP4 192.0.2.1 10.0.0.1 -1 80\r\n"),
    SLICE("PROXY TCP4 192.0.2.1 10.0.0.1 1024 8\r0\r\n"),
    SLICE("PROXY TCP4 192.0.2.1\0 10.0.0.1 1024 80\r\n"),
    SLICE("PROXY UNKNOWN \r x\r\n"),
    SLICE("PROXY UNKNOWN 23456789 23456789 23456789 23456789 23456789 23456789 23456789 23456789 23456789 "
          "23456789 23456789\r\n"),
    SLICE("\r\n\r\n\0\r\nQUITx"),
    SLICE(V2 "\x11\x11\0\014" V4),
    SLICE(V2 "\x22\x11\0\014" V4),
    SLICE(V2 "\x21\x12\0\014" V4),
    SLICE(V2 "\x21\x41\0\014" V4),
    SLICE(V2 "\x21\x10\0\014" V4),
    SLICE(V2 "\x21\x11\0\013" V4),
    SLICE(V2 "\x21\x21\0\014" V4),
    SLICE(V2 "\x21\x11\0\015" V4 "\x01"),
    SLICE(V2 "\x21\x11\0\016" V4 "\x01\0"),
    SLICE(V2 "\x21\x11\0\017" V4 "\x01\0\x01"),
    SLICE(V2 "\x21\x11\017\361"),
    SLICE(V2 "\x20\0\377\377"),
};

/* What is bad stays bad, and is told why, however much of it is here. */
static void bad_headers(void **state)
{
    (void)state;
    TABLE_ROWS_OF_SLICES(i, bad, bad[i]) {
        struct proxy_header header;
        bool is_bad = false;
        for (size_t length = 0; length <= bad[i].length; length++) {
            enum proxy_header_result result = read_copy(slice_take(bad[i], length), &header);
            assert_true(result != PROXY_HEADER_DONE && (!is_bad || result == PROXY_HEADER_BAD));
            is_bad = result == PROXY_HEADER_BAD;
        }
        assert_true(is_bad);
        assert_non_null(header.fault);
    }
}

/* The longest that is accepted, and one byte more. */
static void the_length_is_bounded(void **state)
{
    (void)state;
    static char text[PROXY_HEADER_BYTES_MAX + 1];
    struct proxy_header header;
    size_t length = PROXY_HEADER_BYTES_MAX - 16;
    memcpy(text, V2 "\x20\0", 14);
    text[14] = (char)(length >> 8);
    text[15] = (char)(length & 255);
    assert_int_equal(proxy_header_read(slice_make(text, PROXY_HEADER_BYTES_MAX - 1), &header),
                     PROXY_HEADER_MORE);
    assert_int_equal(proxy_header_read(slice_make(text, PROXY_HEADER_BYTES_MAX), &header), PROXY_HEADER_DONE);
    text[15]++;
    assert_int_equal(proxy_header_read(slice_make(text, 16), &header), PROXY_HEADER_BAD);
}

/* 107 bytes with CR and LF. */
static void a_line_is_bounded(void **state)
{
    (void)state;
    char text[120] = "PROXY UNKNOWN ";
    struct proxy_header header;
    memset(text + 14, 'x', 106);
    memcpy(text + 105, "\r\n", 2);
    assert_int_equal(proxy_header_read(slice_make(text, 106), &header), PROXY_HEADER_MORE);
    assert_int_equal(proxy_header_read(slice_make(text, 107), &header), PROXY_HEADER_DONE);
    memcpy(text + 105, "x\r\n", 3);
    assert_int_equal(proxy_header_read(slice_make(text, 106), &header), PROXY_HEADER_MORE);
    assert_int_equal(proxy_header_read(slice_make(text, 107), &header), PROXY_HEADER_BAD);
    assert_int_equal(proxy_header_read(slice_make(text, 108), &header), PROXY_HEADER_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_headers),      cmocka_unit_test(unix_sockets_have_no_address),
        cmocka_unit_test(bad_headers),       cmocka_unit_test(the_length_is_bounded),
        cmocka_unit_test(a_line_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
