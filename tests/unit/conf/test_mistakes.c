/* What is told about a bad configuration: every mistake, at its place. */
#include "loading.h"

#include <stdio.h>

#define ROUTE(text) "sites: [{routes: {/: {" text "}}}]"
#define LONG        "a234567890123456789012345678901234567890123456789.a12345678901234" /* 64 bytes */
#define GOOD        "\n" ROUTE("respond: a")

/* One mistake each, and the words that its message must have. */
static const struct {
    const char *text;
    const char *told;
} cases[] = {
    {"[]", "vif.yaml:1:1: error: expected options"},
    {"sites: []", "vif.yaml:1:8: error: sites: expected a list of at least one site"},
    {"lisen: ':80'" GOOD,
     "vif.yaml:1:1: error: unknown option \"lisen\" at the top of the file; did you mean \"listen\"?"},
    {"limits: {hed: 1KiB}" GOOD, "1:10: error: unknown option \"hed\" in limits; did you mean \"head\"?"},
    {"workers: 0x3" GOOD, "1:10: error: workers: expected a number from 1 to 1024, or auto, not \"0x3\""},
    {"workers: 1025" GOOD, "1:10: error: workers: expected a number"},
    {"workers: 0" GOOD, "1:10: error: workers: expected a number from 1 to 1024, or auto, not \"0\""},
    {"workers: [1]" GOOD, "workers: expected a number from 1 to 1024, or auto, not a list"},
    {"server_header: 1" GOOD, "server_header: expected true or false, not \"1\""},
    {"limits: {head: 255}" GOOD, "limits.head: expected a size from 256 to 1MiB, not \"255\""},
    {"limits: {headers: 1001}" GOOD, "limits.headers: expected a number from 1 to 1000"},
    {"limits: {cache_file: 5GiB}" GOOD, "limits.cache_file: expected a size from 0 to 1GiB"},
    {"timeouts: {idle: 10}" GOOD,
     "timeouts.idle: expected a duration such as \"10s\" from 1ms to 1d, not \"10\""},
    {"timeouts: {idle: 0}" GOOD, "timeouts.idle: expected a duration"},
    {"limits: 5" GOOD, "limits: expected a map of options, not \"5\""},
    {"log: {access: {format: jsn}}" GOOD,
     "expected common, combined or json, not \"jsn\"; did you mean \"json\"?"},
    {"listen: example.com:80" GOOD, "listen.address: \"example.com:80\": the host must be"},
    {"listen: ':65536'" GOOD, "the port must be a number from 0 to 65535"},
    {"listen: '[fe80::1%none]:80'" GOOD, "there is no such network interface"},
    {"unix_socket: {mode: 0680}" GOOD, "unix_socket.mode: \"0680\": it is not octal; expected three octal"},
    {"unix_socket: {mode: 66}" GOOD, "unix_socket.mode: \"66\": it has not three digits"},
    {"unix_socket: {mode: 1777}" GOOD, "it has not three digits"},
    {"unix_socket: {owner: no-such-user}" GOOD, "unix_socket.owner: \"no-such-user\": there is no such user"},
    {"unix_socket: {group: 4294967295}" GOOD, "there is no such group"},
    {"listen: []" GOOD, "listen: expected a list of 1 to 64, not 0"},
    {"listen: [':80', ':81', ':80']" GOOD, "1:24: error: listen: duplicate \":80\" (first in line 1)"},
    {"sites: [{routes: {}}]", "routes: expected a map of at least one path"},
    {"sites: [{hosts: 'a:80', routes: {/: {respond: a}}}]", "it has a port or a scheme"},
    {"sites: [{hosts: 'a..b', routes: {/: {respond: a}}}]", "it is not a host name"},
    {"sites: [{hosts: '*a', routes: {/: {respond: a}}}]", "it is not a host name"},
    {"sites: [{hosts: a., routes: {/: {respond: a}}}]", "it is not a host name"},
    {"sites: [{hosts: '[fe80::1%lo]', routes: {/: {respond: a}}}]", "it has a port or a scheme"},
    {"sites: [{hosts: [a, A], routes: {/: {respond: a}}}]", "hosts: duplicate \"a\""},
    {"sites: [{routes: {/: {respond: a}}}, {routes: {/: {respond: a}}}]", "hosts: duplicate \"*\""},
    {"sites: [{routes: {a: {respond: a}}}]", "it does not begin with \"/\""},
    {"sites: [{routes: {/a/../b: {respond: a}}}]", "it has a segment that is empty, \".\" or \"..\""},
    {"sites: [{routes: {/a: {respond: a}, /a/: {respond: a}}}]", "routes: duplicate \"/a\""},
    {"sites: [{routes: {/: {}}}]", "this route needs one of files, redirect, respond"},
    {ROUTE("respond: a, redirect: /b"), "a route can have only one of files, redirect, respond"},
    {ROUTE("files: /, redirect: {to: [x]}"), "a route can have only one of files, redirect, respond"},
    {ROUTE("files: {listing: true}"), "files.root is missing"},
    {ROUTE("files: /nowhere/at/all"), "files.root: \"/nowhere/at/all\": No such file or directory"},
    {ROUTE("files: /dev/null"), "it is not a folder"},
    {ROUTE("files: {root: /tmp, index: a/b}"), "it is not the name of a file"},
    {ROUTE("files: {root: /tmp, fallback: ../x}"), "it is not a file below the root"},
    {ROUTE("files: {root: /tmp, cors: 'https://a/b'}"), "it is not an origin"},
    {ROUTE("files: /tmp, cors: ['https://a', 'https://b/']"), "\"https://b/\": it is not an origin"},
    {ROUTE("files: /tmp, cors: 'https://a,https://b'"), "it is not an origin"},
    {ROUTE("files: /tmp, cors: 'https://a,b'"), "it is not an origin"},
    {ROUTE("files: /tmp, cors: 'https://u@a'"), "it is not an origin"},
    {ROUTE("files: /tmp, cors: 'https://a*.b'"), "it is not an origin"},
    {ROUTE("files: /tmp, cors: 'https://*.'"), "it is not an origin"},
    {ROUTE("files: /tmp, cors: a.example"), "it is not an origin"},
    {ROUTE("files: /tmp, cors: 'https://'"), "it is not an origin"},
    {ROUTE("files: /tmp, cors: 'https://a:443'"), "browsers leave this port out"},
    {ROUTE("files: /tmp, cors: {a: b}"), "cors: expected a list, not a map"},
    {ROUTE("files: {root: /tmp, error_pages: {200: x}}"), "it is not the status of an error"},
    {ROUTE("files: {root: /tmp, cache: {x: \"a\\nb\"}}"), "it has a control character or line break in it"},
    {ROUTE("redirect: {to: /b, status: 300}"), "expected 301, 302, 303, 307 or 308"},
    {ROUTE("redirect: {status: 301}"), "redirect.to is missing"},
    {ROUTE("redirect: example.com"), "it is neither a URL nor a path"},
    {ROUTE("redirect: //example.com"), "it could lead to another host"},
    {ROUTE("redirect: '/{uri}'"), "it could lead to another host"},
    {ROUTE("redirect: '/\\evil.example'"), "it could lead to another host"},
    {ROUTE("redirect: 'https://{path}'"), "it could lead to another host"},
    {ROUTE("redirect: 'https:///a'"), "it could lead to another host"},
    {ROUTE("redirect: 'https://'"), "it could lead to another host"},
    {ROUTE("redirect: '/a{querys}'"), "it has an unknown placeholder"},
    {ROUTE("redirect: 'https://a/{x}'"), "it has an unknown placeholder"},
    {ROUTE("respond: {status: 101}"), "respond.status: expected a number from 200 to 599"},
    {ROUTE("respond: {status: 204, body: a}"),
     "1:52: error: respond.body: a response with status 204 has no content"},
    {ROUTE("respond: {body: a, status: 205}"),
     "1:39: error: respond.body: a response with status 205 has no content"},
    {ROUTE("respond: a, early_hints: true, headers: {remove: [Link]}"),
     "error: early_hints: this route sets no Link header, which is what would be sent; write headers: "},
    {ROUTE("respond: {status: 304, body: a}"), "a response with status 304 has no content"},
    {ROUTE("respond: {status: [], body: a}"),
     "respond.status: expected a number from 200 to 599, not a list"},
    {ROUTE("respond: a, headers: {set: {'a b': c}}"), "it is not the name of a header"},
    {ROUTE("respond: a, headers: {remove: [Content-Length]}"), "vif computes this header"},
    {"a: &b [*b]", "\"*b\" needs quotes, unless it is an alias of \"&b\", which is not above"},
    {"a: \"\\0\"", "a text cannot have a NUL byte in it"},
};

static void tells_what_is_wrong(void **state)
{
    (void)state;
    TABLE_ROWS(i, cases, cases[i].text) {
        struct loading loading = load(slice_from(cases[i].text));
        assert_int_equal(loading.error, ERROR_SYNTAX);
        assert_null(loading.config);
        if (strstr(loading.printed.data, cases[i].told) == NULL)
            fail_msg("%s\nshould say: %s\nbut says:\n%s", cases[i].text, cases[i].told, loading.printed.data);
        unload(&loading);
    }
}

/* What vif computes it must compute alone: a wrong one breaks the message, or a cache. */
static void leaves_computed_fields_alone(void **state)
{
    (void)state;
    static const char *const computed[] = {
        "Connection",
        "Content-Length",
        "Transfer-Encoding",
        "Date",
        "Content-Encoding",
        "Content-Range",
        "Trailer",
        "Keep-Alive",
        "TE",
        "Proxy-Connection",
        "upgrade",
        "ALLOW",
        "ETag",
        "etag",
        "Last-Modified",
        "Accept-Ranges",
    };
    TABLE_ROWS(i, computed, computed[i]) {
        char text[256];
        snprintf(text, sizeof(text), ROUTE("respond: a, headers: {set: {X-A: b, %s: c}}"), computed[i]);
        struct loading loading = load(slice_from(text));
        assert_int_equal(loading.error, ERROR_SYNTAX);
        if (strstr(loading.printed.data, "vif computes this header") == NULL)
            fail_msg("%s: %s", computed[i], loading.printed.data);
        unload(&loading);
    }
    struct loading loading = load(SLICE(ROUTE("respond: a, headers: {remove: [Content-Encoding, Allow]}")));
    assert_int_equal(loading.diagnostics.errors, 2);
    unload(&loading);
    loading = load_good(ROUTE("respond: a, headers: {set: {Vary: Cookie, Server: b, Content-Type: text/css}, "
                              "remove: [ETag, last-modified, Accept-Ranges, Server]}"));
    unload(&loading);
}

/* For one release; what is called "headers" was called "fields". */
static void warns_of_old_names(void **state)
{
    (void)state;
    struct loading loading =
        load(SLICE("server_field: no\nlimits: {fields: 5}\nsites:\n- fields: {set: {X-A: a}}\n"
                   "  routes: {/: {respond: a, fields: {remove: [Server]}}}\n"));
    assert_int_equal(loading.error, 0);
    assert_int_equal(loading.diagnostics.count, 4);
    assert_int_equal(loading.diagnostics.errors, 0);
    assert_non_null(
        strstr(loading.printed.data,
               "vif.yaml:4:3: warning: \"fields\" is called \"headers\" now; the next release will not "
               "know the old name\n    4 | - fields: {set: {X-A: a}}\n      |   ^~~~~~\n"));
    assert_false(loading.config->settings->server_field);
    assert_int_equal(loading.config->settings->limits.fields, 5);
    assert_int_equal(loading.config->settings->sites[0].routes[0].field_edit_count, 2);
    unload(&loading);
    loading = load(SLICE(ROUTE("respond: a, fields: {}, headers: {}")));
    assert_int_equal(loading.error, ERROR_SYNTAX);
    assert_non_null(
        strstr(loading.printed.data, "error: \"fields\" is the old name of \"headers\", which is there too"));
    unload(&loading);
}

/* What the unknown word was meant for is not missing as well. */
static void tells_one_mistake_once(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *told;
    } ones[] = {
        {"site: [{routes: {/: {respond: a}}}]",
         "1:1: error: unknown option \"site\" at the top of the file; did you mean \"sites\"?"},
        {ROUTE("file: /tmp"), "unknown option \"file\" in sites[].routes{}; did you mean \"files\"?"},
        {ROUTE("files: {rot: /tmp}"), "unknown option \"rot\" in files; did you mean \"root\"?"},
        {"sites: [{route: {/: {respond: a}}}]",
         "unknown option \"route\" in sites[]; did you mean \"routes\"?"},
        {"root: /tmp", "unknown option \"root\" at the top of the file; a route serves a folder"},
        {"sites: [{routes: {/: {respond: a}, /: {respond: b}}}]", "duplicate key \"/\" (first in line 1)"},
        {ROUTE("proxy_pass: 'http://127.0.0.1'"),
         "unknown option \"proxy_pass\" in sites[].routes{}; a route forwards requests"},
        {ROUTE("proxy: 'https://127.0.0.1/path'"),
         "proxy.to[].server: \"https://127.0.0.1/path\": it has a path"},
        {ROUTE("proxy: {to: 'https://127.0.0.1', tls: {name: 'a:1'}}"),
         "proxy.tls.name: \"a:1\": it is not the name of a host"},
        {ROUTE("proxy: 'http://" LONG LONG LONG LONG "'"), "its host has more than 253 bytes"},
        {ROUTE("proxy: {to: 'https://127.0.0.1', tls: {name: " LONG LONG LONG LONG "}}"),
         "it has more than 253 bytes"},
        {ROUTE("proxy: 'http://127.0.0.1/app'"), "it has a path: requests keep their own"},
        {ROUTE("proxy: 'http://127.0.0.1:99999'"), "it has no valid host and port"},
        {ROUTE("proxy: 'ftp://127.0.0.1'"),
         "it does not begin with \"http://\", \"https://\", \"h2c://\" or \"unix:\""},
        {ROUTE("proxy: 'http://a@b'"), "it has a user name, which is not sent to servers"},
        {ROUTE("proxy: 'unix:'"), "the path behind \"unix:\" is empty"},
        {ROUTE("proxy: []"), "proxy.to: expected a list of 1 to 64, not 0"},
        {ROUTE("proxy: {balance: round_robin}"), "proxy needs one of to, to_file"},
        {ROUTE("proxy: {to: 3000, balance: random}"),
         "expected round_robin, least_connections, least_time or hash"},
        {ROUTE("proxy: {to: 3000, prefix: v2}"), "it does not begin with \"/\""},
        {ROUTE("proxy: {to: 3000, prefix: '/a b'}"), "it is not a path as it stands in a URL"},
        {ROUTE("proxy: {to: 3000, host: 'a b'}"), "it is not a host"},
        {ROUTE("listing: true"), "; it is an option of files"},
        {"headers: {set: {A: b}}" GOOD, "; a site or a route has \"headers: {set: {NAME: VALUE}}\""},
        {"tls: {cert: a}" GOOD, "unknown option \"tls\" at the top of the file; a listener speaks TLS"},
        {"sites: [{server_name: a, location: {}}]",
         "unknown option \"server_name\" in sites[]; the names of a site are its \"hosts\""},
        {"hosts: a" GOOD, "; it is an option of sites[]"},
        {"log: {level: debug}" GOOD, "unknown option \"level\" in log; it is an option of log.error"},
        {"Listen: 80" GOOD, "did you mean \"listen\"?"},
        {"sites: [{routes: {/: /tmp}}]",
         "expected a map of options, not \"/tmp\"; to serve a folder, write {files: FOLDER}"},
        {"sites: {routes: {/: {respond: a}}}",
         "sites: expected a list of sites, each beginning with \"- \", not a map"},
    };
    TABLE_ROWS(i, ones, ones[i].text) {
        struct loading loading = load(slice_from(ones[i].text));
        size_t expected = strstr(ones[i].text, "location") ? 2 : 1;
        if (strstr(loading.printed.data, ones[i].told) == NULL || loading.diagnostics.errors != expected)
            fail_msg("%s\nshould say: %s\nbut says:\n%s", ones[i].text, ones[i].told, loading.printed.data);
        unload(&loading);
    }
}

static void tells_a_shared_mistake_once(void **state)
{
    (void)state;
    struct loading loading =
        load(SLICE("sites: [{routes: {/a: &a {respond: {status: 1}}, /b: *a, /c: *a}}]"));
    assert_int_equal(loading.diagnostics.errors, 1);
    unload(&loading);
}

static void tells_all_mistakes_in_order_with_carets(void **state)
{
    (void)state;
    struct loading loading = load(SLICE("workers: many\n"
                                        "limits: {\"h\xc3\xa9\": 1, body: 1x}\n"
                                        "sites:\n"
                                        "\t- x"));
    assert_non_null(strstr(loading.printed.data, "vif.yaml:4:1: error: a tab cannot indent a line in YAML"));
    assert_int_equal(loading.diagnostics.count, 1);
    unload(&loading);

    loading = load(SLICE("workers: many\nlimits: {\"h\xc3\xa9\": 1, body: 1x}" GOOD));
    assert_string_equal(
        loading.printed.data,
        "vif.yaml:1:10: error: workers: expected a number from 1 to 1024, or auto, not \"many\"\n"
        "    1 | workers: many\n"
        "      |          ^~~~\n"
        "vif.yaml:2:10: error: unknown option \"h\xc3\xa9\" in limits\n"
        "    2 | limits: {\"h\xc3\xa9\": 1, body: 1x}\n"
        "      |          ^~~~\n"
        "vif.yaml:2:25: error: limits.body: expected a size from 0 to 1TiB, not \"1x\"\n"
        "    2 | limits: {\"h\xc3\xa9\": 1, body: 1x}\n"
        "      |                         ^~\n");
    unload(&loading);
}

static void tells_mistakes_in_the_order_of_the_file(void **state)
{
    (void)state;
    /* Options are read in the order of their table, which is another one: the log's before the limits'. */
    struct loading loading = load(SLICE("limits: {uri: x, body: x}\nlog: x\nworkers: x\nlisten: x" GOOD));
    const char *last = loading.printed.data;
    static const char *const told[] = {":1:15: ", ":1:24: ", ":2:6: ", ":3:10: ", ":4:9: "};
    TABLE_ROWS(i, told, told[i]) {
        last = strstr(last, told[i]);
        assert_non_null(last);
    }
    unload(&loading);
}

static void keeps_fifty_mistakes_and_counts_the_rest(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 1u << 16);
    for (int i = 0; i < 120; i++)
        buffer_printf(&text, "unknown%d: 1\n", i);
    struct loading loading = load(buffer_slice(&text));
    assert_int_equal(loading.diagnostics.count, DIAGNOSTICS_MAX);
    assert_int_equal(loading.diagnostics.errors, 121);
    assert_non_null(strstr(loading.printed.data, "and 71 more\n"));
    unload(&loading);
    buffer_finish(&text);
}

/* Ten aliases of ten aliases of … must end at a bound, at once. */
static void defuses_bombs(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 1u << 16);
    buffer_printf(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 20; i++)
        buffer_printf(&text, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1,
                      i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    struct loading loading = load(buffer_slice(&text));
    assert_int_equal(loading.error, ERROR_SYNTAX);
    assert_non_null(strstr(loading.printed.data, "more than 50000 entries"));
    unload(&loading);

    buffer_clear(&text);
    for (int i = 0; i < 10000; i++)
        buffer_append_byte(&text, '[');
    loading = load(buffer_slice(&text));
    assert_non_null(strstr(loading.printed.data, "nested deeper than 24 levels"));
    unload(&loading);

    /* By aliases, each of which is one level high where it stands. */
    buffer_clear(&text);
    buffer_printf(&text, "a0: &a0 [x]\n");
    for (int i = 1; i < 40; i++)
        buffer_printf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    loading = load(buffer_slice(&text));
    assert_int_equal(loading.error, ERROR_SYNTAX);
    assert_int_equal(loading.diagnostics.count, 1);
    unload(&loading);
    buffer_finish(&text);
}

static void shows_a_window_of_long_lines(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 1u << 16);
    buffer_printf(&text, "sites: [{routes: {/: {respond: %05000d}}}, 7]", 0);
    struct loading loading = load(buffer_slice(&text));
    assert_non_null(strstr(loading.printed.data, "sites[]: expected a map of options, not \"7\""));
    assert_true(loading.printed.length < 500);
    unload(&loading);
    buffer_finish(&text);
}

static void shows_no_control_bytes(void **state)
{
    (void)state;
    struct loading loading = load(SLICE("\"a\\e[31mb\": 1" GOOD));
    assert_null(strchr(loading.printed.data, '\033'));
    assert_non_null(strstr(loading.printed.data, "unknown option \"a?[31mb\""));
    unload(&loading);
}

static void shows_utf_8_only(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *shown;
    } texts[] = {
        {"\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xff|", "?|"},
        {"\xc2\x9b|", "?|"},
        {"\xc0\xaf|", "??|"},
        {"\xe0\x80\x80|", "???|"},
        {"\xed\xa0\x80|", "???|"},
        {"\xf4\x90\x80\x80|", "????|"},
        {"\xe2\x82", "??"},
    };
    TABLE_ROWS(i, texts, texts[i].text) {
        struct diagnostics diagnostics;
        struct buffer printed;
        char expected[64];
        diagnostics_init(&diagnostics);
        buffer_init(&printed, 4096);
        diagnostics_add(&diagnostics, (struct source_position){0}, "%s", texts[i].text);
        diagnostics_print(&diagnostics, false, &printed);
        snprintf(expected, sizeof(expected), "vif: error: %s\n", texts[i].shown);
        assert_slice(buffer_slice(&printed), expected);
        buffer_finish(&printed);
        diagnostics_finish(&diagnostics);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_is_wrong),
        cmocka_unit_test(leaves_computed_fields_alone),
        cmocka_unit_test(warns_of_old_names),
        cmocka_unit_test(tells_one_mistake_once),
        cmocka_unit_test(tells_a_shared_mistake_once),
        cmocka_unit_test(tells_all_mistakes_in_order_with_carets),
        cmocka_unit_test(tells_mistakes_in_the_order_of_the_file),
        cmocka_unit_test(keeps_fifty_mistakes_and_counts_the_rest),
        cmocka_unit_test(defuses_bombs),
        cmocka_unit_test(shows_a_window_of_long_lines),
        cmocka_unit_test(shows_no_control_bytes),
        cmocka_unit_test(shows_utf_8_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
