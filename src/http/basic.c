/* The scheme's name, base64, and the first colon. Strict, so that one password has one form only. */
#include "http/basic.h"

#include "base/compiler.h"

/* Negative for other characters. */
static int base64_digit(char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

/* Four digits, the last or the last two of which may be padding at the end of the text. Returns how many
 * bytes they are, or 0 if they are none. */
static size_t decode_four(const char *digits, bool is_last, unsigned char bytes[3])
{
    size_t count = !is_last || digits[3] != '=' ? 3 : digits[2] != '=' ? 2 : 1;
    uint32_t word = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = i <= count ? base64_digit(digits[i]) : 0;
        if (digit < 0)
            return 0;
        word = word << 6 | (uint32_t)digit;
    }
    for (size_t i = 0; i < 3; i++)
        bytes[i] = (unsigned char)(word >> (16 - 8 * i));
    bool has_rest = (count < 3 && bytes[2] != 0) || (count < 2 && bytes[1] != 0);
    return has_rest ? 0 : count;
}

/* Returns the number of bytes, which is less than `size`, or 0 if the text is not base64. */
static size_t base64_decode(struct slice text, char *room, size_t size)
{
    size_t length = 0;
    if (text.length == 0 || text.length % 4 != 0 || text.length / 4 * 3 >= size)
        return 0;
    for (size_t i = 0; i < text.length; i += 4) {
        unsigned char bytes[3];
        size_t count = decode_four(text.data + i, i + 4 == text.length, bytes);
        if (count == 0)
            return 0;
        memcpy(room + length, bytes, count);
        length += count;
    }
    return length;
}

static bool has_controls(struct slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return true;
    }
    return false;
}

bool http_basic_parse(struct slice value, char *room, size_t size, struct http_basic *ret_basic)
{
    struct slice scheme = SLICE("Basic ");
    if (!slice_equal_nocase(slice_take(value, MIN(scheme.length, value.length)), scheme))
        return false;
    struct slice digits = slice_trim(slice_skip(value, scheme.length));
    struct slice text = slice_make(room, base64_decode(digits, room, size));
    size_t colon = slice_find(text, ':');
    if (colon == text.length || has_controls(text))
        return false;
    room[text.length] = '\0';
    *ret_basic = (struct http_basic){slice_take(text, colon), slice_skip(text, colon + 1)};
    return true;
}
