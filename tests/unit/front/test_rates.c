/* The minimum rate, which is measured over windows as long as the state's timeout. */
#include "tests/unit/server_builder.h"
#include "tests/unit/steady_clock.h"

/* Each window counts by itself: what came quickly at first does not pay for what drips afterwards. */
static void a_fast_beginning_does_not_pay_for_a_drip(void **state)
{
    (void)state;
    static char content[100000];
    struct world world;
    struct client client;
    world_init(&world);
    world.settings->timeouts.body_ms = 200;
    world.settings->timeouts.rate_bytes_min = 10000; /* ten seconds' worth has come at once */
    world_start(&world);
    client_connect(&client, &world, 0);
    client_say(&client, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n");
    client_send(&client, slice_make(content, sizeof(content)));
    world_await_state(&world, CLIENT_BODY);
    unsigned drops = 0;
    for (; world_connection(&world) && world_connection(&world)->client.state == CLIENT_BODY; drops++) {
        client_say(&client, "x");
        world_run_for(&world, 20);
    }
    assert_in_range(drops, 5, 40);
    client_await(&client, "HTTP/1.1 408 ", 1);
    client_close(&client);
    world_finish(&world);
}

static void content_at_the_minimum_rate_goes_on(void **state)
{
    (void)state;
    static char content[2000];
    struct world world;
    struct client client;
    world_init(&world);
    world.settings->timeouts.body_ms = 200;
    world.settings->timeouts.rate_bytes_min = 10000;
    world_start(&world);
    client_connect(&client, &world, 0);
    client_say(&client, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    for (unsigned i = 0; i < 50; i++) {
        client_send(&client, slice_make(content, sizeof(content)));
        world_run_for(&world, 20);
    }
    client_await(&client, "HTTP/1.1 405 ", 1);
    client_close(&client);
    world_finish(&world);
}

/* The same for a response: of what was sent at first nothing is left in the next window. */
static void a_response_that_drips_is_cut_off(void **state)
{
    (void)state;
    char bytes[65536];
    struct world world;
    struct client client;
    world_init(&world);
    world.settings->timeouts.write_ms = 200;
    world.settings->timeouts.rate_bytes_min = 1000000;
    world_add_file(&world, "large", 64u << 20);
    world_start(&world);
    client_connect(&client, &world, 0);
    client_say(&client, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    client.is_deaf = true;
    world_await_state(&world, CLIENT_SEND);
    /* Sixteen seconds' worth at once. */
    for (size_t taken = 0; taken < 16u << 20;) {
        ssize_t count = recv(client.fd, bytes, sizeof(bytes), 0);
        taken += (size_t)MAX(count, (ssize_t)0);
        if (count < 0)
            world_run_for(&world, 1);
    }
    unsigned drops = 0;
    for (; world_connection(&world); drops++) {
        ssize_t count = recv(client.fd, bytes, 100, 0);
        (void)count;
        world_run_for(&world, 20);
        assert_in_range(drops, 0, 60);
    }
    assert_int_equal(world.counters.timeouts, 1);
    client_close(&client);
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fast_beginning_does_not_pay_for_a_drip),
        cmocka_unit_test(content_at_the_minimum_rate_goes_on),
        cmocka_unit_test(a_response_that_drips_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
