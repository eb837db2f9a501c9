/* The input is an Authorization value. What is taken is, encoded again, the digits of the value; too small a
 * room refuses it and stays as it was. */
#include "fuzz.h"

#include "http/basic.h"

static size_t base64_encode(struct slice bytes, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = 0;
    for (size_t i = 0; i < bytes.length; i += 3) {
        size_t count = MIN(bytes.length - i, (size_t)3);
        uint32_t word = 0;
        for (size_t k = 0; k < 3; k++)
            word = word << 8 | (k < count ? (unsigned char)bytes.data[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            out[length++] = k <= count ? digits[word >> (18 - 6 * k) & 63] : '=';
    }
    return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char room[4096], encoded[8192];
    struct slice value = slice_make((const char *)data, size);
    struct http_basic basic;
    if (size > sizeof(room) || !http_basic_parse(value, room, sizeof(room), &basic))
        return 0;
    size_t length = basic.name.length + 1 + basic.password.length;
    assert(basic.name.data == room && basic.password.data == room + basic.name.length + 1);
    assert(slice_find(basic.name, ':') == basic.name.length &&
           basic.password.data[basic.password.length] == '\0');
    struct slice digits = slice_make(encoded, base64_encode(slice_make(room, length), encoded));
    assert(slice_ends_with(slice_trim(value), digits));
    assert(!http_basic_parse(value, encoded, length, &basic));
    return 0;
}
