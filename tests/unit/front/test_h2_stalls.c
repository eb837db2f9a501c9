/* Streams whose client has to send content: the time for that begins when it may know its window. */
#include "tests/unit/h2_pair.h"

#define BODY_MS 40

static struct world world;
static struct h2_pair pair;
static bool is_sending;

static bool pair_is_sending(const struct h2_session *session)
{
    (void)session;
    return is_sending;
}

static void prepare(void)
{
    world_init(&world);
    world_add_file(&world, "small", 1000);
    world.settings->timeouts.body_ms = BODY_MS;
    world_start(&world);
    h2_pair_init_events(&pair, &world);
    pair.all.is_sending = pair_is_sending;
    h2_pair_start(&pair, 65535);
}

static void clean_up(void)
{
    h2_pair_finish(&pair);
    world_finish(&world);
}

/* A request whose content begins and does not go on. */
static struct h2_client_stream *ask_in_part(void)
{
    nghttp2_nv headers[] = {
        h2_client_header(SLICE(":method"), SLICE("OPTIONS")),
        h2_client_header(SLICE(":scheme"), SLICE("http")),
        h2_client_header(SLICE(":authority"), SLICE("x")),
        h2_client_header(SLICE(":path"), SLICE("/small")),
    };
    pair.client.leaves_open = true;
    struct h2_client_stream *stream =
        h2_client_ask(&pair.client, headers, ARRAY_LENGTH(headers), SLICE("abc"));
    h2_pair_talk(&pair);
    assert_int_equal(stream->status, 0);
    return stream;
}

static bool is_late(void *context)
{
    const struct h2_client_stream *stream = context;
    h2_pair_talk(&pair);
    return stream->status == 408;
}

/* Not even h2_pair_talk: it would write further outputs. */
static void let_time_pass(void)
{
    world_run_for(&world, 4 * BODY_MS);
    assert_int_equal(world.counters.timeouts, 0);
}

static void a_window_that_is_not_sent_yet_is_not_held_against_the_client(void **state)
{
    (void)state;
    prepare();
    struct h2_client_stream *stream = ask_in_part();
    is_sending = true;
    let_time_pass();
    (void)h2_pair_write(&pair); /* the window is in it, and the socket is full */
    let_time_pass();
    is_sending = false;
    world_expect(&world, is_late, stream);
    assert_int_equal(world.counters.timeouts, 1);
    clean_up();
}

/* Such as content of a long response on another stream. */
static void what_follows_the_window_is_no_excuse(void **state)
{
    (void)state;
    prepare();
    struct h2_client_stream *stream = ask_in_part();
    is_sending = true;
    let_time_pass();
    (void)h2_pair_write(&pair);
    (void)h2_pair_write(&pair);
    world_expect(&world, is_late, stream);
    is_sending = false;
    clean_up();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_that_is_not_sent_yet_is_not_held_against_the_client),
        cmocka_unit_test(what_follows_the_window_is_no_excuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
