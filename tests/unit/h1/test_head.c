/* Heads: what RFC 9112 allows and forbids, and every limit exactly at it and one past it. */
#include "cuts.h"

static const struct h1_limits limits = {.head_bytes = 512, .uri_bytes = 64, .fields = 8, .body_bytes = 1000};

#define HOST "Host: a\r\n"
#define GET  "GET / HTTP/1.1\r\n"

static void request_lines(void **state)
{
    (void)state;
    static const struct h1_case cases[] = {
        CASE("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET:/@a ."),
        CASE("GET / HTTP/1.0\r\n\r\n", "GET:/@:1.0 ."),
        CASE("GET / HTTP/1.0\r\nHost: a\r\n\r\n", "GET:/@a:1.0 ."),
        CASE("GET /a/b.c;d=1?e=f&g HTTP/1.1\r\n" HOST "\r\n", "GET:/a/b.c;d=1?e=f&g@a ."),
        CASE("GET /? HTTP/1.1\r\n" HOST "\r\n", "GET:/?@a ."),
        CASE("HEAD / HTTP/1.1\r\n" HOST "\r\n", "HEAD:/@a ."),
        CASE("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS:*@a ."),
        CASE("M-SEARCH!#$%&'*+.^_`|~09 / HTTP/1.1\r\n" HOST "\r\n", "M-SEARCH!#$%&'*+.^_`|~09:/@a ."),
        CASE("get / HTTP/1.1\r\n" HOST "\r\n", "get:/@a ."), /* a token: 501 is not ours to say */
        CASE("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "CONNECT:@a ."),
        CASE("GET http://b/x?y HTTP/1.1\r\n" HOST "\r\n", "GET:/x?y@b ."),
        CASE("GET http://b HTTP/1.1\r\n" HOST "\r\n", "GET:/@b ."),
        CASE("GET HTTP://b:8080/ HTTP/1.1\r\n" HOST "\r\n", "GET:/@b ."),
        CASE("OPTIONS http://b HTTP/1.1\r\n" HOST "\r\n", "OPTIONS:*@b ."),
        /* Any minor version is understood as 1.1 (RFC 9110 section 2.5). */
        CASE("GET / HTTP/1.2\r\n" HOST "\r\n", "GET:/@a ."),
        CASE("GET / HTTP/1.9\r\n\r\n", "!400"),
        CASE("GET / HTTP/2.0\r\n" HOST "\r\n", "!505"),
        CASE("GET / HTTP/0.9\r\n" HOST "\r\n", "!505"),
        CASE("GET / HTTP/3.1\r\n" HOST "\r\n", "!505"),
        /* Exactly one space, and nothing else, separates (RFC 9112 section 3). */
        CASE("GET  / HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET /  HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET / HTTP/1.1 \r\n" HOST "\r\n", "!400"),
        CASE(" GET / HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET\t/ HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET /\tHTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET /a b HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET /\r\n", "!400"), /* HTTP/0.9 */
        CASE("GET\r\n", "!400"),
        CASE("GET \r\n", "!400"),
        CASE("GET / \r\n", "!400"),
        CASE("GET  HTTP/1.1\r\n", "!400"),
        CASE("/ HTTP/1.1\r\n", "!400"),
        CASE("GET / http/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET / HTTP/1\r\n" HOST "\r\n", "!400"),
        CASE("GET / HTTP/11\r\n" HOST "\r\n", "!400"),
        CASE("GET / HTTP/1.10\r\n" HOST "\r\n", "!400"),
        CASE("GET / HTTP/1.x\r\n" HOST "\r\n", "!400"),
        CASE("GET / HTTP/a.1\r\n" HOST "\r\n", "!400"),
        CASE("GET / HTTP/-1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET / HTTPS/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET / ICY/1.1\r\n" HOST "\r\n", "!400"),
        CASE("G@T / HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("G\x80T / HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET a HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET * HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("CONNECT / HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET /\x80 HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET /\0 HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET /# HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET /% HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET http:/// HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET http://u@b/ HTTP/1.1\r\n" HOST "\r\n", "!400"),
        CASE("GET ftp://b/ HTTP/1.1\r\n" HOST "\r\n", "!421"),
    };
    cuts_run_all(&limits, cases, ARRAY_LENGTH(cases));
}

static void line_ends(void **state)
{
    (void)state;
    static const struct h1_case cases[] = {
        /* A bare LF, a bare CR: where two parsers would disagree (RFC 9112 section 2.2). */
        CASE("GET / HTTP/1.1\nHost: a\n\n", "!400"), CASE("GET / HTTP/1.1\r\nHost: a\n\r\n", "!400"),
        CASE("GET / HTTP/1.1\r\nHost: a\r\n\n", "!400"), CASE("GET / HTTP/1.1\rHost: a\r\r", "~"),
        CASE("GET / HTTP/1.1\rX: y\r\n" HOST "\r\n", "!400"), CASE(GET "Host: a\r\r\n\r\n", "!400"),
        CASE(GET HOST "X: a\rb\r\n\r\n", "!400"), CASE(GET HOST "X: \ra\r\n\r\n", "!400"),
        CASE(GET HOST "X\r: a\r\n\r\n", "!400"), CASE(GET HOST "\r\r\n", "!400"),
        CASE(GET HOST "\rX: a\r\n\r\n", "!400"),
        /* Empty lines before a request line: a few (RFC 9112 section 2.2). */
        CASE("\r\n" GET HOST "\r\n", "GET:/@a ."), CASE("\r\n\r\n\r\n\r\n" GET HOST "\r\n", "GET:/@a ."),
        CASE("\r\n\r\n\r\n\r\n\r\n", "!400"), CASE("\r\n\r\n\r\n\r\n\r\n" GET HOST "\r\n", "!400"),
        CASE("\n" GET HOST "\r\n", "!400"), CASE("\r" GET HOST "\r\n", "!400"),
        CASE("\r\r\n" GET HOST "\r\n", "!400"), CASE("\r\n " GET HOST "\r\n", "!400"),
        CASE("\r\n\x16", "!400"), /* no need to wait for a line that will never end */
        CASE("\r\n", ""),         /* nobody's request: the connection is idle */
        CASE("\r\n\r\n", ""), CASE("\r", "~"), CASE("", ""), CASE("G", "~"), CASE(GET HOST "\r", "~"),
        CASE(GET HOST "\r\n\r\n" GET HOST "\r\n",
             "GET:/@a . GET:/@a ."), /* a sloppy client's POST had that */
        CASE(GET HOST "\r\n\r\n\r\n\r\n\r\n" GET HOST "\r\n\r\n\r\n\r\n\r\n" GET HOST "\r\n",
             "GET:/@a . GET:/@a . GET:/@a ."), /* counted from each request anew */
    };
    cuts_run_all(&limits, cases, ARRAY_LENGTH(cases));
}

static void fields(void **state)
{
    (void)state;
    static const struct h1_case cases[] = {
        CASE(GET HOST "X: y\r\n\r\n", "GET:/@a:+1 ."),
        CASE(GET "hOsT:a\r\nX:\r\n\r\n", "GET:/@a:+1 ."),
        CASE(GET "Host: \t a \t \r\n\r\n", "GET:/@a ."),
        CASE(GET HOST "X: a\tb  c\r\n\r\n", "GET:/@a:+1 ."),
        CASE(GET HOST "X: \x80\xff\r\n\r\n", "GET:/@a:+1 ."), /* obs-text */
        CASE(GET HOST "X: \"(),/:;<=>?@[\\]{}\r\n\r\n", "GET:/@a:+1 ."),
        CASE(GET HOST "!#$%&'*+-.^_`|~: y\r\n\r\n", "GET:/@a:+1 ."),
        CASE(GET HOST "X: : y: \r\n\r\n", "GET:/@a:+1 ."),
        CASE(GET HOST "X : y\r\n\r\n", "!400"), /* no blank before the colon (section 5.1) */
        CASE(GET HOST "X\t: y\r\n\r\n", "!400"),
        CASE(GET HOST "X y: z\r\n\r\n", "!400"),
        CASE(GET HOST "X: y\r\n z\r\n\r\n", "!400"), /* obs-fold (section 5.2) */
        CASE(GET HOST "X: y\r\n\tz\r\n\r\n", "!400"),
        CASE(GET " X: y\r\n" HOST "\r\n", "!400"),
        CASE(GET HOST " \r\n\r\n", "!400"),
        CASE(GET HOST ": y\r\n\r\n", "!400"),
        CASE(GET HOST "X\r\n\r\n", "!400"),
        CASE(GET HOST "X\x80: y\r\n\r\n", "!400"),
        CASE(GET HOST "X(: y\r\n\r\n", "!400"),
        CASE(GET HOST "X: \0\r\n\r\n", "!400"),
        CASE(GET HOST "X: \x01\r\n\r\n", "!400"),
        CASE(GET HOST "X: \x1b[2J\r\n\r\n", "!400"),
        CASE(GET HOST "X: \x7f\r\n\r\n", "!400"),
        CASE(GET HOST "X: \x0b\r\n\r\n", "!400"),
        CASE(GET HOST "X: \x0c\r\n\r\n", "!400"),
    };
    cuts_run_all(&limits, cases, ARRAY_LENGTH(cases));
}

static void hosts(void **state)
{
    (void)state;
    static const struct h1_case cases[] = {
        CASE(GET "\r\n", "!400"),
        CASE(GET HOST HOST "\r\n", "!400"),
        CASE(GET HOST "Host: b\r\n\r\n", "!400"),
        CASE("GET / HTTP/1.0\r\n" HOST HOST "\r\n", "!400"),
        CASE("GET http://b/ HTTP/1.1\r\n\r\n", "!400"), /* the target does not excuse it */
        CASE("GET http://b/ HTTP/1.1\r\n" HOST HOST "\r\n", "!400"),
        /* An http URI has a host (RFC 9110 section 4.2.1); "*" has none to name. */
        CASE(GET "Host:\r\n\r\n", "!400"),
        CASE(GET "Host: \t\r\n\r\n", "!400"),
        CASE("GET / HTTP/1.0\r\nHost:\r\n\r\n", "!400"),
        CASE("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n", "OPTIONS:*@ ."),
        CASE("GET http://b/ HTTP/1.1\r\nHost:\r\n\r\n", "GET:/@b ."),
        CASE(GET "Host: a:80\r\n\r\n", "GET:/@a ."),
        CASE(GET "Host: [::1]:80\r\n\r\n", "GET:/@[::1] ."),
        CASE(GET "Host: a.b-c_d.\r\n\r\n", "GET:/@a.b-c_d. ."),
        CASE(GET "Host: a b\r\n\r\n", "!400"),
        CASE(GET "Host: a,b\r\n\r\n", "GET:/@a,b ."), /* a sub-delim of reg-name; no route has such a name */
        CASE(GET "Host: a/b\r\n\r\n", "!400"),
        CASE(GET "Host: http://a\r\n\r\n", "!400"),
        CASE(GET "Host: u@a\r\n\r\n", "!400"),
        CASE(GET "Host: a:b\r\n\r\n", "!400"),
        CASE(GET "Host: a:99999\r\n\r\n", "!400"),
        CASE(GET "Host: ::1\r\n\r\n", "!400"),
        CASE(GET "Host: \xc3\xa4\r\n\r\n", "!400"),
    };
    cuts_run_all(&limits, cases, ARRAY_LENGTH(cases));
}

static void persistence_and_expectation(void **state)
{
    (void)state;
    static const struct h1_case cases[] = {
        CASE(GET HOST "Connection: close\r\n\r\n", "GET:/@a:close:+1 ."),
        CASE(GET HOST "Connection: CLOSE\r\n\r\n", "GET:/@a:close:+1 ."),
        CASE(GET HOST "Connection: x, close ,y\r\n\r\n", "GET:/@a:close:+1 ."),
        CASE(GET HOST "Connection: x\r\nConnection: close\r\n\r\n", "GET:/@a:close:+2 ."),
        CASE(GET HOST "Connection: keep-alive, close\r\n\r\n", "GET:/@a:close:+1 ."),
        CASE(GET HOST "Connection: closed\r\n\r\n", "GET:/@a:+1 ."),
        CASE(GET HOST "Connection: ,,\r\n\r\n", "GET:/@a:+1 ."),
        CASE("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET:/@:1.0:keep-alive:+1 ."),
        CASE("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "GET:/@:1.0:+1 ."),
        CASE(GET HOST "Expect: 100-continue\r\n\r\n", "GET:/@a:expect:+1 ."),
        CASE(GET HOST "Expect: 100-Continue\r\n\r\n", "GET:/@a:expect:+1 ."),
        /* A list, in any number of lines. */
        CASE(GET HOST "Expect: x, 100-continue\r\n\r\n", "GET:/@a:expect:+1 ."),
        CASE(GET HOST "Expect: x=\"100-continue\"\r\nExpect: ,100-continue,\r\n\r\n", "GET:/@a:expect:+2 ."),
        CASE(GET HOST "Expect: x=\", 100-continue\"\r\n\r\n", "GET:/@a:+1 ."),
        CASE(GET HOST "Expect: 200-ok\r\n\r\n", "GET:/@a:+1 ."),
        CASE("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", "GET:/@:1.0:+1 ."),
    };
    cuts_run_all(&limits, cases, ARRAY_LENGTH(cases));
}

static void garbage(void **state)
{
    (void)state;
    static const struct h1_case cases[] = {
        CASE("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
             "!400"), /* a TLS hello: refused at its first byte */
        CASE("\x16", "!400"),
        CASE("\0", "!400"),
        CASE("\x80", "!400"),
        CASE(" ", "!400"),
        CASE("{\"a\":1}", "!400"),
        CASE("\"GET", "!400"),
        CASE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "!505"), /* the preface of HTTP/2 */
        CASE("SSH-2.0-OpenSSH_9.2\r\n", "!400"),
        CASE("EHLO a\r\n", "!400"),
        CASE("GET / HTTP/1.1\r\nGET / HTTP/1.1\r\n\r\n", "!400"),
        CASE(GET HOST "\r\n\x16\x03\x01", "GET:/@a . !400"),
        CASE(GET HOST "\r\nX\r\n\r\n" GET HOST "\r\n", "GET:/@a . !400"), /* nothing behind is looked at */
    };
    cuts_run_all(&limits, cases, ARRAY_LENGTH(cases));
}

/* `text` with '*' replaced by as many 'x' as make it `length` bytes long. */
static struct slice padded(const char *text, size_t length)
{
    const char *star = strchr(text, '*');
    size_t before = (size_t)(star - text);
    size_t after = strlen(star + 1);
    char *out = malloc(length + 1);
    memset(out, 'x', length);
    memcpy(out, text, before);
    memcpy(out + length - after, star + 1, after);
    return slice_make(out, length);
}

static void run_padded(const char *text, size_t length, const char *behind, const char *expected)
{
    struct slice head = padded(text, length);
    struct buffer whole;
    buffer_init(&whole, 1 << 16);
    buffer_append(&whole, head);
    buffer_append(&whole, slice_from(behind));
    struct h1_case one = {.input = buffer_slice(&whole), .expected = expected};
    cuts_run(&limits, &one);
    buffer_finish(&whole);
    free((char *)head.data);
}

static void limits_are_exact(void **state)
{
    (void)state;
    static const struct h1_case fields_max[] = {
        CASE(GET HOST "A:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\n\r\n", "GET:/@a:+7 ."),
        CASE(GET HOST "A:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\nI:\r\n\r\n", "!431"),
    };
    cuts_run_all(&limits, fields_max, ARRAY_LENGTH(fields_max));

    char expected[128] = "GET:/";
    memset(expected + 5, 'x', limits.uri_bytes - 1);
    strcpy(expected + 5 + limits.uri_bytes - 1, "@a .");
    size_t around_uri = strlen("GET  HTTP/1.1\r\nHost: a\r\n\r\n");
    run_padded("GET /* HTTP/1.1\r\nHost: a\r\n\r\n", around_uri + limits.uri_bytes, "", expected);
    run_padded("GET /* HTTP/1.1\r\nHost: a\r\n\r\n", around_uri + limits.uri_bytes + 1, "", "!414");

    /* The whole head, the empty line that ends it included. */
    run_padded(GET HOST "X: *\r\n\r\n", limits.head_bytes, "", "GET:/@a:+1 .");
    run_padded(GET HOST "X: *\r\n\r\n", limits.head_bytes, GET HOST "\r\n", "GET:/@a:+1 . GET:/@a .");
    run_padded(GET HOST "X: *\r\n\r\n", limits.head_bytes + 1, "", "!431");
    run_padded(GET HOST "X: *\r\n\r\n", limits.head_bytes + 2, "", "!431");
    run_padded(GET HOST "X: *\r\n\r\n", limits.head_bytes + 3, "", "!431");
    run_padded(GET HOST "X: *", limits.head_bytes, "", "~");
    run_padded(GET HOST "X: *", limits.head_bytes + 1, "", "!431");
    run_padded("GET /*", limits.head_bytes, "", "~");
    run_padded("GET /*", limits.head_bytes + 1, "", "!414");

    /* A fault in a line that the limit cuts: the limit comes first, however the bytes arrive. */
    run_padded(GET HOST "X: *\n\r\n", limits.head_bytes + 2, "", "!400");
    run_padded(GET HOST "X: *\n\r\n", limits.head_bytes + 3, "", "!431");
    run_padded(GET HOST "X: *\n\r\n", limits.head_bytes + 9, "", "!431");
    run_padded(GET HOST "X: \x01*\r\n\r\n", limits.head_bytes + 2, "", "!400");
    run_padded(GET HOST "X: \x01*\r\n\r\n", limits.head_bytes + 3, "", "!431");
    run_padded("GET /* HTTP/1.1\n", limits.head_bytes, "", "!400");
    run_padded("GET /* HTTP/1.1\n", limits.head_bytes + 1, "", "!414");

    /* Empty lines in front do not count. */
    struct slice head = padded("\r\n\r\n" GET HOST "X: *\r\n\r\n", limits.head_bytes + 4);
    struct h1_case one = {.input = head, .expected = "GET:/@a:+1 ."};
    cuts_run(&limits, &one);
    free((char *)head.data);
}

/* The room for fields, which a limit set higher does not make larger. */
static void the_room_for_fields(void **state)
{
    (void)state;
    struct h1_limits wide = {.head_bytes = 65536, .uri_bytes = 64, .fields = 100000};
    for (unsigned extra = 0; extra < 2; extra++) {
        struct transcript transcript;
        struct buffer text;
        buffer_init(&text, 65536);
        buffer_printf(&text, GET HOST);
        for (unsigned i = 1; i < HTTP_FIELDS_MAX + extra; i++)
            buffer_printf(&text, "Range: %u\r\n", i);
        buffer_printf(&text, "\r\n");
        transcript_init(&transcript, &wide);
        transcript_feed(&transcript, buffer_slice(&text));
        assert_slice(transcript_end(&transcript), extra ? "!431" : "GET:/@a:+999 .");
        transcript_finish(&transcript);
        buffer_finish(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_lines),
        cmocka_unit_test(line_ends),
        cmocka_unit_test(fields),
        cmocka_unit_test(hosts),
        cmocka_unit_test(persistence_and_expectation),
        cmocka_unit_test(garbage),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(the_room_for_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
