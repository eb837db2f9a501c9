/* Reads a header of a tar archive by what POSIX.1-2001 says, without the code that wrote it; for a unit test
 * and a fuzzer. Whatever is not as it must be is no header. */
#ifndef TESTS_UNIT_FILES_TAR_READER_H
#define TESTS_UNIT_FILES_TAR_READER_H

#include "base/slice.h"

#include <stdlib.h>

struct tar_read {
    char *text; /* of the name */
    struct slice name;
    uint64_t size;
    int64_t modified_seconds;
    unsigned mode;
    char type;
    bool has_pax;
    size_t bytes; /* of all blocks of the header */
};

static inline void tar_read_free(struct tar_read *read)
{
    free(read->text);
}

/* Digits from the left, then a NUL to the end of the field. */
static inline bool tar_read_octal(struct slice field, uint64_t *ret_value)
{
    *ret_value = 0;
    for (size_t i = 0; i + 1 < field.length; i++) {
        if (field.data[i] < '0' || field.data[i] > '7')
            return false;
        *ret_value = *ret_value << 3 | (uint64_t)(field.data[i] - '0');
    }
    return field.data[field.length - 1] == '\0' || field.data[field.length - 1] == ' ';
}

static inline bool tar_read_checksum(struct slice block)
{
    uint64_t expected, sum = 0;
    if (!tar_read_octal(slice_make(block.data + 148, 7), &expected) || block.data[155] != ' ')
        return false;
    for (size_t i = 0; i < 512; i++)
        sum += i >= 148 && i < 156 ? ' ' : (unsigned char)block.data[i];
    return sum == expected;
}

static inline void tar_read_set_name(struct tar_read *read, struct slice name)
{
    free(read->text);
    read->text = malloc(name.length + 1);
    memcpy(read->text, name.data, name.length);
    read->name = slice_make(read->text, name.length);
}

static inline bool tar_read_block(struct slice block, struct tar_read *read)
{
    uint64_t mode = 0, seconds = 0;
    size_t length = 0;
    if (block.length < 512 || !tar_read_checksum(block) || memcmp(block.data + 257, "ustar\00000", 8) != 0 ||
        block.data[345] != '\0')
        return false;
    while (length < 100 && block.data[length] != '\0')
        length++;
    tar_read_set_name(read, slice_make(block.data, length));
    bool is_good = tar_read_octal(slice_make(block.data + 100, 8), &mode) &&
                   tar_read_octal(slice_make(block.data + 124, 12), &read->size) &&
                   tar_read_octal(slice_make(block.data + 136, 12), &seconds);
    read->mode = (unsigned)mode;
    read->modified_seconds = (int64_t)seconds;
    read->type = block.data[156];
    return is_good;
}

/* "LENGTH key=value\n", one behind the other. Only the keys that vif writes, each at most once. */
static inline bool tar_read_records(struct slice records, struct tar_read *read)
{
    while (records.length > 0) {
        char *end;
        size_t length = strtoul(records.data, &end, 10);
        size_t digits = (size_t)(end - records.data);
        if (digits == 0 || length > records.length || length < digits + 3 || *end != ' ' ||
            records.data[length - 1] != '\n')
            return false;
        struct slice record = slice_make(end + 1, length - digits - 2);
        size_t key = slice_find(record, '=');
        struct slice value = slice_skip(record, MIN(key + 1, record.length));
        if (slice_starts_with(record, SLICE("path=")))
            tar_read_set_name(read, value);
        else if (slice_starts_with(record, SLICE("size=")))
            read->size = strtoull(value.data, NULL, 10);
        else if (slice_starts_with(record, SLICE("mtime=")))
            read->modified_seconds = strtoll(value.data, NULL, 10);
        else
            return false;
        records = slice_skip(records, length);
    }
    return true;
}

static inline bool tar_read_header(struct slice bytes, struct tar_read *read)
{
    *read = (struct tar_read){0};
    if (!tar_read_block(bytes, read))
        return false;
    read->bytes = 512;
    if (read->type != 'x')
        return true;
    size_t length = (size_t)read->size, padded = (length + 511) / 512 * 512;
    if (bytes.length < 1024 + padded || !tar_read_block(slice_skip(bytes, 512 + padded), read))
        return false;
    for (size_t i = length; i < padded; i++) {
        if (bytes.data[512 + i] != '\0')
            return false;
    }
    read->has_pax = true;
    read->bytes = 1024 + padded;
    return tar_read_records(slice_make(bytes.data + 512, length), read);
}

#endif
