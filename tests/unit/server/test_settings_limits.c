/* Limits and time-outs that change while clients are there: nobody is cut off who keeps to those that his
 * connection, his request or his wait began with; whoever comes afterwards keeps to the new ones. */
#include "tests/unit/steady_clock.h"
#include "tests/unit/variant_builder.h"

/* ---- connections ---- */

enum { CROWD = 8, FEW = 3, NEWCOMERS = CROWD - FEW };

/* So long after his response anybody can be spared. */
#define REST_MS 1050

static void ask_once_more(struct client *client, unsigned number)
{
    client_say(client, ASK);
    client_await(client, "content", number);
}

/* All that are there go on, and each newcomer takes the place of two, until there are as many as may be. */
static void fewer_connections_reset_nobody(void **state)
{
    (void)state;
    struct world world;
    struct variant variant;
    struct client crowd[CROWD], newcomers[NEWCOMERS];
    variant_world(&world);
    for (size_t i = 0; i < CROWD; i++) {
        client_connect(&crowd[i], &world, 0);
        ask_once_more(&crowd[i], 1);
    }
    variant_init(&variant, world.tree.path);
    variant.settings->limits.connections = FEW;
    assert_int_equal(world_change(&world, variant.settings), 0);
    for (size_t i = 0; i < CROWD; i++)
        ask_once_more(&crowd[i], 2);
    assert_int_equal(world.counters.connections_open, CROWD);
    for (unsigned i = 0; i < NEWCOMERS; i++) {
        if (i == 0 || i == NEWCOMERS - 1)
            world_run_for(&world, REST_MS);
        client_connect(&newcomers[i], &world, 0);
        ask_once_more(&newcomers[i], 1);
        assert_int_equal(world.counters.connections_open, CROWD - 1 - i);
    }
    for (size_t i = 0; i < CROWD; i++) {
        client_await_end(&crowd[i]);
        client_close(&crowd[i]);
    }
    for (size_t i = 0; i < NEWCOMERS; i++)
        client_close(&newcomers[i]);
    variant_finish(&variant);
    world_finish(&world);
}

/* Who is being answered is not closed for a newcomer, who is refused: also if one other can be spared, since
 * there are still too many then. */
static void fewer_connections_end_no_download(void **state)
{
    (void)state;
    enum { BYTES = 12u << 20 };
    struct world world;
    struct variant variant;
    struct client slow[3], idle, newcomer;
    variant_world(&world);
    client_connect(&idle, &world, 0);
    ask_once_more(&idle, 1);
    world_run_for(&world, REST_MS);
    world_add_file(&world, "big", BYTES);
    for (size_t i = 0; i < ARRAY_LENGTH(slow); i++) {
        client_connect(&slow[i], &world, 4096);
        client_say(&slow[i], "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
        client_await(&slow[i], "HTTP/1.1 200 OK", 1);
    }
    variant_init(&variant, world.tree.path);
    variant.settings->limits.connections = 1;
    variant.settings->limits.cache_bytes = variant.settings->limits.cache_file_bytes = 0;
    variant.settings->limits.cache_entries = 1;
    variant.settings->limits.fields = 1;
    assert_int_equal(world_change(&world, variant.settings), 0);
    client_connect(&newcomer, &world, 0);
    client_await(&newcomer, "HTTP/1.1 503 ", 1);
    client_await_end(&idle);
    client_close(&idle);
    for (size_t i = 0; i < ARRAY_LENGTH(slow); i++) {
        client_await_bytes(&slow[i], BYTES);
        client_close(&slow[i]);
    }
    client_close(&newcomer);
    variant_finish(&variant);
    world_finish(&world);
}

/* Those of an address that are there stay; there are no more until fewer are left. */
static void fewer_connections_of_an_address_reset_nobody(void **state)
{
    (void)state;
    struct world world;
    struct variant variant;
    struct client clients[3], refused, later;
    variant_world(&world);
    variant_init(&variant, world.tree.path);
    variant.settings->limits.connections_per_address = 3;
    assert_int_equal(world_change(&world, variant.settings), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++) {
        client_connect(&clients[i], &world, 0);
        ask_once_more(&clients[i], 1);
    }
    world.settings->limits.connections_per_address = 2;
    assert_int_equal(world_change(&world, world.settings), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++)
        ask_once_more(&clients[i], 2);
    client_connect(&refused, &world, 0);
    client_await(&refused, "HTTP/1.1 503 ", 1);
    client_close(&refused);
    client_close(&clients[0]);
    client_close(&clients[1]);
    world_await_open(&world, 1);
    client_connect(&later, &world, 0);
    ask_once_more(&later, 1);
    client_close(&later);
    client_close(&clients[2]);
    variant_finish(&variant);
    world_finish(&world);
}

/* ---- content ---- */

/* A request that has begun may have as much content as it might. */
static void less_content_refuses_nothing_that_has_begun(void **state)
{
    (void)state;
    struct world world;
    struct variant variant;
    struct client client;
    variant_world(&world);
    variant_init(&variant, world.tree.path);
    variant.settings->limits.body_bytes = 5;
    client_connect(&client, &world, 0);
    client_say(&client,
               "POST /page.txt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n");
    world_await_state(&world, CLIENT_BODY);
    assert_int_equal(world_change(&world, variant.settings), 0);
    client_say(&client, "4\r\nefgh\r\n0\r\n\r\n");
    client_await(&client, "HTTP/1.1 405 ", 1);
    client_say(&client, "POST /page.txt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n");
    client_await(&client, "HTTP/1.1 413 ", 1);
    client_close(&client);
    variant_finish(&variant);
    world_finish(&world);
}

/* ---- waits ---- */

static const struct timeouts patient = {.head_ms = 2000,
                                        .body_ms = 2000,
                                        .idle_ms = 60000,
                                        .write_ms = 2000,
                                        .linger_ms = 5000,
                                        .drain_ms = 30000,
                                        .rate_bytes_min = 0};
static const struct timeouts strict = {.head_ms = 100,
                                       .body_ms = 100,
                                       .idle_ms = 60000,
                                       .write_ms = 100,
                                       .linger_ms = 5000,
                                       .drain_ms = 30000,
                                       .rate_bytes_min = 1000000};

static void upload_half(struct client *client)
{
    client_say(client, "POST /page.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
}

/* A wait that began before is not cut short; the next one is. Also where settings change twice meanwhile. */
static void content_may_rest_as_long_as_it_might(void **state)
{
    (void)state;
    struct world world;
    struct variant variant;
    struct client client;
    variant_world(&world);
    variant_init(&variant, world.tree.path);
    world.settings->timeouts = patient;
    assert_int_equal(world_change(&world, world.settings), 0);
    world_run_for(&world, 20);
    client_connect(&client, &world, 0);
    upload_half(&client);
    world_await_state(&world, CLIENT_BODY);
    variant.settings->timeouts = strict;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(world_change(&world, variant.settings), 0);
        world_run_for(&world, 250);
        assert_int_equal(world_connection(&world)->client.state, CLIENT_BODY);
    }
    client_say(&client, "def");
    client_await(&client, "HTTP/1.1 405 ", 1);
    upload_half(&client);
    client_await(&client, "HTTP/1.1 408 ", 1);
    client_close(&client);
    variant_finish(&variant);
    world_finish(&world);
}

/* A byte half-way is enough by the settings that the wait began with, and too little by the new ones. Then
 * the client is silent for as long as a wait may take. */
static void a_wait_is_measured_by_the_settings_it_began_with(void **state)
{
    (void)state;
    struct world world;
    struct variant variant;
    struct client client;
    const uint32_t wait_ms = 2000;
    variant_world(&world);
    variant_init(&variant, world.tree.path);
    world.settings->timeouts = patient;
    variant.settings->timeouts = strict;
    world.settings->timeouts.body_ms = variant.settings->timeouts.body_ms = wait_ms;
    assert_int_equal(world_change(&world, world.settings), 0);
    world_run_for(&world, 20);
    client_connect(&client, &world, 0);
    uint64_t began_us = loop_clock_us(world.loop);
    upload_half(&client);
    world_await_state(&world, CLIENT_BODY);
    assert_int_equal(world_change(&world, variant.settings), 0);
    world_run_for(&world, wait_ms / 2);
    client_say(&client, "d");
    client_await(&client, "HTTP/1.1 408 ", 1);
    assert_true(loop_clock_us(world.loop) - began_us >= wait_ms * UINT64_C(1250));
    client_close(&client);
    variant_finish(&variant);
    world_finish(&world);
}

/* The same for who takes his response slowly; and who is there when settings become more patient has the good
 * of it at once. */
static void a_response_may_rest_as_long_as_it_might(void **state)
{
    (void)state;
    for (int gets_patient = 0; gets_patient < 2; gets_patient++) {
        struct world world;
        struct variant variant;
        struct client client;
        variant_world(&world);
        world_add_file(&world, "big", 12 << 20);
        world.settings->timeouts = gets_patient ? strict : patient;
        world.settings->timeouts.write_ms = gets_patient ? 300 : 2000;
        assert_int_equal(world_change(&world, world.settings), 0);
        world_run_for(&world, 20);
        client_connect(&client, &world, 4096);
        client_say(&client, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
        world_await_state(&world, CLIENT_SEND);
        variant_init(&variant, world.tree.path);
        variant.settings->timeouts = gets_patient ? patient : strict;
        assert_int_equal(world_change(&world, variant.settings), 0);
        world_run_for(&world, 800);
        assert_int_equal(world_connection(&world)->client.state, CLIENT_SEND);
        if (!gets_patient)
            world_await_state(&world, CLIENT_CLOSED);
        client_close(&client);
        variant_finish(&variant);
        world_finish(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fewer_connections_reset_nobody),
        cmocka_unit_test(fewer_connections_end_no_download),
        cmocka_unit_test(fewer_connections_of_an_address_reset_nobody),
        cmocka_unit_test(less_content_refuses_nothing_that_has_begun),
        cmocka_unit_test(content_may_rest_as_long_as_it_might),
        cmocka_unit_test(a_wait_is_measured_by_the_settings_it_began_with),
        cmocka_unit_test(a_response_may_rest_as_long_as_it_might),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
