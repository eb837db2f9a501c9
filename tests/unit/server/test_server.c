/* Settings that change while requests are under way, and what becomes of the old ones. */
#include "tests/unit/server_builder.h"

#include "disk/root_path.h"

#include <dirent.h>
#include <malloc.h>

#define SMALL "GET /small HTTP/1.1\r\nHost: x\r\n\r\n"

/* Settings that serve another tree. The site and the route are the caller's. */
static struct settings *settings_for(struct tree *tree, struct slice *host, struct site *site,
                                     struct route *route)
{
    struct settings *settings = settings_create();
    assert_non_null(settings);
    *host = SLICE("*");
    *route = (struct route){
        .prefix = SLICE("/"),
        .kind = ROUTE_FILES,
        .files = {.root = arena_copy(&settings->arena, slice_from(tree->path)), .listing = true}};
    *site = (struct site){.hosts = host, .host_count = 1, .routes = route, .route_count = 1};
    settings->sites = site;
    settings->site_count = 1;
    return settings;
}

struct another {
    struct tree tree;
    struct slice host;
    struct site site;
    struct route route;
    struct settings *settings;
};

static void another_init(struct another *another)
{
    tree_init(&another->tree);
    another->settings = settings_for(&another->tree, &another->host, &another->site, &another->route);
}

static void another_finish(struct another *another)
{
    settings_unref(another->settings);
    tree_finish(&another->tree);
}

/* The old root's memory may be the new one's: the cache must not take one for the other. */
static void nothing_of_the_old_root_is_served(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    world_init(&world);
    world_add_file(&world, "small", 10);
    world_start(&world);
    client_connect(&client, &world, 0);
    for (unsigned round = 0; round < 10; round++) {
        struct another another;
        char size[32];
        for (unsigned i = 1; i <= 2; i++) { /* the second out of the cache */
            client_say(&client, SMALL);
            client_await(&client, "Content-Length: 10\r\n", 2 * round + i);
        }
        another_init(&another);
        tree_add_file(&another.tree, "small", 100 + round, 1000);
        assert_int_equal(world_change(&world, another.settings), 0);
        client_say(&client, SMALL);
        snprintf(size, sizeof(size), "Content-Length: %u\r\n", 100 + round);
        client_await(&client, size, 1);
        assert_int_equal(world_change(&world, world.settings), 0);
        another_finish(&another);
    }
    client_close(&client);
    world_finish(&world);
}

/* Listings wait as if others were being made, while the pool's thread is free. */
static void hold_listings(struct world *world)
{
    world->server->files.listings.running_count = JOB_QUEUE_LISTINGS_MAX;
}

static void let_listings_go(struct world *world)
{
    for (unsigned i = 0; i < JOB_QUEUE_LISTINGS_MAX; i++)
        job_queue_leave(&(struct queued_job){.queue = &world->server->files.listings});
}

static void a_request_keeps_the_settings_that_it_began_with(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    struct another another;
    world_init(&world);
    world_add_file(&world, "small", 10);
    tree_add_folder(&world.tree, "folder");
    tree_add_file(&world.tree, "folder/old", 1, 0);
    world_start(&world);
    hold_listings(&world);
    client_connect(&client, &world, 0);
    client_say(&client, "GET /folder/ HTTP/1.1\r\nHost: x\r\n\r\n");
    world_await_state(&world, CLIENT_HANDLE);
    another_init(&another);
    tree_add_folder(&another.tree, "folder");
    tree_add_file(&another.tree, "folder/new", 1, 0);
    assert_int_equal(world_change(&world, another.settings), 0);
    let_listings_go(&world);
    client_await(&client, "</html>", 1);
    assert_true(client_count(&client, "old") > 0);
    assert_int_equal(client_count(&client, "new"), 0);
    client_say(&client, "GET /folder/ HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, "</html>", 2);
    assert_true(client_count(&client, "new") > 0);
    client_close(&client);
    another_finish(&another);
    world_finish(&world);
}

static void a_download_goes_on(void **state)
{
    (void)state;
    enum { BYTES = 12u << 20 };
    struct world world;
    struct client client;
    struct another another;
    world_init(&world);
    world_add_file(&world, "big", BYTES);
    world_start(&world);
    client_connect(&client, &world, 4096);
    client_say(&client, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    world_await_state(&world, CLIENT_SEND);
    another_init(&another);
    assert_int_equal(world_change(&world, another.settings), 0);
    client_await_bytes(&client, BYTES);
    world_await_state(&world, CLIENT_IDLE);
    client_close(&client);
    another_finish(&another);
    world_finish(&world);
}

static void settings_that_fail_change_nothing(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    struct another another;
    world_init(&world);
    world_add_file(&world, "small", 10);
    world_start(&world);
    another_init(&another);
    another.route.files.root = SLICE("/nowhere/at/all");
    assert_int_equal(world_change(&world, another.settings), -ENOENT);
    client_connect(&client, &world, 0);
    client_say(&client, SMALL);
    client_await(&client, "HTTP/1.1 200 OK", 1);
    client_close(&client);
    another_finish(&another);
    world_finish(&world);
}

static void limits_take_effect_at_once(void **state)
{
    (void)state;
    struct world world;
    struct client clients[3];
    struct another another;
    world_init(&world);
    world.settings->limits.connections = 1;
    world_start(&world);
    another_init(&another);
    another.settings->limits.connections = 200;
    another.settings->limits.uri_bytes = 10;
    assert_int_equal(world_change(&world, another.settings), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++) {
        client_connect(&clients[i], &world, 0);
        client_say(&clients[i], i ? SMALL : "GET /longer/than/that HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    client_await(&clients[0], "HTTP/1.1 414 ", 1);
    client_await(&clients[1], "HTTP/1.1 404 ", 1);
    client_await(&clients[2], "HTTP/1.1 404 ", 1);
    assert_true(world.server->front.connections.count_max >= 200);
    for (size_t i = 0; i < ARRAY_LENGTH(clients); i++)
        client_close(&clients[i]);
    another_finish(&another);
    world_finish(&world);
}

/* The limit per address comes and goes while connections are open: each gives back what it took. */
static void addresses_are_counted_from_when_they_are(void **state)
{
    (void)state;
    struct world world;
    struct client before, after, refused;
    struct another another;
    world_init(&world);
    world_start(&world);
    client_connect(&before, &world, 0);
    world_await_state(&world, CLIENT_IDLE);
    another_init(&another);
    another.settings->limits.connections_per_address = 1;
    assert_int_equal(world_change(&world, another.settings), 0);
    client_connect(&after, &world, 0);
    world_run_for(&world, 10);
    client_close(&before);
    world_run_for(&world, 10);
    client_connect(&refused, &world, 0);
    client_await(&refused, "HTTP/1.1 503 ", 1);
    assert_int_equal(world.server->service.client_counts.count, 1);
    client_close(&after);
    client_close(&refused);
    world_run_for(&world, 10);
    assert_int_equal(world.server->service.client_counts.count, 0);
    another_finish(&another);
    world_finish(&world);
}

/* A head must be complete by the deadline that it began with, whether new settings give more time or less. */
static void a_deadline_is_that_of_the_settings_it_was_set_by(void **state)
{
    (void)state;
    static const uint32_t head_ms[][2] = {{1000, 60000}, {60000, 1}};
    TABLE_ROWS(i, head_ms, "") {
        struct world world;
        struct client client;
        struct another another;
        world_init(&world);
        world.settings->timeouts.head_ms = head_ms[i][0];
        world_start(&world);
        client_connect(&client, &world, 0);
        client_say(&client, "GET /small HTTP/1.1\r\nHo");
        world_await_state(&world, CLIENT_HEAD);
        struct connection *connection = world_connection(&world);
        uint64_t deadline_ms = connection->client.deadline_ms;
        another_init(&another);
        another.settings->timeouts.head_ms = head_ms[i][1];
        assert_int_equal(world_change(&world, another.settings), 0);
        client_say(&client, "st: x\r\nA: ");
        world_run_for(&world, 20);
        assert_int_equal(connection->client.state, CLIENT_HEAD);
        assert_int_equal(connection->client.deadline_ms, deadline_ms);
        if (head_ms[i][0] > head_ms[i][1])
            client_say(&client, "b\r\n\r\n");
        client_await(&client, head_ms[i][0] > head_ms[i][1] ? "HTTP/1.1 404 " : "HTTP/1.1 408 ", 1);
        client_close(&client);
        another_finish(&another);
        world_finish(&world);
    }
}

static unsigned count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    unsigned count = 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* After each swap a file is opened, answered and cached. */
static void swap_a_thousand_times(struct world *world, struct settings *settings[2])
{
    for (unsigned i = 0; i < 1000; i += 100) {
        struct client client;
        client_connect(&client, world, 0);
        for (unsigned k = 1; k <= 100; k++) {
            assert_int_equal(world_change(world, settings[k % 2]), 0);
            client_say(&client, "HEAD /file HTTP/1.1\r\nHost: x\r\n\r\n");
            client_await(&client, "HTTP/1.1 200 OK", k);
        }
        client_close(&client);
        world_await_open(world, 0);
    }
    world_run_for(world, 10);
}

/* The first thousand fill malloc's own caches, whose bytes count as used. A sanitizer's malloc gives no
 * figures, but finds in the end what nobody refers to. */
static void a_thousand_swaps_leave_nothing(void **state)
{
    (void)state;
    struct world world;
    struct another another;
    world_init(&world);
    world_add_file(&world, "file", 1 << 20);
    world_start(&world);
    another_init(&another);
    tree_add_file(&another.tree, "file", 1 << 20, 1000);
    struct settings *settings[] = {world.settings, another.settings};
    swap_a_thousand_times(&world, settings);
    unsigned descriptors = count_descriptors();
    size_t bytes = mallinfo2().uordblks;
    swap_a_thousand_times(&world, settings);
    assert_int_equal(count_descriptors(), descriptors);
    assert_in_range(mallinfo2().uordblks, 0, bytes + 4096);
    another_finish(&another);
    world_finish(&world);
}

/* A deployment swings the link that the root is. */
static void a_root_that_moves(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    char link[64], old[64], new[64];
    for (int local = 0; local < 2; local++) {
        world_init(&world);
        tree_add_folder(&world.tree, "old");
        tree_add_folder(&world.tree, "new");
        tree_add_file(&world.tree, "old/file", 111, 0);
        tree_add_file(&world.tree, "new/file", 222, 0);
        snprintf(old, sizeof(old), "%s/old", world.tree.path);
        snprintf(new, sizeof(new), "%s/new", world.tree.path);
        snprintf(link, sizeof(link), "%s/link", world.tree.path);
        assert_int_equal(symlink(old, link), 0);
        world.routes[0].files.root = world_keep(&world, link);
        world_start(&world);
        struct root *root = world_root(&world);
        root->is_local = local;
        if (!local)
            root_path_forget(root);
        client_connect(&client, &world, 0);
        client_say(&client, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
        client_await(&client, "Content-Length: 111\r\n", 1);
        assert_int_equal(unlink(link), 0);
        assert_int_equal(symlink(new, link), 0);
        client_say(&client, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
        /* A local path is watched; what is far was looked at a moment ago. */
        client_await(&client, local ? "Content-Length: 222\r\n" : "Content-Length: 111\r\n", local ? 1 : 2);
        root->look_due_ms = 0;
        client_say(&client, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
        client_await(&client, "HTTP/1.1 200 OK", 3);
        client_say(&client, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
        client_await(&client, "HTTP/1.1 200 OK", 4);
        assert_true(client_count(&client, "Content-Length: 222\r\n") >= 1);
        client_close(&client);
        world_finish(&world);
    }
}

/* One that nobody may read stands beside a file: the file is served, again and again. */
static void an_unreadable_sibling_is_passed_over(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    world_init(&world);
    world_add_file(&world, "style.css", 10);
    world_add_file(&world, "style.css.gz", 5);
    assert_int_equal(fchmodat(world.tree.fd, "style.css.gz", 0, 0), 0);
    assert_int_equal(fchmod(world.tree.fd, 0755), 0);
    world_start(&world);
    bool is_superuser = geteuid() == 0;
    if (is_superuser)
        assert_int_equal(seteuid(65534), 0);
    client_connect(&client, &world, 0);
    for (unsigned i = 1; i <= 4; i++) {
        client_say(&client, "GET /style.css HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
        client_await(&client, "Content-Length: 10\r\n", i);
    }
    client_close(&client);
    if (is_superuser)
        assert_int_equal(seteuid(0), 0);
    world_finish(&world);
}

static struct file *cached_file(struct world *world, struct slice path)
{
    struct root *root = world_root(world);
    struct file *file = file_cache_find(world->server->files.cache, root, path, HTTP_CODING_IDENTITY);
    assert_non_null(file);
    file_unref(file);
    return file;
}

/* Nobody tells of changes there, and to ask at each request would cost each one a journey. */
static void what_is_far_is_believed_for_a_while(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    world_init(&world);
    world.is_unwatched = true;
    tree_add_file(&world.tree, "file", 111, 0);
    world_start(&world);
    struct root *root = world_root(&world);
    root->is_local = false;
    root->look_due_ms = UINT64_MAX;
    client_connect(&client, &world, 0);
    client_say(&client, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, "Content-Length: 111\r\n", 1);
    assert_true(cached_file(&world, SLICE("file"))->is_remote);
    cached_file(&world, SLICE("file"))->seen_ms = loop_now_ms(world.loop);
    assert_int_equal(unlinkat(world.tree.fd, "file", 0), 0);
    tree_add_file(&world.tree, "file", 222, 0);
    client_say(&client, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, "Content-Length: 111\r\n", 2);
    assert_int_equal(root->jobs->own.running_count, 0);
    cached_file(&world, SLICE("file"))->seen_ms = loop_now_ms(world.loop) - 1000;
    client_say(&client, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, "Content-Length: 222\r\n", 1);
    client_say(&client, "GET /missing HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, "HTTP/1.1 404 ", 1);
    assert_int_equal(cached_file(&world, SLICE("missing"))->kind, FILE_ABSENT);
    client_close(&client);
    world_finish(&world);
}

static bool two_look(void *context)
{
    return ((struct root *)context)->jobs->own.running_count == 2;
}

/* While one request looks again, the others are answered, but not with what is old. */
static void a_look_at_what_is_far_holds_up_nobody_else(void **state)
{
    (void)state;
    struct world world;
    struct client client, other;
    struct plug plug;
    world_init(&world);
    world.is_unwatched = true;
    tree_add_file(&world.tree, "file", 111, 0);
    world_start(&world);
    struct root *root = world_root(&world);
    root->is_local = false;
    root->look_due_ms = UINT64_MAX;
    client_connect(&client, &world, 0);
    client_connect(&other, &world, 0);
    client_say(&client, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, "Content-Length: 111\r\n", 1);
    cached_file(&world, SLICE("file"))->seen_ms = loop_now_ms(world.loop) - 1000;
    plug_put(&plug, &world);
    client_say(&client, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    client_say(&other, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&other, "Content-Length: 111\r\n", 1);
    client_say(&other, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&other, "Content-Length: 111\r\n", 2);
    assert_int_equal(client_count(&client, "HTTP/1.1 "), 1);
    cached_file(&world, SLICE("file"))->seen_ms = loop_now_ms(world.loop) - 10000;
    client_say(&other, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    world_expect(&world, two_look, root);
    assert_int_equal(client_count(&other, "HTTP/1.1 "), 2);
    plug_pull(&plug, &world);
    client_await(&client, "Content-Length: 111\r\n", 2);
    client_await(&other, "Content-Length: 111\r\n", 3);
    client_close(&client);
    client_close(&other);
    world_finish(&world);
}

/* Neither its pages nor its end are the loop's business. */
static void a_large_file_that_is_far_is_read_off_the_loop(void **state)
{
    (void)state;
    struct world world;
    struct client client;
    world_init(&world);
    world.is_unwatched = true;
    world.settings->limits.cache_file_bytes = 100;
    tree_add_file(&world.tree, "file", 30000, 0);
    world_start(&world);
    struct root *root = world_root(&world);
    root->is_local = false;
    root->look_due_ms = UINT64_MAX;
    client_connect(&client, &world, 0);
    for (unsigned i = 1; i <= 2; i++) {
        client_say(&client, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
        client_await(&client, "Content-Length: 30000\r\n", i);
        world_await_state(&world, CLIENT_IDLE);
    }
    struct file *file = cached_file(&world, SLICE("file"));
    int fd = file->fd;
    assert_true(fd >= 0 && file->close_queue == &world.server->files.close_queue);
    file_cache_drop(world.server->files.cache, file);
    assert_true(world.server->files.close_queue.is_busy);
    while (world.server->files.close_queue.is_busy)
        world_run_for(&world, 1);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    client_close(&client);
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_the_old_root_is_served),
        cmocka_unit_test(a_request_keeps_the_settings_that_it_began_with),
        cmocka_unit_test(a_download_goes_on),
        cmocka_unit_test(settings_that_fail_change_nothing),
        cmocka_unit_test(limits_take_effect_at_once),
        cmocka_unit_test(addresses_are_counted_from_when_they_are),
        cmocka_unit_test(a_deadline_is_that_of_the_settings_it_was_set_by),
        cmocka_unit_test(a_thousand_swaps_leave_nothing),
        cmocka_unit_test(a_root_that_moves),
        cmocka_unit_test(an_unreadable_sibling_is_passed_over),
        cmocka_unit_test(what_is_far_is_believed_for_a_while),
        cmocka_unit_test(a_look_at_what_is_far_holds_up_nobody_else),
        cmocka_unit_test(a_large_file_that_is_far_is_read_off_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
