/* A header is a block of fixed fields, with numbers in octal. Values that do not fit are written as text
 * (pax records) in an entry of type 'x' before it. Programs that do not support pax see a file with a
 * truncated name. */
#include "files/tar.h"

#include <stdio.h>

/* Eleven octal digits. */
#define OCTAL_MAX ((UINT64_C(1) << 33) - 1)

/* POSIX.1-1988 section 10.1.1, "ustar". */
struct tar_header {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link_name[100];
    char magic[6];
    char version[2];
    char user[32];
    char group[32];
    char device_major[8];
    char device_minor[8];
    char prefix[155];
    char unused[12];
};

static_assert(sizeof(struct tar_header) == TAR_BLOCK_BYTES, "nothing is between the fields");

/* Writes a number in octal with leading zeros and a NUL. */
static void put_octal(char *field, size_t size, uint64_t value)
{
    field[size - 1] = '\0';
    for (size_t i = size - 1; i > 0; i--, value >>= 3)
        field[i - 1] = (char)('0' + (value & 7));
}

/* The sum of all bytes, with blanks in the checksum field. */
static void put_checksum(struct tar_header *header)
{
    const unsigned char *bytes = (const unsigned char *)header;
    uint64_t sum = 0;
    memset(header->checksum, ' ', sizeof(header->checksum));
    for (size_t i = 0; i < sizeof(*header); i++)
        sum += bytes[i];
    put_octal(header->checksum, 7, sum);
}

static void append_block(struct buffer *out, struct slice name, char type, unsigned mode, uint64_t size,
                         int64_t modified_seconds)
{
    struct tar_header header = {.type = type, .magic = "ustar", .version = {'0', '0'}};
    memcpy(header.name, name.data, MIN(name.length, sizeof(header.name)));
    put_octal(header.mode, sizeof(header.mode), mode);
    put_octal(header.uid, sizeof(header.uid), 0);
    put_octal(header.gid, sizeof(header.gid), 0);
    put_octal(header.size, sizeof(header.size), MIN(size, OCTAL_MAX));
    put_octal(header.mtime, sizeof(header.mtime), MIN((uint64_t)MAX(modified_seconds, 0), OCTAL_MAX));
    put_octal(header.device_major, sizeof(header.device_major), 0);
    put_octal(header.device_minor, sizeof(header.device_minor), 0);
    put_checksum(&header);
    buffer_append(out, slice_make((const char *)&header, sizeof(header)));
}

/* Appends "LENGTH key=value\n"; the length includes its own digits. */
static void append_record(struct buffer *records, const char *key, struct slice value)
{
    size_t rest = strlen(" =\n") + strlen(key) + value.length;
    size_t length = rest, before = 0;
    while (length != before) {
        char digits[U64_DIGITS_MAX];
        before = length;
        length = rest + format_u64(digits, length);
    }
    buffer_printf(records, "%zu %s=", length, key);
    buffer_append(records, value);
    buffer_append_byte(records, '\n');
}

static void append_number_record(struct buffer *records, const char *key, int64_t value)
{
    char text[U64_DIGITS_MAX + 2];
    int length = snprintf(text, sizeof(text), "%lld", (long long)value);
    append_record(records, key, slice_make(text, (size_t)length));
}

static void append_records(struct buffer *records, const struct tar_entry *entry)
{
    if (entry->name.length > sizeof((struct tar_header){0}.name))
        append_record(records, "path", entry->name);
    if (entry->size > OCTAL_MAX)
        append_number_record(records, "size", (int64_t)entry->size);
    if (entry->modified_seconds < 0 || entry->modified_seconds > (int64_t)OCTAL_MAX)
        append_number_record(records, "mtime", entry->modified_seconds);
}

void tar_append_header(struct buffer *out, const struct tar_entry *entry)
{
    struct buffer records;
    buffer_init(&records, entry->name.length + 256);
    append_records(&records, entry);
    if (records.length > 0) {
        append_block(out, SLICE("pax-header"), 'x', 0644, records.length, 0);
        buffer_append(out, buffer_slice(&records));
        tar_append_padding(out, records.length);
    }
    out->failed |= records.failed;
    buffer_finish(&records);
    append_block(out, entry->name, entry->is_folder ? '5' : '0',
                 entry->is_folder || entry->is_executable ? 0755 : 0644, entry->size,
                 entry->modified_seconds);
}

static void append_zeros(struct buffer *out, size_t count)
{
    static const char zeros[TAR_BLOCK_BYTES];
    buffer_append(out, slice_make(zeros, count));
}

void tar_append_padding(struct buffer *out, uint64_t size)
{
    append_zeros(out, (size_t)(-size % TAR_BLOCK_BYTES));
}

void tar_append_end(struct buffer *out)
{
    append_zeros(out, TAR_BLOCK_BYTES);
    append_zeros(out, TAR_BLOCK_BYTES);
}
