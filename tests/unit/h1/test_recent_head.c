/* A head that is recognised must give what parsing it would: whatever was recognised before, however little
 * two heads differ, and under whatever limits. */
#include "../test.h"

#include "base/buffer.h"
#include "h1/recent_head.h"

#include <stdlib.h>

#define FIELDS_MAX 30

static const struct h1_limits usual = {
    .head_bytes = 4096, .uri_bytes = 1000, .fields = 30, .body_bytes = 100};

/* One engine that recognises and one that parses, each with room for a request. */
struct pair {
    struct h1_recent_head recent;
    struct http_request recognised, parsed;
    struct http_field fields[2][FIELDS_MAX];
    unsigned taken; /* heads that were recognised */
};

static void pair_init(struct pair *pair)
{
    *pair = (struct pair){0};
    pair->recognised.fields = pair->fields[0];
    pair->parsed.fields = pair->fields[1];
    pair->recognised.fields_max = pair->parsed.fields_max = FIELDS_MAX;
}

static void assert_same_slice(struct slice a, struct slice b)
{
    assert_true(a.data == b.data && a.length == b.length);
}

static void assert_same_request(const struct http_request *a, const struct http_request *b)
{
    assert_int_equal(a->method, b->method);
    assert_same_slice(a->method_text, b->method_text);
    assert_same_slice(a->target, b->target);
    assert_same_slice(a->host, b->host);
    assert_same_slice(a->path, b->path);
    assert_same_slice(a->query, b->query);
    assert_int_equal(a->version_minor, b->version_minor);
    assert_int_equal(a->keep_alive, b->keep_alive);
    assert_int_equal(a->expect_continue, b->expect_continue);
    assert_int_equal(a->is_https, b->is_https);
    assert_int_equal(a->path_is_normal, b->path_is_normal);
    assert_int_equal(a->body, b->body);
    assert_int_equal(a->content_length, b->content_length);
    assert_int_equal(a->field_count, b->field_count);
    assert_memory_equal(a->first, b->first, sizeof(a->first));
    for (unsigned i = 0; i < a->field_count; i++) {
        assert_int_equal(a->fields[i].name, b->fields[i].name);
        assert_same_slice(a->fields[i].name_text, b->fields[i].name_text);
        assert_same_slice(a->fields[i].value, b->fields[i].value);
    }
}

/* As front/h1_session.c does it. */
static enum h1_event recognise(struct pair *pair, struct h1 *engine, struct slice *input)
{
    struct slice content;
    if (h1_recent_head_take(&pair->recent, engine, input, &pair->recognised)) {
        pair->taken++;
        return H1_REQUEST;
    }
    enum h1_event event =
        h1_next_within(engine, input, &pair->recognised, &pair->recent, UINT64_MAX, &content);
    if (event == H1_REQUEST)
        h1_recent_head_note(&pair->recent, engine, &pair->recognised, input->data);
    return event;
}

/* Of bytes behind which nothing can be read. */
static void check(struct pair *pair, const struct h1_limits *limits, struct slice text)
{
    struct h1 engines[2];
    struct slice content;
    char *copy = malloc(text.length + (text.length == 0));
    memcpy(copy, text.data, text.length);
    struct slice left[2] = {slice_make(copy, text.length), slice_make(copy, text.length)};
    h1_init(&engines[0], limits);
    h1_init(&engines[1], limits);
    enum h1_event event = h1_next(&engines[1], &left[1], &pair->parsed, &content);
    assert_int_equal(recognise(pair, &engines[0], &left[0]), event);
    assert_same_slice(left[0], left[1]);
    assert_int_equal(engines[0].state, engines[1].state);
    assert_int_equal(engines[0].status, engines[1].status);
    assert_int_equal(engines[0].scanned, engines[1].scanned);
    assert_int_equal(engines[0].empty_lines, engines[1].empty_lines);
    if (event == H1_REQUEST) {
        assert_memory_equal(&engines[0].content, &engines[1].content, sizeof(engines[0].content));
        assert_same_request(&pair->recognised, &pair->parsed);
    }
    free(copy);
}

#define BROWSER                                                                                \
    "GET /folder/page.html?a=1&b=2 HTTP/1.1\r\nHost: example.org:8080\r\nUser-Agent: Some\r\n" \
    "Accept: */*\r\nAccept-Encoding: gzip, br\r\nConnection: keep-alive\r\n\r\n"

static const struct slice heads[] = {
    {BROWSER, sizeof(BROWSER) - 1},
#define HEAD(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }
    /* The same client, which asks for another page, without one line, with one more, with one that says more
     */
    HEAD("GET / HTTP/1.1\r\nHost: example.org:8080\r\nUser-Agent: Some\r\n"
         "Accept: */*\r\nAccept-Encoding: gzip, br\r\nConnection: keep-alive\r\n\r\n"),
    HEAD("GET /a HTTP/1.1\r\nHost: example.org:8080\r\n"
         "Accept: */*\r\nAccept-Encoding: gzip, br\r\nConnection: keep-alive\r\n\r\n"),
    HEAD("GET /a HTTP/1.1\r\nHost: example.org:8080\r\nUser-Agent: Some\r\nX-More: 1\r\nRange: bytes=1-2\r\n"
         "Accept: */*\r\nAccept-Encoding: gzip, br\r\nConnection: close\r\n\r\n"),
    HEAD("GET /a HTTP/1.1\r\nHost: example.org:8080\r\nUser-Agent: Some\r\n"
         "Accept: */*;q=0\r\nHost: example.org:8080\r\nConnection: keep-alive\r\n\r\n"),
    HEAD("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    HEAD("GET / HTTP/1.1\r\nHost: b\r\n\r\n"),
    HEAD("GET / HTTP/1.0\r\n\r\n"),
    HEAD("GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n"),
    HEAD("GET / HTTP/1.1\r\nHost: a\r\n\r\nmore"),
    HEAD("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
    HEAD("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n"),
    HEAD("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    HEAD("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"),
    HEAD("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n"),
    HEAD("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n"),
    HEAD("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"),
    HEAD("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    HEAD("GET / HTTP/1.1\r\nHost: a\r\n\r"),
    HEAD("GET / HTTP/1.1\r\nHost a\r\n\r\n"),
#undef HEAD
};

static void whatever_came_before(void **state)
{
    (void)state;
    struct pair *pair = malloc(sizeof(*pair));
    pair_init(pair);
    TABLE_ROWS_OF_SLICES(i, heads, heads[i]) {
        TABLE_ROWS_OF_SLICES(j, heads, heads[j]) {
            pair->recent.length = 0;
            check(pair, &usual, heads[i]);
            check(pair, &usual, heads[j]);
            check(pair, &usual, heads[i]);
        }
    }
    assert_true(pair->taken > ARRAY_LENGTH(heads));
    free(pair);
}

static void one_byte_makes_another_head(void **state)
{
    (void)state;
    struct pair *pair = malloc(sizeof(*pair));
    char text[sizeof(BROWSER) - 1];
    pair_init(pair);
    for (size_t at = 0; at < sizeof(text); at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            memcpy(text, BROWSER, sizeof(text));
            pair->recent.length = 0;
            check(pair, &usual, heads[0]);
            text[at] = (char)byte;
            unsigned taken = pair->taken;
            check(pair, &usual, slice_make(text, sizeof(text)));
            assert_int_equal(pair->taken - taken, (char)byte == BROWSER[at]);
        }
        check(pair, &usual, slice_make(BROWSER, at));
    }
    free(pair);
}

static void other_limits_are_kept_to(void **state)
{
    (void)state;
    struct pair *pair = malloc(sizeof(*pair));
    pair_init(pair);
    TABLE_ROWS_OF_SLICES(i, heads, heads[i]) {
        for (uint32_t limit = 0; limit < 200; limit++) {
            const struct h1_limits strict[] = {
                {.head_bytes = limit, .uri_bytes = 1000, .fields = 30, .body_bytes = 100},
                {.head_bytes = 4096, .uri_bytes = limit, .fields = 30, .body_bytes = 100},
                {.head_bytes = 4096, .uri_bytes = 1000, .fields = limit, .body_bytes = 100},
                {.head_bytes = 4096, .uri_bytes = 1000, .fields = 30, .body_bytes = limit},
            };
            TABLE_ROWS(j, strict, "") {
                pair->recent.length = 0;
                check(pair, &usual, heads[i]);
                check(pair, &strict[j], heads[i]);
            }
        }
        for (uint16_t room = 0; room < 8; room++) {
            pair->recent.length = 0;
            check(pair, &usual, heads[i]);
            pair->recognised.fields_max = pair->parsed.fields_max = room;
            check(pair, &usual, heads[i]);
            pair->recognised.fields_max = pair->parsed.fields_max = FIELDS_MAX;
        }
    }
    free(pair);
}

/* What is too long, or has too many fields, is parsed each time. */
static void what_has_no_room_is_not_kept(void **state)
{
    (void)state;
    struct pair *pair = malloc(sizeof(*pair));
    struct buffer text;
    pair_init(pair);
    for (size_t length = H1_RECENT_BYTES - 40; length < H1_RECENT_BYTES; length++) {
        buffer_init(&text, 4096);
        buffer_printf(&text, "GET / HTTP/1.1\r\nHost: %0*d\r\n\r\n", (int)length - 26, 7);
        pair->recent.length = 0;
        check(pair, &usual, buffer_slice(&text));
        assert_int_equal(pair->recent.length > 0, buffer_slice(&text).length <= H1_RECENT_BYTES);
        check(pair, &usual, buffer_slice(&text));
        buffer_finish(&text);
    }
    for (unsigned count = 1; count < FIELDS_MAX; count++) {
        buffer_init(&text, 4096);
        buffer_printf(&text, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (unsigned i = 1; i < count; i++)
            buffer_printf(&text, "X-%u: %u\r\n", i, i);
        buffer_printf(&text, "\r\n");
        pair->recent.length = 0;
        check(pair, &usual, buffer_slice(&text));
        assert_int_equal(pair->recent.length > 0, count <= H1_RECENT_FIELDS);
        check(pair, &usual, buffer_slice(&text));
        buffer_finish(&text);
    }
    free(pair);
}

/* Who comes often enough takes the place of who does not come any more. */
static void another_head_takes_its_place(void **state)
{
    (void)state;
    struct pair *pair = malloc(sizeof(*pair));
    pair_init(pair);
    check(pair, &usual, heads[0]);
    for (unsigned i = 0; i < 40; i++)
        check(pair, &usual, heads[1]);
    assert_in_range(pair->taken, 20, 39);
    check(pair, &usual, heads[0]);
    free(pair);
}

/* The requests of a pipeline are in one buffer. */
static void it_may_come_to_any_place(void **state)
{
    (void)state;
    struct pair *pair = malloc(sizeof(*pair));
    static char text[3 * (sizeof(BROWSER) - 1)];
    static const size_t order[] = {0, 1, 1, 2, 0, 2, 1, 0};
    pair_init(pair);
    for (size_t i = 0; i < 3; i++)
        memcpy(text + i * heads[0].length, BROWSER, heads[0].length);
    for (size_t i = 0; i < ARRAY_LENGTH(order); i++) {
        struct slice input = slice_make(text + order[i] * heads[0].length, heads[0].length), left = input;
        struct slice content;
        struct h1 engine, parser;
        h1_init(&engine, &usual);
        h1_init(&parser, &usual);
        assert_int_equal(recognise(pair, &engine, &input), H1_REQUEST);
        assert_int_equal(h1_next(&parser, &left, &pair->parsed, &content), H1_REQUEST);
        assert_same_request(&pair->recognised, &pair->parsed);
    }
    assert_int_equal(pair->taken, ARRAY_LENGTH(order) - 1);
    free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_came_before),         cmocka_unit_test(one_byte_makes_another_head),
        cmocka_unit_test(other_limits_are_kept_to),     cmocka_unit_test(what_has_no_room_is_not_kept),
        cmocka_unit_test(another_head_takes_its_place), cmocka_unit_test(it_may_come_to_any_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
