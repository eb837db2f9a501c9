/* ClientHellos made byte by byte: a message with extensions of the test's choice, cut into records. */
#ifndef TESTS_UNIT_TLS_HELLO_BUILDER_H
#define TESTS_UNIT_TLS_HELLO_BUILDER_H

#include "base/buffer.h"

#include <stdlib.h>

static inline void hello_number(struct buffer *out, uint32_t number, int bytes)
{
    while (bytes-- > 0)
        buffer_append_byte(out, (char)(number >> 8 * bytes));
}

static inline void hello_extension(struct buffer *out, uint16_t type, struct slice content)
{
    hello_number(out, type, 2);
    hello_number(out, (uint32_t)content.length, 2);
    buffer_append(out, content);
}

static inline void hello_name(struct buffer *out, struct slice name)
{
    struct buffer content;
    buffer_init(&content, 1024);
    hello_number(&content, (uint32_t)name.length + 3, 2);
    buffer_append_byte(&content, 0);
    hello_number(&content, (uint32_t)name.length, 2);
    buffer_append(&content, name);
    hello_extension(out, 0, buffer_slice(&content));
    buffer_finish(&content);
}

/* The message, with two suites; without any extensions where `extensions` has no data. */
static inline void hello_message(struct buffer *out, struct slice extensions)
{
    struct buffer body;
    buffer_init(&body, 1 << 17);
    hello_number(&body, 0x0303, 2);
    for (int i = 0; i < 32; i++)
        buffer_append_byte(&body, (char)i);
    buffer_append(&body, SLICE("\0"));               /* no session */
    buffer_append(&body, SLICE("\0\4\x13\1\x13\2")); /* suites */
    buffer_append(&body, SLICE("\1\0"));             /* no compression */
    if (extensions.data != NULL) {
        hello_number(&body, (uint32_t)extensions.length, 2);
        buffer_append(&body, extensions);
    }
    buffer_append_byte(out, 1);
    hello_number(out, (uint32_t)body.length, 3);
    buffer_append(out, buffer_slice(&body));
    buffer_finish(&body);
}

/* Cuts a message into records of at most `bytes_max` each. */
static inline void hello_records(struct buffer *out, struct slice message, size_t bytes_max)
{
    while (message.length > 0) {
        struct slice part = slice_take(message, MIN(message.length, bytes_max));
        buffer_append(out, SLICE("\x16\3\1"));
        hello_number(out, (uint32_t)part.length, 2);
        buffer_append(out, part);
        message = slice_skip(message, part.length);
    }
}

#endif
