/* Who gets an exchange where they are few, and for whom no job begins. */
#include "tests/unit/server_builder.h"

#include "loop/job_queue.h"
#include "serve/exchange.h"

#include <errno.h>

#define REQUEST "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static struct job_queue queue;
static int submitted; /* what became of the last job: 0 or -errno */
static unsigned works;
static size_t exchanges_most; /* that there were when a request was answered */

static void answer_shortly(struct exchange *exchange)
{
    exchanges_most = MAX(exchanges_most, exchange->service->exchanges.count);
    exchange_begin_response(exchange, 200);
    exchange_respond_bytes(exchange, SLICE("text/plain"), SLICE("content"));
}

static void work(void *context)
{
    (void)context;
    works++;
}

static void respond(void *context)
{
    answer_shortly(context);
}

static void answer_by_job(struct exchange *exchange)
{
    submitted = exchange_offload(exchange, &queue, work, respond, exchange);
    if (submitted < 0)
        answer_shortly(exchange);
}

static bool is_decided(void *context)
{
    (void)context;
    return submitted <= 0;
}

static void start(struct world *world, const struct handler_type *type)
{
    world_init(world);
    world->routes[0].kind = ROUTE_RESPOND;
    world_start(world);
    world->server->service.handlers[ROUTE_RESPOND] = (struct handler){.type = type};
}

/* The answers to a pipeline are collected and sent together, but not where others would have no exchange. */
static void pipelines_leave_exchanges_for_others(void **state)
{
    (void)state;
    enum { PIPELINED = 3, REQUESTS = 20 };
    static const struct handler_type shortly = {.handle = answer_shortly};
    char requests[REQUESTS * sizeof(REQUEST)] = "";
    struct world world;
    struct client client;
    start(&world, &shortly);
    exchanges_most = 0;
    world.server->service.exchanges.count_max = world.settings->limits.connections + PIPELINED;
    for (unsigned i = 0; i < REQUESTS; i++)
        strcat(requests, REQUEST);
    client_connect(&client, &world, 0);
    client_say(&client, requests);
    client_await(&client, "HTTP/1.1 200 OK", REQUESTS);
    assert_in_range(exchanges_most, 1, PIPELINED);
    client_close(&client);
    world_finish(&world);
}

/* The reset is there when the request is read. */
static void no_job_begins_for_a_client_that_has_left(void **state)
{
    (void)state;
    static const struct handler_type by_job = {.handle = answer_by_job};
    struct world world;
    struct client client;
    start(&world, &by_job);
    job_queue_init(&queue, 1);
    works = 0;
    client_connect(&client, &world, 0);
    client_say(&client, REQUEST);
    client_await(&client, "content", 1);
    assert_int_equal(submitted, 0);
    assert_int_equal(works, 1);
    client_close(&client);
    submitted = 1;
    client_connect(&client, &world, 0);
    client_say(&client, REQUEST);
    client_abort(&client);
    world_expect(&world, is_decided, NULL);
    assert_int_equal(submitted, -ECONNRESET);
    assert_int_equal(works, 1);
    world_finish(&world);
    job_queue_finish(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipelines_leave_exchanges_for_others),
        cmocka_unit_test(no_job_begins_for_a_client_that_has_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
