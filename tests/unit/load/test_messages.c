/* What goes on the wire, how targets are drawn, and how known answers are recognised. */
#include "../test.h"

#include "load/messages.h"

static struct messages messages;

static void init(const struct load_plan *plan)
{
    assert_int_equal(messages_init(&messages, plan, 1), 0);
}

static void a_plain_request(void **state)
{
    (void)state;
    init(&(struct load_plan){
        .targets = {{.path = SLICE("/a?b")}}, .target_count = 1, .pipeline = 1, .host = SLICE("h:80")});
    assert_slice(messages.requests[0], "GET /a?b HTTP/1.1\r\nHost: h:80\r\n\r\n");
    assert_slice(messages.batch, "GET /a?b HTTP/1.1\r\nHost: h:80\r\n\r\n");
    assert_int_equal(messages.methods[0], HTTP_METHOD_GET);
    messages_finish(&messages);
}

static void fields_and_methods(void **state)
{
    (void)state;
    init(&(struct load_plan){
        .targets = {{.path = SLICE("/"), .method = SLICE("POST")}},
        .target_count = 1,
        .pipeline = 2,
        .closes = true,
        .fields = SLICE("A: b\r\n"),
    });
    assert_slice(messages.requests[0],
                 "POST / HTTP/1.1\r\nHost: \r\nConnection: close\r\nContent-Length: 0\r\nA: b\r\n\r\n");
    assert_int_equal(messages.batch.length, 2 * messages.requests[0].length);
    assert_int_equal(messages.methods[0], HTTP_METHOD_POST);
    messages_finish(&messages);
}

static void targets_are_drawn_by_weight(void **state)
{
    (void)state;
    unsigned counts[3] = {0};
    init(&(struct load_plan){
        .targets = {{.path = SLICE("/fast"), .weight = 97},
                    {.path = SLICE("/slow"), .weight = 2, .method = SLICE("HEAD")},
                    {.path = SLICE("/rare")}},
        .target_count = 3,
        .pipeline = 4,
    });
    assert_slice(messages.requests[1], "HEAD /slow HTTP/1.1\r\nHost: \r\n\r\n");
    assert_slice(messages.requests[2], "GET /rare HTTP/1.1\r\nHost: \r\n\r\n");
    for (unsigned i = 0; i < 100000; i++)
        counts[messages_draw(&messages)]++;
    assert_in_range(counts[1], 1850, 2150);
    assert_in_range(counts[2], 900, 1100);
    messages_finish(&messages);
}

static void known_heads(void **state)
{
    (void)state;
    struct http_response_head head = {
        .status = 200, .keep_alive = true, .body = HTTP_RESPONSE_BODY_LENGTH, .content_length = 2};
    struct slice bytes = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    struct slice input = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    init(&(struct load_plan){
        .targets = {{.path = SLICE("/a")}, {.path = SLICE("/b")}}, .target_count = 2, .pipeline = 1});
    assert_null(messages_recognise(&messages, 0, input));
    messages_learn(&messages, 0, bytes, &head);
    const struct known_head *known = messages_recognise(&messages, 0, input);
    assert_non_null(known);
    assert_int_equal(known->status, 200);
    assert_int_equal(known->content_length, 2);
    assert_int_equal(known->length, bytes.length);
    /* Another target's answer may be read in another way, as that of HEAD is. */
    assert_null(messages_recognise(&messages, 1, input));
    assert_null(messages_recognise(&messages, 0, slice_take(input, bytes.length - 1)));
    struct slice longer = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
    assert_null(messages_recognise(&messages, 0, longer));
    /* The last one takes the place of the one before. */
    head.content_length = 3;
    messages_learn(&messages, 0, slice_take(longer, longer.length - 3), &head);
    known = messages_recognise(&messages, 0, longer);
    assert_non_null(known);
    assert_int_equal(known->content_length, 3);
    messages_finish(&messages);
}

static void long_heads_are_not_remembered(void **state)
{
    (void)state;
    static char bytes[KNOWN_HEAD_BYTES_MAX + 1];
    struct http_response_head head = {.status = 200};
    init(&(struct load_plan){.targets = {{.path = SLICE("/")}}, .target_count = 1, .pipeline = 1});
    messages_learn(&messages, 0, slice_make(bytes, sizeof(bytes)), &head);
    assert_null(messages_recognise(&messages, 0, slice_make(bytes, sizeof(bytes))));
    messages_learn(&messages, 0, slice_make(bytes, sizeof(bytes) - 1), &head);
    assert_non_null(messages_recognise(&messages, 0, slice_make(bytes, sizeof(bytes))));
    messages_finish(&messages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_request),
        cmocka_unit_test(fields_and_methods),
        cmocka_unit_test(targets_are_drawn_by_weight),
        cmocka_unit_test(known_heads),
        cmocka_unit_test(long_heads_are_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
