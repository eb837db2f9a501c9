/* Responses whose content is pulled from a source that the test writes the script of: how HTTP/1 frames it,
 * what becomes of it when it has to be waited for, fails, or is not wanted any more. */
#include "tests/unit/server_builder.h"

#include "serve/exchange.h"

/* What the source says, one call after the other; the last one for ever. */
struct step {
    enum source_result result;
    const char *bytes; /* of SOURCE_GIVEN */
};

struct script {
    const struct step *steps;
    uint64_t length;
};

struct scripted_source {
    struct source source;
    struct list link; /* in open_sources */
    const struct step *step;
    bool gives_for_ever;
};

static struct script script;
static struct list open_sources; /* in the order in which they were made, which is that of the requests */
static unsigned closes;
static size_t given_bytes;

static enum source_result scripted_next(struct source *source, size_t bytes_max, struct segment *ret_segment)
{
    struct scripted_source *scripted = CONTAINER_OF(source, struct scripted_source, source);
    const struct step *step = scripted->step;
    assert_true(bytes_max > 0);
    if (step->result == SOURCE_FAILED)
        return source_fail(source, -EIO);
    if (step->result != SOURCE_GIVEN)
        return step->result;
    assert_true(strlen(step->bytes) <= bytes_max);
    *ret_segment = segment_memory(slice_from(step->bytes));
    given_bytes += ret_segment->length;
    scripted->step += !scripted->gives_for_ever;
    return SOURCE_GIVEN;
}

static void scripted_close(struct source *source)
{
    list_remove(&CONTAINER_OF(source, struct scripted_source, source)->link);
    closes++;
}

static const struct source_type scripted_source_type = {.next = scripted_next, .close = scripted_close};

/* Answers from the script. */
static void scripted_handle(struct exchange *exchange)
{
    struct scripted_source *scripted = exchange_source_room(exchange, sizeof(*scripted));
    *scripted = (struct scripted_source){
        .source = {.type = &scripted_source_type, .exchange = exchange, .length = script.length},
        .step = script.steps,
        .gives_for_ever = script.steps[0].result == SOURCE_GIVEN && script.steps[1].bytes == NULL &&
                          script.steps[1].result == SOURCE_GIVEN,
    };
    exchange_begin_response(exchange, 200);
    list_init(&scripted->link);
    list_append(&open_sources, &scripted->link);
    exchange_respond(exchange, &scripted->source);
}

static const struct handler_type scripted_handler = {.handle = scripted_handle};

/* The first source that waits takes the next step, and its owner is told. */
static void wake(void)
{
    LIST_FOREACH(link, &open_sources) {
        struct scripted_source *scripted = CONTAINER_OF(link, struct scripted_source, link);
        if (scripted->step->result != SOURCE_WAIT)
            continue;
        scripted->step++;
        exchange_wake(scripted->source.exchange);
        return;
    }
    fail_msg("no source waits");
}

static void start(struct world *world, const struct step *steps, uint64_t length)
{
    script = (struct script){.steps = steps, .length = length};
    list_init(&open_sources);
    closes = 0;
    given_bytes = 0;
    world_init(world);
    world->routes[0].kind = ROUTE_RESPOND;
    world_start(world);
    world->server->service.handlers[ROUTE_RESPOND] = (struct handler){.type = &scripted_handler};
}

#define GET      "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define GET_1_0  "GET / HTTP/1.0\r\n\r\n"
#define HEAD     "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD_1_0 "HEAD / HTTP/1.0\r\n\r\n"

/* What was received behind the first head. */
static const char *content_of(struct client *client)
{
    buffer_append_byte(&client->received, '\0');
    client->received.length--;
    const char *end = strstr(client->received.data, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

static void content_of_unknown_length_comes_in_chunks(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {SOURCE_GIVEN, "hello, "}, {SOURCE_GIVEN, "world, this is long"}, {SOURCE_END, NULL}};
    struct world world;
    struct client client;
    start(&world, steps, HTTP_LENGTH_UNKNOWN);
    client_connect(&client, &world, 0);
    client_say(&client, GET);
    client_await(&client, "\r\n0\r\n\r\n", 1);
    assert_string_equal(content_of(&client), "7\r\nhello, \r\n13\r\nworld, this is long\r\n0\r\n\r\n");
    assert_int_equal(client_count(&client, "Transfer-Encoding: chunked\r\n"), 1);
    assert_int_equal(client_count(&client, "Content-Length"), 0);
    assert_int_equal(closes, 1);
    client_say(&client, GET); /* the connection goes on */
    client_await(&client, "\r\n0\r\n\r\n", 2);
    client_close(&client);
    world_finish(&world);
}

static void empty_content_is_a_last_chunk(void **state)
{
    (void)state;
    static const struct step steps[] = {{SOURCE_END, NULL}};
    struct world world;
    struct client client;
    start(&world, steps, HTTP_LENGTH_UNKNOWN);
    client_connect(&client, &world, 0);
    client_say(&client, GET);
    client_await(&client, "\r\n\r\n0\r\n\r\n", 1);
    assert_string_equal(content_of(&client), "0\r\n\r\n");
    client_close(&client);
    world_finish(&world);
}

/* A client of HTTP/1.0 knows no chunks, even if it wants to keep the connection. */
static void to_an_old_client_the_close_tells_the_end(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {SOURCE_GIVEN, "hello, "}, {SOURCE_GIVEN, "world"}, {SOURCE_END, NULL}};
    static const char *const requests[] = {GET_1_0, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"};
    TABLE_ROWS(i, requests, requests[i]) {
        struct world world;
        struct client client;
        start(&world, steps, HTTP_LENGTH_UNKNOWN);
        client_connect(&client, &world, 0);
        client_say(&client, requests[i]);
        client_await_end(&client);
        assert_string_equal(content_of(&client), "hello, world");
        assert_int_equal(client_count(&client, "Connection: close\r\n"), 1);
        assert_int_equal(client_count(&client, "Transfer-Encoding"), 0);
        assert_int_equal(client_count(&client, "Content-Length"), 0);
        assert_int_equal(closes, 1);
        client_close(&client);
        world_finish(&world);
    }
}

static void head_asks_a_source_for_nothing(void **state)
{
    (void)state;
    static const struct step steps[] = {{SOURCE_FAILED, NULL}};
    struct world world;
    struct client client;
    start(&world, steps, HTTP_LENGTH_UNKNOWN);
    client_connect(&client, &world, 0);
    client_say(&client, HEAD);
    client_await(&client, "\r\n\r\n", 1);
    assert_int_equal(closes, 1);
    assert_int_equal(client_count(&client, "Transfer-Encoding: chunked\r\n"), 1);
    script.length = 5;
    client_say(&client, HEAD);
    client_await(&client, "Content-Length: 5\r\n", 1);
    assert_int_equal(closes, 2);
    client_close(&client);

    script.length = HTTP_LENGTH_UNKNOWN;
    client_connect(&client, &world, 0);
    client_say(&client, HEAD_1_0);
    client_await_end(&client);
    assert_string_equal(content_of(&client), "");
    assert_int_equal(client_count(&client, "Transfer-Encoding"), 0);
    assert_int_equal(closes, 3);
    client_close(&client);
    world_finish(&world);
}

/* What was given so far leaves at once; the next request waits for its turn. */
static void a_source_may_have_to_be_waited_for(void **state)
{
    (void)state;
    static const struct step steps[] = {{SOURCE_WAIT, NULL}, {SOURCE_GIVEN, "one"}, {SOURCE_WAIT, NULL},
                                        {SOURCE_WAIT, NULL}, {SOURCE_GIVEN, "two"}, {SOURCE_WAIT, NULL},
                                        {SOURCE_END, NULL}};
    struct world world;
    struct client client;
    start(&world, steps, HTTP_LENGTH_UNKNOWN);
    client_connect(&client, &world, 0);
    client_say(&client, GET);
    client_await(&client, "chunked\r\n\r\n", 1); /* the head does not wait for it */
    client_say(&client, GET);
    world_run_for(&world, 10);
    wake();
    client_await(&client, "3\r\none", 1);
    wake();
    world_run_for(&world, 10);
    wake();
    client_await(&client, "\r\n3\r\ntwo", 1);
    assert_int_equal(closes, 0);
    wake();
    client_await(&client, "chunked\r\n\r\n", 2);
    assert_int_equal(closes, 1);
    assert_int_equal(client_count(&client, "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\nHTTP/1.1 200"), 1);
    client_abort(&client);
    world_await_open(&world, 0);
    assert_int_equal(closes, 2);
    world_finish(&world);
}

/* So with a length; but that is told in the head. */
static void content_of_known_length_is_given_in_parts(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {SOURCE_GIVEN, "one"}, {SOURCE_WAIT, NULL}, {SOURCE_GIVEN, "two"}, {SOURCE_GIVEN, "three"}};
    struct world world;
    struct client client;
    start(&world, steps, 11);
    client_connect(&client, &world, 0);
    client_say(&client, GET GET);
    client_await(&client, "one", 1);
    wake();
    client_await(&client, "one", 2);
    assert_int_equal(closes, 1); /* it is not asked beyond its length */
    assert_int_equal(client_count(&client, "Content-Length: 11\r\n\r\nonetwothreeHTTP/1.1 200"), 1);
    client_close(&client);
    world_finish(&world);
}

#define PIECE_BYTES 65536
static char piece[PIECE_BYTES + 1];

struct taking {
    struct client *client;
    size_t given;
};

static bool client_makes_it_give_more(void *context)
{
    struct taking *taking = context;
    client_take(taking->client);
    return given_bytes > taking->given;
}

/* Nothing is asked for that the client does not take. A kernel's buffers on both sides take some MiB. */
static void a_client_that_does_not_read_holds_the_source_back(void **state)
{
    (void)state;
    memset(piece, 'x', PIECE_BYTES);
    const struct step steps[] = {{SOURCE_GIVEN, piece}, {SOURCE_GIVEN, NULL}};
    static const uint64_t lengths[] = {HTTP_LENGTH_UNKNOWN, UINT64_C(1) << 40};
    TABLE_ROWS(i, lengths, "") {
        struct world world;
        struct client client;
        start(&world, steps, lengths[i]);
        client_connect(&client, &world, 4096);
        client_say(&client, GET);
        world_run_for(&world, 200);
        size_t given = given_bytes;
        assert_in_range(given, PIECE_BYTES, 32 << 20);
        world_run_for(&world, 50);
        assert_int_equal(given_bytes, given);
        client.is_deaf = true;
        world_expect(&world, client_makes_it_give_more, (&(struct taking){&client, given}));
        client_abort(&client);
        world_await_open(&world, 0);
        assert_int_equal(closes, 1);
        world_finish(&world);
    }
}

/* The client must be able to tell that something is missing. */
static void a_source_that_fails_cuts_the_response(void **state)
{
    (void)state;
    static const struct step fails[] = {{SOURCE_GIVEN, "half"}, {SOURCE_FAILED, NULL}};
    static const struct step fails_later[] = {
        {SOURCE_GIVEN, "half"}, {SOURCE_WAIT, NULL}, {SOURCE_FAILED, NULL}};
    static const struct step ends_early[] = {{SOURCE_GIVEN, "half"}, {SOURCE_END, NULL}};
    const struct {
        const struct step *steps;
        uint64_t length;
    } cases[] = {{fails, HTTP_LENGTH_UNKNOWN},
                 {fails_later, HTTP_LENGTH_UNKNOWN},
                 {fails, 8},
                 {fails_later, 8},
                 {ends_early, 8}};
    TABLE_ROWS(i, cases, "") {
        struct world world;
        struct client client;
        start(&world, cases[i].steps, cases[i].length);
        client_connect(&client, &world, 0);
        client_say(&client, GET GET);
        client_await(&client, "half", 1);
        if (cases[i].steps == fails_later)
            wake();
        client_await_end(&client);
        bool is_chunked = cases[i].length == HTTP_LENGTH_UNKNOWN;
        assert_string_equal(content_of(&client), is_chunked ? "4\r\nhalf" : "half");
        assert_int_equal(closes, 2);
        client_close(&client);
        world_finish(&world);
    }
}

/* An end of the connection like any other would be the end of the content. */
static void a_response_that_ends_with_the_connection_is_cut_by_a_reset(void **state)
{
    (void)state;
    static const struct step steps[] = {{SOURCE_GIVEN, "half"}, {SOURCE_WAIT, NULL}, {SOURCE_FAILED, NULL}};
    struct world world;
    struct client client;
    start(&world, steps, HTTP_LENGTH_UNKNOWN);
    client_connect(&client, &world, 0);
    client_say(&client, GET_1_0);
    client_await(&client, "half", 1);
    wake();
    world_expect(&world, client_has_ended, &client);
    assert_true(client.reset);
    assert_int_equal(closes, 1);
    client_close(&client);
    world_await_open(&world, 0);
    world_finish(&world);
}

/* Whatever the connection is doing when its client leaves, the source is closed once. */
static void a_client_that_leaves_closes_the_source(void **state)
{
    (void)state;
    static const struct step waits_first[] = {{SOURCE_WAIT, NULL}};
    static const struct step waits_later[] = {{SOURCE_GIVEN, "some"}, {SOURCE_WAIT, NULL}};
    static const struct step *const scripts[] = {waits_first, waits_later};
    TABLE_ROWS(i, scripts, "") {
        struct world world;
        struct client client;
        start(&world, scripts[i], HTTP_LENGTH_UNKNOWN);
        client_connect(&client, &world, 0);
        client_say(&client, GET GET);
        client_await(&client, i == 0 ? "chunked\r\n\r\n" : "some", 1);
        client_abort(&client);
        world_await_open(&world, 0);
        assert_int_equal(closes, 2);
        world_finish(&world);
    }
}

/* A range of a file is sent only as long as the file is what it was, whoever else in the pipeline is about
 * the same file: here one that has an error to send. */
static void a_change_is_noticed_behind_an_error_about_the_same_file(void **state)
{
    (void)state;
    enum { BYTES = 200000 };
    struct world world;
    struct client client;
    int little = 4096;
    world_init(&world);
    world.settings->limits.cache_file_bytes = 1000;
    world_add_file(&world, "big", BYTES);
    world_start(&world);
    client_connect(&client, &world, little);
    world_await_open(&world, 1);
    int connected_fd = world_connection(&world)->stream.watch.fd;
    assert_int_equal(setsockopt(connected_fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)), 0);
    client_say(&client, "GET /big HTTP/1.1\r\nHost: x\r\nRange: bytes=99999999-\r\n\r\n"
                        "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    world_await_state(&world, CLIENT_SEND);
    int fd = openat(world.tree.fd, "big", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    tree_wait_for_tick();
    static char zeros[BYTES];
    assert_int_equal(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
    close(fd);
    client_await(&client, "HTTP/1.1 200 OK", 1);
    client.wanted = BYTES;
    world_expect(&world, client_has_bytes, &client);
    assert_true(client.ended && client.received.length < BYTES);
    client_close(&client);
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_of_unknown_length_comes_in_chunks),
        cmocka_unit_test(empty_content_is_a_last_chunk),
        cmocka_unit_test(to_an_old_client_the_close_tells_the_end),
        cmocka_unit_test(head_asks_a_source_for_nothing),
        cmocka_unit_test(a_source_may_have_to_be_waited_for),
        cmocka_unit_test(content_of_known_length_is_given_in_parts),
        cmocka_unit_test(a_client_that_does_not_read_holds_the_source_back),
        cmocka_unit_test(a_source_that_fails_cuts_the_response),
        cmocka_unit_test(a_response_that_ends_with_the_connection_is_cut_by_a_reset),
        cmocka_unit_test(a_client_that_leaves_closes_the_source),
        cmocka_unit_test(a_change_is_noticed_behind_an_error_about_the_same_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
