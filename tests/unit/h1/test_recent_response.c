/* A response's head that is recognised must give what parsing it would: whatever came before it, however
 * little two heads differ, and whatever it answers under whatever limits. */
#include "../test.h"

#include "base/buffer.h"
#include "h1/recent_response.h"

#include <stdlib.h>

static const struct h1_limits usual = {.head_bytes = 4096, .fields = 30, .body_bytes = 100};

/* One engine that recognises, and one that parses. */
struct pair {
    struct h1_recent_response recent;
    struct http_response_head scratch, parsed;
    struct h1_limits limits;
    enum http_method method;
    bool is_strict;
    unsigned taken; /* heads that were recognised */
};

static struct pair *pair_create(void)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    pair->limits = usual;
    pair->method = HTTP_METHOD_GET;
    pair->is_strict = true;
    return pair;
}

static void assert_same_head(const struct http_response_head *a, const struct http_response_head *b)
{
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->version_major, b->version_major);
    assert_int_equal(a->version_minor, b->version_minor);
    assert_int_equal(a->keep_alive, b->keep_alive);
    assert_int_equal(a->has_length, b->has_length);
    assert_int_equal(a->body, b->body);
    assert_true(!a->has_length || a->content_length == b->content_length);
    assert_true(slice_equal(a->reason, b->reason));
    assert_int_equal(a->field_count, b->field_count);
    assert_memory_equal(a->first, b->first, sizeof(a->first));
    for (unsigned i = 0; i < a->field_count; i++) {
        assert_int_equal(a->fields[i].name, b->fields[i].name);
        assert_true(slice_equal(a->fields[i].name_text, b->fields[i].name_text));
        assert_true(slice_equal(a->fields[i].value, b->fields[i].value));
    }
}

static void begin(const struct pair *pair, struct h1_response_parser *engine)
{
    h1_response_init(engine, &pair->limits);
    engine->is_strict = pair->is_strict;
    h1_response_expect(engine, pair->method);
}

/* As proxy/upstream_connection.c does it. */
static enum h1_response_event recognise(struct pair *pair, struct h1_response_parser *engine,
                                        struct slice *input, const struct http_response_head **ret_head)
{
    struct slice before = *input, piece;
    *ret_head = h1_recent_response_take(&pair->recent, engine, input);
    if (*ret_head) {
        pair->taken++;
        return H1_RESPONSE_HEAD;
    }
    *ret_head = &pair->scratch;
    enum h1_response_event event = h1_response_next(engine, input, &pair->scratch, &piece);
    if (event == H1_RESPONSE_HEAD)
        h1_recent_response_note(&pair->recent, engine, &pair->scratch,
                                slice_take(before, before.length - input->length));
    return event;
}

/* In memory of its own, which the engines may write to. */
static struct slice copy_of(struct slice text)
{
    char *copy = malloc(text.length + 1);
    memcpy(copy, text.data, text.length);
    return slice_make(copy, text.length);
}

static void check(struct pair *pair, struct slice text)
{
    struct h1_response_parser engines[2];
    struct slice piece, copies[2] = {copy_of(text), copy_of(text)}, left[2] = {copies[0], copies[1]};
    const struct http_response_head *head;
    begin(pair, &engines[0]);
    begin(pair, &engines[1]);
    enum h1_response_event event = h1_response_next(&engines[1], &left[1], &pair->parsed, &piece);
    assert_int_equal(recognise(pair, &engines[0], &left[0], &head), event);
    assert_int_equal(left[0].length, left[1].length);
    assert_int_equal(engines[0].state, engines[1].state);
    assert_int_equal(engines[0].fault, engines[1].fault);
    assert_int_equal(engines[0].scanned, engines[1].scanned);
    if (head == &pair->recent.head) /* which needs the input no more */
        memset((char *)copies[0].data, 'x', text.length);
    if (event == H1_RESPONSE_HEAD) {
        assert_int_equal(engines[0].content.state, engines[1].content.state);
        assert_true(head->body != HTTP_RESPONSE_BODY_LENGTH ||
                    engines[0].content.remaining == engines[1].content.remaining);
        assert_same_head(head, &pair->parsed);
    }
    free((char *)copies[0].data);
    free((char *)copies[1].data);
}

#define USUAL                                                                                         \
    "HTTP/1.1 200 OK\r\nServer: some\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 5\r\n" \
    "ETag: \"a\"\r\n\r\n"

static const struct slice heads[] = {
#define HEAD(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }
    HEAD(USUAL),
    HEAD(USUAL "hello"),
    HEAD(USUAL USUAL),
    HEAD("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"),
    HEAD("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"),
    HEAD("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"),
    HEAD("HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    HEAD("HTTP/1.0 200 OK\r\n\r\nuntil the end"),
    HEAD("HTTP/1.1 204 No Content\r\nX-A:\r\n\r\n"),
    HEAD("HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n"),
    HEAD("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    HEAD("HTTP/1.1 200 OK\r\nX-A: folded\r\n value\r\nContent-Length: 0\r\n\r\n"),
    HEAD("HTTP/1.1 200 OK\r\nX-A: folded   value\r\nContent-Length: 0\r\n\r\n"),
    HEAD("HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n"),
    HEAD("HTTP/1.1 699 Odd\r\nContent-Length: 0\r\n\r\n"),
    HEAD("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r"),
    HEAD("HTTP/2 200 OK\r\n\r\n"),
#undef HEAD
};

static void whatever_came_before(void **state)
{
    (void)state;
    struct pair *pair = pair_create();
    for (size_t before = 0; before < ARRAY_LENGTH(heads); before++) {
        TABLE_ROWS_OF_SLICES(i, heads, heads[i]) {
            pair->recent.length = 0;
            check(pair, heads[before]);
            check(pair, heads[i]);
        }
    }
    assert_in_range(pair->taken, ARRAY_LENGTH(heads) / 2, 3 * ARRAY_LENGTH(heads));
    free(pair);
}

static void one_byte_makes_another_head(void **state)
{
    (void)state;
    struct pair *pair = pair_create();
    char text[sizeof(USUAL) - 1];
    for (size_t at = 0; at < sizeof(text); at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            memcpy(text, USUAL, sizeof(text));
            pair->recent.length = 0;
            check(pair, heads[0]);
            text[at] = (char)byte;
            unsigned taken = pair->taken;
            check(pair, slice_make(text, sizeof(text)));
            assert_int_equal(pair->taken - taken, (char)byte == USUAL[at]);
        }
        check(pair, slice_make(USUAL, at));
    }
    free(pair);
}

/* The same bytes mean something else in response to HEAD, or to an engine that repairs. */
static void whatever_it_answers(void **state)
{
    (void)state;
    struct pair *pair = pair_create();
    TABLE_ROWS_OF_SLICES(i, heads, heads[i]) {
        for (unsigned way = 0; way < 4; way++) {
            pair->recent.length = 0;
            pair->method = HTTP_METHOD_GET;
            pair->is_strict = true;
            check(pair, heads[i]);
            pair->method = way & 1 ? HTTP_METHOD_HEAD : HTTP_METHOD_GET;
            pair->is_strict = !(way & 2);
            check(pair, heads[i]);
        }
    }
    free(pair);
}

static void other_limits_are_kept_to(void **state)
{
    (void)state;
    struct pair *pair = pair_create();
    TABLE_ROWS_OF_SLICES(i, heads, heads[i]) {
        for (uint32_t limit = 0; limit < 200; limit++) {
            const struct h1_limits strict[] = {
                {.head_bytes = limit, .fields = 30, .body_bytes = 100},
                {.head_bytes = 4096, .fields = limit, .body_bytes = 100},
                {.head_bytes = 4096, .fields = 30, .body_bytes = limit},
            };
            TABLE_ROWS(j, strict, "") {
                pair->recent.length = 0;
                pair->limits = usual;
                check(pair, heads[i]);
                pair->limits = strict[j];
                check(pair, heads[i]);
            }
        }
    }
    free(pair);
}

static void what_has_no_room_is_not_kept(void **state)
{
    (void)state;
    struct pair *pair = pair_create();
    struct buffer text;
    for (size_t length = H1_RECENT_RESPONSE_BYTES - 2; length < H1_RECENT_RESPONSE_BYTES + 3; length++) {
        buffer_init(&text, 4096);
        buffer_printf(&text, "HTTP/1.1 204 \r\nX-A: %0*d\r\n\r\n", (int)length - 24, 7);
        assert_int_equal(buffer_slice(&text).length, length);
        pair->recent.length = 0;
        check(pair, buffer_slice(&text));
        assert_int_equal(pair->recent.length > 0, length <= H1_RECENT_RESPONSE_BYTES);
        check(pair, buffer_slice(&text));
        buffer_finish(&text);
    }
    free(pair);
}

/* Content that looks like the head is content. */
static void inside_a_response_nothing_is_recognised(void **state)
{
    (void)state;
    struct pair *pair = pair_create();
    struct h1_response_parser engine;
    struct slice text = SLICE("HTTP/1.0 200 OK\r\n\r\nHTTP/1.0 200 OK\r\n\r\n"), left = text, begun = text;
    begun.length = 5;
    check(pair, text);
    begin(pair, &engine);
    assert_non_null(h1_recent_response_take(&pair->recent, &engine, &left));
    assert_null(h1_recent_response_take(&pair->recent, &engine, &left));
    assert_int_equal(left.length, text.length / 2);
    begin(pair, &engine);
    assert_int_equal(h1_response_next(&engine, &begun, &pair->scratch, &left), H1_RESPONSE_MORE);
    assert_null(h1_recent_response_take(&pair->recent, &engine, &text));
    free(pair);
}

/* Who comes often enough takes the place of who does not come any more. */
static void another_head_takes_its_place(void **state)
{
    (void)state;
    struct pair *pair = pair_create();
    check(pair, heads[0]);
    for (unsigned i = 0; i < 40; i++)
        check(pair, heads[3]);
    assert_in_range(pair->taken, 20, 39);
    check(pair, heads[0]);
    free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_came_before),
        cmocka_unit_test(one_byte_makes_another_head),
        cmocka_unit_test(whatever_it_answers),
        cmocka_unit_test(other_limits_are_kept_to),
        cmocka_unit_test(what_has_no_room_is_not_kept),
        cmocka_unit_test(inside_a_response_nothing_is_recognised),
        cmocka_unit_test(another_head_takes_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
