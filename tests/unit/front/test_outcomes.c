/* What the access log and the counters say of responses that were sent whole, and of those that were not. */
#include "tests/unit/server_builder.h"

#define LARGE_BYTES (64u << 20)
#define SMALL       "GET /small HTTP/1.1\r\nHost: x\r\n\r\n"
#define LARGE       "GET /large HTTP/1.1\r\nHost: x\r\n\r\n"

static void start(struct world *world)
{
    world_init(world);
    world->has_access_log = true;
    world_add_file(world, "small", 1000);
    tree_add_file(&world->tree, "large", LARGE_BYTES, 1000000000);
}

/* One line of the access log. */
struct line {
    int status;
    unsigned long long bytes;
    char outcome[32];
};

static struct line read_line(const char *lines, size_t number)
{
    struct line line;
    for (size_t i = 0; i < number; i++)
        lines = strchr(lines, '\n') + 1;
    const char *status = strstr(lines, "\"status\":");
    assert_non_null(status);
    int count = sscanf(status, "\"status\":%d,\"bytes\":%llu,\"duration_us\":%*u,\"outcome\":\"%31[^\"]\"",
                       &line.status, &line.bytes, line.outcome);
    assert_int_equal(count, 3);
    return line;
}

/* The bytes of the first head that the client received. */
static size_t head_length(const struct client *client)
{
    const char *end = memmem(client->received.data, client->received.length, "\r\n\r\n", 4);
    assert_non_null(end);
    return (size_t)(end + 4 - client->received.data);
}

/* A client that has begun to receive the large file, and takes no more. */
static void begin_download(struct client *client, struct world *world)
{
    client_connect(client, world, 4096);
    client_say(client, LARGE);
    client_await(client, "\r\n\r\n", 1);
    world_await_state(world, CLIENT_SEND);
}

static void expect_cut(struct world *world, const struct client *client, const char *outcome)
{
    struct line line = read_line(world_lines(world), 0);
    assert_int_equal(line.status, 200);
    assert_string_equal(line.outcome, outcome);
    assert_in_range(line.bytes, client->received.length - head_length(client), LARGE_BYTES - 1);
    assert_int_equal(world->counters.bytes_sent, line.bytes + head_length(client));
}

static void whole_responses(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world);
    world_start(&world);
    client_connect(&client, &world, 0);
    client_say(&client, SMALL "HEAD /small HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n"
                              "Connection: close\r\n\r\n");
    client_await_end(&client);
    const char *lines = world_await_lines(&world, 3);
    struct line found[] = {read_line(lines, 0), read_line(lines, 1), read_line(lines, 2)};
    assert_int_equal(found[0].bytes, 1000);
    assert_int_equal(found[1].bytes, 0);
    assert_int_equal(found[2].status, 404);
    assert_int_not_equal(found[2].bytes, 0);
    for (size_t i = 0; i < ARRAY_LENGTH(found); i++)
        assert_string_equal(found[i].outcome, "complete");
    assert_int_equal(world.counters.bytes_sent, client.received.length);
    client_close(&client);
    world_finish(&world);
}

static void a_client_that_resets(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world);
    world_start(&world);
    begin_download(&client, &world);
    struct client before = client;
    client.received = (struct buffer){0};
    client_abort(&client);
    (void)world_await_lines(&world, 1);
    expect_cut(&world, &before, "client_left");
    client_close(&(struct client){.fd = -1, .received = before.received});
    world_finish(&world);
}

static void a_client_that_does_not_read(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world);
    world.settings->timeouts.write_ms = 100;
    world_start(&world);
    begin_download(&client, &world);
    (void)world_await_lines(&world, 1);
    expect_cut(&world, &client, "timed_out");
    client_close(&client);
    world_finish(&world);
}

static void a_file_that_is_cut_off(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world);
    world_start(&world);
    begin_download(&client, &world);
    int fd = openat(world.tree.fd, "large", O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    close(fd);
    client.is_deaf = true;
    world_expect(&world, client_has_ended, &client);
    (void)world_await_lines(&world, 1);
    expect_cut(&world, &client, "file_changed");
    client_close(&client);
    world_finish(&world);
}

static void the_end_of_the_server(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world);
    world_start(&world);
    begin_download(&client, &world);
    world_end_server(&world);
    expect_cut(&world, &client, "shutdown");
    client_close(&client);
    world_finish(&world);
}

/* What the kernel did not take is missing at the end: the responses before are whole. */
static void pipelined_responses(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world);
    world_start(&world);
    client_connect(&client, &world, 4096);
    client_say(&client, SMALL LARGE SMALL);
    client_await(&client, "\r\n\r\n", 2);
    world_await_state(&world, CLIENT_SEND);
    client_abort(&client);
    const char *lines = world_await_lines(&world, 2);
    assert_string_equal(read_line(lines, 0).outcome, "complete");
    assert_int_equal(read_line(lines, 0).bytes, 1000);
    assert_string_equal(read_line(lines, 1).outcome, "client_left");
    assert_in_range(read_line(lines, 1).bytes, 1, LARGE_BYTES - 1);
    /* The third is not begun before the large one is out. */
    assert_int_equal(world.counters.requests, 2);
    world_finish(&world);
}

static void a_request_that_is_broken_off(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world);
    world_start(&world);
    client_connect(&client, &world, 0);
    client_say(&client, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345");
    world_await_state(&world, CLIENT_BODY);
    client_close(&client);
    struct line line = read_line(world_await_lines(&world, 1), 0);
    assert_int_equal(line.status, ACCESS_LOG_NO_RESPONSE);
    assert_int_equal(line.bytes, 0);
    assert_string_equal(line.outcome, "client_left");
    assert_int_equal(world.counters.requests, 0);
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_responses),
        cmocka_unit_test(a_client_that_resets),
        cmocka_unit_test(a_client_that_does_not_read),
        cmocka_unit_test(a_file_that_is_cut_off),
        cmocka_unit_test(the_end_of_the_server),
        cmocka_unit_test(pipelined_responses),
        cmocka_unit_test(a_request_that_is_broken_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
