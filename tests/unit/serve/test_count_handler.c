/* Says how many bytes were sent to it. */
#include "serve/exchange.h"
#include "serve/handler.h"

struct count {
    struct sink sink;
    uint64_t bytes;
};

static void count_write(struct sink *sink, struct slice bytes)
{
    CONTAINER_OF(sink, struct count, sink)->bytes += bytes.length;
    sink->credit += bytes.length; /* counted already: as many more may come */
}

static void count_end(struct sink *sink)
{
    struct exchange *exchange = sink->exchange;
    char text[U64_DIGITS_MAX];
    struct slice digits = slice_make(text, format_u64(text, CONTAINER_OF(sink, struct count, sink)->bytes));
    exchange_begin_response(exchange, 200);
    exchange_add_field(exchange, HTTP_FIELD_CACHE_CONTROL, SLICE("no-store"));
    exchange_respond_bytes(exchange, SLICE("text/plain"), arena_copy(&exchange->arena, digits));
}

static void count_abort(struct sink *sink, enum outcome why)
{
    (void)sink, (void)why; /* nothing is held but the exchange's own memory */
}

static const struct sink_type count_sink = {.write = count_write, .end = count_end, .abort = count_abort};

static void count_handle(struct exchange *exchange)
{
    struct count *count = arena_zalloc(&exchange->arena, sizeof(*count));
    if (count == NULL) {
        exchange_fail(exchange, 503);
        return;
    }
    count->sink = (struct sink){.type = &count_sink, .exchange = exchange, .credit = 64 << 10};
    exchange_read_content(exchange, &count->sink);
}

static const struct handler_type count_handler = {.streams_content = true, .handle = count_handle};

/* The example of CONTRIBUTING.md, word for word (tests/cli/test_documents.py), does what it says. */
#include "tests/unit/server_builder.h"

static void it_counts(void **state)
{
    (void)state;
    static char zeros[200000];
    struct world world;
    struct client client;
    world_init(&world);
    world.routes[0].kind = ROUTE_RESPOND;
    world_start(&world);
    world.server->service.handlers[ROUTE_RESPOND] = (struct handler){.type = &count_handler};
    client_connect(&client, &world, 0);
    client_say(&client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n");
    for (size_t sent = 0; sent < sizeof(zeros);) {
        sent += client_offer(&client, slice_make(zeros + sent, sizeof(zeros) - sent));
        world_run_for(&world, 1);
    }
    client_await(&client, "\r\n\r\n200000", 1);
    client_say(&client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, "\r\n\r\n0", 1);
    client_close(&client);
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
