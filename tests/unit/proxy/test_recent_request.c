/* A head that is taken from the recent one must be what would be written: whatever came before it, however
 * little two requests differ, and whoever sends them to whichever server. */
#include "../test.h"

#include "base/buffer.h"
#include "h1/h1.h"
#include "proxy/recent_request.h"

static const struct h1_limits limits = {
    .head_bytes = 8192, .uri_bytes = 4096, .fields = 20, .body_bytes = 1000};

struct writing {
    struct recent_request recent;
    struct http_field fields[20];
    struct http_request request;
    struct peer peer;
    struct proxy_settings settings;
    struct request_plan plan;
};

static struct writing writing;

static void reset(void)
{
    writing = (struct writing){.peer = {.family = AF_INET, .bytes = {192, 0, 2, 1}}};
    writing.plan = (struct request_plan){
        .request = &writing.request,
        .peer = &writing.peer,
        .settings = &writing.settings,
        .bare_prefix = SLICE(""),
        .server_authority = SLICE("server:3000"),
    };
}

/* Returns false for what is no request. */
static bool parse(struct slice text)
{
    struct h1 engine;
    struct slice content;
    writing.request = (struct http_request){.fields = writing.fields, .fields_max = 20};
    h1_init(&engine, &limits);
    return h1_next(&engine, &text, &writing.request, &content) == H1_REQUEST;
}

/* Writes both ways; the results must be the same. */
static void check(struct slice text)
{
    struct arena arena;
    struct slice head, expected;
    if (!parse(text))
        return;
    arena_init(&arena, 1u << 20);
    int status = request_write(&writing.plan, &arena, &expected);
    assert_int_equal(recent_request_write(&writing.recent, &writing.plan, &arena, &head), status);
    if (status == 0)
        assert_true(slice_equal(head, expected));
    arena_finish(&arena);
}

#define USUAL "GET /a?b HTTP/1.1\r\nHost: a:81\r\nUser-Agent: Some\r\nX-A: 1\r\n\r\n"

static const struct slice heads[] = {
#define HEAD(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }
    HEAD(USUAL),
    HEAD("GET /a?b HTTP/1.0\r\nHost: a:81\r\nUser-Agent: Some\r\nX-A: 1\r\n\r\n"),
    HEAD("GET /a?b HTTP/1.1\r\nHost: a:81\r\nUser-Agent: Some\r\nX-A: 12\r\n\r\n"),
    HEAD("GET /a?b HTTP/1.1\r\nHost: a:81\r\nUser-Agent: Some\r\nX-A: 1\r\nX-B:\r\n\r\n"),
    HEAD("GET /a?b HTTP/1.1\r\nHost: a:81\r\nUser-Agent: Some\r\n\r\n"),
    HEAD("GET /a HTTP/1.0\r\n\r\n"),
    HEAD("GET http://b/a?b HTTP/1.1\r\nHost: a:81\r\n\r\n"),
    HEAD("POST / HTTP/1.1\r\nHost: a:81\r\nContent-Length: 7\r\n\r\n"),
    HEAD("POST / HTTP/1.1\r\nHost: a:81\r\nTransfer-Encoding: chunked\r\n\r\n"),
    HEAD("GET / HTTP/1.1\r\nHost: a:81\r\nConnection: x-a\r\nX-A: 1\r\nTE: trailers\r\n\r\n"),
    HEAD("GET / HTTP/1.1\r\nHost: a:81\r\nX-Forwarded-For: 10.0.0.1\r\nProxy: x\r\n\r\n"),
#undef HEAD
};

static void whatever_came_before(void **state)
{
    (void)state;
    for (size_t before = 0; before < ARRAY_LENGTH(heads); before++) {
        TABLE_ROWS_OF_SLICES(i, heads, heads[i]) {
            reset();
            check(heads[before]);
            bool is_kept = writing.recent.text_length > 0;
            check(heads[i]);
            bool is_taken = is_kept && writing.recent.others == 0;
            assert_true(is_taken == (is_kept && i == before) || writing.request.field_count == 0);
        }
    }
}

static void one_byte_makes_another_request(void **state)
{
    (void)state;
    char text[sizeof(USUAL) - 1];
    for (size_t at = 0; at < sizeof(text); at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            memcpy(text, USUAL, sizeof(text));
            reset();
            check(heads[0]);
            text[at] = (char)byte;
            check(slice_make(text, sizeof(text)));
        }
    }
}

static void another_client(struct writing *one)
{
    one->peer.bytes[3]++;
}

static void another_family(struct writing *one)
{
    one->peer.family = AF_INET6;
}

static void over_tls(struct writing *one)
{
    one->peer.is_secure = true;
}

static void another_server(struct writing *one)
{
    one->plan.server_authority = SLICE("other_:3000");
}

static void with_an_id(struct writing *one)
{
    one->plan.id_header = SLICE("X-Request-ID");
    one->plan.id = SLICE("0123456789");
}

static void awaiting_continue(struct writing *one)
{
    one->plan.expects_continue = true;
}

static void as_early_data(struct writing *one)
{
    one->plan.is_early = true;
}

static void to_be_upgraded(struct writing *one)
{
    one->plan.upgrade = SLICE("websocket");
}

static void with_a_certificate(struct writing *one)
{
    static const struct peer_tls tls = {.client_subject = SLICE("CN=somebody")};
    one->plan.certified = &tls;
}

/* What is not in the bytes of the head makes another one, too; host: server shows which server it is. */
static void whoever_asks_for_whatever(void **state)
{
    (void)state;
    void (*const changes[])(struct writing * one) = {
        another_client,    another_family, over_tls,       another_server,     with_an_id,
        awaiting_continue, as_early_data,  to_be_upgraded, with_a_certificate,
    };
    for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
        reset();
        writing.settings.host = SLICE("server");
        check(heads[0]);
        struct writing usual = writing;
        changes[i](&writing);
        check(heads[0]);
        check(heads[0]);
        writing.peer = usual.peer;
        writing.plan = usual.plan;
        check(heads[0]);
    }
}

/* Its values are anywhere in memory. */
static void over_http_2_nothing_is_recognised(void **state)
{
    (void)state;
    struct arena arena;
    struct slice head;
    reset();
    arena_init(&arena, 1u << 20);
    assert_true(parse(heads[0]));
    writing.request.version_major = 2;
    assert_int_equal(recent_request_write(&writing.recent, &writing.plan, &arena, &head), 0);
    assert_int_equal(writing.recent.text_length, 0);
    arena_finish(&arena);
}

static void what_has_no_room_is_not_kept(void **state)
{
    (void)state;
    for (size_t length = RECENT_REQUEST_BYTES - 3; length < RECENT_REQUEST_BYTES + 3; length++) {
        struct buffer text;
        buffer_init(&text, 4096);
        buffer_printf(&text, "GET / HTTP/1.1\r\nHost: a\r\nX-A: %0*d\r\n\r\n", (int)length - 30, 7);
        reset();
        check(buffer_slice(&text));
        assert_int_equal(writing.recent.text_length, length <= RECENT_REQUEST_BYTES ? length : 0);
        check(buffer_slice(&text));
        buffer_finish(&text);
    }
}

/* Who comes often enough takes the place of who does not come any more. */
static void another_request_takes_its_place(void **state)
{
    (void)state;
    reset();
    check(heads[0]);
    size_t length = writing.recent.text_length;
    for (unsigned i = 0; i < 10; i++)
        check(heads[2]);
    assert_int_equal(writing.recent.text_length, length);
    for (unsigned i = 0; i < 30; i++)
        check(heads[2]);
    assert_int_equal(writing.recent.text_length, length + 1);
}

/* Without memory the request is rejected as it would be. */
static void without_memory_there_is_503(void **state)
{
    (void)state;
    struct arena arena;
    struct slice head;
    reset();
    check(heads[0]);
    assert_true(parse(heads[0]));
    arena_init(&arena, 16);
    assert_int_equal(recent_request_write(&writing.recent, &writing.plan, &arena, &head), 503);
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_came_before),         cmocka_unit_test(one_byte_makes_another_request),
        cmocka_unit_test(whoever_asks_for_whatever),    cmocka_unit_test(over_http_2_nothing_is_recognised),
        cmocka_unit_test(what_has_no_room_is_not_kept), cmocka_unit_test(another_request_takes_its_place),
        cmocka_unit_test(without_memory_there_is_503),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
