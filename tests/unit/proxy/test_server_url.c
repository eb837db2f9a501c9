/* URLs of servers. */
#include "../test.h"

#include "proxy/server_url.h"

#include <stdio.h>

static void good_ones(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host, *authority, *path;
        unsigned port;
        bool is_secure, is_h2;
    } rows[] = {
        {"http://127.0.0.1:3000", "127.0.0.1", "127.0.0.1:3000", "", 3000},
        {"http://a.example", "a.example", "a.example", "", 80},
        {"http://a.example/", "a.example", "a.example", "", 80},
        {"https://a.example", "a.example", "a.example", "", 443, true},
        {"https://[::1]:8443/", "::1", "[::1]:8443", "", 8443, true},
#ifdef HAVE_HTTP2
        {"h2c://a.example", "a.example", "a.example", "", 80, false, true},
        {"h2c://[::1]:50051/", "::1", "[::1]:50051", "", 50051, false, true},
#endif
        {"http://[::1]:81", "::1", "[::1]:81", "", 81},
        {"unix:/run/a b.sock", "", "localhost", "/run/a b.sock", 0},
    };
    TABLE_ROWS(i, rows, rows[i].url) {
        struct server_url url = {0};
        assert_null(server_url_parse(slice_from(rows[i].url), &url));
        assert_slice(url.host, rows[i].host);
        assert_slice(url.authority, rows[i].authority);
        assert_slice(url.path, rows[i].path);
        assert_int_equal(url.port, rows[i].port);
        assert_int_equal(url.is_secure, rows[i].is_secure);
        assert_int_equal(url.is_h2, rows[i].is_h2);
    }
}

static void bad_ones(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",           "a",           "http:",      "http://",        "http:///x",  "http://:80",
        "http://a:0", "http://a:-1", "http://a:x", "http://a:99999", "http://a b", "http://a/b",
        "http://a?b", "http://a#b",  "http://u@a", "https://",       "ftp://a",    "h2c://",
        "h2://a",     "unix:",       "HTTP://a",
    };
    TABLE_ROWS(i, rows, rows[i]) {
        struct server_url url;
        assert_non_null(server_url_parse(slice_from(rows[i]), &url));
    }
}

/* "h2c://" says it all; without TLS there is no ALPN that a server could choose by. */
static void what_is_spoken(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum proxy_http wanted, spoken;
    } rows[] = {
        {"http://a", PROXY_HTTP_1, PROXY_HTTP_1},    {"http://a", PROXY_HTTP_2, PROXY_HTTP_2},
        {"http://a", PROXY_HTTP_AUTO, PROXY_HTTP_1}, {"unix:/a", PROXY_HTTP_2, PROXY_HTTP_2},
        {"unix:/a", PROXY_HTTP_AUTO, PROXY_HTTP_1},  {"https://a", PROXY_HTTP_1, PROXY_HTTP_1},
        {"https://a", PROXY_HTTP_2, PROXY_HTTP_2},   {"https://a", PROXY_HTTP_AUTO, PROXY_HTTP_AUTO},
#ifdef HAVE_HTTP2
        {"h2c://a", PROXY_HTTP_1, PROXY_HTTP_2},     {"h2c://a", PROXY_HTTP_AUTO, PROXY_HTTP_2},
#endif
    };
    TABLE_ROWS(i, rows, rows[i].url) {
        struct server_url url;
        assert_null(server_url_parse(slice_from(rows[i].url), &url));
        assert_int_equal(server_url_http(&url, rows[i].wanted), rows[i].spoken);
    }
}

/* A longer one is refused, and not cut. */
static void the_longest_host(void **state)
{
    (void)state;
    char text[SERVER_HOST_BYTES_MAX + 20];
    for (size_t length = SERVER_HOST_BYTES_MAX; length <= SERVER_HOST_BYTES_MAX + 5; length++) {
        struct server_url url = {0};
        int used = snprintf(text, sizeof(text), "http://%0*d:80", (int)length, 1);
        const char *fault = server_url_parse(slice_make(text, (size_t)used), &url);
        assert_int_equal(fault == NULL, length == SERVER_HOST_BYTES_MAX);
        assert_int_equal(url.host.length, fault ? 0 : length);
    }
}

static void names_of_certificates(void **state)
{
    (void)state;
    static const struct {
        const char *url, *name;
    } rows[] = {
        {"https://a.example:81", "a.example"},   {"https://_https._tcp.a.example", "a.example"},
        {"https://_api.a.example", "a.example"}, {"https://a._b.example", "a._b.example"},
        {"https://[::1]:8443", "::1"},           {"https://_https._tcp", "_tcp"},
        {"https://_https._tcp.", "_tcp."},
    };
    TABLE_ROWS(i, rows, rows[i].url) {
        struct server_url url;
        assert_null(server_url_parse(slice_from(rows[i].url), &url));
        assert_slice(server_url_certificate_name(&url), rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones),
        cmocka_unit_test(bad_ones),
        cmocka_unit_test(what_is_spoken),
        cmocka_unit_test(the_longest_host),
        cmocka_unit_test(names_of_certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
