/* Connections in each of their states: what ends the state, what the peer may do in it, and what a drain does
 * to it. */
#include "tests/unit/server_builder.h"
#include "tests/unit/steady_clock.h"

#define BIG_BYTES (12u << 20)

/* A client that takes as little as the kernel allows, so that what it does not read waits in the server. */
#define RECEIVE_BYTES_FEW 4096

static const uint32_t minute_ms = 60000;

static void be_patient(struct world *world)
{
    world->settings->timeouts = (struct timeouts){
        .head_ms = minute_ms,
        .body_ms = minute_ms,
        .idle_ms = minute_ms,
        .write_ms = minute_ms,
        .linger_ms = minute_ms,
        .drain_ms = minute_ms,
    };
}

/* The timeout of a state; NULL: it has none. */
static uint32_t *timeout_of(struct world *world, enum client_state state)
{
    struct timeouts *timeouts = &world->settings->timeouts;
    switch (state) {
    case CLIENT_HANDSHAKE: return &timeouts->handshake_ms;
    case CLIENT_IDLE: return &timeouts->idle_ms;
    case CLIENT_HEAD: return &timeouts->head_ms;
    case CLIENT_BODY: return &timeouts->body_ms;
    case CLIENT_SEND: return &timeouts->write_ms;
    case CLIENT_LINGER: return &timeouts->linger_ms;
    case CLIENT_HANDLE:
    case CLIENT_CLOSED: break;
    }
    return NULL;
}

static void prepare(struct world *world)
{
    world_init(world);
    be_patient(world);
    world_add_file(world, "small", 10);
    world_add_file(world, "big", BIG_BYTES);
    tree_add_folder(&world->tree, "folder");
}

/* Brings a new connection into a state. */
static void enter(struct world *world, struct client *client, struct plug *plug, enum client_state state)
{
    client_connect(client, world, RECEIVE_BYTES_FEW);
    switch (state) {
    case CLIENT_HANDSHAKE:
    case CLIENT_IDLE: break;
    case CLIENT_HEAD: client_say(client, "GET /small HTTP/1.1\r\nHost:"); break;
    case CLIENT_BODY:
        client_say(client, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
        break;
    case CLIENT_HANDLE:
        plug_put(plug, world);
        client_say(client, "GET /folder/ HTTP/1.1\r\nHost: x\r\n\r\n");
        break;
    case CLIENT_SEND: client_say(client, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"); break;
    case CLIENT_LINGER: client_say(client, "\1"); break;
    case CLIENT_CLOSED: break;
    }
    world_await_state(world, state);
}

static const enum client_state states[] = {
    CLIENT_IDLE, CLIENT_HEAD, CLIENT_BODY, CLIENT_HANDLE, CLIENT_SEND, CLIENT_LINGER,
};

static void every_state_but_handling_ends_in_time(void **state)
{
    (void)state;
    TABLE_ROWS(i, states, front_client_state_name(states[i])) {
        struct world world;
        struct client client;
        struct plug plug;
        prepare(&world);
        if (timeout_of(&world, states[i]) == NULL)
            world.settings->timeouts = (struct timeouts){1, 1, 1, 1, 1, 1, 1000000};
        else
            *timeout_of(&world, states[i]) = 50;
        world_start(&world);
        /* In a world of one millisecond nothing but a state without a timeout lasts. */
        if (states[i] == CLIENT_HANDLE) {
            world.settings->timeouts.idle_ms = minute_ms;
            enter(&world, &client, &plug, states[i]);
            world_run_for(&world, 100);
            assert_int_equal(world_connection(&world)->client.state, CLIENT_HANDLE);
            plug_pull(&plug, &world);
            client_await(&client, "</html>", 1);
        } else {
            enter(&world, &client, &plug, states[i]);
            bool is_told = states[i] == CLIENT_HEAD || states[i] == CLIENT_BODY;
            world_await_state(&world, is_told ? CLIENT_LINGER : CLIENT_CLOSED);
            assert_int_equal(world.counters.timeouts, 1);
            if (is_told)
                client_await(&client, "HTTP/1.1 408 ", 1);
        }
        client_close(&client);
        world_finish(&world);
    }
}

static void the_peer_may_send_its_end_in_every_state(void **state)
{
    (void)state;
    TABLE_ROWS(i, states, front_client_state_name(states[i])) {
        struct world world;
        struct client client;
        struct plug plug;
        prepare(&world);
        world_start(&world);
        enter(&world, &client, &plug, states[i]);
        assert_int_equal(shutdown(client.fd, SHUT_WR), 0);
        if (states[i] == CLIENT_HANDLE) {
            world_run_for(&world, 20);
            plug_pull(&plug, &world);
            client_await(&client, "</html>", 1);
        }
        if (states[i] == CLIENT_SEND)
            client_await_bytes(&client, BIG_BYTES);
        client_await_end(&client);
        world_await_state(&world, CLIENT_CLOSED);
        if (states[i] < CLIENT_HANDLE)
            assert_int_equal(client.received.length, 0);
        assert_int_equal(world.counters.connections_open, 0);
        client_close(&client);
        world_finish(&world);
    }
}

static void the_peer_may_reset_in_every_state(void **state)
{
    (void)state;
    TABLE_ROWS(i, states, front_client_state_name(states[i])) {
        struct world world;
        struct client client;
        struct plug plug;
        prepare(&world);
        world_start(&world);
        enter(&world, &client, &plug, states[i]);
        client_abort(&client);
        if (states[i] == CLIENT_HANDLE)
            plug_pull(&plug, &world);
        world_await_state(&world, CLIENT_CLOSED);
        assert_int_equal(world.counters.connections_open, 0);
        assert_int_equal(world.counters.connections_idle, 0);
        world_finish(&world);
    }
}

static void a_server_may_be_destroyed_in_every_state(void **state)
{
    (void)state;
    TABLE_ROWS(i, states, front_client_state_name(states[i])) {
        struct world world;
        struct client client;
        struct plug plug;
        prepare(&world);
        world_start(&world);
        enter(&world, &client, &plug, states[i]);
        if (states[i] == CLIENT_HANDLE)
            assert_int_equal(write(plug.pipe[1], "", 1), 1);
        server_destroy(world.server);
        world.server = NULL;
        assert_int_equal(world.counters.connections_open, 0);
        assert_int_equal(world.counters.connections_idle, 0);
        if (states[i] == CLIENT_HANDLE) {
            close(plug.pipe[0]);
            close(plug.pipe[1]);
        }
        client_close(&client);
        world_finish(&world);
    }
}

/* What the client still does when the server wants to go, and what it gets. */
static void see_a_drain_through(struct client *client, enum client_state state)
{
    switch (state) {
    case CLIENT_HEAD:
        client_say(client, " x\r\n\r\n");
        client_await(client, "HTTP/1.1 200 OK", 1);
        client_await(client, "\r\nConnection: close\r\n", 1);
        break;
    case CLIENT_BODY:
        client_say(client, "cde");
        client_await(client, "HTTP/1.1 405 ", 1);
        client_await(client, "\r\nConnection: close\r\n", 1);
        break;
    case CLIENT_HANDLE:
        client_await(client, "HTTP/1.1 200 OK", 1);
        client_await(client, "\r\nConnection: close\r\n", 1);
        client_await(client, "</html>", 1);
        break;
    case CLIENT_SEND: client_await_bytes(client, BIG_BYTES); break;
    case CLIENT_HANDSHAKE:
    case CLIENT_IDLE:
    case CLIENT_LINGER:
    case CLIENT_CLOSED: break;
    }
}

static void a_drain_is_polite_in_every_state(void **state)
{
    (void)state;
    TABLE_ROWS(i, states, front_client_state_name(states[i])) {
        struct world world;
        struct client client;
        struct plug plug;
        prepare(&world);
        world_start(&world);
        enter(&world, &client, &plug, states[i]);
        server_drain(world.server);
        server_drain(world.server); /* once is enough, twice is the same */
        if (states[i] == CLIENT_HANDLE)
            plug_pull(&plug, &world);
        see_a_drain_through(&client, states[i]);
        client_await_end(&client);
        client_close(&client);
        /* The server stops the loop itself. */
        assert_int_equal(loop_run(world.loop), 0);
        assert_int_equal(world.counters.connections_open, 0);
        world_finish(&world);
    }
}

static void a_drain_ends_by_its_deadline(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    world.settings->timeouts.drain_ms = 50;
    world_start(&world);
    enter(&world, &client, NULL, CLIENT_SEND);
    server_drain(world.server);
    assert_int_equal(loop_run(world.loop), 0);
    assert_int_equal(world.counters.connections_open, 1);
    client_close(&client);
    world_finish(&world);
}

static void a_slow_reader_that_gets_on_is_not_cut_off(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    world.settings->timeouts.write_ms = 150;
    world_start(&world);
    enter(&world, &client, NULL, CLIENT_SEND);
    for (int i = 0; i < 10; i++) {
        char bytes[65536];
        for (int k = 0; k < 8; k++)
            assert_true(recv(client.fd, bytes, sizeof(bytes), 0) != 0);
        world_run_for(&world, 50);
        assert_int_equal(world_connection(&world)->client.state, CLIENT_SEND);
    }
    client_close(&client);
    world_finish(&world);
}

static void a_slow_reader_must_make_the_rate(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    world.settings->timeouts.write_ms = 100;
    world.settings->timeouts.rate_bytes_min = 1u << 30;
    world_start(&world);
    enter(&world, &client, NULL, CLIENT_SEND);
    for (int i = 0; i < 100 && world_connection(&world); i++) {
        char bytes[65536];
        assert_true(recv(client.fd, bytes, sizeof(bytes), 0) != 0);
        world_run_for(&world, 10);
    }
    world_await_state(&world, CLIENT_CLOSED);
    client_close(&client);
    world_finish(&world);
}

/* A response that nobody takes and content that does not come: neither may keep the connection for ever. */
static void content_to_come_does_not_stop_the_clock_of_a_send(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    world.settings->timeouts.write_ms = 50;
    world_start(&world);
    client_connect(&client, &world, RECEIVE_BYTES_FEW);
    client_say(&client, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"
                        "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
    world_await_state(&world, CLIENT_SEND);
    world_await_state(&world, CLIENT_CLOSED);
    client_close(&client);
    world_finish(&world);
}

static void each_request_has_its_own_time_for_its_head(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    world.settings->timeouts.head_ms = 200;
    world_start(&world);
    client_connect(&client, &world, 0);
    client_say(&client, "GET /small HT");
    for (unsigned i = 1; i <= 8; i++) {
        world_run_for(&world, 60);
        client_say(&client, "TP/1.1\r\nHost: x\r\n\r\nGET /small HT");
        client_await(&client, "HTTP/1.1 200 OK", i);
        assert_int_equal(world_connection(&world)->client.state, CLIENT_HEAD);
    }
    client_await(&client, "HTTP/1.1 408 ", 1);
    client_close(&client);
    world_finish(&world);
}

/* Its time is fixed, however much the client has to say. */
static void lingering_ends_though_the_client_talks_on(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    world.settings->timeouts.linger_ms = 100;
    world_start(&world);
    enter(&world, &client, NULL, CLIENT_LINGER);
    uint64_t began_us = loop_clock_us(world.loop);
    for (int i = 0; i < 200 && world_connection(&world); i++) {
        (void)client_offer(&client, SLICE("and another thing"));
        world_run_for(&world, 5);
    }
    assert_null(world_connection(&world));
    assert_true(loop_clock_us(world.loop) - began_us < 900000);
    client_close(&client);
    world_finish(&world);
}

/* A close would be answered with RST while there is more than was read, and RST takes what was answered
 * along.
 */
static void who_sends_on_behind_close_is_lingered_for(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    world_start(&world);
    client_connect(&client, &world, 0);
    client_say(&client, "GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nand another thing");
    world_await_state(&world, CLIENT_LINGER);
    client_await(&client, "HTTP/1.1 ", 1);
    client_close(&client);
    world_await_state(&world, CLIENT_CLOSED);
    world_finish(&world);
}

/* The answer is out of our hands long before it is in those of a slow reader, who may be about to ask again:
 * a close would be answered with RST, and the rest of the answer be lost. */
static void lingering_lasts_while_a_slow_reader_gets_on(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    world.settings->timeouts.linger_ms = 150;
    world.settings->timeouts.write_ms = 150;
    world.settings->limits.requests_per_connection = 1;
    world_add_file(&world, "middling", 1u << 20);
    world_start(&world);
    client_connect(&client, &world, RECEIVE_BYTES_FEW);
    client_say(&client, "GET /middling HTTP/1.1\r\nHost: x\r\n\r\n");
    world_await_state(&world, CLIENT_LINGER);
    for (int i = 0; i < 10; i++) {
        char bytes[16384];
        assert_true(recv(client.fd, bytes, sizeof(bytes), 0) > 0);
        world_run_for(&world, 50);
        assert_non_null(world_connection(&world));
    }
    world_await_state(&world, CLIENT_CLOSED);
    client_close(&client);
    world_finish(&world);
}

/* What the kernel has taken is not what the client has. */
static void a_slow_reader_is_not_idle(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    world.settings->timeouts.idle_ms = 150;
    world.settings->timeouts.write_ms = 150;
    world_add_file(&world, "middling", 1u << 20);
    world_start(&world);
    client_connect(&client, &world, RECEIVE_BYTES_FEW);
    client_say(&client, "GET /middling HTTP/1.1\r\nHost: x\r\n\r\n");
    world_await_state(&world, CLIENT_IDLE);
    for (int i = 0; i < 10; i++) {
        char bytes[16384];
        assert_true(recv(client.fd, bytes, sizeof(bytes), 0) > 0);
        world_run_for(&world, 50);
        assert_non_null(world_connection(&world));
    }
    world_await_state(&world, CLIENT_CLOSED);
    client_close(&client);
    world_finish(&world);
}

static void a_broken_off_request_takes_no_answer_away(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    world_start(&world);
    client_connect(&client, &world, RECEIVE_BYTES_FEW);
    client_say(&client, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"
                        "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
    world_await_state(&world, CLIENT_SEND);
    assert_int_equal(shutdown(client.fd, SHUT_WR), 0);
    world_run_for(&world, 20);
    client_await_bytes(&client, BIG_BYTES);
    client_await_end(&client);
    assert_int_equal(client_count(&client, "HTTP/1.1 "), 1);
    client_close(&client);
    world_finish(&world);
}

/* From now on there is not one more; returns what to set back. */
static struct rlimit take_descriptors(void)
{
    struct rlimit before;
    int next = open("/dev/null", O_RDONLY);
    assert_true(next >= 0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    return before;
}

/* The one that is being answered counts as idle until it settles; it must not be what is given up for it. */
static void a_want_of_descriptors_closes_other_connections(void **state)
{
    (void)state;
    struct world world;
    struct client client, others[3];
    prepare(&world);
    world_start(&world);
    client_connect(&client, &world, 0);
    world_await_state(&world, CLIENT_IDLE);
    struct rlimit before = take_descriptors();
    client_say(&client, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, "HTTP/1.1 503 ", 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
        client_connect(&others[i], &world, 0);
    world_await_open(&world, 4);
    (void)take_descriptors();
    client_say(&client, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, "HTTP/1.1 200 OK", 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    client_await_end(&others[0]);
    client_await_end(&others[1]);
    assert_int_equal(world.counters.connections_shed, 2); /* to open a file takes two descriptors */
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
        client_close(&others[i]);
    client_close(&client);
    world_finish(&world);
}

static bool is_idle_again(void *context)
{
    struct world *world = context;
    return world->counters.requests == 1 && world_connection(world)->client.state == CLIENT_IDLE;
}

/* It is idle for the server only: to be closed for another one's sake would cost it the answer, should it be
 * about to ask again. */
static void who_takes_an_answer_still_is_not_closed_to_make_room(void **state)
{
    (void)state;
    struct world world;
    struct client reader, other;
    prepare(&world);
    world.settings->limits.connections = 1;
    world_add_file(&world, "middling", 1u << 20);
    world_start(&world);
    client_connect(&reader, &world, RECEIVE_BYTES_FEW);
    client_say(&reader, "GET /middling HTTP/1.1\r\nHost: x\r\n\r\n");
    world_expect(&world, is_idle_again, &world);
    client_connect(&other, &world, 0);
    client_say(&other, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&other, "HTTP/1.1 503 ", 1);
    client_await_end(&other);
    client_await_bytes(&reader, 1u << 20);
    client_close(&other);
    client_close(&reader);
    world_finish(&world);
}

static void connections_of_one_address_are_counted(void **state)
{
    (void)state;
    struct world world;
    struct client clients[3];
    prepare(&world);
    world.settings->limits.connections_per_address = 2;
    world_start(&world);
    for (size_t i = 0; i < 3; i++) {
        client_connect(&clients[i], &world, 0);
        client_say(&clients[i], "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    client_await(&clients[0], "HTTP/1.1 200 OK", 1);
    client_await(&clients[1], "HTTP/1.1 200 OK", 1);
    client_await(&clients[2], "HTTP/1.1 503 ", 1);
    client_close(&clients[2]);
    client_close(&clients[0]);
    world_await_open(&world, 1);
    client_connect(&clients[0], &world, 0);
    client_say(&clients[0], "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&clients[0], "HTTP/1.1 200 OK", 1);
    client_close(&clients[0]);
    client_close(&clients[1]);
    world_await_open(&world, 0);
    assert_int_equal(world.server->service.client_counts.count, 0);
    world_finish(&world);
}

static void an_idle_connection_has_no_buffer(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    world_start(&world);
    client_connect(&client, &world, 0);
    client_say(&client, "GET /small HTTP/1.1\r\nHo");
    world_await_state(&world, CLIENT_HEAD);
    assert_non_null(world_h1(&world)->session.input);
    client_say(&client, "st: x\r\n\r\n");
    client_await(&client, "HTTP/1.1 200 OK", 1);
    world_await_state(&world, CLIENT_IDLE);
    assert_null(world_h1(&world)->session.input);
    assert_int_equal(world.server->service.exchanges.count, 0);
    client_close(&client);
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_but_handling_ends_in_time),
        cmocka_unit_test(the_peer_may_send_its_end_in_every_state),
        cmocka_unit_test(the_peer_may_reset_in_every_state),
        cmocka_unit_test(a_server_may_be_destroyed_in_every_state),
        cmocka_unit_test(a_drain_is_polite_in_every_state),
        cmocka_unit_test(a_drain_ends_by_its_deadline),
        cmocka_unit_test(a_slow_reader_that_gets_on_is_not_cut_off),
        cmocka_unit_test(a_slow_reader_must_make_the_rate),
        cmocka_unit_test(content_to_come_does_not_stop_the_clock_of_a_send),
        cmocka_unit_test(each_request_has_its_own_time_for_its_head),
        cmocka_unit_test(lingering_ends_though_the_client_talks_on),
        cmocka_unit_test(who_sends_on_behind_close_is_lingered_for),
        cmocka_unit_test(lingering_lasts_while_a_slow_reader_gets_on),
        cmocka_unit_test(a_slow_reader_is_not_idle),
        cmocka_unit_test(a_broken_off_request_takes_no_answer_away),
        cmocka_unit_test(a_want_of_descriptors_closes_other_connections),
        cmocka_unit_test(who_takes_an_answer_still_is_not_closed_to_make_room),
        cmocka_unit_test(connections_of_one_address_are_counted),
        cmocka_unit_test(an_idle_connection_has_no_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
