/* Memory for OpenSSL: blocks of each size, moved, freed by other threads, and given back. */
#include "tests/unit/test.h"

#include "tls/memory.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#define COUNT 3000

/* With AddressSanitizer the blocks are malloc's, and there are no slabs. */
static bool has_slabs;

struct held {
    unsigned char *bytes;
    size_t size;
};

static void fill(struct held *held, size_t size)
{
    *held = (struct held){OPENSSL_malloc(size), size};
    assert_non_null(held->bytes);
    assert_int_equal((uintptr_t)held->bytes % (size % 16 == 0 ? 16 : 8), 0);
    memset(held->bytes, (int)(size & 0xff), size);
}

static void check(const struct held *held, size_t size)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(held->bytes[i], held->size & 0xff);
}

static void blocks_of_all_sizes_are_apart(void **state)
{
    (void)state;
    static struct held all[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        fill(&all[i], 1 + i * 7 % 1200);
    for (size_t i = 0; i < COUNT; i += 2) {
        check(&all[i], all[i].size);
        OPENSSL_free(all[i].bytes);
        fill(&all[i], 1 + i * 11 % 1200);
    }
    for (size_t i = 0; i < COUNT; i++) {
        check(&all[i], all[i].size);
        OPENSSL_free(all[i].bytes);
    }
}

/* OpenSSL asks for one with each record: the last two are kept, and no more. */
static void buffers_of_records_come_back(void **state)
{
    (void)state;
    unsigned char *buffers[4];
    if (!has_slabs)
        skip();
    for (size_t i = 0; i < ARRAY_LENGTH(buffers); i++) {
        buffers[i] = OPENSSL_malloc(16800 + 16 * i);
        assert_non_null(buffers[i]);
        memset(buffers[i], (int)i, 16800 + 16 * i);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(buffers); i++)
        OPENSSL_free(buffers[i]);
    assert_ptr_equal(OPENSSL_malloc(16816), buffers[1]); /* the first is too short */
    assert_ptr_equal(OPENSSL_malloc(16384), buffers[0]);
    OPENSSL_free(buffers[0]);
    OPENSSL_free(buffers[1]);
}

static void a_block_keeps_its_bytes_when_it_moves(void **state)
{
    (void)state;
    for (size_t from = 1; from <= 1100; from += 13) {
        for (size_t to = 1; to <= 2200; to += 99) {
            struct held held;
            fill(&held, from);
            held.bytes = OPENSSL_realloc(held.bytes, to);
            assert_non_null(held.bytes);
            check(&held, MIN(from, to));
            OPENSSL_free(held.bytes);
        }
    }
}

static void *free_and_take(void *blocks)
{
    struct held *all = blocks;
    for (size_t i = 0; i < COUNT; i++) {
        check(&all[i], all[i].size);
        OPENSSL_free(all[i].bytes);
        fill(&all[i], 1 + i % 300);
    }
    return NULL;
}

static void another_thread_frees_them(void **state)
{
    (void)state;
    static struct held all[2][COUNT];
    pthread_t threads[2];
    for (size_t of = 0; of < 2; of++)
        for (size_t i = 0; i < COUNT; i++)
            fill(&all[of][i], 1 + i % 300);
    size_t before = tls_memory_bytes();
    for (size_t of = 0; of < 2; of++)
        assert_int_equal(pthread_create(&threads[of], NULL, free_and_take, all[of]), 0);
    for (size_t of = 0; of < 2; of++)
        assert_int_equal(pthread_join(threads[of], NULL), 0);
    for (size_t of = 0; of < 2; of++)
        for (size_t i = 0; i < COUNT; i++)
            OPENSSL_free(all[of][i].bytes);
    /* What they freed is used again. */
    for (size_t i = 0; i < COUNT; i++)
        fill(&all[0][i], 1 + i % 300);
    assert_true(tls_memory_bytes() <= before);
    for (size_t i = 0; i < COUNT; i++)
        OPENSSL_free(all[0][i].bytes);
}

static size_t trim_all(void)
{
    size_t calls = 1;
    while (tls_memory_trim())
        calls++;
    return calls;
}

static void what_is_not_used_is_given_back(void **state)
{
    (void)state;
    static struct held all[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        fill(&all[i], 500);
    size_t most = tls_memory_bytes();
    for (size_t i = 1; i < COUNT; i++)
        OPENSSL_free(all[i].bytes);
    trim_all();
    check(&all[0], 500);
    size_t least = tls_memory_bytes();
    assert_true(has_slabs ? most >= 500 * COUNT && least < most / 4 : least == 0);
    /* The slabs are used again, also for blocks of another size. */
    for (size_t i = 1; i < COUNT; i++)
        fill(&all[i], i % 2 ? 700 : 500);
    for (size_t i = 0; i < COUNT; i++)
        check(&all[i], all[i].size);
    assert_true(tls_memory_bytes() <= most * 2);
    for (size_t i = 0; i < COUNT; i++)
        OPENSSL_free(all[i].bytes);
    trim_all();
    assert_true(tls_memory_bytes() <= least);
}

/* A turn of the loop is not to take longer after a greater peak. */
static void a_call_gives_back_so_much_and_no_more(void **state)
{
    (void)state;
    enum { BLOCKS = 20000, BYTES = 1024, AT_ONCE = 64 * 65536 };
    static void *blocks[BLOCKS];
    if (!has_slabs)
        skip();
    trim_all();
    size_t least = tls_memory_bytes();
    for (size_t i = 0; i < BLOCKS; i++)
        assert_non_null(blocks[i] = OPENSSL_malloc(BYTES));
    for (size_t i = 0; i < BLOCKS; i++)
        OPENSSL_free(blocks[i]);
    size_t before = tls_memory_bytes();
    assert_true(before > 4 * AT_ONCE);
    assert_true(tls_memory_trim());
    assert_int_equal(tls_memory_bytes(), before - AT_ONCE);
    /* Meanwhile what is left is used first. */
    assert_non_null(blocks[0] = OPENSSL_malloc(BYTES));
    assert_int_equal(tls_memory_bytes(), before - AT_ONCE);
    OPENSSL_free(blocks[0]);
    assert_int_equal(trim_all(), (before - least - 1) / AT_ONCE);
    assert_int_equal(tls_memory_bytes(), least);
}

/* One block after the other, as of a busy server: it is not given back and asked for again each time. */
static void the_last_slab_of_a_size_stays(void **state)
{
    (void)state;
    if (!has_slabs)
        skip();
    void *first = OPENSSL_malloc(900);
    size_t before = tls_memory_bytes();
    OPENSSL_free(first);
    void *again = OPENSSL_malloc(900);
    assert_ptr_equal(again, first);
    OPENSSL_free(again);
    void *of_other_size = OPENSSL_malloc(800);
    assert_int_equal(tls_memory_bytes(), before + 65536);
    OPENSSL_free(of_other_size);
    trim_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_all_sizes_are_apart),
        cmocka_unit_test(buffers_of_records_come_back),
        cmocka_unit_test(a_block_keeps_its_bytes_when_it_moves),
        cmocka_unit_test(another_thread_frees_them),
        cmocka_unit_test(what_is_not_used_is_given_back),
        cmocka_unit_test(a_call_gives_back_so_much_and_no_more),
        cmocka_unit_test(the_last_slab_of_a_size_stays),
    };
    tls_memory_use();
#ifndef VIF_ASAN
    has_slabs = true;
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
