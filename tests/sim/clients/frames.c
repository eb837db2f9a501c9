/* See frames.h. */
#include "frames.h"

size_t frame_payload_length(struct slice input)
{
    const unsigned char *head = (const unsigned char *)input.data;
    return (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
}

uint32_t frame_number(const char *bytes)
{
    const unsigned char *digits = (const unsigned char *)bytes;
    return (uint32_t)digits[0] << 24 | (uint32_t)digits[1] << 16 | (uint32_t)digits[2] << 8 | digits[3];
}

bool frame_read(struct slice input, struct frame *ret_frame)
{
    if (input.length < FRAME_HEAD_BYTES || input.length - FRAME_HEAD_BYTES < frame_payload_length(input))
        return false;
    *ret_frame = (struct frame){
        .type = (uint8_t)input.data[3],
        .flags = (uint8_t)input.data[4],
        .stream = frame_number(input.data + 5) & FRAME_STREAM_LAST,
        .payload = slice_make(input.data + FRAME_HEAD_BYTES, frame_payload_length(input)),
    };
    return true;
}

void frame_write_number(struct buffer *out, uint32_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buffer_append_byte(out, (char)(number >> shift));
}

void frame_write_head(struct buffer *out, size_t length, uint8_t type, uint8_t flags, uint32_t stream)
{
    frame_write_number(out, (uint32_t)length << 8 | type);
    buffer_append_byte(out, (char)flags);
    frame_write_number(out, stream);
}

void frame_write(struct buffer *out, uint8_t type, uint8_t flags, uint32_t stream, struct slice payload)
{
    frame_write_head(out, payload.length, type, flags, stream);
    buffer_append(out, payload);
}

void frame_write_setting(struct buffer *payload, enum frame_setting setting, uint32_t value)
{
    buffer_append_byte(payload, (char)(setting >> 8));
    buffer_append_byte(payload, (char)setting);
    frame_write_number(payload, value);
}

/* A string without Huffman coding (RFC 7541 section 5.2), its length in a prefix of seven bits. */
static void write_string(struct buffer *block, struct slice text)
{
    size_t length = text.length;
    if (length < 127) {
        buffer_append_byte(block, (char)length);
    } else {
        buffer_append_byte(block, 127);
        for (length -= 127; length >= 128; length >>= 7)
            buffer_append_byte(block, (char)(length | 128));
        buffer_append_byte(block, (char)length);
    }
    buffer_append(block, text);
}

void frame_write_header(struct buffer *block, struct slice name, struct slice value)
{
    buffer_append_byte(block, 0);
    write_string(block, name);
    write_string(block, value);
}
