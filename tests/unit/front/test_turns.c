/* Turns: who asks for much at once does not make others wait for all of it. */
#include "tests/unit/server_builder.h"

#define REQUEST "GET /small HTTP/1.1\r\nHost: x\r\n\r\n"

/* Each look at the clock takes so long: a turn has time for some fifty. */
#define LOOK_NS 10000

static uint64_t looks_ns;

uint64_t __real_sys_monotonic_ns(void);
uint64_t __wrap_sys_monotonic_ns(void);

uint64_t __wrap_sys_monotonic_ns(void)
{
    static uint64_t began_ns;
    if (began_ns == 0)
        began_ns = __real_sys_monotonic_ns();
    return began_ns + (looks_ns += LOOK_NS);
}

static void start(struct world *world)
{
    world_init(world);
    world_add_file(world, "small", 10);
    world_start(world);
}

static void take_turn(struct world *world)
{
    assert_int_equal(loop_run_once(world->loop, 0), 0);
    assert_null(admission_validate(&world->server->front));
}

/* Sends `count` requests in one write. */
static void send_many(struct client *client, unsigned count)
{
    static char requests[250 * sizeof(REQUEST)];
    size_t length = 0;
    for (unsigned i = 0; i < count; i++) {
        memcpy(requests + length, REQUEST, sizeof(REQUEST) - 1);
        length += sizeof(REQUEST) - 1;
    }
    client_send(client, slice_make(requests, length));
}

/* New connections with 250 requests each; the turn in which they are accepted is not theirs alone. */
static void a_storm_is_met_in_turns(void **state)
{
    (void)state;
    enum { STORM = 64, EACH = 250 };
    struct world world;
    struct client storm[STORM], other;
    start(&world);
    client_connect(&other, &world, 0);
    client_say(&other, REQUEST);
    client_await(&other, "HTTP/1.1 200 OK", 1);
    for (unsigned i = 0; i < STORM; i++) {
        client_connect(&storm[i], &world, 0);
        send_many(&storm[i], EACH);
    }
    unsigned turns = 0;
    size_t most = 0, longest_wait = 0;
    for (uint64_t before = 0; world.counters.requests < STORM * EACH; turns++) {
        assert_in_range(turns, 0, 2000);
        size_t answers = client_count(&other, "HTTP/1.1 200 OK");
        client_say(&other, REQUEST);
        before = world.counters.requests;
        size_t wait = 0;
        for (; client_count(&other, "HTTP/1.1 200 OK") == answers; wait++) {
            take_turn(&world);
            client_take(&other);
        }
        most = MAX(most, (size_t)(world.counters.requests - before));
        longest_wait = MAX(longest_wait, wait);
    }
    assert_int_equal(longest_wait, 1); /* the next turn answers */
    assert_in_range(most, 1, 1000);    /* of 16,000 */
    for (unsigned i = 0; i < STORM; i++) {
        client_await(&storm[i], "HTTP/1.1 200 OK", EACH);
        client_close(&storm[i]);
    }
    client_close(&other);
    world_finish(&world);
}

/* Among those who ask for much the turn goes round. */
static void everyone_gets_on(void **state)
{
    (void)state;
    enum { CLIENTS = 40, EACH = 250 };
    struct world world;
    struct client clients[CLIENTS];
    size_t answered[CLIENTS] = {0};
    start(&world);
    for (unsigned i = 0; i < CLIENTS; i++) {
        client_connect(&clients[i], &world, 0);
        client_say(&clients[i], REQUEST);
        client_await(&clients[i], "HTTP/1.1 200 OK", 1);
        send_many(&clients[i], EACH);
    }
    size_t done = 0;
    for (unsigned turns = 0; done == 0; turns++) {
        assert_in_range(turns, 0, 2000);
        take_turn(&world);
        for (unsigned i = 0; i < CLIENTS; i++) {
            client_take(&clients[i]);
            answered[i] = client_count(&clients[i], "HTTP/1.1 200 OK") - 1;
            done += answered[i] == EACH;
        }
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        assert_in_range(answered[i], 8, EACH);
        client_await(&clients[i], "HTTP/1.1 200 OK", EACH + 1);
        client_close(&clients[i]);
    }
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_is_met_in_turns),
        cmocka_unit_test(everyone_gets_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
