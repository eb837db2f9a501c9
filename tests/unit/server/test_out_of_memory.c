/* A small server answers requests of each kind while one allocation after the other fails: in run n the n-th
 * one, and in a second series that and all behind it. Whatever fails, nothing crashes, hangs or leaks: each
 * client gets an answer or the end of its connection, and at the end every byte is given back.
 *
 * The linker puts the functions here in the place of malloc and its kin for the program's own calls. */
#include "tests/unit/server_builder.h"

#include <stdatomic.h>

static atomic_size_t allocation_count;
static atomic_size_t blocks_held;
static size_t fails_at; /* 0: never */
static bool fails_on;   /* from there on, not only there */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static bool fails_now(void)
{
    size_t number = atomic_fetch_add(&allocation_count, 1) + 1;
    return fails_at && (number == fails_at || (fails_on && number > fails_at));
}

static void *count_block(void *block)
{
    atomic_fetch_add(&blocks_held, block != NULL);
    return block;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : count_block(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : count_block(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (fails_now())
        return NULL;
    void *moved = __real_realloc(block, size);
    atomic_fetch_add(&blocks_held, block == NULL && moved != NULL);
    return moved;
}

void __wrap_free(void *block)
{
    atomic_fetch_sub(&blocks_held, block != NULL);
    __real_free(block);
}

static void never_fail(void)
{
    fails_at = 0;
    fails_on = false;
}

/* More headers than a response has room for at first. */
#define HEADERS 200

static struct field_edit headers[HEADERS];
static char header_names[HEADERS][8];

static void make_headers(struct route *route)
{
    for (size_t i = 0; i < HEADERS; i++) {
        snprintf(header_names[i], sizeof(header_names[i]), "X-%zu", i);
        headers[i] = (struct field_edit){slice_from(header_names[i]), SLICE("value")};
    }
    route->field_edits = headers;
    route->field_edit_count = HEADERS;
}

static struct error_page error_page = {.status = 404, .path = SLICE("404.html")};

/* "Connection: close" everywhere: each answer ends in the end of its connection. */
static const char *const requests[] = {
    "GET /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIf-None-Match: *\r\n\r\n",
    "HEAD /medium HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /medium HTTP/1.1\r\nHost: x\r\nConnection: close\r\nRange: bytes=1-2,5-6,8-9\r\n\r\n",
    "GET /medium HTTP/1.1\r\nHost: x\r\nConnection: close\r\nRange: bytes=999999999-\r\n\r\n",
    "GET /cold HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /style.css HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n",
    "GET /link HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /folder/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /folder/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: application/json\r\n\r\n",
    "GET /folder HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /missing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /fixed/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /headers/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET /moved/%20/x?y HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "POST /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
    ("GET /small HTTP/1.1\r\nHost: x\r\n\r\nGET /a/../medium HTTP/1.1\r\nHost: x\r\n\r\n"
     "GET /small HTTP/1.1\r\nHost: x\r\n\r\nGET /fixed/ HTTP/1.0\r\n\r\n"),
    "\1",
};

static void prepare(struct world *world)
{
    world_init(world);
    world_add_file(world, "small", 100);
    world_add_file(world, "medium", 200000);
    world_add_file(world, "404.html", 100);
    world_add_file(world, "style.css", 100);
    world_add_file(world, "style.css.gz", 50);
    tree_add_file(&world->tree, "cold", 600000, 0);
    tree_add_folder(&world->tree, "folder");
    tree_add_file(&world->tree, "folder/a", 10, 0);
    tree_add_link(&world->tree, "link", "small");
    world->routes[0].files.error_pages = &error_page;
    world->routes[0].files.error_page_count = 1;
    world->routes[1] = (struct route){
        .prefix = SLICE("/fixed/"),
        .kind = ROUTE_RESPOND,
        .respond = {.status = 200, .type = SLICE("text/plain"), .body = SLICE("fixed")},
    };
    world->routes[2] = (struct route){
        .prefix = SLICE("/moved"),
        .kind = ROUTE_REDIRECT,
        .redirect = {.status = 301, .location = SLICE("https://{host}/{path}?{query}")},
    };
    world->routes[3] = world->routes[1];
    world->routes[3].prefix = SLICE("/headers/");
    make_headers(&world->routes[3]);
    world->site.route_count = 4;
    world->settings->limits.connections_per_address = 100;
}

/* Half of each request first, so that its head has to be kept in between. */
static void ask_all(struct world *world)
{
    struct client clients[ARRAY_LENGTH(requests)];
    TABLE_ROWS(i, requests, requests[i]) {
        client_connect(&clients[i], world, i % 2 ? 4096 : 0);
        clients[i].is_deaf = true; /* its buffer is not to fail */
        struct slice request = slice_from(requests[i]);
        client_send(&clients[i], slice_take(request, request.length / 2));
    }
    world_run_for(world, 2);
    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
        struct slice request = slice_from(requests[i]);
        (void)client_offer(&clients[i], slice_skip(request, request.length / 2));
    }
    TABLE_ROWS(i, requests, requests[i]) {
        world_expect(world, client_has_ended, &clients[i]);
        client_close(&clients[i]);
    }
}

/* Returns false where the server could not even be made. */
static bool start(struct world *world)
{
    struct loop_options loop_options = {.offload_threads = 1};
    struct server_options options = {
        .settings = world->settings, .counters = &world->counters, .log = &world->log};
    if (loop_create(&loop_options, &world->loop) < 0)
        return false;
    options.loop = world->loop;
    world->listening_fd = world_listen(&world->address);
    return server_create(&options, &world->server) == 0 &&
           server_listen(world->server, world->listening_fd, 0, NULL) == 0;
}

/* One run; returns how many allocations were asked for. */
static size_t run(struct world *world, size_t number, bool on)
{
    size_t held = blocks_held;
    allocation_count = 0;
    fails_at = number;
    fails_on = on;
    if (start(world)) {
        ask_all(world);
        int error = world_change(world, world->settings);
        assert_true(error == 0 || error == -ENOMEM);
        /* With memory everything is well again. */
        size_t count = allocation_count;
        never_fail();
        struct client client;
        client_connect(&client, world, 0);
        client_say(&client, requests[0]);
        client_await(&client, "HTTP/1.1 200 OK", 1);
        client_close(&client);
        client_connect(&client, world, 0);
        client_say(&client, "\1");
        client_await(&client, "</html>", 1); /* half a page was not kept */
        client_close(&client);
        allocation_count = count;
    }
    never_fail();
    size_t count = allocation_count;
    server_destroy(world->server);
    world->server = NULL;
    loop_destroy(world->loop);
    world->loop = NULL;
    close(world->listening_fd);
    world->listening_fd = -1;
    if (blocks_held != held)
        fail_msg("%zu blocks were kept when allocation %zu failed", (size_t)blocks_held - held, number);
    return count;
}

static void fail_each(bool on)
{
    struct world world;
    prepare(&world);
    size_t count = run(&world, 0, false);
    assert_true(count > 20);
    for (size_t number = 1; number <= count + 5; number++)
        run(&world, number, on);
    world_finish(&world);
}

static void any_one_allocation_may_fail(void **state)
{
    (void)state;
    fail_each(false);
}

static void memory_may_run_out_at_any_time(void **state)
{
    (void)state;
    fail_each(true);
}

/* What a client received, without memory of its own. */
struct reader {
    int fd;
    size_t length;
    char bytes[1 << 16];
};

static bool reader_has_all(void *context)
{
    struct reader *reader = context;
    for (;;) {
        ssize_t count =
            recv(reader->fd, reader->bytes + reader->length, sizeof(reader->bytes) - 1 - reader->length, 0);
        if (count <= 0)
            return count == 0 || errno == ECONNRESET;
        reader->length += (size_t)count;
        reader->bytes[reader->length] = '\0';
    }
}

static size_t count_of(const char *text, const char *pattern)
{
    size_t count = 0;
    for (; (text = strstr(text, pattern)) != NULL; text++)
        count++;
    return count;
}

/* The status of the answer while the allocation with this number fails, and all behind it; 0: there was none.
 */
static int ask_for_headers(struct world *world, size_t number)
{
    static struct reader reader;
    struct client client;
    client_connect(&client, world, 0);
    reader = (struct reader){.fd = client.fd};
    world_await_open(world, 1);
    allocation_count = 0;
    fails_at = number;
    fails_on = true;
    client_say(&client, "GET /headers/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    world_expect(world, reader_has_all, &reader);
    never_fail();
    client_close(&client);
    world_await_open(world, 0);
    if (reader.length == 0)
        return 0;
    int status = atoi(reader.bytes + sizeof("HTTP/1.1"));
    assert_int_equal(count_of(reader.bytes, "\r\nX-"), status == 200 ? HEADERS : 0);
    return status;
}

static void a_response_has_all_of_its_headers_or_none(void **state)
{
    (void)state;
    struct world world;
    prepare(&world);
    assert_true(start(&world));
    assert_int_equal(ask_for_headers(&world, 0), 200);
    size_t needed = allocation_count, answers[600] = {0};
    for (size_t number = 1; number <= needed + 1; number++)
        answers[ask_for_headers(&world, number)]++;
    assert_true(answers[503] > 0);
    assert_true(answers[200] > 0);
    assert_int_equal(answers[0] + answers[200] + answers[503], needed + 1);
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_has_all_of_its_headers_or_none),
        cmocka_unit_test(any_one_allocation_may_fail),
        cmocka_unit_test(memory_may_run_out_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
