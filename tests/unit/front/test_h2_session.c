/* Sessions of HTTP/2 without I/O, against a client that keeps the rules: many streams at once, windows both
 * ways, priorities, and the ends of streams and sessions. What breaks the rules is in h2/test_floods and
 * h2/test_refusals. */
#include "tests/unit/h2_pair.h"

#include "serve/handler.h"

#define BIG_BYTES 300000

struct fixture {
    struct world world;
    struct h2_pair pair;
};

static struct fixture fixture;

static void prepare(uint32_t client_window)
{
    struct world *world = &fixture.world;
    world_init(world);
    world_add_file(world, "small", 1000);
    world_add_file(world, "big", BIG_BYTES);
    world->routes[1] = (struct route){.prefix = SLICE("/upload"), .kind = ROUTE_RESPOND};
    world->site.route_count = 2;
    world_start(world);
    h2_pair_init_events(&fixture.pair, world);
    h2_pair_start(&fixture.pair, client_window);
}

static void clean_up(void)
{
    h2_pair_finish(&fixture.pair);
    world_finish(&fixture.world);
}

static struct h2_client_stream *ask(const char *path)
{
    return h2_client_get(&fixture.pair.client, path);
}

static struct h2_client_stream *ask_with(const char *path, const char *name, const char *value)
{
    nghttp2_nv headers[] = {
        h2_client_header(SLICE(":method"), SLICE("GET")),
        h2_client_header(SLICE(":scheme"), SLICE("http")),
        h2_client_header(SLICE(":authority"), SLICE("x")),
        h2_client_header(SLICE(":path"), slice_from(path)),
        h2_client_header(slice_from(name), slice_from(value)),
    };
    return h2_client_ask(&fixture.pair.client, headers, ARRAY_LENGTH(headers), (struct slice){0});
}

static void assert_got(const struct h2_client_stream *stream, int status, size_t length)
{
    assert_int_equal(stream->status, status);
    assert_true(stream->has_ended && stream->is_closed);
    assert_int_equal(stream->code, 0);
    assert_int_equal(stream->content.length, length);
}

/* ---- many streams ---- */

static void a_hundred_small_responses_are_two_outputs(void **state)
{
    (void)state;
    struct h2_pair *pair = &fixture.pair;
    prepare(65535);
    ask("/small");
    h2_pair_talk(pair);
    pair->writes = 0;
    for (int i = 0; i < 100; i++)
        ask("/small");
    h2_pair_talk(pair);
    for (size_t i = 0; i < pair->client.stream_count; i++)
        assert_got(&pair->client.streams[i], 200, 1000);
    assert_in_range(pair->writes, 2, 4); /* 100 KB by at most 64 KiB, and credit between them */
    assert_int_equal(fixture.world.counters.requests, 101);
    clean_up();
}

static void requests_may_come_in_any_pieces(void **state)
{
    (void)state;
    prepare(65535);
    fixture.pair.read_max = 1;
    for (int i = 0; i < 20; i++)
        ask(i % 2 ? "/small" : "/none");
    h2_pair_talk(&fixture.pair);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(fixture.pair.client.streams[i].status, i % 2 ? 200 : 404);
    clean_up();
}

static void one_stream_more_than_may_be_is_refused(void **state)
{
    (void)state;
    struct h2_pair *pair = &fixture.pair;
    prepare(10); /* so that the downloads stay */
    pair->client.holds_windows = true;
    h2_pair_talk(pair);
    for (int i = 0; i < 101; i++)
        ask("/big");
    h2_pair_talk(pair);
    /* The client knows the limit and keeps the last one back; it goes when another ends. */
    assert_int_equal(pair->client.streams[100].status, 0);
    nghttp2_submit_rst_stream(pair->client.session, 0, pair->client.streams[0].id, NGHTTP2_CANCEL);
    h2_pair_talk(pair);
    assert_int_equal(pair->client.streams[100].status, 200);
    clean_up();
}

/* ---- windows ---- */

static void a_client_that_gives_no_credit_costs_its_window(void **state)
{
    (void)state;
    struct h2_pair *pair = &fixture.pair;
    prepare(1000);
    pair->client.holds_windows = true;
    struct h2_client_stream *big = ask("/big");
    struct h2_client_stream *small = ask("/small");
    h2_pair_talk(pair);
    assert_int_equal(big->content.length, 1000);
    assert_true(h2_session_waits(pair->session).for_client);
    assert_got(small, 200, 1000); /* the other stream goes on */
    /* Then it gives some. */
    pair->client.holds_windows = false;
    assert_int_equal(nghttp2_session_consume(pair->client.session, big->id, 1000), 0);
    assert_int_equal(nghttp2_session_consume(pair->client.session, small->id, 1000), 0);
    h2_pair_talk(pair);
    assert_got(big, 200, BIG_BYTES);
    clean_up();
}

static void an_output_is_bounded(void **state)
{
    (void)state;
    prepare(1 << 24);
    for (int i = 0; i < 20; i++)
        ask("/big");
    h2_pair_talk(&fixture.pair);
    for (int i = 0; i < 20; i++)
        assert_got(&fixture.pair.client.streams[i], 200, BIG_BYTES);
    /* Content is cut to fit; a head may be behind it. */
    assert_in_range(fixture.pair.bytes_max, H2_OUTPUT_BYTES_MAX, H2_OUTPUT_BYTES_MAX + 512);
    assert_in_range(fixture.pair.writes, 1, 20 * BIG_BYTES / H2_OUTPUT_BYTES_MAX + 5);
    clean_up();
}

static void frames_begin_small_and_grow(void **state)
{
    (void)state;
    prepare(1 << 24);
    fixture.pair.output_max = UINT64_MAX;
    struct h2_client_stream *big = ask("/big");
    h2_pair_talk(&fixture.pair);
    assert_got(big, 200, BIG_BYTES);
    assert_int_equal(big->frames, 4 + (BIG_BYTES - 16384 + 16383) / 16384);
    clean_up();
}

/* ---- priorities ---- */

static void urgent_responses_go_first(void **state)
{
    (void)state;
    struct h2_client *client = &fixture.pair.client;
    prepare(1 << 24);
    ask_with("/big", "priority", "u=7");
    ask_with("/big", "priority", "u=3");
    ask_with("/big", "priority", "u=0");
    h2_pair_talk(&fixture.pair);
    assert_int_equal(client->ended_count, 3);
    assert_int_equal(client->order[0], 2);
    assert_int_equal(client->order[1], 1);
    assert_int_equal(client->order[2], 0);
    clean_up();
}

static void responses_that_are_not_incremental_go_one_after_the_other(void **state)
{
    (void)state;
    struct h2_client *client = &fixture.pair.client;
    prepare(1 << 24);
    for (int i = 0; i < 4; i++)
        ask("/big");
    (void)h2_pair_send(&fixture.pair);
    while (client->ended_count == 0)
        assert_true(h2_pair_write(&fixture.pair));
    assert_got(&client->streams[0], 200, BIG_BYTES);
    assert_in_range(client->streams[2].content.length + client->streams[3].content.length, 0, 65536);
    h2_pair_talk(&fixture.pair);
    clean_up();
}

static void incremental_responses_share(void **state)
{
    (void)state;
    struct h2_client *client = &fixture.pair.client;
    prepare(1 << 24);
    for (int i = 0; i < 4; i++)
        ask_with("/big", "priority", "i");
    (void)h2_pair_send(&fixture.pair);
    while (client->ended_count == 0)
        assert_true(h2_pair_write(&fixture.pair));
    for (int i = 0; i < 4; i++)
        assert_true(client->streams[i].content.length > BIG_BYTES / 2);
    h2_pair_talk(&fixture.pair);
    clean_up();
}

static void a_priority_may_change_on_the_way(void **state)
{
    (void)state;
    struct h2_client *client = &fixture.pair.client;
    /* PRIORITY_UPDATE of stream 3: u=0 */
    static const char update[] = "\0\0\x07\x10\0\0\0\0\0\0\0\0\x03u=0";
    prepare(1 << 24);
    ask("/big");
    ask("/big");
    (void)h2_pair_send(&fixture.pair);
    assert_true(h2_pair_write(&fixture.pair));
    h2_pair_receive(&fixture.pair, slice_make(update, sizeof(update) - 1));
    h2_pair_talk(&fixture.pair);
    assert_int_equal(client->ended_count, 2);
    assert_int_equal(client->order[0], 1);
    clean_up();
}

/* ---- uploads ---- */

static struct {
    struct sink sink;
    uint64_t taken;
    uint64_t credit; /* that a write gives back */
    int aborted;     /* enum outcome, plus 1 */
} upload;

static void upload_write(struct sink *sink, struct slice bytes)
{
    upload.taken += bytes.length;
    sink->credit += MIN(upload.credit, (uint64_t)bytes.length);
}

static void upload_end(struct sink *sink)
{
    exchange_begin_response(sink->exchange, 201);
    exchange_respond_bytes(sink->exchange, SLICE("text/plain"), SLICE("done"));
}

static void upload_abort(struct sink *sink, enum outcome why)
{
    (void)sink;
    upload.aborted = (int)why + 1;
}

static const struct sink_type upload_type = {.write = upload_write, .end = upload_end, .abort = upload_abort};

static void upload_handle(struct exchange *exchange)
{
    upload.sink.type = &upload_type;
    upload.sink.exchange = exchange;
    exchange_read_content(exchange, &upload.sink);
}

static const struct handler_type upload_handler = {.handle = upload_handle, .streams_content = true};

static struct h2_client_stream *begin_upload(struct slice content, const char *length, uint64_t first_credit,
                                             uint64_t credit)
{
    nghttp2_nv headers[] = {
        h2_client_header(SLICE(":method"), SLICE("PUT")),
        h2_client_header(SLICE(":scheme"), SLICE("http")),
        h2_client_header(SLICE(":authority"), SLICE("x")),
        h2_client_header(SLICE(":path"), SLICE("/upload")),
        h2_client_header(SLICE("content-length"), slice_from(length)),
    };
    fixture.world.server->service.handlers[ROUTE_RESPOND] = (struct handler){.type = &upload_handler};
    upload = (typeof(upload)){.sink.credit = first_credit, .credit = credit};
    return h2_client_ask(&fixture.pair.client, headers, length ? 5 : 4, content);
}

static char much[1 << 20];

static void an_upload_as_fast_as_it_comes(void **state)
{
    (void)state;
    prepare(65535);
    struct h2_client_stream *stream = begin_upload(slice_make(much, sizeof(much)), NULL, 1000, UINT64_MAX);
    h2_pair_talk(&fixture.pair);
    assert_got(stream, 201, 4);
    assert_int_equal(upload.taken, sizeof(much));
    clean_up();
}

static void a_slow_sink_closes_the_window(void **state)
{
    (void)state;
    struct h2_pair *pair = &fixture.pair;
    prepare(65535);
    struct h2_client_stream *stream = begin_upload(slice_make(much, sizeof(much)), "1048576", 5000, 0);
    h2_pair_talk(pair);
    assert_int_equal(upload.taken, 5000);
    struct h2_exchange *h2 = h2_exchange_of(upload.sink.exchange);
    /* What it has no credit for is held: the rest of a window, and the client can send no more. */
    uint64_t held = input_slice(h2->held).length;
    assert_in_range(held, 1, pair->all.limits.window_bytes);
    assert_int_equal(sizeof(much) - stream->upload.length, 5000 + held);
    assert_false(h2_session_waits(pair->session).for_content);
    assert_true(h2_session_waits(pair->session).for_handler);
    upload.credit = UINT64_MAX;
    upload.sink.credit = 1;
    exchange_wake(upload.sink.exchange);
    h2_pair_talk(pair);
    assert_got(stream, 201, 4);
    assert_int_equal(upload.taken, sizeof(much));
    clean_up();
}

static void windows_grow_while_content_is_held_up_by_them(void **state)
{
    (void)state;
    struct h2_pair *pair = &fixture.pair;
    prepare(65535);
    h2_pair_talk(pair); /* so that the client knows the window that vif begins with */
    int32_t before =
        nghttp2_session_get_remote_settings(pair->client.session, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);
    begin_upload(slice_make(much, sizeof(much)), NULL, 1000, UINT64_MAX);
    h2_pair_talk(pair);
    assert_true(nghttp2_session_get_remote_settings(pair->client.session,
                                                    NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE) > (uint32_t)before);
    clean_up();
}

static void content_that_nobody_wants_is_refused_after_the_response(void **state)
{
    (void)state;
    prepare(65535);
    nghttp2_nv headers[] = {
        h2_client_header(SLICE(":method"), SLICE("POST")),
        h2_client_header(SLICE(":scheme"), SLICE("http")),
        h2_client_header(SLICE(":authority"), SLICE("x")),
        h2_client_header(SLICE(":path"), SLICE("/small")),
        h2_client_header(SLICE("expect"), SLICE("100-continue")), /* so that it is answered at once */
    };
    struct h2_client_stream *stream =
        h2_client_ask(&fixture.pair.client, headers, ARRAY_LENGTH(headers), slice_make(much, sizeof(much)));
    h2_pair_talk(&fixture.pair);
    assert_int_equal(stream->status, 405);
    assert_true(stream->has_ended && stream->is_closed);
    assert_int_equal(stream->code, 0);
    assert_true(stream->upload.length > sizeof(much) / 2);
    clean_up();
}

static void more_content_than_may_be_is_413(void **state)
{
    (void)state;
    prepare(65535);
    fixture.pair.all.limits.body_bytes = 100000;
    struct h2_client_stream *unknown = begin_upload(slice_make(much, 200000), NULL, 1000, UINT64_MAX);
    h2_pair_talk(&fixture.pair);
    assert_int_equal(unknown->status, 413);
    assert_int_equal(upload.aborted, OUTCOME_CLIENT_LEFT + 1);
    struct h2_client_stream *known = begin_upload(slice_make(much, 200000), "200000", 1000, UINT64_MAX);
    h2_pair_talk(&fixture.pair);
    assert_int_equal(known->status, 413);
    clean_up();
}

static void late_content_is_408_and_other_streams_go_on(void **state)
{
    (void)state;
    prepare(65535);
    struct h2_client_stream *stream = begin_upload(slice_make(much, 20), "20", 1000, UINT64_MAX);
    /* All but the frame with the content. */
    struct buffer bytes;
    buffer_init(&bytes, SIZE_MAX);
    h2_client_write(&fixture.pair.client, &bytes);
    h2_pair_receive(&fixture.pair, slice_make(bytes.data, bytes.length - 20 - 9));
    buffer_finish(&bytes);
    assert_true(h2_session_waits(fixture.pair.session).for_content);
    h2_session_refuse_late(fixture.pair.session);
    assert_true(h2_pair_write(&fixture.pair));
    assert_int_equal(stream->status, 408);
    assert_int_equal(upload.aborted, OUTCOME_TIMED_OUT + 1);
    struct h2_client_stream *small = ask("/small");
    h2_pair_talk(&fixture.pair);
    assert_got(small, 200, 1000);
    clean_up();
}

/* ---- ends ---- */

static void a_response_that_is_taken_back_ends(void **state)
{
    (void)state;
    struct h2_pair *pair = &fixture.pair;
    prepare(1000);
    pair->client.holds_windows = true;
    struct h2_client_stream *big = ask("/big");
    h2_pair_talk(pair);
    assert_int_equal(pair->session->exchange_count, 1);
    nghttp2_submit_rst_stream(pair->client.session, 0, big->id, NGHTTP2_CANCEL);
    h2_pair_talk(pair);
    assert_int_equal(pair->session->exchange_count, 0);
    assert_true(list_is_empty(&pair->session->exchanges) && list_is_empty(&pair->session->sent));
    clean_up();
}

/* The head lies with the file, which is gone by the time that the engine comes to it. */
static void a_response_may_be_taken_back_before_it_is_written(void **state)
{
    (void)state;
    struct h2_pair *pair = &fixture.pair;
    prepare(65535);
    ask("/small");
    h2_pair_talk(pair);
    struct h2_client_stream *kept = ask("/small");
    h2_pair_talk(pair);
    assert_got(kept, 200, 1000);
    struct h2_client_stream *dropped = ask("/small");
    assert_true(h2_pair_send(pair));
    nghttp2_submit_rst_stream(pair->client.session, 0, dropped->id, NGHTTP2_CANCEL);
    assert_true(h2_pair_send(pair));
    h2_session_end_sent(pair->session);
    world_add_file(&fixture.world, "small", 2000);
    service_see_changes(&fixture.world.server->service, true);
    h2_pair_talk(pair);
    assert_false(dropped->has_ended);
    struct h2_client_stream *changed = ask("/small");
    h2_pair_talk(pair);
    assert_got(changed, 200, 2000);
    clean_up();
}

static void a_file_that_changes_resets_its_stream_only(void **state)
{
    (void)state;
    struct h2_pair *pair = &fixture.pair;
    prepare(1000);
    pair->client.holds_windows = true;
    struct h2_client_stream *big = ask("/big");
    h2_pair_talk(pair);
    tree_date(&fixture.world.tree, "big", 1);
    int fd = openat(fixture.world.tree.fd, "big", O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, "changed", 7), 7);
    close(fd);
    pair->client.holds_windows = false;
    assert_int_equal(nghttp2_session_consume(pair->client.session, big->id, 1000), 0);
    h2_pair_talk(pair);
    assert_false(big->has_ended);
    assert_true(big->is_closed);
    assert_int_equal(big->code, NGHTTP2_INTERNAL_ERROR);
    struct h2_client_stream *small = ask("/small");
    h2_pair_talk(pair);
    assert_got(small, 200, 1000);
    clean_up();
}

static void draining_says_goodbye_twice_and_loses_nothing(void **state)
{
    (void)state;
    struct h2_pair *pair = &fixture.pair;
    prepare(65535);
    pair->client.holds_windows = true;
    struct h2_client_stream *big = ask("/big");
    h2_pair_talk(pair);
    h2_drain(pair->session->engine);
    /* A request that crosses the first GOAWAY is answered. */
    struct h2_client_stream *late = ask("/small");
    struct buffer crossing;
    buffer_init(&crossing, SIZE_MAX);
    h2_client_write(&pair->client, &crossing);
    assert_true(h2_pair_write(pair));
    assert_int_equal(pair->client.goaways, 1);
    assert_int_equal(pair->client.goaway_last, INT32_MAX);
    h2_pair_receive(pair, buffer_slice(&crossing));
    buffer_finish(&crossing);
    h2_pair_talk(pair);
    assert_int_equal(pair->client.goaways, 2);
    assert_int_equal(pair->client.goaway_last, late->id);
    assert_int_equal(pair->client.goaway_code, 0);
    assert_false(h2_is_over(pair->session->engine));
    pair->client.holds_windows = false;
    assert_int_equal(nghttp2_session_consume(pair->client.session, big->id, big->content.length), 0);
    assert_int_equal(nghttp2_session_consume(pair->client.session, late->id, late->content.length), 0);
    h2_pair_talk(pair);
    assert_got(big, 200, BIG_BYTES);
    assert_got(late, 200, 1000);
    assert_true(h2_is_over(pair->session->engine));
    clean_up();
}

/* It must not be done and be told of as not done: the client may ask for it elsewhere, a second time. */
static void a_request_right_behind_the_answer_to_draining_is_counted(void **state)
{
    (void)state;
    struct h2_pair *pair = &fixture.pair;
    prepare(65535);
    ask("/small");
    h2_pair_talk(pair);
    h2_drain(pair->session->engine);
    /* nghttp2's client begins nothing behind the first GOAWAY: what it says is put together by hand. */
    struct h2_client_stream *late = ask("/small");
    struct buffer request, bytes;
    buffer_init(&request, SIZE_MAX);
    buffer_init(&bytes, SIZE_MAX);
    h2_client_write(&pair->client, &request);
    assert_true(h2_pair_write(pair));
    h2_client_write(&pair->client, &bytes); /* the answer to the PING */
    buffer_append(&bytes, buffer_slice(&request));
    h2_pair_receive(pair, buffer_slice(&bytes));
    buffer_finish(&request);
    buffer_finish(&bytes);
    h2_pair_talk(pair);
    assert_int_equal(pair->client.goaways, 2);
    assert_int_equal(pair->client.goaway_last, late->id);
    assert_got(late, 200, 1000);
    clean_up();
}

static void the_last_request_of_a_connection_drains_it(void **state)
{
    (void)state;
    prepare(65535);
    fixture.pair.all.requests_max = 3;
    for (int i = 0; i < 3; i++)
        ask("/small");
    h2_pair_talk(&fixture.pair);
    for (int i = 0; i < 3; i++)
        assert_got(&fixture.pair.client.streams[i], 200, 1000);
    /* With nothing left to come nghttp2's client does not look at the second. */
    assert_true(fixture.pair.client.goaways > 0);
    assert_true(h2_is_over(fixture.pair.session->engine));
    clean_up();
}

static void a_session_may_end_at_any_time(void **state)
{
    (void)state;
    prepare(1000);
    fixture.pair.client.holds_windows = true;
    ask("/big");
    begin_upload(slice_make(much, sizeof(much)), NULL, 1000, 0);
    h2_pair_talk(&fixture.pair);
    clean_up();
    assert_int_equal(upload.aborted, OUTCOME_CLIENT_LEFT + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_small_responses_are_two_outputs),
        cmocka_unit_test(requests_may_come_in_any_pieces),
        cmocka_unit_test(one_stream_more_than_may_be_is_refused),
        cmocka_unit_test(a_client_that_gives_no_credit_costs_its_window),
        cmocka_unit_test(an_output_is_bounded),
        cmocka_unit_test(frames_begin_small_and_grow),
        cmocka_unit_test(urgent_responses_go_first),
        cmocka_unit_test(responses_that_are_not_incremental_go_one_after_the_other),
        cmocka_unit_test(incremental_responses_share),
        cmocka_unit_test(a_priority_may_change_on_the_way),
        cmocka_unit_test(an_upload_as_fast_as_it_comes),
        cmocka_unit_test(a_slow_sink_closes_the_window),
        cmocka_unit_test(windows_grow_while_content_is_held_up_by_them),
        cmocka_unit_test(content_that_nobody_wants_is_refused_after_the_response),
        cmocka_unit_test(more_content_than_may_be_is_413),
        cmocka_unit_test(late_content_is_408_and_other_streams_go_on),
        cmocka_unit_test(a_response_that_is_taken_back_ends),
        cmocka_unit_test(a_response_may_be_taken_back_before_it_is_written),
        cmocka_unit_test(a_file_that_changes_resets_its_stream_only),
        cmocka_unit_test(draining_says_goodbye_twice_and_loses_nothing),
        cmocka_unit_test(a_request_right_behind_the_answer_to_draining_is_counted),
        cmocka_unit_test(the_last_request_of_a_connection_drains_it),
        cmocka_unit_test(a_session_may_end_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
