/* The content of requests, streamed to a handler of the test by a sink: credit, refusal half-way, uploads
 * that break off, "100 Continue" and interim responses, over HTTP/1. */
#include "tests/unit/server_builder.h"

#include "serve/exchange.h"

#include <sched.h>

/* What the handler does. */
struct plan {
    uint64_t credit;      /* at first */
    uint64_t refuse_at;   /* bytes: 413; 0: never */
    bool is_late;         /* the sink is given by go_on */
    bool refuses_at_once; /* 403 without a sink */
    bool echoes_at_once;  /* responds with 200 when the head is there, and reads on */
    bool has_hints;       /* sends 103 twice */
    bool has_job;         /* is busy with a job from the first content on */
};

static struct plan plan;

/* What befell its last exchange. */
static struct sink sink;
static struct exchange *last;
static struct buffer taken;
static uint64_t taken_bytes;
static unsigned begins, ends, aborts;
static enum outcome abort_reason;
static struct job_queue queue;
static atomic_bool may_end_job;

static void respond(struct exchange *exchange)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "%llu bytes\n", (unsigned long long)taken_bytes);
    exchange_begin_response(exchange, 200);
    exchange_respond_bytes(exchange, SLICE("text/plain"),
                           arena_copy(&exchange->arena, slice_make(text, (size_t)length)));
}

static void job_work(void *context)
{
    (void)context;
    while (!atomic_load(&may_end_job))
        sched_yield();
}

static void job_done(void *context)
{
    (void)context;
}

static void write_content(struct sink *sink_, struct slice bytes)
{
    assert_ptr_equal(sink_, &sink);
    assert_true(bytes.length > 0);
    if (taken_bytes < 100)
        buffer_append(&taken, bytes);
    taken_bytes += bytes.length;
    if (plan.has_job && !last->is_busy)
        assert_int_equal(exchange_offload(last, &queue, job_work, job_done, NULL), 0);
    if (plan.refuse_at && taken_bytes >= plan.refuse_at) {
        exchange_stop_reading(last);
        exchange_fail(last, 413);
    }
}

static void end_content(struct sink *sink_)
{
    assert_ptr_equal(sink_, &sink);
    ends++;
    if (!last->is_responded)
        respond(last);
}

static void abort_content(struct sink *sink_, enum outcome why)
{
    assert_ptr_equal(sink_, &sink);
    aborts++;
    abort_reason = why;
    last = NULL;
}

static const struct sink_type sink_type = {
    .write = write_content, .end = end_content, .abort = abort_content};

static void send_hint(struct exchange *exchange, struct slice link)
{
    exchange_begin_response(exchange, 103);
    http_response_add(&exchange->response, SLICE("Link"), link);
    exchange_send_interim(exchange);
}

static void handle(struct exchange *exchange)
{
    begins++;
    last = exchange;
    sink = (struct sink){.type = &sink_type, .exchange = exchange, .credit = plan.credit};
    taken_bytes = 0;
    if (plan.has_hints) {
        send_hint(exchange, SLICE("</a.css>; rel=preload"));
        send_hint(exchange, SLICE("</b.css>; rel=preload"));
    }
    if (plan.refuses_at_once) {
        exchange_fail(exchange, 403);
        return;
    }
    if (!plan.is_late)
        exchange_read_content(exchange, &sink);
    if (plan.echoes_at_once && !exchange->is_responded)
        respond(exchange);
    if (exchange->request.body == HTTP_BODY_NONE && plan.is_late)
        respond(exchange);
}

static const struct handler_type handler = {.handle = handle, .streams_content = true};

static void start(struct world *world, struct client *client, struct plan with)
{
    plan = with;
    begins = ends = aborts = 0;
    taken_bytes = 0;
    buffer_init(&taken, SIZE_MAX);
    job_queue_init(&queue, 1);
    atomic_store(&may_end_job, false);
    world_init(world);
    world->settings->limits.body_bytes = UINT64_MAX;
    world->routes[0].kind = ROUTE_RESPOND;
    world->has_access_log = true;
    world_start(world);
    world->server->service.handlers[ROUTE_RESPOND] = (struct handler){.type = &handler};
    client_connect(client, world, 0);
}

static void finish(struct world *world, struct client *client)
{
    client_close(client);
    world_finish(world);
    buffer_finish(&taken);
}

static void give_credit(uint64_t bytes)
{
    sink.credit += bytes;
    exchange_wake(last);
}

static bool has_taken(void *context)
{
    return taken_bytes >= *(uint64_t *)context;
}

static void await_taken(struct world *world, uint64_t bytes)
{
    world_expect(world, has_taken, &bytes);
    assert_int_equal(taken_bytes, bytes);
}

static bool has_aborted(void *context)
{
    (void)context;
    return aborts > 0;
}

#define POST      "POST / HTTP/1.1\r\nHost: x\r\n"
#define LENGTH_10 "Content-Length: 10\r\n\r\n"
#define CHUNKED   "Transfer-Encoding: chunked\r\n\r\n"
#define GET       "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static void content_comes_as_it_is(void **state)
{
    (void)state;
    static const char *const requests[] = {
        POST LENGTH_10 "0123456789" GET,
        POST CHUNKED "a\r\n0123456789\r\n0\r\n\r\n" GET,
        POST CHUNKED "3;x=y\r\n012\r\n7\r\n3456789\r\n0\r\nTrailer: x\r\n\r\n" GET,
    };
    TABLE_ROWS(i, requests, requests[i]) {
        for (uint64_t step = 0; step < 3; step++) {
            struct world world;
            struct client client;
            start(&world, &client, (struct plan){.credit = step == 0 ? 1000 : step});
            client_say(&client, requests[i]);
            for (uint64_t had = step; step > 0 && had < 10; had += step) {
                await_taken(&world, had);
                assert_int_equal(ends, 0);
                give_credit(step);
            }
            client_await(&client, "10 bytes\n", 1);
            client_await(&client, "0 bytes\n", 2); /* the request behind it */
            assert_int_equal(ends, 2);
            assert_int_equal(aborts, 0);
            assert_true(slice_equal(buffer_slice(&taken), SLICE("0123456789")));
            finish(&world, &client);
        }
    }
}

static void it_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    const char *request = POST CHUNKED "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n";
    start(&world, &client, (struct plan){.credit = 7});
    for (const char *at = request; *at; at++) {
        client_send(&client, slice_make(at, 1));
        world_run_for(&world, 1);
        if (taken_bytes == 7 && sink.credit == 0)
            give_credit(7);
    }
    client_await(&client, "10 bytes\n", 1);
    finish(&world, &client);
}

/* A gibibyte, with credit for 64 KiB at a time: what the server holds of it stays small, and so the client is
 * held up. */
static void a_slow_handler_holds_its_client_up(void **state)
{
    (void)state;
    static const uint64_t GIBIBYTE = UINT64_C(1) << 30;
    static char zeros[256 << 10];
    struct world world;
    struct client client;
    uint64_t offered = 0, kept_max = 0;
    start(&world, &client, (struct plan){.credit = 65536});
    client_say(&client, POST "Content-Length: 1073741824\r\n\r\n");
    while (taken_bytes < GIBIBYTE) {
        size_t length = (size_t)MIN(sizeof(zeros), GIBIBYTE - offered);
        offered += client_offer(&client, slice_make(zeros, length));
        assert_true(loop_run_once(world.loop, 0) >= 0);
        struct input *input = world_h1(&world)->session.input;
        kept_max = MAX(kept_max, (uint64_t)(input ? input->capacity : 0));
        if (sink.credit == 0 && ends == 0)
            give_credit(65536);
    }
    client_await(&client, "1073741824 bytes\n", 1);
    assert_int_equal(ends, 1);
    assert_true(kept_max <= 2 * 65536);
    finish(&world, &client);
}

/* Without credit nothing is read beyond what was read at once. */
static void without_credit_nothing_is_read(void **state)
{
    (void)state;
    static char zeros[64 << 10];
    struct world world;
    struct client client;
    start(&world, &client, (struct plan){.credit = 10});
    client_say(&client, POST "Content-Length: 1000000000\r\n\r\n");
    await_taken(&world, 0);
    size_t offered = 0, before;
    do {
        before = offered;
        for (int i = 0; i < 64; i++)
            offered += client_offer(&client, slice_make(zeros, sizeof(zeros)));
        world_run_for(&world, 20);
    } while (offered > before);
    assert_int_equal(taken_bytes, 10);
    assert_int_equal(world_connection(&world)->client.state, CLIENT_HANDLE);
    assert_true(world_h1(&world)->session.input->capacity <= 2 * 65536);
    finish(&world, &client);
}

static void it_may_be_refused_half_way(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client, (struct plan){.credit = 1000, .refuse_at = 5});
    client_say(&client, POST LENGTH_10 "01234");
    client_await(&client, "HTTP/1.1 413 ", 1);
    client_await(&client, "Connection: close\r\n", 1);
    client_say(&client, "56789" GET);
    client_await_end(&client);
    assert_int_equal(client_count(&client, "HTTP/1.1 "), 1);
    assert_int_equal(ends + aborts, 0);
    finish(&world, &client);
}

static void without_a_sink_it_is_not_read(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client, (struct plan){.refuses_at_once = true});
    client_say(&client, POST "Expect: 100-continue\r\n" LENGTH_10);
    client_await(&client, "HTTP/1.1 403 ", 1);
    client_await(&client, "Connection: close\r\n", 1);
    client_await_end(&client);
    assert_int_equal(client_count(&client, "100 Continue"), 0);
    finish(&world, &client);
}

static void who_asks_is_told_to_go_on_with_credit(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client, (struct plan){.credit = 0});
    client_say(&client, POST "Expect: 100-continue\r\n" LENGTH_10);
    world_await_state(&world, CLIENT_HANDLE);
    assert_int_equal(begins, 1);
    world_run_for(&world, 20);
    client_take(&client);
    assert_int_equal(client.received.length, 0);
    give_credit(100);
    client_await(&client, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    client_say(&client, "0123456789");
    client_await(&client, "10 bytes\n", 1);
    assert_int_equal(client_count(&client, "100 Continue"), 1);
    finish(&world, &client);
}

static void the_sink_may_come_late(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client, (struct plan){.is_late = true, .credit = 100});
    client_say(&client, POST LENGTH_10 "0123456789");
    world_await_state(&world, CLIENT_HANDLE);
    assert_int_equal(taken_bytes, 0);
    exchange_read_content(last, &sink);
    exchange_wake(last);
    client_await(&client, "10 bytes\n", 1);
    finish(&world, &client);
}

static void who_leaves_is_told_of(void **state)
{
    (void)state;
    enum { FIN, RST, FIN_WITHOUT_CREDIT, RST_WITHOUT_CREDIT, WAYS };
    for (int way = 0; way < WAYS; way++) {
        struct world world;
        struct client client;
        bool has_credit = way < FIN_WITHOUT_CREDIT;
        start(&world, &client, (struct plan){.credit = has_credit ? 1000 : 3});
        client_say(&client, POST LENGTH_10 "01234");
        await_taken(&world, has_credit ? 5 : 3);
        if (way == RST || way == RST_WITHOUT_CREDIT)
            client_abort(&client);
        else
            shutdown(client.fd, SHUT_WR);
        if (way == FIN_WITHOUT_CREDIT) {
            world_run_for(&world, 20); /* the FIN stands behind content that is not wanted yet */
            assert_int_equal(aborts, 0);
            give_credit(100);
        }
        world_expect(&world, has_aborted, NULL);
        assert_int_equal(abort_reason, OUTCOME_CLIENT_LEFT);
        assert_int_equal(ends, 0);
        world_await_state(&world, CLIENT_CLOSED);
        assert_non_null(strstr(world_await_lines(&world, 1), "client_left"));
        finish(&world, &client);
    }
}

static void broken_framing_is_told_of(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client, (struct plan){.credit = 1000});
    client_say(&client, POST CHUNKED "3\r\n012\r\nno chunk\r\n");
    client_await(&client, "HTTP/1.1 400 ", 1);
    client_await_end(&client);
    assert_int_equal(aborts, 1);
    assert_int_equal(ends, 0);
    finish(&world, &client);
}

/* Whoever works on the content cannot be answered for: the connection ends. */
static void broken_framing_beside_a_job_ends_the_connection(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client, (struct plan){.credit = 1000, .has_job = true});
    client_say(&client, POST CHUNKED "3\r\n012\r\n");
    await_taken(&world, 3);
    client_say(&client, "no chunk\r\n");
    world_await_state(&world, CLIENT_CLOSED);
    assert_int_equal(aborts, 1);
    atomic_store(&may_end_job, true);
    finish(&world, &client);
}

static void content_that_does_not_come_is_408(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    plan = (struct plan){0};
    start(&world, &client, (struct plan){.credit = 1000});
    world.settings->timeouts.body_ms = 30;
    client_say(&client, POST LENGTH_10 "01234");
    client_await(&client, "HTTP/1.1 408 ", 1);
    assert_int_equal(aborts, 1);
    assert_int_equal(abort_reason, OUTCOME_TIMED_OUT);
    client_await_end(&client);
    finish(&world, &client);
}

/* The time of a client does not run while it is the handler that does not get on. */
static void waiting_for_credit_has_no_time_limit(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client, (struct plan){.credit = 3});
    world.settings->timeouts.body_ms = 30;
    client_say(&client, POST LENGTH_10 "0123456789");
    await_taken(&world, 3);
    world_run_for(&world, 100);
    give_credit(100);
    client_await(&client, "HTTP/1.1 200 ", 1);
    finish(&world, &client);
}

static void a_response_may_come_before_the_end(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client, (struct plan){.credit = 1000, .echoes_at_once = true});
    client_say(&client, POST LENGTH_10);
    client_await(&client, "0 bytes\n", 1);
    client_say(&client, "0123456789");
    await_taken(&world, 10);
    assert_int_equal(ends, 1);
    assert_int_equal(client_count(&client, "Connection: close"), 0);
    client_say(&client, GET);
    client_await(&client, "HTTP/1.1 200 ", 2);
    finish(&world, &client);
}

static void who_leaves_behind_a_response_is_told_of(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client, (struct plan){.credit = 1000, .echoes_at_once = true});
    client_say(&client, POST LENGTH_10 "01");
    client_await(&client, "0 bytes\n", 1);
    shutdown(client.fd, SHUT_WR);
    world_expect(&world, has_aborted, NULL);
    client_await_end(&client);
    finish(&world, &client);
}

static void hints_leave_before_the_response(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client, (struct plan){.credit = 1000, .has_hints = true});
    client_say(&client, POST "Expect: 100-continue\r\n" LENGTH_10);
    client_await(&client, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    client_await(&client, "HTTP/1.1 103 Early Hints\r\n", 2);
    client_await(&client, "Link: </b.css>; rel=preload\r\n", 1);
    assert_int_equal(client_count(&client, "HTTP/1.1 200"), 0);
    assert_int_equal(client_count(&client, "Content-Length"), 0);
    client_say(&client, "0123456789");
    client_await(&client, "10 bytes\n", 1);
    finish(&world, &client);
}

static void clients_of_1_0_get_no_hints(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client, (struct plan){.credit = 1000, .has_hints = true});
    client_say(&client, "GET / HTTP/1.0\r\n\r\n");
    client_await(&client, "0 bytes\n", 1);
    assert_int_equal(client_count(&client, "HTTP/1.1 103"), 0);
    finish(&world, &client);
}

/* The server ends: every handler is told, also of an upload that waits for credit. */
static void the_end_of_the_server_is_told_of(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    start(&world, &client, (struct plan){.credit = 3});
    client_say(&client, POST LENGTH_10 "0123456789");
    await_taken(&world, 3);
    finish(&world, &client);
    assert_int_equal(aborts, 1);
    assert_int_equal(abort_reason, OUTCOME_SHUTDOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_comes_as_it_is),
        cmocka_unit_test(it_may_come_byte_by_byte),
        cmocka_unit_test(a_slow_handler_holds_its_client_up),
        cmocka_unit_test(without_credit_nothing_is_read),
        cmocka_unit_test(it_may_be_refused_half_way),
        cmocka_unit_test(without_a_sink_it_is_not_read),
        cmocka_unit_test(who_asks_is_told_to_go_on_with_credit),
        cmocka_unit_test(the_sink_may_come_late),
        cmocka_unit_test(who_leaves_is_told_of),
        cmocka_unit_test(broken_framing_is_told_of),
        cmocka_unit_test(broken_framing_beside_a_job_ends_the_connection),
        cmocka_unit_test(content_that_does_not_come_is_408),
        cmocka_unit_test(waiting_for_credit_has_no_time_limit),
        cmocka_unit_test(a_response_may_come_before_the_end),
        cmocka_unit_test(who_leaves_behind_a_response_is_told_of),
        cmocka_unit_test(hints_leave_before_the_response),
        cmocka_unit_test(clients_of_1_0_get_no_hints),
        cmocka_unit_test(the_end_of_the_server_is_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
