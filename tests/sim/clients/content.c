/* Eight bytes at a time by splitmix64 of key and position. */
#include "content.h"

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static uint64_t add_text(uint64_t key, struct slice text)
{
    for (size_t i = 0; i < text.length; i++)
        key = mix(key + (unsigned char)text.data[i] + GOLDEN);
    return mix(key + GOLDEN);
}

uint64_t content_key(struct slice path, uint64_t version, struct slice coding)
{
    return add_text(mix(add_text(GOLDEN, path) + version), coding);
}

static uint64_t word_at(uint64_t key, uint64_t offset)
{
    return mix(key + (offset / 8 + 1) * GOLDEN);
}

void content_fill(char *out, uint64_t key, uint64_t offset, size_t length)
{
    for (size_t i = 0; i < length;) {
        uint64_t word = word_at(key, offset + i);
        for (unsigned at = (offset + i) % 8; at < 8 && i < length; at++, i++)
            out[i] = (char)(word >> (8 * at));
    }
}

size_t content_match(struct slice bytes, uint64_t key, uint64_t offset)
{
    char expected[4096];
    for (size_t done = 0; done < bytes.length;) {
        size_t length = MIN(bytes.length - done, sizeof(expected));
        content_fill(expected, key, offset + done, length);
        for (size_t i = 0; i < length; i++) {
            if (bytes.data[done + i] != expected[i])
                return done + i;
        }
        done += length;
    }
    return bytes.length;
}
