/* A buffer: bytes that grow at the end, up to a limit set by the owner.
 *
 * An append either succeeds completely, or leaves the bytes unchanged and sets `failed`; so a long
 * sequence of appends needs one check at its end. The memory comes from malloc and belongs to the buffer
 * until buffer_finish. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/slice.h"

struct buffer {
    char *data;
    size_t length;
    size_t capacity;
    size_t length_max; /* appends beyond this fail */
    bool failed;       /* an append did not fit or memory ran out; stays until buffer_clear */
};

/* Initialises an empty buffer of at most `length_max` bytes; no memory is allocated yet. */
void buffer_init(struct buffer *buffer, size_t length_max);

/* Frees the memory. The buffer is empty afterwards and may be used again. A zeroed buffer is accepted too. */
void buffer_finish(struct buffer *buffer);

/* Removes the bytes and clears `failed`; keeps the memory. */
void buffer_clear(struct buffer *buffer);

/* Makes room for `extra` more bytes. Returns false and sets `failed` if `length_max` would be exceeded or
 * memory runs out. The append functions below return the same. */
bool buffer_reserve(struct buffer *buffer, size_t extra);

bool buffer_append(struct buffer *buffer, struct slice bytes);
bool buffer_append_byte(struct buffer *buffer, char byte);
bool buffer_append_u64(struct buffer *buffer, uint64_t value);
bool buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

/* Removes `length` bytes from the front; the rest is moved down. */
void buffer_consume(struct buffer *buffer, size_t length);

/* The content; valid until the next call that changes the buffer. */
static inline struct slice buffer_slice(const struct buffer *buffer)
{
    return slice_make(buffer->data, buffer->length);
}

/* Space for a uint64_t in decimal, without NUL. */
#define U64_DIGITS_MAX 20

/* Writes `value` in decimal to `out` (at least U64_DIGITS_MAX bytes, no NUL); returns the number of
 * digits. */
size_t format_u64(char *out, uint64_t value);

#endif
