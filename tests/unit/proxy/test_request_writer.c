/* Requests as they are written for servers: whole heads, byte for byte. */
#include "../test.h"

#include "h1/h1.h"
#include "proxy/request_writer.h"

#include <arpa/inet.h>

struct writing {
    char text[16384];
    struct http_field fields[HTTP_FIELDS_MAX];
    struct http_request request;
    struct peer peer;
    struct proxy_settings settings;
    struct request_plan plan;
    struct arena arena;
    int status;
    struct slice head;
};

static struct writing writing;

/* A request from 192.0.2.1 to a route for everything. */
static void parse(const char *text)
{
    static const struct h1_limits limits = {
        .head_bytes = 16384, .uri_bytes = 8192, .fields = HTTP_FIELDS_MAX, .body_bytes = 1000};
    struct h1 engine;
    struct slice content;
    writing = (struct writing){.request = {.fields = writing.fields, .fields_max = HTTP_FIELDS_MAX},
                               .peer = {.family = AF_INET, .bytes = {192, 0, 2, 1}}};
    size_t length = strlen(text);
    assert_true(length < sizeof(writing.text));
    memcpy(writing.text, text, length);
    struct slice input = slice_make(writing.text, length);
    h1_init(&engine, &limits);
    assert_int_equal(h1_next(&engine, &input, &writing.request, &content), H1_REQUEST);
    arena_init(&writing.arena, 1u << 20);
    writing.plan = (struct request_plan){
        .request = &writing.request,
        .peer = &writing.peer,
        .settings = &writing.settings,
        .bare_prefix = SLICE(""),
        .server_authority = SLICE("server:3000"),
    };
}

static void write_head(void)
{
    writing.status = request_write(&writing.plan, &writing.arena, &writing.head);
}

#define CLIENT \
    "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a:81\r\nVia: 1.1 vif\r\n"

static void requests_are_written_anew(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        const char *expected;
    } rows[] = {
        {"GET /a//b/../%2F?c=d HTTP/1.1\r\nhost:   a:81  \r\nX-One:1\r\n\r\n",
         "GET /a//b/../%2F?c=d HTTP/1.1\r\nHost: a:81\r\nX-One: 1\r\n" CLIENT "\r\n"},
        {"GET /? HTTP/1.1\r\nHost: a:81\r\n\r\n", "GET /? HTTP/1.1\r\nHost: a:81\r\n" CLIENT "\r\n"},
        {"GET http://a:81/x HTTP/1.1\r\nHost: b\r\n\r\n", "GET /x HTTP/1.1\r\nHost: a:81\r\n" CLIENT "\r\n"},
        {"POST / HTTP/1.1\r\nHost: a:81\r\nContent-Length: 007\r\n\r\n",
         "POST / HTTP/1.1\r\nHost: a:81\r\nContent-Length: 7\r\n" CLIENT "\r\n"},
        {"POST / HTTP/1.1\r\nHost: a:81\r\nTransfer-Encoding: Chunked\r\n\r\n",
         "POST / HTTP/1.1\r\nHost: a:81\r\nTransfer-Encoding: chunked\r\n" CLIENT "\r\n"},
        {"POST / HTTP/1.1\r\nHost: a:81\r\n\r\n",
         "POST / HTTP/1.1\r\nHost: a:81\r\nContent-Length: 0\r\n" CLIENT "\r\n"},
        {"GET / HTTP/1.1\r\nHost: a:81\r\nContent-Length: 0\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a:81\r\nContent-Length: 0\r\n" CLIENT "\r\n"},
        {"GET / HTTP/1.1\r\nHost: a:81\r\nTE: gzip, trailers;q=1\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a:81\r\n" CLIENT "\r\n"},
        {"GET / HTTP/1.1\r\nHost: a:81\r\nTE: trailers\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a:81\r\n" CLIENT "TE: trailers\r\nConnection: TE\r\n\r\n"},
        {"GET / HTTP/1.1\r\nHost: a:81\r\nConnection: close, x-two\r\nX-One: 1\r\nX-Two: 2\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a:81\r\nX-One: 1\r\n" CLIENT "\r\n"},
        {"GET / HTTP/1.1\r\nHost: a:81\r\nContent_Length: 5\r\ntransfer_encoding: x\r\nX-Forwarded_For: y\r\n"
         "Expect: x\r\nProxy: z\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a:81\r\n" CLIENT "\r\n"},
        {"GET / HTTP/1.1\r\nHost: a:81\r\nX-Client-Subject: CN=root\r\nX_Client_Issuer: x\r\n"
         "X-Client_Fingerprint: 1\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a:81\r\n" CLIENT "\r\n"},
    };
    TABLE_ROWS(i, rows, rows[i].request) {
        parse(rows[i].request);
        write_head();
        assert_int_equal(writing.status, 0);
        assert_slice(writing.head, rows[i].expected);
        arena_finish(&writing.arena);
    }
}

/* A long name has its room; what is no header's value is left out. */
static void servers_are_told_of_certificates(void **state)
{
    (void)state;
    static char subject[4000];
    memset(subject, 'a', sizeof(subject));
    struct peer_tls tls = {
        .has_client = true,
        .client_subject = slice_make(subject, sizeof(subject)),
        .client_issuer = SLICE("CN=\n"),
        .client_fingerprint = SLICE("12ab"),
    };
    parse("GET / HTTP/1.1\r\nHost: a:81\r\nX-Client-Fingerprint: 0\r\n\r\n");
    writing.plan.certified = &tls;
    write_head();
    assert_int_equal(writing.status, 0);
    struct slice before = SLICE("GET / HTTP/1.1\r\nHost: a:81\r\nX-Forwarded-For: 192.0.2.1\r\n"
                                "X-Forwarded-Proto: http\r\nX-Forwarded-Host: a:81\r\nX-Client-Subject: ");
    assert_slice(slice_take(writing.head, before.length), before.data);
    assert_slice(slice_skip(writing.head, before.length + sizeof(subject)),
                 "\r\nX-Client-Fingerprint: 12ab\r\nVia: 1.1 vif\r\n\r\n");
    arena_finish(&writing.arena);
}

static void prefixes_are_replaced_and_never_left(void **state)
{
    (void)state;
    static const struct {
        const char *route, *prefix, *path, *expected;
    } rows[] = {
        {"/api", "/", "/api", "/"},
        {"/api", "/", "/api/x//y", "/x//y"},
        {"/api", "/", "//api//x", "//x"},
        {"/api", "/v2", "/%61pi/x%2Fy", "/v2/x%2Fy"},
        {"/api", "/v2/", "/api", "/v2/"},
        {"/api", "/v2/", "/api/x", "/v2/x"},
        {"/api", "/v2", "/api/../api/x", "/v2/x"},
        {"/api", "/v2", "/api/x/%2E%2e/%2e/y", "/v2/y"},
        {"/a/b", "/c", "/x/../a//b/d/", "/c/d/"},
        {"/a/b", "/c", "/a/./b/..d/...", "/c/..d/..."},
        {"", "/v2", "/../../x", "/v2/x"},
    };
    TABLE_ROWS(i, rows, rows[i].path) {
        char text[200], expected[200];
        snprintf(text, sizeof(text), "GET %s?q=/../ HTTP/1.1\r\nHost: a\r\n\r\n", rows[i].path);
        snprintf(expected, sizeof(expected), "GET %s?q=/../ HTTP/1.1\r\n", rows[i].expected);
        parse(text);
        writing.settings.prefix = slice_from(rows[i].prefix);
        writing.plan.bare_prefix = slice_from(rows[i].route);
        write_head();
        assert_int_equal(writing.status, 0);
        assert_slice(slice_take(writing.head, strlen(expected)), expected);
        arena_finish(&writing.arena);
    }
}

static void check_has(const char *line)
{
    char *text = arena_string(&writing.arena, writing.head);
    if (strstr(text, line) == NULL)
        fail_msg("no \"%s\" in \"%s\"", line, text);
}

static void the_client_is_named(void **state)
{
    (void)state;
    parse("GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=x\r\nEarly-Data: 1\r\n\r\n");
    writing.peer = (struct peer){.family = AF_INET6, .is_secure = true};
    inet_pton(AF_INET6, "2001:db8::1", writing.peer.bytes);
    writing.settings.forwarded = PROXY_FORWARDED_BOTH;
    writing.plan.expects_continue = writing.plan.is_early = true;
    write_head();
    check_has("\r\nX-Forwarded-For: 2001:db8::1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a\r\n"
              "Forwarded: for=\"[2001:db8::1]\";host=\"a\";proto=https\r\nVia: 1.1 vif\r\n"
              "Expect: 100-continue\r\n\r\n");
    check_has("\r\nEarly-Data: 1\r\n");
    arena_finish(&writing.arena);
    parse("GET / HTTP/1.1\r\nHost: a:81\r\n\r\n"); /* of a client of IPv4, on a listener for both */
    writing.peer = (struct peer){.family = AF_INET6};
    inet_pton(AF_INET6, "::ffff:192.0.2.1", writing.peer.bytes);
    write_head();
    assert_slice(writing.head, "GET / HTTP/1.1\r\nHost: a:81\r\n" CLIENT "\r\n");
    arena_finish(&writing.arena);
    parse("GET / HTTP/1.0\r\n\r\n");
    writing.peer = (struct peer){.family = AF_UNIX};
    writing.settings.forwarded = PROXY_FORWARDED_STANDARD;
    writing.plan.is_early = true;
    write_head();
    assert_slice(writing.head, "GET / HTTP/1.1\r\nHost: server:3000\r\nForwarded: for=unknown;proto=http\r\n"
                               "Via: 1.0 vif\r\nEarly-Data: 1\r\n\r\n");
    arena_finish(&writing.arena);
}

/* The same header so often. */
static void parse_many(const char *line, unsigned count)
{
    char text[8192] = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (unsigned i = 0; i < count; i++)
        strcat(text, line);
    parse(strcat(text, "\r\n"));
}

static void some_requests_are_rejected(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        unsigned good;
        int status;
    } rows[] = {{"Connection: a\r\n", 32, 400}, {"Via: 1.1 vif\r\n", 19, 508}};
    TABLE_ROWS(i, rows, rows[i].line) {
        parse_many(rows[i].line, rows[i].good);
        write_head();
        assert_int_equal(writing.status, 0);
        arena_finish(&writing.arena);
        parse_many(rows[i].line, rows[i].good + 1);
        write_head();
        assert_int_equal(writing.status, rows[i].status);
        arena_finish(&writing.arena);
    }
    parse("GET /../x HTTP/1.1\r\nHost: a\r\n\r\n");
    writing.arena.bytes_max = 0;
    write_head();
    assert_int_equal(writing.status, 503);
    arena_finish(&writing.arena);
}

/* The same request for HTTP/2, as "name: value" lines. */
static void requests_are_lists_for_http_2(void **state)
{
    (void)state;
    const struct http_response_field *fields;
    unsigned count;
    char text[1024];
    int length = 0;
    parse(
        "POST //a?b HTTP/1.1\r\nHost: h:1\r\nTE: trailers\r\nConnection: TE, X-Hop\r\nX-Hop: 1\r\nX-A: b\r\n"
        "Upgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n");
    writing.peer = (struct peer){.family = AF_UNIX};
    writing.settings.forwarded = PROXY_FORWARDED_STANDARD;
    writing.plan.is_secure = true;
    assert_int_equal(request_list(&writing.plan, &writing.arena, &fields, &count), 0);
    for (unsigned i = 0; i < count; i++)
        length += snprintf(text + length, sizeof(text) - (size_t)length, "%.*s: %.*s\n",
                           SLICE_ARGS(fields[i].name), SLICE_ARGS(fields[i].value));
    assert_string_equal(text, ":method: POST\n:scheme: https\n:authority: h:1\n:path: //a?b\nX-A: b\n"
                              "Forwarded: for=unknown;host=\"h:1\";proto=http\nVia: 1.1 vif\nTE: trailers\n");
    arena_finish(&writing.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_written_anew),
        cmocka_unit_test(servers_are_told_of_certificates),
        cmocka_unit_test(prefixes_are_replaced_and_never_left),
        cmocka_unit_test(the_client_is_named),
        cmocka_unit_test(some_requests_are_rejected),
        cmocka_unit_test(requests_are_lists_for_http_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
