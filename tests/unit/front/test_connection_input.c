/* Requests as they come: many at once, byte by byte, too many, in halves; and responses to clients that take
 * their time. */
#include "tests/unit/server_builder.h"
#include "tests/unit/steady_clock.h"

#include <limits.h>

#define REQUEST    "GET /small HTTP/1.1\r\nHost: x\r\n\r\n"
#define BIG_BYTES  (12u << 20)
#define COLD_BYTES (3u << 20)
#define FEW_BYTES  4096

static void prepare(struct world *world)
{
    world_init(world);
    world_add_file(world, "small", 10);
    world_add_file(world, "big", BIG_BYTES);
}

static struct slice repeated(const char *text, size_t times)
{
    size_t length = strlen(text);
    char *bytes = malloc(length * times);
    assert_non_null(bytes);
    for (size_t i = 0; i < times; i++)
        memcpy(bytes + i * length, text, length);
    return slice_make(bytes, length * times);
}

static void many_requests_in_one_read(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 31, 32, 33, 200, 255, 256, 257, 2000};
    struct world world;
    prepare(&world);
    world_start(&world);
    TABLE_ROWS(i, counts, "") {
        struct client client;
        struct slice requests = repeated(REQUEST, counts[i]);
        client_connect(&client, &world, 0);
        client_send(&client, requests);
        client_await(&client, "HTTP/1.1 200 OK\r\n", counts[i]);
        world_await_state(&world, CLIENT_IDLE);
        assert_null(world_h1(&world)->session.input);
        client_close(&client);
        world_await_state(&world, CLIENT_CLOSED);
        free((void *)requests.data);
    }
    world_finish(&world);
}

/* What connection.c answers for one connection before others have their turn. */
#define REQUESTS_PER_TURN_MAX 256

/* Looks at the end of every turn how many requests it answered. */
struct sampler {
    struct task task;
    struct world *world;
    uint64_t seen;
    uint64_t most;
};

static void sample(struct task *task)
{
    struct sampler *sampler = CONTAINER_OF(task, struct sampler, task);
    uint64_t requests = sampler->world->counters.requests;
    sampler->most = MAX(sampler->most, requests - sampler->seen);
    sampler->seen = requests;
    task_defer(sampler->world->loop, task);
}

/* One client's heap of requests must not keep the loop from all others for as long as it takes. */
static void many_requests_take_turns(void **state)
{
    (void)state;
    struct world world;
    struct client greedy;
    struct slice requests = repeated(REQUEST, 1500);
    prepare(&world);
    world_start(&world);
    struct sampler sampler = {.world = &world};
    task_init(&sampler.task, sample);
    task_defer(world.loop, &sampler.task);
    client_connect(&greedy, &world, 0);
    client_send(&greedy, requests);
    client_await(&greedy, "HTTP/1.1 200 OK\r\n", 1500);
    task_cancel(&sampler.task);
    assert_in_range(sampler.most, 1, REQUESTS_PER_TURN_MAX);
    client_close(&greedy);
    free((void *)requests.data);
    world_finish(&world);
}

static void many_requests_and_an_end(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    struct slice requests = repeated(REQUEST, 1500);
    prepare(&world);
    world_start(&world);
    client_connect(&client, &world, 0);
    client_send(&client, requests);
    assert_int_equal(shutdown(client.fd, SHUT_WR), 0);
    client_await(&client, "HTTP/1.1 200 OK\r\n", 1500);
    client_await_end(&client);
    client_close(&client);
    free((void *)requests.data);
    world_finish(&world);
}

static void one_byte_at_a_time(void **state)
{
    (void)state;
    static const char requests[] = REQUEST "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                                           "HEAD /small HTTP/1.1\r\nHost: x\r\n\r\n"
                                           "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct world world;
    struct client client;
    prepare(&world);
    world_start(&world);
    client_connect(&client, &world, 0);
    for (size_t i = 0; i < sizeof(requests) - 1; i++) {
        client_send(&client, slice_make(requests + i, 1));
        world_run_for(&world, 1);
    }
    client_await(&client, "HTTP/1.1 200 OK", 2);
    client_await(&client, "HTTP/1.1 405 ", 1);
    client_await(&client, "HTTP/1.1 204 ", 1);
    client_await_end(&client);
    client_close(&client);
    world_finish(&world);
}

/* What half a head of one client pointed to must not show in an error that is told to another. */
static void half_a_head_is_forgotten(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    world_start(&world);
    client_connect(&client, &world, 0);
    client_say(&client, "HEAD /secret HTTP/1.1\r\nHost: x\r\n");
    world_await_state(&world, CLIENT_HEAD);
    assert_null(world.server->service.spare->request.method_text.data);
    client_close(&client);
    world_await_state(&world, CLIENT_CLOSED);
    client_connect(&client, &world, 0);
    client_say(&client, "\1");
    client_await(&client, "</html>", 1); /* not the answer to a HEAD */
    client_close(&client);
    world_finish(&world);
}

static void expect_big(const struct client *client)
{
    struct slice received = buffer_slice(&client->received);
    const char *content = memmem(received.data, received.length, "\r\n\r\n", 4);
    assert_non_null(content);
    content += 4;
    assert_true(received.length - (size_t)(content - received.data) >= BIG_BYTES);
    for (size_t i = 0; i < BIG_BYTES; i++) {
        if (content[i] != world_byte_at(i))
            fail_msg("byte %zu is wrong", i);
    }
}

static void a_client_that_stops_reading_and_goes_on(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    world_start(&world);
    client_connect(&client, &world, FEW_BYTES);
    client_say(&client, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n" REQUEST);
    world_await_state(&world, CLIENT_SEND);
    world_run_for(&world, 100);
    assert_int_equal(world_connection(&world)->client.state, CLIENT_SEND);
    client_await(&client, "HTTP/1.1 200 OK", 2);
    expect_big(&client);
    world_await_state(&world, CLIENT_IDLE);
    client_close(&client);
    world_finish(&world);
}

/* The error comes although the socket is full of what was asked for before. */
static void an_error_waits_for_its_turn(void **state)
{
    (void)state;
    static const char *const mistakes[] = {"\1", "GET \1 HTTP/1.1\r\n", "GET / HTTP/1.1\r\n bad: x\r\n",
                                           "PUT * HT.TP/1.1\r\nHost: x\r\n\r\n"};
    TABLE_ROWS(i, mistakes, mistakes[i]) {
        struct world world;
        struct client client;
        prepare(&world);
        world_start(&world);
        client_connect(&client, &world, FEW_BYTES);
        client_say(&client, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
        client_say(&client, mistakes[i]);
        world_await_state(&world, CLIENT_SEND);
        client_say(&client, "and more that nobody will read");
        client_await(&client, "HTTP/1.1 400 ", 1);
        expect_big(&client);
        client_await_end(&client);
        client_close(&client);
        world_finish(&world);
    }
}

/* Nothing is kept of the content of a request that was refused, however long its answer waits for the socket.
 */
static void refused_content_is_not_collected(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    struct slice content = repeated("content ", 1000);
    prepare(&world);
    world_start(&world);
    client_connect(&client, &world, FEW_BYTES);
    client_say(&client, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"
                        "POST /small HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                        "Content-Length: 1000000\r\n\r\n");
    world_await_state(&world, CLIENT_SEND);
    for (int i = 0; i < 100; i++) {
        (void)client_offer(&client, content);
        world_run_for(&world, 1);
        const struct input *input = world_h1(&world)->session.input;
        assert_true(input == NULL || input->capacity <= 2 * LOOP_READ_BYTES);
    }
    client_await(&client, "HTTP/1.1 405 ", 1);
    client_await_end(&client);
    client_close(&client);
    free((void *)content.data);
    world_finish(&world);
}

/* A 408 must not meet the answer that is being made off the loop. */
static void a_refusal_off_the_loop_has_no_time_limit(void **state)
{
    (void)state;
    static struct error_page page = {.status = 405, .path = SLICE("cold")};
    struct world world;
    struct client client;
    struct plug plug;
    prepare(&world);
    tree_add_file(&world.tree, "cold", 100, 0);
    world.routes[0].files.error_pages = &page;
    world.routes[0].files.error_page_count = 1;
    world.settings->timeouts.body_ms = 20;
    world_start(&world);
    world_root(&world)->is_local = false; /* every look-up goes off the loop */
    world_root(&world)->look_due_ms = UINT64_MAX;
    plug_put(&plug, &world);
    client_connect(&client, &world, 0);
    client_say(&client, "POST /small HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                        "Content-Length: 10\r\n\r\nabc");
    world_await_state(&world, CLIENT_HANDLE);
    world_run_for(&world, 60);
    plug_pull(&plug, &world);
    client_await(&client, "HTTP/1.1 405 ", 1);
    client_await_end(&client);
    assert_int_equal(client_count(&client, "HTTP/1.1 "), 1);
    client_close(&client);
    world_finish(&world);
}

static void a_client_that_expects_is_told_to_go_on(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    world.routes[0] = (struct route){
        .prefix = SLICE("/"), .kind = ROUTE_RESPOND, .respond = {.status = 200, .body = SLICE("thank you")}};
    world_start(&world);
    client_connect(&client, &world, 0);
    client_say(&client, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    client_await(&client, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    client_say(&client, "abc");
    client_await(&client, "thank you", 1);
    world_await_state(&world, CLIENT_IDLE);
    client_close(&client);
    world_finish(&world);
}

static void content_of_any_length_is_not_kept(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    struct slice content = repeated("content ", 1000);
    prepare(&world);
    world_start(&world);
    client_connect(&client, &world, 0);
    client_say(&client, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 800000\r\n\r\n");
    for (size_t sent = 0; sent < 800000;) {
        sent += client_offer(&client, slice_take(content, MIN(content.length, 800000 - sent)));
        world_run_for(&world, 1);
        assert_null(world_h1(&world)->session.input);
    }
    client_await(&client, "HTTP/1.1 405 ", 1);
    world_await_state(&world, CLIENT_IDLE);
    client_close(&client);
    free((void *)content.data);
    world_finish(&world);
}

/* A file without a page in memory is read off the loop, chunk after chunk. */
static void a_cold_file_comes_whole(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    tree_add_file(&world.tree, "cold", COLD_BYTES, 0);
    world_start(&world);
    client_connect(&client, &world, FEW_BYTES);
    client_say(&client, REQUEST "GET /cold HTTP/1.1\r\nHost: x\r\n\r\n" REQUEST);
    client_await(&client, "HTTP/1.1 200 OK", 3);
    assert_true(client.received.length > COLD_BYTES);
    world_await_state(&world, CLIENT_IDLE);
    client_close(&client);
    world_finish(&world);
}

/* Nor may slow clients have as much memory as they like for that. */
static void a_cold_file_comes_without_a_buffer_too(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    prepare(&world);
    tree_add_file(&world.tree, "cold", COLD_BYTES, 0);
    world_start(&world);
    client_connect(&client, &world, FEW_BYTES);
    world.server->files.cold_buffers = UINT_MAX / 2;
    client_say(&client, "GET /cold HTTP/1.1\r\nHost: x\r\n\r\n" REQUEST);
    client_await(&client, "HTTP/1.1 200 OK", 2);
    assert_true(client.received.length > COLD_BYTES);
    world_await_state(&world, CLIENT_IDLE);
    assert_int_equal(world.server->files.cold_buffers, UINT_MAX / 2);
    client_close(&client);
    world_finish(&world);
}

static bool only_the_spare_is_left(void *context)
{
    return ((const struct world *)context)->server->service.exchanges.count <= 1;
}

static void a_client_goes_while_its_file_is_read(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    struct plug plug;
    prepare(&world);
    tree_add_file(&world.tree, "cold", COLD_BYTES, 0);
    world_start(&world);
    plug_put(&plug, &world);
    client_connect(&client, &world, 0);
    client_say(&client, "GET /cold HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, "\r\n\r\n", 1);
    world_await_state(&world, CLIENT_HANDLE);
    h1_connection_client_ops.abort(&world_connection(&world)->client, OUTCOME_SHED);
    world_run_for(&world, 5);
    assert_int_equal(world.server->front.connections.count, 0);
    plug_pull(&plug, &world);
    world_expect(&world, only_the_spare_is_left, &world);
    client_close(&client);
    world_finish(&world);
}

/* The pool takes no more: the file is cut short, and the client sees that; what was answered before is not
 * touched. */
static void a_cold_file_that_cannot_be_read_ends_the_connection(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    struct plug plug, queued;
    prepare(&world);
    tree_add_file(&world.tree, "cold", COLD_BYTES, 0);
    world.offload_queue = 1;
    world_start(&world);
    plug_put(&plug, &world);
    world_expect(&world, plug_is_in, &plug);
    plug_put(&queued, &world);
    client_connect(&client, &world, 0);
    client_say(&client, REQUEST "GET /cold HTTP/1.1\r\nHost: x\r\n\r\n" REQUEST);
    client_await_end(&client);
    assert_int_equal(client_count(&client, "HTTP/1.1 200 OK"), 2);
    assert_int_equal(client_count(&client, "Content-Length: 10\r\n"), 1);
    assert_true(client.received.length < COLD_BYTES);
    client_close(&client);
    plug_pull(&plug, &world);
    plug_pull(&queued, &world);
    world_finish(&world);
}

/* That there is no index is known from now on, without a look off the loop. */
static void list_once(struct world *world)
{
    struct client client;
    client_connect(&client, world, 0);
    client_say(&client, "GET /folder/ HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, "</html>", 1);
    client_close(&client);
    world_await_state(world, CLIENT_CLOSED);
}

struct job_queue_wait {
    const struct job_queue *queue;
    size_t count;
};

static bool job_queue_has(void *context)
{
    const struct job_queue_wait *wait = context;
    return wait->queue->running_count + wait->queue->waiting_count == wait->count;
}

/* Every client asks for one, in this order. */
static void ask_for_listings(struct world *world, struct client *clients, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        client_connect(&clients[i], world, 0);
        client_say(&clients[i], "GET /folder/ HTTP/1.1\r\nHost: x\r\n\r\n");
        world_expect(world, job_queue_has, (&(struct job_queue_wait){&world->server->files.listings, i + 1}));
    }
}

/* Listings wait for each other, not for clients that have gone. */
static void listings_in_their_queue(void **state)
{
    (void)state;
    struct world world;
    struct client clients[6];
    struct plug plug;
    prepare(&world);
    tree_add_folder(&world.tree, "folder");
    world_start(&world);
    list_once(&world);
    plug_put(&plug, &world);
    ask_for_listings(&world, clients, ARRAY_LENGTH(clients));
    assert_int_equal(world.server->files.listings.running_count, JOB_QUEUE_LISTINGS_MAX);
    assert_int_equal(world.server->files.listings.waiting_count, 6 - JOB_QUEUE_LISTINGS_MAX);
    /* The oldest is in the pool, the youngest in the queue. */
    h1_connection_client_ops.abort(
        CONTAINER_OF(world.server->front.by_state[CLIENT_HANDLE].next, struct front_client, link),
        OUTCOME_SHED);
    h1_connection_client_ops.abort(
        CONTAINER_OF(world.server->front.by_state[CLIENT_HANDLE].previous, struct front_client, link),
        OUTCOME_SHED);
    assert_int_equal(world.server->files.listings.waiting_count, 5 - JOB_QUEUE_LISTINGS_MAX);
    plug_pull(&plug, &world);
    for (size_t i = 1; i < 5; i++)
        client_await(&clients[i], "</html>", 1);
    assert_int_equal(world.server->files.listings.running_count, 0);
    assert_int_equal(world.server->files.listings.waiting_count, 0);
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++)
        client_close(&clients[i]);
    world_finish(&world);
}

/* Nor is a job begun for one that has left without being told of: select(2) says nothing of a reset behind
 * bytes that came while reading was paused. */
static void no_listing_is_begun_for_who_left(void **state)
{
    (void)state;
    for (int backend = LOOP_BACKEND_EPOLL; backend < LOOP_BACKEND_COUNT; backend++) {
        struct world world;
        struct client clients[6];
        struct plug plug;
        prepare(&world);
        world.backend = (enum loop_backend)backend;
        tree_add_folder(&world.tree, "folder");
        world_start(&world);
        list_once(&world);
        plug_put(&plug, &world);
        ask_for_listings(&world, clients, ARRAY_LENGTH(clients));
        for (size_t i = JOB_QUEUE_LISTINGS_MAX; i < ARRAY_LENGTH(clients); i++)
            client_say(&clients[i], "GET /");
        world_run_for(&world, 5);
        for (size_t i = JOB_QUEUE_LISTINGS_MAX; i < ARRAY_LENGTH(clients); i++)
            client_abort(&clients[i]);
        plug_pull(&plug, &world);
        for (size_t i = 0; i < JOB_QUEUE_LISTINGS_MAX; i++) {
            client_await(&clients[i], "</html>", 1);
            client_close(&clients[i]);
        }
        world_await_open(&world, 0);
        /* A response is counted whether it can be sent or not. */
        assert_int_equal(world.counters.requests, 1 + JOB_QUEUE_LISTINGS_MAX);
        world_finish(&world);
    }
}

static bool two_came_and_left(void *context)
{
    const struct world *world = context;
    return world->counters.connections_accepted == 2 && world->counters.connections_open == 0;
}

/* The reset came with the request, and there was room for the job at once. */
static void no_listing_is_begun_for_who_left_before_it_was_read(void **state)
{
    (void)state;
    for (int backend = LOOP_BACKEND_EPOLL; backend < LOOP_BACKEND_COUNT; backend++) {
        struct world world;
        struct client client;
        struct plug plug;
        prepare(&world);
        world.backend = (enum loop_backend)backend;
        tree_add_folder(&world.tree, "folder");
        world_start(&world);
        list_once(&world);
        plug_put(&plug, &world);
        client_connect(&client, &world, 0);
        client_say(&client, "GET /folder/ HTTP/1.1\r\nHost: x\r\n\r\n");
        client_abort(&client);
        world_expect(&world, two_came_and_left, &world);
        assert_int_equal(world.server->files.listings.running_count, 0);
        plug_pull(&plug, &world);
        world_finish(&world);
    }
}

/* Whatever waits there when the server ends is let go of. */
static void a_server_ends_with_listings_in_the_queue(void **state)
{
    (void)state;
    struct world world;
    struct client clients[6];
    struct plug plug;
    prepare(&world);
    tree_add_folder(&world.tree, "folder");
    world_start(&world);
    list_once(&world);
    plug_put(&plug, &world);
    ask_for_listings(&world, clients, ARRAY_LENGTH(clients));
    assert_int_equal(write(plug.pipe[1], "", 1), 1);
    server_destroy(world.server);
    world.server = NULL;
    close(plug.pipe[0]);
    close(plug.pipe[1]);
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++)
        client_close(&clients[i]);
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_requests_in_one_read),
        cmocka_unit_test(many_requests_take_turns),
        cmocka_unit_test(many_requests_and_an_end),
        cmocka_unit_test(one_byte_at_a_time),
        cmocka_unit_test(half_a_head_is_forgotten),
        cmocka_unit_test(a_client_that_stops_reading_and_goes_on),
        cmocka_unit_test(an_error_waits_for_its_turn),
        cmocka_unit_test(refused_content_is_not_collected),
        cmocka_unit_test(a_refusal_off_the_loop_has_no_time_limit),
        cmocka_unit_test(a_client_that_expects_is_told_to_go_on),
        cmocka_unit_test(content_of_any_length_is_not_kept),
        cmocka_unit_test(a_cold_file_comes_whole),
        cmocka_unit_test(a_cold_file_comes_without_a_buffer_too),
        cmocka_unit_test(a_client_goes_while_its_file_is_read),
        cmocka_unit_test(a_cold_file_that_cannot_be_read_ends_the_connection),
        cmocka_unit_test(listings_in_their_queue),
        cmocka_unit_test(no_listing_is_begun_for_who_left),
        cmocka_unit_test(no_listing_is_begun_for_who_left_before_it_was_read),
        cmocka_unit_test(a_server_ends_with_listings_in_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
