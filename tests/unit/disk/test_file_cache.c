/* The cache holds what is true, and no more than it may. */
#include "tests/unit/tree_builder.h"
#include "tests/unit/watch_builder.h"

#include "disk/file_cache.h"
#include "loop/loop.h"

#include <stdio.h>

#define LONG_AGO 1000000000

struct store {
    struct tree tree;
    struct log log;
    struct loop *loop;
    struct file_cache *cache;
    struct limits limits;
    struct root root; /* last: it has room for a path behind it */
};

static void ignore_line(struct log *log, enum log_level level, struct slice line)
{
    (void)log, (void)level, (void)line;
}

static void store_init(struct store *store, uint32_t entries, uint64_t bytes)
{
    *store = (struct store){.log = {.level = LOG_LEVEL_DEBUG, .write = ignore_line},
                            .limits = {.cache_entries = entries, .cache_bytes = bytes}};
    tree_init(&store->tree);
    store->root = (struct root){.fd = store->tree.fd, .is_local = true};
    assert_int_equal(loop_create(&(struct loop_options){0}, &store->loop), 0);
    assert_int_equal(file_cache_create(store->loop, &store->limits, &store->log, &store->cache), 0);
}

static void store_finish(struct store *store)
{
    file_cache_destroy(store->cache);
    loop_destroy(store->loop);
    tree_finish(&store->tree);
}

static struct file *open_coding(struct store *store, const char *path, enum http_coding coding)
{
    struct file_request request = {
        .root = &store->root,
        .reach = {.root_fd = store->root.fd, .root_path = store->tree.path},
        .root_serial = store->root.serial,
        .path = slice_from(path),
        .coding = coding,
        .memory_max = 65536,
        .with_siblings = coding == HTTP_CODING_IDENTITY,
    };
    struct file *file = NULL;
    /* What was made a moment ago is not cached. */
    do {
        file_unref(file);
        assert_int_equal(file_open(&request, &file), 0);
    } while (file->is_racy && usleep(1000) == 0);
    return file;
}

/* As a request would: covers, opens, offers. */
static void load_coding(struct store *store, const char *path, enum http_coding coding)
{
    struct cache_ticket ticket = cache_folders(store->cache, &store->root, slice_from(path));
    struct file *file = open_coding(store, path, coding);
    file_cache_insert(store->cache, file, ticket);
    file_unref(file);
}

static void load(struct store *store, const char *path)
{
    load_coding(store, path, HTTP_CODING_IDENTITY);
}

/* In another turn of the loop, which bounds the work of each. */
static void see_changes(struct store *store)
{
    assert_int_equal(loop_run_once(store->loop, 0), 0);
    file_cache_poll(store->cache);
    file_cache_validate(store->cache);
}

static bool has_coding(struct store *store, const char *path, enum http_coding coding)
{
    see_changes(store);
    struct file *file = file_cache_find(store->cache, &store->root, slice_from(path), coding);
    file_unref(file);
    return file != NULL;
}

static bool has(struct store *store, const char *path)
{
    return has_coding(store, path, HTTP_CODING_IDENTITY);
}

static void put(struct store *store, const char *name, size_t size)
{
    int fd = openat(store->tree.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    close(fd);
    tree_date(&store->tree, name, LONG_AGO);
}

static void found_is_what_was_inserted(void **state)
{
    (void)state;
    struct store store;
    store_init(&store, 100, 1u << 20);
    put(&store, "file", 10);
    assert_false(has(&store, "file"));
    load(&store, "file");
    struct file *file = file_cache_find(store.cache, &store.root, SLICE("file"), HTTP_CODING_IDENTITY);
    assert_non_null(file);
    assert_true(file->is_cached);
    assert_int_equal(file->references, 2);
    struct root other = store.root;
    assert_null(file_cache_find(store.cache, &other, SLICE("file"), HTTP_CODING_IDENTITY));
    assert_null(file_cache_find(store.cache, &store.root, SLICE("file"), HTTP_CODING_GZIP));
    file_cache_drop(store.cache, file);
    file_cache_drop(store.cache, file); /* it is out already */
    assert_false(file->is_cached);
    assert_int_equal(file->references, 1);
    file_unref(file);
    store_finish(&store);
}

static void changes_take_files_out(void **state)
{
    (void)state;
    struct store store;
    store_init(&store, 100, 1u << 20);
    int fd = store.tree.fd;
    tree_add_folder(&store.tree, "a");
    tree_add_folder(&store.tree, "a/b");
    static const char *const names[] = {"file", "a/file", "a/b/file"};
    TABLE_ROWS(i, names, names[i]) {
        const char *name = names[i];
        load(&store, name);
        assert_true(has(&store, name)); /* that it is absent */
        put(&store, name, 10);
        assert_false(has(&store, name));
        load(&store, name);
        assert_true(has(&store, name));
        put(&store, name, 11);
        assert_false(has(&store, name));
        load(&store, name);
        put(&store, "new", 12);
        assert_true(has(&store, name));
        assert_int_equal(renameat(fd, "new", fd, name), 0);
        assert_false(has(&store, name));
        load(&store, name);
        assert_int_equal(unlinkat(fd, name, 0), 0);
        assert_false(has(&store, name));
        put(&store, name, 1);
        assert_false(has(&store, name));
        load(&store, name);
        assert_true(has(&store, name));
    }
    assert_int_equal(renameat(fd, "a", fd, "c"), 0);
    assert_false(has(&store, "a/file"));
    assert_false(has(&store, "a/b/file"));
    assert_true(has(&store, "file"));
    load(&store, "c");
    assert_true(has(&store, "c"));
    assert_int_equal(fchmodat(fd, "c", 0755, 0), 0);
    assert_false(has(&store, "c"));
    store_finish(&store);
}

static void siblings_concern_their_file(void **state)
{
    (void)state;
    struct store store;
    store_init(&store, 100, 1u << 20);
    put(&store, "page", 10);
    load(&store, "page");
    put(&store, "page.br", 5);
    assert_false(has(&store, "page"));
    load(&store, "page");
    load_coding(&store, "page", HTTP_CODING_BR);
    assert_true(has(&store, "page"));
    assert_true(has_coding(&store, "page", HTTP_CODING_BR));
    put(&store, "page.br", 6);
    assert_false(has(&store, "page"));
    assert_false(has_coding(&store, "page", HTTP_CODING_BR));
    load(&store, "page");
    load_coding(&store, "page", HTTP_CODING_BR);
    put(&store, "page", 11);
    assert_false(has(&store, "page"));
    assert_false(has_coding(&store, "page", HTTP_CODING_BR));
    store_finish(&store);
}

/* A change between the look and the offer: what was opened may be either version. */
static void a_change_in_between_is_not_cached(void **state)
{
    (void)state;
    struct store store;
    store_init(&store, 100, 1u << 20);
    put(&store, "file", 10);
    struct cache_ticket ticket = cache_folders(store.cache, &store.root, SLICE("file"));
    struct file *file = open_coding(&store, "file", HTTP_CODING_IDENTITY);
    put(&store, "file", 11);
    see_changes(&store);
    file_cache_insert(store.cache, file, ticket);
    assert_false(has(&store, "file"));
    /* The same where nobody was told yet: then it goes when he is. */
    ticket = cache_folders(store.cache, &store.root, SLICE("file"));
    file_unref(file);
    file = open_coding(&store, "file", HTTP_CODING_IDENTITY);
    put(&store, "file", 12);
    file_cache_insert(store.cache, file, ticket);
    assert_false(has(&store, "file"));
    file_unref(file);
    store_finish(&store);
}

static void what_nobody_watches_is_revalidated(void **state)
{
    (void)state;
    struct store store;
    store_init(&store, 100, 1u << 20);
    put(&store, "file", 10);
    tree_add_link(&store.tree, "link", "file");
    tree_add_link(&store.tree, "dangling", "nothing");
    load(&store, "link");
    struct file *file = file_cache_find(store.cache, &store.root, SLICE("link"), HTTP_CODING_IDENTITY);
    assert_non_null(file);
    assert_true(file->revalidate);
    file_unref(file);
    load(&store, "dangling");
    assert_false(has(&store, "dangling"));
    store.root.is_local = false;
    load(&store, "file");
    file = file_cache_find(store.cache, &store.root, SLICE("file"), HTTP_CODING_IDENTITY);
    assert_non_null(file);
    assert_true(file->revalidate);
    file_unref(file);
    store_finish(&store);
}

static struct file *cached(struct store *store, const char *path)
{
    struct file *file = file_cache_find(store->cache, &store->root, slice_from(path), HTTP_CODING_IDENTITY);
    assert_non_null(file);
    file_unref(file); /* the cache has one */
    return file;
}

/* Also of what is watched: there are changes that nobody is told of. */
static void belief_has_an_end(void **state)
{
    (void)state;
    struct store store;
    store_init(&store, 100, 1u << 20);
    put(&store, "file", 10);
    load(&store, "file");
    struct file *file = cached(&store, "file");
    struct cache_ticket ticket = file_cache_cover_nothing(store.cache, &store.root);
    file_cache_note_seen(store.cache, file, ticket, 1000);
    assert_true(file_cache_believes(store.cache, file, 1000 + FILE_TRUST_MS - 1));
    assert_false(file_cache_believes(store.cache, file, 1000 + FILE_TRUST_MS));
    /* While one request looks, the others go on with it, but not for ever. */
    file->is_revalidating = true;
    assert_true(file_cache_believes(store.cache, file, 1000 + FILE_TRUST_MS));
    assert_false(file_cache_believes(store.cache, file, 1000 + FILE_OLD_MS));
    file->is_remote = true;
    assert_true(file_cache_believes(store.cache, file, 1000 + FILE_OLD_MS));
    assert_false(file_cache_believes(store.cache, file, 1000 + FILE_OLD_REMOTE_MS));
    file->is_revalidating = file->is_remote = false;
    store_finish(&store);
}

/* Who looked again may have found that nobody watches it any more. */
static void what_is_confirmed_is_as_watched_as_it_is(void **state)
{
    (void)state;
    struct store store;
    store_init(&store, 100, 1u << 20);
    put(&store, "file", 10);
    load(&store, "file");
    struct file *file = cached(&store, "file");
    assert_false(file->revalidate);
    struct file *again = open_coding(&store, "file", HTTP_CODING_IDENTITY);
    file_cache_confirm(store.cache, file, again, file_cache_cover_nothing(store.cache, &store.root));
    assert_true(file->is_cached && file->revalidate);
    file_cache_confirm(store.cache, file, again, cache_folders(store.cache, &store.root, SLICE("file")));
    assert_true(file->is_cached && !file->revalidate);
    again->revalidate = true; /* it is behind a link by now */
    file_cache_confirm(store.cache, file, again, cache_folders(store.cache, &store.root, SLICE("file")));
    assert_true(file->is_cached && file->revalidate);
    file_unref(again);
    store_finish(&store);
}

static unsigned long queue_events_max(void)
{
    unsigned long count = 16384;
    FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
    if (file && fscanf(file, "%lu", &count) != 1)
        count = 16384;
    if (file)
        fclose(file);
    return count;
}

/* The kernel gave up telling: whatever was watched is looked at again. */
static void after_an_overflow_nothing_is_believed(void **state)
{
    (void)state;
    struct store store;
    unsigned long count = queue_events_max();
    if (count > 20000)
        skip();
    store_init(&store, 100, 1u << 20);
    put(&store, "file", 10);
    load(&store, "file");
    assert_false(cached(&store, "file")->revalidate);
    /* Two names in turn: equal events one after the other would be one. */
    for (unsigned long i = 0; i <= count / 2; i++) {
        assert_int_equal(mkdirat(store.tree.fd, "a", 0755), 0);
        assert_int_equal(unlinkat(store.tree.fd, "a", AT_REMOVEDIR), 0);
    }
    for (unsigned i = 0; i < 200; i++)
        see_changes(&store);
    assert_true(cached(&store, "file")->revalidate);
    store_finish(&store);
}

static void name_of(char out[16], const char *prefix, int number)
{
    snprintf(out, 16, "%s%d", prefix, number);
}

static int count_of(struct store *store, const char *prefix, int count)
{
    int found = 0;
    for (int i = 0; i < count; i++) {
        char name[16];
        name_of(name, prefix, i);
        found += has(store, name);
    }
    return found;
}

static void the_least_recently_used_goes_first(void **state)
{
    (void)state;
    struct store store;
    char name[16];
    store_init(&store, 8, 1u << 20);
    for (int i = 0; i < 9; i++) {
        name_of(name, "f", i);
        put(&store, name, 10);
    }
    see_changes(&store);
    for (int i = 0; i < 8; i++) {
        name_of(name, "f", i);
        load(&store, name);
    }
    assert_true(has(&store, "f0")); /* and that is a use of it */
    load(&store, "f8");
    assert_true(has(&store, "f0"));
    assert_false(has(&store, "f1"));
    assert_int_equal(count_of(&store, "f", 9), 8);
    store.limits.cache_entries = 3;
    file_cache_set_limits(store.cache, &store.limits);
    assert_int_equal(count_of(&store, "f", 9), 3);
    store_finish(&store);
}

static void memory_is_bounded(void **state)
{
    (void)state;
    struct store store;
    char name[16];
    store_init(&store, 1000, 100000);
    for (int i = 0; i < 20; i++) {
        name_of(name, "f", i);
        put(&store, name, 20000);
    }
    put(&store, "huge", 65536);
    see_changes(&store);
    for (int i = 0; i < 20; i++) {
        name_of(name, "f", i);
        load(&store, name);
    }
    assert_int_equal(count_of(&store, "f", 20), 4);
    store.limits.cache_bytes = 30000;
    file_cache_set_limits(store.cache, &store.limits);
    assert_int_equal(count_of(&store, "f", 20), 1);
    load(&store, "huge");
    assert_false(has(&store, "huge"));
    store.limits.cache_bytes = 0;
    file_cache_set_limits(store.cache, &store.limits);
    load(&store, "f0");
    assert_int_equal(count_of(&store, "f", 20), 0);
    store_finish(&store);
}

/* Nor do inventions push out what exists, or take memory without end. */
static void absent_paths_are_bounded(void **state)
{
    (void)state;
    struct store store;
    char name[16];
    store_init(&store, 40, 1u << 20);
    put(&store, "file", 10);
    load(&store, "file");
    for (int i = 0; i < 100; i++) {
        name_of(name, "no", i);
        load(&store, name);
    }
    assert_int_equal(count_of(&store, "no", 100), 10);
    assert_true(has(&store, "file"));
    store.limits.cache_bytes = 16000;
    store.limits.cache_entries = 4000;
    file_cache_set_limits(store.cache, &store.limits);
    for (int i = 0; i < 100; i++) {
        name_of(name, "no", i);
        load(&store, name);
    }
    assert_in_range(count_of(&store, "no", 100), 1, 5);
    assert_true(has(&store, "file"));
    store_finish(&store);
}

static void shrinking_frees_descriptors(void **state)
{
    (void)state;
    struct store store;
    char name[16];
    store_init(&store, 100, 1u << 20);
    put(&store, "small", 10);
    for (int i = 0; i < 5; i++) {
        name_of(name, "f", i);
        put(&store, name, 100000);
    }
    see_changes(&store);
    assert_false(file_cache_shrink(store.cache));
    load(&store, "small");
    assert_false(file_cache_shrink(store.cache));
    for (int i = 0; i < 5; i++) {
        name_of(name, "f", i);
        load(&store, name);
    }
    static const int left[] = {2, 1, 0};
    for (size_t i = 0; i < ARRAY_LENGTH(left); i++) {
        assert_true(file_cache_shrink(store.cache));
        assert_int_equal(count_of(&store, "f", 5), left[i]);
    }
    assert_false(file_cache_shrink(store.cache));
    assert_true(has(&store, "small"));
    store_finish(&store);
}

static void a_retired_root_is_not_cached(void **state)
{
    (void)state;
    struct store store;
    store_init(&store, 100, 1u << 20);
    put(&store, "file", 10);
    put(&store, "other", 10);
    load(&store, "file");
    struct cache_ticket ticket = cache_folders(store.cache, &store.root, SLICE("other"));
    struct file *file = open_coding(&store, "other", HTTP_CODING_IDENTITY);
    file_cache_retire_root(store.cache, &store.root);
    file_cache_insert(store.cache, file, ticket);
    assert_false(has(&store, "file"));
    assert_false(has(&store, "other"));
    load(&store, "file");
    assert_false(has(&store, "file"));
    file_unref(file);
    store_finish(&store);
}

/* ---- anything at all ---- */

static unsigned chance(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245 + 12345;
    return (*seed >> 16) % below;
}

static const char *const all_paths[] = {
    "f",     "g",     "a",   "b",     "a/f",  "a/g",    "b/f",      "a/b",
    "a/b/f", "a/b/g", "b/a", "b/a/f", "f.br", "a/f.br", "a/b/f.gz",
};

static void change_something(struct store *store, unsigned *seed)
{
    const char *path = all_paths[chance(seed, ARRAY_LENGTH(all_paths))];
    const char *other = all_paths[chance(seed, ARRAY_LENGTH(all_paths))];
    int fd = store->tree.fd;
    int result = 0;
    switch (chance(seed, 8)) {
    case 0:
    case 1:
    case 2: {
        int file_fd = openat(fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (file_fd >= 0) {
            result = ftruncate(file_fd, chance(seed, 1000));
            close(file_fd);
            tree_date(&store->tree, path, 1000 + chance(seed, 100000));
        }
        break;
    }
    case 3: result = unlinkat(fd, path, 0); break;
    case 4: result = unlinkat(fd, path, AT_REMOVEDIR); break;
    case 5: result = mkdirat(fd, path, 0755); break;
    case 6: result = renameat(fd, path, fd, other); break;
    case 7: result = symlinkat(other, fd, path); break;
    }
    (void)result;
}

/* What the cache says without a doubt is what is there. */
static void compare(struct store *store, const char *path, enum http_coding coding)
{
    struct file *cached = file_cache_find(store->cache, &store->root, slice_from(path), coding);
    if (cached && file_cache_believes(store->cache, cached, cached->seen_ms)) {
        struct file *real = open_coding(store, path, coding);
        assert_int_equal(cached->kind, real->kind);
        if (real->kind == FILE_REGULAR) {
            assert_true(file_is_same(&cached->status, &real->status));
            assert_int_equal(cached->siblings, real->siblings);
        }
        file_unref(real);
    }
    file_unref(cached);
}

static void whatever_happens_the_cache_is_true(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        struct store store;
        unsigned random = seed;
        store_init(&store, seed % 4 ? 100 : 4, 1u << 20);
        for (int step = 0; step < 400; step++) {
            unsigned changes = chance(&random, 4);
            for (unsigned i = 0; i < changes; i++) {
                /* Some are asked for between two changes, before the cache is told of the first. */
                change_something(&store, &random);
                load(&store, all_paths[chance(&random, ARRAY_LENGTH(all_paths))]);
            }
            see_changes(&store);
            for (size_t i = 0; i < ARRAY_LENGTH(all_paths); i++) {
                compare(&store, all_paths[i], HTTP_CODING_IDENTITY);
                compare(&store, all_paths[i], HTTP_CODING_BR);
            }
            load(&store, all_paths[chance(&random, ARRAY_LENGTH(all_paths))]);
            load_coding(&store, all_paths[chance(&random, ARRAY_LENGTH(all_paths))], HTTP_CODING_BR);
        }
        store_finish(&store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_is_what_was_inserted),
        cmocka_unit_test(changes_take_files_out),
        cmocka_unit_test(siblings_concern_their_file),
        cmocka_unit_test(a_change_in_between_is_not_cached),
        cmocka_unit_test(what_nobody_watches_is_revalidated),
        cmocka_unit_test(belief_has_an_end),
        cmocka_unit_test(what_is_confirmed_is_as_watched_as_it_is),
        cmocka_unit_test(after_an_overflow_nothing_is_believed),
        cmocka_unit_test(the_least_recently_used_goes_first),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(absent_paths_are_bounded),
        cmocka_unit_test(shrinking_frees_descriptors),
        cmocka_unit_test(a_retired_root_is_not_cached),
        cmocka_unit_test(whatever_happens_the_cache_is_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
