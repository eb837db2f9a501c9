/* How long a connection was open before its first request. */
#include "tests/unit/server_builder.h"
#include "tests/unit/steady_clock.h"

static uint64_t noted_us(const struct world *world, enum request_phase phase)
{
    return world->counters.phases[phase].sum_us;
}

static void connect_and_wait(struct client *client, struct world *world)
{
    world_init(world);
    world_add_file(world, "small", 10);
    world->settings->slow_ms = 60000; /* so that durations are measured */
    world_start(world);
    client_connect(client, world, 0);
    world_await_state(world, CLIENT_IDLE);
    world_run_for(world, 40);
}

static void the_first_request_has_the_time_since_the_acceptance(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    connect_and_wait(&client, &world);
    client_say(&client, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, "HTTP/1.1 200 OK", 1);
    world_await_state(&world, CLIENT_IDLE);
    uint64_t accept_us = noted_us(&world, PHASE_ACCEPT);
    assert_in_range(accept_us, 35000, 1000000);
    world_run_for(&world, 40);
    client_say(&client, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, "HTTP/1.1 200 OK", 2);
    assert_int_equal(noted_us(&world, PHASE_ACCEPT), accept_us);
    client_close(&client);
    world_finish(&world);
}

static void the_rest_of_a_first_head_is_not_the_acceptance(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    connect_and_wait(&client, &world);
    client_say(&client, "GET /small HTTP/1.1\r\nHo");
    world_await_state(&world, CLIENT_HEAD);
    world_run_for(&world, 80);
    client_say(&client, "st: x");
    world_run_for(&world, 80);
    client_say(&client, "\r\n\r\n");
    client_await(&client, "HTTP/1.1 200 OK", 1);
    uint64_t accept_us = noted_us(&world, PHASE_ACCEPT), head_us = noted_us(&world, PHASE_HEAD);
    assert_in_range(accept_us, 35000, 1000000);
    assert_true(head_us >= 155000 && head_us >= accept_us + 80000);
    client_close(&client);
    world_finish(&world);
}

/* It was there at once: nothing else took time but sending it. */
static void waiting_for_a_request_is_not_handling_it(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    connect_and_wait(&client, &world);
    client_say(&client, "BREW /small HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, "HTTP/1.1 501 ", 1);
    assert_in_range(noted_us(&world, PHASE_ACCEPT), 35000, 1000000);
    assert_int_equal(noted_us(&world, PHASE_HANDLER), 0);
    client_close(&client);
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_request_has_the_time_since_the_acceptance),
        cmocka_unit_test(the_rest_of_a_first_head_is_not_the_acceptance),
        cmocka_unit_test(waiting_for_a_request_is_not_handling_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
