/* Paths of roots and served folders are watched off the loop, and no change is missed meanwhile. */
#include "tests/unit/server_builder.h"

#include "sys/file.h"

#include <pthread.h>

/* The calls that may take long are counted by thread; at one of them, something is changed on disk. */
static struct {
    pthread_t loop_thread;
    atomic_uint on_loop;
    atomic_uint off_loop;
    atomic_int left;               /* so many calls until the change; negative: never */
    bool is_after;                 /* the change comes after that call, not before */
    bool is_cold;                  /* the kernel does not know where a path leads without waiting */
    void (*change)(void *context); /* on whichever thread makes that call */
    void *context;
} calls;

static void calls_start(int change_at, void (*change)(void *context), void *context)
{
    calls.loop_thread = pthread_self();
    calls.change = change;
    calls.context = context;
    calls.is_after = calls.is_cold = false;
    atomic_store(&calls.on_loop, 0);
    atomic_store(&calls.off_loop, 0);
    atomic_store(&calls.left, change_at);
}

/* Returns whether this is the call that the change goes with. */
static bool count_call(void)
{
    atomic_fetch_add(pthread_equal(pthread_self(), calls.loop_thread) ? &calls.on_loop : &calls.off_loop, 1);
    return atomic_fetch_sub(&calls.left, 1) == 0;
}

/* Whether the change was not made, since there were fewer calls. */
static bool calls_are_over(void)
{
    return atomic_load(&calls.left) >= 0;
}

#define WRAP(result, name, parameters, arguments) \
    result __real_##name parameters;              \
    result __wrap_##name parameters;              \
    result __wrap_##name parameters               \
    {                                             \
        bool is_hit = count_call();               \
        if (is_hit && !calls.is_after)            \
            calls.change(calls.context);          \
        result value = __real_##name arguments;   \
        if (is_hit && calls.is_after)             \
            calls.change(calls.context);          \
        return value;                             \
    }

int __real_sys_open_root_cached(const char *path);
int __wrap_sys_open_root_cached(const char *path);
int __wrap_sys_open_root_cached(const char *path)
{
    return calls.is_cold ? -EAGAIN : __real_sys_open_root_cached(path);
}

WRAP(int, sys_inotify_watch, (int inotify_fd, int fd, enum inotify_interest interest),
     (inotify_fd, fd, interest))
WRAP(int, sys_open_root, (const char *path), (path))
WRAP(int, sys_open_entry, (int folder_fd, const char *name), (folder_fd, name))
WRAP(int, sys_path_status, (const char *path, struct file_status *status), (path, status))
WRAP(int, sys_entry_status, (int folder_fd, const char *name, struct file_status *status),
     (folder_fd, name, status))
WRAP(bool, sys_is_local_file_system, (int fd), (fd))

/* ---- a site of releases ---- */

#define RELEASES 3

struct site_of_releases {
    struct world world;
    struct client client;
    unsigned requests;
};

static const char *in_release(char out[128], int release, const char *name)
{
    snprintf(out, 128, "%d%s", release, name);
    return out;
}

/* Release number n has files of 111 * (n + 1) bytes. */
static void add_release(struct tree *tree, int release)
{
    char name[128];
    off_t size = 111 * (release + 1);
    tree_add_folder(tree, in_release(name, release, ""));
    tree_add_folder(tree, in_release(name, release, "/css"));
    tree_add_folder(tree, in_release(name, release, "/css/deep"));
    tree_add_file(tree, in_release(name, release, "/file"), size, 0);
    tree_add_file(tree, in_release(name, release, "/css/deep/file"), size, 0);
}

/* The link leads to the first release. */
static void releases_init(struct site_of_releases *site)
{
    char link[64];
    *site = (struct site_of_releases){0};
    calls_start(-1, NULL, NULL);
    world_init(&site->world);
    site->world.is_unwatched = true;
    for (int i = 0; i < RELEASES; i++)
        add_release(&site->world.tree, i);
    tree_add_link(&site->world.tree, "link", "0");
    snprintf(link, sizeof(link), "%s/link", site->world.tree.path);
    site->world.routes[0].files.root = world_keep(&site->world, link);
}

static void releases_start(struct site_of_releases *site)
{
    world_start(&site->world);
    client_connect(&site->client, &site->world, 0);
}

static void releases_finish(struct site_of_releases *site)
{
    client_close(&site->client);
    world_finish(&site->world);
}

static void move(struct site_of_releases *site, const char *from, const char *to)
{
    assert_int_equal(renameat(site->world.tree.fd, from, site->world.tree.fd, to), 0);
}

/* As a deployment does: the link is replaced at once. */
static void switch_to(struct site_of_releases *site, int release)
{
    char target[128];
    tree_add_link(&site->world.tree, "next", in_release(target, release, ""));
    move(site, "next", "link");
}

static void switch_to_second(void *context)
{
    switch_to(context, 1);
}

static void switch_to_third(void *context)
{
    switch_to(context, 2);
}

/* Returns the number of the release that answers. */
static int ask(struct site_of_releases *site, const char *path)
{
    char request[100];
    snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    client_say(&site->client, request);
    site->requests++;
    client_await(&site->client, "HTTP/1.1 200 OK\r\n", site->requests);
    const char *head = site->client.received.data;
    for (unsigned i = 0; i < site->requests; i++)
        head =
            memmem(head + 1, (size_t)(site->client.received.data + site->client.received.length - head - 1),
                   "Content-Length: ", 16);
    return atoi(head + 16) / 111 - 1;
}

/* ---- tests ---- */

static void nothing_slow_happens_on_the_loop(void **state)
{
    (void)state;
    struct site_of_releases site;
    releases_init(&site);
    releases_start(&site);
    calls_start(-1, NULL, NULL);
    assert_int_equal(ask(&site, "file"), 0);
    assert_int_equal(ask(&site, "css/deep/file"), 0);
    assert_true(world_root(&site.world)->is_path_watched);
    world_root(&site.world)->look_due_ms = 0;
    assert_int_equal(ask(&site, "file"), 0);
    unsigned before_switch = atomic_load(&calls.off_loop);
    switch_to(&site, 1);
    assert_int_equal(ask(&site, "css/deep/file"), 1);
    assert_int_equal(ask(&site, "file"), 1);
    assert_true(atomic_load(&calls.off_loop) > before_switch);
    assert_true(world_root(&site.world)->is_path_watched);
    assert_int_equal(atomic_load(&calls.on_loop), 0);
    releases_finish(&site);
}

/* The first request gets the release that the link led to when it was sent. */
static void a_switch_while_a_root_is_opened_is_noticed(void **state)
{
    (void)state;
    for (int at = 0; !calls_are_over() || at == 0; at++) {
        struct site_of_releases site;
        releases_init(&site);
        calls_start(at, switch_to_second, &site);
        releases_start(&site);
        bool is_switched = !calls_are_over();
        assert_int_equal(ask(&site, "file"), is_switched ? 1 : 0);
        releases_finish(&site);
        if (!is_switched)
            break;
    }
}

static void a_switch_during_a_look_is_noticed(void **state)
{
    (void)state;
    bool is_switched = true;
    for (int at = 0; is_switched; at++) {
        struct site_of_releases site;
        releases_init(&site);
        releases_start(&site);
        assert_int_equal(ask(&site, "file"), 0);
        switch_to(&site, 1);
        calls_start(at, switch_to_third, &site);
        int release = ask(&site, "file");
        assert_true(release == 1 || release == 2);
        is_switched = !calls_are_over();
        assert_int_equal(ask(&site, "file"), is_switched ? 2 : 1);
        assert_int_equal(ask(&site, "css/deep/file"), is_switched ? 2 : 1);
        releases_finish(&site);
    }
}

static void replace_folder(void *context)
{
    move(context, "0/css", "0/away");
    move(context, "1/css", "0/css");
}

static void replace_file(void *context)
{
    move(context, "1/css/deep/file", "0/css/deep/file");
}

/* Switches, and waits until the loop has been told. */
static void switch_and_wait(void *context)
{
    struct site_of_releases *site = context;
    const uint64_t *wishes = &world_root(&site->world)->wishes;
    uint64_t before = __atomic_load_n(wishes, __ATOMIC_RELAXED);
    switch_to(site, 1);
    for (int i = 0; i < PATIENCE_MS && __atomic_load_n(wishes, __ATOMIC_RELAXED) == before; i++)
        usleep(1000);
}

/* The look has just found that the path leads to the same folder, when it is switched: the result is out of
 * date before it is there. */
static void a_switch_after_a_look_is_noticed(void **state)
{
    (void)state;
    struct site_of_releases site;
    releases_init(&site);
    releases_start(&site);
    assert_int_equal(ask(&site, "file"), 0);
    calls_start(0, switch_and_wait, &site);
    calls.is_after = calls.is_cold = true;
    world_root(&site.world)->look_due_ms = 0;
    assert_int_equal(ask(&site, "file"), 0);
    assert_true(atomic_load(&calls.left) < 0);
    assert_int_equal(ask(&site, "file"), 1);
    assert_int_equal(atomic_load(&calls.on_loop), 0);
    releases_finish(&site);
}

static void a_change_while_folders_are_watched_is_noticed(void **state)
{
    (void)state;
    static void (*const changes[])(void *context) = {replace_folder, replace_file};
    for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
        bool is_changed = true;
        for (int at = 0; is_changed; at++) {
            struct site_of_releases site;
            releases_init(&site);
            releases_start(&site);
            calls_start(at, changes[i], &site);
            int release = ask(&site, "css/deep/file");
            assert_true(release == 0 || release == 1);
            is_changed = !calls_are_over();
            assert_int_equal(ask(&site, "css/deep/file"), is_changed ? 1 : 0);
            releases_finish(&site);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_slow_happens_on_the_loop),
        cmocka_unit_test(a_switch_while_a_root_is_opened_is_noticed),
        cmocka_unit_test(a_switch_during_a_look_is_noticed),
        cmocka_unit_test(a_switch_after_a_look_is_noticed),
        cmocka_unit_test(a_change_while_folders_are_watched_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
