/* What the command line cannot ask for: requests that are mixed by weight, servers at several addresses; and
 * what callers are promised about the callback. */
#include "../test.h"

#include "load/load.h"
#include "sys/address.h"
#include "sys/listen.h"
#include "sys/process.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define SLOW_US 20000

/* A server that answers "GET /slow" late, "GET /pairs" when a second one has come, says goodbye to "GET
 * /close", and answers everything else at once: a thread for each connection. */
struct server {
    int fd;
    struct address address;
    pthread_t thread;
    atomic_uint connections;
};

/* Answers each request in `input`, which holds whole ones; false where the client is gone. */
static bool answer_all(int fd, struct slice input)
{
    struct slice answer = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    struct slice last = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
    struct slice end = SLICE("\r\n\r\n");
    static _Thread_local unsigned pairs;
    const char *found;
    while ((found = memmem(input.data, input.length, end.data, end.length)) != NULL) {
        if (slice_starts_with(input, SLICE("GET /slow ")))
            usleep(SLOW_US);
        if (slice_starts_with(input, SLICE("GET /close "))) {
            ssize_t sent = send(fd, last.data, last.length, MSG_NOSIGNAL);
            return sent < 0; /* what is behind it is not answered */
        }
        bool is_of_pair = slice_starts_with(input, SLICE("GET /pairs "));
        pairs += is_of_pair;
        for (unsigned left = is_of_pair ? 2 * (pairs % 2 == 0) : 1; left > 0; left--) {
            if (send(fd, answer.data, answer.length, MSG_NOSIGNAL) < 0)
                return false;
        }
        input = slice_skip(input, (size_t)(found - input.data) + end.length);
    }
    assert_int_equal(input.length, 0);
    return true;
}

/* Where it is set, nobody is answered before so many connections are there. */
static pthread_barrier_t *gathering;

static void *serve(void *context)
{
    int fd = (int)(intptr_t)context;
    char requests[4096];
    ssize_t length;
    if (gathering)
        pthread_barrier_wait(gathering);
    do
        length = recv(fd, requests, sizeof(requests), 0);
    while (length > 0 && answer_all(fd, slice_make(requests, (size_t)length)));
    close(fd);
    return NULL;
}

static void *accept_all(void *context)
{
    struct server *server = context;
    int fd;
    while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
        pthread_t thread;
        server->connections++;
        assert_int_equal(pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd), 0);
        pthread_detach(thread);
    }
    return NULL;
}

static void start(struct server *server, const char *host)
{
    struct listen_address wanted;
    assert_int_equal(address_parse(slice_from(host), &wanted), ADDRESS_OK);
    server->fd = socket(AF_INET, SOCK_STREAM, 0);
    server->address = wanted.address;
    assert_int_equal(bind(server->fd, &server->address.any, server->address.length), 0);
    assert_int_equal(listen(server->fd, 64), 0);
    assert_int_equal(getsockname(server->fd, &server->address.any, &server->address.length), 0);
    server->connections = 0;
    assert_int_equal(pthread_create(&server->thread, NULL, accept_all, server), 0);
}

static void stop(struct server *server)
{
    sys_listen_end(server->fd);
    pthread_join(server->thread, NULL);
    close(server->fd);
}

static struct load_result *run(const struct load_plan *plan, load_on_progress *on_progress, void *context)
{
    struct load_result *result = malloc(sizeof(*result));
    assert_non_null(result);
    assert_int_equal(load_run(plan, on_progress, context, result), 0);
    assert_int_equal(load_result_errors(result), 0);
    return result;
}

static void targets_have_figures_of_their_own(void **state)
{
    (void)state;
    static struct histogram all;
    struct server server;
    start(&server, "127.0.0.1:0");
    struct load_result *result = run(
        &(struct load_plan){
            .targets = {{.path = SLICE("/fast"), .weight = 9}, {.path = SLICE("/slow"), .weight = 1}},
            .target_count = 2,
            .addresses = {server.address},
            .address_count = 1,
            .connections = 4,
            .requests_max = 400,
        },
        NULL, NULL);
    stop(&server);
    const struct load_target_result *fast = &result->targets[0];
    const struct load_target_result *slow = &result->targets[1];
    load_result_latency(result, &all);
    assert_int_equal(result->target_count, 2);
    assert_int_equal(fast->answers + slow->answers, 400);
    assert_int_equal(all.count, 400);
    assert_in_range(slow->answers, 20, 70);
    assert_true(slow->latency.min >= SLOW_US);
    assert_true(fast->latency.min < slow->latency.min);
    /* Without a rate both times are the same. */
    assert_memory_equal(&slow->latency, &slow->service, sizeof(slow->latency));
    free(result);
}

static void requests_behind_a_close_are_lost(void **state)
{
    (void)state;
    struct server server;
    struct load_result *result = calloc(1, sizeof(*result));
    struct load_plan plan = {
        .targets = {{.path = SLICE("/close")}},
        .target_count = 1,
        .address_count = 1,
        .connections = 1,
        .pipeline = 4,
        .requests_max = 12,
    };
    assert_non_null(result);
    start(&server, "127.0.0.1:0");
    plan.addresses[0] = server.address;
    assert_int_equal(load_run(&plan, NULL, NULL, result), 0);
    stop(&server);
    assert_int_equal(result->sent, 12);
    assert_int_equal(result->answers, 3);
    assert_int_equal(result->connects, 3);
    assert_int_equal(result->open_most, 1);
    assert_int_equal(result->errors[LOAD_ERROR_CLOSED], 9);
    assert_int_equal(load_result_errors(result), 9);
    free(result);
}

static void targets_may_be_asked_for_by_timetable(void **state)
{
    (void)state;
    struct server server;
    start(&server, "127.0.0.1:0");
    struct load_result *result = run(
        &(struct load_plan){
            .targets = {{.path = SLICE("/a")}, {.path = SLICE("/b"), .method = SLICE("POST")}},
            .target_count = 2,
            .addresses = {server.address},
            .address_count = 1,
            .rate = 1000,
            .connections = 2,
            .requests_max = 200,
        },
        NULL, NULL);
    stop(&server);
    assert_true(result->targets[0].answers > 50 && result->targets[1].answers > 50);
    assert_int_equal(result->targets[0].answers + result->targets[1].answers, 200);
    assert_int_equal(result->due, 200);
    free(result);
}

/* The server answers no request before the next one: who waited for an answer would wait for ever. */
static void at_a_rate_requests_do_not_wait_for_answers(void **state)
{
    (void)state;
    struct server server;
    start(&server, "127.0.0.1:0");
    struct load_result *result = run(
        &(struct load_plan){
            .targets = {{.path = SLICE("/pairs")}},
            .target_count = 1,
            .addresses = {server.address},
            .address_count = 1,
            .rate = 1000,
            .pipeline = 4,
            .connections = 1,
            .requests_max = 20,
        },
        NULL, NULL);
    stop(&server);
    assert_int_equal(result->answers, 20);
    assert_int_equal(result->connects, 1);
    free(result);
}

static void targets_may_be_mixed_in_a_pipeline(void **state)
{
    (void)state;
    struct server server;
    start(&server, "127.0.0.1:0");
    struct load_result *result = run(
        &(struct load_plan){
            .targets = {{.path = SLICE("/a")}, {.path = SLICE("/b"), .method = SLICE("DELETE")}},
            .target_count = 2,
            .addresses = {server.address},
            .address_count = 1,
            .pipeline = 8,
            .connections = 2,
            .requests_max = 1003,
        },
        NULL, NULL);
    stop(&server);
    assert_int_equal(result->answers, 1003);
    assert_true(result->targets[0].answers > 400 && result->targets[1].answers > 400);
    free(result);
}

static void connections_take_turns_at_the_addresses(void **state)
{
    (void)state;
    struct server servers[2];
    pthread_barrier_t all_six;
    pthread_barrier_init(&all_six, NULL, 6);
    gathering = &all_six;
    start(&servers[0], "127.0.0.1:0");
    start(&servers[1], "127.0.0.2:0");
    struct load_result *result = run(
        &(struct load_plan){
            .targets = {{.path = SLICE("/")}},
            .target_count = 1,
            .addresses = {servers[0].address, servers[1].address},
            .address_count = 2,
            .connections = 6,
            .requests_max = 100,
        },
        NULL, NULL);
    stop(&servers[0]);
    stop(&servers[1]);
    gathering = NULL;
    pthread_barrier_destroy(&all_six);
    assert_int_equal(result->open_most, 6);
    assert_int_equal(servers[0].connections, 3);
    assert_int_equal(servers[1].connections, 3);
    free(result);
}

struct seen {
    unsigned calls;
    enum load_phase phase;
    uint64_t answers;
    uint64_t answers_before; /* the window's first call */
};

/* Phases only ever go on; the third call of the window ends the run, or a later one: when requests of the
 * window were answered, more than were under way before it. */
static bool look(void *context, const struct load_progress *progress)
{
    struct seen *seen = context;
    assert_true(progress->phase >= seen->phase && progress->answers >= seen->answers);
    assert_true(progress->open <= 3);
    seen->phase = progress->phase;
    seen->answers = progress->answers;
    if (progress->phase == LOAD_PHASE_MEASURING && seen->calls++ == 0)
        seen->answers_before = progress->answers;
    return seen->calls < 3 || seen->answers <= seen->answers_before + 3;
}

static void the_callback_may_end_it(void **state)
{
    (void)state;
    struct server server;
    struct seen seen = {0};
    start(&server, "127.0.0.1:0");
    struct load_result *result = run(
        &(struct load_plan){
            .targets = {{.path = SLICE("/")}},
            .target_count = 1,
            .addresses = {server.address},
            .address_count = 1,
            .connections = 3,
            .threads = 2,
            .warm_up_ms = 150,
            .duration_ms = 60000,
        },
        look, &seen);
    stop(&server);
    assert_true(result->was_stopped);
    assert_int_equal(result->threads, 2);
    assert_in_range(result->elapsed_us, 200000, 30000000); /* of 60 s */
    assert_true(result->answers > 0 && result->answers <= seen.answers + 100000);
    free(result);
}

static void too_few_descriptors(void **state)
{
    (void)state;
    struct load_plan plan = {
        .targets = {{.path = SLICE("/")}},
        .target_count = 1,
        .address_count = 1,
        .connections = (unsigned)sys_raise_descriptor_limit(),
        .requests_max = 1,
    };
    struct load_result *result = malloc(sizeof(*result));
    assert_int_equal(load_run(&plan, NULL, NULL, result), -EMFILE);
    free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_have_figures_of_their_own),
        cmocka_unit_test(requests_behind_a_close_are_lost),
        cmocka_unit_test(targets_may_be_asked_for_by_timetable),
        cmocka_unit_test(at_a_rate_requests_do_not_wait_for_answers),
        cmocka_unit_test(targets_may_be_mixed_in_a_pipeline),
        cmocka_unit_test(connections_take_turns_at_the_addresses),
        cmocka_unit_test(the_callback_may_end_it),
        cmocka_unit_test(too_few_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
