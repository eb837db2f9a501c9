/* Lists from their end, elements of Forwarded, and addresses with and without ports. */
#include "../test.h"

#include "base/buffer.h"
#include "http/forwarded.h"

static void lists_are_read_from_their_end(void **state)
{
    (void)state;
    static const struct {
        const char *list, *expected;
    } rows[] = {
        {"", ""},
        {" , ,", ""},
        {"a", "[a]"},
        {"a, b ,c", "[c][b][a]"},
        {",a,,b,", "[b][a]"},
        {"for=\"a,b\", for=c", "[for=c][for=\"a,b\"]"},
        {"for=c, for=\"a,b\"", "[for=\"a,b\"][for=c]"},
        {"for=\"a, for=b", "[for=b][for=\"a]"}, /* a string that a stranger left open takes nothing along */
        {"x\", for=\"b\"", "[for=\"b\"][x\"]"},
    };
    TABLE_ROWS(i, rows, rows[i].list) {
        struct slice rest = slice_from(rows[i].list), element;
        struct buffer shown;
        buffer_init(&shown, 1000);
        while (http_forwarded_last(&rest, &element))
            buffer_printf(&shown, "[%.*s]", SLICE_ARGS(element));
        assert_slice(buffer_slice(&shown), rows[i].expected);
        buffer_finish(&shown);
    }
}

static void elements_of_forwarded(void **state)
{
    (void)state;
    static const struct {
        const char *element;
        bool is_good;
        const char *client, *scheme;
    } rows[] = {
        {"for=192.0.2.1", true, "192.0.2.1", NULL},
        {"For=192.0.2.1;proto=https;by=10.0.0.1;host=a", true, "192.0.2.1", "https"},
        {"proto=http ; FOR=\"[2001:db8::1]:80\"", true, "[2001:db8::1]:80", "http"},
        {"proto=http", true, NULL, "http"},
        {"for=\"a;b\";proto=https", true, "a;b", "https"},
        {"for=unknown", true, "unknown", NULL},
        {"for=_hidden", true, "_hidden", NULL},
        {"for", false, NULL, NULL},
        {"for=", false, NULL, NULL},
        {"for=a;for=b", false, NULL, NULL},
        {"for=a;proto=http;proto=https", false, NULL, NULL},
        {"for=\"a", false, NULL, NULL},
        {"for=a\"", false, NULL, NULL},
        {"for=\"\\a\"", false, NULL, NULL},
        {"for=\"a\"b\"", false, NULL, NULL},
        {"", false, NULL, NULL},
        {"for=a;", false, NULL, NULL},
    };
    TABLE_ROWS(i, rows, rows[i].element) {
        struct http_forwarded forwarded;
        assert_int_equal(http_forwarded_read(slice_from(rows[i].element), &forwarded), rows[i].is_good);
        if (!rows[i].is_good)
            continue;
        assert_slice(forwarded.client, rows[i].client);
        assert_slice(forwarded.scheme, rows[i].scheme);
    }
}

static void addresses_lose_their_ports(void **state)
{
    (void)state;
    static const struct {
        const char *node, *host;
    } rows[] = {
        {"", ""},
        {"192.0.2.1", "192.0.2.1"},
        {"192.0.2.1:80", "192.0.2.1"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"[2001:db8::1]:80", "2001:db8::1"},
        {"2001:db8::1", "2001:db8::1"},
        {"::1", "::1"},
        {"[::1", "[::1"},
        {"unknown", "unknown"},
        {"_hidden:80", "_hidden"},
    };
    TABLE_ROWS(i, rows, rows[i].node)
        assert_slice(http_forwarded_host(slice_from(rows[i].node)), rows[i].host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read_from_their_end),
        cmocka_unit_test(elements_of_forwarded),
        cmocka_unit_test(addresses_lose_their_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
