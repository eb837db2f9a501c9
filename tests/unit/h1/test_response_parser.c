/* Responses: what RFC 9112 allows and forbids of them, each limit at it and one past it, cut in every way. */
#include "../test.h"

#include "response_transcript.h"

#include <stdio.h>

#define RANDOM_CUTS 10

static const struct h1_limits limits = {.head_bytes = 256, .fields = 8, .body_bytes = 1000};

struct answer_case {
    struct slice input;
    const char *expected;
};

#define CASE(text, transcript)                                                         \
    {                                                                                  \
        .input = {.data = "" text, .length = sizeof(text) - 1}, .expected = transcript \
    }

#define OK           "HTTP/1.1 200 OK\r\n"
#define LENGTH(text) "Content-Length: " text "\r\n"
#define CHUNKED      OK "Transfer-Encoding: chunked\r\n\r\n"
#define NEXT         "HTTP/1.1 204 No Content\r\n\r\n"

static void check(struct answer_transcript *transcript, const struct answer_case *one, const char *how,
                  size_t at)
{
    struct slice got = answer_transcript_end(transcript);
    struct slice expected = slice_from(one->expected);
    if (!slice_equal(got, expected)) {
        fprintf(stderr, "input:\n%.*s\n", SLICE_ARGS(one->input));
        fail_msg("%s at %zu: got \"%.*s\", expected \"%.*s\"", how, at, SLICE_ARGS(got),
                 SLICE_ARGS(expected));
    }
    answer_transcript_finish(transcript);
}

/* At once, in two at every place, byte by byte, and in random pieces from a seed. */
static void run(enum http_method method, const struct answer_case *one)
{
    struct answer_transcript transcript;
    struct slice input = one->input;
    for (size_t at = 0; at <= input.length; at++) {
        answer_transcript_init(&transcript, &limits, method);
        answer_transcript_feed(&transcript, slice_take(input, at));
        answer_transcript_feed(&transcript, slice_skip(input, at));
        check(&transcript, one, "cut in two", at);
    }
    answer_transcript_init(&transcript, &limits, method);
    for (size_t i = 0; i < input.length; i++)
        answer_transcript_feed(&transcript, slice_make(input.data + i, 1));
    check(&transcript, one, "byte by byte", 0);

    uint32_t random = 12345;
    for (size_t i = 0; i < RANDOM_CUTS; i++) {
        answer_transcript_init(&transcript, &limits, method);
        for (struct slice rest = input; rest.length > 0;) {
            random = random * 1664525u + 1013904223u;
            size_t length = MIN(rest.length, (size_t)(random >> 16) % 40);
            answer_transcript_feed(&transcript, slice_take(rest, length));
            rest = slice_skip(rest, length);
        }
        check(&transcript, one, "random cuts", i);
    }
}

static void run_all(enum http_method method, const struct answer_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        run(method, &cases[i]);
}

static void status_lines(void **state)
{
    (void)state;
    static const struct answer_case cases[] = {
        CASE("", ""),
        CASE("H", "~"),
        CASE("HTTP/1.1 200 OK", "~"),
        CASE(OK LENGTH("0") "\r\n", "200:0 ."),
        CASE("HTTP/1.1 200 \r\n" LENGTH("0") "\r\n", "200:0 ."),
        CASE("HTTP/1.1 200\r\n" LENGTH("0") "\r\n",
             "200:0 ."), /* forbidden, yet everybody knows what it means */
        CASE("HTTP/1.1 200 a b\tc \x80!\r\n" LENGTH("0") "\r\n", "200:0 ."),
        CASE("HTTP/1.0 200 OK\r\n" LENGTH("0") "\r\n", "200:1.0:0 ."),
        CASE("HTTP/1.7 200 OK\r\n" LENGTH("0") "\r\n", "200:0 ."),
        CASE("HTTP/1.1 599 x\r\n" LENGTH("0") "\r\n", "599:0 ."),
        CASE("HTTP/1.1 999 x\r\n" LENGTH("0") "\r\n", "999:0 ."),
        CASE("HTTP/1.1 099 x\r\n", "!"),
        CASE("HTTP/1.1 000 x\r\n", "!"),
        CASE("HTTP/1.1 2000 x\r\n", "!"),
        CASE("HTTP/1.1 20 x\r\n", "!"),
        CASE("HTTP/1.1 20x x\r\n", "!"),
        CASE("HTTP/1.1 +20 x\r\n", "!"),
        CASE("HTTP/1.1 200\tx\r\n", "!"),
        CASE("HTTP/1.1  200 x\r\n", "!"),
        CASE("HTTP/1.1\t200 x\r\n", "!"),
        CASE("HTTP/1.1200 x\r\n", "!"),
        CASE("HTTP/1.1 \r\n", "!"),
        CASE("HTTP/1.1\r\n", "!"),
        CASE("HTTP/1.x 200 OK\r\n", "!"),
        CASE("HTTP/1.10 200 OK\r\n", "!"),
        CASE("HTTP/2.0 200 OK\r\n", "!"),
        CASE("HTTP/0.9 200 OK\r\n", "!"),
        CASE("http/1.1 200 OK\r\n", "!"),
        CASE("ICY 200 OK\r\n", "!"),
        CASE("\r\n" OK, "!"), /* empty lines are for requests only */
        CASE(" " OK, "!"),
        CASE("\x15\x03\x01", "!"), /* TLS */
        CASE("<html>", "!"),
        CASE("HTTP/1.1 200 OK\n" LENGTH("0") "\n", "!"),
        CASE("HTTP/1.1 200 O\rK\r\n", "!"),
        CASE("HTTP/1.1 200 O\0K\r\n", "!"),
        CASE("HTTP/1.1 200 \x7f\r\n", "!"),
    };
    run_all(HTTP_METHOD_GET, cases, ARRAY_LENGTH(cases));
}

static void fields(void **state)
{
    (void)state;
    static const struct answer_case cases[] = {
        CASE(OK LENGTH("0") "A: b\r\nC:d\r\nE:\r\nF: \t g \r\n\r\n", "200:0:+4 ."),
        /* What stands between a name and its colon goes (RFC 9112 section 5.1): it is the same field. */
        CASE(OK "Content-Length : 2\r\n\r\nhi" NEXT, "200:2 [hi] . 204:none ."),
        CASE(OK "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", "200:chunked ."),
        CASE(OK LENGTH("0") " folded\r\n\r\n", "!"),
        /* RFC 9112 section 5.2: a fold is blanks. */
        CASE(OK "A: b\r\n c\r\n" LENGTH("2") "\r\nhi" NEXT, "200:2:+1 [hi] . 204:none ."),
        CASE(OK "A: b\r\n\tc\r\n  d: e\r\nB: c\r\n" LENGTH("0") "\r\n", "200:0:+2 ."),
        CASE(OK "A:\r\n b\r\n \r\n" LENGTH("0") "\r\n", "200:0:+1 ."),
        CASE(OK "Content-Length:\r\n 2\r\n\r\nhi", "200:2 [hi] ."),
        CASE(OK "Content-Length: 2\r\n 0\r\n\r\n", "!"),
        CASE(OK "Content-Length\r\n : 2\r\n\r\nhi", "200:2 [hi] ."),
        CASE(OK "Transfer-Encoding:\r\n\tchunked\r\n\r\n0\r\n\r\n", "200:chunked ."),
        CASE(OK LENGTH("0") "Connection: a,\r\n close\r\n\r\n", "200:close:0:+1 ."),
        CASE(OK "A: b\r\n c\n", "!"),
        CASE(OK "A: b\r\n c\0\r\nD", "!"),
        CASE(OK "A: b\r\n c\r\n", "~"),
        CASE(OK "A\r\nB", "!"),
        CASE(OK "A\r\n", "~"), /* a colon may follow behind a fold */
        CASE(OK " A: b\r\n\r\n", "!"),
        CASE(OK ": b\r\n\r\n", "!"),
        CASE(OK "A\r\n\r\n", "!"),
        CASE(OK "A b: c\r\n\r\n", "!"),
        CASE(OK "A: b\n\r\n", "!"),
        CASE(OK "A: b\rc\r\n\r\n", "!"),
        CASE(OK "A: \0\r\n\r\n", "!"),
        CASE(OK "A\x80: b\r\n\r\n", "!"),
        CASE(OK "\n", "!"),
        CASE(OK "A: b", "~"),
        CASE(OK "A: b\r\n", "~"),
        CASE(OK "A: b\r\n\r", "~"),
        CASE(OK LENGTH("0") "2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n\r\n", "200:0:+7 ."),
        CASE(OK LENGTH("0") "2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n9:\r\n\r\n", "!"),
    };
    run_all(HTTP_METHOD_GET, cases, ARRAY_LENGTH(cases));
}

/* What one client may read in its way, a proxy must not pass on. */
static void what_only_the_strict_parser_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum h1_response_fault fault; /* of the strict one */
    } rows[] = {
        {"HTTP/1.1 100 x\r\n\r\n", H1_RESPONSE_FAULT_NONE},
        {"HTTP/1.1 599 x\r\n\r\n", H1_RESPONSE_FAULT_NONE},
        {"HTTP/1.1 600 x\r\n\r\n", H1_RESPONSE_FAULT_STATUS},
        {"HTTP/1.1 999 x\r\n\r\n", H1_RESPONSE_FAULT_STATUS},
        {"HTTP/1.1 200 \r\n\r\n", H1_RESPONSE_FAULT_NONE},
        {"HTTP/1.1 200\r\n\r\n", H1_RESPONSE_FAULT_STATUS_LINE},
        {OK "A: b\r\n c\r\n\r\n", H1_RESPONSE_FAULT_FOLDED},
        {OK "A: b\r\n\tc\r\n\r\n", H1_RESPONSE_FAULT_FOLDED},
        {OK "A : b\r\n\r\n", H1_RESPONSE_FAULT_HEADER},
        {OK LENGTH("2") LENGTH("2, 2") "\r\n", H1_RESPONSE_FAULT_NONE},
        {OK LENGTH("") LENGTH("2") "\r\n", H1_RESPONSE_FAULT_LENGTH},
        {OK LENGTH("2") LENGTH(" ") "\r\n", H1_RESPONSE_FAULT_LENGTH},
        {OK LENGTH("2,") "\r\n", H1_RESPONSE_FAULT_LENGTH},
        {OK LENGTH(",2") "\r\n", H1_RESPONSE_FAULT_LENGTH},
        {OK LENGTH("2, ,2") "\r\n", H1_RESPONSE_FAULT_LENGTH},
        {OK "Transfer-Encoding: chunked\r\n\r\n", H1_RESPONSE_FAULT_NONE},
        {OK "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n", H1_RESPONSE_FAULT_CODING},
        {OK "Transfer-Encoding: chunked,\r\n\r\n", H1_RESPONSE_FAULT_CODING},
    };
    TABLE_ROWS(i, rows, rows[i].text) {
        for (unsigned is_strict = 0; is_strict < 2; is_strict++) {
            struct h1_response_parser engine;
            struct http_response_head head;
            char text[100]; /* folds are undone in place */
            snprintf(text, sizeof(text), "%s", rows[i].text);
            struct slice input = slice_from(text), piece;
            h1_response_init(&engine, &limits);
            engine.is_strict = is_strict;
            h1_response_expect(&engine, HTTP_METHOD_GET);
            bool is_bad = h1_response_next(&engine, &input, &head, &piece) == H1_RESPONSE_BAD;
            assert_int_equal(is_bad, is_strict && rows[i].fault != H1_RESPONSE_FAULT_NONE);
            assert_true(!is_bad || engine.fault == rows[i].fault);
        }
    }
}

static void persistence(void **state)
{
    (void)state;
    static const struct answer_case cases[] = {
        CASE(OK LENGTH("0") "Connection: close\r\n\r\n", "200:close:0:+1 ."),
        CASE(OK LENGTH("0") "Connection: a, CLOSE\r\n\r\n", "200:close:0:+1 ."),
        CASE(OK LENGTH("0") "Connection: keep-alive\r\nConnection: close\r\n\r\n", "200:close:0:+2 ."),
        CASE(OK LENGTH("0") "Connection: closed\r\n\r\n", "200:0:+1 ."),
        CASE("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" LENGTH("0") "\r\n", "200:1.0:keep-alive:0:+1 ."),
        CASE(OK "Connection: keep-alive\r\n\r\n", "200:until-close:+1 ."),
    };
    run_all(HTTP_METHOD_GET, cases, ARRAY_LENGTH(cases));
}

static void content(void **state)
{
    (void)state;
    static const struct answer_case cases[] = {
        CASE(OK LENGTH("5") "\r\nhello" NEXT, "200:5 [hello] . 204:none ."),
        CASE(OK LENGTH("5") "\r\nhell", "200:5 [hell] ~"),
        CASE(OK LENGTH("5") "\r\n", "200:5 ~"),
        CASE(OK LENGTH("005") "\r\nhello", "200:5 [hello] ."),
        CASE(OK LENGTH("1000") "\r\n", "200:1000 ~"),
        CASE(OK LENGTH("1001") "\r\n", "!"),
        CASE(OK LENGTH("18446744073709551616") "\r\n", "!"),
        CASE(OK LENGTH("") "\r\n", "!"),
        CASE(OK LENGTH("-1") "\r\n", "!"),
        CASE(OK LENGTH("+1") "\r\n", "!"),
        /* RFC 9112 section 6.3: the same number several times is that number. */
        CASE(OK LENGTH("5, 5") "\r\nhello" NEXT, "200:5 [hello] . 204:none ."),
        CASE(OK LENGTH("5") "A: b\r\n" LENGTH("5") "\r\nhello" NEXT, "200:5:+2 [hello] . 204:none ."),
        CASE(OK LENGTH(", 5 ,5") LENGTH("5,") "\r\nhello", "200:5:+1 [hello] ."),
        CASE(OK LENGTH("5") LENGTH("6") "\r\nhello", "!"),
        CASE(OK LENGTH("5, 6") "\r\nhello", "!"),
        CASE(OK LENGTH("5") LENGTH("05") "\r\nhello", "!"),
        CASE(OK LENGTH("5") LENGTH("x") "\r\nhello", "!"),
        CASE(OK LENGTH("x") LENGTH("x") "\r\nhello", "!"),
        CASE(OK LENGTH(",") "\r\n", "!"),
        CASE(OK LENGTH("\"5\"") "\r\nhello", "!"),
        CASE(OK "\r\nhello", "200:until-close [hello] ."),
        CASE(OK "\r\n", "200:until-close ."),
        CASE(CHUNKED "5\r\nhello\r\n0\r\n\r\n" NEXT, "200:chunked [hello] . 204:none ."),
        CASE(CHUNKED "2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n" NEXT, "200:chunked [hello] . 204:none ."),
        CASE(CHUNKED "0\r\nA: b\r\n c\r\n\t\r\nD: e\r\n\r\n" NEXT, "200:chunked . 204:none ."),
        CASE(CHUNKED "0\r\n A: b\r\n\r\n", "200:chunked !"),
        CASE(CHUNKED "5\r\nhello\r\n0\r\n", "200:chunked [hello] ~"),
        CASE(CHUNKED "5\r\nhel", "200:chunked [hel] ~"),
        CASE(CHUNKED "x\r\n", "200:chunked !"),
        CASE(CHUNKED "5\r\nhelloX", "200:chunked [hello] !"),
        CASE(CHUNKED "3e8\r\n", "200:chunked ~"),
        CASE(CHUNKED "3e9\r\n", "200:chunked !"),
        /* What makes one answer look like two. */
        CASE(OK "Transfer-Encoding: chunked\r\n" LENGTH("5") "\r\n", "!"),
        CASE(OK LENGTH("5") "Transfer-Encoding: chunked\r\n\r\n", "!"),
        CASE(OK "Transfer-Encoding: gzip, chunked\r\n\r\n", "!"),
        CASE(OK "Transfer-Encoding: chunked, gzip\r\n\r\n", "!"),
        CASE(OK "Transfer-Encoding: identity\r\n\r\n", "!"),
        CASE(OK "Transfer-Encoding:\r\n\r\n", "!"),
        CASE(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "!"),
        CASE("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "!"),
        CASE(OK LENGTH("2") "\r\nhiHTTP", "200:2 [hi] . ~"),
        CASE(OK LENGTH("2") "\r\nhi\r\n" NEXT, "200:2 [hi] . !"),
    };
    run_all(HTTP_METHOD_GET, cases, ARRAY_LENGTH(cases));
}

static void answers_without_content(void **state)
{
    (void)state;
    static const struct answer_case of_get[] = {
        CASE(NEXT NEXT, "204:none . 204:none ."),
        CASE("HTTP/1.1 204 No Content\r\n" LENGTH("5") "\r\n" NEXT, "204:5/none . 204:none ."),
        CASE("HTTP/1.1 304 Not Modified\r\n" LENGTH("5000") "\r\n" NEXT, "304:5000/none . 204:none ."),
        CASE("HTTP/1.1 304 Not Modified\r\n" LENGTH("x") "\r\n", "!"),
    };
    static const struct answer_case of_head[] = {
        CASE(OK LENGTH("5000") "\r\n" NEXT, "200:5000/none . 204:none ."),
        CASE(OK "\r\n" NEXT, "200:none . 204:none ."),
        CASE(CHUNKED NEXT, "200:none . 204:none ."),
        CASE("HTTP/1.1 404 Not Found\r\n" LENGTH("9") "\r\n", "404:9/none ."),
    };
    run_all(HTTP_METHOD_GET, of_get, ARRAY_LENGTH(of_get));
    run_all(HTTP_METHOD_HEAD, of_head, ARRAY_LENGTH(of_head));
}

static void interim_responses(void **state)
{
    (void)state;
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"
#define HINTS    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
#define SIXTEEN                                                                                        \
    CONTINUE CONTINUE CONTINUE CONTINUE CONTINUE CONTINUE CONTINUE CONTINUE CONTINUE CONTINUE CONTINUE \
        CONTINUE CONTINUE CONTINUE CONTINUE CONTINUE
#define SIXTEEN_TOLD \
    "(100) (100) (100) (100) (100) (100) (100) (100) (100) (100) (100) (100) (100) (100) (100) (100)"
    static const struct answer_case cases[] = {
        CASE(CONTINUE HINTS OK LENGTH("2") "\r\nhi" NEXT, "(100) (103) 200:2 [hi] . 204:none ."),
        CASE(CONTINUE, "(100) ~"), /* the answer itself is missing */
        CASE("HTTP/1.1 199 x\r\n\r\n" NEXT, "(199) 204:none ."),
        CASE(SIXTEEN NEXT NEXT, SIXTEEN_TOLD " 204:none . 204:none ."),
        CASE(SIXTEEN CONTINUE, SIXTEEN_TOLD " !"),
        CASE(CONTINUE NEXT SIXTEEN NEXT, "(100) 204:none . " SIXTEEN_TOLD " 204:none ."),
    };
    run_all(HTTP_METHOD_GET, cases, ARRAY_LENGTH(cases));
}

static void tunnels(void **state)
{
    (void)state;
    static const struct answer_case of_get[] = {
        CASE("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05HTTP/",
             "101:tunnel:+1 ."),
    };
    static const struct answer_case of_connect[] = {
        CASE(OK "\r\nanything", "200:tunnel ."),
        CASE(OK LENGTH("5") "\r\nanything", "200:5:tunnel ."),
        CASE("HTTP/1.1 407 x\r\n" LENGTH("2") "\r\nhi" NEXT, "407:2 [hi] . 204:tunnel ."),
    };
    run_all(HTTP_METHOD_GET, of_get, ARRAY_LENGTH(of_get));
    run_all(HTTP_METHOD_CONNECT, of_connect, ARRAY_LENGTH(of_connect));
}

static void bounds_are_exact(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 1 << 16);
    for (size_t over = 0; over < 2; over++) {
        /* The head, with every line end. */
        buffer_append(&text, SLICE("HTTP/1.1 204 x\r\nA:"));
        while (text.length < limits.head_bytes - 4 + over)
            buffer_append_byte(&text, 'b');
        buffer_append(&text, SLICE("\r\n\r\n"));
        struct answer_case one = {.input = buffer_slice(&text), .expected = over ? "!" : "204:none:+1 ."};
        run(HTTP_METHOD_GET, &one);
        buffer_clear(&text);

        /* Content without a length. */
        buffer_append(&text, SLICE(OK "\r\n"));
        for (size_t i = 0; i < limits.body_bytes + over; i++)
            buffer_append_byte(&text, 'b');
        char expected[1100];
        snprintf(expected, sizeof(expected), "200:until-close [%.*s] %s", (int)limits.body_bytes,
                 text.data + sizeof(OK "\r\n") - 1, over ? "!" : ".");
        run(HTTP_METHOD_GET, &(struct answer_case){buffer_slice(&text), expected});
        buffer_clear(&text);
    }
    buffer_finish(&text);
}

/* A line that has no end is looked at once, and refused when it is too long. */
static void endless_line(void **state)
{
    (void)state;
    struct h1_response_parser engine;
    struct http_response_head head;
    struct slice piece;
    char bytes[300];
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, "HTTP/1.1 200 ", 13);
    h1_response_init(&engine, &limits);
    for (size_t length = 1; length <= limits.head_bytes; length++) {
        struct slice input = slice_make(bytes, length);
        assert_int_equal(h1_response_next(&engine, &input, &head, &piece), H1_RESPONSE_MORE);
        assert_int_equal(input.length, length);
    }
    struct slice input = slice_make(bytes, limits.head_bytes + 1);
    assert_int_equal(h1_response_next(&engine, &input, &head, &piece), H1_RESPONSE_BAD);
    assert_int_equal(h1_response_next(&engine, &input, &head, &piece), H1_RESPONSE_MORE);
    assert_int_equal(input.length, 0);
}

/* A head that the caller recognised itself. */
static void skipping_a_head(void **state)
{
    (void)state;
    struct h1_response_parser engine;
    struct http_response_head head;
    struct slice piece;
    h1_response_init(&engine, &limits);
    h1_response_expect(&engine, HTTP_METHOD_GET);
    h1_response_skip_head(&engine, HTTP_RESPONSE_BODY_LENGTH, 2);
    assert_true(h1_response_is_inside(&engine));
    struct slice input = SLICE("hi" NEXT);
    assert_int_equal(h1_response_next(&engine, &input, &head, &piece), H1_RESPONSE_CONTENT);
    assert_slice(piece, "hi");
    assert_int_equal(h1_response_next(&engine, &input, &head, &piece), H1_RESPONSE_END);
    h1_response_expect(&engine, HTTP_METHOD_GET);
    assert_int_equal(h1_response_next(&engine, &input, &head, &piece), H1_RESPONSE_HEAD);
    assert_int_equal(head.status, 204);
    assert_slice(head.reason, "No Content");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_lines),
        cmocka_unit_test(fields),
        cmocka_unit_test(what_only_the_strict_parser_refuses),
        cmocka_unit_test(persistence),
        cmocka_unit_test(content),
        cmocka_unit_test(answers_without_content),
        cmocka_unit_test(interim_responses),
        cmocka_unit_test(tunnels),
        cmocka_unit_test(bounds_are_exact),
        cmocka_unit_test(endless_line),
        cmocka_unit_test(skipping_a_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
