/* Headers of tar archives, read back by a small reader of POSIX.1-2001: names, sizes and times at and past
 * what the fixed fields hold. */
#include "../test.h"
#include "tar_reader.h"

#include "files/tar.h"

#include <stdlib.h>

static struct tar_read read_back(const struct tar_entry *entry)
{
    struct buffer out;
    struct tar_read read;
    buffer_init(&out, 1 << 20);
    tar_append_header(&out, entry);
    assert_false(out.failed);
    assert_int_equal(out.length % TAR_BLOCK_BYTES, 0);
    assert_true(tar_read_header(buffer_slice(&out), &read));
    assert_int_equal(read.bytes, out.length);
    buffer_finish(&out);
    return read;
}

static char *name_of(size_t length, const char *pattern)
{
    char *name = malloc(length + 1);
    for (size_t i = 0; i < length; i++)
        name[i] = pattern[i % strlen(pattern)];
    name[length] = '\0';
    return name;
}

static void names_of_any_length(void **state)
{
    (void)state;
    static const size_t lengths[] = {1,   99,  100, 101,  255,  256,  512,  988,
                                     989, 990, 991, 4095, 9989, 9990, 10001};
    static const char *const patterns[] = {"a", "dir/", "\xc3\xa4", "\xff", "x\n=", "9 path="};
    TABLE_ROWS(i, lengths, "") {
        TABLE_ROWS(j, patterns, patterns[j]) {
            char *name = name_of(lengths[i], patterns[j]);
            struct tar_read read = read_back(&(struct tar_entry){.name = slice_from(name), .size = 7});
            if (!slice_equal(read.name, slice_from(name)))
                fail_msg("%zu bytes of \"%s\": read back %zu bytes", lengths[i], patterns[j],
                         read.name.length);
            assert_int_equal(read.size, 7);
            assert_int_equal(read.has_pax, lengths[i] > 100);
            tar_read_free(&read);
            free(name);
        }
    }
}

static void sizes_of_any_file(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0,
                                     1,
                                     511,
                                     512,
                                     513,
                                     (UINT64_C(1) << 33) - 1,
                                     UINT64_C(1) << 33,
                                     (UINT64_C(1) << 33) + 1,
                                     UINT64_C(1) << 40,
                                     INT64_MAX};
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        struct tar_read read = read_back(&(struct tar_entry){.name = SLICE("f"), .size = sizes[i]});
        if (read.size != sizes[i])
            fail_msg("%llu bytes: read back %llu", (unsigned long long)sizes[i],
                     (unsigned long long)read.size);
        tar_read_free(&read);
    }
}

static void times_of_any_year(void **state)
{
    (void)state;
    static const int64_t times[] = {
        0, 1, -1, -86400, INT64_C(1) << 33, (INT64_C(1) << 33) - 1, INT64_C(1) << 40, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < ARRAY_LENGTH(times); i++) {
        struct tar_read read =
            read_back(&(struct tar_entry){.name = SLICE("f"), .modified_seconds = times[i]});
        if (read.modified_seconds != times[i])
            fail_msg("%lld: read back %lld", (long long)times[i], (long long)read.modified_seconds);
        tar_read_free(&read);
    }
}

static void kinds_and_modes(void **state)
{
    (void)state;
    static const struct {
        const char *title;
        struct tar_entry entry;
        char type;
        unsigned mode;
    } cases[] = {
        {"a file", {.name = SLICE("f")}, '0', 0644},
        {"a program", {.name = SLICE("f"), .is_executable = true}, '0', 0755},
        {"a folder", {.name = SLICE("f/"), .is_folder = true}, '5', 0755},
    };
    TABLE_ROWS(i, cases, cases[i].title) {
        struct tar_read read = read_back(&cases[i].entry);
        assert_int_equal(read.type, cases[i].type);
        assert_int_equal(read.mode, cases[i].mode);
        tar_read_free(&read);
    }
}

static void padding_fills_the_last_block(void **state)
{
    (void)state;
    static const struct {
        uint64_t size;
        size_t padding;
    } cases[] = {{0, 0},
                 {1, 511},
                 {511, 1},
                 {512, 0},
                 {513, 511},
                 {UINT64_C(9) << 30, 0},
                 {(UINT64_C(9) << 30) + 5, 507}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct buffer out;
        buffer_init(&out, 1024);
        tar_append_padding(&out, cases[i].size);
        if (out.length != cases[i].padding)
            fail_msg("%llu bytes: padded with %zu", (unsigned long long)cases[i].size, out.length);
        buffer_finish(&out);
    }
}

static void the_end_is_two_empty_blocks(void **state)
{
    (void)state;
    static const char zeros[2 * TAR_BLOCK_BYTES];
    struct buffer out;
    buffer_init(&out, 4096);
    tar_append_end(&out);
    assert_int_equal(out.length, sizeof(zeros));
    assert_memory_equal(out.data, zeros, sizeof(zeros));
    buffer_finish(&out);
}

static void a_failure_stays_in_the_buffer(void **state)
{
    (void)state;
    char *name = name_of(2000, "n");
    for (size_t room = 0; room < 3 * TAR_BLOCK_BYTES; room += 100) {
        struct buffer out;
        buffer_init(&out, room);
        tar_append_header(&out, &(struct tar_entry){.name = slice_from(name)});
        assert_true(out.failed);
        buffer_finish(&out);
    }
    free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_any_length),
        cmocka_unit_test(sizes_of_any_file),
        cmocka_unit_test(times_of_any_year),
        cmocka_unit_test(kinds_and_modes),
        cmocka_unit_test(padding_fills_the_last_block),
        cmocka_unit_test(the_end_is_two_empty_blocks),
        cmocka_unit_test(a_failure_stays_in_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
