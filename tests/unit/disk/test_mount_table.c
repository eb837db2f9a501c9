/* What the file cache believes ends with a change of the mount table. */
#include "tests/unit/loop/stream_owner.h"
#include "tests/unit/watch_builder.h"

#include "disk/file_cache.h"
#include "loop/loop.h"

#include <poll.h>

/* Stands in for the mount table: a connection, whose urgent data is told as a change of the table is. */
static struct {
    bool is_there;
    unsigned opened;
    int fds[2][2]; /* of the one that is asked and the one that is watched: the cache's end, and ours */
} table;

int __wrap_sys_open_mount_table(void);
int __wrap_sys_open_mount_table(void)
{
    if (!table.is_there)
        return -ENOENT;
    int *fds = table.fds[table.opened++];
    connect_tcp(fds);
    return fds[0];
}

static void mount_something(struct loop *loop, struct file_cache *cache, bool is_polled)
{
    char byte;
    const int *fds = table.fds[is_polled ? 0 : 1];
    assert_int_equal(send(fds[1], "!", 1, MSG_OOB), 1);
    struct pollfd urgent = {.fd = fds[0], .events = POLLPRI};
    assert_int_equal(poll(&urgent, 1, -1), 1);
    if (is_polled)
        file_cache_poll(cache);
    else
        assert_int_equal(loop_run_once(loop, 0), 0);
    assert_int_equal(recv(fds[0], &byte, 1, MSG_OOB), 1);
}

static void ignore_line(struct log *log, enum log_level level, struct slice line)
{
    (void)log, (void)level, (void)line;
}

/* Whatever was found before it, and by looks that began before it, is compared before it is used. */
static void belief_ends_with_a_mount(void **state)
{
    (void)state;
    struct loop *loop;
    struct file_cache *cache;
    struct log log = {.level = LOG_LEVEL_DEBUG, .write = ignore_line};
    struct limits limits = {.cache_entries = 10, .cache_bytes = 1000};
    struct root root = {.fd = sys_open_root("/"), .is_local = true};
    struct file file = {.kind = FILE_ABSENT, .root = &root};
    table.is_there = true;
    assert_int_equal(loop_create(&(struct loop_options){0}, &loop), 0);
    assert_int_equal(file_cache_create(loop, &limits, &log, &cache), 0);
    for (unsigned is_polled = 0; is_polled <= 1; is_polled++) {
        struct cache_ticket before = cache_folders(cache, &root, SLICE("x"));
        file_cache_note_seen(cache, &file, before, 1000);
        assert_true(file_cache_believes(cache, &file, 1000));
        root.look_due_ms = root.path_due_ms = 5000;
        mount_something(loop, cache, is_polled);
        assert_true(root_look_is_due(&root, 1000) && root.path_due_ms == 0);
        assert_false(file_cache_believes(cache, &file, 1000));
        file.is_revalidating = true; /* nor while somebody looks */
        assert_false(file_cache_believes(cache, &file, 1000));
        file.is_revalidating = false;
        file_cache_note_seen(cache, &file, before, 1000);
        assert_false(file_cache_believes(cache, &file, 1000));
        file_cache_note_seen(cache, &file, file_cache_cover_nothing(cache, &root), 1000);
        assert_true(file_cache_believes(cache, &file, 1000));
    }
    file_cache_retire_root(cache, &root);
    file_cache_destroy(cache);
    loop_destroy(loop);
    sys_close(root.fd);
    assert_int_equal(table.opened, 2);
    close(table.fds[0][1]);
    close(table.fds[1][1]);
}

static void without_a_table_there_is_a_cache(void **state)
{
    (void)state;
    struct loop *loop;
    struct file_cache *cache;
    struct log log = {.level = LOG_LEVEL_DEBUG, .write = ignore_line};
    struct limits limits = {.cache_entries = 10, .cache_bytes = 1000};
    table.is_there = false;
    assert_int_equal(loop_create(&(struct loop_options){0}, &loop), 0);
    assert_int_equal(file_cache_create(loop, &limits, &log, &cache), 0);
    file_cache_poll(cache);
    file_cache_destroy(cache);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(belief_ends_with_a_mount),
        cmocka_unit_test(without_a_table_there_is_a_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
