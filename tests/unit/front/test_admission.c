/* How many connections an address may have, and which addresses are one client. */
#include "tests/unit/server_builder.h"

#include "front/admission.h"
#include "serve/peer.h"

#include <arpa/inet.h>

static struct peer peer_of(const char *text)
{
    struct peer peer = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
    assert_int_equal(inet_pton(peer.family, text, peer.bytes), 1);
    return peer;
}

static enum admission ask(struct world *world, const char *text)
{
    struct peer peer = peer_of(text);
    return admission_of(&world->server->front, &peer);
}

static void release(struct world *world, const char *text)
{
    struct peer peer = peer_of(text);
    admission_release(&world->server->front, &peer);
}

/* The first two come from one client, which may have two connections; the last from another. */
static const struct {
    const char *one, *same, *other;
} cases[] = {
    {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
    {"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"},
    {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:2:2::1"},
    {"::ffff:192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.2"},
    {"::fffe:192.0.2.1", "::fffe:192.0.2.2", "::ffff:192.0.2.1"},
};

static void an_address_has_its_connections_and_no_more(void **state)
{
    (void)state;
    TABLE_ROWS(i, cases, cases[i].one) {
        struct world world;
        world_init(&world);
        world.settings->limits.connections_per_address = 2;
        world_start(&world);
        assert_int_equal(ask(&world, cases[i].one), ADMISSION_COUNTED);
        assert_int_equal(ask(&world, cases[i].same), ADMISSION_COUNTED);
        assert_int_equal(ask(&world, cases[i].one), ADMISSION_REFUSED);
        assert_int_equal(ask(&world, cases[i].same), ADMISSION_REFUSED);
        assert_int_equal(ask(&world, cases[i].other), ADMISSION_COUNTED);

        release(&world, cases[i].same);
        assert_int_equal(ask(&world, cases[i].one), ADMISSION_COUNTED);
        assert_int_equal(ask(&world, cases[i].one), ADMISSION_REFUSED);
        release(&world, cases[i].one);
        release(&world, cases[i].one);
        release(&world, cases[i].other);
        world_finish(&world);
    }
}

static void nobody_is_counted_without_a_limit(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_start(&world);
    for (int i = 0; i < 100; i++)
        assert_int_equal(ask(&world, "192.0.2.1"), ADMISSION_FREE);
    world_finish(&world);
}

/* Nobody goes for the sake of a client that is refused all the same. */
static void who_is_refused_for_his_address_takes_nobodys_place(void **state)
{
    (void)state;
    struct world world;
    struct client clients[3];
    world_init(&world);
    world_add_file(&world, "small", 10);
    world.settings->limits.connections = 2;
    world.settings->limits.connections_per_address = 2;
    world_start(&world);
    for (size_t i = 0; i < 3; i++) {
        client_connect(&clients[i], &world, 0);
        client_say(&clients[i], "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
        client_await(&clients[i], i < 2 ? "HTTP/1.1 200 OK" : "HTTP/1.1 503 ", 1);
    }
    assert_int_equal(world.counters.connections_shed, 0);
    assert_int_equal(world.counters.connections_open, 2);
    for (size_t i = 0; i < 3; i++)
        client_close(&clients[i]);
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_its_connections_and_no_more),
        cmocka_unit_test(nobody_is_counted_without_a_limit),
        cmocka_unit_test(who_is_refused_for_his_address_takes_nobodys_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
