/* A buffer: bytes that grow at the end, up to a bound that its owner names.
 *
 * Every append either succeeds whole or leaves the buffer as it was and marks it `failed`; so a long sequence
 * of appends needs one check at its end. The memory comes from malloc and is the buffer's until
 * buffer_finish. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/slice.h"

struct buffer {
    char *data;
    size_t length;
    size_t capacity;
    size_t length_max; /* appends past this fail */
    bool failed;       /* an append did not fit or memory ran out; stays until buffer_clear */
};

/* Empty, without memory yet; never longer than `length_max` bytes. */
void buffer_init(struct buffer *buffer, size_t length_max);

/* Gives the memory back. The buffer is empty afterwards and may be used again; also right on a zeroed one. */
void buffer_finish(struct buffer *buffer);

/* Forgets the bytes and the failure, keeps the memory. */
void buffer_clear(struct buffer *buffer);

/* Makes room for `extra` more bytes; false (and `failed`) where the bound or memory says no. */
bool buffer_reserve(struct buffer *buffer, size_t extra);

bool buffer_append(struct buffer *buffer, struct slice bytes);
bool buffer_append_byte(struct buffer *buffer, char byte);
bool buffer_append_u64(struct buffer *buffer, uint64_t value);
bool buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

/* Drops `length` bytes from the front; what remains moves down. */
void buffer_consume(struct buffer *buffer, size_t length);

/* What is in it; valid until the next call that changes the buffer. */
static inline struct slice buffer_slice(const struct buffer *buffer)
{
    return slice_make(buffer->data, buffer->length);
}

/* Room for a uint64_t in decimal, without NUL. */
#define U64_DIGITS_MAX 20

/* Writes `value` in decimal at `out` (at least U64_DIGITS_MAX bytes, no NUL); returns the count of digits. */
size_t format_u64(char *out, uint64_t value);

#endif
