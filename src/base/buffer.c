/* Growing buffers. The capacity doubles, so that n appends cost O(n). The limit is checked before memory
 * is requested. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUFFER_CAPACITY_FIRST 256

void buffer_init(struct buffer *buffer, size_t length_max)
{
    *buffer = (struct buffer){.length_max = length_max};
}

void buffer_finish(struct buffer *buffer)
{
    free(buffer->data);
    buffer_init(buffer, buffer->length_max);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
}

bool buffer_reserve(struct buffer *buffer, size_t extra)
{
    assert(buffer->length <= buffer->capacity && buffer->capacity <= buffer->length_max);
    if (LIKELY(extra <= buffer->capacity - buffer->length))
        return true;
    if (extra > buffer->length_max - buffer->length) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->length + extra;
    size_t capacity = MAX(buffer->capacity * 2, (size_t)BUFFER_CAPACITY_FIRST);
    capacity = MIN(MAX(capacity, needed), buffer->length_max);
    char *data = realloc(buffer->data, capacity + 1); /* + 1: the NUL of vsnprintf */
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool buffer_append(struct buffer *buffer, struct slice bytes)
{
    if (bytes.length == 0)
        return true;
    if (!buffer_reserve(buffer, bytes.length))
        return false;
    assert(bytes.data != NULL);
    memcpy(buffer->data + buffer->length, bytes.data, bytes.length);
    buffer->length += bytes.length;
    return true;
}

bool buffer_append_byte(struct buffer *buffer, char byte)
{
    return buffer_append(buffer, slice_make(&byte, 1));
}

bool buffer_append_u64(struct buffer *buffer, uint64_t value)
{
    char digits[U64_DIGITS_MAX];
    return buffer_append(buffer, slice_make(digits, format_u64(digits, value)));
}

PRINTF_LIKE(2, 0)
static bool append_formatted(struct buffer *buffer, const char *format, va_list values)
{
    va_list again;
    va_copy(again, values);
    int length = vsnprintf(NULL, 0, format, values);
    bool fits = length >= 0 && buffer_reserve(buffer, (size_t)length);
    if (fits && length > 0) {
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    buffer->failed |= !fits;
    va_end(again);
    return fits;
}

bool buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    bool fits = append_formatted(buffer, format, values);
    va_end(values);
    return fits;
}

void buffer_consume(struct buffer *buffer, size_t length)
{
    assert(length <= buffer->length);
    buffer->length -= length;
    if (buffer->length > 0)
        memmove(buffer->data, buffer->data + length, buffer->length);
}

size_t format_u64(char *out, uint64_t value)
{
    char digits[U64_DIGITS_MAX];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    assert(count <= U64_DIGITS_MAX);
    for (size_t i = 0; i < count; i++)
        out[i] = digits[count - 1 - i];
    return count;
}
