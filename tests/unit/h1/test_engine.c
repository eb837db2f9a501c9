/* Content and what frames it: lengths, chunks, trailers, pipelines, and every known shape of request
 * smuggling. */
#include "cuts.h"

static const struct h1_limits limits = {.head_bytes = 256, .uri_bytes = 64, .fields = 16, .body_bytes = 1000};

#define POST                "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED             POST "Transfer-Encoding: chunked\r\n\r\n"
#define NEXT                "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
#define LENGTH(length)      POST "Content-Length: " length "\r\n\r\n"
#define CODING_LINE(coding) "Transfer-Encoding: " coding "\r\n"
#define CODING(coding)      POST "Transfer-Encoding: " coding "\r\n\r\n"

static void lengths(void **state)
{
    (void)state;
    static const struct h1_case cases[] = {
        CASE(LENGTH("5") "hello", "POST:/@a:5:+1 [hello] ."),
        CASE(LENGTH("5") "hello" NEXT, "POST:/@a:5:+1 [hello] . GET:/next@a ."),
        CASE(LENGTH("5") "hell", "POST:/@a:5:+1 [hell] ~"),
        CASE(LENGTH("5"), "POST:/@a:5:+1 ~"),
        CASE(LENGTH("0") NEXT, "POST:/@a:+1 . GET:/next@a ."),
        CASE(LENGTH("000") NEXT, "POST:/@a:+1 . GET:/next@a ."),
        CASE(LENGTH("005") "hello" NEXT, "POST:/@a:5:+1 [hello] . GET:/next@a ."),
        CASE(LENGTH(" \t5\t ") "hello", "POST:/@a:5:+1 [hello] ."),
        CASE(LENGTH("5") "hello\r\n" NEXT, "POST:/@a:5:+1 [hello] . GET:/next@a ."),
        CASE("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx" NEXT,
             "GET:/@a:1:+1 [x] . GET:/next@a ."),
        CASE("POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", "POST:/@:1.0:1:+1 [x] ."),
        CASE(POST "\r\n" NEXT, "POST:/@a . GET:/next@a ."), /* neither: no content (RFC 9112 section 6.3) */
        CASE(LENGTH(""), "!400"),
        CASE(LENGTH("-1"), "!400"),
        CASE(LENGTH("+1") "x", "!400"),
        CASE(LENGTH("1.0") "x", "!400"),
        CASE(LENGTH("0x1") "x", "!400"),
        CASE(LENGTH("1e1"), "!400"),
        CASE(LENGTH("1 1"), "!400"),
        CASE(LENGTH("1_0"), "!400"),
        CASE(LENGTH("a"), "!400"),
        CASE(LENGTH("\xb2"), "!400"), /* a superscript two in Latin-1 */
        CASE(LENGTH("5;x") "hello", "!400"),
        CASE(LENGTH("1000"), "POST:/@a:1000:+1 ~"),
        CASE(LENGTH("1001"), "!413"),
        CASE(LENGTH("18446744073709551615"), "!413"),
        CASE(LENGTH("18446744073709551616"), "!400"),
        CASE(LENGTH("18446744073709551621") "hello", "!400"), /* 5, had it wrapped */
        CASE(LENGTH("99999999999999999999999999"), "!400"),
    };
    cuts_run_all(&limits, cases, ARRAY_LENGTH(cases));
}

static void transfer_codings(void **state)
{
    (void)state;
    static const struct h1_case cases[] = {
        CASE(CODING("chunked") "0\r\n\r\n", "POST:/@a:chunked:+1 ."),
        CASE(CODING("Chunked") "0\r\n\r\n", "POST:/@a:chunked:+1 ."),
        CASE(CODING("\t chunked \t") "0\r\n\r\n", "POST:/@a:chunked:+1 ."),
        CASE(CODING("gzip, chunked"), "!501"),
        CASE(CODING("gzip,chunked"), "!501"),
        CASE(CODING("gzip, CHUNKED"), "!501"),
        CASE(CODING("gzip;q=\"a,b\", chunked"), "!501"),
        CASE(CODING("gzip;q=\"a, chunked"), "!400"),
        CASE(CODING("chunked, chunked"), "!400"),
        /* Without chunked at the end nobody knows where the content ends (RFC 9112 section 6.3). */
        CASE(CODING("chunked, gzip"), "!400"),
        CASE(CODING("gzip"), "!400"),
        CASE(CODING("identity"), "!400"),
        CASE(CODING("identity, chunked, identity"), "!400"),
        CASE(CODING(""), "!400"),
        CASE(CODING(","), "!400"),
        /* Empty elements mean nothing (RFC 9110 section 5.6.1.2). */
        CASE(CODING("chunked,") "0\r\n\r\n", "POST:/@a:chunked:+1 ."),
        CASE(CODING(" ,, chunked\t,") "0\r\n\r\n", "POST:/@a:chunked:+1 ."),
        CASE(CODING(", gzip,, chunked"), "!501"),
        CASE(CODING("xchunked"), "!400"),
        CASE(CODING("gzip, xchunked"), "!400"),
        CASE(CODING("chunkedx"), "!400"),
        CASE(CODING("chunked;a=b"), "!400"),
        CASE(CODING("chun\xe7ked"), "!400"),
        CASE(CODING("\"chunked\""), "!400"),
        CASE(CODING("chunked chunked"), "!400"),
        CASE(CODING("chunked\x0b"), "!400"),
        CASE("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "!400"),
        /* All lines are one list (RFC 9110 section 5.3). */
        CASE(POST "Transfer-Encoding:\r\n" CODING_LINE("chunked") "\r\n0\r\n\r\n", "POST:/@a:chunked:+2 ."),
        CASE(POST CODING_LINE("gzip") CODING_LINE("chunked") "\r\n", "!501"),
        CASE(POST CODING_LINE("chunked") CODING_LINE("gzip") "\r\n", "!400"),
        CASE(POST CODING_LINE("gzip, chunked") CODING_LINE("chunked") "\r\n", "!400"),
    };
    cuts_run_all(&limits, cases, ARRAY_LENGTH(cases));
}

/* Two ways to read one message: CL.CL, CL.TE, TE.CL, TE.TE, TE.0 and hidden fields. */
static void smuggling(void **state)
{
    (void)state;
    static const struct h1_case cases[] = {
        CASE(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "!400"),
        CASE(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "!400"),
        CASE(POST "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello", "!400"),
        CASE(POST "Content-Length: 5, 5\r\n\r\nhello", "!400"),
        CASE(POST "Content-Length: 5,6\r\n\r\nhello", "!400"),
        CASE(POST "content-length: 5\r\nCONTENT-LENGTH: 5\r\n\r\nhello", "!400"),
        CASE(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "!400"),
        CASE(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "!400"),
        CASE(POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", "!400"),
        CASE(POST "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello", "!400"),
        CASE(POST "Transfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello", "!400"),
        CASE(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "!400"),
        CASE(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", "!400"),
        CASE(POST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "!501"),
        CASE(POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "!501"),
        CASE(POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "!400"),
        CASE(POST "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", "!400"),
        CASE(POST "Content-Length : 5\r\n\r\nhello", "!400"),
        CASE(POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "!400"),
        CASE(POST "X: y\r\n Transfer-Encoding: chunked\r\n\r\n", "!400"),
        CASE(POST " Transfer-Encoding: chunked\r\n\r\n", "!400"),
        CASE(POST "X: y\rTransfer-Encoding: chunked\r\n\r\n", "!400"),
        CASE(POST "X: y\nTransfer-Encoding: chunked\r\n\r\n", "!400"),
        CASE(POST "X: y\0Transfer-Encoding: chunked\r\n\r\n", "!400"),
        CASE(POST "Transfer-Encoding: chunked\0\r\n\r\n", "!400"),
        CASE(POST "Transfer-Encoding: \x0c"
                  "chunked\r\n\r\n",
             "!400"),
        CASE(POST "\0Transfer-Encoding: chunked\r\n\r\n", "!400"),
        /* Names that only resemble are other fields: no framing for anybody. */
        CASE(POST "Transfer_Encoding: chunked\r\n\r\n" NEXT, "POST:/@a:+1 . GET:/next@a ."),
        CASE(POST "Content_Length: 5\r\n\r\n" NEXT, "POST:/@a:+1 . GET:/next@a ."),
        CASE(POST "X-Transfer-Encoding: chunked\r\n\r\n" NEXT, "POST:/@a:+1 . GET:/next@a ."),
        /* The first request ends where it says, and what is behind is the next one, in plain sight. */
        CASE(LENGTH("4") "GET / HTTP/1.1\r\n\r\n", "POST:/@a:4:+1 [GET ] . !400"),
        CASE(LENGTH("6") "0\r\n\r\nG" NEXT, "POST:/@a:6:+1 [0\r\n\r\nG] . GET:/next@a ."),
        CASE(CHUNKED "0\r\n\r\nG" NEXT, "POST:/@a:chunked:+1 . GGET:/next@a ."),
        CASE(CHUNKED "5\r\nhello\r\n0\r\n\r\n" NEXT, "POST:/@a:chunked:+1 [hello] . GET:/next@a ."),
    };
    cuts_run_all(&limits, cases, ARRAY_LENGTH(cases));
}

#define CHUNKS(text, expected) CASE(CHUNKED text, "POST:/@a:chunked:+1 " expected)

static void chunks(void **state)
{
    (void)state;
    static const struct h1_case cases[] = {
        CHUNKS("", "~"),
        CHUNKS("0\r\n\r\n", "."),
        CHUNKS("0\r\n\r", "~"),
        CHUNKS("0\r\n", "~"),
        CHUNKS("000\r\n\r\n", "."),
        CHUNKS("1\r\na\r\n0\r\n\r\n", "[a] ."),
        CHUNKS("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "[abc] ."),
        CHUNKS("a\r\n0123456789\r\n0\r\n\r\n", "[0123456789] ."),
        CHUNKS("A\r\n0123456789\r\n0\r\n\r\n", "[0123456789] ."),
        CHUNKS("0000000000000000000001\r\na\r\n0\r\n\r\n", "[a] ."),
        CHUNKS("2\r\n\r\n\r\n0\r\n\r\n", "[\r\n] ."),
        CHUNKS("5\r\n0\r\n\r\n\r\n0\r\n\r\n", "[0\r\n\r\n] ."),
        CHUNKS("1\r\na", "[a] ~"),
        CHUNKS("1\r\na\r\n", "[a] ~"),
        CHUNKS("5\r\nhel", "[hel] ~"),
        /* The size line, to the letter. */
        CHUNKS("\r\n", "!400"),
        CHUNKS(";\r\n", "!400"),
        CHUNKS("g\r\n", "!400"),
        CHUNKS("-1\r\n", "!400"),
        CHUNKS("+1\r\n", "!400"),
        CHUNKS("0x1\r\na\r\n", "!400"),
        CHUNKS(" 1\r\na\r\n", "!400"),
        CHUNKS("1 \r\na\r\n", "!400"),
        CHUNKS("1\t\r\na\r\n", "!400"),
        CHUNKS("1_0\r\n", "!400"),
        CHUNKS("1,\r\n", "!400"),
        CHUNKS("1.\r\n", "!400"),
        CHUNKS("1\na\n", "!400"),
        CHUNKS("1\ra\r\n", "!400"),
        CHUNKS("1\r\r\na", "!400"),
        CHUNKS("1\0\r\na", "!400"),
        CHUNKS("\0\r\n", "!400"),
        /* Behind the data: CRLF, nothing less, nothing in front. */
        CHUNKS("1\r\nab\r\n", "[a] !400"),
        CHUNKS("1\r\na\n0\r\n\r\n", "[a] !400"),
        CHUNKS("1\r\na\r0\r\n\r\n", "[a] !400"),
        CHUNKS("1\r\na0\r\n\r\n", "[a] !400"),
        CHUNKS("1\r\na \r\n", "[a] !400"),
        CHUNKS("1\r\na\r\n\r\n", "[a] !400"),
        CHUNKS("2\r\na\r\n0\r\n\r\n", "[a\r] !400"),
        CHUNKS("0\n\n", "!400"),
        CHUNKS("0\r\n\n", "!400"),
        CHUNKS("0\r\n\r\r\n", "!400"),
        CHUNKS("0\r\n\rX", "!400"),
        /* Sizes that overflow must not wrap. */
        CHUNKS("ffffffff\r\n", "!413"),
        CHUNKS("ffffffffffffffff\r\n", "!413"),
        CHUNKS("10000000000000000\r\n", "!413"),
        CHUNKS("10000000000000001\r\na\r\n0\r\n\r\n", "!413"),
        CHUNKS("fffffffffffffffff\r\n", "!413"),
        CHUNKS("8000000000000000\r\n", "!413"),
        /* The content's limit is 1000: 3e8 in hexadecimal. */
        CHUNKS("3e8\r\n", "~"),
        CHUNKS("3e9\r\n", "!413"),
        CHUNKS("1\r\na\r\n3e7\r\n", "[a] ~"),
        CHUNKS("1\r\na\r\n3e8\r\n", "[a] !413"),
        CHUNKS("1\r\na\r\nffffffffffffffff\r\n", "[a] !413"),
    };
    cuts_run_all(&limits, cases, ARRAY_LENGTH(cases));
}

static void chunk_extensions(void **state)
{
    (void)state;
    static const struct h1_case cases[] = {
        CHUNKS("1;a\r\nx\r\n0;b=c;d=\"e\\\" f\"\r\n\r\n", "[x] ."),
        /* BWS: around ';' and '=', and nowhere else. */
        CHUNKS("1; a = b\r\nx\r\n0\r\n\r\n", "[x] ."),
        CHUNKS("1 \t;\t a\t=\t\"b\" ; c ;d\r\nx\r\n0 ;a\r\n\r\n", "[x] ."),
        CHUNKS("1;a ;b= c\r\nx\r\n0\r\n\r\n", "[x] ."),
        CHUNKS("1;a \r\n", "!400"),
        CHUNKS("1;a=b \r\n", "!400"),
        CHUNKS("1;a=\"b\" \r\n", "!400"),
        CHUNKS("1 a\r\n", "!400"),
        CHUNKS("1;a b\r\n", "!400"),
        CHUNKS("1;a=b c\r\n", "!400"),
        /* A name, always a token. */
        CHUNKS("1;\r\n", "!400"),
        CHUNKS("1; \r\n", "!400"),
        CHUNKS("1;;a\r\n", "!400"),
        CHUNKS("1;a;\r\n", "!400"),
        CHUNKS("1;=b\r\n", "!400"),
        CHUNKS("1;(\r\n", "!400"),
        CHUNKS("1;a(\r\n", "!400"),
        CHUNKS("1;\"a\"\r\n", "!400"),
        CHUNKS("1;\x80\r\n", "!400"),
        /* A value, a token or a quoted string. */
        CHUNKS("1;a=\r\n", "!400"),
        CHUNKS("1;a=;b\r\n", "!400"),
        CHUNKS("1;a==b\r\n", "!400"),
        CHUNKS("1;a=b=c\r\n", "!400"),
        CHUNKS("1;a=(\r\n", "!400"),
        CHUNKS("1;a=b\"c\"\r\n", "!400"),
        CHUNKS("1;a=\"b\"c\r\n", "!400"),
        CHUNKS("1;a=\"b\r\nx\r\n", "!400"),
        CHUNKS("1;a=\"b\\\r\nx\r\n", "!400"),
        CHUNKS("1;a=\"\"\r\nx\r\n0\r\n\r\n", "[x] ."),
        CHUNKS("1;a=\"; = (\x80\t\\\\\\(\"\r\nx\r\n0\r\n\r\n", "[x] ."),
        CHUNKS("1;a=\"\\\x01\"\r\n", "!400"),
        CHUNKS("1;a=\"\x7f\"\r\n", "!400"),
        CHUNKS("1;a\nx\r\n0\r\n\r\n", "!400"), /* TERM.EXT: a bare LF in an extension */
        CHUNKS("1;a\rx\r\n", "!400"),
        CHUNKS("1;a\r\r\nx", "!400"),
        CHUNKS("1;\0\r\nx", "!400"),
        CHUNKS("1;\x7f\r\nx", "!400"),
        CHUNKS("0;a\n\r\n", "!400"),
    };
    cuts_run_all(&limits, cases, ARRAY_LENGTH(cases));
}

static void trailers(void **state)
{
    (void)state;
    static const struct h1_case cases[] = {
        CHUNKS("0\r\nX: y\r\n\r\n" NEXT, ".+1 GET:/next@a ."), CHUNKS("0\r\nX:\r\nY:z\r\n\r\n", ".+2"),
        CHUNKS("0\r\nX: \t\x80 \"\r\n\r\n", ".+1"),
        /* Framing and routing in a trailer mean nothing. */
        CHUNKS("0\r\nContent-Length: 50\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n" NEXT,
               ".+3 GET:/next@a ."),
        CHUNKS("0\r\nX: y", "~"), CHUNKS("0\r\nX: y\r\n", "~"), CHUNKS("0\r\nX y\r\n", "!400"),
        CHUNKS("0\r\nX : y\r\n", "!400"), CHUNKS("0\r\n X: y\r\n", "!400"),
        CHUNKS("0\r\nX: y\r\n z\r\n", "!400"), CHUNKS("0\r\n: y\r\n", "!400"), CHUNKS("0\r\nX\r\n", "!400"),
        CHUNKS("0\r\nX: y\n", "!400"), CHUNKS("0\r\nX: \0\r\n", "!400"), CHUNKS("0\r\nX: y\rz", "!400"),
        CHUNKS("0\r\nX: y\r\n\n", "!400"),
        CHUNKS("0\r\nGET / HTTP/1.1\r\n", "!400"), /* who forgot the last empty line */
    };
    cuts_run_all(&limits, cases, ARRAY_LENGTH(cases));
}

static void pipelines(void **state)
{
    (void)state;
    static const struct h1_case cases[] = {
        CASE(NEXT NEXT NEXT, "GET:/next@a . GET:/next@a . GET:/next@a ."),
        CASE(NEXT LENGTH("2") "hi" CHUNKED "1\r\nx\r\n0\r\n\r\n" NEXT,
             "GET:/next@a . POST:/@a:2:+1 [hi] . POST:/@a:chunked:+1 [x] . GET:/next@a ."),
        CASE(NEXT "GET / HTTP/1.1\r\n\r\n" NEXT, "GET:/next@a . !400"),
        CASE(NEXT "GET /next", "GET:/next@a . ~"), CASE(CHUNKED "3e8\r\n", "POST:/@a:chunked:+1 ~"),
        /* What one message set must not reach into the next: sizes, counts, trailers. */
        CASE(CHUNKED "2\r\nab\r\n0\r\nX: y\r\n\r\n" CHUNKED "1\r\nc\r\n0\r\n\r\n" LENGTH("1") "d" NEXT,
             "POST:/@a:chunked:+1 [ab] .+1 POST:/@a:chunked:+1 [c] . POST:/@a:1:+1 [d] . GET:/next@a ."),
        CASE("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n" NEXT,
             "GET:/@a:close:expect:+2 . GET:/next@a ."), /* whether to go on is the caller's to say */
    };
    cuts_run_all(&limits, cases, ARRAY_LENGTH(cases));
}

static void append_repeated(struct buffer *text, char byte, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buffer_append_byte(text, byte);
}

static void run_buffer(struct buffer *text, const char *expected)
{
    struct h1_case one = {.input = buffer_slice(text), .expected = expected};
    cuts_run(&limits, &one);
    buffer_clear(text);
}

static void bounds_of_chunk_lines_are_exact(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 1 << 16);
    for (size_t over = 0; over < 2; over++) {
        buffer_append(&text, SLICE(CHUNKED "1;"));
        append_repeated(&text, 'x', H1_CHUNK_LINE_BYTES_MAX - 4 + over); /* "1;", CR and LF */
        buffer_append(&text, SLICE("\r\na\r\n0\r\n\r\n"));
        run_buffer(&text, over ? "POST:/@a:chunked:+1 !400" : "POST:/@a:chunked:+1 [a] .");

        buffer_append(&text, SLICE(CHUNKED));
        append_repeated(&text, '0', H1_CHUNK_LINE_BYTES_MAX - 3 + over);
        buffer_append(&text, SLICE("1\r\na\r\n0\r\n\r\n"));
        run_buffer(&text, over ? "POST:/@a:chunked:+1 !400" : "POST:/@a:chunked:+1 [a] .");

        /* All trailers and the empty line behind them. */
        buffer_append(&text, SLICE(CHUNKED "0\r\nX: "));
        append_repeated(&text, 'y', limits.head_bytes - 7 + over);
        buffer_append(&text, SLICE("\r\n\r\n"));
        run_buffer(&text, over ? "POST:/@a:chunked:+1 !431" : "POST:/@a:chunked:+1 .+1");
    }
    buffer_finish(&text);
}

static void swallows_everything_after_an_error(void **state)
{
    (void)state;
    struct h1 engine;
    struct http_field fields[8];
    struct http_request request = {.fields = fields, .fields_max = ARRAY_LENGTH(fields)};
    struct slice content;
    h1_init(&engine, &limits);
    struct slice input = SLICE("\x16");
    assert_int_equal(h1_next(&engine, &input, &request, &content), H1_ERROR);
    assert_int_equal(engine.status, 400);
    input = SLICE(NEXT);
    assert_int_equal(h1_next(&engine, &input, &request, &content), H1_MORE);
    assert_int_equal(input.length, 0);
}

/* Content is given as it comes, not gathered; and the request is left alone meanwhile. */
static void content_is_lent(void **state)
{
    (void)state;
    struct h1 engine;
    struct http_field fields[8];
    struct http_request request = {.fields = fields, .fields_max = ARRAY_LENGTH(fields)};
    struct slice content;
    h1_init(&engine, &limits);
    struct slice input = SLICE(LENGTH("7") "abc");
    const char *body = input.data + input.length - 3;
    assert_int_equal(h1_next(&engine, &input, &request, &content), H1_REQUEST);
    assert_true(h1_is_inside(&engine));
    struct http_request before = request;
    assert_int_equal(h1_next(&engine, &input, &request, &content), H1_CONTENT);
    assert_ptr_equal(content.data, body);
    assert_int_equal(content.length, 3);
    assert_int_equal(h1_next(&engine, &input, &request, &content), H1_MORE);
    input = SLICE("defgGET");
    assert_int_equal(h1_next(&engine, &input, &request, &content), H1_CONTENT);
    assert_slice(content, "defg");
    assert_memory_equal(&request, &before, offsetof(struct http_request, fields));
    assert_int_equal(h1_next(&engine, &input, &request, &content), H1_END);
    assert_false(h1_is_inside(&engine));
    assert_int_equal(h1_next(&engine, &input, &request, &content), H1_MORE);
    assert_true(h1_is_inside(&engine));
    assert_slice(input, "GET");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),
        cmocka_unit_test(transfer_codings),
        cmocka_unit_test(smuggling),
        cmocka_unit_test(chunks),
        cmocka_unit_test(chunk_extensions),
        cmocka_unit_test(trailers),
        cmocka_unit_test(pipelines),
        cmocka_unit_test(bounds_of_chunk_lines_are_exact),
        cmocka_unit_test(swallows_everything_after_an_error),
        cmocka_unit_test(content_is_lent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
