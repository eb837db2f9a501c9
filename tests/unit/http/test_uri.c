/* Targets, hosts and paths: each form, each byte that is refused, and every way to climb out of a root. */
#include "../test.h"

#include "http/uri.h"

#include <stdlib.h>

/* A copy in an allocation of exactly the size, so that a read past the end is seen. */
static struct slice copy_tight(struct slice text)
{
    char *copy = malloc(text.length);
    if (text.length > 0)
        memcpy(copy, text.data, text.length);
    return slice_make(copy, text.length);
}

static void free_tight(struct slice copy)
{
    free((char *)copy.data);
}

static void cuts_targets(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        enum http_method method;
        enum http_scheme scheme;
        const char *host, *port, *path, *query; /* a NULL query: none */
    } cases[] = {
        {"/", HTTP_METHOD_GET, HTTP_SCHEME_NONE, "", "", "/", NULL},
        {"/a/b.html", HTTP_METHOD_GET, HTTP_SCHEME_NONE, "", "", "/a/b.html", NULL},
        {"/a?", HTTP_METHOD_GET, HTTP_SCHEME_NONE, "", "", "/a", ""},
        {"/a?b=c&d=/e?f", HTTP_METHOD_POST, HTTP_SCHEME_NONE, "", "", "/a", "b=c&d=/e?f"},
        {"//evil.example/", HTTP_METHOD_GET, HTTP_SCHEME_NONE, "", "", "//evil.example/", NULL},
        {"/%e2%82%ac?100%", HTTP_METHOD_GET, HTTP_SCHEME_NONE, "", "", "/%e2%82%ac", "100%"},
        {"/a|b^`{}[]~!$&'()*+,;=:@", HTTP_METHOD_GET, HTTP_SCHEME_NONE, "", "", "/a|b^`{}[]~!$&'()*+,;=:@",
         NULL},
        {"/?a|b^`{}[]\\%zz\"<>'", HTTP_METHOD_GET, HTTP_SCHEME_NONE, "", "", "/", "a|b^`{}[]\\%zz\"<>'"},
        {"http://example.com", HTTP_METHOD_GET, HTTP_SCHEME_HTTP, "example.com", "", "/", NULL},
        {"http://example.com?q", HTTP_METHOD_GET, HTTP_SCHEME_HTTP, "example.com", "", "/", "q"},
        {"HTTPS://Example.com:8443/a?q", HTTP_METHOD_GET, HTTP_SCHEME_HTTPS, "Example.com", "8443", "/a",
         "q"},
        {"http://[::1]:80/", HTTP_METHOD_GET, HTTP_SCHEME_HTTP, "[::1]", "80", "/", NULL},
        {"http://example.com:/", HTTP_METHOD_GET, HTTP_SCHEME_HTTP, "example.com", "", "/", NULL},
        {"http://example.com/http://x/", HTTP_METHOD_GET, HTTP_SCHEME_HTTP, "example.com", "", "/http://x/",
         NULL},
        {"*", HTTP_METHOD_OPTIONS, HTTP_SCHEME_NONE, "", "", "*", NULL},
        {"/a", HTTP_METHOD_OPTIONS, HTTP_SCHEME_NONE, "", "", "/a", NULL},
        {"http://example.com:8001", HTTP_METHOD_OPTIONS, HTTP_SCHEME_HTTP, "example.com", "8001", "*", NULL},
        {"http://example.com:8001?", HTTP_METHOD_OPTIONS, HTTP_SCHEME_HTTP, "example.com", "8001", "/", ""},
        {"example.com:443", HTTP_METHOD_CONNECT, HTTP_SCHEME_NONE, "example.com", "443", "", NULL},
        {"[2001:db8::1]:443", HTTP_METHOD_CONNECT, HTTP_SCHEME_NONE, "[2001:db8::1]", "443", "", NULL},
    };
    TABLE_ROWS(i, cases, cases[i].target) {
        struct slice target = copy_tight(slice_from(cases[i].target));
        struct http_uri uri;
        if (http_uri_parse(target, cases[i].method, &uri) != HTTP_URI_OK)
            fail_msg("%s was refused", cases[i].target);
        assert_int_equal(uri.scheme, cases[i].scheme);
        assert_slice(uri.host, cases[i].host);
        assert_slice(uri.port, cases[i].port);
        assert_slice(uri.path, cases[i].path);
        assert_int_equal(uri.query.data == NULL, cases[i].query == NULL);
        assert_slice(uri.query, cases[i].query);
        free_tight(target);
    }
}

static void refuses_targets(void **state)
{
    (void)state;
    static const struct {
        struct slice target;
        enum http_method method;
        enum http_uri_result result;
    } cases[] = {
        {SLICE(""), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("a"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("*"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("*"), HTTP_METHOD_CONNECT, HTTP_URI_BAD},
        {SLICE("**"), HTTP_METHOD_OPTIONS, HTTP_URI_BAD},
        {SLICE("?a"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("../etc/passwd"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/a#b"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/a?b#c"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/a b"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/a\tb"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/a?b c"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/a\0b"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/a?\0"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/a\r\n"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/\x7f"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/gr\xc3\xbcn"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/?\xff"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/<a>"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/\""), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/?\x7f"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/?a\r\nb"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/a\\b"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/%"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/%4"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/%4g"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/%G4"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/%:0"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("/%u002f"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("http://"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("http:///a"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("http://:80/a"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("http:/a"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("http:a"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("http"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("://a/"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("1http://a/"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("ht tp://a/"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("http://user@example.com/"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("http://user:secret@example.com/"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("http://example.com:65536/"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("http://example.com:8a/"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("http://example.com#a"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("http://example.com\\a"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("http://[::1/"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("http://[::1]a/"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("localhost:80"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("mailto:a@example.com"), HTTP_METHOD_GET, HTTP_URI_BAD},
        {SLICE("ftp://example.com/"), HTTP_METHOD_GET, HTTP_URI_MISDIRECTED},
        {SLICE("ws://example.com/"), HTTP_METHOD_GET, HTTP_URI_MISDIRECTED},
        {SLICE("/"), HTTP_METHOD_CONNECT, HTTP_URI_BAD},
        {SLICE("example.com"), HTTP_METHOD_CONNECT, HTTP_URI_BAD},
        {SLICE("example.com:"), HTTP_METHOD_CONNECT, HTTP_URI_BAD},
        {SLICE(":443"), HTTP_METHOD_CONNECT, HTTP_URI_BAD},
        {SLICE("example.com:443/"), HTTP_METHOD_CONNECT, HTTP_URI_BAD},
        {SLICE("http://example.com:443"), HTTP_METHOD_CONNECT, HTTP_URI_BAD},
    };
    TABLE_ROWS_OF_SLICES(i, cases, cases[i].target) {
        struct slice target = copy_tight(cases[i].target);
        struct http_uri uri = {.scheme = HTTP_SCHEME_HTTPS};
        if (http_uri_parse(target, cases[i].method, &uri) != cases[i].result)
            fail_msg("%.*s", SLICE_ARGS(target));
        assert_int_equal(uri.scheme, HTTP_SCHEME_HTTPS);
        free_tight(target);
    }
}

/* What lies behind the target in memory would make an escape of it. */
static void nothing_is_read_behind_the_target(void **state)
{
    (void)state;
    struct http_uri uri;
    struct slice host, port;
    assert_int_equal(http_uri_parse(slice_make("/%41", 3), HTTP_METHOD_GET, &uri), HTTP_URI_BAD);
    assert_int_equal(http_uri_parse(slice_make("/%41", 2), HTTP_METHOD_GET, &uri), HTTP_URI_BAD);
    assert_false(http_host_parse(slice_make("a%41", 3), &host, &port));
    assert_false(http_host_parse(slice_make("[::1]", 4), &host, &port));
}

static void cuts_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool valid;
        const char *host, *port;
    } cases[] = {
        {"", true, "", ""},
        {"example.com", true, "example.com", ""},
        {"Example.COM.:80", true, "Example.COM.", "80"},
        {"a_b-c.example", true, "a_b-c.example", ""},
        {"caf%c3%a9.example", true, "caf%c3%a9.example", ""},
        {"127.0.0.1:0", true, "127.0.0.1", "0"},
        {"localhost:65535", true, "localhost", "65535"},
        {"localhost:000080", true, "localhost", "000080"},
        {"localhost:", true, "localhost", ""},
        {"[::]", true, "[::]", ""},
        {"[::ffff:1.2.3.4]:80", true, "[::ffff:1.2.3.4]", "80"},
        {"[2001:DB8:0:0:1:2:3:4]", true, "[2001:DB8:0:0:1:2:3:4]", ""},
        {"localhost:65536", false, NULL, NULL},
        {"localhost:18446744073709551696", false, NULL, NULL},
        {"localhost:-1", false, NULL, NULL},
        {"localhost:+80", false, NULL, NULL},
        {"localhost: 80", false, NULL, NULL},
        {"localhost:80:80", false, NULL, NULL},
        {":80", false, NULL, NULL},
        {":", false, NULL, NULL},
        {"a b", false, NULL, NULL},
        {"a, b", false, NULL, NULL},
        {"a/b", false, NULL, NULL},
        {"a?b", false, NULL, NULL},
        {"a#b", false, NULL, NULL},
        {"a\\b", false, NULL, NULL},
        {"user@a", false, NULL, NULL},
        {"http://a", false, NULL, NULL},
        {"a%", false, NULL, NULL},
        {"a%2", false, NULL, NULL},
        {"a%zz", false, NULL, NULL},
        {"caf\xc3\xa9", false, NULL, NULL},
        {"<a>", false, NULL, NULL},
        {"::1", false, NULL, NULL},
        {"[", false, NULL, NULL},
        {"]", false, NULL, NULL},
        {"[]", false, NULL, NULL},
        {"[::1", false, NULL, NULL},
        {"[::1]80", false, NULL, NULL},
        {"[::1]]", false, NULL, NULL},
        {"[1::2::3]", false, NULL, NULL},
        {"[1:2:3:4:5:6:7]", false, NULL, NULL},
        {"[1:2:3:4:5:6:7:8:9]", false, NULL, NULL},
        {"[::12345]", false, NULL, NULL},
        {"[127.0.0.1]", false, NULL, NULL},
        {"[fe80::1%25eth0]", false, NULL, NULL},
        {"[v1.a]", false, NULL, NULL},
        {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", false, NULL, NULL},
    };
    TABLE_ROWS(i, cases, cases[i].value) {
        struct slice value = copy_tight(slice_from(cases[i].value));
        struct slice host = {0}, port = {0};
        if (http_host_parse(value, &host, &port) != cases[i].valid)
            fail_msg("%s", cases[i].value);
        assert_slice(host, cases[i].host);
        assert_slice(port, cases[i].port);
        free_tight(value);
    }
    struct slice host, port;
    assert_false(http_host_parse(SLICE("[::1\0]"), &host, &port));
    assert_false(http_host_parse(SLICE("a\0b"), &host, &port));
}

static void normalizes_paths(void **state)
{
    (void)state;
    static const struct {
        const char *encoded;
        const char *decoded_form; /* NULL: bad */
        const char *encoded_form; /* NULL: the same */
        enum http_path_result result;
    } cases[] = {
        {"/", "/"},
        {"/a/b", "/a/b"},
        {"/a/b/", "/a/b/"},
        {"/a.b/c..d/e...", "/a.b/c..d/e..."},
        {"/.hidden/..a/...", "/.hidden/..a/..."},
        {"/.", "/"},
        {"/./", "/"},
        {"/..", "/"},
        {"/../", "/"},
        {"/../../etc/passwd", "/etc/passwd"},
        {"/a/..", "/"},
        {"/a/.", "/a/"},
        {"/a/b/..", "/a/"},
        {"/a/b/../", "/a/"},
        {"/a/b/../c", "/a/c"},
        {"/a/b/c/./../../g", "/a/g"}, /* the RFC's own */
        {"/a/./././b", "/a/b"},
        {"/a/../../../b", "/b"},
        {"//", "/"},
        {"//a", "/a"},
        {"/a//b///c//", "/a/b/c/"},
        {"/a//../b", "/b"}, /* slashes are merged before a segment is taken away */
        {"//evil.example/..", "/"},
        {"//evil.example/%61", "/evil.example/a", "/evil.example/%61"},
        {"/.//evil.example", "/evil.example"},
        {"/%2e//evil.example", "/evil.example"},
        {"/%61", "/a", "/%61"},
        {"/%2e", "/"},
        {"/%2e%2e/a", "/a"},
        {"/a/%2E%2e/b", "/b"},
        {"/a/.%2e/b", "/b"},
        {"/a/%2e./b", "/b"},
        {"/%61/%62/%2e%2e/%63", "/a/c", "/%61/%63"},
        {"/%2ea/%2e%2e%2e", "/.a/...", "/%2ea/%2e%2e%2e"},
        {"/%252e%252e/a", "/%2e%2e/a", "/%252e%252e/a"}, /* once */
        {"/%25", "/%", "/%25"},
        {"/a%20b%3f%23", "/a b?#", "/a%20b%3f%23"},
        {"/%e2%82%ac", "/\xe2\x82\xac", "/%e2%82%ac"},
        {"/%ff%0d%0a", "/\xff\r\n", "/%ff%0d%0a"},
        {"/%5c..%5c", "/\\..\\", "/%5c..%5c"}, /* a backslash is a letter here */
        {"/..;/a", "/..;/a"},
        {"/a:b@c;d=e!$&'()*+,/%3A[^`{|}]", "/a:b@c;d=e!$&'()*+,/:[^`{|}]", "/a:b@c;d=e!$&'()*+,/%3A[^`{|}]"},
        /* An encoded slash is a letter of its segment, that no file can have in its name. */
        {"/%2f", "/%2f", NULL, HTTP_PATH_NO_FILE},
        {"/a%2Fb%61/./c", "/a%2Fba/c", "/a%2Fb%61/c", HTTP_PATH_NO_FILE},
        {"/..%2fetc", "/..%2fetc", NULL, HTTP_PATH_NO_FILE},
        {"/a/..%2F..%2f/%2e%2e/b", "/a/b", NULL, HTTP_PATH_NO_FILE},
        {"/%2f%2fevil.example/..%2f", "/%2f%2fevil.example/..%2f", NULL, HTTP_PATH_NO_FILE},
        {"/a%252fb", "/a%2fb", "/a%252fb"}, /* this one can */
        {"", NULL},
        {"*", NULL},
        {"a", NULL},
        {"../a", NULL},
        {"/%00", NULL},
        {"/a%00.html", NULL},
        {"/%2f%00", NULL},
        {"/%", NULL},
        {"/%2", NULL},
        {"/%zz", NULL},
        {"/a/..%", NULL},
    };
    TABLE_ROWS(i, cases, cases[i].encoded) {
        struct slice encoded = copy_tight(slice_from(cases[i].encoded));
        const char *forms[] = {
            [HTTP_PATH_DECODED] = cases[i].decoded_form,
            [HTTP_PATH_ENCODED] = cases[i].encoded_form ? cases[i].encoded_form : cases[i].decoded_form,
        };
        for (unsigned form = 0; form < ARRAY_LENGTH(forms); form++) {
            char *out = malloc(encoded.length);
            struct slice path = {0};
            enum http_path_result result =
                http_path_normalize(encoded, (enum http_path_form)form, out, encoded.length, &path);
            if (result != (forms[form] ? cases[i].result : HTTP_PATH_BAD))
                fail_msg("%s", cases[i].encoded);
            assert_slice(path, forms[form]);
            free(out);
        }
        free_tight(encoded);
    }
}

/* Only of a path that is returned as it is a parser says so. */
static void knows_what_is_normal(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        enum http_method method;
        bool is_normal;
    } cases[] = {
        {"/", HTTP_METHOD_GET, true},
        {"/a/b.c/d?../", HTTP_METHOD_GET, true},
        {"http://example.com/a", HTTP_METHOD_GET, true},
        {"http://example.com", HTTP_METHOD_GET, true},
        {"/a/../b", HTTP_METHOD_GET, false},
        {"/a/.b", HTTP_METHOD_GET, false},
        {"//a", HTTP_METHOD_GET, false},
        {"/%61", HTTP_METHOD_GET, false},
        {"*", HTTP_METHOD_OPTIONS, false},
        {"example.com:443", HTTP_METHOD_CONNECT, false},
    };
    TABLE_ROWS(i, cases, cases[i].target) {
        struct http_uri uri;
        assert_int_equal(http_uri_parse(slice_from(cases[i].target), cases[i].method, &uri), HTTP_URI_OK);
        assert_int_equal(uri.path_is_normal, cases[i].is_normal);
    }
}

static void copies_only_what_it_must(void **state)
{
    (void)state;
    struct slice encoded = SLICE("/a/b.c/d");
    struct slice path;
    assert_int_equal(http_path_normalize(encoded, HTTP_PATH_DECODED, NULL, 0, &path), HTTP_PATH_OK);
    assert_ptr_equal(path.data, encoded.data);
    char out[4];
    assert_int_equal(http_path_normalize(SLICE("/a\0b"), HTTP_PATH_DECODED, out, sizeof(out), &path),
                     HTTP_PATH_BAD);
    assert_int_equal(http_path_normalize(SLICE("/.\0"), HTTP_PATH_DECODED, out, sizeof(out), &path),
                     HTTP_PATH_BAD);
    assert_int_equal(http_path_normalize(SLICE("/%61"), HTTP_PATH_DECODED, out, sizeof(out), &path),
                     HTTP_PATH_OK);
    assert_ptr_equal(path.data, out);
    assert_int_equal(http_path_normalize(SLICE("/%61b"), HTTP_PATH_DECODED, out, sizeof(out), &path),
                     HTTP_PATH_TOO_LONG);
}

static void encodes_what_it_decodes(void **state)
{
    (void)state;
    char path[256] = "/";
    for (int byte = 1; byte < 256; byte++)
        path[byte] = (char)byte;
    path['.'] = 'x'; /* else it would stand alone between two slashes' worth of meaning */
    path['/'] = 'y';
    struct buffer buffer;
    buffer_init(&buffer, 4096);
    http_path_encode(&buffer, slice_make(path, sizeof(path)));
    assert_false(buffer.failed);
    struct slice encoded = buffer_slice(&buffer);
    struct http_uri uri;
    assert_int_equal(http_uri_parse(encoded, HTTP_METHOD_GET, &uri), HTTP_URI_OK);
    char out[1024];
    struct slice again;
    assert_int_equal(http_path_normalize(encoded, HTTP_PATH_DECODED, out, sizeof(out), &again), HTTP_PATH_OK);
    assert_true(slice_equal(again, slice_make(path, sizeof(path))));

    buffer_clear(&buffer);
    http_path_encode(&buffer, SLICE("/a b/\"<&'>?#%:\r\n\xc3\xa9-._~"));
    assert_slice(buffer_slice(&buffer), "/a%20b/%22%3C%26%27%3E%3F%23%25%3A%0D%0A%C3%A9-._~");
    buffer_clear(&buffer);
    http_query_append(&buffer, SLICE("a=\"b\"&<c>=d'[^`{|}]%zz%22"));
    assert_slice(buffer_slice(&buffer), "a=%22b%22&%3Cc%3E=d'[^`{|}]%zz%22");
    buffer_finish(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_targets),
        cmocka_unit_test(refuses_targets),
        cmocka_unit_test(nothing_is_read_behind_the_target),
        cmocka_unit_test(cuts_hosts),
        cmocka_unit_test(normalizes_paths),
        cmocka_unit_test(copies_only_what_it_must),
        cmocka_unit_test(knows_what_is_normal),
        cmocka_unit_test(encodes_what_it_decodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
