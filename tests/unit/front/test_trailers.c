/* Trailers of requests and responses, over HTTP/1 and HTTP/2: a handler of the test answers with those that
 * it got, and adds some of its own. */
#include "tests/unit/server_builder.h"

#ifdef HAVE_HTTP2
#include "tests/unit/h2_pair.h"
#endif

#include "serve/exchange.h"
#include "serve/handler.h"

/* ---- the handler ---- */

struct echo {
    struct sink sink;
    struct source source;
    struct slice text; /* the answer, until it is given */
    bool is_given;
};

static unsigned aborts;
static bool gives_trailers, awaits_credit;
static struct sink *last_sink;

static void echo_write(struct sink *sink, struct slice bytes)
{
    if (!awaits_credit)
        sink->credit += bytes.length;
}

static enum source_result echo_next(struct source *source, size_t bytes_max, struct segment *ret_segment)
{
    struct echo *echo = CONTAINER_OF(source, struct echo, source);
    (void)bytes_max;
    if (echo->is_given || echo->text.length == 0) {
        if (gives_trailers) {
            exchange_add_trailer(source->exchange, SLICE("X-Sum"), SLICE("abc"));
            exchange_add_trailer(source->exchange, SLICE("Content-Length"), SLICE("1"));
            exchange_add_trailer(source->exchange, SLICE("Set-Cookie"), SLICE("a=b"));
            exchange_add_trailer(source->exchange, SLICE("X-Last"), SLICE(""));
        }
        return SOURCE_END;
    }
    *ret_segment = segment_memory(echo->text);
    echo->is_given = true;
    return SOURCE_GIVEN;
}

static const struct source_type echo_source = {.next = echo_next};

static void echo_respond(struct echo *echo)
{
    struct exchange *exchange = echo->sink.exchange;
    echo->source = (struct source){.type = &echo_source, .exchange = exchange, .length = HTTP_LENGTH_UNKNOWN};
    exchange_begin_response(exchange, 200);
    exchange_respond(exchange, &echo->source);
}

static void echo_end(struct sink *sink)
{
    struct echo *echo = CONTAINER_OF(sink, struct echo, sink);
    struct exchange *exchange = sink->exchange;
    struct buffer text;
    buffer_init(&text, SIZE_MAX);
    for (unsigned i = 0; i < exchange->trailers.count; i++) {
        const struct http_field *field = &exchange->trailers.fields[i];
        assert_int_equal(field->name, http_field_lookup(field->name_text));
        buffer_printf(&text, "%.*s=%.*s;", SLICE_ARGS(field->name_text), SLICE_ARGS(field->value));
    }
    for (unsigned i = 0; i < exchange->request.field_count; i++)
        assert_false(slice_starts_with(exchange->request.fields[i].name_text, SLICE("X-")));
    echo->text = arena_copy(&exchange->arena, buffer_slice(&text));
    buffer_finish(&text);
    echo_respond(echo);
}

static void echo_abort(struct sink *sink, enum outcome why)
{
    (void)sink, (void)why;
    aborts++;
}

static const struct sink_type echo_sink = {.write = echo_write, .end = echo_end, .abort = echo_abort};

static void echo_handle(struct exchange *exchange)
{
    struct echo *echo = arena_zalloc(&exchange->arena, sizeof(*echo));
    assert_non_null(echo);
    echo->sink = (struct sink){.type = &echo_sink, .exchange = exchange, .credit = awaits_credit ? 0 : 100};
    last_sink = &echo->sink;
    exchange_read_content(exchange, &echo->sink);
}

static const struct handler_type echo_handler = {.handle = echo_handle, .streams_content = true};

static void start(struct world *world)
{
    aborts = 0;
    awaits_credit = gives_trailers = false;
    world_init(world);
    world->settings->limits.fields = 8;
    world->routes[0].kind = ROUTE_RESPOND;
    world_start(world);
    world->server->service.handlers[ROUTE_RESPOND] = (struct handler){.type = &echo_handler};
}

/* ---- HTTP/1 ---- */

#define POST "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
#define BODY "\r\n3\r\nabc\r\n0\r\n"
#define NEXT "GET /next HTTP/1.1\r\nHost: x\r\n\r\n"

/* Each with what the handler got. */
static const struct {
    const char *trailers, *got;
} cases[] = {
    {"", ""},
    {"X-One: 1\r\nx-two:  2 \t\r\n", "X-One=1;x-two=2;"},
    {"X-One: 1\r\nX-One: 2\r\nX-Empty:\r\n", "X-One=1;X-One=2;X-Empty=;"},
    {"Content-Length: 5\r\nHost: y\r\nTransfer-Encoding: chunked\r\nX-One: 1\r\nTE: trailers\r\n",
     "X-One=1;"},
    {"Authorization: me\r\ncookie: a=b\r\nCONTENT-TYPE: a/b\r\nTrailer: x\r\nIf-Match: *\r\n", ""},
    {"ETag: \"a\"\r\nServer-Timing: a\r\n", "ETag=\"a\";Server-Timing=a;"},
    {"A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\nG: 7\r\nH: 8\r\n", "A=1;B=2;C=3;D=4;E=5;F=6;G=7;H=8;"},
};

static void expect_echo(struct client *client, const char *got, size_t times)
{
    char text[128];
    if (got[0])
        snprintf(text, sizeof(text), "\r\n\r\n%zx\r\n%s\r\n0\r\n\r\n", strlen(got), got);
    else
        snprintf(text, sizeof(text), "\r\n\r\n0\r\n\r\n");
    client_await(client, text, times);
}

static void a_sink_gets_them(void **state)
{
    (void)state;
    TABLE_ROWS(i, cases, cases[i].trailers) {
        char request[512];
        snprintf(request, sizeof(request), POST BODY "%s\r\n", cases[i].trailers);
        for (int step = 0; step < 2; step++) {
            struct world world;
            struct client client;
            start(&world);
            client_connect(&client, &world, 0);
            for (const char *at = request; step == 1 && *at; at++) {
                client_send(&client, slice_make(at, 1));
                world_run_for(&world, 1);
            }
            if (step == 0)
                client_say(&client, request);
            expect_echo(&client, cases[i].got, 1);
            client_say(&client, NEXT); /* nothing of them is left */
            client_await(&client, "HTTP/1.1 200 OK\r\n", 2);
            assert_int_equal(aborts, 0);
            client_close(&client);
            world_finish(&world);
        }
    }
}

/* Several messages in one read. */
static void each_request_has_its_own(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world);
    client_connect(&client, &world, 0);
    client_say(&client, POST BODY "X-A: 1\r\n\r\n" POST BODY "X-B: 2\r\n\r\n" POST BODY "\r\n" NEXT);
    client_await(&client, "HTTP/1.1 200 OK\r\n", 4);
    expect_echo(&client, "X-A=1;", 1);
    expect_echo(&client, "X-B=2;", 1);
    client_close(&client);
    world_finish(&world);
}

static void too_many_are_refused(void **state)
{
    (void)state;
    static char long_one[40000];
    snprintf(long_one, sizeof(long_one), POST BODY "X: %032768d\r\n\r\n", 0);
    const char *const requests[] = {
        POST BODY "A:1\r\nB:2\r\nC:3\r\nD:4\r\nE:5\r\nF:6\r\nG:7\r\nH:8\r\nI:9\r\n\r\n" NEXT,
        long_one,
    };
    TABLE_ROWS(i, requests, requests[i]) {
        struct world world;
        struct client client;
        start(&world);
        client_connect(&client, &world, 0);
        client_say(&client, requests[i]);
        client_await(&client, "HTTP/1.1 431 ", 1);
        client_await(&client, "Connection: close\r\n", 1);
        client_await_end(&client);
        assert_int_equal(client_count(&client, "HTTP/1.1 "), 1);
        assert_int_equal(aborts, 1);
        client_close(&client);
        world_finish(&world);
    }
}

static void a_client_may_leave_in_them(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world);
    client_connect(&client, &world, 0);
    client_say(&client, POST BODY "X-One: 1");
    world_await_state(&world, CLIENT_BODY);
    client_close(&client);
    world_await_open(&world, 0);
    assert_int_equal(aborts, 1);
    world_finish(&world);
}

static void a_response_has_some_for_clients_that_take_them(void **state)
{
    (void)state;
#define WITH    "0\r\nX-Sum: abc\r\nX-Last: \r\n\r\n"
#define WITHOUT "0\r\n\r\n"
    static const struct {
        const char *request, *end;
    } responses[] = {
        {POST "TE: trailers\r\nConnection: TE\r\n" BODY "\r\n", "\r\n\r\n" WITH},
        {POST "TE: gzip;q=0.5, Trailers\r\n" BODY "\r\n", "\r\n\r\n" WITH},
        {POST "TE: trailers\r\n" BODY "X: y\r\n\r\n", "\r\n\r\n4\r\nX=y;\r\n" WITH},
        {POST "TE: gzip\r\n" BODY "\r\n", "\r\n\r\n" WITHOUT},
        {POST BODY "X: y\r\n\r\n", "\r\n\r\n4\r\nX=y;\r\n" WITHOUT},
    };
    TABLE_ROWS(i, responses, responses[i].request) {
        struct world world;
        struct client client;
        start(&world);
        gives_trailers = true;
        client_connect(&client, &world, 0);
        client_say(&client, responses[i].request);
        client_await(&client, responses[i].end, 1);
        assert_int_equal(client_count(&client, "Set-Cookie"), 0);
        client_say(&client, NEXT);
        client_await(&client, "HTTP/1.1 200 OK\r\n", 2);
        client_close(&client);
        world_finish(&world);
    }
}

static void none_without_chunks(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "HEAD / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\nTE: trailers\r\n\r\n",
    };
    TABLE_ROWS(i, requests, requests[i]) {
        struct world world;
        struct client client;
        start(&world);
        gives_trailers = true;
        client_connect(&client, &world, 0);
        client_say(&client, requests[i]);
        client_await_end(&client);
        assert_int_equal(client_count(&client, "HTTP/1.1 200 OK\r\n"), 1);
        assert_int_equal(client_count(&client, "X-Sum"), 0);
        client_close(&client);
        world_finish(&world);
    }
}

/* ---- HTTP/2 ---- */

#ifdef HAVE_HTTP2

struct h2_fixture {
    struct world world;
    struct h2_pair pair;
    struct h2_client_stream *stream;
};

static void put_literal(struct buffer *block, struct slice text)
{
    assert_true(text.length < 127);
    buffer_append_byte(block, (char)text.length);
    buffer_append(block, text);
}

/* HEADERS with these lines ("name: value\n"), as they are: nghttp2's client would not send bad ones. */
static void send_trailers(struct h2_fixture *fixture, const char *lines, char flags)
{
    struct buffer block, frame;
    struct slice rest = slice_from(lines), line;
    buffer_init(&block, SIZE_MAX);
    buffer_init(&frame, SIZE_MAX);
    while (rest.length > 0) {
        line = slice_take(rest, slice_find(rest, '\n'));
        rest = slice_skip(rest, line.length + 1);
        size_t colon = 1 + slice_find(slice_skip(line, 1), ':');
        buffer_append_byte(&block, 0); /* without indexing, with a new name */
        put_literal(&block, slice_take(line, colon));
        put_literal(&block, slice_trim(slice_skip(line, colon + 1)));
    }
    buffer_append_byte(&frame, 0);
    buffer_append_byte(&frame, (char)(block.length >> 8));
    buffer_append_byte(&frame, (char)block.length);
    buffer_append_byte(&frame, NGHTTP2_HEADERS);
    buffer_append_byte(&frame, flags);
    buffer_append(&frame, slice_make("\0\0\0", 3));
    buffer_append_byte(&frame, (char)fixture->stream->id);
    buffer_append(&frame, buffer_slice(&block));
    h2_pair_receive(&fixture->pair, buffer_slice(&frame));
    buffer_finish(&block);
    buffer_finish(&frame);
}

/* A request whose content has come, but not its end. */
static void begin_request(struct h2_fixture *fixture)
{
    nghttp2_nv headers[] = {
        h2_client_header(SLICE(":method"), SLICE("POST")),
        h2_client_header(SLICE(":scheme"), SLICE("http")),
        h2_client_header(SLICE(":authority"), SLICE("x")),
        h2_client_header(SLICE(":path"), SLICE("/")),
    };
    start(&fixture->world);
    h2_pair_init_events(&fixture->pair, &fixture->world);
    fixture->pair.all.limits.fields = 8;
    h2_pair_start(&fixture->pair, 65535);
    fixture->pair.client.leaves_open = true;
    fixture->stream = h2_client_ask(&fixture->pair.client, headers, ARRAY_LENGTH(headers), SLICE("content"));
}

static void end_request(struct h2_fixture *fixture)
{
    h2_pair_finish(&fixture->pair);
    world_finish(&fixture->world);
}

#define ENDS (char)(NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM)

static void a_stream_has_them_too(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *got;
    } rows[] = {
        {"x-one: 1\nx-two: 2\n", "x-one=1;x-two=2;"},
        {"x-one: 1\nauthorization: me\nx-one: 2\nset-cookie: a\n", "x-one=1;x-one=2;"},
        {"a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\nh: 8\n", "a=1;b=2;c=3;d=4;e=5;f=6;g=7;h=8;"},
    };
    TABLE_ROWS(i, rows, rows[i].lines)
        for (int step = 0; step < 2; step++) {
            struct h2_fixture fixture;
            begin_request(&fixture);
            gives_trailers = true;
            awaits_credit = step == 1; /* they arrive before the sink has taken the content */
            h2_pair_talk(&fixture.pair);
            send_trailers(&fixture, rows[i].lines, ENDS);
            h2_pair_talk(&fixture.pair);
            if (step == 1) {
                assert_int_equal(fixture.stream->status, 0);
                last_sink->credit = 100;
                exchange_wake(last_sink->exchange);
                h2_pair_talk(&fixture.pair);
            }
            assert_int_equal(fixture.stream->status, 200);
            assert_slice(buffer_slice(&fixture.stream->content), rows[i].got);
            assert_true(fixture.stream->has_ended);
            assert_true(
                slice_ends_with(buffer_slice(&fixture.stream->fields), SLICE("x-sum: abc\nx-last: \n")));
            assert_int_equal(aborts, 0);
            end_request(&fixture);
        }
}

/* Trailers and nothing else: the response has no DATA. */
static void without_content(void **state)
{
    (void)state;
    struct h2_fixture fixture;
    begin_request(&fixture);
    gives_trailers = true;
    h2_pair_talk(&fixture.pair);
    send_trailers(&fixture, "x: \n", ENDS);
    h2_pair_talk(&fixture.pair);
    struct h2_client_stream *get = h2_client_get(&fixture.pair.client, "/");
    h2_pair_talk(&fixture.pair);
    assert_int_equal(get->status, 200);
    assert_int_equal(get->content.length, 0);
    assert_true(get->has_ended && get->is_closed);
    assert_int_equal(get->code, 0);
    assert_true(slice_ends_with(buffer_slice(&get->fields), SLICE("x-sum: abc\nx-last: \n")));
    end_request(&fixture);
}

/* Only the stream is reset. */
static void bad_ones_end_the_stream(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        char flags;
    } rows[] = {
        {"X-One: 1\n", ENDS},
        {":path: /other\n", ENDS},
        {"x-one: 1\n:status: 200\n", ENDS},
        {"x-one: 1\n", NGHTTP2_FLAG_END_HEADERS}, /* and not the end */
        {"connection: close\n", ENDS},
        {"transfer-encoding: chunked\n", ENDS},
        {"x one: 1\n", ENDS},
        {"x-one: a\rb\n", ENDS},
    };
    TABLE_ROWS(i, rows, rows[i].lines) {
        struct h2_fixture fixture;
        begin_request(&fixture);
        h2_pair_talk(&fixture.pair);
        send_trailers(&fixture, rows[i].lines, rows[i].flags);
        h2_pair_talk(&fixture.pair);
        assert_int_equal(fixture.stream->status, 0);
        assert_true(fixture.stream->is_closed);
        assert_int_equal(fixture.stream->code, NGHTTP2_PROTOCOL_ERROR);
        assert_int_equal(aborts, 1);
        fixture.pair.client.leaves_open = false;
        struct h2_client_stream *get = h2_client_get(&fixture.pair.client, "/");
        h2_pair_talk(&fixture.pair);
        assert_int_equal(get->status, 200);
        end_request(&fixture);
    }
}

static void too_many_of_a_stream_are_refused(void **state)
{
    (void)state;
    struct h2_fixture fixture;
    begin_request(&fixture);
    h2_pair_talk(&fixture.pair);
    send_trailers(&fixture, "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\nh: 8\ni: 9\n", ENDS);
    h2_pair_talk(&fixture.pair);
    assert_int_equal(fixture.stream->status, 431);
    assert_true(fixture.stream->has_ended);
    assert_int_equal(aborts, 1);
    end_request(&fixture);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sink_gets_them),
        cmocka_unit_test(each_request_has_its_own),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(a_client_may_leave_in_them),
        cmocka_unit_test(a_response_has_some_for_clients_that_take_them),
        cmocka_unit_test(none_without_chunks),
#ifdef HAVE_HTTP2
        cmocka_unit_test(a_stream_has_them_too),
        cmocka_unit_test(without_content),
        cmocka_unit_test(bad_ones_end_the_stream),
        cmocka_unit_test(too_many_of_a_stream_are_refused),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
