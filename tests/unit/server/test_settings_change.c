/* Changes of settings under way: what they keep, what they do away with, and what their caller is told. */
#include "tests/unit/variant_builder.h"

uint64_t __real_sys_monotonic_ns(void);
uint64_t __wrap_sys_monotonic_ns(void);

static uint64_t skipped_ns;

uint64_t __wrap_sys_monotonic_ns(void)
{
    return __real_sys_monotonic_ns() + skipped_ns;
}

/* A root goes and comes back while a download from it is under way. */
static void a_root_comes_back_during_a_download(void **state)
{
    (void)state;
    enum { BYTES = 12u << 20 };
    struct world world;
    struct tree other;
    struct variant variant;
    struct client slow;
    char got[2048];
    variant_world(&world);
    world_add_file(&world, "big", BYTES);
    tree_init(&other);
    variant_init(&variant, other.path);
    client_connect(&slow, &world, 4096);
    client_say(&slow, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    world_await_state(&world, CLIENT_SEND);
    assert_int_equal(world_change(&world, variant.settings), 0);
    assert_int_equal(world.server->roots.roots.count, 2);
    assert_int_equal(world_change(&world, world.settings), 0);
    assert_int_equal(world.server->roots.roots.count, 1);
    uint64_t misses = world.counters.cache_misses;
    variant_ask(&world, ASK, got);
    variant_ask(&world, ASK, got);
    assert_int_equal(world.counters.cache_misses, misses + 1); /* it is cached again, and watched */
    variant_add_text(&world, "page.txt", "other content");
    variant_ask(&world, ASK, got);
    assert_non_null(strstr(got, "other content"));
    client_await_bytes(&slow, BYTES);
    client_close(&slow);
    file_cache_validate(world.server->files.cache);
    assert_null(root_table_validate(&world.server->roots));
    variant_finish(&variant);
    world_finish(&world);
    tree_finish(&other);
}

/* ---- what the caller is told ---- */

struct told {
    unsigned count;
    int error;
    size_t fault_count;
    char first[64];
    int errors[4];
};

static void note(void *context, const struct server_verdict *verdict)
{
    struct told *told = context;
    told->count++;
    told->error = verdict->error;
    told->fault_count = verdict->fault_count;
    for (size_t i = 0; i < verdict->fault_count; i++)
        told->errors[i] = verdict->faults[i].error;
    if (verdict->fault_count > 0)
        snprintf(told->first, sizeof(told->first), "%.*s", SLICE_ARGS(verdict->faults[0].path));
}

static bool is_told(void *context)
{
    return ((struct told *)context)->count > 0;
}

static void every_fault_is_told(void **state)
{
    (void)state;
    struct world world;
    struct variant variant;
    struct told told = {0};
    char got[2048], file[64];
    variant_world(&world);
    variant_init(&variant, "/nowhere/at/all");
    snprintf(file, sizeof(file), "%s/page.txt", world.tree.path);
    variant.routes[1].files.root = variant_keep(&variant, file);
    variant.site.route_count = 2;
    server_change(world.server, variant.settings, note, &told);
    world_expect(&world, is_told, &told);
    assert_int_equal(told.error, -ENOENT);
    assert_int_equal(told.fault_count, 2);
    assert_string_equal(told.first, "/nowhere/at/all");
    assert_int_equal(told.errors[1], -ENOTDIR);
    variant_ask(&world, ASK, got);
    assert_int_equal(world.server->roots.roots.count, 1);
    assert_int_equal(variant.settings->references, 1);
    variant_finish(&variant);
    world_finish(&world);
}

static void of_two_changes_the_later_counts(void **state)
{
    (void)state;
    struct world world;
    struct tree trees[2];
    struct variant variants[2];
    struct told told[2] = {0};
    variant_world(&world);
    for (size_t i = 0; i < 2; i++) {
        tree_init(&trees[i]);
        variant_init(&variants[i], trees[i].path);
        server_change(world.server, variants[i].settings, note, &told[i]);
    }
    assert_int_equal(told[0].count, 1);
    assert_int_equal(told[0].error, -ECANCELED);
    world_expect(&world, is_told, &told[1]);
    assert_int_equal(told[1].error, 0);
    assert_slice(world_root(&world)->spec.path, trees[1].path);
    while (world.server->change_jobs > 0)
        world_run_for(&world, 1);
    assert_int_equal(world.server->roots.roots.count, 1);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(told[i].count, 1);
        variant_finish(&variants[i]);
        tree_finish(&trees[i]);
    }
    world_finish(&world);
}

static void a_server_may_end_while_it_changes(void **state)
{
    (void)state;
    struct world world;
    struct variant variant;
    struct told told = {0};
    variant_world(&world);
    variant_init(&variant, "/");
    server_change(world.server, variant.settings, note, &told);
    world_end_server(&world);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.error, -ECANCELED);
    assert_int_equal(variant.settings->references, 1);
    variant_finish(&variant);
    world_finish(&world);
}

/* What is to be opened lies on a file system that does not answer: the loop goes on, the caller is told, and
 * no more than a few threads are spent on it. */
static void a_root_that_does_not_answer_is_told_of(void **state)
{
    (void)state;
    struct world world;
    struct variant variant;
    struct told told[5] = {0};
    struct plug plug;
    char got[2048];
    variant_world(&world);
    variant_ask(&world, ASK, got);
    variant_init(&variant, "/");
    plug_put(&plug, &world);
    for (size_t i = 0; i < 4; i++) {
        server_change(world.server, variant.settings, note, &told[i]);
        variant_ask(&world, ASK, got);
        assert_int_equal(told[i].count, 0);
        skipped_ns += UINT64_C(10000000000);
        world_expect(&world, is_told, &told[i]);
        assert_int_equal(told[i].error, -ETIMEDOUT);
        assert_string_equal(told[i].first, "/");
    }
    server_change(world.server, variant.settings, note, &told[4]);
    assert_int_equal(told[4].error, -EBUSY);
    plug_pull(&plug, &world);
    while (world.server->change_jobs > 0)
        world_run_for(&world, 1);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(told[i].count, 1);
    assert_int_equal(world.server->roots.roots.count, 1);
    assert_int_equal(world_change(&world, variant.settings), 0);
    assert_slice(world_root(&world)->spec.path, "/");
    variant_finish(&variant);
    world_finish(&world);
}

/* Where a root is on a network it is not asked whether its path still leads there; on a disk it is. */
static void a_root_that_is_open_is_asked_only_where_it_answers(void **state)
{
    (void)state;
    struct world world;
    struct variant variant;
    char moved[64];
    variant_world(&world);
    variant_init(&variant, world.tree.path);
    snprintf(moved, sizeof(moved), "%s-moved", world.tree.path);
    assert_int_equal(rename(world.tree.path, moved), 0);
    assert_int_equal(world_change(&world, variant.settings), -ENOENT);
    world_root(&world)->is_local = false;
    assert_int_equal(world_change(&world, variant.settings), 0);
    assert_int_equal(rename(moved, world.tree.path), 0);
    variant_finish(&variant);
    world_finish(&world);
}

/* ---- queues ---- */

/* The disk has as many jobs as it may have, as if it did not answer any more. A change makes no other queue
 * beside that one, whichever folder of it is served. */
static void a_device_has_one_queue(void **state)
{
    (void)state;
    struct world world;
    struct tree other;
    struct variant variant;
    struct client client;
    variant_world(&world);
    tree_init(&other);
    tree_add_file(&other, "file", 111, 0);
    variant_init(&variant, other.path);
    struct job_queue *queue = &world_root(&world)->jobs->own;
    queue->running_count = queue->running_max;
    assert_int_equal(world_change(&world, variant.settings), 0);
    assert_ptr_equal(&world_root(&world)->jobs->own, queue);
    world_root(&world)->is_local = false; /* every look-up goes off the loop */
    world_root(&world)->look_due_ms = UINT64_MAX;
    client_connect(&client, &world, 0);
    client_say(&client, "GET /file HTTP/1.1\r\nHost: x\r\n\r\n");
    world_await_state(&world, CLIENT_HANDLE);
    world_run_for(&world, 20);
    assert_int_equal(queue->waiting_count, 1);
    unsigned held = queue->running_count;
    for (unsigned i = 0; i < held; i++)
        job_queue_leave(&(struct queued_job){.queue = queue});
    client_await(&client, "Content-Length: 111\r\n", 1);
    client_close(&client);
    variant_finish(&variant);
    world_finish(&world);
    tree_finish(&other);
}

/* Others are not held up by it: here those of /proc, which is a device of its own. */
static void a_device_holds_up_no_other(void **state)
{
    (void)state;
    struct world world;
    struct variant variant;
    struct client client;
    variant_world(&world);
    variant_init(&variant, "/proc/self");
    struct job_queue *queue = &world_root(&world)->jobs->own;
    unsigned running = queue->running_count;
    queue->running_count = queue->running_max;
    assert_int_equal(world_change(&world, variant.settings), 0);
    assert_ptr_not_equal(&world_root(&world)->jobs->own, queue);
    world_root(&world)->is_local = false;
    world_root(&world)->look_due_ms = UINT64_MAX;
    client_connect(&client, &world, 0);
    client_say(&client, "HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    client_await(&client, "HTTP/1.1 404 ", 1);
    queue->running_count = running;
    client_close(&client);
    variant_finish(&variant);
    world_finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_comes_back_during_a_download),
        cmocka_unit_test(every_fault_is_told),
        cmocka_unit_test(of_two_changes_the_later_counts),
        cmocka_unit_test(a_server_may_end_while_it_changes),
        cmocka_unit_test(a_root_that_does_not_answer_is_told_of),
        cmocka_unit_test(a_root_that_is_open_is_asked_only_where_it_answers),
        cmocka_unit_test(a_device_has_one_queue),
        cmocka_unit_test(a_device_holds_up_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
