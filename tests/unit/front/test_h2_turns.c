/* Turns of HTTP/2: what a turn has no time for is read in the next. */
#include "tests/unit/h2_client.h"
#include "tests/unit/server_builder.h"

/* While it is slow, one look at the clock takes a whole turn. */
#define LOOK_NS (LOOP_TURN_US * UINT64_C(1000))

static uint64_t looks_ns;
static bool is_slow;

uint64_t __real_sys_monotonic_ns(void);
uint64_t __wrap_sys_monotonic_ns(void);

uint64_t __wrap_sys_monotonic_ns(void)
{
    looks_ns += is_slow ? LOOK_NS : 0;
    return __real_sys_monotonic_ns() + looks_ns;
}

struct talk {
    struct client client;
    struct h2_client h2;
    struct buffer said;
    size_t answers; /* that are awaited */
};

static void say(struct talk *talk)
{
    buffer_clear(&talk->said);
    h2_client_write(&talk->h2, &talk->said);
    if (talk->said.length > 0)
        client_send(&talk->client, buffer_slice(&talk->said));
}

static bool has_answers(void *context)
{
    struct talk *talk = context;
    client_take(&talk->client);
    h2_client_read(&talk->h2, buffer_slice(&talk->client.received));
    buffer_clear(&talk->client.received);
    say(talk);
    return talk->h2.ended_count == talk->answers;
}

/* They come in one piece, which is longer than what a turn reads at the least. */
static void many_requests_at_once_are_all_answered(void **state)
{
    (void)state;
    enum { REQUESTS = 90, BYTES_MIN = 2 * 4096, SLOW_TURNS = 20 };
    static struct talk talk;
    struct world world;
    world_init(&world);
    world.routes[0].kind = ROUTE_RESPOND;
    world.routes[0].respond.status = 200;
    world.routes[0].respond.type = SLICE("text/plain");
    world.routes[0].respond.body = SLICE("content");
    world_start(&world);
    talk = (struct talk){.answers = REQUESTS};
    client_connect(&talk.client, &world, 0);
    h2_client_init(&talk.h2, 65535);
    buffer_init(&talk.said, 1u << 20);
    for (unsigned i = 0; i < REQUESTS; i++) {
        char path[200];
        snprintf(path, sizeof(path), "/?%0120u", i);
        h2_client_get(&talk.h2, path);
    }
    say(&talk);
    assert_true(talk.said.length > BYTES_MIN);
    is_slow = true;
    for (unsigned turn = 0; turn < SLOW_TURNS; turn++)
        assert_int_equal(loop_run_once(world.loop, 0), 0);
    is_slow = false;
    world_expect(&world, has_answers, &talk);
    for (size_t i = 0; i < REQUESTS; i++)
        assert_int_equal(talk.h2.streams[i].status, 200);
    buffer_finish(&talk.said);
    h2_client_finish(&talk.h2);
    client_close(&talk.client);
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_requests_at_once_are_all_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
