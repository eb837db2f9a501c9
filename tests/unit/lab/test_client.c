/* The lab's clients on a real socket: their share of a turn, and how long one may say nothing. */
#include "../test.h"

#include "lab/idle_list.h"
#include "lab/nonblocking.h"
#include "lab/site.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUESTS 200

struct world {
    struct lab_idle_list idle; /* its clients are taken out of it when they end */
    char folder[32];
    struct lab_site *site;
    struct lab_client *client;
    int peer;
};

static int build(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    int pair[2];
    assert_non_null(world);
    strcpy(world->folder, "/tmp/vif-client-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    struct lab_site_options options = {.folder = world->folder, .has_trials = true};
    assert_int_equal(lab_site_create(&options, &world->site), 0);
    assert_int_equal(lab_site_open(world->site), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    world->peer = pair[0];
    world->client = lab_client_create(world->site, pair[1], sizeof(*world->client));
    assert_non_null(world->client);
    *state = world;
    return 0;
}

static int take_down(void **state)
{
    struct world *world = *state;
    lab_client_destroy(world->client);
    close(world->peer);
    lab_site_destroy(world->site);
    rmdir(world->folder);
    free(world);
    return 0;
}

/* Sends until the socket is full: much more than one receive takes, for little that is to be answered. */
static void ask_much(int peer)
{
    static char request[4000] = "GET /lab/hello HTTP/1.1\r\nHost: a\r\nX: ";
    size_t begin = strlen(request);
    memset(request + begin, 'x', sizeof(request) - begin - 4);
    memcpy(request + sizeof(request) - 4, "\r\n\r\n", 4);
    for (int i = 0; i < REQUESTS; i++) {
        if (write(peer, request, sizeof(request)) != sizeof(request))
            break;
    }
}

static void who_takes_all_has_a_share_of_the_turn(void **state)
{
    struct world *world = *state;
    ask_much(world->peer);
    struct lab_readiness readiness = {0};
    assert_int_not_equal(lab_client_advance(world->client, &readiness), LAB_NEEDS_CLOSE);
    assert_true(readiness.has_more);
    while (readiness.has_more)
        assert_int_not_equal(lab_client_advance(world->client, &readiness), LAB_NEEDS_CLOSE);
    assert_int_equal(lab_client_advance(world->client, &readiness), LAB_NEEDS_BYTES);
}

static void who_says_nothing_is_not_kept(void **state)
{
    struct world *world = *state;
    lab_idle_list_init(&world->idle, world->site);
    assert_null(lab_idle_list_next_expired(&world->idle));
    lab_idle_list_touch(&world->idle, world->client);
    assert_null(lab_idle_list_next_expired(&world->idle));
    world->client->last_active_ms -= LAB_IDLE_TIMEOUT_MS - 10000;
    assert_null(lab_idle_list_next_expired(&world->idle));
    world->client->last_active_ms -= 10000;
    assert_ptr_equal(lab_idle_list_next_expired(&world->idle), world->client);
    lab_idle_list_touch(&world->idle, world->client);
    assert_null(lab_idle_list_next_expired(&world->idle));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_takes_all_has_a_share_of_the_turn, build, take_down),
        cmocka_unit_test_setup_teardown(who_says_nothing_is_not_kept, build, take_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
