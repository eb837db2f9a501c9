/* Who makes room for a new connection, and what they hear who get none. */
#include "tests/unit/server_builder.h"

#include <sys/ioctl.h>

#define REQUEST "GET /small HTTP/1.1\r\nHost: x\r\n\r\n"

/* A client that takes as little as the kernel allows, so that what it does not read waits in the server. */
#define RECEIVE_BYTES_FEW 4096
#define LARGE_BYTES       (64 << 20)

/* Time that passes at once, where a test says so. */
#define SKIPS_MAX 16

static struct skip {
    uint64_t at_ns; /* of the real clock */
    uint64_t length_ns;
} skips[SKIPS_MAX];
static size_t skip_count;

uint64_t __real_sys_monotonic_ns(void);
uint64_t __wrap_sys_monotonic_ns(void);
uint64_t __real_sys_send_idle_ms(int fd);
uint64_t __wrap_sys_send_idle_ms(int fd);

static void let_pass(uint64_t ms)
{
    assert_true(skip_count < SKIPS_MAX);
    skips[skip_count++] = (struct skip){__real_sys_monotonic_ns(), ms * 1000000};
}

static uint64_t skipped_since(uint64_t real_ns)
{
    uint64_t skipped_ns = 0;
    for (size_t i = 0; i < skip_count; i++)
        skipped_ns += skips[i].at_ns >= real_ns ? skips[i].length_ns : 0;
    return skipped_ns;
}

uint64_t __wrap_sys_monotonic_ns(void)
{
    return __real_sys_monotonic_ns() + skipped_since(0);
}

/* The kernel does not know of it. */
uint64_t __wrap_sys_send_idle_ms(int fd)
{
    uint64_t idle_ms = __real_sys_send_idle_ms(fd);
    return idle_ms + skipped_since(__real_sys_monotonic_ns() - idle_ms * 1000000) / 1000000;
}

/* Nothing times out, and there is room for so many. */
static void start(struct world *world, uint32_t connections)
{
    skip_count = 0;
    static const uint32_t hour_ms = 3600000;
    world_init(world);
    world->settings->timeouts = (struct timeouts){
        .head_ms = hour_ms,
        .body_ms = hour_ms,
        .idle_ms = hour_ms,
        .write_ms = hour_ms,
        .linger_ms = hour_ms,
        .drain_ms = hour_ms,
        .rate_bytes_min = 240,
    };
    world->settings->limits.connections = connections;
    world_add_file(world, "small", 10);
    tree_add_file(&world->tree, "large", LARGE_BYTES, 1000000000);
    world_start(world);
}

/* ---- who makes room ---- */

static void hold_head(struct client *client, struct world *world)
{
    client_connect(client, world, 0);
    client_say(client, "GET /small HTTP/1.1\r\nHo");
}

static void hold_idle(struct client *client, struct world *world)
{
    client_connect(client, world, 0);
    client_say(client, REQUEST);
    client_await(client, "HTTP/1.1 200 OK", 1);
}

static void hold_body(struct client *client, struct world *world)
{
    client_connect(client, world, 0);
    client_say(client, "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\nhalf");
}

static void begin_download(struct client *client, struct world *world, int receive_bytes)
{
    client_connect(client, world, receive_bytes);
    client->is_deaf = true;
    client_say(client, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
}

static void hold_response(struct client *client, struct world *world)
{
    begin_download(client, world, RECEIVE_BYTES_FEW);
}

/* It is refused, and has the answer, and does not close. */
static void hold_refusal(struct client *client, struct world *world)
{
    client_connect(client, world, 0);
    client_say(client, "GARBAGE\r\n\r\n");
    client_await(client, "HTTP/1.1 400 ", 1);
}

static const struct holder {
    void (*hold)(struct client *client, struct world *world);
    enum client_state state;
    bool is_spare_at_once;
} holders[] = {
    {hold_head, CLIENT_HEAD, false},      {hold_idle, CLIENT_IDLE, true},
    {hold_body, CLIENT_BODY, false},      {hold_response, CLIENT_SEND, false},
    {hold_refusal, CLIENT_LINGER, false},
};

/* So many connections that are held in the same way. */
static void hold(struct world *world, struct client *clients, size_t count, const struct holder *holder)
{
    for (size_t i = 0; i < count; i++) {
        holder->hold(&clients[i], world);
        world_await_open(world, i + 1);
    }
    /* Whatever the kernel still finds room for has left by then. */
    world_run_for(world, holder->state == CLIENT_SEND ? 500 : 20);
    size_t held = 0;
    LIST_FOREACH(link, &world->server->front.by_state[holder->state])
        held++;
    assert_int_equal(held, count);
}

static void ask_anew(struct world *world, const char *expected)
{
    struct client client;
    client_connect(&client, world, 0);
    client_say(&client, REQUEST);
    client_await(&client, expected, 1);
    client_close(&client);
}

static void close_all(struct client *clients, size_t count)
{
    for (size_t i = 0; i < count; i++)
        client_close(&clients[i]);
}

/* Whatever all connections are held with: a fresh client is served. */
static void every_slow_client_makes_room(void **state)
{
    (void)state;
    TABLE_ROWS(i, holders, "") {
        struct world world;
        struct client clients[10];
        start(&world, ARRAY_LENGTH(clients));
        hold(&world, clients, ARRAY_LENGTH(clients), &holders[i]);
        let_pass(1500);
        for (size_t k = 0; k < ARRAY_LENGTH(clients); k++)
            ask_anew(&world, "HTTP/1.1 200 OK");
        assert_int_equal(world.counters.connections_refused, 0);
        /* The fresh ones have closed, and need not be shed. */
        assert_in_range(world.counters.connections_shed, 1, ARRAY_LENGTH(clients));
        close_all(clients, ARRAY_LENGTH(clients));
        world_finish(&world);
    }
}

/* A request that needs the room does not lose its connection for it. */
static void who_asks_is_not_shed(void **state)
{
    (void)state;
    TABLE_ROWS(i, holders, "") {
        struct world world;
        struct client client;
        start(&world, 1);
        hold(&world, &client, 1, &holders[i]);
        let_pass(1500);
        world_run_for(&world, 1); /* the loop looks at the clock */
        const void *owner = &world_h1(&world)->session;
        assert_false(admission_shed(&world.server->front, owner));
        /* Of one that lingers, the first look finds out that it has its last byte. */
        if (!admission_shed(&world.server->front, NULL)) {
            let_pass(1500);
            world_run_for(&world, 1); /* the loop looks at the clock */
            assert_false(admission_shed(&world.server->front, owner));
            assert_true(admission_shed(&world.server->front, NULL));
        }
        client_close(&client);
        world_finish(&world);
    }
}

/* Who was here before and cannot be called slow yet is not closed for another. */
static void a_moment_is_everyones(void **state)
{
    (void)state;
    TABLE_ROWS(i, holders, "") {
        struct world world;
        struct client clients[4];
        start(&world, ARRAY_LENGTH(clients));
        hold(&world, clients, ARRAY_LENGTH(clients), &holders[i]);
        ask_anew(&world, holders[i].is_spare_at_once ? "HTTP/1.1 200 OK" : "HTTP/1.1 503 ");
        assert_int_equal(world.counters.connections_shed, holders[i].is_spare_at_once);
        close_all(clients, ARRAY_LENGTH(clients));
        world_finish(&world);
    }
}

static void client_take_for(struct client *client, unsigned ms)
{
    for (unsigned i = 0; i < ms; i += 10) {
        client_take(client);
        world_run_for(client->world, 10);
    }
}

/* Downloads and uploads that get on are nobody's to take. */
static void who_gets_on_stays(void **state)
{
    (void)state;
    struct world world;
    struct client reader, writer;
    static const char content[400];
    start(&world, 2);
    begin_download(&reader, &world, 1 << 18);
    world_await_open(&world, 1);
    hold_body(&writer, &world);
    world_await_open(&world, 2);
    world_run_for(&world, 20);
    for (unsigned i = 0; i < 3; i++) {
        let_pass(900);
        client_take_for(&reader, 50);
        client_send(&writer, slice_make(content, sizeof(content))); /* not much, but it comes */
        world_run_for(&world, 20);
        ask_anew(&world, "HTTP/1.1 503 ");
    }
    assert_int_equal(world.counters.connections_shed, 0);
    assert_int_equal(world.counters.connections_open, 2);
    client_close(&reader);
    client_close(&writer);
    world_finish(&world);
}

/* Until the client's kernel takes no more, however long that is on a busy machine. */
static void run_until_full(struct world *world, const struct client *client)
{
    int held = -1, before;
    do {
        before = held;
        world_run_for(world, 300);
        assert_int_equal(ioctl(client->fd, FIONREAD, &held), 0);
    } while (held != before);
}

/* A fast beginning is over when it is over. */
static void a_fast_beginning_does_not_count_for_ever(void **state)
{
    (void)state;
    struct world world;
    struct client reader;
    start(&world, 1);
    begin_download(&reader, &world, 1 << 18);
    world_await_open(&world, 1);
    client_take_for(&reader, 100);
    run_until_full(&world, &reader);
    let_pass(10000);
    ask_anew(&world, "HTTP/1.1 200 OK");
    client_close(&reader);
    world_finish(&world);
}

/* The idle go before uploads that have stopped, however long those have. */
static void the_cheapest_goes_first(void **state)
{
    (void)state;
    static const size_t order[] = {0, 4, 1, 2, 3}; /* of `holders` */
    struct world world;
    struct client clients[ARRAY_LENGTH(holders)], fresh[ARRAY_LENGTH(holders)];
    start(&world, ARRAY_LENGTH(clients));
    for (size_t i = 0; i < ARRAY_LENGTH(holders); i++) {
        holders[ARRAY_LENGTH(holders) - 1 - i].hold(&clients[i], &world);
        world_await_open(&world, i + 1);
    }
    world_run_for(&world, 300); /* by then it is known that the lingering client has its last byte */
    let_pass(1500);
    for (size_t i = 0; i < ARRAY_LENGTH(order); i++) {
        struct list *list = &world.server->front.by_state[holders[order[i]].state];
        struct list *first = list->next;
        assert_false(list_is_empty(list));
        hold_head(&fresh[i], &world);
        world_run_for(&world, 50);
        if (list->next == first)
            fail_msg("state %d is not shed as number %zu", (int)holders[order[i]].state, i);
        assert_int_equal(world.counters.connections_shed, i + 1);
    }
    assert_int_equal(world.counters.connections_refused, 0);
    close_all(clients, ARRAY_LENGTH(clients));
    close_all(fresh, ARRAY_LENGTH(fresh));
    world_finish(&world);
}

/* Each listener accepts its share in a turn, and each connection may cost an idle one, whose memory comes
 * back at the end of it. */
static void four_listeners_share_the_room(void **state)
{
    (void)state;
    enum { LISTENERS = 4, CLIENTS = 100 };
    struct world world;
    struct client idle[CLIENTS], fresh[CLIENTS];
    struct sockaddr_in addresses[LISTENERS];
    int fds[LISTENERS];
    start(&world, CLIENTS);
    for (size_t i = 0; i < LISTENERS; i++) {
        fds[i] = world_listen(&addresses[i]);
        assert_int_equal(server_listen(world.server, fds[i], 0, NULL), 0);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        hold_idle(&idle[i], &world);
    world_await_open(&world, CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++) {
        world.address = addresses[i % LISTENERS];
        client_connect(&fresh[i], &world, 0);
        client_say(&fresh[i], REQUEST);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        client_await(&fresh[i], "HTTP/1.1 200 OK", 1);
    assert_int_equal(world.counters.connections_refused, 0);
    assert_int_equal(world.counters.connections_shed, CLIENTS);
    close_all(idle, CLIENTS);
    close_all(fresh, CLIENTS);
    world_finish(&world);
    for (size_t i = 0; i < LISTENERS; i++)
        close(fds[i]);
}

/* ---- who gets none ---- */

static int client_tcp_state(const struct client *client)
{
    struct tcp_info info;
    socklen_t length = sizeof(info);
    assert_int_equal(getsockopt(client->fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
    return info.tcpi_state;
}

/* A request that the client has sent is read before the connection is closed: what is left unread makes the
 * kernel send RST, which may take the 503 from the client. */
static void a_refusal_arrives_whole(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 2048, 2049, 8192, 8193, 60000};
    static char request[60000];
    struct world world;
    struct client holder, client;
    memset(request, 'x', sizeof(request));
    start(&world, 1);
    hold_body(&holder, &world);
    world_await_open(&world, 1);
    TABLE_ROWS(i, lengths, "") {
        client_connect(&client, &world, 0);
        if (lengths[i] > 0)
            client_send(&client, slice_make(request, lengths[i]));
        client_await_end(&client);
        assert_int_equal(client_tcp_state(&client), TCP_CLOSE_WAIT); /* and no RST came behind the FIN */
        assert_int_equal(client_count(&client, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"), 1);
        assert_int_equal(client_count(&client, "\r\n\r\nToo many connections, try again\n"), 1);
        client_close(&client);
    }
    assert_int_equal(world.counters.connections_refused, ARRAY_LENGTH(lengths));
    client_close(&holder);
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slow_client_makes_room),
        cmocka_unit_test(who_asks_is_not_shed),
        cmocka_unit_test(a_moment_is_everyones),
        cmocka_unit_test(who_gets_on_stays),
        cmocka_unit_test(a_fast_beginning_does_not_count_for_ever),
        cmocka_unit_test(the_cheapest_goes_first),
        cmocka_unit_test(four_listeners_share_the_room),
        cmocka_unit_test(a_refusal_arrives_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
