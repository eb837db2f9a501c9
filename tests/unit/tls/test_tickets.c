/* Ticket keys: rotation, files, and readers in other processes while they change. */
#include "tests/unit/tls/pki.h"

#include "tls/tickets.h"

#include <sys/mman.h>
#include <sys/wait.h>

static void rotates(void **state)
{
    (void)state;
    struct tls_ticket_keys keys = {0};
    struct tls_ticket_key first, key;
    bool is_newest;
    assert_false(tls_ticket_keys_newest(&keys, &key));
    tls_ticket_keys_rotate(&keys);
    assert_true(tls_ticket_keys_newest(&keys, &first));
    for (uint32_t i = 1; i < TLS_TICKET_KEYS_MAX; i++) {
        tls_ticket_keys_rotate(&keys);
        assert_int_equal(keys.count, i + 1);
        assert_true(tls_ticket_keys_newest(&keys, &key));
        assert_memory_not_equal(&key, &first, sizeof(key));
        assert_true(tls_ticket_keys_find(&keys, key.name, &key, &is_newest));
        assert_true(is_newest);
        assert_true(tls_ticket_keys_find(&keys, first.name, &key, &is_newest));
        assert_false(is_newest);
        assert_memory_equal(&key, &first, sizeof(key));
    }
    tls_ticket_keys_rotate(&keys);
    assert_int_equal(keys.count, TLS_TICKET_KEYS_MAX);
    assert_false(tls_ticket_keys_find(&keys, first.name, &key, &is_newest));
    assert_int_equal(keys.generation, 2 * (TLS_TICKET_KEYS_MAX + 1));
}

static void reads_files(void **state)
{
    (void)state;
    struct tree tree;
    struct tls_ticket_keys keys = {0};
    struct tls_ticket_key key;
    struct tls_report report = {0};
    bool is_newest;
    char bytes[6 * 80];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i / 80 + 'a');
    tree_init(&tree);
    const char *path = pki_write_text(&tree, "keys", slice_make(bytes, 160));
    assert_true(tls_ticket_keys_read_file(&keys, path, &report));
    assert_int_equal(report.count, 0);
    assert_true(tls_ticket_keys_newest(&keys, &key));
    assert_memory_equal(&key, bytes, 80);
    assert_true(tls_ticket_keys_find(&keys, (const uint8_t *)bytes + 80, &key, &is_newest));
    assert_false(is_newest);
    static const size_t lengths[] = {0, 48, 79, 81, 5 * 80};
    TABLE_ROWS(i, lengths, "") {
        report = (struct tls_report){0};
        pki_write_text(&tree, "keys", slice_make(bytes, lengths[i]));
        assert_false(tls_ticket_keys_read_file(&keys, path, &report));
        assert_non_null(
            strstr(tls_report_gravest(&report), "ticket keys are 1 to 4 times 80 (openssl rand 80)"));
    }
    assert_int_equal(keys.count, 2);
    report = (struct tls_report){0};
    pki_write_text(&tree, "keys", slice_make(bytes, 80));
    chmod(path, 0644);
    assert_true(tls_ticket_keys_read_file(&keys, path, &report));
    assert_non_null(strstr(tls_report_gravest(&report), "every user of this machine may read the key"));
    assert_int_equal(keys.count, 1);
    assert_false(tls_ticket_keys_read_file(&keys, "/nowhere/keys", &report));
    tree_finish(&tree);
}

/* Every key that a reader gets must be a whole one: here all its bytes are the same. */
static void read_until_told(const struct tls_ticket_keys *keys, const bool *stop)
{
    while (!__atomic_load_n(stop, __ATOMIC_ACQUIRE)) {
        struct tls_ticket_key key;
        if (!tls_ticket_keys_newest(keys, &key))
            _exit(1);
        const char *bytes = (const char *)&key;
        for (size_t i = 1; i < sizeof(key); i++)
            if (bytes[i] != bytes[0])
                _exit(2);
    }
    _exit(0);
}

static void readers_never_see_half_a_key(void **state)
{
    (void)state;
    struct shared {
        struct tls_ticket_keys keys;
        bool stop;
    } *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    struct tree tree;
    struct tls_report report = {0};
    const char *paths[2];
    char bytes[320];
    tree_init(&tree);
    for (int i = 0; i < 2; i++) {
        memset(bytes, i ? 'x' : 'y', sizeof(bytes));
        paths[i] = pki_write_text(&tree, i ? "x" : "y", slice_make(bytes, sizeof(bytes)));
    }
    assert_true(tls_ticket_keys_read_file(&shared->keys, paths[0], &report));
    pid_t reader = fork();
    if (reader == 0)
        read_until_told(&shared->keys, &shared->stop);
    for (int i = 0; i < 3000; i++)
        assert_true(tls_ticket_keys_read_file(&shared->keys, paths[i % 2], &report));
    __atomic_store_n(&shared->stop, true, __ATOMIC_RELEASE);
    int status;
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_int_equal(status, 0);
    munmap(shared, sizeof(*shared));
    tree_finish(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotates),
        cmocka_unit_test(reads_files),
        cmocka_unit_test(readers_never_see_half_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
