/* As many headers as there are: of requests up to the configured limit, which keep the room that they were
 * read into no longer than needed; of responses all, or an error. */
#include "tests/unit/server_builder.h"

#include "serve/exchange.h"

static size_t cookies; /* that a response sets */
static bool waits;     /* a response is not given before its time */
static struct exchange *waiting;

static void answer(struct exchange *exchange)
{
    exchange_begin_response(exchange, 200);
    for (size_t i = 0; i < cookies; i++)
        http_response_add(&exchange->response, SLICE("Set-Cookie"), SLICE("a=b"));
    exchange_respond_bytes(exchange, SLICE("text/plain"), SLICE("content"));
}

static void handle(struct exchange *exchange)
{
    if (waits) {
        assert_int_equal(exchange_keep(exchange), 0);
        waiting = exchange;
    } else {
        answer(exchange);
    }
}

static const struct handler_type handler = {.handle = handle};

static void start(struct world *world, uint32_t fields_max)
{
    waits = false;
    waiting = NULL;
    cookies = 0;
    world_init(world);
    world->routes[0].kind = ROUTE_RESPOND;
    world->settings->limits.fields = fields_max;
    world_start(world);
    world->server->service.handlers[ROUTE_RESPOND] = (struct handler){.type = &handler};
}

/* A request with so many headers, Host among them; valid until the next call. */
static const char *request_with(unsigned count)
{
    static struct buffer text;
    buffer_finish(&text);
    buffer_init(&text, SIZE_MAX);
    buffer_printf(&text, "GET / HTTP/1.1\r\n");
    for (unsigned i = 1; i < count; i++)
        buffer_printf(&text, "X-%u: %u\r\n", i, i);
    buffer_printf(&text, "Host: x\r\n\r\n");
    buffer_append_byte(&text, '\0');
    assert_false(text.failed);
    return text.data;
}

/* Rooms for the fields of requests that are lent. */
static size_t rooms(const struct world *world)
{
    return world->server->service.field_rooms.count;
}

static void a_request_may_have_as_many_as_the_limit_says(void **state)
{
    (void)state;
    static const unsigned limits[] = {1, 2, 100, HTTP_FIELDS_MAX};
    for (size_t i = 0; i < ARRAY_LENGTH(limits); i++) {
        struct world world;
        struct client client;
        start(&world, limits[i]);
        client_connect(&client, &world, 0);
        client_say(&client, request_with(limits[i]));
        client_await(&client, "HTTP/1.1 200 OK", 1);
        client_say(&client, request_with(limits[i] + 1));
        client_await(&client, "HTTP/1.1 431 ", 1);
        client_close(&client);
        world_finish(&world);
    }
}

/* The known ones are found wherever they stand, before and after the request is kept. */
static void the_last_of_a_thousand_is_found(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, HTTP_FIELDS_MAX);
    waits = true;
    client_connect(&client, &world, 0);
    client_say(&client, request_with(HTTP_FIELDS_MAX));
    world_await_state(&world, CLIENT_HANDLE);
    const struct http_request *request = &waiting->request;
    assert_int_equal(request->field_count, HTTP_FIELDS_MAX);
    assert_ptr_equal(waiting->path.data, request->target.data);
    assert_slice(http_request_field(request, HTTP_FIELD_HOST), "x");
    assert_slice(request->fields[HTTP_FIELDS_MAX - 2].name_text, "X-999");
    assert_slice(request->fields[HTTP_FIELDS_MAX - 2].value, "999");
    assert_int_equal(rooms(&world), 0);
    answer(waiting);
    exchange_wake(waiting);
    client_await(&client, "content", 1);
    client_close(&client);
    world_finish(&world);
}

/* Responses that wait for the client have copies of their requests; what these were read into is lent again.
 */
static void the_room_of_a_request_is_lent_for_a_turn(void **state)
{
    (void)state;
    struct world world;
    struct client clients[10];
    start(&world, 100);
    cookies = 100000 / sizeof("Set-Cookie: a=b\r\n");
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++) {
        client_connect(&clients[i], &world, 4096);
        for (unsigned k = 0; k < 50; k++)
            client_say(&clients[i], request_with(5));
    }
    world_run_for(&world, 50);
    assert_in_range(world.server->service.exchanges.count, ARRAY_LENGTH(clients), 1000);
    assert_int_equal(rooms(&world), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++)
        client_close(&clients[i]);
    world_await_open(&world, 0);
    assert_int_equal(rooms(&world), 0);
    world_finish(&world);
}

/* A request that could not be read has an exchange, too. */
static void a_refusal_lends_no_room(void **state)
{
    (void)state;
    static const char *const bad[] = {"\1", "GET / HTTP/1.1\r\nHost: x\r\nbad line\r\n\r\n", "GET"};
    struct world world;
    struct client clients[ARRAY_LENGTH(bad)];
    start(&world, 100);
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        client_connect(&clients[i], &world, 0);
        client_say(&clients[i], bad[i]);
    }
    client_await(&clients[0], "HTTP/1.1 400 ", 1);
    client_await(&clients[1], "HTTP/1.1 400 ", 1);
    struct list *heads = &world.server->front.by_state[CLIENT_HEAD];
    struct front_client *late = CONTAINER_OF(heads->next, struct front_client, link);
    late->kind->ops->refuse_late(late);
    client_await(&clients[2], "HTTP/1.1 408 ", 1);
    assert_in_range(rooms(&world), 0, 1);
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
        client_close(&clients[i]);
    world_finish(&world);
}

/* A head that is half there when the limit changes is judged by the new one, as is one that comes later. */
static void the_limit_may_change(void **state)
{
    (void)state;
    struct world world;
    struct client half, client;
    start(&world, 100);
    client_connect(&half, &world, 0);
    client_connect(&client, &world, 0);
    struct slice request = slice_from(request_with(HTTP_FIELDS_MAX));
    client_send(&half, slice_take(request, 200));
    client_say(&client, request_with(100));
    client_await(&client, "HTTP/1.1 200 OK", 1);
    struct settings settings = *world.settings;
    world.settings->limits.fields = HTTP_FIELDS_MAX;
    assert_int_equal(world_change(&world, world.settings), 0);
    request = slice_from(request_with(HTTP_FIELDS_MAX));
    client_send(&half, slice_skip(request, 200));
    client_await(&half, "HTTP/1.1 200 OK", 1);
    world.settings->limits.fields = settings.limits.fields;
    assert_int_equal(world_change(&world, world.settings), 0);
    client_say(&half, request_with(101));
    client_await(&half, "HTTP/1.1 431 ", 1);
    client_close(&half);
    client_close(&client);
    world_finish(&world);
}

/* Behind a proxy the ones that are lost would be cookies. */
static void a_response_has_all_of_its(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 15, 16, 17, 48, 49, 200, 5000};
    struct world world;
    start(&world, 100);
    TABLE_ROWS(i, counts, "") {
        struct client client;
        cookies = counts[i];
        client_connect(&client, &world, 0);
        client_say(&client, request_with(2));
        client_await(&client, "content", 1);
        assert_int_equal(client_count(&client, "Set-Cookie: a=b\r\n"), counts[i]);
        assert_int_equal(client_count(&client, "HTTP/1.1 200 OK\r\n"), 1);
        client_close(&client);
    }
    world_finish(&world);
}

/* More than one exchange may take memory for: an error that says so, on a connection that goes on. */
static void a_response_with_too_many_is_an_error(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, 100);
    cookies = 1000000;
    client_connect(&client, &world, 0);
    client_say(&client, request_with(2));
    client_await(&client, "\r\n\r\n", 1);
    assert_int_equal(client_count(&client, "HTTP/1.1 503 Service Unavailable\r\n"), 1);
    assert_int_equal(client_count(&client, "Content-Length: 0\r\n"), 1);
    assert_int_equal(client_count(&client, "Set-Cookie"), 0);
    cookies = 1;
    client_say(&client, request_with(2));
    client_await(&client, "content", 1);
    assert_int_equal(client_count(&client, "HTTP/1.1 200 OK\r\n"), 1);
    client_close(&client);
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_may_have_as_many_as_the_limit_says),
        cmocka_unit_test(the_last_of_a_thousand_is_found),
        cmocka_unit_test(the_room_of_a_request_is_lent_for_a_turn),
        cmocka_unit_test(a_refusal_lends_no_room),
        cmocka_unit_test(the_limit_may_change),
        cmocka_unit_test(a_response_has_all_of_its),
        cmocka_unit_test(a_response_with_too_many_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
